/* secret.c - see secret.h. */
#include "secret.h"

int secrets_differ(const void *a, const void *b, size_t size) {
    const unsigned char *left = a, *right = b;
    volatile unsigned char bits = 0; /* volatile: or the compiler might stop as soon as the answer is clear */
    for (size_t i = 0; i < size; i++)
        bits |= left[i] ^ right[i];
    return bits != 0;
}
