/* loop.c - see loop.h. The way of a byte: client_read -> client_offer -> on_data -> client_send -> client_flush. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "loop.h"

#include "listen.h"
#include "signals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN_US     16000 /* us: a turn, shared by all clients that have something to do ... */
#define SHARE_US    5000  /* us: ... and the most that one of them gets */
#define LINGER_MS   2000  /* ms: how long we wait for a peer's FIN after we have sent ours, ... */
#define LAST_MS     300   /* ms: ... and for all FINs after a signal, which ends us within a second */
#define IDLE_MS     1000  /* ms: buffers that were empty for so long are freed */
#define WRITE_EARLY 32768 /* bytes: a client that is owed more is written to before the end of the turn */
#define NEWCOMERS   64    /* accepted in one turn at most */
#define NEVER       (-1)

static const struct server *server;
static struct client clients[FD_SETSIZE]; /* each in the place of its descriptor */
static int clients_end;                   /* no place from here on is taken, nor one of our own */
static char *chunk;                       /* in_max bytes: what one read() brings */
static long long turn_wanted;             /* ms: when the next turn has to be at the latest, or NEVER */
static int busy;                          /* clients that have something to say in this turn */
static int ending;                        /* the last words are said */

/* ---- One client ---- */

void client_drop(struct client *c, const char *why) {
    if (c->gone)
        return;
    fprintf(stderr, "%s disconnected%s%s\n", c->name, why ? ": " : "", why ? why : "");
    c->gone = 1; /* freed at the end of the turn, because the caller may still hold it */
}

void client_close(struct client *c) { c->closing = 1; }

/* Writes bytes, in one call. Returns how many the kernel has taken. */
static size_t client_write(struct client *c, const char *data, size_t len) {
    ssize_t n = write(c->fd, data, len);
    c->blocked = n < (ssize_t)len;
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            client_drop(c, strerror(errno));
        return 0;
    }
    show_wire(c->name, "<-", data, (size_t)n);
    c->written = 1;
    return (size_t)n;
}

/* Writes what is owed, unless the kernel has refused the last bytes. */
static void client_flush(struct client *c) {
    if (c->out.length > 0 && !c->blocked && !c->gone)
        buffer_take(&c->out, client_write(c, c->out.data, c->out.length));
}

/* If something was written, on_data may have waited for that: it is to look again. */
static void client_look_again(struct client *c) {
    if (c->written)
        c->unseen = c->in.length > 0 || c->eof;
    c->written = 0;
}

void client_send(struct client *c, const void *data, size_t len) {
    const char *bytes = data;
    size_t sent = 0;
    if (len == 0 || c->closing || c->gone)
        return;
    if (c->out.length + len > server->out_max)
        c->blocked = 0; /* perhaps it has read meanwhile: ask the kernel before it is called too slow */
    if (c->out.length > WRITE_EARLY)
        client_flush(c); /* or much talk in one turn would make a fast reader look slow */
    if (c->out.length == 0 && len > WRITE_EARLY && !c->gone)
        sent = client_write(c, bytes, len); /* so much is not copied if it need not be */
    if (sent < len && !c->gone && buffer_append(&c->out, bytes + sent, len - sent, server->out_max) < 0)
        client_drop(c, "too slow, it does not read what it is sent");
}

/* Is it on_data's turn to look at what this client has said? */
static int client_is_ready(const struct client *c) {
    return c->unseen && !c->gone && (c->closing || c->out.length <= server->out_low);
}

/* Offers bytes, one message after another, until the client has had its share of the turn: one message at least.
 * Returns how many bytes were used. */
static size_t client_offer(struct client *c, char *data, size_t len) {
    long long share = TURN_US / busy, end = now_us() + (share < SHARE_US ? share : SHARE_US);
    size_t used = 0;
    while (client_is_ready(c)) {
        size_t n = c->closing ? len - used : server->on_data(c, data + used, len - used);
        used += n;
        c->unseen = n > 0 && (used < len || c->eof);
        if (c->unseen && now_us() >= end)
            break;
    }
    return used;
}

/* Reads once. If nothing waits in the buffer, what has come is offered where it lies, and only what is left goes into the
 * buffer. Returns whether it was offered. */
static int client_read(struct client *c) {
    ssize_t n = read(c->fd, chunk, server->in_max - c->in.length);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            client_drop(c, strerror(errno));
        return 0;
    }
    size_t len = (size_t)n, used = 0;
    int offered = c->in.length == 0;
    c->eof = n == 0;
    c->unseen = 1;
    if (n > 0) {
        c->heard = now_ms();
        show_wire(c->name, "->", chunk, len);
    }
    if (offered)
        used = client_offer(c, chunk, len);
    if (used < len && buffer_append(&c->in, chunk + used, len - used, server->in_max) < 0)
        client_drop(c, "out of memory");
    return offered;
}

/* Does for one client what has become possible. Its answers do not wait until all others have had their turn. */
static void client_turn(struct client *c, int can_read, int can_write) {
    int offered = 0;
    if (can_write)
        c->blocked = 0;
    client_flush(c);
    client_look_again(c);
    if (can_read && !c->gone)
        offered = client_read(c);
    if (!offered && client_is_ready(c))
        buffer_take(&c->in, client_offer(c, c->in.length > 0 ? c->in.data : chunk, c->in.length));
    client_flush(c);
}

/* Sends our FIN behind the last byte, and waits for the peer's: close() with bytes unread would send RST, which makes
 * the peer throw away what it has not read of our last words. */
static void client_linger(struct client *c, long long now) {
    if (c->linger_until == 0) {
        shutdown(c->fd, SHUT_WR);
        c->linger_until = now_ms() + LINGER_MS;
    } else if (now >= c->linger_until) {
        client_drop(c, NULL);
    }
}

/* Ends a client's turn: writes what it brought, hangs up when all is said, frees. */
static void client_finish_turn(struct client *c, long long now) {
    if (c->in.length + c->out.length > 0)
        c->buffered = now;
    client_flush(c);
    client_look_again(c);
    int all_written = c->out.length == 0;
    if (all_written && c->closing)
        client_linger(c, now);
    if (all_written && c->eof && !c->unseen)
        client_drop(c, NULL);

    if (c->gone && server->on_disconnect && !ending)
        server->on_disconnect(c);
    if (c->gone || now - c->buffered > IDLE_MS) {
        buffer_free(&c->in);
        buffer_free(&c->out);
    }
    if (c->gone) {
        close(c->fd);
        c->open = 0;
    }
}

/* ---- All clients ---- */

/* Returns the next place that is taken, from this one on. */
static struct client *next_open(int fd) {
    while (fd < clients_end && !clients[fd].open)
        fd++;
    return fd < clients_end ? &clients[fd] : NULL;
}

struct client *client_next(const struct client *c) {
    struct client *next = next_open(c ? c->fd + 1 : 0);
    while (next && next->gone)
        next = next_open(next->fd + 1);
    return next;
}

/* Takes newcomers in. They come last in a turn, because clients that left in it have made room. */
static void accept_newcomers(int listener) {
    char name[ADDRESS_TEXT];
    int fd;
    for (int i = 0; i < NEWCOMERS && (fd = listen_accept(listener, name)) >= 0; i++) {
        clients[fd] = (struct client){.open = 1, .fd = fd, .heard = now_ms()};
        memcpy(clients[fd].name, name, sizeof name);
        if (fd >= clients_end)
            clients_end = fd + 1;
        if (server->on_connect)
            server->on_connect(&clients[fd]);
        if (server->on_turn)
            turn_wanted = 0; /* at once: it may have brought a new deadline */
    }
}

/* Tells select() what to wait for. Returns until when at the latest, in ms, or NEVER. */
static long long arm_select(long long now, fd_set *readable, fd_set *writable) {
    long long until = turn_wanted;
    for (struct client *c = next_open(0); c; c = next_open(c->fd + 1)) {
        if (!c->eof && c->in.length < server->in_max) /* back-pressure: with a full `in` it waits */
            FD_SET(c->fd, readable);
        if (c->out.length > 0)
            FD_SET(c->fd, writable);
        int unfinished = c->gone || (c->closing && c->out.length == 0 && c->linger_until == 0);
        if (unfinished || client_is_ready(c)) /* unfinished: dropped or closed after the end of its turn */
            until = now;
        if (c->linger_until > 0 && (until == NEVER || c->linger_until < until))
            until = c->linger_until;
    }
    return until;
}

/* Sleeps until there is something to do. Returns a time, in ms, by which all that had come can be read now: that before
 * select() or, if nothing came, that of the end of its sleep. Later than that we know nothing, and judge nobody. */
static long long wait_for_events(int listener, int signals, fd_set *readable, fd_set *writable) {
    long long now = now_ms();
    FD_ZERO(readable);
    FD_ZERO(writable);
    if (!ending)
        FD_SET(listener, readable);
    FD_SET(signals, readable);
    long long until = arm_select(now, readable, writable), wait = until > now ? until - now : 0;
    struct timeval timeout = {.tv_sec = (time_t)(wait / 1000), .tv_usec = (suseconds_t)(wait % 1000 * 1000)};
    int n = select(clients_end, readable, writable, NULL, until == NEVER ? NULL : &timeout);
    if (n <= 0) { /* a signal, or the time is up: the sets say nothing */
        FD_ZERO(readable);
        FD_ZERO(writable);
    }
    busy = 1; /* one more: a client that can be written to again may be offered what it has said */
    for (struct client *c = next_open(0); c; c = next_open(c->fd + 1))
        busy += FD_ISSET(c->fd, readable) || client_is_ready(c);
    return n == 0 ? now + wait : now;
}

/* One turn. After the last words it serves only to write them, and to wait for FINs. */
static void turn(int listener, int signals) {
    fd_set readable, writable;
    long long now = wait_for_events(listener, signals, &readable, &writable);

    for (struct client *c = next_open(0); c; c = next_open(c->fd + 1))
        client_turn(c, FD_ISSET(c->fd, &readable), FD_ISSET(c->fd, &writable));
    if (!ending) {
        int ms = server->on_turn ? server->on_turn(now) : NEVER;
        turn_wanted = ms < 0 ? NEVER : now + ms;
    }
    for (struct client *c = next_open(0); c; c = next_open(c->fd + 1))
        client_finish_turn(c, now);
    while (clients_end > listener + 1 && clients_end > signals + 1 && !clients[clients_end - 1].open)
        clients_end--;
    if (FD_ISSET(listener, &readable))
        accept_newcomers(listener);
}

/* Says the last words, and hangs up on everybody. */
static void stop_serving(void) {
    if (server->on_stop)
        server->on_stop();
    for (struct client *c = next_open(0); c; c = next_open(c->fd + 1))
        client_close(c);
    signal_forget();
    ending = 1;
    turn_wanted = now_ms() + LAST_MS;
}

int serve(const struct server *s, const char *address, const char *port) {
    server = s;
    chunk = malloc(s->in_max);
    if (chunk == NULL)
        exit(-complain("cannot serve", strerror(errno)));
    int signals = catch_signals(), listener = listen_on(address, port);
    clients_end = (listener > signals ? listener : signals) + 1;

    while (!stop)
        turn(listener, signals);
    stop_serving();
    while (next_open(0) && now_ms() < turn_wanted)
        turn(listener, signals);
    return 0; /* and the system closes what is left */
}
