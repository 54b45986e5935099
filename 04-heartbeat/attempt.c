/* attempt.c - see attempt.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "attempt.h"

#include "connect.h"

#include <errno.h>

void attempt_start(struct attempt *t, struct addrinfo *found) {
    attempt_end(t);
    t->found = found;
    t->next = found;
}

int attempt_next(struct attempt *t, int error) {
    int fd = -1;
    while (t->next && fd < 0) {
        fd = connect_begin(t->next);
        if (fd < 0)
            error = errno;
        t->next = t->next->ai_next;
    }
    errno = error;
    return fd;
}

void attempt_end(struct attempt *t) {
    if (t->found)
        freeaddrinfo(t->found);
    *t = (struct attempt){0};
}
