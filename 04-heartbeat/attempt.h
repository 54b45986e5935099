/* attempt.h - connecting without waiting: one address of a server after another, until one answers. */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <netdb.h>

struct attempt {                 /* zeros: there is none */
    struct addrinfo *found;      /* the addresses of the server, from look_up(); the attempt frees them */
    const struct addrinfo *next; /* the first of them that was not tried yet; NULL: none is left */
};

/* Begins with these addresses. The attempt owns them from now on. If another one was under way, it is over. */
void attempt_start(struct attempt *t, struct addrinfo *found);

/* Returns a socket that begins to connect to the next address that does not fail at once. It is connected, or has
 * failed, when select() says "writable"; ask connect_result(). If another address is left then (`next`), wait no longer
 * than CONNECT_MS. Returns -1 if all have failed at once, with the errno of the last one; or if there
 * was none to try, with `error`. */
int attempt_next(struct attempt *t, int error);

/* The attempt is over, well or not: forgets the addresses. */
void attempt_end(struct attempt *t);

#endif
