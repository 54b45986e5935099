/* job.h - the transfers that a server has under way, each with a socket and a file of its own. */
#ifndef JOB_H
#define JOB_H

#include "folder.h"
#include "transfer.h"
#include "wire.h"

struct job {
    struct transfer t;       /* the first member, so that a job can be found by its transfer */
    int open;                /* this place is taken */
    int heard;               /* the client has said something since its request */
    char peer[ADDRESS_TEXT]; /* the client */
    char path[REQUEST_MAX];  /* of the file, as it was asked for */
    char shown[REQUEST_MAX]; /* the same, clean for the log */
    struct draft draft;      /* of a put */
    long long began;         /* us */
    long long read_by; /* us: what had come by then has been read; so by that time we judge who was silent */
};

/* Returns a place for a new transfer, which is for transfer_init() to fill in; NULL: there is no room. */
struct job *job_new(void);

/* Makes room: ends the transfer that has been silent longest, among those that only linger behind their end, and those
 * that nothing was heard of since their request: such requests are cheap to forge. Returns 0 if there is none. */
int job_evict(void);

/* Frees what a transfer has, and of a put that is not complete every trace. */
void job_free(struct job *j);

/* Visits all transfers: job_next(NULL) is the first, job_next(j) the one after j, NULL: no more. */
struct job *job_next(const struct job *j);

/* Keeps one file that is complete, if there is one, and confirms it. To force it to the disk makes everybody wait, so
 * each turn keeps one: that which has waited for longest. */
void job_keep_one(void);

/* Does what is due for a transfer, and frees it when it is over. `patience`: us that a client may bring nothing new.
 * Returns when it wants to be looked at again, in us; NEVER: it is gone. */
long long job_check(struct job *j, long long patience);

#endif
