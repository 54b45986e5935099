/* poke_bytes.h - a string of bytes that grows. */
#ifndef POKE_BYTES_H
#define POKE_BYTES_H

#include <stddef.h>

#define BYTES_MAX                                                                                            \
    (64 << 20) /* bytes: the longest string of a script, and what is kept of a server without end */

struct bytes {           /* all zeros is an empty string */
    unsigned char *data; /* NULL while there was never a byte; freed by the owner of the struct */
    size_t length;       /* bytes in it */
    size_t size;         /* bytes that there is room for; 0 in a struct that only points into another one */
};

/* Makes room for `more` bytes. Ends the program if there is no memory. */
void bytes_reserve(struct bytes *b, size_t more);

/* Appends `len` bytes, which are no part of b. Ends the program if there is no memory. */
void bytes_add(struct bytes *b, const void *data, size_t len);

/* Removes `len` bytes from the front. */
void bytes_take(struct bytes *b, size_t len);

/* Do these bytes stand in b, from its byte `at` on? */
int bytes_have(const struct bytes *b, size_t at, const struct bytes *want);

/* Returns how many bytes at the front of b are equal to those of `want` from its byte `from` on. */
size_t bytes_equal(const struct bytes *b, const struct bytes *want, size_t from);

/* Returns what malloc() and its like returned. Ends the program if that is NULL. */
void *check_memory(void *memory);

#endif
