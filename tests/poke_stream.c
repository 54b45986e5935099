/* poke_stream.c - the verbs for a stream, with their table at the end. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "poke_step.h"

#include "../01-echo/wire.h"
#include "poke_exchange.h"
#include "poke_xml.h"

#define ELEMENTS_MAX 512 /* XML elements that a step awaits */

static void step_open(struct step *s) { conn_open(s->conn, 0); }
static void step_deaf(struct step *s) { conn_open(s->conn, s->n ? (int)s->n : 4096); }
void step_close(struct step *s) { conn_close(s->conn); }
static void step_reset(struct step *s) { conn_reset(s->conn); }
static void step_expect(struct step *s) { conn_expect(s->conn, s->bytes); }

void step_hold(struct step *s) {
    const struct conn nobody = {.fd = -1};
    conn_wait(&nobody, 0, now_ms() + (long long)s->n);
}

void round_trip(struct step *s) {
    conn_send(s->via, s->ping);
    conn_expect(s->via, s->pong);
}

static void step_send(struct step *s) {
    speaker = s->conn;
    for (size_t sent = 0; sent < s->bytes.length;) {
        struct bytes piece = {.data = s->bytes.data + sent, .length = s->bytes.length - sent};
        if (s->n > 0 && s->n < piece.length)
            piece.length = s->n;
        conn_send(s->conn, piece);
        sent += piece.length;
        if (s->via)
            round_trip(s);
    }
}

static void step_try(struct step *s) {
    const struct bytes nothing = {0};
    speaker = s->conn;
    exchange(s->conn, s->bytes, nothing, 1);
}

static void step_skip(struct step *s) {
    struct bytes *inbox = &s->conn->inbox, *want = &s->bytes;
    long long deadline = now_ms() + patience; /* one for all: that the server talks on is no progress here */
    size_t at = 0;                            /* up to here `want` does not begin */
    while (!bytes_have(inbox, at, want)) {
        if (at + want->length <= inbox->length) {
            at++;
            continue;
        }
        const char *why = inbox->length > BYTES_MAX ? "still more" : conn_more(s->conn, deadline);
        if (why)
            fail_bytes(s->conn, want, inbox, inbox->length, "%zu bytes came without these, then %s",
                       inbox->length, why);
    }
    bytes_take(inbox, at + want->length);
}

/* Waits for the next XML element, and appends it to `got` in the form of poke_xml.h. */
static void next_element(struct conn *c, struct bytes *got) {
    for (;;) {
        got->length = 0;
        long n = xml_read_element(c->inbox.data, c->inbox.length, got);
        if (n > 0) {
            bytes_take(&c->inbox, (size_t)n);
            return;
        }
        const char *why = n < 0 ? "what comes is no XML element" : conn_more(c, now_ms() + patience);
        if (why)
            fail_bytes(c, NULL, &c->inbox, 0, "an XML element should come here; instead: %s", why);
    }
}

/* Takes elements apart, into `elements`, which keep their memory. Returns how many they are. */
static size_t split_elements(struct bytes text, struct bytes *elements) {
    size_t count = 0;
    while (text.length > 0) {
        long n = -1;
        if (count < ELEMENTS_MAX) {
            elements[count].length = 0;
            n = xml_read_element(text.data, text.length, &elements[count]);
        }
        if (n <= 0)
            script_error("this is not up to %d XML elements", ELEMENTS_MAX);
        text.data += n;
        text.length -= (size_t)n;
        count++;
    }
    return count;
}

/* Awaits the elements in the step's bytes, in any order. */
static void step_elements(struct step *s) {
    static struct bytes wanted[ELEMENTS_MAX], got;
    for (size_t i, count = split_elements(s->bytes, wanted); count > 0; count--) {
        next_element(s->conn, &got);
        for (i = 0; i < count && !xml_matches(&wanted[i], &got);)
            i++;
        if (i == count)
            fail_bytes(s->conn, &wanted[0], &got, bytes_equal(&got, &wanted[0], 0),
                       "another XML element came (both are shown in one form, see poke_xml.h)");
        struct bytes found = wanted[i];
        wanted[i] = wanted[count - 1];
        wanted[count - 1] = found;
    }
}

static void step_eof(struct step *s) {
    struct conn *c = s->conn;
    const char *why = "more bytes";
    if (c->inbox.length == 0) {
        const char *end = conn_more(c, now_ms() + patience);
        if (end)
            why = end;
    }
    if (why != fin)
        fail_bytes(c, NULL, &c->inbox, 0, "%s should come here; instead: %s", fin, why);
}

static void step_gone(struct step *s) {
    long long deadline = now_ms() + patience;
    const char *why = NULL;
    while (!why && now_ms() <= deadline) {
        s->conn->inbox.length = 0;
        why = conn_more(s->conn, deadline);
    }
    if (!s->conn->end)
        fail(s->conn, "the server has not hung up within %d ms", patience);
}

static void step_shut(struct step *s) {
    if (shutdown(s->conn->fd, SHUT_WR) < 0)
        fail(s->conn, "there was nothing left to shut, but %s", rst);
    s->conn->shut = 1;
}

const struct verb stream_verbs[] = {
    {"open", "", ABSENT | CLOSED, step_open},
    {"deaf", "o", ABSENT | CLOSED, step_deaf},
    {">", "obv", OPEN, step_send},
    {">?", "b", OPEN, step_try},
    {"<", "b", OPEN, step_expect},
    {"<*", "b", OPEN, step_skip},
    {"<x", "b", OPEN, step_elements},
    {"eof", "", OPEN, step_eof},
    {"gone", "", OPEN, step_gone},
    {"shut", "", OPEN, step_shut},
    {"close", "", OPEN | CROWD, step_close},
    {"reset", "", OPEN | CROWD, step_reset},
    {"echo", "n", OPEN, step_echo},
    {"fill", "nfv", OPEN, step_fill},
    {"blocked", "", OPEN, step_blocked},
    {"drain", "", OPEN, step_drain},
    {"crowd", "np", ABSENT | CLOSED, step_crowd},
    {"served", "nm", CROWD, step_served},
    {"refused", "nm", CROWD, step_refused},
    {"hold", "n", OPEN | CROWD, step_hold},
    {0},
};
