/* connection.c - see connection.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connection.h"

#include "connect.h"
#include "wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int connection_open(struct connection *c, struct addrinfo *found) {
    connection_close(c);
    attempt_start(&c->attempt, found);
    return connection_next(c, 0);
}

int connection_next(struct connection *c, int error) {
    if (c->fd >= 0)
        close(c->fd);
    c->fd = attempt_next(&c->attempt, error);
    return c->fd < 0 ? -1 : 0;
}

int connection_result(struct connection *c) {
    int error = connect_result(c->fd);
    c->established = error == 0;
    if (c->established)
        attempt_end(&c->attempt);
    return error;
}

void connection_watch(const struct connection *c, fd_set *readable, fd_set *writable) {
    if (c->fd < 0)
        return;
    if (c->established)
        FD_SET(c->fd, readable);
    if (!c->established || c->out_length > 0)
        FD_SET(c->fd, writable);
}

ssize_t connection_read(struct connection *c) {
    ssize_t n = reader_read(&c->in, c->fd);
    if (n > 0)
        show_wire(c->name, "->", c->in.bytes, (size_t)n);
    return n;
}

enum line_event connection_line(struct connection *c) { return reader_take(&c->in); }

int connection_has_room(const struct connection *c, size_t bytes) { return OUT_MAX - c->out_length > bytes; }

void connection_send(struct connection *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    c->out_length += (size_t)vsnprintf(c->out + c->out_length, OUT_MAX - c->out_length, format, arguments);
    va_end(arguments);
}

int connection_flush(struct connection *c) {
    ssize_t n = write(c->fd, c->out, c->out_length);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    show_wire(c->name, "<-", c->out, (size_t)n);
    c->out_length -= (size_t)n;
    memmove(c->out, c->out + n, c->out_length);
    return 0;
}

void connection_finish(struct connection *c) {
    shutdown(c->fd, SHUT_WR);
    c->out_length = 0;
}

void connection_close(struct connection *c) {
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->established = 0;
    attempt_end(&c->attempt);
    c->in = (struct reader){0};
    c->out_length = 0;
}
