/* flow.h - one direction of a connection through a bad network: bytes go in, and come out later, or in pieces.
 *
 * A flow reads from one socket and writes to another. What it has read and not yet written is "under way". Every byte
 * keeps its order, and the FIN its place behind the last byte.
 */
#ifndef FLOW_H
#define FLOW_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/select.h>

#define FLOW_MAX    65536     /* bytes under way; then we stop reading, and TCP makes the sender wait */
#define PARCELS_MAX 1024      /* reads of different ms that are under way; then we stop, too */
#define NEVER       LLONG_MAX /* ms: later than all times */

enum { CHOP_OFF = 0, CHOP_RANDOM = -1 };

struct network {        /* what it does to all of its flows */
    int delay;          /* ms: each byte arrives so much later */
    int chop;           /* bytes written at once at most; CHOP_OFF: as they come; CHOP_RANDOM */
    uint32_t chop_dice; /* for CHOP_RANDOM; never 0 */
};

struct parcel {    /* bytes that came in the same ms */
    long long due; /* ms: when to pass them on */
    size_t length; /* bytes */
};

struct flow {
    /* Set by the caller; all else of a new flow is zeros. */
    int from, to;            /* sockets; -1: not connected */
    const char *came, *went; /* the arrows of -v */
    struct network *network;

    int eof;              /* `from` has sent its FIN */
    int finishing;        /* a FIN is to follow what is under way; what still comes is thrown away */
    int finished;         /* it has been sent */
    long long finish_due; /* ms: the FIN is not to be sent before */
    size_t start, end;    /* data[start] to data[end - 1] are under way */
    size_t first;   /* the same bytes by the time when they came: a ring that begins at parcel[first] ... */
    size_t parcels; /* ... and has so many parcels */
    long long last_write; /* ms */
    int pieces;           /* written since the last silence, counted up to PAUSED_PIECES (flow.c) */
    struct parcel parcel[PARCELS_MAX];
    char data[FLOW_MAX];
};

/* Is it ready for more? Not at the end; nor with too much under way: then we do not read, and TCP makes the sender
 * wait. */
int flow_wants_more(const struct flow *f);

/* Tells select() what to wait for. Returns when, at the latest, there will be something to write, in ms, or NEVER. */
long long flow_watch(const struct flow *f, fd_set *readable, fd_set *writable, long long now);

/* Reads once. `name` is for -v. Returns 0, or -1 with errno. */
int flow_read(struct flow *f, const char *name, long long now);

/* Writes what is due, for so many us at most, but one piece at least. Returns 0, or -1 with errno. */
int flow_write(struct flow *f, const char *name, long long now, long long share);

/* Has a FIN follow what is under way, at the time `due` or later. */
void flow_finish(struct flow *f, long long due);

/* Throws away what is under way, and whatever still comes: there is nobody to write it to. */
void flow_discard(struct flow *f);

/* Has the one FIN come, and has ours been sent? */
int flow_is_over(const struct flow *f);

/* Returns a number from 0 to n - 1, by the xorshift generator (Marsaglia 2003); *dice is never 0. */
int roll(uint32_t *dice, int n);

#endif
