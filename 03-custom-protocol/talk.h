/* talk.h - the conversation with an im_server: requests and their answers, messages and their receipts.
 *
 * A message is acknowledged when it is written to stdout, and not before: what is lost on the way comes again.
 */
#ifndef TALK_H
#define TALK_H

#include "conn.h"
#include "message.h"
#include "screen.h"
#include "transfer.h"

#define REQUESTS 32 /* requests that wait for their answer; then we read no line */
#define OFFERS   64 /* files that we were sent last: we know their names */

struct pending { /* a request that has no answer yet */
    char id[64]; /* "": this place is free */
    enum message_type type;
    int is_file;     /* it offers a file */
    char about[256]; /* what a note about it begins with */
};

struct offer { /* a file that somebody has sent us */
    char path[TRANSFER_PATH + 1];
    char name[256]; /* which the sender has given it: clean, but it may be any */
};

struct talk {
    struct conn server;
    struct screen screen; /* what was said, and is not yet printed */
    enum message_format format;
    const char *name;   /* who we are */
    char id_prefix[17]; /* what our ids begin with: random, for they are never to be used again */
    long id_count;      /* and what they end with */
    int logged_in;
    int leaving;       /* we have said our last word: what comes now does not count */
    int failed;        /* we were refused, or are not understood: it is over */
    long long waiting; /* messages still to come of those that came while we were away */
    long long unacked; /* number of the last message that is not acknowledged; 0: none */
    struct pending pending[REQUESTS];
    struct offer offers[OFFERS];
    int next_offer; /* the place that is used next */
};

/* Is there room for a request? */
int talk_has_room(struct talk *t);

/* Does a request wait for its answer? */
int talk_is_pending(const struct talk *t);

/* Sends a request, which gets its id here; notes about it begin with `about`. Returns 0, or -1 after a note, because it
 * cannot be written. Callers have seen to it that there is room. */
int talk_request(struct talk *t, struct message *m, const char *about);

/* Takes what the server has said, for as long as there is room for what that brings. */
void talk_take(struct talk *t);

/* Acknowledges what has been printed, once all of it has been. */
void talk_ack(struct talk *t);

/* Returns the name that its sender gave to a file, or the path, if we were not sent it. */
const char *talk_offered_name(const struct talk *t, const char *path);

#endif
