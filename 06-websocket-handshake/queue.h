/* queue.h - bytes on their way out: added at the end, written from the front. */
#ifndef QUEUE_H
#define QUEUE_H

#include <stddef.h>
#include <sys/types.h>

struct queue { /* zeros: empty. The bytes are data[start] to data[end - 1] */
    unsigned char *data;
    size_t start, end; /* bytes from the beginning of `data` */
    size_t size;       /* bytes of `data` */
};

/* Returns how many bytes are in it. */
size_t queue_length(const struct queue *q);

/* Adds bytes, and returns where they are, until the next call. If memory is out, ends the program with exit code 1. */
unsigned char *queue_add(struct queue *q, const void *data, size_t len);

/* Writes once, `most` bytes at most. Returns how many, 0 if nothing can be written now; or -1 with errno. */
ssize_t queue_write(struct queue *q, int fd, size_t most);

#endif
