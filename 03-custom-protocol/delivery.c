/* delivery.c - see delivery.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "delivery.h"

#include "connect.h"
#include "screen.h"
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_MS 100  /* between two pictures of the progress */
#define CONNECT_MAX 5000 /* ms for a connection to the file server: a lost SYN comes again after 1 and 3 s */

void deliveries_begin(struct deliveries *s, struct talk *t, int port) {
    s->talk = t;
    s->address_length = sizeof s->address;
    getpeername(t->server.fd, (struct sockaddr *)&s->address, &s->address_length);
    if (s->address.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&s->address)->sin6_port = htons((unsigned short)port);
    else
        ((struct sockaddr_in *)&s->address)->sin_port = htons((unsigned short)port);
}

/* Returns a free place, NULL: there is none. */
static struct delivery *delivery_free(struct deliveries *s) {
    for (int i = 0; i < DELIVERIES; i++)
        if (!s->all[i].active)
            return &s->all[i];
    return NULL;
}

int deliveries_have_room(const struct deliveries *s) {
    int active = 0;
    for (int i = 0; i < DELIVERIES; i++)
        active += s->all[i].active;
    return active < DELIVERIES;
}

int deliveries_active(const struct deliveries *s) {
    for (int i = 0; i < DELIVERIES; i++)
        if (s->all[i].active)
            return 1;
    return 0;
}

static void delivery_end(struct delivery *d) {
    transfer_close(&d->file);
    if (d->active)
        close(d->conn.fd);
    d->active = 0;
    d->announcing = 0;
}

static void delivery_fail(struct delivery *d, const char *why) {
    note("%s: %s", d->file.local, why);
    delivery_end(d);
}

/* Begins to connect to the file server; deliveries_turn() will see it done. */
static void delivery_connect(struct deliveries *s, struct delivery *d) {
    struct addrinfo server = {.ai_family = s->address.ss_family,
                              .ai_socktype = SOCK_STREAM,
                              .ai_addr = (struct sockaddr *)&s->address,
                              .ai_addrlen = s->address_length};
    struct conn *c = &d->conn;
    c->in_start = 0;
    c->in_end = 0;
    c->out_length = 0;
    c->eof = 0;
    c->connecting = 1;
    d->connect_until = now_ms() + CONNECT_MAX;
    address_text(&s->address, s->address_length, c->name);
    c->fd = connect_begin(&server);
    if (c->fd < 0)
        delivery_fail(d, strerror(errno));
    else
        d->active = 1;
}

void delivery_send(struct deliveries *s, const char *to, const char *local) {
    struct delivery *d = delivery_free(s);
    const char *why;
    snprintf(d->to, sizeof d->to, "%s", to);
    if (transfer_put(&d->file, local, &why) < 0)
        delivery_fail(d, why);
    else
        delivery_connect(s, d);
}

void delivery_fetch(struct deliveries *s, const char *path, const char *local) {
    struct delivery *d = delivery_free(s);
    const char *why;
    if (transfer_get(&d->file, path, local, &why) < 0)
        delivery_fail(d, why);
    else
        delivery_connect(s, d);
}

void deliveries_watch(const struct deliveries *s, fd_set *readable, fd_set *writable) {
    for (int i = 0; i < DELIVERIES; i++)
        if (s->all[i].active)
            conn_watch(&s->all[i].conn, readable, writable);
}

/* The connection is made, or not. */
static void delivery_connected(struct delivery *d) {
    int error = connect_result(d->conn.fd);
    d->conn.connecting = 0;
    if (error)
        delivery_fail(d, strerror(error));
}

void deliveries_turn(struct deliveries *s, const fd_set *readable, const fd_set *writable) {
    for (struct delivery *d = s->all; d < s->all + DELIVERIES; d++) {
        if (!d->active)
            continue;
        if (!d->conn.connecting)
            conn_turn(&d->conn, readable, writable);
        else if (FD_ISSET(d->conn.fd, writable))
            delivery_connected(d);
    }
}

/* Tells the receiver of a file where it is. */
static void delivery_announce(struct deliveries *s, struct delivery *d) {
    const char *slash = strrchr(d->file.local, '/');
    char size[24];
    snprintf(size, sizeof size, "%lld", d->file.size);
    struct message m = {.type = MSG};
    m.field[TO] = d->to;
    m.field[BODY] = slash ? slash + 1 : d->file.local;
    m.field[PATH] = d->file.path;
    m.field[SIZE] = size;
    talk_request(s->talk, &m, d->file.local);
    delivery_end(d);
}

/* Takes what the file server has sent. Returns 1: the file is there; 0: it goes on; -1 and *why. */
static int delivery_take(struct delivery *d, const char **why) {
    for (;;) {
        struct frame f;
        int got = conn_receive(&d->conn, &f);
        if (got == 0)
            return 0;
        if (got < 0) {
            *why = "the file server does not speak our protocol";
            return -1;
        }
        int taken = transfer_take(&d->file, &f, why);
        if (taken != 0)
            return taken;
    }
}

/* Queues what is to be sent to the file server. Returns 0, or -1 and *why. */
static int delivery_fill(const struct deliveries *s, struct delivery *d, const char **why) {
    struct conn *c = &d->conn;
    while (conn_has_room(c)) {
        long n = transfer_next(&d->file, s->talk->format, c->out + c->out_length, why);
        if (n <= 0)
            return (int)n;
        conn_append(c, (size_t)n);
    }
    return 0;
}

static void delivery_work(const struct deliveries *s, struct delivery *d) {
    const char *why;
    int taken = delivery_take(d, &why);
    if (taken < 0 || (taken == 0 && delivery_fill(s, d, &why) < 0)) {
        delivery_fail(d, why);
    } else if (taken > 0 && d->file.upload) {
        d->announcing = 1;
    } else if (taken > 0) {
        note("%s: received, %lld bytes", d->file.local, d->file.size);
        delivery_end(d);
    } else if (d->conn.eof) {
        delivery_fail(d, "the file server hung up");
    }
}

long long deliveries_until(const struct deliveries *s) {
    long long until = 0;
    for (const struct delivery *d = s->all; d < s->all + DELIVERIES; d++)
        if (d->active && d->conn.connecting && (until == 0 || d->connect_until < until))
            until = d->connect_until;
    return until;
}

void deliveries_work(struct deliveries *s, long long now) {
    for (struct delivery *d = s->all; d < s->all + DELIVERIES; d++) {
        if (d->active && d->conn.connecting && now >= d->connect_until)
            delivery_fail(d, strerror(ETIMEDOUT));
        if (d->active && !d->announcing && !d->conn.connecting)
            delivery_work(s, d);
        if (d->announcing && talk_has_room(s->talk))
            delivery_announce(s, d);
    }
}

void deliveries_show(struct deliveries *s, long long now) {
    long long done = 0, size = 0;
    for (const struct delivery *d = s->all; d < s->all + DELIVERIES; d++)
        if (d->active && d->file.size > 0) { /* else it is not yet known */
            done += d->file.done;
            size += d->file.size;
        }
    if (size == 0 || now < s->shown + PROGRESS_MS)
        return;
    note_progress(done, size);
    s->shown = now;
}

void deliveries_close(struct deliveries *s) {
    for (int i = 0; i < DELIVERIES; i++)
        if (s->all[i].active)
            delivery_end(&s->all[i]);
}
