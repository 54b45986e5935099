/* delivery.h - the files that are under way: each goes over a short connection of its own, in the loop of the talk, so
 * that the talk goes on meanwhile. transfer.h says what is sent over it.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "conn.h"
#include "talk.h"
#include "transfer.h"

#include <sys/select.h>
#include <sys/socket.h>

#define DELIVERIES 4 /* files under way at once; then the next one has to wait */

struct delivery {
    int active;              /* it has a connection */
    int announcing;          /* an upload that is complete: now its receiver has to be told */
    long long connect_until; /* ms: when its connection is given up, if it is not made by then */
    char to[256];            /* the receiver of an upload */
    struct conn conn;
    struct transfer file;
};

struct deliveries {
    struct talk *talk;               /* in which a file is announced */
    struct sockaddr_storage address; /* of the file server */
    socklen_t address_length;        /* bytes */
    long long shown;                 /* ms: when the progress was shown last */
    struct delivery all[DELIVERIES];
};

/* Sets the file server: the host that the talk is connected to, at another port. */
void deliveries_begin(struct deliveries *s, struct talk *t, int port);

/* Is there room for one more? */
int deliveries_have_room(const struct deliveries *s);

/* Is one under way? */
int deliveries_active(const struct deliveries *s);

/* Begin to send a file to somebody; or to fetch one, which gets the name `local`. What goes wrong, now or later, is said
 * in a note. Callers have seen to it that there is room. */
void delivery_send(struct deliveries *s, const char *to, const char *local);
void delivery_fetch(struct deliveries *s, const char *path, const char *local);

/* Add to the sets of select() what the connections wait for; read and write what can be. */
void deliveries_watch(const struct deliveries *s, fd_set *readable, fd_set *writable);
void deliveries_turn(struct deliveries *s, const fd_set *readable, const fd_set *writable);

/* Does for all files what can be done without waiting: takes what has come, and queues what is to be sent. Whatever had
 * happened by `now`, deliveries_turn() has seen. */
void deliveries_work(struct deliveries *s, long long now);

/* Returns when, in ms, deliveries_work() has to be called at the latest; 0: there is no such time. */
long long deliveries_until(const struct deliveries *s);

/* Shows on a terminal how far all files are together, but not too often. */
void deliveries_show(struct deliveries *s, long long now);

/* Ends all of them. */
void deliveries_close(struct deliveries *s);

#endif
