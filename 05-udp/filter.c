/* filter.c - see filter.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "filter.h"

#include "text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX  131072 /* bytes read ahead: more than any datagram holds */
#define OUTPUT_MAX 131072 /* bytes that wait for stdout */
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

static char input[INPUT_MAX];   /* read, and not yet taken */
static size_t input_start;      /* where it begins */
static size_t input_length;     /* bytes */
static int input_ended;         /* there will be no more */
static int skipping;            /* the rest of a line longer than INPUT_MAX */
static char output[OUTPUT_MAX]; /* to be written */
static size_t output_length;    /* bytes */

/* Returns the length of the first line of the input, 0: there is no whole one yet. */
static size_t line_length(void) {
    const char *first = input + input_start, *newline = memchr(first, '\n', input_length);
    if (newline)
        return (size_t)(newline - first) + 1;
    return input_ended || input_length == INPUT_MAX ? input_length : 0;
}

int input_wanted(void) { return !input_ended && line_length() == 0; }

int input_read(void) {
    memmove(input, input + input_start, input_length);
    input_start = 0;
    ssize_t n = read(STDIN_FILENO, input + input_length, INPUT_MAX - input_length);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    input_ended = n == 0;
    input_length += (size_t)n;
    return 0;
}

size_t input_take(const char **text) {
    size_t len = line_length();
    while (len > 0) {
        int skip = skipping;
        *text = input + input_start;
        skipping = (*text)[len - 1] != '\n';
        input_start += len;
        input_length -= len;
        if (!skip)
            break;
        len = line_length();
    }
    return len;
}

int input_is_done(void) { return input_ended && input_length == 0; }

char *output_room(size_t *size) {
    *size = OUTPUT_MAX - output_length;
    return output + output_length;
}

void output_add(size_t len) {
    char *data = output + output_length;
    if (isatty(STDOUT_FILENO))
        text_clean_stream(data, len, 1); /* these are whole lines: no rest of a character will come */
    output_length += len;
}

int output_waits(void) { return output_length > 0; }

int output_write(void) {
    ssize_t n = write(STDOUT_FILENO, output, output_length < PIPE_BUF ? output_length : PIPE_BUF);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    output_length -= (size_t)n;
    memmove(output, output + n, output_length);
    return 0;
}
