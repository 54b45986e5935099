/* people.c - see people.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "people.h"

#include "jid.h"

#include <stdlib.h>
#include <string.h>

struct person people[PEOPLE_MAX];
int people_count;

#define SLOTS 2048 /* for PEOPLE_MAX names, so that half of them stay free */
static struct person
    *slots[SLOTS]; /* each person in the slot that the hash of its name tells, or in the next free one */

/* Returns the slot of a name; the one that it would get, if nobody has it. */
static struct person **slot_of(const char *name) {
    unsigned hash = 2166136261; /* FNV-1a */
    for (const char *at = name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619;
    size_t i = hash % SLOTS;
    while (slots[i] && strcmp(slots[i]->name, name) != 0)
        i = (i + 1) % SLOTS;
    return &slots[i];
}

struct person *person_find(const char *name, size_t len) {
    char folded[WORD_MAX + 1];
    if (len > WORD_MAX)
        return NULL;
    jid_fold(folded, name, len);
    return *slot_of(folded);
}

int person_add(const char *name, const char *password, const char **why) {
    *why = password_fault(name, password);
    if (*why == NULL && people_count == PEOPLE_MAX)
        *why = "there are too many accounts";
    if (*why == NULL && person_find(name, strlen(name)))
        *why = "this name is there already";
    if (*why)
        return -1;

    struct person *p = &people[people_count++];
    jid_fold(p->name, name, strlen(name));
    memcpy(p->password, password, strlen(password));
    p->last = &p->first;
    *slot_of(p->name) = p;
    return 0;
}

int person_keep(struct person *p, const char *text, size_t len) {
    int is_full = p->kept_count == KEPT_MAX || p->kept_bytes + len > KEPT_BYTES;
    struct kept *k = is_full ? NULL : malloc(sizeof *k + len);
    if (k == NULL)
        return -1;
    k->next = NULL;
    k->length = len;
    memcpy(k->text, text, len);
    *p->last = k;
    p->last = &k->next;
    p->kept_count++;
    p->kept_bytes += len;
    return 0;
}

struct kept *person_take(struct person *p) {
    struct kept *k = p->first;
    if (k == NULL)
        return NULL;
    p->first = k->next;
    if (p->first == NULL)
        p->last = &p->first;
    p->kept_count--;
    p->kept_bytes -= k->length;
    return k;
}
