/* connection.h - a connection to a server, none of whose calls waits: lines go out when they can, lines come in. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "attempt.h"
#include "reader.h"

#include <sys/select.h>

#define OUT_MAX 65536 /* bytes */

struct connection {
    const char *name;       /* of the server, for -v */
    int fd;                 /* the socket; -1: there is none */
    int established;        /* the handshake is over */
    struct attempt attempt; /* until then: the addresses that are left */
    struct reader in;       /* what the server says */
    char out[OUT_MAX];      /* bytes that wait for the kernel to take them ... */
    size_t out_length;      /* ... so many */
};

/* Begins to connect to the first of these addresses that does not fail at once. They are from look_up(), and belong to
 * the connection from now on; one that there was is closed. It is established, or has failed, when select() says
 * "writable". Returns 0; or -1 with errno: all of them have failed. */
int connection_open(struct connection *c, struct addrinfo *found);

/* An address has failed, with this errno: goes on with the next one. Returns the same. */
int connection_next(struct connection *c, int error);

/* select() says "writable" for the first time. Returns 0: it is established; or the errno with which it has failed. */
int connection_result(struct connection *c);

/* Adds to the sets what select() has to watch for it. */
void connection_watch(const struct connection *c, fd_set *readable, fd_set *writable);

/* Reads once. Returns what read() does; connection_line() takes what came, line by line, as reader_take() does. */
ssize_t connection_read(struct connection *c);
enum line_event connection_line(struct connection *c);

/* Is there room for more than so many bytes in `out`? Ask before connection_send(), which does not: a server that sends
 * ACKs but does not read would make `out` overflow. */
int connection_has_room(const struct connection *c, size_t bytes);

/* Queues text, put as for printf(); there must be room for it. */
void connection_send(struct connection *c, const char *format, ...);

/* Writes once. Returns 0, or -1 with errno: it is broken. */
int connection_flush(struct connection *c);

/* Sends FIN, and nothing any more; what the server says can still be read. */
void connection_finish(struct connection *c);

void connection_close(struct connection *c);

#endif
