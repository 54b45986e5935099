/* post.h - a post office: what waits for whom, and what each has sent of late.
 *
 * All of it is in memory, and bounded for each account. Knows no sockets and no disk: what it keeps can be read out as
 * records (post_records), and each record can be given back to it (post_replay).
 */
#ifndef POST_H
#define POST_H

#include "accounts.h"
#include "letter.h"
#include "message.h"

#include <stddef.h>

/* Makes a letter of a request, with a new number and the time. Returns NULL if memory is out. It is the caller's, until
 * post_keep(). */
struct letter *post_new_letter(const struct message *request, struct account *from, struct account *to);

/* From now on a letter waits for its receiver, and its sender's ring remembers it. */
void post_keep(struct letter *l);

/* Would one more letter of so many bytes be too much for a mailbox? */
int post_is_full(const struct account *to, size_t bytes);

/* Marks the letters up to `number` as received: they wait no more. Returns how many there were. */
size_t post_acknowledge(struct account *a, long long number);

/* Finds the latest letters of two people to each other, at most `max`. Returns how many; the latest comes first. */
size_t post_history(const struct account *a, const struct account *b, struct letter **found, size_t max);

/* Has one of them written to the other? */
int post_are_friends(const struct account *a, const struct account *b);

/* Read out all that is kept, as records: the first function gives the receipts to `add`, and then each call of the second
 * returns the next letter; NULL: that were all. Letters may come and go in between. A receipt that comes has to be
 * written behind what was read so far. */
void post_read(void (*add)(const struct message *m));
const struct message *post_read_letter(void);

/* Takes such a record back, in that order. Returns 0; or -1, and in *why what is wrong, in words. */
int post_replay(const struct message *m, const char **why);

#endif
