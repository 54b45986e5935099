/* link.c - see link.h. A queue of datagrams, each with the time at which it is to leave. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "link.h"

#include "wire.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HELD_MAX    1024       /* datagrams on the link; what comes when it is full is lost, as in a router */
#define HELD_BYTES  1048576    /* bytes of all of them */
#define OVERTAKE_US (100 * MS) /* how long a datagram waits to be overtaken */

struct held { /* a datagram under way */
    struct held *next;
    long long due; /* us: when it leaves */
    int waiting;   /* to be overtaken: it leaves right behind the next one, or at `due` */
    int fd;        /* the socket that it leaves from: the one that was asked */
    struct address to;
    size_t length;
    char data[];
};

static struct link_faults faults;
static uint64_t dice;           /* their state */
static struct held *held_first; /* in the order of `due` */
static int held_count;          /* how many datagrams */
static size_t held_bytes;       /* how many bytes of data in all of them */

void link_open(const struct link_faults *f) {
    faults = *f;
    dice = (uint64_t)f->seed;
}

/* Throws the dice (splitmix64). Returns 1 in `percent` of 100 cases, the same ones for the same seed. */
static int chance(int percent) {
    dice += 0x9e3779b97f4a7c15;
    uint64_t x = dice;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return (int)((x ^ x >> 31) % 100) < percent;
}

/* Sends a datagram. One that the kernel does not take is lost, as any may be: nobody waits for room here. */
static void transmit(int fd, const struct address *to, const char *data, size_t len) {
    if (datagram_send(fd, to, data, len) < 0)
        datagram_log(to, len, strerror(errno));
}

/* Puts a datagram among the others, behind those that are due before it or with it. */
static void held_insert(struct held *h) {
    struct held **place = &held_first;
    while (*place && (*place)->due <= h->due)
        place = &(*place)->next;
    h->next = *place;
    *place = h;
}

/* Takes out the one that waits to be overtaken. Returns NULL if there is none. */
static struct held *held_take_waiting(void) {
    struct held **place = &held_first;
    while (*place && !(*place)->waiting)
        place = &(*place)->next;

    struct held *h = *place;
    if (h)
        *place = h->next;
    return h;
}

/* Makes a datagram to be held. Returns NULL if the link is full, or there is no memory. */
static struct held *held_new(int fd, const struct address *to, const char *data, size_t len) {
    if (held_count == HELD_MAX || len > HELD_BYTES - held_bytes)
        return NULL;
    struct held *h = malloc(sizeof *h + len);
    if (h == NULL)
        return NULL;

    h->due = now_us() + faults.late * MS;
    h->waiting = 0;
    h->fd = fd;
    h->to = *to;
    h->length = len;
    memcpy(h->data, data, len);
    held_count++;
    held_bytes += len;
    return h;
}

/* Holds a datagram until it is due. One that is not to be overtaken itself overtakes the one that waits for that. */
static void hold(int fd, const struct address *to, const char *data, size_t len, int to_be_overtaken) {
    struct held *overtaken = held_take_waiting();
    struct held *h = held_new(fd, to, data, len);
    if (h == NULL)
        datagram_log(to, len, "lost: the link is full");

    if (h && to_be_overtaken && !overtaken) {
        h->waiting = 1;
        h->due += OVERTAKE_US;
    }
    if (h)
        held_insert(h);
    if (h && overtaken) {
        overtaken->waiting = 0;
        overtaken->due = h->due; /* so held_insert() puts it right behind h */
    }
    if (overtaken)
        held_insert(overtaken);
}

/* What becomes of a datagram on a bad link. All dice are thrown each time, or -d would change what -l does. */
static void carry(int fd, const struct address *to, const char *data, size_t len) {
    int lost = chance(faults.lost), twice = chance(faults.duplicated), back = chance(faults.reordered);
    if (lost) {
        datagram_log(to, len, "lost");
        return;
    }

    if (twice) {
        datagram_log(to, len, "duplicated");
        hold(fd, to, data, len, 0);
    } else if (back) {
        datagram_log(to, len, "held back");
    }
    hold(fd, to, data, len, back && !twice);
    link_deliver();
}

void link_send(int fd, const struct address *to, const char *data, size_t len) {
    if (faults.lost || faults.duplicated || faults.reordered || faults.late)
        carry(fd, to, data, len);
    else
        transmit(fd, to, data, len);
}

long long link_due(void) { return held_first ? held_first->due : NEVER; }

void link_deliver(void) {
    while (held_first && held_first->due <= now_us()) {
        struct held *h = held_first;
        held_first = h->next;
        held_count--;
        held_bytes -= h->length;
        transmit(h->fd, &h->to, h->data, h->length);
        free(h);
    }
}
