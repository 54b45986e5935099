/* poke_words.h - takes a line of the script apart: names, numbers, BYTES. What is not right ends the program. */
#ifndef POKE_WORDS_H
#define POKE_WORDS_H

#include "poke_conn.h"

extern const char *cursor; /* the rest of the line; each function takes what it is named for from its front */
extern int rehearsal; /* the script is only parsed, so that a typing error is found first: open nothing */
extern int datagrams; /* -u */

void skip_blanks(void);

size_t take_number(void);

/* Takes a NAME. Returns its connection, a new one (ABSENT) if nobody has that name. */
struct conn *take_conn(void);

/* Takes strings in quotes that touch, or, if `apart` is set, stand side by side, and appends what they stand for. */
void take_strings(struct bytes *b, int apart);

/* Opens a connection at its first mention, and checks that it is in one of the states that a step needs. */
void conn_prepare(struct conn *c, int states);

/* What comes next in the line is not what belongs there: says so. */
void what_is(const char *wanted);

#endif
