/* post.h - a post office: who has an account, what waits for whom, and what each has sent of late.
 *
 * All of it is in memory, and bounded for each account. Knows no sockets and no disk: what it keeps can be read out as
 * records (post_records), and each record can be given back to it (post_replay).
 */
#ifndef POST_H
#define POST_H

#include <stddef.h>

#include "message.h"

#define ACCOUNTS_MAX 1000 /* so that a login, which looks at all of them, takes no time to speak of */
#define WORD_MAX     32   /* bytes in a name */
#define PASSWORD_MAX 64   /* bytes in a password */
#define RING_MAX     1000 /* letters that wait for one receiver; and as many of one sender are remembered */
#define RING_BYTES   1048576 /* of text in them */

struct letter {             /* a message that was accepted */
    struct message message; /* MSG, with ID, FROM, TO, BODY, NUMBER, TIME, and perhaps PATH and SIZE */
    long long number;       /* each has a higher one than all before */
    struct account *from, *to;
    struct letter *older, *newer; /* of all that are kept */
    int rings;                    /* in how many rings it is: 0 to 2 */
    unsigned hash;                /* of its id */
    size_t bytes;                 /* in its text */
    char text[];                  /* the fields of its message */
};

struct ring { /* letters in the order of their numbers */
    size_t first, count, bytes;
    struct slot {
        unsigned hash; /* here, too, so that to look for an id touches little memory */
        struct letter *letter;
    } slots[RING_MAX];
};

struct account {
    char name[WORD_MAX + 1], password[PASSWORD_MAX + 1]; /* behind their text all bytes are 0 */
    struct ring mail, sent;                              /* what waits for it; what it has sent of late */
    long long acked;                                     /* it has everything up to this number */
};

extern struct account accounts[ACCOUNTS_MAX];
extern int accounts_count;

/* Reads a file of NAME:PASSWORD lines. Returns NULL, or what is wrong, in words; *line is then where. */
const char *accounts_read(const char *path, int *line);

/* Adds an account. Returns NULL, or why it cannot be, in words. */
const char *account_add(const char *name, const char *password);

struct account *account_find(const char *name); /* NULL: there is none */

/* Returns the account of that name if that is its password, else NULL. It takes the same time for all that are not
 * right, or it would tell a guesser which names there are. */
struct account *account_login(const char *name, const char *password);

/* Returns the letter of a ring, 0 is the oldest. */
struct letter *ring_at(const struct ring *r, size_t i);

/* Makes a letter of a request, with a new number and the time. Returns NULL if memory is out. */
struct letter *letter_new(const struct message *request, struct account *from, struct account *to);

void letter_keep(struct letter *l); /* puts it into the rings where it belongs */
int letter_same(const struct letter *l, const struct message *m); /* whether m says the same to the same */
unsigned letter_hash(const char *id);

/* Returns what the account has sent of late with that id, or NULL. */
struct letter *post_find(const struct account *from, const char *id, unsigned hash);

/* Returns whether so many more letters, of so many bytes, would be too much for a mailbox. */
int post_full(const struct account *to, size_t letters, size_t bytes);

/* What waits for an account, up to this number, has arrived. Returns how many letters that were. */
size_t post_acked(struct account *a, long long number);

/* Finds the latest letters of two people to each other, at most `max`. Returns how many; the latest comes first. */
size_t post_history(const struct account *a, const struct account *b, struct letter **found, size_t max);

int post_friends(const struct account *a, const struct account *b); /* whether one has written to the other */

void post_records(void (*add)(const struct message *m)); /* gives all that is kept to `add`, as records */
const char *post_replay(const struct message *m); /* takes such a record; NULL, or what is wrong, in words */

#endif
