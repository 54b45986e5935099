/* post.c - see post.h. Start reading at post_keep(). */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "post.h"

#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long last_number;
static struct letter *oldest;                             /* of all that are kept; NULL: none */
static struct letter *newest;                             /* of the same */
static struct letter *unread;                             /* is to be read out next; NULL: none */
static unsigned char friends[ACCOUNTS_MAX][ACCOUNTS_MAX]; /* 1: one has written to the other */

/* ---- Letters come and go ---- */

struct letter *post_new_letter(const struct message *request, struct account *from, struct account *to) {
    static const enum message_field theirs[] = {ID, TO, BODY, PATH, SIZE};
    char number[24], seconds[24];
    struct message m = {MSG, {[FROM] = from->name, [NUMBER] = number, [TIME] = seconds}};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        m.field[theirs[i]] = request->field[theirs[i]];

    last_number++;
    snprintf(number, sizeof number, "%lld", last_number);
    snprintf(seconds, sizeof seconds, "%lld", (long long)time(NULL));
    return letter_make(&m, from, to);
}

/* Puts a letter at the end of the list of all. */
static void list_append(struct letter *l) {
    l->older = newest;
    if (newest)
        newest->newer = l;
    else
        oldest = l;
    newest = l;
}

static void list_remove(struct letter *l) {
    if (l == unread)
        unread = l->newer;
    if (l->older)
        l->older->newer = l->newer;
    else
        oldest = l->newer;
    if (l->newer)
        l->newer->older = l->older;
    else
        newest = l->older;
}

/* Takes the oldest letter out of a ring, and frees it if it is in no other. */
static void ring_drop(struct ring *r) {
    struct letter *l = ring_take(r);
    if (l->rings > 0)
        return;
    list_remove(l);
    free(l);
}

void post_keep(struct letter *l) {
    list_append(l);
    if (l->number > last_number)
        last_number = l->number;

    if (l->number > l->to->acked_to)
        ring_put(&l->to->mail, l);

    struct ring *sent = &l->from->sent;
    while (sent->count > 0 && (sent->count == RING_MAX || sent->bytes + l->bytes > RING_BYTES))
        ring_drop(sent);
    ring_put(sent, l);

    friends[l->from - accounts][l->to - accounts] = 1;
    friends[l->to - accounts][l->from - accounts] = 1;
}

int post_is_full(const struct account *to, size_t bytes) {
    return to->mail.count + to->incoming_count + 1 > RING_MAX ||
           to->mail.bytes + to->incoming_bytes + bytes > RING_BYTES;
}

size_t post_acknowledge(struct account *a, long long number) {
    size_t count = 0;
    while (a->mail.count > 0 && ring_at(&a->mail, 0)->number <= number) {
        a->acked_to = ring_at(&a->mail, 0)->number;
        ring_drop(&a->mail);
        count++;
    }
    return count;
}

int post_are_friends(const struct account *a, const struct account *b) {
    return friends[a - accounts][b - accounts];
}

/* ---- Looking back ---- */

/* Returns the latest of the first *end letters of a ring that went to that account, and makes *end its place; NULL:
 * there is none. */
static struct letter *latest_to(const struct ring *sent, size_t *end, const struct account *to) {
    while (*end > 0) {
        --*end;
        if (ring_at(sent, *end)->to == to)
            return ring_at(sent, *end);
    }
    return NULL;
}

size_t post_history(const struct account *a, const struct account *b, struct letter **found, size_t max) {
    size_t my_end = a->sent.count;
    size_t their_end = a == b ? 0 : b->sent.count;
    struct letter *mine = latest_to(&a->sent, &my_end, b);
    struct letter *theirs = latest_to(&b->sent, &their_end, a);

    size_t count = 0;
    for (; count < max && (mine || theirs); count++)
        if (theirs == NULL || (mine && mine->number > theirs->number)) {
            found[count] = mine;
            mine = latest_to(&a->sent, &my_end, b);
        } else {
            found[count] = theirs;
            theirs = latest_to(&b->sent, &their_end, a);
        }
    return count;
}

/* ---- Records ---- */

void post_read(void (*add)(const struct message *m)) {
    for (const struct account *a = accounts; a < accounts + accounts_count; a++) {
        char number[24];
        struct message receipt = {ACK, {[NAME] = a->name, [NUMBER] = number}};
        snprintf(number, sizeof number, "%lld", a->acked_to);
        if (a->acked_to > 0)
            add(&receipt);
    }
    unread = oldest;
}

const struct message *post_read_letter(void) {
    const struct letter *l = unread;
    if (l == NULL)
        return NULL;
    unread = l->newer;
    return &l->message;
}

/* Finds the account that a record names. A record of somebody who has none is not left out: what was acknowledged would
 * be lost. */
static struct account *replay_account(const char *name, const char **why) {
    static char words[WORD_MAX + 64];
    struct account *a = name ? account_find(name) : NULL;
    if (a)
        return a;

    *why = "a name is missing";
    if (name) {
        snprintf(words, sizeof words, "there is no account '%.*s'", WORD_MAX, name);
        text_clean(words, strlen(words));
        *why = words;
    }
    return NULL;
}

static int replay_letter(const struct message *m, const char **why) {
    *why = "a field is missing";
    if (m->field[ID] == NULL || m->field[BODY] == NULL || m->field[TIME] == NULL)
        return -1;
    struct account *from = replay_account(m->field[FROM], why);
    struct account *to = from ? replay_account(m->field[TO], why) : NULL;
    if (to == NULL)
        return -1;

    *why = strerror(ENOMEM);
    struct letter *l = letter_make(m, from, to);
    if (l == NULL)
        return -1;
    *why = NULL;
    if (l->number <= last_number)
        *why = "its number is not higher than those before";
    else if (l->number > to->acked_to && post_is_full(to, l->bytes))
        *why = "this is more than a mailbox holds";
    if (*why) {
        free(l);
        return -1;
    }
    post_keep(l);
    return 0;
}

static int replay_receipt(const struct message *m, long long number, const char **why) {
    struct account *a = replay_account(m->field[NAME], why);
    if (a == NULL)
        return -1;
    post_acknowledge(a, number);
    a->acked_to = number;
    return 0;
}

int post_replay(const struct message *m, const char **why) {
    long long number = message_number(m, NUMBER);
    *why = "this is no record";
    if (number < 0)
        return -1;
    switch (m->type) {
    case MSG: return replay_letter(m, why);
    case ACK: return replay_receipt(m, number, why);
    default: return -1;
    }
}
