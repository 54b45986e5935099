/* websocket.c - see websocket.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "websocket.h"

#include "dice.h"
#include "text.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX 4096      /* bytes of the request that opens the WebSocket */
#define REFUSAL_MAX 200       /* bytes that are shown of the text with which a server refuses */
#define INTERIM_MAX 16        /* answers that may come before the one that counts */
#define QUEUE_HIGH  (1 << 20) /* bytes on their way to the server from which on its pings get no answer */

void websocket_begin(struct websocket *w, size_t max) {
    w->reader = (struct frame_reader){.masked = 0, .max = max};
    w->state = CONNECTING;
}

void websocket_wait(struct websocket *w, int ms) { w->deadline = ms > 0 ? now_ms() + ms : 0; }

void websocket_state(struct websocket *w, enum ready_state state, const char *more) {
    static const char *const names[] = {"CONNECTING", "OPEN", "CLOSING", "CLOSED"};
    w->state = state;
    fprintf(stderr, "readyState %d %s%s\n", (int)state, names[state], more);
}

/* ---- the handshake ---- */

int websocket_request(struct websocket *w, const char *target, const char *origin) {
    char request[REQUEST_MAX];
    unsigned char random[16];
    struct head h;
    struct handshake wish = {w->server, target, w->key, w->subprotocols, origin};
    roll_dice(random, sizeof random);
    handshake_key(w->key, random);

    int len = handshake_request(request, sizeof request, &wish);
    if (len < 0)
        return complain("the request", "is too long");
    if (head_parse(&h, request, (size_t)len) != len)
        return complain("the request", "would be none, by these arguments");
    if (verbose)
        head_explain(stderr, &h);
    queue_add(&w->out, request, (size_t)len);
    websocket_wait(w, w->wait_ms);
    return 0;
}

/* "100 Continue" and "103 Early Hints" only say that the answer is under way (RFC 9110, section 15.2). */
static int is_interim(const struct head *h) {
    return h->path.at == NULL && h->start[1].at[0] == '1' && !span_is(h->start[1], "101");
}

/* A server that refuses may say why in a text. Returns whether its first line is still on its way. */
static int line_is_missing(const struct head *h, struct span body) {
    struct span length = head_field(h, "Content-Length", NULL);
    size_t promised = length.at ? strtoul(length.at, NULL, 10) : 0;
    return !span_is(h->start[1], "101") && body.length < promised && body.length < REFUSAL_MAX &&
           !memchr(body.at, '\n', body.length);
}

/* Shows that line. */
static void show_refusal(const struct websocket *w, const struct head *h, struct span body) {
    char line[REFUSAL_MAX + 1];
    struct span type = head_field(h, "Content-Type", NULL), first = span_cut(&body, '\n');
    type = span_trim(span_cut(&type, ';'));
    if (!span_is_nocase(type, "text/plain") || first.length == 0)
        return;
    snprintf(line, sizeof line, "%.*s", (int)first.length, first.at);
    text_clean(line, strlen(line));
    complain(w->server, line);
}

/* Says why an answer opens no WebSocket. Returns -1. */
static int refuse_answer(const struct websocket *w, const struct head *h, struct span body) {
    char text[400];
    show_refusal(w, h, body);
    snprintf(text, sizeof text, "%s answers %ld", w->server, strtol(h->start[1].at, NULL, 10));
    return complain(text, h->why);
}

int websocket_answer(struct websocket *w, const char *data, size_t len, int last) {
    struct head h;
    char text[400] = "";
    int size = head_parse(&h, data, len);
    if (size == 0)
        return 0;
    if (size < 0)
        return complain(w->server, h.why);
    struct span body = {data + size, len - (size_t)size};
    if (!last && line_is_missing(&h, body))
        return 0;

    if (verbose)
        head_explain(stderr, &h);
    if (is_interim(&h) && w->interim++ < INTERIM_MAX)
        return size;
    if (!handshake_verify(&h, w->key, w->subprotocols, &h.why))
        return refuse_answer(w, &h, body);
    struct span chosen = head_field(&h, "Sec-WebSocket-Protocol", NULL);
    if (chosen.at)
        snprintf(text, sizeof text, "  subprotocol %.*s", (int)chosen.length, chosen.at);
    w->deadline = 0;
    websocket_state(w, OPEN, text);
    return size;
}

/* ---- frames ---- */

static void show_frame(const struct websocket *w, const char *arrow, const struct frame *f) {
    if (verbose)
        frame_explain(stderr, w->server, arrow, f);
}

/* Each frame has a key of its own, which nobody can foresee: else a page could make its browser send what looks like
 * HTTP to a proxy on the way (section 10.3). */
void websocket_send(struct websocket *w, int fin, int opcode, const void *payload, size_t len) {
    struct frame f = {.fin = fin, .opcode = opcode, .masked = 1, .length = len};
    unsigned char header[FRAME_HEADER_MAX];
    roll_dice(f.key, sizeof f.key);
    show_frame(w, "<-", &f);
    queue_add(&w->out, header, frame_encode(header, &f));
    unsigned char *at = queue_add(&w->out, payload, len);
    frame_mask(at, len, f.key, 0);
}

void websocket_close(struct websocket *w, int code, const char *reason) {
    unsigned char payload[FRAME_CONTROL_MAX];
    websocket_send(w, 1, FRAME_CLOSE, payload, frame_close(payload, code, reason));
    websocket_wait(w, w->wait_ms);
    websocket_state(w, CLOSING, "");
}

/* Notes how it ends, and closes from our side with the code that the server gave or has earned. */
static void note_end(struct websocket *w, const void *reason, size_t len, const char *answer) {
    w->code = w->reader.code;
    len = len < sizeof w->reason ? len : sizeof w->reason - 1;
    memcpy(w->reason, reason, len);
    w->reason[len] = '\0';
    text_clean(w->reason, len);
    if (w->state == OPEN)
        websocket_close(w, w->code, answer);
}

int websocket_read(struct websocket *w, unsigned char *data, size_t len, size_t *used) {
    struct frame_reader *r = &w->reader;
    if (w->server_closed || w->failed) {
        *used = len;
        return FRAME_MORE;
    }
    int event = frame_read(r, data, len, used);
    switch (event) {
    case FRAME_BEGINS: show_frame(w, "->", &r->frame); break;
    case FRAME_PING:
        if (w->state == OPEN && queue_length(&w->out) < QUEUE_HIGH)
            websocket_send(w, 1, FRAME_PONG, r->payload, r->length);
        break;
    case FRAME_CLOSE: /* the server gets its code back, and hangs up (section 7.1.1) */
        w->server_closed = 1;
        if (r->code == CLOSE_NO_CODE)
            note_end(w, "", 0, "");
        else
            note_end(w, r->payload + 2, r->length - 2, "");
        break;
    case FRAME_ERROR: /* section 7.1.7 */
        w->failed = 1;
        note_end(w, r->why, strlen(r->why), r->why);
        break;
    }
    return event;
}
