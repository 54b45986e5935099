/* peer.c - see peer.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "peer.h"

#include "dice.h"
#include "show_stanza.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#define ANSWER_MAX 524288 /* bytes of an answer: the longest roster, and what is repeated of the question */

char domain[DOMAIN_MAX + 1] = "localhost";

struct peer peers[FD_SETSIZE];

struct peer *peer_of(const struct client *c) {
    return &peers[c->fd];
}

void peer_begin(struct client *c) { peers[c->fd] = (struct peer){.client = c, .since = now_ms()}; }

struct peer *peer_find(const struct person *person, const char *resource) {
    struct peer *p = person->peers;
    while (p && strcmp(p->resource, resource) != 0)
        p = p->next;
    return p;
}

void peer_bind(struct peer *p, const char *resource) {
    size_t bare = strlen(p->full);
    snprintf(p->full + bare, sizeof p->full - bare, "/%s", resource);
    p->resource = p->full + bare + 1;
    p->next = p->person->peers;
    p->person->peers = p;
    p->stage = BOUND;
}

void peer_tell_everybody(const struct peer *of, const char *data, size_t len) {
    for (struct client *c = client_next(NULL); c; c = client_next(c)) {
        struct peer *p = peer_of(c);
        if (p->presence && of->client->fd < p->shown) /* a newcomer gets the rest from talk_catch_up() */
            peer_send(p, data, len);
    }
}

void peer_end(struct peer *p) {
    char text[FULL_MAX + 64];
    int was_there = p->presence != NULL;
    if (p->stage == BOUND) {
        struct peer **at = &p->person->peers;
        while (*at != p)
            at = &(*at)->next;
        *at = p->next;
    }
    free(p->login);
    free(p->presence);
    p->login = NULL;
    p->presence = NULL;
    if (p->stage != LEFT)
        p->left = now_ms();
    p->stage = LEFT;
    if (was_there) {
        int length = snprintf(text, sizeof text, "<presence from='%s' type='unavailable'/>", p->full);
        peer_tell_everybody(p, text, (size_t)length);
    }
}

/* ---- What it is told ---- */

void peer_send(struct peer *p, const char *data, size_t len) {
    show_stanza(p->client->name, "<-", data, len);
    client_send(p->client, data, len);
}

void say(struct peer *p, const char *format, ...) {
    char text[SPEECH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    peer_send(p, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

void say_header(struct peer *p) {
    char id[17];
    if (p->is_open)
        return;
    p->is_open = 1;
    roll_hex(id, 8);
    say(p,
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams' from='%s' "
        "id='%s' version='1.0' xml:lang='en'>",
        domain, id);
}

void say_end(struct peer *p) {
    say(p, "</stream:stream>");
    client_close(p->client);
    peer_end(p);
}

void say_stream_error(struct peer *p, const char *condition) {
    if (p->client->closing || p->client->gone)
        return;
    fprintf(stderr, "%s stream error: %s\n", p->client->name, condition);
    say_header(p);
    say(p, "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", condition);
    say_end(p);
}

const char *stanza_to(const struct xml_node *stanza) {
    const char *to = xml_attribute(stanza, "to");
    return to && *to ? to : NULL;
}

/* Writes an answer: `to` is the sender of the stanza, `from` what its `to` was. Returns 0, or -1: it is too long. */
static int write_answer(struct buffer *out, const struct peer *p, const struct xml_node *stanza,
                        const char *type, const char *inside) {
    const char *const attributes[][2] = {
        {"type", type}, {"id", xml_attribute(stanza, "id")}, {"from", stanza_to(stanza)}, {"to", p->full}};
    const char *const rest[] = {">", inside, "</", stanza->name, ">"};
    int failed = buffer_append(out, "<", 1, ANSWER_MAX) < 0;
    failed |= buffer_append(out, stanza->name, strlen(stanza->name), ANSWER_MAX) < 0;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (attributes[i][1])
            failed |= xml_write_attribute(out, attributes[i][0], attributes[i][1], ANSWER_MAX) < 0;
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        failed |= buffer_append(out, rest[i], strlen(rest[i]), ANSWER_MAX) < 0;
    return failed ? -1 : 0;
}

void say_answer(struct peer *p, const struct xml_node *stanza, const char *type, const char *inside) {
    static struct buffer out;
    out.length = 0;
    if (write_answer(&out, p, stanza, type, inside) < 0)
        say_stream_error(p, xml_too_much);
    else
        peer_send(p, out.data, out.length);
}

void say_error(struct peer *p, const struct xml_node *stanza, const char *type, const char *condition,
               const char *text) {
    static const char namespace[] = "urn:ietf:params:xml:ns:xmpp-stanzas";
    char inside[SPEECH_MAX];
    const char *kind = xml_attribute(stanza, "type");
    if (kind && (strcmp(kind, "error") == 0 || strcmp(kind, "result") == 0))
        return; /* or two servers might tell each other of errors for ever */
    int length =
        snprintf(inside, sizeof inside, "<error type='%s'><%s xmlns='%s'/>", type, condition, namespace);
    char *rest = inside + length;
    size_t room = sizeof inside - (size_t)length;
    if (text)
        snprintf(rest, room, "<text xmlns='%s' xml:lang='en'>%s</text></error>", namespace, text);
    else
        snprintf(rest, room, "</error>");
    say_answer(p, stanza, "error", inside);
}
