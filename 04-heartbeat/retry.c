/* retry.c - see retry.h. */
#include "retry.h"

long long backoff_ms(long long failures, long long first, long long longest, int keep) {
    long long wait = first < longest ? first : longest;
    while (--failures > 0 && wait < longest)
        wait = wait > longest / 2 ? longest : 2 * wait; /* so that nothing overflows */
    return failures > 0 && !keep ? -1 : wait;
}

long long backoff_jitter(long long wait, uint64_t *state) {
    *state += 0x9E3779B97F4A7C15u;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return (long long)(z % ((uint64_t)wait + 1));
}
