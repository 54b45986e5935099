/* poke_datagram.c - see poke_datagram.h; and the verbs for datagrams, with their table at the end. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "poke_datagram.h"

#include "../01-echo/wire.h"
#include "poke_step.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define DATAGRAM_MAX   65536     /* bytes: no datagram is longer */
#define RECEIVE_BUFFER (4 << 20) /* bytes, for all that may come while nobody reads */

/* Binds a new socket to a local address, to be used under the name of c. */
static void socket_open(struct conn *c, const struct addrinfo *own) {
    struct conn fresh = {.state = OPEN};
    memcpy(fresh.name, c->name, NAME_SIZE);
    fresh.fd = socket(own->ai_family, SOCK_DGRAM, 0);
    if (fresh.fd < 0 || bind(fresh.fd, own->ai_addr, own->ai_addrlen) < 0)
        fail(c, "%s cannot be bound: %s", c->name, strerror(errno));

    const int room = RECEIVE_BUFFER;
    fcntl(fresh.fd, F_SETFL, O_NONBLOCK);
    setsockopt(fresh.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);

    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    getsockname(fresh.fd, (struct sockaddr *)&bound, &len);
    getnameinfo((struct sockaddr *)&bound, len, NULL, 0, fresh.port, sizeof fresh.port, NI_NUMERICSERV);

    if (server) {
        memcpy(&fresh.peer, server->ai_addr, server->ai_addrlen);
        fresh.peer_len = server->ai_addrlen;
    }
    *c = fresh;
}

void socket_bind(struct conn *c, const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE}, *own;
    hints.ai_family = server ? server->ai_family : AF_INET;
    int error = getaddrinfo(host, port, &hints, &own);
    if (error)
        script_error("cannot find %s: %s", host, gai_strerror(error));
    socket_open(c, own);
    freeaddrinfo(own);
}

static void datagram_open(struct step *s) { socket_bind(s->conn, NULL, "0"); }
static void datagram_follow(struct step *s) { s->conn->follow = 1; }

static void datagram_at(struct step *s) {
    bytes_add(&s->bytes, "", 1);
    char *host = (char *)s->bytes.data, *colon = strrchr(host, ':');
    if (colon) {
        *colon = '\0';
        socket_bind(s->conn, host, colon + 1);
    } else {
        script_error("this is no HOST:PORT: %s", host);
    }
}

static void datagram_as(struct step *s) {
    s->conn->peer = s->via->peer;
    s->conn->peer_len = s->via->peer_len;
}

static void datagram_send(struct step *s) {
    struct conn *c = s->conn;
    speaker = c;
    if (sendto(c->fd, s->bytes.data, s->bytes.length, 0, (struct sockaddr *)&c->peer, c->peer_len) < 0)
        fail(c, "%s cannot send: %s", c->name, strerror(errno));
    sent_note(&c->sent, s->bytes.data, s->bytes.length);
}

struct sender { /* where a datagram is from */
    struct sockaddr_storage address;
    socklen_t len;
};

/* Takes the next datagram into the inbox, and where it is from. Returns 0 if none has come by the deadline. */
static int datagram_take(struct conn *c, struct sender *from, long long deadline) {
    ssize_t n = -1;
    c->inbox.length = 0;
    bytes_reserve(&c->inbox, DATAGRAM_MAX);
    while (n < 0 && conn_wait(c, POLLIN, deadline)) {
        from->len = sizeof from->address;
        n = recvfrom(c->fd, c->inbox.data, DATAGRAM_MAX, 0, (struct sockaddr *)&from->address, &from->len);
    }
    if (n < 0)
        return 0;
    c->inbox.length = (size_t)n;
    return 1;
}

/* Takes the next datagram, which must be from where c sends to, unless c follows. Returns 0 if none has come. */
static int datagram_next(struct conn *c, long long deadline) {
    struct sender from;
    if (!datagram_take(c, &from, deadline))
        return 0;

    if (c->follow) {
        c->peer = from.address;
        c->peer_len = from.len;
        c->follow = 0;
    }
    char name[ADDRESS_TEXT], peer[ADDRESS_TEXT];
    address_text(&from.address, from.len, name);
    address_text(&c->peer, c->peer_len, peer);
    if (strcmp(name, peer) != 0)
        fail_bytes(c, NULL, &c->inbox, 0, "this datagram came from %s, it should have come from %s", name,
                   peer);
    return 1;
}

/* The next datagram must begin with these bytes; and, unless `longer` says that it may go on, end with them. */
static void datagram_compare(struct step *s, int longer) {
    const struct bytes *inbox = &s->conn->inbox, *want = &s->bytes;
    if (!datagram_next(s->conn, now_ms() + patience))
        fail_bytes(s->conn, want, NULL, 0, "no datagram came for %d ms", patience);

    size_t at = bytes_equal(inbox, want, 0);
    if (at < want->length && at < inbox->length)
        fail_bytes(s->conn, want, inbox, at, "byte %zu differs", at);
    if (at < want->length || (!longer && at < inbox->length))
        fail_bytes(s->conn, want, inbox, at, "a datagram of %zu bytes should have come, this one has %zu",
                   want->length, inbox->length);
}

static void datagram_expect(struct step *s) { datagram_compare(s, 0); }
static void datagram_begins(struct step *s) { datagram_compare(s, 1); }

/* Skips all datagrams up to one that is these bytes; or, if it may be `longer`, begins with them. */
static void datagram_search(struct step *s, int longer) {
    const struct bytes *inbox = &s->conn->inbox;
    struct sender from;
    long long deadline = now_ms() + patience;
    do {
        if (!datagram_take(s->conn, &from, deadline))
            fail_bytes(s->conn, &s->bytes, NULL, 0, "this datagram did not come in %d ms", patience);
    } while ((!longer && inbox->length != s->bytes.length) || !bytes_have(inbox, 0, &s->bytes));
}

static void datagram_skip(struct step *s) { datagram_search(s, 0); }
static void datagram_skip_begins(struct step *s) { datagram_search(s, 1); }

static void datagram_quiet(struct step *s) {
    struct sender from;
    if (datagram_take(s->conn, &from, now_ms() + (long long)s->n))
        fail_bytes(s->conn, NULL, &s->conn->inbox, 0, "nothing should have come here");
}

const struct verb datagram_verbs[] = {
    {"open", "", ABSENT | CLOSED, datagram_open},
    {"at", "b", ABSENT | CLOSED, datagram_at},
    {"close", "", OPEN, step_close},
    {">", "b", OPEN, datagram_send},
    {"<", "b", OPEN, datagram_expect},
    {"<+", "b", OPEN, datagram_begins},
    {"<*", "b", OPEN, datagram_skip},
    {"<*+", "b", OPEN, datagram_skip_begins},
    {"follow", "", OPEN, datagram_follow},
    {"as", "c", OPEN, datagram_as},
    {"quiet", "n", OPEN, datagram_quiet},
    {"hold", "n", OPEN, step_hold},
    {0},
};
