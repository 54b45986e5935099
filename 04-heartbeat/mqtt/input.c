/* input.c - see input.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define INPUT_CHUNK 65536 /* bytes read at once */

int input_has_rest(const struct input *in) { return queue_length(&in->read) > 0; }

/* Throws away what is left of the line that has begun. */
static void drop_beginning(struct input *in) {
    in->read.start = in->read.end;
    in->searched = 0;
}

ssize_t input_read(struct input *in, int fd) {
    static char chunk[INPUT_CHUNK];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n > 0) {
        queue_add(&in->read, chunk, (size_t)n);
    } else if (n == 0) {
        in->eof = 1;
    } else if (errno != EAGAIN && errno != EINTR) {
        in->eof = 1;
        drop_beginning(in); /* all the lines before it have been taken */
    }
    return n;
}

/* Takes a line of so many bytes, with its end. */
static struct bytes cut(struct input *in, size_t length) {
    struct bytes line = {(const char *)in->read.data + in->read.start, length};
    in->read.start += length;
    in->searched = 0;
    if (line.length > 0 && line.data[line.length - 1] == '\n')
        line.length--;
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* No end of a line has come yet. */
static enum input_event without_end(struct input *in, struct bytes *line) {
    if (in->searched > LINE_LIMIT + 1) { /* + 1: a CR */
        int first = !in->skipping;
        in->skipping = 1;
        drop_beginning(in);
        return first ? INPUT_TOO_LONG : INPUT_MORE;
    }
    if (!in->eof || in->searched == 0)
        return INPUT_MORE;
    *line = cut(in, in->searched);
    return in->skipping ? INPUT_MORE : INPUT_LINE;
}

enum input_event input_take(struct input *in, struct bytes *line) {
    size_t length = queue_length(&in->read);
    if (length == 0)
        return INPUT_MORE;
    const char *from = (const char *)in->read.data + in->read.start;
    const char *end = length > in->searched ? memchr(from + in->searched, '\n', length - in->searched) : NULL;
    if (end == NULL) {
        in->searched = length;
        return without_end(in, line);
    }
    *line = cut(in, (size_t)(end - from) + 1);
    if (in->skipping) {
        in->skipping = 0;
        return input_take(in, line);
    }
    return line->length > LINE_LIMIT ? INPUT_TOO_LONG : INPUT_LINE;
}
