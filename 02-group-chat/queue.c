/* queue.c - see queue.h. */
#include "queue.h"

#include <string.h>

int queue_has_room(const struct queue *q) { return QUEUE_SIZE - q->length >= QUEUE_ROOM; }

void queue_add(struct queue *q, const char *data, size_t len) {
    if (len > QUEUE_SIZE - q->length)
        return;
    memcpy(q->data + q->length, data, len);
    q->length += len;
}

void queue_line(struct queue *q, const char *first, const char *rest, size_t len) {
    queue_add(q, first, strlen(first));
    queue_add(q, rest, len);
    queue_add(q, "\n", 1);
}

void queue_take(struct queue *q, size_t len) {
    q->length -= len;
    memmove(q->data, q->data + len, q->length);
}
