/* session.h - who is logged in on which connection, and who is told of it. */
#ifndef SESSION_H
#define SESSION_H

#include "accounts.h"
#include "loop.h"

#include <stddef.h>

struct session {
    struct account *account; /* who has logged in; NULL: nobody yet, or no more */
    size_t under_way;        /* letters sent, and not yet acknowledged */
    int pending;             /* messages of it in the batch */
    int tries;               /* wrong passwords */
};

/* Returns what is known of a connection. */
struct session *session_of(const struct client *c);

/* Returns who has logged in on it, or NULL. */
struct account *account_of(const struct client *c);

/* A client has connected. */
void session_begin(struct client *c);

/* It has logged in. A connection on which that person was logged in before is ended; if there was none, those who have
 * written with it are told that it is here. */
void session_login(struct client *c, struct account *a);

/* It is gone: those who have written with it are told. */
void session_end(struct client *c);

/* Says whether somebody is here. id: of the request to which that is an answer, or NULL. */
void say_presence(struct client *c, const char *id, const struct account *a);

/* Says why the connection ends, and ends it. */
void say_bye(struct client *c, const char *code, const char *why);

#endif
