/* accounts.c - see accounts.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "accounts.h"

#include <errno.h>
#include <stdio.h>
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
    size_t length = strlen(password);
    if (!name_is_valid(name))
        return NAME_RULE;
    if (length < 1 || length > PASSWORD_MAX)
        return "a password is 1 to 64 bytes";
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

/* Adds the account of a line, as fgets() has put it into `size` bytes. */
static int account_add_line(char *text, size_t size, const char **why) {
    size_t len = strcspn(text, "\n");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ') {
            *why = "there is a control character in it";
            return -1;
        }

    char *colon = strchr(text, ':');
    *why = NULL;
    if (colon == NULL)
        *why = "this is not NAME:PASSWORD";
    else if (text[len] == '\0' && len == size - 1)
        *why = "the line is too long";
    if (*why)
        return -1;

    text[len] = *colon = '\0';
    return account_add(text, colon + 1, why);
}

int accounts_read(const char *path, int *line, const char **why) {
    char text[WORD_MAX + PASSWORD_MAX + 8];
    int result = 0;
    FILE *file = fopen(path, "r");
    *line = 0;
    if (file == NULL) {
        *why = strerror(errno);
        return -1;
    }

    while (result == 0 && fgets(text, sizeof text, file)) {
        ++*line;
        result = account_add_line(text, sizeof text, why);
    }
    if (result == 0 && ferror(file)) {
        *why = strerror(errno);
        result = -1;
    } else if (result == 0 && accounts_count == 0) {
        *why = "there is no account in it";
        result = -1;
    }
    fclose(file);
    return result;
}

/* ---- Passwords ---- */

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

    for (struct account *a = accounts; a < accounts + accounts_count; a++) {
        int wrong = differ(a->name, guess, sizeof guess);
        wrong |= differ(a->password, secret, sizeof secret);
        if (!wrong)
            found = a;
    }
    return found;
}
