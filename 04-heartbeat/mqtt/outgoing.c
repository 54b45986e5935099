/* outgoing.c - see outgoing.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "outgoing.h"

#include "show_packet.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWED_LOW    65536 /* bytes: a client that is owed more gets nothing from its queue until it has read */
#define RETAINED_US 2000 /* us: how long a turn may look for retained messages, and one subscription longer */
#define NAME_SHOWN  60   /* bytes of a client id in the log */

static char *scratch; /* packets are made here */

int outgoing_begin(size_t rest) {
    scratch = malloc(packet_room(&(struct packet){.payload.length = rest}));
    return scratch ? 0 : -1;
}

void send_packet(struct client *c, const struct packet *p) {
    show_packet(c->name, "<-", p);
    client_send(c, scratch, packet_write(p, scratch));
}

void send_answer(struct client *c, enum packet_type type, int id) {
    send_packet(c, &(struct packet){.type = type, .id = id});
}

void note(const struct session *s, const char *what) {
    char name[NAME_SHOWN];
    size_t length = s->id.length < NAME_SHOWN ? s->id.length : NAME_SHOWN;
    memcpy(name, s->id.data, length);
    text_clean(name, length);
    fprintf(stderr, "%s: %.*s: %s\n", program, (int)length, name, what);
}

void note_lost(struct session *s) {
    char text[100];
    if (s->skipped + s->refused > 0) {
        snprintf(text, sizeof text, "%d messages of QoS 0 skipped, %d others refused", s->skipped,
                 s->refused);
        note(s, text);
    }
    s->skipped = 0;
    s->refused = 0;
}

void deliver(struct session *s, struct message *m, int qos, int as_retained) {
    struct client *c = s->client;
    int behind = c && s->share[1].messages > 0; /* or an older one, which is retained, would come after it */
    if (qos > 0 || as_retained || behind) {
        if (session_queue(s, m, qos, as_retained) == 0) {
            if (c)
                send_queue(s, c); /* now: a will comes after on_turn(), and the next turn may be far */
        } else if (s->refused++ == 0) {
            note(s, "its queue is full: new messages are refused");
        }
        return;
    }
    if (c == NULL)
        return;
    if (c->out.length > OWED_MAX) {
        if (s->skipped++ == 0)
            note(s, "it does not read: messages of QoS 0 are skipped");
        return;
    }
    send_packet(c, &(struct packet){.type = PUBLISH, .topic = m->topic, .payload = m->payload});
}

void send_queue(struct session *s, struct client *c) {
    struct packet p;
    while (c->out.length < OWED_LOW && !c->gone && session_next(s, &p))
        send_packet(c, &p);
    if (c->out.length == 0 && s->sent == s->queued) /* not at each acknowledgement while the flood goes on */
        note_lost(s);
}

static struct session *subscriber; /* who gets the retained messages, ... */
static int subscriber_qos;         /* ... and with which QoS at most */

static int on_retained(struct message *m) {
    struct session *s = subscriber;
    int qos = m->qos < subscriber_qos ? m->qos : subscriber_qos, lost = s->skipped + s->refused;
    deliver(s, m, qos, 1);
    return s->skipped + s->refused == lost; /* when there is no room for one, we do not try all the others */
}

/* Sends those of one subscription that is fresh, the oldest. */
static void send_retained_of_one(struct session *s) {
    struct subscription *oldest = NULL;
    for (struct subscription *each = s->subscriptions; each; each = each->own_next)
        if (each->fresh)
            oldest = each;
    s->fresh = oldest != NULL;
    if (oldest == NULL)
        return;
    oldest->fresh = 0;
    subscriber = s;
    subscriber_qos = oldest->qos;
    retained_match(filter_of(oldest), on_retained);
}

static long long looked_us;    /* us: how long this turn has looked for retained messages */
static int whose_turn, latest; /* descriptors: from which client on it looks for more; whom it was for */

void send_retained(struct session *s) {
    long long began = now_us(), before = looked_us;
    while (s->fresh && looked_us < RETAINED_US) {
        send_retained_of_one(s);
        looked_us = before + now_us() - began;
    }
}

void outgoing_turn(void) {
    looked_us = 0;
    whose_turn = latest + 1;
    latest = -1;
}

int send_waiting(struct session *s, struct client *c) {
    if (s->fresh && c->fd >= whose_turn && looked_us < RETAINED_US) {
        send_retained(s);
        latest = c->fd;
    }
    send_queue(s, c);
    return s->fresh;
}

static unsigned matching; /* the number of the message that is passed on */
static struct session *matched;

/* Notes a session once, with the highest QoS of all its subscriptions that match. */
static void on_match(struct subscription *s) {
    struct session *session = s->session;
    if (session->matched != matching) {
        session->matched = matching;
        session->matched_qos = s->qos;
        session->matched_next = matched;
        matched = session;
    } else if (s->qos > session->matched_qos) {
        session->matched_qos = s->qos;
    }
}

void publish(struct message *m) {
    if (m->retain && retain(m) < 0)
        fprintf(stderr, "%s: no room for one more retained message\n", program);
    matching++;
    matched = NULL;
    if (topic_match(m->topic, on_match) < 0)
        fprintf(stderr, "%s: too many filters look like a topic of so many levels: some do not get it\n",
                program);
    for (struct session *s = matched; s; s = s->matched_next)
        deliver(s, m, s->matched_qos < m->qos ? s->matched_qos : m->qos, 0);
}
