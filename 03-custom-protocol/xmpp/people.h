/* people.h - who has an account, with which password; and the messages that wait for people who are away. */
#ifndef PEOPLE_H
#define PEOPLE_H

#include "passwords.h"
#include "scram.h"

#define PEOPLE_MAX 1000   /* all of them are in everybody's roster, which is one stanza */
#define KEPT_MAX   100    /* messages that wait for one person */
#define KEPT_BYTES 262144 /* bytes in them */

struct peer;

struct kept {
    struct kept *next;
    size_t length;
    char text[]; /* a stanza, `length` bytes */
};

struct person {
    char name[WORD_MAX + 1];         /* as jid_fold() makes it; behind it all bytes are 0 */
    char password[PASSWORD_MAX + 1]; /* behind it all bytes are 0 */
    struct scram_keys keys;          /* of the password, if has_keys */
    int has_keys;
    struct peer *peers;         /* the connections on which it is logged in, and has a resource */
    struct kept *first, **last; /* what waits for it; the end of that list */
    size_t kept_count, kept_bytes;
};

extern struct person people[PEOPLE_MAX];
extern int people_count;

/* Adds a person. Returns 0; or -1, and in *why the reason, in words. */
int person_add(const char *name, const char *password, const char **why);

/* Returns the person of that name, `len` bytes, or NULL: there is none. Case does not count, in ASCII. */
struct person *person_find(const char *name, size_t len);

/* Keeps a copy of a message for somebody who is away. Returns 0; or -1: too much waits for this person already, or memory
 * is out. */
int person_keep(struct person *p, const char *text, size_t len);

/* Takes the oldest message that waits, for the caller to free; NULL: there is none. */
struct kept *person_take(struct person *p);

#endif
