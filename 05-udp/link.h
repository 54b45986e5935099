/* link.h - a bad link to learn on: it loses datagrams, doubles them, lets one overtake another, and is late. */
#ifndef LINK_H
#define LINK_H

#include "datagram.h"

struct link_faults {
    int lost;       /* of 100 datagrams */
    int duplicated; /* of 100 that are not lost */
    int reordered;  /* of 100 that are neither: the next one overtakes it, if one comes within 100 ms */
    int late;       /* ms that each datagram is under way */
    int seed;       /* the same seed throws the same dice */
};

/* From now on the link is so bad. Without any fault link_send() sends at once. */
void link_open(const struct link_faults *f);

/* Gives the link a datagram, to be sent from socket `fd`, and logs what happens to it. */
void link_send(int fd, const struct address *to, const char *data, size_t len);

/* Returns when the next datagram is to leave the link, in us; NEVER: there is none. */
long long link_due(void);

/* Sends what is due. */
void link_deliver(void);

#endif
