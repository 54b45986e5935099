/* buffer.h - a queue of bytes that grows up to a bound. */
#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>

struct buffer {    /* a new one is zeros */
    char *data;    /* allocated; NULL: nothing was ever in it */
    size_t length; /* bytes in it */
    size_t size;   /* bytes that it has room for */
};

/* Adds bytes at the end. Returns 0; or -1, and adds none, if it would have more than `max` bytes, or memory is out. */
int buffer_append(struct buffer *b, const char *data, size_t len, size_t max);

/* Takes bytes away from the front. */
void buffer_take(struct buffer *b, size_t len);

/* Gives its memory back; then it is like a new one. */
void buffer_free(struct buffer *b);

#endif
