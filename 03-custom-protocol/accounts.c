/* accounts.c - see accounts.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "accounts.h"

#include "secret.h"

#include <string.h>

struct account accounts[ACCOUNTS_MAX];
int accounts_count;

/* The places of all rings. They are not in the accounts, so that to look at all names touches little memory. */
static struct slot mail_slots[ACCOUNTS_MAX][RING_MAX];
static struct slot sent_slots[ACCOUNTS_MAX][RING_MAX];

#define PLACES 2048 /* for ACCOUNTS_MAX names, so that half of them stay free */
static struct account
    *places[PLACES]; /* each account in the place that the hash of its name tells, or in the next free one */

/* Returns the place of a name; the one that it would get, if nobody has it. */
static struct account **account_place(const char *name) {
    size_t i = letter_hash(name) % PLACES;
    while (places[i] && strcmp(places[i]->name, name) != 0)
        i = (i + 1) % PLACES;
    return &places[i];
}

struct account *account_find(const char *name) {
    return *account_place(name);
}

/* Can it be written in all three formats of a message? */
static int can_be_sent(const char *name, const char *password) {
    char space[4 * (WORD_MAX + PASSWORD_MAX)];
    struct message login = {LOGIN, {[NAME] = name, [PASSWORD] = password}};
    return message_encode(&login, JSON, space, sizeof space) > 0;
}

/* Returns what is wrong with a name and a password, or NULL. */
static const char *account_fault(const char *name, const char *password) {
    const char *fault = password_fault(name, password);
    if (fault)
        return fault;
    if (!can_be_sent(name, password))
        return "this is not UTF-8, so nobody could log in with it";
    if (account_find(name))
        return "this name is there already";
    if (accounts_count == ACCOUNTS_MAX)
        return "there are too many accounts";
    return NULL;
}

int account_add(const char *name, const char *password, const char **why) {
    *why = account_fault(name, password);
    if (*why)
        return -1;

    struct account *a = &accounts[accounts_count];
    memcpy(a->name, name, strlen(name));
    memcpy(a->password, password, strlen(password));
    a->mail.slots = mail_slots[accounts_count];
    a->sent.slots = sent_slots[accounts_count];
    *account_place(name) = a;
    accounts_count++;
    return 0;
}

struct account *account_login(const char *name, const char *password) {
    char guess[WORD_MAX + 1] = "", secret[PASSWORD_MAX + 1] = "";
    struct account *found = NULL;
    memcpy(guess, name, strnlen(name, WORD_MAX));
    memcpy(secret, password, strnlen(password, PASSWORD_MAX));

    for (struct account *a = accounts; a < accounts + accounts_count; a++) {
        int wrong = secrets_differ(a->name, guess, sizeof guess);
        wrong |= secrets_differ(a->password, secret, sizeof secret);
        if (!wrong)
            found = a;
    }
    return found;
}
