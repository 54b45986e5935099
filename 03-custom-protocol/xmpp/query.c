/* query.c - see query.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "query.h"

#include "dice.h"
#include "jid.h"
#include "talk.h"

#include <stdio.h>
#include <string.h>

#define BIND "urn:ietf:params:xml:ns:xmpp-bind"

#define ROSTER_MAX (PEOPLE_MAX * (2 * WORD_MAX + DOMAIN_MAX + 64)) /* bytes of the longest one */

/* ---- A resource (RFC 6120, 7) ---- */

/* Can it stand in an address, and in markup, as it is? */
static int may_be_resource(const char *text) {
    size_t length = strlen(text);
    return length > 0 && length <= RESOURCE_MAX && strcspn(text, "<>&'\"\t\n\r ") == length;
}

static int asks_for_bind(const struct xml_node *stanza) {
    const char *type = xml_attribute(stanza, "type");
    return xml_is(stanza, "jabber:client", "iq") && type && strcmp(type, "set") == 0 &&
           xml_child(stanza, BIND, "bind");
}

int query_bind(struct peer *p, struct xml_tree *tree) {
    char made_up[17], text[FULL_MAX + 128];
    const struct xml_node *stanza = tree->nodes;
    if (!asks_for_bind(stanza))
        return -1;
    const struct xml_node *wish = xml_child(xml_child(stanza, BIND, "bind"), BIND, "resource");
    const char *resource = wish ? xml_text(wish) : "";
    if (!may_be_resource(resource)) {
        roll_hex(made_up, 8);
        resource = made_up;
    }

    struct peer *older = peer_find(p->person, resource);
    if (older) {
        say_stream_error(older, "conflict");
        peer_end(older); /* also if its connection has just died */
    }
    peer_bind(p, resource);
    snprintf(text, sizeof text, "<bind xmlns='" BIND "'><jid>%s</jid></bind>", p->full);
    say_answer(p, stanza, "result", text);
    return 0;
}

/* ---- What the server is asked ---- */

/* Everybody here is everybody's friend. */
static void answer_roster(struct peer *p, const struct xml_node *stanza) {
    static char text[ROSTER_MAX];
    int length = snprintf(text, sizeof text, "<query xmlns='jabber:iq:roster'>");
    for (const struct person *other = people; other < people + people_count; other++)
        if (other != p->person)
            length += snprintf(text + length, sizeof text - (size_t)length,
                               "<item jid='%s@%s' name='%s' subscription='both'/>", other->name, domain,
                               other->name);
    snprintf(text + length, sizeof text - (size_t)length, "</query>");
    say_answer(p, stanza, "result", text);
}

static void refuse_roster(struct peer *p, const struct xml_node *stanza) {
    say_error(p, stanza, "cancel", "not-allowed",
              "everybody on this server is everybody's friend, and nobody else");
}

static void answer_nothing(struct peer *p, const struct xml_node *stanza) {
    say_answer(p, stanza, "result", "");
}

static void answer_info(struct peer *p, const struct xml_node *stanza) {
    say_answer(p, stanza, "result",
               "<query xmlns='http://jabber.org/protocol/disco#info'>"
               "<identity category='server' type='im' name='xmpp_server'/>"
               "<feature var='http://jabber.org/protocol/disco#info'/>"
               "<feature var='http://jabber.org/protocol/disco#items'/>"
               "<feature var='jabber:iq:roster'/><feature var='urn:xmpp:ping'/></query>");
}

static void answer_items(struct peer *p, const struct xml_node *stanza) {
    say_answer(p, stanza, "result", "<query xmlns='http://jabber.org/protocol/disco#items'/>");
}

static const struct query {
    const char *type, *ns, *name;
    void (*answer)(struct peer *p, const struct xml_node *stanza);
} queries[] = {
    {"get", "jabber:iq:roster", "query", answer_roster},
    {"set", "jabber:iq:roster", "query", refuse_roster},
    {"get", "urn:xmpp:ping", "ping", answer_nothing},
    {"get", "http://jabber.org/protocol/disco#info", "query", answer_info},
    {"get", "http://jabber.org/protocol/disco#items", "query", answer_items},
    {"set", "urn:ietf:params:xml:ns:xmpp-session", "session",
     answer_nothing}, /* of RFC 3921; some clients ask for it */
};

/* Answers what the server was asked. */
static void answer_query(struct peer *p, const struct xml_node *stanza, const char *type) {
    const struct xml_node *asked = xml_child(stanza, NULL, NULL);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        const struct query *q = &queries[i];
        if (strcmp(q->type, type) == 0 && xml_is(asked, q->ns, q->name)) {
            q->answer(p, stanza);
            return;
        }
    }
    say_error(p, stanza, "cancel", "service-unavailable", NULL);
}

/* ---- All iq ---- */

/* Is it a question? If not, it is an answer, which is never answered. */
static int asks(const char *type) { return strcmp(type, "get") == 0 || strcmp(type, "set") == 0; }

/* Has it all that an iq needs: an id, a type and, to ask with, exactly one element? */
static int is_complete(const struct xml_node *stanza, const char *type) {
    if (type == NULL || xml_attribute(stanza, "id") == NULL)
        return 0;
    if (!asks(type))
        return strcmp(type, "result") == 0 || strcmp(type, "error") == 0;
    int count = 0;
    for (const struct xml_node *child = stanza->children; child; child = child->next)
        count += child->kind == XML_ELEMENT;
    return count == 1;
}

void query_read(struct peer *p, struct xml_tree *tree) {
    const struct xml_node *stanza = tree->nodes;
    const char *to = stanza_to(stanza), *type = xml_attribute(stanza, "type");
    struct jid j = {.local = NULL};
    if (!is_complete(stanza, type)) {
        say_error(p, stanza, "modify", "bad-request", NULL);
        return;
    }
    if (to && jid_read(&j, to) < 0) {
        say_error(p, stanza, "modify", "jid-malformed", NULL);
        return;
    }
    if (to && !jid_is_in(&j, domain)) {
        say_error(p, stanza, "cancel", "remote-server-not-found",
                  "there is no way from here to other servers");
        return;
    }

    const struct person *person = j.local ? person_find(j.local, j.local_length) : NULL;
    struct peer *client = person && j.resource ? peer_find(person, j.resource) : NULL;
    int is_for_us = j.resource == NULL && (j.local == NULL || person == p->person);
    if (client && !client->client->gone)
        talk_pass_iq(p, tree, client);
    else if (is_for_us && asks(type))
        answer_query(p, stanza, type);
    else if (asks(type))
        say_error(p, stanza, "cancel", "service-unavailable", NULL);
}
