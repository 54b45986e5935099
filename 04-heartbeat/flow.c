/* flow.c - see flow.h.
 *
 * With chop, the receiver should get each piece by itself. So the first pieces after a silence are written with a pause
 * in between. The rest of a long burst comes as fast as it can, or 1 MiB in pieces of 1 byte would take 17 minutes:
 *
 *     ms       0   1   2  ...  62  63  63  63  ...  silence ...  200  201
 *     piece    1   2   3  ...  63  64  65  66  ...                 1    2
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "flow.h"

#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS      1  /* ms between two pieces */
#define PAUSED_PIECES 64 /* the first so many after a silence have pauses between them */
#define SILENCE_MS    20 /* ms without a write: then the pieces are counted anew */
#define PIECES_A_TURN 16 /* then, at the latest, it is the turn of another connection */

int roll(uint32_t *dice, int n) {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 17;
    *dice ^= *dice << 5;
    return (int)(*dice % (uint32_t)n);
}

/* ---- What is under way. ---- */

/* Notes that len bytes more are under way, and when to pass them on. */
static void flow_add(struct flow *f, size_t len, long long due) {
    struct parcel *last = &f->parcel[(f->first + f->parcels + PARCELS_MAX - 1) % PARCELS_MAX];
    if (f->parcels == 0 || last->due != due) {
        last = &f->parcel[(f->first + f->parcels) % PARCELS_MAX];
        *last = (struct parcel){.due = due};
        f->parcels++;
    }
    last->length += len;
    f->end += len;
}

/* Notes that the first len bytes, all of one parcel, have been passed on. */
static void flow_take(struct flow *f, size_t len) {
    struct parcel *parcel = &f->parcel[f->first];
    parcel->length -= len;
    if (parcel->length == 0) {
        f->first = (f->first + 1) % PARCELS_MAX;
        f->parcels--;
    }

    f->start += len;
    if (f->start == f->end || f->start > FLOW_MAX / 2) { /* not for each byte: that would take too long */
        memmove(f->data, f->data + f->start, f->end - f->start);
        f->end -= f->start;
        f->start = 0;
    }
}

void flow_finish(struct flow *f, long long due) {
    if (!f->finishing)
        f->finish_due = due;
    f->finishing = 1;
}

void flow_discard(struct flow *f) {
    f->start = f->end = f->parcels = 0;
    f->finishing = 1;
    f->finished = 1;
}

int flow_is_over(const struct flow *f) { return f->eof && f->finished; }

/* ---- Pieces and their pauses. ---- */

/* Returns how many of len bytes the next write takes. */
static size_t piece_size(struct network *network, size_t len) {
    int size = network->chop;
    if (size == CHOP_OFF)
        return len;
    if (size == CHOP_RANDOM) {
        int scale =
            1 << roll(&network->chop_dice, 13); /* 1 to 4096: so half of the pieces are below 64 bytes */
        size = 1 + roll(&network->chop_dice, scale);
    }
    return (size_t)size < len ? (size_t)size : len;
}

/* Counts a piece that is written now. */
static void flow_count_piece(struct flow *f, long long now) {
    if (now - f->last_write >= SILENCE_MS)
        f->pieces = 0;
    if (f->pieces < PAUSED_PIECES)
        f->pieces++;
    f->last_write = now;
}

/* Returns when the next piece is to be written, or the FIN behind the last one, in ms; or NEVER. */
static long long flow_due(const struct flow *f) {
    if (f->to < 0 || f->finished)
        return NEVER;
    if (f->parcels == 0)
        return f->finishing ? f->finish_due : NEVER;

    long long due = f->parcel[f->first].due, rested = f->last_write + PAUSE_MS;
    int pausing = f->network->chop != CHOP_OFF && f->pieces > 0 && f->pieces < PAUSED_PIECES;
    return pausing && rested > due ? rested : due;
}

/* ---- For the loop. ---- */

int flow_wants_more(const struct flow *f) {
    return f->from >= 0 && !f->eof && f->end < FLOW_MAX && f->parcels < PARCELS_MAX;
}

long long flow_watch(const struct flow *f, fd_set *readable, fd_set *writable, long long now) {
    long long due = flow_due(f);
    if (flow_wants_more(f))
        FD_SET(f->from, readable);
    if (due > now)
        return due;
    FD_SET(f->to, writable);
    return NEVER;
}

int flow_read(struct flow *f, const char *name, long long now) {
    int delay = f->network->delay;
    long long due = delay > 0 ? now + delay + 1 : now; /* + 1: `now` is rounded down */
    ssize_t n = read(f->from, f->data + f->end, FLOW_MAX - f->end);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;

    if (n == 0) {
        f->eof = 1;
        flow_finish(f, due);
        return 0;
    }
    show_wire(name, f->came, f->data + f->end, (size_t)n);
    if (!f->finishing)
        flow_add(f, (size_t)n, due);
    return 0;
}

int flow_write(struct flow *f, const char *name, long long now, long long share) {
    long long end = now_us() + share;
    for (int i = 0; i < PIECES_A_TURN && f->parcels > 0 && flow_due(f) <= now; i++) {
        if (i > 0 && now_us() >= end)
            break;
        ssize_t n = write(f->to, f->data + f->start, piece_size(f->network, f->parcel[f->first].length));
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        show_wire(name, f->went, f->data + f->start, (size_t)n);
        flow_take(f, (size_t)n);
        flow_count_piece(f, now);
    }

    if (f->parcels == 0 && flow_due(f) <= now) {
        shutdown(f->to, SHUT_WR);
        f->finished = 1;
    }
    return 0;
}
