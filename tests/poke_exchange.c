/* poke_exchange.c - see poke_exchange.h.
 *
 * Sending and reading take turns, and the inbox takes also what nobody wants yet. If each side first insisted on being
 * heard, both would wait for ever as soon as the kernel's buffers are full.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "poke_exchange.h"

#include "../01-echo/wire.h"

#include <poll.h>

struct trade {
    struct conn *c;
    struct bytes out, want;
    size_t sent; /* bytes of `out` that the kernel took */
    size_t got;  /* bytes of `want` that came */
};

/* Sends and takes what can be sent and taken at once. Returns how many bytes that were. */
static size_t trade_move(struct trade *t) {
    size_t sent = 0, same = bytes_equal(&t->c->inbox, &t->want, t->got);
    if (t->sent < t->out.length && !t->c->broken)
        sent = conn_write(t->c, t->out.data + t->sent, t->out.length - t->sent);
    bytes_take(&t->c->inbox, same);
    t->sent += sent;
    t->got += same;
    return sent + same;
}

/* Waits until there is something to read or to send, and reads. Returns NULL, or in words why there never will be. */
static const char *trade_wait(struct trade *t, long long deadline) {
    struct conn *c = t->c;
    if (t->got < t->want.length && c->end)
        return c->end;
    if (t->got == t->want.length && c->broken)
        return rst;

    int reading = !c->end && c->inbox.length < BYTES_MAX, sending = t->sent < t->out.length && !c->broken;
    if (!conn_wait(c, (reading ? POLLIN : 0) | (sending ? POLLOUT : 0), deadline))
        return silence();
    if (reading)
        conn_read(c);
    return NULL;
}

/* Reports that it went wrong. NULL for `why`: the next byte is not the one that is wanted. */
static void trade_fail(const struct trade *t, const char *why) {
    struct bytes all = {0};
    bytes_add(&all, t->want.data, t->got); /* equal to what came, and taken from the inbox since */
    bytes_add(&all, t->c->inbox.data, t->c->inbox.length);

    if (t->sent < t->out.length && t->got == t->want.length)
        fail_bytes(t->c, NULL, &all, 0, "the server took %zu of %zu bytes, then %s", t->sent, t->out.length,
                   why);
    if (all.length > t->got)
        fail_bytes(t->c, &t->want, &all, t->got, "byte %zu differs", t->got);
    fail_bytes(t->c, &t->want, &all, t->got, "%zu of %zu bytes came, then %s", t->got, t->want.length, why);
}

void exchange(struct conn *c, struct bytes out, struct bytes want, int may_break) {
    struct trade t = {.c = c, .out = out, .want = want};
    long long deadline = now_ms() + patience;
    while (t.sent < out.length || t.got < want.length) {
        if (trade_move(&t) > 0) {
            deadline = now_ms() + patience;
            continue;
        }
        if (t.got == want.length && c->broken && may_break)
            return;
        if (t.got < want.length && c->inbox.length > 0)
            trade_fail(&t, NULL);
        const char *why = trade_wait(&t, deadline);
        if (why)
            trade_fail(&t, why);
    }
}

void conn_send(struct conn *c, struct bytes out) {
    const struct bytes nothing = {0};
    exchange(c, out, nothing, 0);
}

void conn_expect(struct conn *c, struct bytes want) {
    const struct bytes nothing = {0};
    exchange(c, nothing, want, 0);
}
