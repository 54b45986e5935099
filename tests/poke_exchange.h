/* poke_exchange.h - sends bytes and checks those that come back, both at the same time. */
#ifndef POKE_EXCHANGE_H
#define POKE_EXCHANGE_H

#include "poke_conn.h"

/* Sends all of `out`, and takes in all of `want`, which must be what comes next; what comes behind it stays in the
 * inbox. may_break: if `want` has come, the server may hang up before it has taken all of `out`. The patience is that
 * for the next byte, in either direction. Anything else ends the program with a report. */
void exchange(struct conn *c, struct bytes out, struct bytes want, int may_break);

/* One half of it. */
void conn_send(struct conn *c, struct bytes out);
void conn_expect(struct conn *c, struct bytes want);

#endif
