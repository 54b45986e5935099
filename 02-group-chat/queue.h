/* queue.h - bytes on their way: added at the end, taken from the front, and no more than fit. */
#ifndef QUEUE_H
#define QUEUE_H

#include <stddef.h>

#define QUEUE_SIZE 65536 /* bytes in it at most */
#define QUEUE_ROOM 16384 /* bytes that are free before we take more: no read and no key takes more */

struct queue { /* a new one is zeros */
    size_t length;
    char data[QUEUE_SIZE];
};

/* Is there room for QUEUE_ROOM bytes more? */
int queue_has_room(const struct queue *q);

/* Adds bytes; if there is no room for all of them, none. Callers see to it that there is. */
void queue_add(struct queue *q, const char *data, size_t len);

/* Adds a line in two parts, the second of `len` bytes, and its LF. */
void queue_line(struct queue *q, const char *first, const char *rest, size_t len);

/* Takes bytes away from the front. */
void queue_take(struct queue *q, size_t len);

#endif
