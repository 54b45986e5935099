/* poke_script.c - see poke_script.h. */
#include "poke_script.h"

#include "poke_step.h"
#include "poke_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes "via NAME BYTES BYTES". */
static void take_via(struct step *s) {
    cursor += strlen("via ");
    skip_blanks();
    s->via = take_conn();
    if (s->via == s->conn)
        script_error("%s must go via another connection", s->conn->name);
    conn_prepare(s->via, OPEN);
}

/* Takes the two strings of a round trip, BYTES BYTES. */
static void take_ping_pong(struct step *s) {
    skip_blanks();
    take_strings(&s->ping, 0);
    skip_blanks();
    take_strings(&s->pong, 0);
}

/* Takes one argument of a step, of a kind that struct verb explains. */
static void take_argument(struct step *s, char kind) {
    skip_blanks();
    switch (kind) {
    case 'o':
        if (*cursor < '0' || *cursor > '9')
            break;
        s->n = take_number();
        break;
    case 'n': s->n = take_number(); break;
    case 'm': s->max = take_number(); break;
    case 'f':
        if (*cursor == '"')
            take_strings(&s->bytes, 1);
        break;
    case 'b': take_strings(&s->bytes, 1); break;
    case 'p': take_ping_pong(s); break;
    case 'v':
        if (strncmp(cursor, "via ", 4) != 0)
            break;
        take_via(s);
        take_ping_pong(s);
        break;
    case 'c':
        s->via = take_conn();
        conn_prepare(s->via, OPEN);
        break;
    }
}

static const struct verb *take_verb(void) {
    size_t len = strcspn(cursor, " \t\r\"#0123456789");
    const struct verb *verb = datagrams ? datagram_verbs : stream_verbs;
    while (verb->name && (strncmp(verb->name, cursor, len) != 0 || verb->name[len]))
        verb++;
    if (!verb->name)
        what_is("a step (poke -h lists them)");
    cursor += len;
    return verb;
}

/* Takes a whole line. The strings of s are used again, for they keep their memory. */
static void take_step(struct step *s) {
    s->conn = take_conn();
    s->via = NULL;
    s->n = s->max = 0;
    s->bytes.length = s->ping.length = s->pong.length = 0;

    skip_blanks();
    s->verb = take_verb();
    conn_prepare(s->conn, s->verb->states);
    for (const char *kind = s->verb->arguments; *kind; kind++)
        take_argument(s, *kind);
    skip_blanks();
    if (*cursor && *cursor != '#')
        what_is("the end of the line");
}

/* Runs a line, or in the rehearsal only parses it. */
static void run_line(struct step *s) {
    cursor = line;
    skip_blanks();
    if (*cursor == '\0' || *cursor == '#')
        return;

    int says = strncmp(cursor, "say ", 4) == 0;
    if (!says)
        take_step(s);
    if (rehearsal)
        return;
    if (says) {
        rule = cursor + 4;
        puts(rule);
    } else {
        s->verb->run(s);
    }
}

static void run_lines(const struct bytes *script) {
    struct step s = {.n = 0};
    const char *end = (const char *)script->data + script->length;
    line_number = 0;
    for (line = (const char *)script->data; line < end; line += strlen(line) + 1) {
        line_number++;
        run_line(&s);
    }
    free(s.bytes.data);
    free(s.ping.data);
    free(s.pong.data);
}

void script_run(const struct bytes *script) {
    rehearsal = 1;
    run_lines(script);
    rehearsal = 0;
    run_lines(script);
}

void script_read(struct bytes *script) {
    while (!feof(stdin) && !ferror(stdin)) {
        bytes_reserve(script, BUFSIZ);
        script->length += fread(script->data + script->length, 1, BUFSIZ, stdin);
    }
    bytes_add(script, "\n", 1);

    line_number = 1;
    for (size_t i = 0; i < script->length; i++) {
        if (script->data[i] == '\0')
            script_error("a NUL byte (write \\0)");
        if (script->data[i] == '\n') {
            script->data[i] = '\0';
            line_number++;
        }
    }
}
