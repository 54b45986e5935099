/* pair.h - a client's connection to us, and ours to the server for it: two flows, one in each direction. */
#ifndef PAIR_H
#define PAIR_H

#include "attempt.h"
#include "connect.h"
#include "flow.h"
#include "wire.h"

struct pair {
    struct pair *next;            /* for the caller's list */
    char name[ADDRESS_TEXT];      /* of the client */
    int client;                   /* its socket */
    int server;                   /* our socket to the server; -1: none yet, or none any more */
    const struct server_name *to; /* the server's name, for the log */
    int trying;                   /* we are connecting to the server ... */
    struct attempt attempt;       /* ... which may have more addresses ... */
    long long next_try;           /* ms: ... and then we try the next one; NEVER */
    struct flow up;               /* from the client to the server ... */
    struct flow down;             /* ... and back */
    int gone;                     /* its sockets are closed; to be freed at the end of this turn */
};

struct look { /* what select() has found */
    fd_set readable, writable;
    long long began; /* ms: all that had come by then is in the sets */
    long long now;   /* ms */
    long long share; /* us that each direction of each pair may take */
};

/* Makes a pair of a client that was accepted and a connection to the server that begins. Looks the server's name up
 * each time. Returns the pair, to be freed by the caller when it is `gone`; or NULL: out of memory. */
struct pair *pair_new(int client, const char *name, const struct server_name *to, struct network *network);

/* Tells select() what to wait for. Returns when, at the latest, there will be something to do, in ms, or NEVER. */
long long pair_watch(const struct pair *p, fd_set *readable, fd_set *writable, long long now);

/* Does what select() has found possible, after pair_watch(). */
void pair_turn(struct pair *p, const struct look *look);

/* Ends both connections at once, with RST to both sides, and logs why; `whose` is put in front of it: "the server: ",
 * or "". */
void pair_reset(struct pair *p, const char *whose, const char *why);

#endif
