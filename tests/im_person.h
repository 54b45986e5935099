/* im_person.h - one of the people of im_crowd: what it says, what it hears, and the rules that both have to keep. */
#ifndef IM_PERSON_H
#define IM_PERSON_H

#include "../03-custom-protocol/frame.h"
#include "../03-custom-protocol/message.h"

#include <netdb.h>

#define MESSAGES_MAX 1000000   /* of one person */
#define BYTES_MIN    48        /* of a body, so that its number and time fit */
#define BYTES_MAX    4096      /* of a body */
#define OUT_SIZE     (1 << 20) /* bytes that may wait to be sent */

struct person {
    int index;   /* its name is "u" and this */
    int fd;      /* a non-blocking socket; -1: not connected */
    int ready;   /* logged in */
    int present; /* the answer to its last request has come, so there is nothing else to come */
    enum message_format format;
    char in[2 * (FRAME_HEADER + FRAME_MAX)];
    size_t in_length;
    char out[OUT_SIZE];
    size_t out_length;
    struct person *partner;
    int said;       /* how many messages it has sent, on this connection or an earlier one */
    int answered;   /* how many of them, the first ones, are stored for sure */
    int heard;      /* how many of its partner's messages have come */
    int unacked;    /* how many of those it has given no receipt for */
    long long last; /* number of the latest of those */
    long long *
        promised; /* what `ok` has said is the number of each of its messages; below 0: minus the time, in us, at
                            which it was said first; 0: it was not said yet */
    long long *number; /* with which number each has come; 0: it has not come yet */
};

/* What all of them know. */
struct crowd {
    struct addrinfo *server;
    int messages;      /* that each writes, unless the server is killed */
    int window;        /* how many messages may be under way to one person */
    int bytes;         /* in a body */
    int kills;         /* how often the server is to be killed */
    int killed;        /* how often it has been */
    unsigned seed;     /* what all ids begin with */
    float *latencies;  /* ms, of each message */
    size_t deliveries; /* messages that have come */
    size_t room;       /* how many latencies there is room for */
    size_t repeated;   /* messages that have come again, without need for it */
    long long latest;  /* us: when something came last */
};
extern struct crowd crowd;

/* Says which rule the server has broken, or what else is wrong, and ends the program. */
void fail(int status, const char *text, ...);

/* Connects and asks to log in. If the server is being killed there may be none: then p->fd is -1. */
void person_connect(struct person *p);

/* Queues a message. */
void person_send(struct person *p, const struct message *m);

/* Says what may be said, and gives receipts; while the server is being killed not for all, so that something comes again.
 * Writes once. */
void person_talk(struct person *p);

/* Reads once, and checks all that has come. */
void person_read(struct person *p);

/* Has this person more to say: so many messages, or as long as the server is being killed? */
int person_has_more(const struct person *p);

#endif
