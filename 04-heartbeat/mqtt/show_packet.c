/* show_packet.c - see show_packet.h. */
#include "show_packet.h"

#include "text.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 100 /* bytes of a name that are shown */

static const char *const names[] = {"",        "CONNECT",  "CONNACK",   "PUBLISH", "PUBACK",      "PUBREC",
                                    "PUBREL",  "PUBCOMP",  "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
                                    "PINGREQ", "PINGRESP", "DISCONNECT"};

/* Prints what it is, and text from the network, made safe for a terminal. */
static void show_text(const char *what, struct bytes s) {
    char text[SHOWN];
    size_t length = s.length < SHOWN ? s.length : SHOWN;
    if (length > 0)
        memcpy(text, s.data, length);
    text_clean(text, length);
    fprintf(stderr, ", %s %.*s%s", what, (int)length, text, length < s.length ? "..." : "");
}

static void show_message(const struct packet *p) {
    fprintf(stderr, ", QoS %d%s, %sretained", p->qos, p->dup ? ", DUP" : "", p->retain ? "" : "not ");
    if (p->qos > 0)
        fprintf(stderr, ", packet %d", p->id);
    show_text("topic", p->topic);
    fprintf(stderr, ", %zu bytes", p->payload.length);
}

static void show_connect(const struct packet *p) {
    fprintf(stderr, ", level %d", p->level);
    if (p->level != 4)
        return;
    show_text("client", p->client_id);
    fprintf(stderr, ", %s session, keep-alive %d s", p->clean ? "clean" : "kept", p->keep_alive);
    if (p->has_will) {
        show_text("will to", p->will_topic);
        fprintf(stderr, ", QoS %d, %sretained", p->will_qos, p->will_retain ? "" : "not ");
    }
}

static void show_connack(const struct packet *p) {
    static const char *const codes[] = {
        "accepted",      "that level is unknown here", "that client id is refused",
        "not available", "wrong user or password",     "not authorized"};
    fprintf(stderr, ", %s, session %spresent", p->code <= NOT_AUTHORIZED ? codes[p->code] : "refused",
            p->session_present ? "" : "not ");
}

/* Shows the filters that are asked for, or the answers to them. */
static void show_list(const struct packet *p) {
    struct packet copy = *p;
    struct bytes filter;
    int qos;
    fprintf(stderr, ", packet %d", p->id);
    if (p->type == SUBACK) {
        for (size_t i = 0; i < p->list.length; i++)
            fprintf(stderr, p->list.data[i] & REFUSED ? ", refused" : ", QoS %d", p->list.data[i]);
        return;
    }
    while (next_filter(&copy, &filter, &qos)) {
        show_text("filter", filter);
        if (p->type == SUBSCRIBE)
            fprintf(stderr, " with QoS %d", qos);
    }
}

void show_packet(const char *peer, const char *arrow, const struct packet *p) {
    if (!verbose)
        return;
    fprintf(stderr, "%s %s %s", peer, arrow, names[p->type]);
    switch (p->type) {
    case CONNECT: show_connect(p); break;
    case CONNACK: show_connack(p); break;
    case PUBLISH: show_message(p); break;
    case SUBSCRIBE:
    case SUBACK:
    case UNSUBSCRIBE: show_list(p); break;
    case PINGREQ:
    case PINGRESP:
    case DISCONNECT: break;
    default: fprintf(stderr, ", packet %d", p->id);
    }
    fputc('\n', stderr);
}
