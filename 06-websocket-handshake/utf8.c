/* utf8.c - see utf8.h. */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* Returns how many bytes follow the first one of a character, -1 if none begins with it. */
static int bytes_after(unsigned char first) {
    if (first < 0x80)
        return 0;
    if (first < 0xc2 || first > 0xf4)
        return -1;
    if (first < 0xe0)
        return 1;
    return first < 0xf0 ? 2 : 3;
}

/* Takes the first byte of a character. From it follows how many come, and between what the second is (RFC 3629,
 * section 4). */
static int take_first(struct utf8 *u, unsigned char byte) {
    int after = bytes_after(byte);
    if (after < 0)
        return -1;
    u->left = (unsigned char)after;
    u->low = 0x80;
    u->high = 0xbf;
    switch (byte) {
    case 0xe0: u->low = 0xa0; break;  /* lower: it would fit in two bytes */
    case 0xed: u->high = 0x9f; break; /* higher: U+D800 to U+DFFF, halves of a character in UTF-16 */
    case 0xf0: u->low = 0x90; break;  /* lower: it would fit in three bytes */
    case 0xf4: u->high = 0x8f; break; /* higher: beyond U+10FFFF */
    }
    return 0;
}

static int take_byte(struct utf8 *u, unsigned char byte) {
    if (u->left == 0)
        return take_first(u, byte);
    if (byte < u->low || byte > u->high)
        return -1;
    u->low = 0x80;
    u->high = 0xbf;
    u->left--;
    return 0;
}

/* Returns how many bytes from here on are ASCII, eight by eight, through memcpy() because they may lie anywhere. */
static size_t skip_ascii(const unsigned char *data, size_t len) {
    size_t n = 0;
    uint64_t word;
    while (len - n >= sizeof word) {
        memcpy(&word, data + n, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        n += sizeof word;
    }
    return n;
}

int utf8_check(struct utf8 *u, const unsigned char *data, size_t len) {
    size_t i = 0;
    while (i < len) {
        if (u->left == 0 && data[i] < 0x80)
            i += skip_ascii(data + i, len - i);
        if (i == len)
            break;
        if (take_byte(u, data[i]) < 0)
            return -1;
        i++;
    }
    return 0;
}
