/* secret.h - to compare what must not be guessed. */
#ifndef SECRET_H
#define SECRET_H

#include <stddef.h>

/* Returns whether two secrets, `size` bytes each, are different. It looks at all bytes, whichever differ: otherwise a guesser
 * could measure how much of his guess is right. */
int secrets_differ(const void *a, const void *b, size_t size);

#endif
