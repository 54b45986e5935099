/* queue.c - see queue.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "queue.h"

#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE 65536 /* bytes; then it doubles */

size_t queue_length(const struct queue *q) { return q->end - q->start; }

/* Makes room for `len` bytes at the end. */
static void make_room(struct queue *q, size_t len) {
    size_t size = q->size > 0 ? q->size : FIRST_SIZE;
    if (q->start > 0 && q->start >= queue_length(q)) { /* never more to move than was written since */
        memmove(q->data, q->data + q->start, queue_length(q));
        q->end -= q->start;
        q->start = 0;
    }
    while (size - q->end < len)
        size *= 2;
    if (size == q->size)
        return;

    unsigned char *bigger = realloc(q->data, size);
    if (bigger == NULL)
        exit(-complain("what is on its way", "out of memory"));
    q->data = bigger;
    q->size = size;
}

unsigned char *queue_add(struct queue *q, const void *data, size_t len) {
    make_room(q, len);
    unsigned char *at = q->data + q->end;
    if (len > 0)
        memcpy(at, data, len);
    q->end += len;
    return at;
}

ssize_t queue_write(struct queue *q, int fd, size_t most) {
    size_t len = queue_length(q) < most ? queue_length(q) : most;
    ssize_t n = write(fd, q->data + q->start, len);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    q->start += (size_t)n;
    return n;
}
