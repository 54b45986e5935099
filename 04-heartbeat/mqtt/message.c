/* message.c - see message.h. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

static size_t total;

struct message *message_new(const struct packet *publish) {
    struct bytes topic = publish->topic, payload = publish->payload;
    struct message *m = malloc(sizeof *m + topic.length + payload.length);
    if (m == NULL)
        return NULL;
    memcpy(m->data, topic.data, topic.length);
    if (payload.length > 0)
        memcpy(m->data + topic.length, payload.data, payload.length);
    m->holders = 1;
    m->qos = publish->qos;
    m->retain = publish->retain;
    m->topic = (struct bytes){m->data, topic.length};
    m->payload = (struct bytes){m->data + topic.length, payload.length};
    total += message_size(m);
    return m;
}

struct message *message_hold(struct message *m) {
    m->holders++;
    return m;
}

void message_release(struct message *m) {
    if (m == NULL || --m->holders > 0)
        return;
    total -= message_size(m);
    free(m);
}

size_t message_size(const struct message *m) { return sizeof *m + m->topic.length + m->payload.length; }

size_t message_total(void) { return total; }
