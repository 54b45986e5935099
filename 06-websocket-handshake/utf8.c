/* utf8.c - a check for UTF-8 (RFC 3629) that fails at the first wrong byte. */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* Takes the first byte of a character: from it follows how many come, and the range of the second (RFC 3629,
 * section 4). */
static int utf8_first(struct utf8 *u, unsigned char byte) {
    u->low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;  /* lower would be a longer form than needed */
    u->high = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf; /* surrogates; beyond U+10FFFF */
    u->left = byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    return byte < 0x80 || (byte >= 0xc2 && byte <= 0xf4) ? 0 : -1;
}

int utf8_check(struct utf8 *u, const unsigned char *data, size_t len) {
    uint64_t word;
    for (size_t i = 0; i < len; i++) {
        while (u->left == 0 && len - i >= sizeof word) { /* the fast path: eight bytes of ASCII at a time */
            memcpy(&word, data + i, sizeof word);
            if (word & UINT64_C(0x8080808080808080))
                break;
            i += sizeof word;
        }
        if (i == len)
            break;
        if (u->left == 0) {
            if (utf8_first(u, data[i]) < 0)
                return -1;
        } else if (data[i] >= u->low && data[i] <= u->high) {
            u->low = 0x80;
            u->high = 0xbf;
            u->left--;
        } else {
            return -1;
        }
    }
    return 0;
}

void utf8_blank_controls(unsigned char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (text[i] < ' ' || text[i] == 127)
            text[i] = ' ';
        else if (text[i] == 0xc2 && i + 1 < len && text[i + 1] < 0xa0) /* U+0080 to U+009F */
            text[i] = text[i + 1] = ' ';
    }
}
