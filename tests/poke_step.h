/* poke_step.h - a step is one line of the script; its verb says what to do. There are two sets of verbs.
 *
 * To add a verb: write its function, add a row to the table at the end of poke_stream.c or poke_datagram.c, and a line
 * to the text of -h in poke.c.
 */
#ifndef POKE_STEP_H
#define POKE_STEP_H

#include "poke_conn.h"

struct step {
    const struct verb *verb;
    struct conn *conn;  /* the NAME that the line begins with */
    struct conn *via;   /* the other one, of VIA or of `as`; NULL: none */
    size_t n, max;      /* its numbers; 0 where left out */
    struct bytes bytes; /* its BYTES */
    struct bytes ping;  /* of a round trip: what is sent ... */
    struct bytes pong;  /* ... and what has to come back */
};

/* The arguments of a verb are described by a letter each:
 *
 *     n, m   a number, for s->n or s->max
 *     o      a number for s->n, or none
 *     b      BYTES, for s->bytes
 *     f      the same, or none
 *     p      BYTES BYTES, for s->ping and s->pong
 *     v      VIA or none: a NAME for s->via, and BYTES BYTES for s->ping and s->pong
 *     c      a NAME, for s->via
 *
 * run() returns if the server did well; if not, it ends the program with a report. */
struct verb {
    const char *name;
    const char *arguments;
    int states; /* those that NAME can be in, a sum; with OPEN in it, an ABSENT one is opened first */
    void (*run)(struct step *s);
};

/* The verbs without and with -u; a row without a name ends each. */
extern const struct verb stream_verbs[], datagram_verbs[];

/* For both sets. */
void step_close(struct step *s);
void step_hold(struct step *s);

/* Sends ping to s->via and awaits pong: a server with one loop has then seen, too, what it was sent before. */
void round_trip(struct step *s);

/* Those that load the server, in poke_load.c. */
void step_echo(struct step *s);
void step_fill(struct step *s);
void step_blocked(struct step *s);
void step_drain(struct step *s);
void step_crowd(struct step *s);
void step_served(struct step *s);
void step_refused(struct step *s);

#endif
