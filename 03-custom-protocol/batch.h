/* batch.h - what came in this turn and is not stored yet: group commit.
 *
 * The disk takes its time, however much it is given: so all messages and receipts of a turn go to it with one write and
 * one wait. Only then are the senders told, and the receivers get their messages. Knows no sockets: a client is only
 * passed on.
 */
#ifndef BATCH_H
#define BATCH_H

#include "accounts.h"
#include "letter.h"

#define BATCH_SHARE 64 /* messages of one client in a batch, at most: the next one waits for the next turn */

struct client;

struct pending {           /* a message that waits for the disk */
    struct client *client; /* is told then */
    struct letter *letter;
    int is_retry;            /* the letter is that of an earlier one */
    struct pending *earlier; /* the one before of the same sender; NULL: none */
};

/* Opens what is kept in DIR, and gives it to the post. Returns 0; or -1, and in *why what is wrong, in words. Without it
 * a batch is only kept in memory. */
int batch_open(const char *dir, const char **why);

/* Adds a letter, which is the batch's from now on. */
void batch_add(struct client *c, struct letter *l);

/* Adds a message that has come again while its letter is in the batch. */
void batch_add_retry(struct client *c, struct letter *l);

/* Returns the letter of a sender with that id, and its hash; NULL: it is not in the batch. */
struct letter *batch_find(const struct account *from, const char *id, unsigned hash);

/* Adds a receipt: the journal has to be told the account's `acked_to`. */
void batch_add_receipt(struct account *a);

/* Stores the batch, all of it or nothing, and empties it. The post then has the letters. Calls `answer` for each message,
 * in the order in which they came: error is 0, or the errno of the disk. */
void batch_commit(void (*answer)(struct client *c, const struct letter *l, int error));

/* Most of what the journal holds may be old. Then it is written anew, a slice each time that this is called, behind
 * batch_commit(): some milliseconds. Returns 1 as long as there is more to write. */
int batch_rewrite(void);

/* The server ends: what was not completed of a new journal is removed. */
void batch_stop(void);

#endif
