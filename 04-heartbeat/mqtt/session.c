/* session.c - see session.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "session.h"

#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define PLACES   4096 /* of the table of sessions */
#define RECEIVED 8192 /* bytes: a bit for each number of 16 bits */
#define LAST_ID  65535

struct delivery {
    struct delivery *next;
    struct message *message; /* NULL: PUBREC has come, and only the number still counts */
    int qos, retain;
    int id;   /* 0: it is not under way */
    int sent; /* on any connection: a second time it is a DUP */
};

static struct session *sessions[PLACES];
static int count;

/* ---- The table ---- */

static struct session **place_of(struct bytes id) {
    unsigned hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < id.length; i++)
        hash = (hash ^ (unsigned char)id.data[i]) * 16777619u;
    return &sessions[hash % PLACES];
}

struct session *session_find(struct bytes id) {
    struct session *s = *place_of(id);
    while (s && (s->id.length != id.length || memcmp(s->id.data, id.data, id.length) != 0))
        s = s->next;
    return s;
}

static struct session *away_for_longest(void) {
    struct session *longest = NULL;
    for (int i = 0; i < PLACES; i++)
        for (struct session *s = sessions[i]; s; s = s->next)
            if (s->client == NULL && (longest == NULL || s->left < longest->left))
                longest = s;
    return longest;
}

struct session *session_new(struct bytes id) {
    struct session *oldest = count == SESSIONS_MAX ? away_for_longest() : NULL;
    if (oldest)
        session_free(oldest);
    struct session *s = count < SESSIONS_MAX ? calloc(1, sizeof *s + id.length) : NULL;
    if (s == NULL)
        return NULL;
    struct session **place = place_of(id);
    char *own = (char *)(s + 1);
    memcpy(own, id.data, id.length);
    s->id = (struct bytes){own, id.length};
    s->queue_end = &s->queue;
    s->next = *place;
    *place = s;
    count++;
    return s;
}

/* ---- The queue ---- */

/* Takes out what a link leads to. */
static void remove_delivery(struct session *s, struct delivery **link) {
    struct delivery *d = *link;
    *link = d->next;
    if (s->queue_end == &d->next)
        s->queue_end = link;
    if (d->message)
        s->share[d->retain].bytes -= message_size(d->message);
    s->share[d->retain].messages--;
    s->queued--;
    message_release(d->message);
    free(d);
}

void session_free(struct session *s) {
    struct session **link = place_of(s->id);
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    count--;
    unsubscribe_all(&s->subscriptions);
    while (s->queue)
        remove_delivery(s, &s->queue);
    message_release(s->will);
    message_release(s->sent_once);
    free(s->received);
    free(s);
}

void session_resume(struct session *s) { s->sent = 0; }

int session_queue(struct session *s, struct message *m, int qos, int retain) {
    static const struct share most[] = {{QUEUE_MAX, QUEUE_BYTES}, {RETAINED_MAX, RETAINED_BYTES}};
    struct share *share = &s->share[retain];
    size_t size = message_size(m);
    int full = share->messages == most[retain].messages || message_total() > MESSAGES_BYTES ||
               (share->messages > 0 && share->bytes + size > most[retain].bytes);
    struct delivery *d = full ? NULL : malloc(sizeof *d);
    if (d == NULL)
        return -1;
    *d = (struct delivery){.message = message_hold(m), .qos = qos, .retain = retain};
    *s->queue_end = d;
    s->queue_end = &d->next;
    s->queued++;
    share->messages++;
    share->bytes += size;
    return 0;
}

/* Returns the link to the one under way that has a number; or NULL. */
static struct delivery **find_id(struct session *s, int id) {
    struct delivery **link = &s->queue;
    for (int i = 0; i < s->under_way; i++, link = &(*link)->next)
        if ((*link)->id == id)
            return link;
    return NULL;
}

/* Returns a number that is not under way. */
static int free_id(struct session *s) {
    do
        s->last_id = s->last_id % LAST_ID + 1;
    while (find_id(s, s->last_id));
    return s->last_id;
}

/* The next one is of QoS 0: it leaves the queue, and its message is held until the next call. */
static void send_once(struct session *s, struct delivery **link, struct packet *p) {
    struct message *m = message_hold((*link)->message);
    *p = (struct packet){.type = PUBLISH, .topic = m->topic, .payload = m->payload};
    p->retain = (*link)->retain;
    message_release(s->sent_once);
    s->sent_once = m;
    remove_delivery(s, link);
}

int session_next(struct session *s, struct packet *p) {
    struct delivery **link = &s->queue;
    if (s->sent == s->queued)
        return 0;
    for (int i = 0; i < s->sent; i++)
        link = &(*link)->next;
    struct delivery *d = *link;
    if (d->qos == 0) {
        send_once(s, link, p);
        return 1;
    }
    if (s->sent == UNDER_WAY_MAX)
        return 0;
    if (d->id == 0) {
        d->id = free_id(s);
        s->under_way++;
    }
    s->sent++;
    *p = (struct packet){.type = PUBREL, .id = d->id};
    if (d->message == NULL)
        return 1;
    p->type = PUBLISH;
    p->qos = d->qos;
    p->dup = d->sent;
    p->retain = d->retain;
    p->topic = d->message->topic;
    p->payload = d->message->payload;
    d->sent = 1;
    return 1;
}

void session_received(struct session *s, int id) {
    struct delivery **link = find_id(s, id);
    if (link == NULL || (*link)->qos != 2 || (*link)->message == NULL)
        return;
    s->share[(*link)->retain].bytes -= message_size((*link)->message);
    message_release((*link)->message);
    (*link)->message = NULL;
}

void session_done(struct session *s, int id, int qos) {
    struct delivery **link = find_id(s, id);
    if (link == NULL || (*link)->qos != qos || (qos == 2 && (*link)->message))
        return; /* of QoS 2: without a PUBREC the client does not have it */
    int place = 0;
    for (struct delivery *d = s->queue; d != *link; d = d->next)
        place++;
    remove_delivery(s, link);
    s->under_way--;
    if (place < s->sent)
        s->sent--;
}

/* ---- What comes from the client ---- */

int session_takes(struct session *s, int id) {
    if (s->received == NULL)
        s->received = calloc(1, RECEIVED);
    if (s->received == NULL)
        return -1;
    if (s->received[id / 8] & 1 << id % 8)
        return 0;
    s->received[id / 8] |= (unsigned char)(1 << id % 8);
    s->received_count++;
    return 1;
}

void session_forgets(struct session *s, int id) {
    if (s->received == NULL || !(s->received[id / 8] & 1 << id % 8))
        return;
    s->received[id / 8] &= (unsigned char)~(1 << id % 8);
    s->received_count--;
    if (s->received_count == 0) {
        free(s->received);
        s->received = NULL;
    }
}
