/* connection.c - see connection.h. */
#define _POSIX_C_SOURCE 200809L

#include "connection.h"

#include "wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int connection_try(struct connection *c, const struct addrinfo *a, int error) {
    connection_close(c);
    for (; a; a = a->ai_next) {
        c->fd = connect_begin(a);
        c->address = a;
        if (c->fd >= 0)
            return 0;
        error = errno;
    }
    errno = error;
    return -1;
}

int connection_result(struct connection *c) {
    int error = connect_result(c->fd);
    c->established = error == 0;
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
    c->in = (struct reader){0};
    c->out_length = 0;
}
