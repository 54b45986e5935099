/* rtt.c - see rtt.h. */
#include "rtt.h"

#define GRANULARITY 1000 /* us: the G of RFC 6298, how exactly we wake up */

static void set_rto(struct rtt *r, long long rto) {
    if (rto < r->least)
        rto = r->least;
    if (rto > r->most)
        rto = r->most;
    r->rto = rto;
}

void rtt_sample(struct rtt *r, long long round_trip) {
    long long error = round_trip < r->srtt ? r->srtt - round_trip : round_trip - r->srtt;
    if (r->measured) {
        r->rttvar = (3 * r->rttvar + error) / 4;
        r->srtt = (7 * r->srtt + round_trip) / 8;
    } else {
        r->rttvar = round_trip / 2;
        r->srtt = round_trip;
        r->measured = 1;
    }

    long long margin = 4 * r->rttvar;
    set_rto(r, r->srtt + (margin < GRANULARITY ? GRANULARITY : margin));
}

void rtt_back_off(struct rtt *r, long long sent, long long now) {
    if (sent < r->backed_off)
        return;
    set_rto(r, 2 * r->rto);
    r->backed_off = now;
}
