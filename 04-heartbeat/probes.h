/* probes.h - a timer for each probe: only the answer to probe 7 stops the timer of probe 7. Knows no sockets and no
 * clock; all times are in ms, by whatever clock the caller has.
 */
#ifndef PROBES_H
#define PROBES_H

#define PROBES_MAX 16 /* timers that run at most */

struct probe {
    long long number;   /* as in PING 7 */
    long long deadline; /* ms: when its timer fires; 0: it does not run */
};

struct probes {                     /* new ones are zeros */
    long long last;                 /* the number of the latest probe; they count from 1 */
    struct probe timer[PROBES_MAX]; /* number 7 has its place at 7 % PROBES_MAX */
};

/* Starts the timer of a new probe. Returns its number; or 0, and there is none, if too many timers run. */
long long probes_start(struct probes *p, long long deadline);

/* Stops the timer of a probe, if it runs: its answer has come. */
void probes_answer(struct probes *p, long long number);

/* Stops all timers: a new connection has nothing to do with the probes of the old one. */
void probes_stop(struct probes *p);

/* Returns the probe whose timer fires next; or NULL: none runs. */
const struct probe *probes_first(const struct probes *p);

#endif
