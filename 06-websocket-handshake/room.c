/* room.c - who is in which room of the chat. */
#include "room.h"

#include "utf8.h"

#include <stdio.h>
#include <string.h>
#include <sys/select.h>

static struct person {
    char room[WORD_MAX + 1], name[WORD_MAX + 1]; /* room "": in none */
} people[FD_SETSIZE];

static int hex_digit(char c) {
    const char digits[] = "0123456789abcdef0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) % 16 : -1;
}

/* Undoes the %XX of a URL. Returns 0 if an escape is none or a NUL, or the word too long. */
static int decode(struct span s, char word[WORD_MAX + 1]) {
    size_t n = 0;
    while (s.length > 0 && n < WORD_MAX) {
        size_t size = *s.at == '%' ? 3 : 1;
        int high = size == 3 && s.length > 2 ? hex_digit(s.at[1]) : -1,
            low = high < 0 ? -1 : hex_digit(s.at[2]);
        if (size == 3 && low < 0)
            return 0;
        word[n++] = size == 3 ? (char)(high << 4 | low) : *s.at;
        s.at += size;
        s.length -= size;
    }
    word[n] = '\0';
    return s.length == 0 && strlen(word) == n;
}

/* Is this a name, by the rule in room.h? */
static int is_name(const char *word) {
    static const char *const hidden[] = {"\xe2\x80", "\xe2\x81", "\xe3\x80\x80", "\xef\xbb\xbf"};
    struct utf8 u = {0};
    size_t len = strcspn(word, " !\"#$%&'()*+,./:;<=>?@[\\]^`{|}~\x7f\xc2");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)word[i] < ' ')
            return 0;
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (strstr(word, hidden[i]))
            return 0;
    return len > 0 && word[len] == '\0' && utf8_check(&u, (const unsigned char *)word, len) == 0 &&
           u.left == 0;
}

/* Looks for KEY=VALUE in a query; without one, word stays as it is. Returns whether word is a name then. */
static int find_word(struct span query, const char *key, char word[WORD_MAX + 1]) {
    int good = 1;
    while (query.length > 0) {
        struct span value = span_cut(&query, '&');
        if (span_is(span_cut(&value, '='), key))
            good = decode(value, word);
    }
    return good && is_name(word);
}

const char *room_enter(int place, struct span query, const char *peer) {
    struct person p = {"lobby", ""};
    snprintf(p.name, sizeof p.name, "guest%s", strrchr(peer, ':') + 1);
    if (!find_word(query, "room", p.room) || !find_word(query, "name", p.name))
        return "a name, of a person or a room, is 1 to 32 bytes of letters, digits, - and _";
    for (int i = 0; i < FD_SETSIZE; i++)
        if (strcmp(people[i].room, p.room) == 0 && strcmp(people[i].name, p.name) == 0)
            return "somebody in the room has that name";
    people[place] = p;
    return NULL;
}

void room_leave(int place) { people[place].room[0] = '\0'; }

int room_same(int place, int other) {
    return people[place].room[0] && strcmp(people[place].room, people[other].room) == 0;
}

const char *room_person(int place) { return people[place].name; }
const char *room_title(int place) { return people[place].room; }
