/* poke_report.c - see poke_report.h. */
#include "poke_report.h"

#include "poke_conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL      16  /* columns of "NAME received" */
#define ROW        16  /* bytes in a row */
#define SHOWN      64  /* bytes that are shown of a string: four rows */
#define LINE_SHOWN 100 /* bytes that are shown of a line of the script */

const char *rule = "", *line;
int line_number;
struct conn *speaker;

void sent_note(struct sent *s, const unsigned char *data, size_t len) {
    size_t last = len < TAIL ? len : TAIL;
    s->count += len;
    memmove(s->tail, s->tail + last, TAIL - last);
    if (last > 0)
        memcpy(s->tail + TAIL - last, data + len - last, last);
}

void script_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "poke: line %d: ", line_number);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

/* Prints up to 16 bytes in hex and as text, a dot for each that has no picture. */
static void show_row(const char *label, size_t offset, const unsigned char *bytes, size_t len) {
    char hex[ROW * 3 + 1] = "", text[ROW + 1] = "";
    for (size_t i = 0; i < len; i++) {
        snprintf(hex + 3 * i, 4, " %02x", bytes[i]);
        text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '.';
    }
    printf("%-*s%8zu %-48s  %s\n", LABEL, label, offset, hex, text);
}

/* Prints four rows, from the one before that of byte `at`, below which it puts the note, if any. `base` is the offset
 * of the first byte in all that was sent or received. */
static void show(const struct conn *c, const char *what, const struct bytes *b, size_t base, size_t at,
                 const char *note) {
    char label[NAME_SIZE + 16];
    snprintf(label, sizeof label, "%s %s", c->name, what);
    if (b->length == 0)
        printf("%-*s nothing\n", LABEL, label);

    at = at < b->length ? at : b->length;
    size_t first = at < ROW ? 0 : at / ROW * ROW - ROW;
    size_t end = b->length < first + SHOWN ? b->length : first + SHOWN;
    for (size_t row = first; row < end; row += ROW) {
        show_row(label, base + row, b->data + row, end - row < ROW ? end - row : ROW);
        if (*note && row <= at && at < row + ROW)
            printf("%*s^^ %s\n", (int)(LABEL + 10 + 3 * (at - row)), "", note);
        label[0] = '\0'; /* only the first row has it */
    }
    if (end < b->length)
        printf("%*s ...\n", LABEL + 8, "");
}

static void show_sent(const struct conn *c) {
    struct bytes tail = {.length = c->sent.count < TAIL ? c->sent.count : TAIL};
    unsigned char copy[TAIL];
    if (tail.length == 0)
        return;
    memcpy(copy, c->sent.tail + TAIL - tail.length, tail.length);
    tail.data = copy;
    show(c, "sent", &tail, c->sent.count - tail.length, 0, "");
}

/* Prints how every report begins. */
static void show_step(const struct conn *c) {
    if (*rule)
        printf("rule: %s\n", rule);
    printf("line %d: %.*s%s\n", line_number, LINE_SHOWN, line, strlen(line) > LINE_SHOWN ? "..." : "");
    if (speaker && speaker != c)
        show_sent(speaker);
    show_sent(c);
}

static void end_report(void) {
    putchar('\n');
    exit(1);
}

void fail(const struct conn *c, const char *format, ...) {
    show_step(c);

    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    end_report();
}

void fail_bytes(const struct conn *c, const struct bytes *want, const struct bytes *got, size_t at,
                const char *format, ...) {
    char note[64] = "";
    if (want && got && at < want->length && at < got->length)
        snprintf(note, sizeof note, "byte %zu should be %02x", at, want->data[at]);

    show_step(c);
    if (want)
        show(c, "expected", want, 0, at, "");
    if (got)
        show(c, "received", got, 0, at, note);

    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    end_report();
}
