/* batch.c - see batch.h. Start reading at batch_commit(). */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "batch.h"

#include "journal.h"
#include "post.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#define BATCH_MAX (BATCH_SHARE * FD_SETSIZE) /* so there is always room */

static struct pending batch[BATCH_MAX];
static int batch_count;
static struct account *receipts[ACCOUNTS_MAX]; /* accounts that are `ack_unsaved` */
static int receipts_count;
static int rewriting; /* a new journal is under way */

/* ---- What comes in ---- */

static void batch_append(struct client *c, struct letter *l, int is_retry) {
    struct pending *p = &batch[batch_count++];
    *p = (struct pending){.client = c, .letter = l, .is_retry = is_retry};
    p->earlier = l->from->latest_pending;
    l->from->latest_pending = p;
}

void batch_add(struct client *c, struct letter *l) {
    l->to->incoming_count++;
    l->to->incoming_bytes += l->bytes;
    batch_append(c, l, 0);
}

void batch_add_retry(struct client *c, struct letter *l) { batch_append(c, l, 1); }

struct letter *batch_find(const struct account *from, const char *id, unsigned hash) {
    for (const struct pending *p = from->latest_pending; p; p = p->earlier)
        if (p->letter->hash == hash && strcmp(p->letter->message.field[ID], id) == 0)
            return p->letter;
    return NULL;
}

void batch_add_receipt(struct account *a) {
    if (a->ack_unsaved)
        return;
    a->ack_unsaved = 1;
    receipts[receipts_count++] = a;
}

/* ---- The disk ---- */

int batch_open(const char *dir, const char **why) { return journal_open(dir, post_replay, why); }

/* Adds a receipt to the journal; and to one that is being written anew, because letters that it confirms may still be
 * added there. */
static void write_receipt(const struct account *a) {
    char number[24];
    struct message receipt = {ACK, {[NAME] = a->name, [NUMBER] = number}};
    snprintf(number, sizeof number, "%lld", a->acked_to);
    journal_add(&receipt);
    rewrite_add(&receipt);
}

/* Gives the journal what it has to know: first the receipts, which make room for the letters. */
static void write_batch(void) {
    for (int i = 0; i < receipts_count; i++)
        write_receipt(receipts[i]);
    for (int i = 0; i < batch_count; i++)
        if (!batch[i].is_retry)
            journal_add(&batch[i].letter->message);
}

/* Says when the disk begins to refuse, and when it stops refusing. */
static void report(int error) {
    static int last_error;
    if (error != last_error)
        complain("writing the journal", error ? strerror(error) : "works again");
    last_error = error;
}

/* ---- Commit ---- */

/* What this batch has counted starts at 0 for the next one. */
static void forget_counts(void) {
    for (int i = 0; i < batch_count; i++) {
        const struct letter *l = batch[i].letter;
        l->from->latest_pending = NULL;
        l->to->incoming_count = 0;
        l->to->incoming_bytes = 0;
    }
}

static void forget_receipts(void) {
    for (int i = 0; i < receipts_count; i++)
        receipts[i]->ack_unsaved = 0;
    receipts_count = 0;
}

/* Frees the letters that the disk has refused. All are answered by then: a retry only points to the letter of another one. */
static void free_letters(void) {
    for (int i = 0; i < batch_count; i++)
        if (!batch[i].is_retry)
            free(batch[i].letter);
}

void batch_commit(void (*answer)(struct client *c, const struct letter *l, int error)) {
    if (batch_count == 0 && receipts_count == 0)
        return;

    /* A receipt need not be waited for: if it is lost, the letter is sent again. */
    write_batch();
    int error = journal_commit(batch_count > 0) < 0 ? errno : 0;
    report(error);

    forget_counts();
    if (!error)
        forget_receipts();
    for (int i = 0; i < batch_count; i++) {
        if (!error && !batch[i].is_retry)
            post_keep(batch[i].letter);
        answer(batch[i].client, batch[i].letter, error);
    }
    if (error) {
        free_letters();
        batch_stop(); /* messages need the room more than a new journal does */
    }
    batch_count = 0;
}

/* ---- The journal becomes too long ---- */

/* Returns whether there is a new one to go on with. */
static int rewrite_is_wanted(void) {
    if (rewriting || !journal_has_grown())
        return rewriting;
    if (rewrite_begin() < 0) {
        complain("cannot rewrite the journal", strerror(errno));
        return 0;
    }
    post_read(rewrite_add);
    return 1;
}

int batch_rewrite(void) {
    if (journal_free_slice())
        return 1;
    if (!rewrite_is_wanted())
        return 0;
    const struct message *m;
    do {
        m = post_read_letter();
        if (m)
            rewrite_add(m);
    } while (m && rewrite_has_room());

    rewriting = m != NULL;
    if (rewrite_commit(!rewriting) < 0) {
        complain("cannot rewrite the journal", strerror(errno));
        rewriting = 0;
    }
    return rewriting;
}

void batch_stop(void) {
    rewrite_stop();
    rewriting = 0;
}
