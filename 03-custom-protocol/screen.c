/* screen.c - see screen.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "screen.h"

#include "text.h"
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

int screen_has_room(const struct screen *s) { return SCREEN_SIZE - s->length >= SCREEN_LINE; }

void screen_say(struct screen *s, const char *format, ...) {
    char *line = s->text + s->length;
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, SCREEN_LINE - 1, format, arguments);
    va_end(arguments);

    size_t len = n < SCREEN_LINE - 1 ? (size_t)n : SCREEN_LINE - 2;
    text_clean(line, len);
    line[len] = '\n';
    s->length += len + 1;
}

int screen_write(struct screen *s) {
    ssize_t n = write(STDOUT_FILENO, s->text, s->length < PIPE_BUF ? s->length : PIPE_BUF);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    s->length -= (size_t)n;
    memmove(s->text, s->text + n, s->length);
    return 0;
}

void note(const char *format, ...) {
    char line[SCREEN_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_clean(line, strlen(line));

    const char *over = isatty(STDERR_FILENO) ? "\r\033[K" : ""; /* the progress may stand in this line */
    fprintf(stderr, "%s%s: %s\n", over, program, line);
}

void note_progress(long long done, long long size) {
    int percent = (int)(100 * done / size);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r[%-20.*s] %3d %% of %lld bytes\r", percent / 5, "####################", percent,
                size);
}
