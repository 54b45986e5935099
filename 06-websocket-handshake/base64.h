/* base64.h - bytes as text of 64 harmless characters (RFC 4648, section 4), and back: three bytes are 24 bits, and 24
 * bits are four characters of 6 bits.
 */
#ifndef BASE64_H
#define BASE64_H

#include <stddef.h>

#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1) /* bytes that the text of n bytes takes, with its NUL */

/* Writes the text of `len` bytes, with padding and a NUL. Returns its length in bytes, BASE64_SIZE(len) - 1. */
size_t base64_encode(char *text, const void *data, size_t len);

/* Writes the bytes, at most len / 4 * 3, that a text of `len` characters stands for. Returns how many, or -1 if it is
 * not exactly what base64_encode() makes of some bytes: it has other characters, wrong padding, or bits behind the last
 * byte. */
long base64_decode(unsigned char *data, const char *text, size_t len);

#endif
