/* conn.c - see conn.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "conn.h"

#include "show_frame.h"
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int conn_has_room(const struct conn *c) { return CONN_SIZE - c->out_length >= CONN_FRAME; }

/* Shows a frame with -v, and the message in it, if there is one. */
static void conn_show(const struct conn *c, const char *arrow, const struct frame *f) {
    static char store[FRAME_MAX + 1];
    struct message m;
    size_t at;
    if (!verbose)
        return;

    const struct message *said = NULL;
    if (f->format != FRAME_BYTES &&
        message_decode(&m, (enum message_format)f->format, f->payload, f->length, store, &at) == NULL)
        said = &m;
    show_frame(c->name, arrow, f->format, f->length, said);
}

void conn_append(struct conn *c, size_t length) {
    struct frame f;
    if (frame_decode(&f, c->out + c->out_length, length) > 0)
        conn_show(c, "<-", &f);
    c->out_length += length;
}

int conn_send(struct conn *c, enum message_format format, const struct message *m) {
    char *frame = c->out + c->out_length;
    size_t length = message_encode(m, format, frame + FRAME_HEADER, FRAME_MAX);
    if (length == 0)
        return -1;
    frame_header(frame, (enum frame_format)format, length);
    conn_append(c, FRAME_HEADER + length);
    return 0;
}

int conn_receive(struct conn *c, struct frame *f) {
    long n = frame_decode(f, c->in + c->in_start, c->in_end - c->in_start);
    if (n <= 0)
        return (int)n;
    c->in_start += (size_t)n;
    conn_show(c, "->", f);
    return 1;
}

/* Reads once, behind what is not yet taken, which moves to the front. */
static void conn_read(struct conn *c) {
    memmove(c->in, c->in + c->in_start, c->in_end - c->in_start);
    c->in_end -= c->in_start;
    c->in_start = 0;

    ssize_t n = read(c->fd, c->in + c->in_end, CONN_SIZE - c->in_end);
    if (n > 0) {
        show_wire(c->name, "->", c->in + c->in_end, (size_t)n);
        c->in_end += (size_t)n;
    }
    c->eof = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Writes once. If that fails the rest is lost. */
static void conn_write(struct conn *c) {
    ssize_t n = write(c->fd, c->out, c->out_length);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    size_t gone = n < 0 ? c->out_length : (size_t)n;
    if (n > 0)
        show_wire(c->name, "<-", c->out, (size_t)n);
    c->out_length -= gone;
    memmove(c->out, c->out + gone, c->out_length);
}

void conn_watch(const struct conn *c, fd_set *readable, fd_set *writable) {
    if (!c->eof && !c->connecting && c->in_end - c->in_start < CONN_SIZE)
        FD_SET(c->fd, readable);
    if (c->connecting || c->out_length > 0)
        FD_SET(c->fd, writable);
}

void conn_turn(struct conn *c, const fd_set *readable, const fd_set *writable) {
    if (FD_ISSET(c->fd, writable))
        conn_write(c);
    if (FD_ISSET(c->fd, readable))
        conn_read(c);
}
