/* talk_packet.c - what a client does about each packet of the broker: see talk.h. */
#include "talk.h"

#include "log.h"
#include "text.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>

/* ---- CONNACK ---- */

/* Asks for all filters in one packet. */
static void subscribe(struct talk *t) {
    if (t->filters.length == 0 || t->subscribed)
        return;
    t->subscribing = delivery_new_id(&t->outbox);
    struct packet p = {.type = SUBSCRIBE, .id = t->subscribing, .list = t->filters};
    stream_send(&t->stream, &p);
}

/* The broker has forgotten the session, or never had one. */
static void begin_session(struct talk *t) {
    t->subscribed = 0;
    memset(t->received, 0, sizeof t->received);
}

static int refuse(struct talk *t, const char **why, const char *text) {
    t->unwelcome = 1;
    *why = text;
    return -1;
}

static int on_connack(struct talk *t, const struct packet *p, const char **why) {
    char text[64];
    switch (p->code) {
    case ACCEPTED: break;
    case BAD_LEVEL: return refuse(t, why, "the broker refuses us: it does not speak MQTT 3.1.1");
    case BAD_CLIENT_ID: return refuse(t, why, "the broker refuses us: not with this client id");
    case NOT_AVAILABLE: return refuse(t, why, "the broker refuses us: it is not available");
    case BAD_PASSWORD: return refuse(t, why, "the broker refuses us: wrong user name or password");
    case NOT_AUTHORIZED: return refuse(t, why, "the broker refuses us: not authorized");
    default: *why = "a CONNACK with a code that there is not"; return -1;
    }
    if (p->session_present && t->connect.clean) {
        *why = "a session from earlier, and we have asked for a new one";
        return -1;
    }
    if (!p->session_present)
        begin_session(t);
    else if (!t->welcomed) /* it is from an earlier run: numbers that it still waits for are hardly here */
        t->outbox.last_id = (int)(now_ms() % 65535);
    t->failures = 0;
    t->welcomed = 1;
    t->pong_due = 0;
    snprintf(text, sizeof text, "session %spresent, and %d wait", p->session_present ? "" : "not ",
             t->outbox.waiting);
    talk_change(t, OPEN, text, "");
    subscribe(t);
    return 0;
}

/* ---- A message ---- */

/* Puts "topic text" into the output, a line that can command no terminal. */
static void print_message(struct talk *t, const struct packet *p) {
    unsigned char *at = queue_add(&t->output, p->topic.data, p->topic.length);
    text_clean((char *)at, p->topic.length);
    queue_add(&t->output, " ", 1);
    at = queue_add(&t->output, p->payload.data, p->payload.length);
    if (p->payload.length > 0)
        text_clean((char *)at, p->payload.length);
    queue_add(&t->output, "\n", 1);
    t->printed += (long long)(p->topic.length + p->payload.length) + 2;
}

/* Queues an answer for the time when what has come so far is written. */
static void queue_ack(struct talk *t, enum packet_type type, int id) {
    struct ack ack = {.end = t->printed, .type = type, .id = id};
    queue_add(&t->acks, &ack, sizeof ack);
}

void talk_acknowledge(struct talk *t) {
    long long written = t->printed - (long long)queue_length(&t->output);
    while (queue_length(&t->acks) > 0) {
        struct ack ack;
        memcpy(&ack, t->acks.data + t->acks.start, sizeof ack);
        if (ack.end > written)
            return;
        struct packet p = {.type = ack.type, .id = ack.id};
        stream_send(&t->stream, &p);
        t->acks.start += sizeof ack;
    }
}

/* A message of QoS 2 comes again until the broker has our PUBREC: its number, remembered up to the PUBREL, tells. */
static void on_publish(struct talk *t, const struct packet *p) {
    unsigned char *place = &t->received[p->id / 8], bit = (unsigned char)(1 << p->id % 8);
    if (p->qos < 2 || !(*place & bit))
        print_message(t, p);
    if (p->qos == 2)
        *place |= bit;
    if (p->qos > 0)
        queue_ack(t, p->qos == 1 ? PUBACK : PUBREC, p->id);
}

static void on_pubrel(struct talk *t, int id) {
    struct packet p = {.type = PUBCOMP, .id = id};
    t->received[id / 8] &= (unsigned char)~(1 << id % 8);
    stream_send(&t->stream, &p);
}

/* ---- Answers ---- */

static void say_refused(struct bytes filter) {
    char text[256];
    size_t shown = filter.length < sizeof text ? filter.length : sizeof text;
    memcpy(text, filter.data, shown);
    text_clean(text, shown);
    log_line("refused: %.*s%s", (int)shown, text, shown < filter.length ? "..." : "");
}

/* Says which filters are refused. Leaves if none is left, and there is nothing else to do. */
static int on_suback(struct talk *t, const struct packet *p, const char **why) {
    struct packet asked = {.type = SUBSCRIBE, .list = t->filters};
    struct bytes filter;
    size_t count = 0, refused = 0;
    int qos;
    while (p->id == t->subscribing && next_filter(&asked, &filter, &qos)) {
        if (count < p->list.length && (p->list.data[count] & REFUSED)) {
            say_refused(filter);
            refused++;
        }
        count++;
    }
    if (count != p->list.length) {
        *why = "it answers no SUBSCRIBE of ours";
        return -1;
    }
    t->subscribing = 0;
    t->subscribed = 1;
    t->unwanted = refused == count;
    if (t->unwanted && t->topic.length == 0)
        talk_leave(t, "no subscription is left", LEAVE_MS);
    return 0;
}

/* PUBACK, PUBREC, PUBCOMP. */
static int on_answer(struct talk *t, const struct packet *p, const char **why) {
    struct packet release = {.type = PUBREL, .id = p->id};
    if (delivery_answer(&t->outbox, p) < 0) {
        *why = "that is not the answer to our PUBLISH";
        return -1;
    }
    if (p->type == PUBREC)
        stream_send(&t->stream, &release);
    return 0;
}

int talk_on_packet(struct talk *t, struct packet *p, const char **why) {
    if ((t->state == CONNECTING) != (p->type == CONNACK)) {
        *why = t->state == CONNECTING ? "the first one is no CONNACK" : "a second CONNACK";
        return -1;
    }
    switch (p->type) {
    case CONNACK: return on_connack(t, p, why);
    case PUBLISH: on_publish(t, p); return 0;
    case PUBREL: on_pubrel(t, p->id); return 0;
    case PUBACK:
    case PUBREC:
    case PUBCOMP: return on_answer(t, p, why);
    case SUBACK: return on_suback(t, p, why);
    case PINGRESP: t->pong_due = 0; return 0;
    default: *why = "only clients send that"; return -1;
    }
}
