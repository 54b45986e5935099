/* poke_conn.c - see poke_conn.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "poke_conn.h"

#include "../01-echo/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct addrinfo *server;
int patience = 5000;
const char fin[] = "the end of the stream", rst[] = "a reset";

static struct conn conns[CONNS_MAX]; /* in the order of their first mention; one without a name ends them */

struct conn *conn_named(const char *name, size_t len) {
    struct conn *c = conns;
    while (*c->name && (strncmp(c->name, name, len) != 0 || c->name[len])) {
        c++;
        if (c == conns + CONNS_MAX)
            script_error("%d names are enough", CONNS_MAX);
    }
    if (*c->name)
        return c;

    memcpy(c->name, name, len);
    c->state = ABSENT;
    return c;
}

void conn_close_all(void) {
    for (struct conn *c = conns; c < conns + CONNS_MAX; c++)
        conn_close(c);
}

int conn_wait(const struct conn *c, int events, long long deadline) {
    struct pollfd p = {.fd = c->fd, .events = (short)events};
    for (;;) { /* again after a signal */
        long long left = deadline - now_ms();
        if (poll(&p, 1, left > 0 ? (int)left : 0) > 0)
            return 1;
        if (left <= 0)
            return 0;
    }
}

/* Tries one address. Returns 0, with c->fd connected, or an errno. */
static int try_address(struct conn *c, const struct addrinfo *a, int receive_buffer) {
    c->fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (c->fd < 0)
        return errno;

    int on = 1, error = 0;
    socklen_t len = sizeof error;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* every write goes out at once */
    if (receive_buffer > 0) /* before connect(), which tells the server how much it may send */
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);

    if (connect(c->fd, a->ai_addr, a->ai_addrlen) < 0)
        error = errno;
    if (error == EINPROGRESS && !conn_wait(c, POLLOUT, now_ms() + patience))
        error = ETIMEDOUT;
    else if (error == EINPROGRESS)
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);

    if (error)
        close(c->fd);
    return error;
}

static void too_few_descriptors(void) {
    printf("poke: line %d: %s: this machine allows too few descriptors (ulimit -Hn)\n", line_number, line);
    exit(77);
}

int conn_connect(struct conn *c, int receive_buffer) {
    struct conn fresh = {.state = CLOSED};
    memcpy(fresh.name, c->name, NAME_SIZE);
    *c = fresh;

    int error = 1;
    for (const struct addrinfo *a = server; a && error; a = a->ai_next)
        error = try_address(c, a, receive_buffer);
    if (error == EMFILE || error == ENFILE)
        too_few_descriptors();
    if (error)
        return error;

    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    getsockname(c->fd, (struct sockaddr *)&own, &len);
    getnameinfo((struct sockaddr *)&own, len, NULL, 0, c->port, sizeof c->port, NI_NUMERICSERV);
    c->state = OPEN;
    return 0;
}

void conn_open(struct conn *c, int receive_buffer) {
    int error = conn_connect(c, receive_buffer);
    if (error)
        fail(c, "%s cannot connect: %s", c->name, strerror(error));
}

void conn_close(struct conn *c) {
    for (size_t i = 0; c->state == CROWD && i < c->size; i++)
        conn_close(&c->members[i]);
    if (c->state == OPEN)
        close(c->fd);

    const struct bytes nothing = {0};
    free(c->members);
    free(c->inbox.data);
    free(c->noise.data);
    c->members = NULL;
    c->inbox = c->noise = nothing;
    c->state = CLOSED;
}

void conn_reset(struct conn *c) {
    const struct linger abort_at_once = {.l_onoff = 1, .l_linger = 0};
    for (size_t i = 0; c->state == CROWD && i < c->size; i++)
        conn_reset(&c->members[i]);
    if (c->state == OPEN)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abort_at_once, sizeof abort_at_once);
    conn_close(c);
}

void conn_read(struct conn *c) {
    static unsigned char chunk[65536];
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    if (n > 0)
        bytes_add(&c->inbox, chunk, (size_t)n);
    else if (n == 0) /* the kernel reports a reset only once, perhaps it did so when we sent */
        c->end = c->broken ? rst : fin;
    else if (errno != EAGAIN && errno != EINTR)
        c->end = rst;
}

const char *conn_more(struct conn *c, long long deadline) {
    size_t before = c->inbox.length;
    while (c->inbox.length == before && !c->end) {
        if (!conn_wait(c, POLLIN, deadline))
            return silence();
        conn_read(c);
    }
    return c->end;
}

size_t conn_write(struct conn *c, const unsigned char *data, size_t len) {
    if (c->shut)
        script_error("%s has been shut, it cannot send", c->name);

    ssize_t n = send(c->fd, data, len, 0);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        c->broken = 1;
    if (n <= 0)
        return 0;
    sent_note(&c->sent, data, (size_t)n);
    return (size_t)n;
}

const char *silence(void) {
    static char words[64];
    snprintf(words, sizeof words, "nothing more for %d ms", patience);
    return words;
}
