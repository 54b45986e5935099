/* session.h - what a broker knows of a client, also while it is away: its subscriptions, what is on its way to it, and
 * which of its own messages it may send once more (MQTT 3.1.1, sections 3.1.2.4 and 4.3). Knows no sockets.
 *
 *     the queue:   | under way: has a number, 20 at most | waits |
 *
 *     QoS 1   PUBLISH ->  <- PUBACK                          then it leaves the queue
 *     QoS 2   PUBLISH ->  <- PUBREC  PUBREL ->  <- PUBCOMP   then it leaves the queue
 *
 * When a connection breaks, nobody here can know which of those under way have arrived. On the next one they are sent again,
 * with the numbers they had, and DUP. Where PUBREC has come, it is PUBREL that is sent again.
 */
#ifndef SESSION_H
#define SESSION_H

#include "topic.h"

#define SESSIONS_MAX      10000     /* the client that is away for longest makes room */
#define SUBSCRIPTIONS_MAX 1000      /* of a session */
#define QUEUE_MAX         1000      /* messages in a queue ... */
#define QUEUE_BYTES       1048576   /* ... and their bytes, unless it is one alone */
#define MESSAGES_BYTES    268435456 /* all messages together: beyond that, no queue takes any */
#define UNDER_WAY_MAX     20

struct delivery; /* a message in a queue */
struct client;

struct share {
    int messages;
    size_t bytes;
};

struct session {
    struct session *next;  /* in the same place of the table */
    struct bytes id;       /* of the client */
    struct client *client; /* its connection; NULL: it is away */
    long long left;        /* ms: since when */
    int clean;             /* it ends with its connection */
    struct message *will;  /* or NULL */

    struct subscription *subscriptions;
    int subscription_count;
    int fresh; /* some of them may be */

    struct delivery *queue, **queue_end;
    int queued;                /* messages in it */
    struct share share[2];     /* those of them that came as retained ([1]), and the others ([0]) */
    int under_way;             /* those that have a number */
    int sent;                  /* those that were sent on this connection */
    int last_id;               /* the latest number */
    struct message *sent_once; /* the latest of QoS 0 from the queue, or NULL */
    int refused;               /* messages that the queue had no room for */
    int skipped;               /* messages of QoS 0 that a connection had no room for */

    unsigned char *received; /* QoS 2: a bit for each number that has no PUBREL yet; or NULL */
    int received_count;      /* bits that are set */

    struct session *matched_next; /* the broker's: sessions that get the message at hand ... */
    unsigned matched;             /* ... which has this number ... */
    int matched_qos;              /* ... and its QoS */
};

/* Returns the session of a client id, or NULL. */
struct session *session_find(struct bytes id);

/* Returns a new one; NULL: out of memory. If there are SESSIONS_MAX, the one that is away for longest is freed; NULL, if
 * none is away. */
struct session *session_new(struct bytes id);

/* Ends it: its subscriptions, its queue, its will. */
void session_free(struct session *s);

/* Its client has come back, or come: what is under way has to be sent again. */
void session_resume(struct session *s);

/* Queues a message for its client. Those that are retained, which all come at once, have a room of their own: RETAINED_MAX.
 * Returns 0; or -1: there is no room, or no memory. */
int session_queue(struct session *s, struct message *m, int qos, int retain);

/* Returns 1, and the next packet that is to be sent, which counts as sent then; or 0: there is none, or UNDER_WAY_MAX are
 * under way. It lies in memory of the session. */
int session_next(struct session *s, struct packet *p);

/* The client has answered. session_received: PUBREC; session_done: PUBACK of a message of QoS 1, PUBCOMP of one of QoS 2.
 * A number that is not under way with that QoS is passed over, and so is a PUBCOMP before the PUBREC. */
void session_received(struct session *s, int id);
void session_done(struct session *s, int id, int qos);

/* The client has sent a message of QoS 2. Returns 1: it is new; 0: it was here already; -1: out of memory. */
int session_takes(struct session *s, int id);

/* PUBREL has come: the number is free again. */
void session_forgets(struct session *s, int id);

#endif
