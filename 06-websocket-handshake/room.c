/* room.c - see room.h. */
#include "room.h"

#include <stdio.h>
#include <string.h>
#include <sys/select.h>

static struct person {
    char room[WORD_MAX + 1]; /* "": it is in none */
    char name[WORD_MAX + 1];
} people[FD_SETSIZE]; /* each in the place of its descriptor */

static int hex_digit(char c) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) % 16 : -1;
}

/* Takes a byte off the front of a URL's word, where it may be written as %XX. Returns it, or -1 if the escape is
 * none. */
static int decode_byte(struct span *s) {
    size_t size = 1;
    int byte = (unsigned char)s->at[0];
    if (byte == '%') {
        int high = s->length > 2 ? hex_digit(s->at[1]) : -1;
        int low = s->length > 2 ? hex_digit(s->at[2]) : -1;
        if (high < 0 || low < 0)
            return -1;
        byte = high * 16 + low;
        size = 3;
    }
    s->at += size;
    s->length -= size;
    return byte;
}

/* Undoes the %XX of a URL. Returns whether that makes a word of at most WORD_MAX bytes, without a NUL in it. */
static int decode(struct span s, char word[WORD_MAX + 1]) {
    size_t n = 0;
    while (s.length > 0 && n < WORD_MAX) {
        int byte = decode_byte(&s);
        if (byte <= 0)
            return 0;
        word[n++] = (char)byte;
    }
    word[n] = '\0';
    return s.length == 0;
}

/* Looks for KEY=VALUE in a query; if there is none, `word` stays as it is. Returns whether `word` is a name then. */
static int find_word(struct span query, const char *key, char word[WORD_MAX + 1]) {
    int good = 1;
    while (query.length > 0) {
        struct span value = span_cut(&query, '&');
        if (span_is(span_cut(&value, '='), key))
            good = decode(value, word);
    }
    return good && name_is_valid(word);
}

int room_enter(int place, struct span query, const char *peer, const char **why) {
    struct person p = {.room = "lobby"};
    snprintf(p.name, sizeof p.name, "guest%s", strrchr(peer, ':') + 1);
    if (!find_word(query, "room", p.room) || !find_word(query, "name", p.name)) {
        *why = NAME_RULE;
        return 0;
    }
    for (int i = 0; i < FD_SETSIZE; i++)
        if (strcmp(people[i].room, p.room) == 0 && strcmp(people[i].name, p.name) == 0) {
            *why = "somebody in the room has that name";
            return 0;
        }
    people[place] = p;
    return 1;
}

void room_leave(int place) { people[place].room[0] = '\0'; }

int room_same(int place, int other) {
    return people[place].room[0] && strcmp(people[place].room, people[other].room) == 0;
}

const char *room_person(int place) { return people[place].name; }
const char *room_title(int place) { return people[place].room; }
