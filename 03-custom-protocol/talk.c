/* talk.c - see talk.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "talk.h"

#include "text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Returns the request of that id; a free place, if it is "". NULL: there is none. */
static struct pending *pending_find(struct talk *t, const char *id) {
    for (int i = 0; i < REQUESTS; i++)
        if (strcmp(t->pending[i].id, id) == 0)
            return &t->pending[i];
    return NULL;
}

int talk_has_room(struct talk *t) { return pending_find(t, "") && conn_has_room(&t->server); }

int talk_is_pending(const struct talk *t) {
    for (int i = 0; i < REQUESTS; i++)
        if (*t->pending[i].id != '\0')
            return 1;
    return 0;
}

int talk_request(struct talk *t, struct message *m, const char *about) {
    struct pending *p = pending_find(t, "");
    if (p == NULL)
        return -1;
    snprintf(p->id, sizeof p->id, "%s-%ld", t->id_prefix, ++t->id_count);
    snprintf(p->about, sizeof p->about, "%s", about);
    p->type = m->type;
    p->is_file = m->field[PATH] != NULL;
    m->field[ID] = p->id;

    if (conn_send(&t->server, t->format, m) == 0)
        return 0;
    *p->id = '\0';
    note("%s: this cannot be said in a message", about);
    return -1;
}

const char *talk_offered_name(const struct talk *t, const char *path) {
    for (int i = 1; i <= OFFERS; i++) { /* the latest first */
        const struct offer *o = &t->offers[(t->next_offer + OFFERS - i) % OFFERS];
        if (strcmp(o->path, path) == 0)
            return o->name;
    }
    return path;
}

/* Returns a field's value, "": it is not there. */
static const char *value_of(const struct message *m, enum message_field field) {
    return m->field[field] ? m->field[field] : "";
}

static void offer_keep(struct talk *t, const char *path, const char *name) {
    struct offer *o = &t->offers[t->next_offer];
    t->next_offer = (t->next_offer + 1) % OFFERS;
    snprintf(o->path, sizeof o->path, "%s", path);
    snprintf(o->name, sizeof o->name, "%s", name);
    text_clean(o->name, strlen(o->name));
}

/* Writes when something was: the time of day, with the date if that is another one than today's. */
static const char *time_text(long long seconds, char text[32]) {
    time_t then = (time_t)seconds, now = time(NULL);
    char today[16], day[16];
    const struct tm *t = localtime(&now);
    strftime(today, sizeof today, "%Y-%m-%d", t);
    t = localtime(&then);
    if (t == NULL || strftime(day, sizeof day, "%Y-%m-%d", t) == 0)
        return "?";
    strftime(text, 32, strcmp(day, today) == 0 ? "%H:%M" : "%Y-%m-%d %H:%M", t);
    return text;
}

/* Prints a message. If it offers a file, we keep the name for /get. */
static void message_print(struct talk *t, const struct message *m) {
    char when[32];
    const char *at = time_text(message_number(m, TIME), when);
    const char *from = value_of(m, FROM), *to = value_of(m, TO), *body = value_of(m, BODY);
    const char *path = m->field[PATH];
    if (path == NULL) {
        screen_say(&t->screen, "%s %s: %s", at, from, body);
        return;
    }
    if (strcmp(to, t->name) == 0)
        to = "you";
    screen_say(&t->screen, "%s %s sends %s %s (%s bytes): /get %s", at, from, to, body, value_of(m, SIZE),
               path);
    offer_keep(t, path, body);
}

/* Says on stderr what the ok to a request means, where that is not plain. */
static void ok_take(struct talk *t, const struct pending *p, const struct message *m) {
    long long count = message_number(m, COUNT);
    if (p->type == LOGIN) {
        t->logged_in = 1;
        t->waiting = count;
        note("logged in as %s, %s message%s waiting", t->name, value_of(m, COUNT), count == 1 ? "" : "s");
    } else if (p->type == HISTORY && count == 0) {
        note("no messages with %s", p->about);
    } else if (p->is_file) {
        note("%s: sent", p->about);
    }
}

/* An answer ends the request that it belongs to. One that belongs to none tells that we are not understood. */
static void answer_take(struct talk *t, const struct message *m) {
    const char *id = value_of(m, ID);
    struct pending *p = *id ? pending_find(t, id) : NULL;
    if (m->type == ERROR)
        note("%s: %s", p ? p->about : t->server.name, value_of(m, BODY));
    if (p == NULL || (m->type == ERROR && p->type == LOGIN)) {
        t->failed = 1;
        return;
    }
    if (m->type == OK)
        ok_take(t, p, m);
    *p->id = '\0';
}

static void message_take(struct talk *t, const struct message *m) {
    switch (m->type) {
    case OK:
    case ERROR: answer_take(t, m); break;
    case MSG:
        message_print(t, m);
        t->unacked = message_number(m, NUMBER);
        if (t->waiting > 0)
            t->waiting--;
        break;
    case PAST: message_print(t, m); break;
    case PRESENCE: screen_say(&t->screen, "* %s is %s", value_of(m, NAME), value_of(m, STATE)); break;
    case BYE: note("%s: %s", t->server.name, value_of(m, BODY)); break;
    default: break; /* a later version of the protocol may say more */
    }
}

/* Reads the next message. Returns 1; 0: none has come; -1: what has come is none. */
static int message_next(struct talk *t, struct message *m) {
    static char store[FRAME_MAX + 1];
    struct frame f;
    size_t at;
    int got = conn_receive(&t->server, &f);
    if (got <= 0)
        return got;
    if (f.format == FRAME_BYTES)
        return -1;
    const char *wrong = message_decode(m, (enum message_format)f.format, f.payload, f.length, store, &at);
    return wrong ? -1 : 1;
}

/* After our last word nothing counts: what we do not acknowledge comes again. */
void talk_take(struct talk *t) {
    struct message m;
    int got = 1;
    while (got > 0 && !t->failed && screen_has_room(&t->screen) && conn_has_room(&t->server)) {
        got = message_next(t, &m);
        if (got > 0 && !t->leaving)
            message_take(t, &m);
    }
    if (got < 0) {
        note("%s: does not speak our protocol", t->server.name);
        t->failed = 1;
    }
}

void talk_ack(struct talk *t) {
    char number[24];
    if (t->unacked <= 0 || t->screen.length > 0 || !conn_has_room(&t->server))
        return;
    snprintf(number, sizeof number, "%lld", t->unacked);
    struct message m = {.type = ACK, .field = {[NUMBER] = number}};
    conn_send(&t->server, t->format, &m);
    t->unacked = 0;
}
