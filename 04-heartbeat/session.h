/* session.h - a client's side of the heartbeat protocol, over as many connections as it takes: it connects, probes,
 * notices that the server is dead, waits, and comes back.
 *
 *     CONNECTING -> OPEN -> CLOSING -> CLOSED          and from any of them to CLOSED when the connection breaks;
 *          ^                             |             CLOSED -> CONNECTING when it is time for a new try
 *          '-----------------------------'
 *
 * These are the states that a browser's WebSocket has (readyState). Each change is a line of the log. One turn of the
 * caller's loop: session_watch(), select() for session_time_left() ms at most, session_event(), session_fire(),
 * session_flush().
 */
#ifndef SESSION_H
#define SESSION_H

#include "connection.h"
#include "outbox.h"
#include "probes.h"

#include <stdint.h>

enum state {
    CONNECTING, /* until the server's WELCOME */
    OPEN,
    CLOSING, /* our FIN is sent, the server's has not come */
    CLOSED   /* until it is time for a new try, if there will be one */
};

struct session {
    /* Set by the caller, before session_start(). */
    const char *name;                 /* what HELLO says */
    const struct server_name *server; /* looked up again for each try */
    int interval;                     /* ms: time between two probes */
    int timeout;                      /* ms: a probe without an answer for so long: the server is dead */
    int patience;                     /* ms: for a connect, and then for WELCOME */
    int first_wait, longest_wait;     /* ms: see backoff_ms() */
    int keep_trying;                  /* do not give up after the longest wait */
    int jitter;                       /* throw dice for each wait */
    uint64_t dice;                    /* their state, see backoff_jitter() */

    /* Set by the caller, at any time. */
    struct outbox outbox; /* outbox_add() when it has a message */
    int input_ended;      /* no more messages will be added */

    /* The session's own. */
    enum state state;
    struct connection connection;
    struct probes probes; /* OPEN: those without an answer */
    long long next_probe; /* ms: OPEN: time for a probe */
    long long until;      /* ms: CONNECTING, CLOSING: it takes too long; CLOSED: time for a new try */
    long long failures;   /* in a row */
    int finished;         /* it is over: the caller's loop may end */
};

/* Begins to connect to these addresses of the server, which are from resolve(), and are freed by the session. */
void session_start(struct session *s, struct addrinfo *found);

/* Has everything been delivered, and will there be no more? */
int session_is_done(const struct session *s);

/* Has no server ever said WELCOME? */
int session_never_welcomed(const struct session *s);

/* Returns in how many ms, from `now` on, session_fire() has something to do. */
long long session_time_left(const struct session *s, long long now);

/* Adds to the sets what select() has to watch. */
void session_watch(const struct session *s, fd_set *readable, fd_set *writable);

/* select() has said that the connection is readable, writable, both or neither. */
void session_event(struct session *s, int can_read, int can_write);

/* Does what is due. `now` must be from before the select() whose events session_event() has dealt with: then an answer
 * that was there in time has been read, even if it was us who were away (stopped, or asleep with the lid closed). */
void session_fire(struct session *s, long long now);

/* Sends what can be sent, and ends the session if it is done. */
void session_flush(struct session *s);

/* Ends politely, for this reason: sends FIN, and waits for the server's. `finished` is set when it is over. */
void session_leave(struct session *s, const char *why);

#endif
