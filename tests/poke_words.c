/* poke_words.c - see poke_words.h. */
#include "poke_words.h"

#include "poke_datagram.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1000000000 /* the largest number in a script */

const char *cursor;
int rehearsal, datagrams;

void skip_blanks(void) { cursor += strspn(cursor, " \t\r"); }

void what_is(const char *wanted) {
    if (*cursor == '\0')
        script_error("the line ends where there should be %s", wanted);
    size_t len = strcspn(cursor + 1, " \t") + 1;
    script_error("what is \"%.*s\"? There should be %s", (int)len, cursor, wanted);
}

size_t take_number(void) {
    char *end;
    unsigned long value = strtoul(cursor, &end, 10);
    if (*cursor < '0' || *cursor > '9' || value > NUMBER_MAX)
        what_is("a number, up to 1000000000");
    cursor = end;
    return value;
}

struct conn *take_conn(void) {
    size_t len = strspn(cursor, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (len == 0 || len >= NAME_SIZE)
        what_is("a NAME (letters, digits, _ and -, 31 at most)");
    struct conn *c = conn_named(cursor, len);
    cursor += len;
    return c;
}

static const char *state_words(int state) {
    switch (state) {
    case OPEN: return "an open connection";
    case CROWD: return "a crowd";
    default: return "not open";
    }
}

void conn_prepare(struct conn *c, int states) {
    if (rehearsal)
        return;

    int opens = c->state == ABSENT && (states & OPEN);
    if (opens && datagrams)
        socket_bind(c, NULL, "0");
    else if (opens)
        conn_open(c, 0);
    if (!(c->state & states))
        script_error("%s is %s", c->name, state_words(c->state));
}

/* Appends what an escape stands for. */
static void take_escape(struct bytes *b) {
    static const char letters[] = "nrt0\\\"{", meanings[] = "\n\r\t\0\\\"{";
    const char *letter = cursor[1] ? strchr(letters, cursor[1]) : NULL;
    if (letter) {
        bytes_add(b, &meanings[letter - letters], 1);
        cursor += 2;
    } else if (cursor[1] == 'x' && strspn(cursor + 2, "0123456789abcdefABCDEF") >= 2) {
        const char hex[] = {cursor[2], cursor[3], '\0'};
        unsigned char byte = (unsigned char)strtoul(hex, NULL, 16);
        bytes_add(b, &byte, 1);
        cursor += 4;
    } else {
        what_is("one of \\n \\r \\t \\0 \\\\ \\\" \\{ \\xHH");
    }
}

/* Appends what {NAME} stands for: a port. */
static void take_port(struct bytes *b) {
    cursor++;
    struct conn *c = take_conn();
    if (*cursor != '}')
        script_error("{%s has no } (the brace itself is \\{)", c->name);
    cursor++;
    conn_prepare(c, OPEN | CLOSED);
    bytes_add(b, c->port, strlen(c->port));
}

/* Appends what stands between two quotes, without them. */
static void take_quoted(struct bytes *b) {
    const char *begin = cursor;
    cursor++;
    while (*cursor != '"') {
        if (*cursor == '\0')
            script_error("this string has no end: %s", begin);
        if (*cursor == '\\') {
            take_escape(b);
        } else if (*cursor == '{') {
            take_port(b);
        } else {
            bytes_add(b, cursor, 1);
            cursor++;
        }
    }
    cursor++;
}

/* Appends a string in quotes, as often as the *N after it says. */
static void take_string(struct bytes *b) {
    if (*cursor != '"')
        what_is("a \"string\"");
    size_t start = b->length, times = 1;
    take_quoted(b);
    if (*cursor == '*') {
        cursor++;
        times = take_number();
    }

    size_t len = b->length - start;
    if (len > 0 && times > BYTES_MAX / len)
        script_error("this string is over %d bytes long", BYTES_MAX);
    bytes_reserve(b, len * times + 1);
    for (size_t i = start + len; i < start + len * times; i++)
        b->data[i] = b->data[i - len];
    b->length = start + len * times;
}

void take_strings(struct bytes *b, int apart) {
    do {
        take_string(b);
        if (apart)
            skip_blanks();
    } while (*cursor == '"');
}
