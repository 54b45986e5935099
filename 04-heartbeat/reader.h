/* reader.h - lines from a descriptor (stdin, a connection), which is read when select() says "readable". */
#ifndef READER_H
#define READER_H

#include "lines.h"

#include <sys/types.h>

#define READER_MAX 4096 /* bytes read at once */

struct reader { /* a new one is zeros */
    char bytes[READER_MAX];
    size_t start, end; /* bytes[start] to bytes[end - 1] were read and are not yet used */
    int eof;           /* that was all: the end, or an error */
    struct line line;  /* at LINE: the line */
};

/* Is all used, and may there be more? Then it is time to read. */
int reader_wants_more(const struct reader *r);

/* Is all used, and was it all? */
int reader_is_over(const struct reader *r);

/* Reads once. Returns what read() does: the bytes that came, 0 at the end, or -1 with errno. */
ssize_t reader_read(struct reader *r, int fd);

/* Takes what was read, up to the next line. Returns LINE or LINE_TOO_LONG; or LINE_MORE: all is used. The last line of
 * all may lack its end. */
enum line_event reader_take(struct reader *r);

#endif
