/* loop.h - a server as five callbacks: the loop waits for all clients at once, reads, writes, and says what has happened.
 *
 * The events are those that the delegate of an asynchronous socket library gets (didAcceptNewSocket, didReadData,
 * socketDidDisconnect). All runs in one thread, so no callback needs a lock, and none may wait.
 */
#ifndef LOOP_H
#define LOOP_H

#include "buffer.h"
#include "wire.h"

/* A client is in one of five states:
 *
 *     open           no flag       its bytes are read and offered to on_data
 *     half-closed    eof           the peer has sent its FIN: what it had said is still offered and answered; then gone
 *     closing        closing       client_close(): what it is owed is written; what it sends is thrown away
 *     lingering      linger_until  closing, all is written, and our FIN is sent: wait for the peer's, then gone
 *     gone           gone          on_disconnect is called and the memory freed at the end of a turn, soon
 */
struct client {
    int fd;                  /* its socket; also its place in the tables of a lesson, 0 to FD_SETSIZE - 1 */
    char name[ADDRESS_TEXT]; /* "127.0.0.1:53412" */
    struct buffer in;        /* received, not yet used by on_data */
    struct buffer out;       /* owed to the peer, not yet taken by the kernel */
    int eof, closing, gone;  /* see above */
    long long heard;         /* ms: when bytes were last read from it, or when it connected */

    /* The loop's own. */
    int open;               /* this place is taken */
    int unseen;             /* on_data has not seen the latest of `in` and `eof` */
    int blocked;            /* the kernel took less than there was: wait until select() says "writable" */
    long long linger_until; /* ms; 0: our FIN is not sent */
    int written;            /* something was written since on_data was last told to look again */
    long long buffered;     /* ms: when there was last something in its buffers */
};

/* What a server adds. A callback that it does not need is NULL.
 *
 * on_connect     after a client was accepted. It may be sent something, or closed, at once.
 * on_data        when there are bytes to use: `data` and `len` are all that wait, and may be changed in place. It takes
 *                ONE message and returns its bytes; or 0: the message is not complete, or has to wait, and is offered
 *                again when more has come or something was written. It is called again for the rest, in this turn or,
 *                when the client has had its share of time, in the next. At the end of the input (c->eof) it is called
 *                until it returns 0: with what is left, or with 0 bytes if nothing is. It is not called while the
 *                client owes us some reading (more than `out_low` bytes in `out`), nor when it is closing or gone.
 * on_disconnect  when a client is gone, whoever ended it; what it was sent is written or lost. Not when the server stops.
 * on_turn        once a turn: all that had come by `now` has been read (in_max bytes of each client at most), so here a
 *                client may be judged silent. What is sent here is written after it; what on_data has sent may be
 *                written already. So a promise that has to wait for the disk is made here. Returns in how many ms it
 *                wants to be called again at the latest; -1: it does not mind.
 * on_stop        last words, because a signal has come. Then all are hung up on, and have 300 ms to take them.
 *
 * All of them may call the functions below for every client. */
struct server {
    size_t in_max;  /* bytes of `in`: when it is full, we stop reading, and TCP makes the peer wait */
    size_t out_low; /* owed more than this: no on_data for this client, until it reads */
    size_t out_max; /* owed more than this: it is too slow, and is dropped */
    void (*on_connect)(struct client *c);
    size_t (*on_data)(struct client *c, char *data, size_t len);
    void (*on_disconnect)(struct client *c);
    int (*on_turn)(long long now);
    void (*on_stop)(void);
};

/* Listens and serves until SIGINT, SIGTERM or SIGHUP comes. Returns 0, for main() to return. */
int serve(const struct server *s, const char *address, const char *port);

/* Queues bytes for a client. They are written at the end of its share of the turn or, if they are for another client than
 * the one that on_data is called for, at the end of the turn; earlier if much is owed. Does nothing if it is closing or
 * gone. */
void client_send(struct client *c, const void *data, size_t len);

/* Hangs up as soon as all that was sent is written. */
void client_close(struct client *c);

/* Ends a connection now, and logs why; NULL: as usual. */
void client_drop(struct client *c, const char *why);

/* Visits all clients that are not gone: client_next(NULL) is the first, client_next(c) the one after c, NULL: no more. */
struct client *client_next(const struct client *c);

#endif
