/* rtt.h - how long to wait for an answer until it counts as lost: RFC 6298. Knows no sockets and no clock; all times
 * are in us.
 */
#ifndef RTT_H
#define RTT_H

struct rtt {
    long long rto;        /* how long to wait (retransmission timeout); the first one is the caller's guess */
    long long least;      /* no rto is shorter; a second for TCP (2.4), whose peers may hold back an ACK */
    long long most;       /* no rto is longer (2.5) */
    int measured;         /* there has been a sample */
    long long srtt;       /* the smoothed round-trip time */
    long long rttvar;     /* how much the round trips vary */
    long long backed_off; /* when rto was last doubled */
};

/* Takes in a round trip (2.2, 2.3). Karn's rule (3): never that of something sent twice, because nobody knows
 * which copy was answered. */
void rtt_sample(struct rtt *r, long long round_trip);

/* A timer has fired (5.5): waits twice as long from now on, until there is a new sample. `sent` is when the datagram of
 * this timer went out: one burst of losses fires many timers, and is one reason only, so a datagram that was sent
 * before the last doubling does not count. */
void rtt_back_off(struct rtt *r, long long sent, long long now);

#endif
