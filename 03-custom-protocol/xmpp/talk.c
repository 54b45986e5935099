/* talk.c - see talk.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "talk.h"

#include "jid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#define PASSED_MAX   262144 /* bytes of a stanza as it is passed on, which may have grown */
#define PRESENCE_MAX 8192   /* bytes of a presence that is kept for those who come later */
#define CATCH_UP     8192 /* bytes that a client is owed of what it has missed, at most, and one stanza more */

static struct buffer passed; /* the stanza that is passed on */

/* Writes a stanza into `passed`, with its true sender. Returns 0, -1: it is too long. */
static int write_stanza(struct peer *p, struct xml_tree *tree) {
    passed.length = 0;
    if (xml_set(tree, tree->nodes, "from", p->full) == 0 &&
        xml_write(&passed, tree->nodes, "jabber:client", PASSED_MAX) == 0)
        return 0;
    say_error(p, tree->nodes, "modify", "policy-violation", "too long, when it is written for others");
    return -1;
}

static void send_passed(struct peer *p) { peer_send(p, passed.data, passed.length); }

void talk_pass_iq(struct peer *p, struct xml_tree *tree, struct peer *to) {
    if (write_stanza(p, tree) == 0)
        send_passed(to);
}

/* ---- Messages (RFC 6121, 8.5) ---- */

/* Keeps what is in `passed`, with the time (XEP-0203: it was delayed). Returns 0, -1: it cannot be kept. */
static int keep(struct person *person) {
    static const char end[] = "</message>";
    char delay[512];
    struct tm utc;
    time_t now = time(NULL);
    size_t before = passed.length - strlen(end); /* there is a <body> in it, so it ends with this */
    int length = snprintf(delay, sizeof delay, "<delay xmlns='urn:xmpp:delay' from='%s' stamp='", domain);
    length += (int)strftime(delay + length, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    length += snprintf(delay + length, sizeof delay - (size_t)length, "'/>%s", end);

    passed.length = before;
    if (buffer_append(&passed, delay, (size_t)length, PASSED_MAX) < 0)
        return -1;
    return person_keep(person, passed.data, passed.length);
}

/* Sends a message to the clients of a person that want it: those with the highest priority, all of them, unless it is below
 * 0; a headline to all that are not below 0. Returns how many these are. */
static int send_to_person(const struct person *person, int is_headline) {
    int highest = 0, count = 0;
    for (struct peer *to = person->peers; to; to = to->next)
        if (to->presence && !to->client->gone && to->priority > highest)
            highest = to->priority;
    for (struct peer *to = person->peers; to; to = to->next)
        if (to->presence && !to->client->gone &&
            (is_headline ? to->priority >= 0 : to->priority == highest)) {
            send_passed(to);
            count++;
        }
    return count;
}

/* Delivers a message to a person, or keeps it: also behind others that are still kept. A headline is not kept, nor what has
 * no text (somebody is typing). */
static void deliver(struct peer *p, struct xml_tree *tree, struct person *person, const char *type) {
    const struct xml_node *stanza = tree->nodes;
    int is_headline = strcmp(type, "headline") == 0;
    int may_wait = !is_headline && xml_child(stanza, "jabber:client", "body");
    if (strcmp(type, "groupchat") == 0) {
        say_error(p, stanza, "cancel", "service-unavailable", NULL);
        return;
    }
    if (strcmp(type, "error") == 0 || write_stanza(p, tree) < 0)
        return;
    int is_sent = !(may_wait && person->first) && send_to_person(person, is_headline) > 0;
    if (!is_sent && may_wait && keep(person) < 0)
        say_error(p, stanza, "wait", "resource-constraint", "too much waits for this person already");
}

void talk_message(struct peer *p, struct xml_tree *tree) {
    struct xml_node *stanza = tree->nodes;
    const char *to = stanza_to(stanza), *type = xml_attribute(stanza, "type");
    char own[FULL_MAX + 1];
    struct jid j;
    if (to == NULL) { /* it is for its sender (RFC 6120, 10.3.1) */
        snprintf(own, sizeof own, "%s@%s", p->person->name, domain);
        to = xml_set(tree, stanza, "to", own) == 0 ? own : "";
    }
    if (jid_read(&j, to) < 0) {
        say_error(p, stanza, "modify", "jid-malformed", NULL);
        return;
    }
    if (!jid_is_in(&j, domain)) {
        say_error(p, stanza, "cancel", "remote-server-not-found",
                  "there is no way from here to other servers");
        return;
    }
    struct person *person = j.local ? person_find(j.local, j.local_length) : NULL;
    struct peer *client = person && j.resource ? peer_find(person, j.resource) : NULL;
    if (person == NULL)
        say_error(p, stanza, "cancel", "service-unavailable", "there is nobody of that name");
    else if (client == NULL || client->client->gone)
        deliver(p, tree, person, type ? type : "normal");
    else if (write_stanza(p, tree) == 0)
        send_passed(client);
}

/* ---- Presence (RFC 6121, 4) ---- */

/* Returns the priority in a presence, 0 if there is none; or -129: it is no number from -128 to 127. */
static int priority_of(const struct xml_node *stanza) {
    const struct xml_node *e = xml_child(stanza, "jabber:client", "priority");
    char *end;
    if (e == NULL)
        return 0;
    const char *text = xml_text(e);
    long priority = strtol(text, &end, 10);
    end += strspn(end, " \t\r\n");
    return end > text && *end == '\0' && priority >= -128 && priority <= 127 ? (int)priority : -129;
}

/* Takes what a client tells of itself, and passes it on to everybody. */
static void available(struct peer *p, struct xml_tree *tree) {
    int priority = priority_of(tree->nodes);
    if (priority < -128) {
        say_error(p, tree->nodes, "modify", "bad-request", "a priority is a number from -128 to 127");
        return;
    }
    if (write_stanza(p, tree) < 0)
        return;
    char *copy = passed.length > PRESENCE_MAX ? NULL : malloc(passed.length);
    if (copy == NULL) {
        say_error(p, tree->nodes, "modify", "policy-violation", "a presence has at most 8192 bytes");
        return;
    }
    if (p->presence == NULL)
        p->shown = 0;
    free(p->presence);
    p->presence = memcpy(copy, passed.data, passed.length);
    p->presence_length = passed.length;
    p->priority = priority;
    peer_tell_everybody(p, passed.data, passed.length);
}

static void unavailable(struct peer *p, struct xml_tree *tree) {
    if (p->presence == NULL || write_stanza(p, tree) < 0)
        return;
    free(p->presence);
    p->presence = NULL;
    peer_tell_everybody(p, passed.data, passed.length);
}

/* Sends what the clients of a person have told of themselves. */
static void send_presence(struct peer *p, const struct person *person) {
    for (const struct peer *of = person->peers; of; of = of->next)
        if (of->presence)
            peer_send(p, of->presence, of->presence_length);
}

/* Takes a presence that is for one person. Everybody is everybody's friend: a request for that is
 * always accepted, and to take it back does nothing. */
static void directed(struct peer *p, struct xml_tree *tree, const char *type, const char *to) {
    struct jid j;
    int is_here = jid_read(&j, to) == 0 && j.local && jid_is_in(&j, domain);
    struct person *person = is_here ? person_find(j.local, j.local_length) : NULL;
    if (person == NULL)
        return;
    if (strcmp(type, "subscribe") == 0) {
        say(p, "<presence type='subscribed' from='%s@%s' to='%s'/>", person->name, domain, p->full);
        send_presence(p, person);
    } else if (strcmp(type, "probe") == 0) {
        send_presence(p, person);
    } else if (strcmp(type, "") == 0 || strcmp(type, "unavailable") == 0) {
        if (write_stanza(p, tree) < 0)
            return;
        for (struct peer *client = person->peers; client; client = client->next)
            if (client->presence && (j.resource == NULL || strcmp(client->resource, j.resource) == 0))
                send_passed(client);
    }
}

void talk_presence(struct peer *p, struct xml_tree *tree) {
    const char *type = xml_attribute(tree->nodes, "type"), *to = stanza_to(tree->nodes);
    if (to)
        directed(p, tree, type ? type : "", to);
    else if (type == NULL)
        available(p, tree);
    else if (strcmp(type, "unavailable") == 0)
        unavailable(p, tree);
    else
        say_error(p, tree->nodes, "modify", "bad-request", NULL);
}

/* ---- What a client has missed ---- */

int talk_catch_up(struct peer *p) {
    struct buffer *out = &p->client->out;
    struct kept *k;
    int before = p->shown, sent = 0;
    if (p->presence == NULL)
        return 0;
    while (p->shown < FD_SETSIZE && out->length < CATCH_UP && !p->client->gone) {
        const struct peer *other = &peers[p->shown++];
        if (other->presence)
            peer_send(p, other->presence, other->presence_length);
    }
    if (p->shown == FD_SETSIZE && out->length == 0) {
        buffer_free(out); /* it was large, and is not needed again soon */
        p->shown++;
    }
    while (p->priority >= 0 && out->length < CATCH_UP && (k = p->person->first) != NULL) {
        peer_send(p, k->text, k->length);
        if (p->client->gone)
            break; /* and so all that is left stays */
        free(person_take(p->person));
        sent++;
    }
    return p->shown > before || sent > 0;
}
