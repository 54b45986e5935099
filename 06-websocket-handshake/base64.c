/* base64.c - see base64.h. */
#include "base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(char *text, const void *data, size_t len) {
    const unsigned char *bytes = data;
    char *start = text;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3; /* bytes in this group */
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? bytes[i + k] : 0u);
        for (size_t k = 0; k < 4; k++) /* one byte makes two characters, two make three, three make four */
            text[k] = k <= n ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
        text += 4;
    }
    *text = '\0';
    return (size_t)(text - start);
}

/* Returns the 6 bits of a character, -1 if it is not in the alphabet. */
static int value_of(char c) {
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);
    return at ? (int)(at - alphabet) : -1;
}

/* Reads four characters as 24 bits; the last ones count nothing if only `n` bytes are in them. Returns -1 if one is
 * not in the alphabet, or a bit is set behind the last byte: base64_encode() writes none. */
static int32_t read_group(const char *text, size_t n) {
    int32_t bits = 0;
    for (size_t k = 0; k < 4; k++) {
        int value = k <= n ? value_of(text[k]) : 0;
        if (value < 0)
            return -1;
        bits = bits << 6 | value;
    }
    int32_t behind = (1 << 8 * (3 - n)) - 1;
    return bits & behind ? -1 : bits;
}

long base64_decode(unsigned char *data, const char *text, size_t len) {
    size_t padding = 0, size = 0;
    if (len % 4 != 0)
        return -1;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;

    for (size_t i = 0; i < len; i += 4) {
        size_t n = i + 4 < len ? 3 : 3 - padding; /* bytes in this group */
        int32_t bits = read_group(text + i, n);
        if (bits < 0)
            return -1;
        for (size_t k = 0; k < n; k++)
            data[size++] = (unsigned char)(bits >> (16 - 8 * k));
    }
    return (long)size;
}
