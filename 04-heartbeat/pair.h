/* pair.h - a client's connection to us, and ours to the server for it: two flows, one in each direction. */
#ifndef PAIR_H
#define PAIR_H

#include "connect.h"
#include "flow.h"
#include "wire.h"

struct pair {
    struct pair *next;             /* for the caller's list */
    char name[ADDRESS_TEXT];       /* of the client */
    int client;                    /* its socket */
    int server;                    /* our socket to the server; -1: none yet, or none any more */
    const char *server_name;       /* for the log */
    const struct addrinfo *trying; /* the server's address that we are connecting to; NULL: none any more */
    struct flow up;                /* from the client to the server ... */
    struct flow down;              /* ... and back */
    int gone;                      /* its sockets are closed; to be freed at the end of this turn */
};

/* Makes a pair of a client that was accepted and a connection to the server that begins. Returns it, to be freed by the
 * caller when it is `gone`; or NULL: out of memory. `server` and `addresses`: its name, and what it stands for. */
struct pair *pair_new(int client, const char *name, const char *server, const struct addrinfo *addresses,
                      struct network *network);

/* Tells select() what to wait for. Returns when, at the latest, there will be something to do, in ms, or NEVER. */
long long pair_watch(const struct pair *p, fd_set *readable, fd_set *writable, long long now);

/* Does what select() has found possible. */
void pair_turn(struct pair *p, fd_set *readable, fd_set *writable, long long now);

/* Ends both connections at once, with RST to both sides, and logs why; `whose` is put in front of it: "the server: ", or
 * "". */
void pair_reset(struct pair *p, const char *whose, const char *why);

#endif
