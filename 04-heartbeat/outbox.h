/* outbox.h - messages that wait for their ACK, in order: the sender's half of "each arrives once".
 *
 *     oldest: `first`                                          newest
 *     | under way: sent on this connection | not yet sent on it |
 *
 * When a connection breaks, nobody here can know which of those under way have arrived. So none leaves before its ACK,
 * and on the next connection all that are left are sent again, with the numbers they had. Knows no sockets.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#define TEXT_MAX   1000 /* bytes in a message: with "MSG ", 18 digits and a blank it fits into a line */
#define OUTBOX_MAX 1000 /* messages */
#define WINDOW     32   /* messages under way at most: a PING behind them must not wait for long */

struct outbox {                          /* a new one is zeros */
    char text[OUTBOX_MAX][TEXT_MAX + 1]; /* a ring */
    int oldest;                          /* the index of the oldest message */
    int waiting;                         /* messages without ACK */
    int under_way;                       /* of these, messages sent on this connection */
    long long first;                     /* the number of the oldest; 0: not known before the first WELCOME */
    long long highest;                   /* the highest number that was ever sent */
};

int outbox_is_full(const struct outbox *o);

/* Adds a message, of which TEXT_MAX bytes are kept; the outbox must not be full. */
void outbox_add(struct outbox *o, const char *text);

/* A new connection has been welcomed by a server that has our messages up to number `last`, maybe from an earlier run:
 * nothing is under way on it. Returns -1 if it has more than we ever sent: somebody else uses our name. Else 0. */
int outbox_welcome(struct outbox *o, long long last);

/* Returns the next message to send on this connection, and its number; it is under way then. Returns NULL if there is
 * none, or if the window is full. */
const char *outbox_send(struct outbox *o, long long *seq);

/* The server has acknowledged all messages up to this number: those of them that are under way leave. Returns how
 * many. */
int outbox_ack(struct outbox *o, long long seq);

#endif
