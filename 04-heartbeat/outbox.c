/* outbox.c - see outbox.h. */
#include "outbox.h"

#include <stdio.h>

int outbox_is_full(const struct outbox *o) { return o->waiting == OUTBOX_MAX; }

void outbox_add(struct outbox *o, const char *text) {
    char *place = o->text[(o->oldest + o->waiting) % OUTBOX_MAX];
    snprintf(place, sizeof o->text[0], "%s", text);
    o->waiting++;
}

int outbox_welcome(struct outbox *o, long long last) {
    if (o->first > 0 && last > o->highest)
        return -1;
    if (o->first == 0)
        o->first = last + 1;
    o->under_way = 0;
    return 0;
}

const char *outbox_send(struct outbox *o, long long *seq) {
    if (o->under_way == o->waiting || o->under_way == WINDOW)
        return NULL;

    const char *text = o->text[(o->oldest + o->under_way) % OUTBOX_MAX];
    *seq = o->first + o->under_way;
    o->under_way++;
    if (*seq > o->highest)
        o->highest = *seq;
    return text;
}

int outbox_ack(struct outbox *o, long long seq) {
    int before = o->waiting;
    while (o->under_way > 0 && o->first <= seq) {
        o->oldest = (o->oldest + 1) % OUTBOX_MAX;
        o->first++;
        o->under_way--;
        o->waiting--;
    }
    return before - o->waiting;
}
