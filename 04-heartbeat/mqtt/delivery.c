/* delivery.c - see delivery.h. */
#include "delivery.h"

#include "wire.h"

#include <stdlib.h>
#include <string.h>

static struct message *message_at(struct delivery *d, int place) {
    return &d->ring[(d->oldest + place) % DELIVERY_MAX];
}

int delivery_is_full(const struct delivery *d) {
    return d->waiting == DELIVERY_MAX || d->bytes >= DELIVERY_BYTES;
}

void delivery_add(struct delivery *d, struct bytes text) {
    struct message *m = message_at(d, d->waiting);
    *m = (struct message){.data = malloc(text.length + 1), .length = text.length};
    if (m->data == NULL)
        exit(-complain("a line of the input", "out of memory"));
    memcpy(m->data, text.data, text.length);
    d->waiting++;
    d->bytes += m->length;
}

/* They go round. The one of a message that still waits is far away: at most DELIVERY_MAX are in use, one behind the
 * other. */
int delivery_new_id(struct delivery *d) {
    d->last_id = d->last_id % 65535 + 1;
    return d->last_id;
}

void delivery_restart(struct delivery *d) {
    d->passed = 0;
    d->under_way = 0;
}

int delivery_has_next(const struct delivery *d) {
    return d->passed < d->waiting && (d->qos == 0 || d->under_way < WINDOW);
}

int delivery_next(struct delivery *d, struct packet *p) {
    struct message *m = message_at(d, d->passed);
    while (delivery_has_next(d) && m->stage == DELIVERED) {
        d->passed++;
        m = message_at(d, d->passed);
    }
    if (!delivery_has_next(d))
        return 0;

    if (m->stage == TYPED && d->qos > 0)
        m->id = delivery_new_id(d);
    *p = (struct packet){.type = PUBREL, .id = m->id};
    if (m->stage != RELEASED) {
        p->type = PUBLISH;
        p->qos = d->qos;
        p->dup = m->stage == SENT && d->qos > 0;
        p->payload = (struct bytes){m->data, m->length};
        m->stage = SENT;
    }
    d->passed++;
    d->under_way++;
    return 1;
}

void delivery_queued(struct delivery *d, long long end) { message_at(d, d->passed - 1)->end = end; }

/* A message is delivered. It leaves, and so do those behind it that had to wait for it. */
static void deliver(struct delivery *d, struct message *m) {
    m->stage = DELIVERED;
    d->under_way--;
    while (d->waiting > 0 && d->ring[d->oldest].stage == DELIVERED) {
        d->bytes -= d->ring[d->oldest].length;
        free(d->ring[d->oldest].data);
        d->oldest = (d->oldest + 1) % DELIVERY_MAX;
        d->waiting--;
        if (d->passed > 0) /* not yet, if it was DELIVERED on an earlier connection */
            d->passed--;
    }
}

void delivery_written(struct delivery *d, long long written) {
    while (d->qos == 0 && d->under_way > 0 && message_at(d, 0)->end <= written)
        deliver(d, message_at(d, 0));
}

/* Returns the message of that number that was sent on this connection, or NULL. */
static struct message *find_message(struct delivery *d, int id) {
    for (int i = 0; i < d->passed; i++) {
        struct message *m = message_at(d, i);
        if (m->id == id && m->stage != DELIVERED)
            return m;
    }
    return NULL;
}

int delivery_answer(struct delivery *d, const struct packet *p) {
    struct message *m = find_message(d, p->id);
    if ((p->type == PUBACK) != (d->qos == 1))
        return -1;
    if (m == NULL)
        return 0;
    if (p->type == PUBREC)
        m->stage = RELEASED;
    else if (p->type == PUBACK || m->stage == RELEASED)
        deliver(d, m);
    else
        return -1;
    return 0;
}
