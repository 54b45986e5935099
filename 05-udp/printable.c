/* printable.c - see printable.h. */
#include "printable.h"

#include "text.h"

#include <string.h>

#define CHARACTER_MAX 4 /* bytes of UTF-8 */

/* Returns where the last character begins if it may not be complete, else `len`. */
static size_t complete_length(const char *data, size_t len) {
    for (size_t n = 1; n < CHARACTER_MAX && n <= len; n++) {
        unsigned char byte = (unsigned char)data[len - n];
        if (byte >= 0xC0) /* the first of several */
            return utf8_length(data + len - n, n) == 0 ? len - n : len;
        if (byte < 0x80)
            break;
    }
    return len;
}

size_t make_printable(char *data, size_t len) {
    size_t complete = complete_length(data, len);
    for (size_t start = 0; start < complete;) {
        const char *feed = memchr(data + start, '\n', complete - start);
        size_t end = feed ? (size_t)(feed - data) : complete;
        text_clean(data + start, end - start);
        start = end + 1;
    }
    return complete;
}
