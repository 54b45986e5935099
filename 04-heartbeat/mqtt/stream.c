/* stream.c - see stream.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "stream.h"

#include "connect.h"
#include "show_packet.h"
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define STREAM_CHUNK 65536 /* bytes read at once, and written at once */

int stream_open(struct stream *s, struct addrinfo *found) {
    stream_close(s);
    attempt_start(&s->attempt, found);
    return stream_next_address(s, 0);
}

int stream_next_address(struct stream *s, int error) {
    if (s->fd >= 0)
        close(s->fd);
    s->fd = attempt_next(&s->attempt, error);
    return s->fd >= 0 ? 0 : -1;
}

int stream_result(struct stream *s) {
    int error = connect_result(s->fd);
    if (error == 0) {
        s->established = 1;
        s->last_written = now_ms();
        attempt_end(&s->attempt);
    }
    return error;
}

ssize_t stream_read(struct stream *s) {
    static char chunk[STREAM_CHUNK];
    ssize_t n = read(s->fd, chunk, sizeof chunk);
    if (n > 0) {
        show_wire(s->peer, "->", chunk, (size_t)n);
        queue_add(&s->in, chunk, (size_t)n);
    }
    return n;
}

int stream_packet(struct stream *s, struct packet *p, const char **why) {
    if (queue_length(&s->in) == 0)
        return 0;
    long n = packet_read(p, (const char *)s->in.data + s->in.start, queue_length(&s->in), PACKET_LIMIT, why);
    if (n <= 0)
        return (int)n;
    s->in.start += (size_t)n;
    show_packet(s->peer, "->", p);
    return 1;
}

void stream_send(struct stream *s, const struct packet *p) {
    char *made = malloc(packet_room(p));
    if (made == NULL)
        exit(-complain("a packet", "out of memory"));
    queue_add(&s->out, made, packet_write(p, made));
    free(made);
    show_packet(s->peer, "<-", p);
}

int stream_flush(struct stream *s) {
    if (queue_length(&s->out) == 0)
        return 0;
    const unsigned char *first = s->out.data + s->out.start;
    ssize_t n = queue_write(&s->out, s->fd, STREAM_CHUNK);
    if (n <= 0)
        return (int)n;
    show_wire(s->peer, "<-", first, (size_t)n);
    s->written += n;
    s->last_written = now_ms();
    return 0;
}

void stream_close(struct stream *s) {
    if (s->fd >= 0)
        close(s->fd);
    attempt_end(&s->attempt);
    s->fd = -1;
    s->established = 0;
    s->written = 0;
    s->in.start = s->in.end;
    s->out.start = s->out.end;
}
