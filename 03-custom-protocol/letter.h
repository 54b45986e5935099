/* letter.h - a message that was accepted, and the rings that letters wait in: each has room for a fixed number of them.
 *
 * Takes values, gives values; knows no sockets and no disk.
 */
#ifndef LETTER_H
#define LETTER_H

#include "message.h"

#include <stddef.h>

#define RING_MAX   1000    /* letters that wait for one receiver; and as many of one sender are remembered */
#define RING_BYTES 1048576 /* bytes of text in them */

struct account;

struct letter {
    struct message message; /* MSG, with ID, FROM, TO, BODY, NUMBER, TIME, and perhaps PATH and SIZE */
    long long number;       /* each has a higher one than all before */
    struct account *from;
    struct account *to;
    struct letter *older; /* of all that are kept, the one before; NULL: none */
    struct letter *newer; /* the one behind */
    int rings;            /* in how many rings it is: 0 to 2 */
    unsigned hash;        /* of its id */
    size_t bytes;         /* in its text */
    char text[];          /* the fields of its message */
};

struct slot {
    unsigned hash; /* that of the letter, here, too, so that to look for an id touches little memory */
    struct letter *letter;
};

struct ring {           /* letters in the order of their numbers */
    size_t first;       /* the place of the oldest */
    size_t count;       /* how many there are, 0 to RING_MAX */
    size_t bytes;       /* in their text */
    struct slot *slots; /* RING_MAX places */
};

/* Makes a letter of a message with all the fields above, a copy. Returns NULL if memory is out; free() ends it. */
struct letter *letter_make(const struct message *m, struct account *from, struct account *to);

/* Does the message say the same to the same person? */
int letter_is_same(const struct letter *l, const struct message *m);

/* FNV-1a, a short hash that spreads well: of an id, or a name. */
unsigned letter_hash(const char *text);

/* Returns the letter at a place, 0 is the oldest. */
struct letter *ring_at(const struct ring *r, size_t i);

/* Adds a letter behind the others; there has to be room. */
void ring_put(struct ring *r, struct letter *l);

/* Takes the oldest letter out, and returns it. If it is in no other ring, it is the caller's. */
struct letter *ring_take(struct ring *r);

/* Returns the letter with that id, and its hash, or NULL. */
struct letter *ring_find(const struct ring *r, const char *id, unsigned hash);

#endif
