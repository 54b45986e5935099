/* delivery.h - messages to be published, kept until they are delivered: the sender's half of the three QoS. All have
 * the same one. Knows no sockets.
 *
 *     QoS 0   PUBLISH                               it is out of our hands when the kernel has taken it
 *     QoS 1   PUBLISH, PUBACK                       until that came, it is sent again on each new connection, with DUP
 *     QoS 2   PUBLISH, PUBREC, PUBREL, PUBCOMP      the same; after the PUBREC only the PUBREL is sent again
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "packet.h"

#define DELIVERY_MAX   1000       /* messages that wait, at most ... */
#define DELIVERY_BYTES (16 << 20) /* ... and how many bytes they have together when no more are taken */
#define WINDOW         20         /* of QoS 1 and 2, sent on this connection and not yet delivered, at most */

enum stage { TYPED, SENT, RELEASED, DELIVERED };

struct message {
    char *data; /* allocated */
    size_t length;
    int id;           /* packet identifier, from SENT on */
    enum stage stage; /* RELEASED: its PUBREC has come */
    long long end;    /* QoS 0: it is delivered when so many bytes of the connection are written */
};

struct delivery { /* zeros but for what the caller sets */
    int qos;      /* set by the caller */

    struct message ring[DELIVERY_MAX];
    int oldest;    /* the index of the oldest message */
    int waiting;   /* messages in the ring; those at its front are not yet DELIVERED */
    int passed;    /* of these, messages that this connection has been through: sent, or DELIVERED already */
    int under_way; /* of these, messages sent on it and not DELIVERED */
    size_t bytes;  /* in the ring */
    int last_id;   /* the latest packet identifier */
};

int delivery_is_full(const struct delivery *d);

/* Adds a message, which is copied; the ring must not be full. If memory is out, ends the program. */
void delivery_add(struct delivery *d, struct bytes text);

/* Returns a packet identifier that is not in use. */
int delivery_new_id(struct delivery *d);

/* There is a new connection: nothing is under way on it. */
void delivery_restart(struct delivery *d);

/* Is there something that delivery_next() would send? */
int delivery_has_next(const struct delivery *d);

/* Fills in the next packet of this connection, a PUBLISH without its topic, or a PUBREL. Its payload lies in the ring.
 * Tell delivery_queued() then behind which byte of the connection it ends. Returns 0: there is none. */
int delivery_next(struct delivery *d, struct packet *p);
void delivery_queued(struct delivery *d, long long end);

/* So many bytes of the connection have been written. */
void delivery_written(struct delivery *d, long long written);

/* A PUBACK, PUBREC or PUBCOMP has come. Returns 0; or -1: that is not the answer to what was sent. One for a message
 * that is not under way says nothing new. */
int delivery_answer(struct delivery *d, const struct packet *p);

#endif
