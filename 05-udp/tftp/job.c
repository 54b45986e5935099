/* job.c - see job.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "job.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JOBS_MAX     ((FD_SETSIZE - 64) / 2) /* transfers at once: each has a socket and a file */
#define HALF_OPEN_US (1000 * MS) /* a client that has been silent for so long may have to give way */

static struct job jobs[JOBS_MAX];
static int jobs_end; /* no place from here on is taken */

/* ---- What a transfer asks of the server, see transfer.h ---- */

int transfer_keep(struct transfer *t) {
    struct job *j = (struct job *)t;
    if (file_keep(t->file, j->path, &j->draft) < 0)
        return -1;
    close(t->file); /* while we dally we need only the socket */
    t->file = -1;
    return 0;
}

void transfer_report(const struct transfer *t, const char *why) {
    const struct job *j = (const struct job *)t;
    fprintf(stderr, "%s %s %s: ", j->peer, t->sending ? "get" : "put", j->shown);
    if (why)
        fprintf(stderr, "%s\n", why);
    else
        fprintf(stderr, "%lld bytes, %lld packets again, %lld ms\n", t->bytes, t->resent,
                (now_us() - j->began) / MS);
}

/* ---- The table ---- */

struct job *job_next(const struct job *j) {
    struct job *next = jobs + (j ? j - jobs + 1 : 0);
    while (next < jobs + jobs_end && !next->open)
        next++;
    return next < jobs + jobs_end ? next : NULL;
}

void job_free(struct job *j) {
    draft_end(&j->draft);
    if (j->t.fd >= 0)
        close(j->t.fd);
    if (j->t.file >= 0)
        close(j->t.file);
    j->open = 0;
    while (jobs_end > 0 && !jobs[jobs_end - 1].open)
        jobs_end--;
}

/* Returns for how long nothing has come, in us. What lies in its socket unread has come. */
static long long silence(const struct job *j) { return j->read_by - j->t.progress; }

int job_evict(void) {
    struct job *silent = NULL;
    for (struct job *j = job_next(NULL); j; j = job_next(j)) {
        int may_go = !j->heard || j->t.state == FINISHED;
        if (may_go && (silent == NULL || silence(j) > silence(silent)))
            silent = j;
    }
    if (silent == NULL || silence(silent) < HALF_OPEN_US)
        return 0;

    if (silent->t.state != FINISHED)
        transfer_fail(&silent->t, OTHER, "no word from you, and no room");
    job_free(silent);
    return 1;
}

/* Returns the first place that is free, or NULL. */
static struct job *free_place(void) {
    for (struct job *j = jobs; j < jobs + JOBS_MAX; j++)
        if (!j->open)
            return j;
    return NULL;
}

struct job *job_new(void) {
    struct job *j = free_place();
    if (j == NULL && job_evict())
        j = free_place();
    if (j == NULL)
        return NULL;

    *j = (struct job){.open = 1, .draft = NO_DRAFT, .began = now_us()};
    j->read_by = j->began;
    if (jobs_end <= j - jobs)
        jobs_end = (int)(j - jobs) + 1;
    return j;
}

void job_keep_one(void) {
    struct job *first = NULL;
    for (struct job *j = job_next(NULL); j; j = job_next(j))
        if (j->t.state == COMPLETE && (first == NULL || j->t.progress < first->t.progress))
            first = j;
    if (first)
        transfer_confirm(&first->t);
}

/* A put that is over stays for a while, because the last DATA comes again if our last ACK is lost: it is "dallying"
 * (RFC 1350, section 6). */
long long job_check(struct job *j, long long patience) {
    struct transfer *t = &j->t;
    transfer_check(t, j->read_by, patience, "no answer, given up");

    long long end = t->progress + patience;
    int dallies = t->state == FINISHED && !t->sending && j->read_by < end;
    if (transfer_is_over(t) && !dallies) {
        job_free(j);
        return NEVER;
    }
    if (t->state == COMPLETE)
        return j->read_by; /* at once: it waits for job_keep_one() */
    return dallies ? end : transfer_due(t, patience);
}
