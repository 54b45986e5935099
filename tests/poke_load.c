/* poke_load.c - how much a server bears: many bytes at once (echo, fill, drain), many connections at once (crowd). */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "../01-echo/wire.h"
#include "poke_exchange.h"
#include "poke_step.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL_TRIPS 100 /* round trips without one byte accepted that prove: the server reads no more */
#define FILL_MS                                                                                              \
    200 /* ... and ms for at least which that has to last: threads do not take turns as one loop does */

/* ---- many bytes ---- */

/* Makes c->noise, the same for the same script: all 256 values, then xorshift. */
static void make_noise(struct conn *c, size_t len) {
    if (len > BYTES_MAX)
        script_error("%zu bytes are too many, the most is %d", len, BYTES_MAX);

    uint64_t x = 0x9e3779b97f4a7c15 + (uint64_t)line_number;
    for (const char *p = c->name; *p; p++)
        x = x * 33 + (unsigned char)*p;
    x |= 1; /* from 0, xorshift would never move */

    c->noise.length = 0;
    bytes_reserve(&c->noise, len);
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        c->noise.data[i] = (unsigned char)(i < 256 ? i : x >> 56);
    }
    c->noise.length = len;
    c->filled = len;
}

void step_echo(struct step *s) {
    speaker = s->conn;
    make_noise(s->conn, s->n);
    exchange(s->conn, s->conn->noise, s->conn->noise, 0);
}

/* Sends c->noise, and makes round trips while the server takes none of it, until it has stopped reading. */
static void fill(struct step *s) {
    struct conn *c = s->conn;
    long long quiet = now_ms() + FILL_MS;
    c->filled = 0;
    for (int trips = 0; c->filled < s->n && (trips < FILL_TRIPS || now_ms() < quiet); trips++) {
        size_t n = conn_write(c, c->noise.data + c->filled, s->n - c->filled);
        c->filled += n;
        if (c->broken)
            fail(c, "the server took %zu bytes, then %s", c->filled, rst);
        if (n == 0) {
            round_trip(s);
        } else { /* it still reads: count anew */
            trips = -1;
            quiet = now_ms() + FILL_MS;
        }
    }
}

void step_fill(struct step *s) {
    struct conn *c = s->conn, own = {.name = "poke"};
    if (!s->via) { /* a connection of our own, to a server that echoes */
        s->via = &own;
        conn_open(s->via, 0);
        bytes_add(&s->ping, "x", 1);
        bytes_add(&s->pong, "x", 1);
    }
    make_noise(c, s->n);
    for (size_t i = 0; s->bytes.length > 0 && i < s->n; i++)
        c->noise.data[i] = s->bytes.data[i % s->bytes.length];

    speaker = c;
    fill(s);
    conn_close(&own);
    s->via = NULL;
    if (c->filled == s->n)
        printf("%s took all %zu bytes\n", c->name, c->filled);
    else
        printf("%s took %zu bytes, then stopped\n", c->name, c->filled);
}

void step_blocked(struct step *s) {
    if (s->conn->filled == s->conn->noise.length)
        fail(s->conn, "the server read on: it must keep all these bytes somewhere");
}

void step_drain(struct step *s) {
    struct bytes filled = {.data = s->conn->noise.data, .length = s->conn->filled};
    conn_expect(s->conn, filled);
}

/* ---- many connections ---- */

/* Waits until one of the crowd is served or refused. Returns whether it is. */
static int crowd_wait(const struct step *s, struct conn *m, long long deadline) {
    for (;;) {
        m->served = (size_t)bytes_have(&m->inbox, 0, &s->pong);
        m->refused = !m->served && m->end;
        if (m->served || m->refused)
            return 1;
        if (m->inbox.length > BYTES_MAX || (conn_more(m, deadline) && !m->end))
            return 0;
    }
}

/* Connects member number c->size, and has it say its words. Returns 0 if nobody answers there any more. */
static int crowd_join(const struct step *s, struct conn *m) {
    const struct bytes nothing = {0};
    const struct conn *c = s->conn;
    memcpy(m->name, c->name, NAME_SIZE);
    int error = conn_connect(m, 0);
    if (error == ETIMEDOUT)
        return 0;
    if (error && error != ECONNREFUSED && error != ECONNRESET)
        fail(c, "connection %zu of %zu failed: %s", c->size + 1, s->n, strerror(error));
    if (error)
        m->end = rst;
    else
        exchange(m, s->ping, nothing, 1);
    return 1;
}

/* No member connects before the last one is served, so that a short listen queue is enough. But as soon as one hangs,
 * none is waited for any more, so that all that hang can be counted. Returns the first that hangs, or NULL. */
static const struct conn *crowd_gather(struct step *s) {
    struct conn *c = s->conn;
    const struct conn *hanging = NULL;
    for (c->size = 0; c->size < s->n; c->size++) {
        struct conn *m = &c->members[c->size];
        if (!crowd_join(s, m))
            break; /* all the others would wait in vain, too */
        if (!hanging && !crowd_wait(s, m, now_ms() + patience))
            hanging = m;
    }
    return hanging;
}

void step_crowd(struct step *s) {
    struct conn *c = s->conn;
    c->members = check_memory(calloc(s->n + 1, sizeof *c->members));
    c->state = CROWD;
    c->served = c->refused = 0;
    speaker = NULL;
    const struct conn *hanging = crowd_gather(s);

    long long deadline = now_ms() + patience;
    for (struct conn *m = c->members; m < c->members + c->size; m++) {
        crowd_wait(s, m, deadline);
        c->served += m->served;
        c->refused += m->refused;
    }

    const struct bytes nothing = {0};
    size_t hang = s->n - c->served - c->refused;
    if (hang > 0)
        fail_bytes(c, &s->pong, hanging ? &hanging->inbox : &nothing, 0,
                   "%zu of %zu hang: neither served nor refused for %d ms (%zu served, %zu refused)", hang,
                   s->n, patience, c->served, c->refused);
    printf("%s: %zu served, %zu refused\n", c->name, c->served, c->refused);
}

static void check_count(const struct step *s, size_t count) {
    if (count < s->n || count > s->max)
        fail(s->conn, "%zu were %s; it should have been %zu to %zu", count, s->verb->name, s->n, s->max);
}

void step_served(struct step *s) { check_count(s, s->conn->served); }
void step_refused(struct step *s) { check_count(s, s->conn->refused); }
