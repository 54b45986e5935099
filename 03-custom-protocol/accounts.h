/* accounts.h - all that is known of a person, here or away: a name, a password, what waits for it, what it has sent.
 *
 * Here are the names and passwords; the letters are the business of post.c.
 */
#ifndef ACCOUNTS_H
#define ACCOUNTS_H

#include "letter.h"
#include "passwords.h"

#define ACCOUNTS_MAX 1000 /* so that a login, which looks at all of them, takes no time to speak of */

struct client;
struct pending;

struct account {
    char name[WORD_MAX + 1];         /* behind its text all bytes are 0 */
    char password[PASSWORD_MAX + 1]; /* the same */

    /* The session's. */
    struct client *client; /* the connection on which it is logged in; NULL: it is away */

    /* The post's. */
    struct ring mail;   /* what waits for it */
    struct ring sent;   /* what it has sent of late */
    long long acked_to; /* it has received everything up to this number */

    /* The batch's: what came in this turn, and is not stored yet. */
    int ack_unsaved;                /* the journal does not know `acked_to` */
    size_t incoming_count;          /* letters for it */
    size_t incoming_bytes;          /* bytes in their text */
    struct pending *latest_pending; /* the latest of its own messages; NULL: none */
};

extern struct account accounts[ACCOUNTS_MAX];
extern int accounts_count;

/* Adds an account. Returns 0, or -1, and in *why the reason, in words. */
int account_add(const char *name, const char *password, const char **why);

/* Returns the account of that name, or NULL. */
struct account *account_find(const char *name);

/* Returns the account of that name if that is its password, else NULL. It takes the same time for all that are not
 * right: otherwise a guesser could measure which names exist. */
struct account *account_login(const char *name, const char *password);

#endif
