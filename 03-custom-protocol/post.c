/* post.c - see post.h. Start reading at letter_keep(). */
#define _POSIX_C_SOURCE 200809L

#include "post.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct account accounts[ACCOUNTS_MAX];
int accounts_count;
static long long last_number;
static struct letter *oldest, *newest;                    /* of all that are kept */
static unsigned char friends[ACCOUNTS_MAX][ACCOUNTS_MAX]; /* 1: one has written to the other */

/* ---- accounts ---- */

struct account *account_find(const char *name) {
    for (struct account *a = accounts; a < accounts + accounts_count; a++)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

const char *account_add(const char *name, const char *password) {
    char space[4 * (WORD_MAX + PASSWORD_MAX)];
    struct message login = {LOGIN, {[NAME] = name, [PASSWORD] = password}};
    size_t len = strcspn(name, " \t!\"#$%&'()*+,./:;<=>?@[\\]^`{|}~\x7f"), secret = strlen(password);
    if (len < 1 || len > WORD_MAX || name[len] != '\0')
        return "a name is 1 to 32 bytes of letters, digits, - and _";
    if (secret < 1 || secret > PASSWORD_MAX)
        return "a password is 1 to 64 bytes";
    if (message_encode(&login, JSON, space, sizeof space) == 0)
        return "this is not UTF-8, so nobody could log in with it";
    if (account_find(name))
        return "this name is there already";
    if (accounts_count == ACCOUNTS_MAX)
        return "there are too many accounts";
    struct account *a = &accounts[accounts_count++];
    memcpy(a->name, name, len);
    memcpy(a->password, password, secret);
    return NULL;
}

const char *accounts_read(const char *path, int *line) {
    char text[WORD_MAX + PASSWORD_MAX + 8];
    FILE *file = fopen(path, "r");
    const char *why = file ? NULL : strerror(errno);
    *line = 0;
    while (!why && fgets(text, sizeof text, file)) {
        size_t end = strcspn(text, "\n");
        char *colon = strchr(text, ':');
        ++*line;
        for (size_t i = 0; i < end; i++)
            if ((unsigned char)text[i] < ' ')
                why = "there is a control character in it";
        if (!why && (!colon || (text[end] == '\0' && end == sizeof text - 1)))
            why = colon ? "the line is too long" : "this is not NAME:PASSWORD";
        if (!why) {
            text[end] = *colon = '\0';
            why = account_add(text, colon + 1);
        }
    }
    if (!why && (ferror(file) || accounts_count == 0))
        why = ferror(file) ? strerror(errno) : "there is no account in it";
    if (file)
        fclose(file);
    return why;
}

/* Returns whether two fields of `size` bytes are different. It looks at all bytes, whichever differ. */
static int differ(const char *a, const char *b, size_t size) {
    volatile unsigned char bits = 0; /* volatile: or the compiler might stop as soon as the answer is clear */
    for (size_t i = 0; i < size; i++)
        bits |= (unsigned char)(a[i] ^ b[i]);
    return bits != 0;
}

struct account *account_login(const char *name, const char *password) {
    char guess[WORD_MAX + 1] = "", secret[PASSWORD_MAX + 1] = "";
    struct account *found = NULL;
    memcpy(guess, name, strnlen(name, WORD_MAX));
    memcpy(secret, password, strnlen(password, PASSWORD_MAX));
    for (struct account *a = accounts; a < accounts + accounts_count; a++)
        if (!(differ(a->name, guess, sizeof guess) | differ(a->password, secret, sizeof secret)))
            found = a;
    return found;
}

/* ---- letters, and the rings that they are in ---- */

/* FNV-1a, a short hash that spreads well. */
unsigned letter_hash(const char *id) {
    unsigned hash = 2166136261U;
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619U;
    return hash;
}

/* Makes a letter of a complete message. Returns NULL if memory is out. */
static struct letter *letter_copy(const struct message *m, struct account *from, struct account *to) {
    size_t bytes = 0;
    for (int i = 0; i < FIELDS; i++)
        bytes += m->field[i] ? strlen(m->field[i]) + 1 : 0;
    struct letter *l = malloc(sizeof *l + bytes);
    if (l == NULL)
        return NULL;
    *l = (struct letter){.message = *m, .from = from, .to = to, .bytes = bytes};
    l->number = message_number(m, NUMBER);
    l->hash = letter_hash(m->field[ID]);
    char *end = l->text;
    for (int i = 0; i < FIELDS; i++) {
        size_t size = m->field[i] ? strlen(m->field[i]) + 1 : 0;
        if (size > 0)
            l->message.field[i] = memcpy(end, m->field[i], size);
        end += size;
    }
    return l;
}

struct letter *letter_new(const struct message *request, struct account *from, struct account *to) {
    static const enum message_field theirs[] = {ID, TO, BODY, PATH, SIZE};
    char number[24], seconds[24];
    struct message m = {MSG, {[FROM] = from->name, [NUMBER] = number, [TIME] = seconds}};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        m.field[theirs[i]] = request->field[theirs[i]];
    snprintf(number, sizeof number, "%lld", ++last_number);
    snprintf(seconds, sizeof seconds, "%lld", (long long)time(NULL));
    return letter_copy(&m, from, to);
}

int letter_same(const struct letter *l, const struct message *m) {
    static const enum message_field compared[] = {TO, BODY, PATH, SIZE};
    for (size_t i = 0; i < sizeof compared / sizeof *compared; i++) {
        const char *a = l->message.field[compared[i]], *b = m->field[compared[i]];
        if (a == NULL || b == NULL ? a != b : strcmp(a, b) != 0)
            return 0;
    }
    return 1;
}

struct letter *ring_at(const struct ring *r, size_t i) {
    return r->slots[(r->first + i) % RING_MAX].letter;
}

/* Takes the oldest letter out of a ring, and frees it if it is in no other. */
static void ring_take(struct ring *r) {
    struct letter *l = ring_at(r, 0);
    r->first = (r->first + 1) % RING_MAX;
    r->count--;
    r->bytes -= l->bytes;
    if (--l->rings > 0)
        return;
    *(l->older ? &l->older->newer : &oldest) = l->newer;
    *(l->newer ? &l->newer->older : &newest) = l->older;
    free(l);
}

static void ring_put(struct ring *r, struct letter *l) {
    r->slots[(r->first + r->count++) % RING_MAX] = (struct slot){l->hash, l};
    r->bytes += l->bytes;
    l->rings++;
}

void letter_keep(struct letter *l) {
    struct ring *sent = &l->from->sent;
    l->older = newest;
    *(newest ? &newest->newer : &oldest) = l;
    newest = l;
    last_number = l->number > last_number ? l->number : last_number;
    if (l->number > l->to->acked)
        ring_put(&l->to->mail, l);
    while (sent->count > 0 && (sent->count == RING_MAX || sent->bytes + l->bytes > RING_BYTES))
        ring_take(sent);
    ring_put(sent, l);
    friends[l->from - accounts][l->to - accounts] = friends[l->to - accounts][l->from - accounts] = 1;
}

struct letter *post_find(const struct account *from, const char *id, unsigned hash) {
    for (size_t i = 0; i < from->sent.count; i++) {
        const struct slot *slot = &from->sent.slots[(from->sent.first + i) % RING_MAX];
        if (slot->hash == hash && strcmp(slot->letter->message.field[ID], id) == 0)
            return slot->letter;
    }
    return NULL;
}

int post_full(const struct account *to, size_t letters, size_t bytes) {
    return to->mail.count + letters > RING_MAX || to->mail.bytes + bytes > RING_BYTES;
}

size_t post_acked(struct account *a, long long number) {
    size_t count = 0;
    for (; a->mail.count > 0 && ring_at(&a->mail, 0)->number <= number; count++) {
        a->acked = ring_at(&a->mail, 0)->number;
        ring_take(&a->mail);
    }
    return count;
}

/* Returns the place behind the last of the first `end` letters of a ring that went to that account, or 0. */
static size_t last_to(const struct ring *sent, size_t end, const struct account *to) {
    while (end > 0 && ring_at(sent, end - 1)->to != to)
        end--;
    return end;
}

size_t post_history(const struct account *a, const struct account *b, struct letter **found, size_t max) {
    size_t count = 0, i = last_to(&a->sent, a->sent.count, b),
           j = a == b ? 0 : last_to(&b->sent, b->sent.count, a);
    for (; count < max && i + j > 0; count++) {
        const struct letter *mine = i ? ring_at(&a->sent, i - 1) : NULL,
                            *theirs = j ? ring_at(&b->sent, j - 1) : NULL;
        if (theirs == NULL || (mine && mine->number > theirs->number)) {
            found[count] = ring_at(&a->sent, i - 1);
            i = last_to(&a->sent, i - 1, b);
        } else {
            found[count] = ring_at(&b->sent, j - 1);
            j = last_to(&b->sent, j - 1, a);
        }
    }
    return count;
}

int post_friends(const struct account *a, const struct account *b) {
    return friends[a - accounts][b - accounts];
}

/* ---- records ---- */

void post_records(void (*add)(const struct message *m)) {
    char number[24];
    for (const struct account *a = accounts; a < accounts + accounts_count; a++) {
        snprintf(number, sizeof number, "%lld", a->acked);
        if (a->acked > 0)
            add(&(struct message){ACK, {[NAME] = a->name, [NUMBER] = number}});
    }
    for (const struct letter *l = oldest; l; l = l->newer)
        add(&l->message);
}

/* Says whose account a record needs, which is not there. To leave the record out would lose what was acknowledged. */
static const char *no_account(const char *name) {
    static char why[WORD_MAX + 64];
    snprintf(why, sizeof why, "there is no account '%.*s'", WORD_MAX, name);
    return why;
}

static const char *replay_letter(const struct message *m, long long number) {
    if (m->field[ID] == NULL || m->field[BODY] == NULL || m->field[TIME] == NULL)
        return "a field is missing";
    if (m->field[FROM] == NULL || m->field[TO] == NULL)
        return "a name is missing";
    struct account *from = account_find(m->field[FROM]), *to = account_find(m->field[TO]);
    if (from == NULL || to == NULL)
        return no_account(m->field[from ? TO : FROM]);
    struct letter *l = letter_copy(m, from, to);
    if (l == NULL)
        return strerror(ENOMEM);
    if (post_full(to, 1, l->bytes) && number > to->acked) {
        free(l);
        return "this is more than a mailbox holds";
    }
    letter_keep(l);
    return NULL;
}

const char *post_replay(const struct message *m) {
    long long number = message_number(m, NUMBER);
    if (number < 0 || (m->type != MSG && m->type != ACK))
        return "this is no record";
    if (m->type == MSG)
        return replay_letter(m, number);
    if (m->field[NAME] == NULL)
        return "a name is missing";
    struct account *a = account_find(m->field[NAME]);
    if (a == NULL)
        return no_account(m->field[NAME]);
    post_acked(a, number);
    a->acked = number;
    return NULL;
}
