/* talk.h - a client's side of MQTT 3.1.1, over as many connections as it takes: it connects, subscribes, publishes,
 * notices that the broker is dead, waits, and comes back. The states are those of heartbeat_client:
 *
 *     CONNECTING -> OPEN -> CLOSING -> CLOSED          and from any of them to CLOSED when the connection breaks;
 *          ^                             |             CLOSED -> CONNECTING when it is time for a new try
 *          '-----------------------------'
 *
 * One turn of the caller's loop: talk_watch(), select() for talk_time_left() ms at most, talk_event(), talk_take(),
 * talk_fire(), talk_flush(). What is printed for a message waits in `output`, which the caller writes.
 */
#ifndef TALK_H
#define TALK_H

#include "delivery.h"
#include "stream.h"

#include <limits.h>

#define NEVER    LLONG_MAX /* ms: later than all times */
#define LEAVE_MS 500       /* ms: how long we wait for the broker's FIN when there is no time */

struct server_name;

enum state {
    CONNECTING, /* until the broker's CONNACK */
    OPEN,
    CLOSING, /* DISCONNECT is sent, the broker's FIN has not come */
    CLOSED   /* until it is time for a new try, if there will be one */
};

struct ack {       /* PUBACK or PUBREC: what we say we have, we have */
    long long end; /* it may go when so many bytes of the output are written */
    enum packet_type type;
    int id;
};

struct talk {
    /* Set by the caller, before talk_start(). */
    const struct server_name *server; /* looked up again for each try */
    struct packet connect;            /* what it says first: client id, session, keep-alive, will */
    struct bytes filters;             /* as they stand in a SUBSCRIBE; empty: none */
    struct bytes topic;               /* what messages are published to; empty: none will be */
    int retain;                       /* they are retained */
    int first_wait, longest_wait;     /* ms: see backoff_ms() */

    /* Set by the caller, at any time. */
    struct delivery outbox; /* delivery_add() when it has a message */
    int input_ended;        /* no more messages will be added */

    /* The talk's own. */
    enum state state;
    struct stream stream;
    struct queue output; /* for the caller to write */
    long long printed;   /* bytes that were ever put into it */
    struct queue acks;   /* struct ack: answers that wait until it is written */
    int subscribed;      /* the session at the broker has our filters */
    int subscribing;     /* packet identifier of the SUBSCRIBE that has no answer yet; 0: there is none */
    int unwanted;        /* the broker has refused all filters */
    long long pong_due;  /* ms: OPEN: a PINGRESP has to come before; 0: none has to */
    long long until;     /* ms: CONNECTING, CLOSING: it takes too long; CLOSED: time for a new try */
    long long failures;  /* in a row */
    int quiet;           /* nothing has come from the broker in this turn */
    int shut;            /* CLOSING: our FIN is sent */
    int welcomed;        /* a broker has accepted us */
    int unwelcome;       /* a broker has refused us */
    int gave_up;         /* it has ended because no broker would have us */
    int finished;        /* it is over: the caller's loop may end */
    unsigned char received[65536 / 8]; /* QoS 2, a bit for each id: printed, and no PUBREL has come */
};

/* Begins to connect to these addresses of the broker, which are from resolve(), and are freed by the talk. */
void talk_start(struct talk *t, struct addrinfo *found);

/* Has the input ended, is it all delivered, and is there nothing to wait for? Then the talk is going to end. */
int talk_is_done(const struct talk *t);

/* Returns in how many ms, from `now` on, talk_fire() has something to do; or NEVER. */
long long talk_time_left(const struct talk *t, long long now);

/* Adds to the sets what select() has to watch. */
void talk_watch(const struct talk *t, fd_set *readable, fd_set *writable);

/* select() has said that the connection is readable, writable, both or neither. */
void talk_event(struct talk *t, int can_read, int can_write);

/* Understands what has come, as far as `output` has room. */
void talk_take(struct talk *t);

/* Does what is due. `now` must be from before the select() whose events talk_event() has dealt with. */
void talk_fire(struct talk *t, long long now);

/* Sends what can be sent, and ends the talk if it is done. */
void talk_flush(struct talk *t);

/* Ends politely, for this reason: sends DISCONNECT, and waits so many ms for the broker's FIN. `finished` is set when
 * it is over. */
void talk_leave(struct talk *t, const char *why, int ms);

/* What packets do to it (talk_packet.c). Takes a packet while it is CONNECTING (with a CONNECT sent) or OPEN. Returns
 * 0; or -1: it breaks a rule, or does not want us (t->unwelcome), and *why says so. */
int talk_on_packet(struct talk *t, struct packet *p, const char **why);

/* Sends the PUBACKs and PUBRECs for what is written. */
void talk_acknowledge(struct talk *t);

/* Changes the state, and says why (and what follows from it) in a line of the log. */
void talk_change(struct talk *t, enum state next, const char *why, const char *what_now);

#endif
