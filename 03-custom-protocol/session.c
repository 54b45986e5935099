/* session.c - see session.h. */
#include "session.h"

#include "message.h"
#include "post.h"
#include "say.h"

#include <stdio.h>
#include <sys/select.h>

static struct session sessions[FD_SETSIZE]; /* each in the place of its client's descriptor */

struct session *session_of(const struct client *c) {
    return &sessions[c->fd];
}

struct account *account_of(const struct client *c) {
    return sessions[c->fd].account;
}

void say_presence(struct client *c, const char *id, const struct account *a) {
    struct message m = {PRESENCE, {[ID] = id, [NAME] = a->name, [STATE] = a->client ? "online" : "away"}};
    say(c, &m);
}

void say_bye(struct client *c, const char *code, const char *why) {
    struct message m = {BYE, {[CODE] = code, [BODY] = why}};
    say(c, &m);
    client_close(c);
}

/* Tells those who have written with somebody that it came or went. */
static void announce(const struct account *a) {
    for (struct client *c = client_next(NULL); c; c = client_next(c)) {
        const struct account *other = account_of(c);
        if (other && other != a && post_are_friends(other, a))
            say_presence(c, NULL, a);
    }
}

void session_begin(struct client *c) {
    sessions[c->fd] = (struct session){.account = NULL};
    say_begin(c);
}

void session_login(struct client *c, struct account *a) {
    struct client *before = a->client;
    fprintf(stderr, "%s logged in as %s\n", c->name, a->name);
    sessions[c->fd].account = a;
    a->client = c;

    if (before) {
        sessions[before->fd].account = NULL;
        say_bye(before, "taken_over", "somebody has logged in with your name");
    } else {
        announce(a);
    }
}

void session_end(struct client *c) {
    struct account *a = account_of(c);
    if (a == NULL)
        return;
    sessions[c->fd].account = NULL;
    a->client = NULL;
    announce(a);
}
