/* probes.c - see probes.h. */
#include "probes.h"

#include <stddef.h>

long long probes_start(struct probes *p, long long deadline) {
    struct probe *place = &p->timer[(p->last + 1) % PROBES_MAX];
    if (place->deadline > 0)
        return 0;

    p->last++;
    place->number = p->last;
    place->deadline = deadline;
    return p->last;
}

void probes_answer(struct probes *p, long long number) {
    struct probe *place = &p->timer[number % PROBES_MAX];
    if (place->number == number)
        place->deadline = 0;
}

void probes_stop(struct probes *p) {
    for (int i = 0; i < PROBES_MAX; i++)
        p->timer[i].deadline = 0;
}

const struct probe *probes_first(const struct probes *p) {
    const struct probe *first = NULL;
    for (int i = 0; i < PROBES_MAX; i++) {
        const struct probe *timer = &p->timer[i];
        if (timer->deadline > 0 && (first == NULL || timer->deadline < first->deadline))
            first = timer;
    }
    return first;
}
