/* conn.h - a client's connection that carries frames (frame.h), with a buffer in each direction. It never waits: the
 * caller asks select() for what conn_watch() wants, and then calls conn_turn().
 */
#ifndef CONN_H
#define CONN_H

#include "connect.h"
#include "frame.h"
#include "message.h"

#include <sys/select.h>

#define CONN_FRAME (FRAME_HEADER + FRAME_MAX) /* bytes in the longest frame */
#define CONN_SIZE  ((size_t)2 * CONN_FRAME)   /* bytes that wait in each direction */

struct conn {
    int fd;                 /* a non-blocking socket */
    int connecting;         /* it is not connected yet */
    int eof;                /* nothing more comes: the peer has ended, or the connection is broken */
    char name[SERVER_TEXT]; /* the peer's, "127.0.0.1:5288" */
    size_t in_start;        /* what has come and is not yet taken is in[in_start] ... */
    size_t in_end;          /* ... to in[in_end - 1] */
    size_t out_length;      /* bytes of `out` that are not yet written */
    char in[CONN_SIZE];
    char out[CONN_SIZE];
};

/* Is there room in `out` for a frame of any size? */
int conn_has_room(const struct conn *c);

/* Queues a message; callers have seen to it that there is room. Returns 0, or -1 if it cannot be written. */
int conn_send(struct conn *c, enum message_format format, const struct message *m);

/* Queues the frame of so many bytes that the caller has put behind the end of `out`. */
void conn_append(struct conn *c, size_t length);

/* Takes the next frame that has come; its payload stays where it is until the next conn_turn(). Returns 1; 0: no whole
 * frame has come; -1: what has come is none. */
int conn_receive(struct conn *c, struct frame *f);

/* Adds to the sets of select() what this connection waits for. */
void conn_watch(const struct conn *c, fd_set *readable, fd_set *writable);

/* Reads and writes, once each, what can be. A write that fails is no end: what the peer said before it went is still to
 * be read. */
void conn_turn(struct conn *c, const fd_set *readable, const fd_set *writable);

#endif
