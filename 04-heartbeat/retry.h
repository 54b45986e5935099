/* retry.h - when to try again: exponential backoff, with full jitter. Arithmetic only: it knows no clock. */
#ifndef RETRY_H
#define RETRY_H

#include <stdint.h>

/* Returns how many ms to wait after so many failures in a row: `first`, twice that, four times that, and so on up to
 * `longest`. Returns -1 when the longest wait was in vain, too: time to give up, unless `keep`. */
long long backoff_ms(long long failures, long long first, long long longest, int keep);

/* Full jitter: returns 0 to `wait` ms, each as likely as any other. The dice are splitmix64, with `*state` as their
 * memory: any number to begin with, and not the same for two clients. */
long long backoff_jitter(long long wait, uint64_t *state);

#endif
