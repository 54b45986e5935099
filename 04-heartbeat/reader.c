/* reader.c - see reader.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "reader.h"

#include <errno.h>
#include <unistd.h>

int reader_wants_more(const struct reader *r) { return !r->eof && r->start == r->end; }

int reader_is_over(const struct reader *r) { return r->eof && r->start == r->end && r->line.length == 0; }

ssize_t reader_read(struct reader *r, int fd) {
    ssize_t n = read(fd, r->bytes, READER_MAX);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return n;

    r->eof = n <= 0;
    r->start = 0;
    r->end = n > 0 ? (size_t)n : 0;
    /* line_take() would see a command of telnet, and nobody here speaks telnet. */
    for (size_t i = 0; i < r->end; i++)
        if (r->bytes[i] == '\xff')
            r->bytes[i] = '?';
    return n;
}

enum line_event reader_take(struct reader *r) {
    enum line_event event = LINE_MORE;
    size_t used;
    while (r->start < r->end && event != LINE && event != LINE_TOO_LONG) {
        event = line_take(&r->line, r->bytes + r->start, r->end - r->start, &used);
        r->start += used;
    }
    if (r->start == r->end && r->eof && event == LINE_MORE)
        event = line_take(&r->line, r->bytes, 0, &used);
    return event == LINE_END ? LINE_MORE : event; /* Ctrl-D as a byte: here it ends nothing */
}
