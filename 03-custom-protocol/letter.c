/* letter.c - see letter.h. */
#include "letter.h"

#include <stdlib.h>
#include <string.h>

unsigned letter_hash(const char *text) {
    unsigned hash = 2166136261U;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    return hash;
}

/* Returns how many bytes a field needs, with its NUL. */
static size_t field_size(const struct message *m, int field) {
    return m->field[field] ? strlen(m->field[field]) + 1 : 0;
}

struct letter *letter_make(const struct message *m, struct account *from, struct account *to) {
    size_t bytes = 0;
    for (int i = 0; i < FIELDS; i++)
        bytes += field_size(m, i);
    struct letter *l = malloc(sizeof *l + bytes);
    if (l == NULL)
        return NULL;

    *l = (struct letter){.message = *m, .from = from, .to = to, .bytes = bytes};
    l->number = message_number(m, NUMBER);
    l->hash = letter_hash(m->field[ID]);

    char *end = l->text;
    for (int i = 0; i < FIELDS; i++) {
        size_t size = field_size(m, i);
        if (size == 0)
            continue;
        l->message.field[i] = memcpy(end, m->field[i], size);
        end += size;
    }
    return l;
}

int letter_is_same(const struct letter *l, const struct message *m) {
    static const enum message_field compared[] = {TO, BODY, PATH, SIZE};
    for (size_t i = 0; i < sizeof compared / sizeof *compared; i++) {
        const char *a = l->message.field[compared[i]], *b = m->field[compared[i]];
        if ((a == NULL) != (b == NULL))
            return 0;
        if (a && strcmp(a, b) != 0)
            return 0;
    }
    return 1;
}

/* ---- Rings ---- */

static struct slot *slot_at(const struct ring *r, size_t i) { return &r->slots[(r->first + i) % RING_MAX]; }

struct letter *ring_at(const struct ring *r, size_t i) {
    return slot_at(r, i)->letter;
}

void ring_put(struct ring *r, struct letter *l) {
    *slot_at(r, r->count) = (struct slot){.hash = l->hash, .letter = l};
    r->count++;
    r->bytes += l->bytes;
    l->rings++;
}

struct letter *ring_take(struct ring *r) {
    struct letter *l = ring_at(r, 0);
    r->first = (r->first + 1) % RING_MAX;
    r->count--;
    r->bytes -= l->bytes;
    l->rings--;
    return l;
}

struct letter *ring_find(const struct ring *r, const char *id, unsigned hash) {
    for (size_t i = 0; i < r->count; i++) {
        const struct slot *slot = slot_at(r, i);
        if (slot->hash == hash && strcmp(slot->letter->message.field[ID], id) == 0)
            return slot->letter;
    }
    return NULL;
}
