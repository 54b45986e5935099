/* stream.h - a connection to a broker whose bytes are packets, none of whose calls waits: packets go out when they can,
 * packets come in as soon as they are whole.
 */
#ifndef STREAM_H
#define STREAM_H

#include "attempt.h"
#include "packet.h"
#include "queue.h"

#include <sys/select.h>

#define PACKET_LIMIT (16 << 20) /* bytes behind the head of a packet that a broker may send */
#define QUEUE_LOW    65536      /* bytes on their way out from which on we take no more in */

struct stream {
    const char *peer;       /* the broker's name, for -v */
    int fd;                 /* the socket; -1: there is none */
    int established;        /* TCP's handshake is over */
    struct attempt attempt; /* until then: the addresses that are left */
    struct queue in;        /* from the broker, not yet understood */
    struct queue out;       /* to the broker, not yet written */
    long long written;      /* bytes that the kernel has taken on this connection */
    long long last_written; /* ms: when it took the latest */
};

/* Begins to connect to the first of these addresses that does not fail at once; they belong to the stream from now on.
 * It is established, or has failed, when select() says "writable". Returns 0; or -1 with errno: all have failed. */
int stream_open(struct stream *s, struct addrinfo *found);

/* An address has failed, with this errno: goes on with the next one. Returns the same. */
int stream_next_address(struct stream *s, int error);

/* select() says "writable" for the first time. Returns 0: it is established; or the errno with which it has failed. */
int stream_result(struct stream *s);

/* Reads once. Returns what read() does. */
ssize_t stream_read(struct stream *s);

/* Takes the next packet that is whole. Returns 1; 0: there is none; -1: it is wrong, and *why says so. What is in it
 * stays where it is until the next stream_read(). */
int stream_packet(struct stream *s, struct packet *p, const char **why);

/* Queues a packet. */
void stream_send(struct stream *s, const struct packet *p);

/* Writes once, if there is something to write. Returns 0, or -1 with errno: it is broken. */
int stream_flush(struct stream *s);

void stream_close(struct stream *s);

#endif
