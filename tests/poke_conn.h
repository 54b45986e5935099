/* poke_conn.h - a connection to the server, or with -u a socket for datagrams: by name, with a deadline for each wait.
 *
 * Every function that can fail ends the program with a report, unless it says otherwise.
 */
#ifndef POKE_CONN_H
#define POKE_CONN_H

#include "poke_bytes.h"
#include "poke_report.h"

#include <sys/socket.h>

#define CONNS_MAX 64 /* names in one script */
#define NAME_SIZE 32 /* bytes of a name, and its NUL */

struct addrinfo;

extern struct addrinfo *server; /* the addresses of HOST PORT, to be tried in turn; NULL with -p */
extern int patience;            /* ms that a step waits for its event (-w) */
extern const char fin[];        /* the words for the two ways in which a stream can end: ... */
extern const char rst[];        /* ... properly, or by an abort */

enum { ABSENT = 1, OPEN = 2, CROWD = 4, CLOSED = 8 }; /* states of a connection; a sum of them is a set */

struct conn {
    char name[NAME_SIZE];
    char port[6];       /* its own, the local port, in decimal */
    int state;          /* ABSENT: never opened, CROWD: see `members`; 0: this place of the table is free */
    int fd;             /* while it is OPEN */
    struct bytes inbox; /* received, but not yet taken by a step; with -u: the last datagram */
    const char *end;    /* how the stream from the server ended: fin or rst; NULL: it has not */
    int broken;         /* sending has failed */
    int shut;           /* we have sent our FIN */
    struct sent sent;
    struct bytes noise; /* what the last echo or fill had to send */
    size_t filled;      /* bytes of it that the server took */

    struct conn *members; /* of a crowd: its connections, each a struct like this, ... */
    size_t size;          /* ... how many they are, ... */
    size_t served;        /* ... how many got their answer (in a member: 1 if it did), ... */
    size_t refused;       /* ... and how many were hung up on */

    struct sockaddr_storage peer; /* with -u: where it sends to, and where answers have to come from */
    socklen_t peer_len;
    int follow; /* with -u: it takes the next datagram from anybody, and then sends to there */
};

/* Returns the connection with the name of `len` bytes, a new one (ABSENT) if there is none. */
struct conn *conn_named(const char *name, size_t len);

/* Closes all that have a name. */
void conn_close_all(void);

/* Waits until one of the events of poll() comes: 1; or until the deadline, by the clock of now_ms(): 0. With c->fd < 0
 * no event comes. */
int conn_wait(const struct conn *c, int events, long long deadline);

/* Makes c a new connection, OPEN, to the first address that answers. receive_buffer: bytes, 0 is the kernel's choice.
 * Returns 0, or the errno of the last address. Too few descriptors end the program with exit code 77. */
int conn_connect(struct conn *c, int receive_buffer);

/* The same, but a failure ends the program. */
void conn_open(struct conn *c, int receive_buffer);

/* Closes c, all members if it is a crowd, and frees what it keeps. It then is CLOSED. */
void conn_close(struct conn *c);

/* The same, but aborts: the server gets RST, not FIN. */
void conn_reset(struct conn *c);

/* Reads once what has come: bytes go into the inbox, the end of the stream is noted. Does not wait. */
void conn_read(struct conn *c);

/* Waits for more in the inbox. Returns NULL if it came; else in words what did instead: c->end, or silence(). */
const char *conn_more(struct conn *c, long long deadline);

/* Offers bytes to the kernel, once, and does not wait. Returns how many it took. Sets c->broken if no more can be
 * sent. */
size_t conn_write(struct conn *c, const unsigned char *data, size_t len);

/* Returns the words for a deadline that is over; they are valid until the next call. */
const char *silence(void);

#endif
