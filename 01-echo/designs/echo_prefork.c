/* echo_prefork.c - an echo server with a fixed number of processes, made beforehand, that all accept.
 *
 *     terminal 1:  cc -o echo_prefork echo_prefork.c options.c echo.c listen.c signals.c wire.c && ./echo_prefork -n 2
 *     terminal 2:  telnet 127.0.0.1 3200           type a line
 *     terminal 3:  telnet 127.0.0.1 3200           a third telnet is connected, and waits until one of these leaves
 *
 * The parent serves nobody: it only replaces a worker that has died. A worker takes a client, serves it to its end, and
 * takes the next one. So no process is made while a client waits, and there are never more than -n; a client that finds
 * all of them busy is not refused but waits, in the kernel's queue.
 * If the parent is killed by SIGKILL, a worker sees the end of a pipe that only the parent could write to: at once if
 * it waits for a client, else when its client leaves.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "echo.h"
#include "listen.h"
#include "options.h"
#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPLACE_MS 100 /* a dead worker is replaced so much later: one may die at once, again and again */

const char program[] = "echo_prefork";
const char usage[] = "usage: echo_prefork " OPTIONS_USAGE
                     "  -n WORKERS  1 to 30000 processes (default 8); more clients than that wait\n";

static pid_t *workers; /* as many as -n says; 0: a free place */
static int failed;     /* the last try to make one has failed, and that has been said */
static int listener;
static int lifeline[2]; /* a pipe: nobody writes, so [0] is readable when [1], the parent's end, is closed */

/* A worker's life, which ends with the parent's. All idle workers wake for a newcomer, and all but one find that it is
 * gone; with a listener that waits, these would wait in accept(), and not see that the parent is dead. */
static void serve_clients(int work_ms) {
    struct pollfd events[2] = {{.fd = lifeline[0], .events = POLLIN}, {.fd = listener, .events = POLLIN}};
    char name[ADDRESS_TEXT];
    while (poll(events, 2, -1) < 0 || events[0].revents == 0) {
        int fd = listen_accept_if(1, listener, name);
        if (fd >= 0)
            echo_until_end(fd, name, work_ms);
    }
}

/* Makes a worker for each free place, as long as that goes (EAGAIN: ulimit -u). */
static void make_workers(const struct options *o) {
    for (int i = 0; i < o->workers && !stop; i++) {
        if (workers[i] != 0)
            continue;
        pid_t pid = fork();
        if (pid == 0) {
            worker_begin();
            close(lifeline[1]); /* or the workers would keep each other alive */
            serve_clients(o->work_ms);
            _exit(0);
        }
        if (pid < 0 && !failed)
            complain("no process for a worker", strerror(errno));
        failed = pid < 0;
        if (failed)
            return;
        workers[i] = pid;
    }
}

/* Takes the workers that have died out of the table. Returns how many are missing. */
static int missing_workers(int wanted) {
    int missing = 0;
    for (int i = 0; i < wanted; i++) {
        if (workers[i] != 0 && waitpid(workers[i], NULL, WNOHANG) == workers[i])
            workers[i] = 0;
        missing += workers[i] == 0;
    }
    return missing;
}

/* Ends all workers, also those that serve somebody, and waits until they have ended. */
static void end_workers(int wanted) {
    for (int i = 0; i < wanted; i++)
        if (workers[i] != 0 && kill(workers[i], SIGTERM) == 0)
            kill(workers[i], SIGCONT); /* one that was stopped would not hear it */
    while (missing_workers(wanted) < wanted)
        poll(NULL, 0, 1);
}

static void on_worker_end(int number) {
    (void)number;
    signal_wake();
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    struct options o = {.address = "127.0.0.1", .port = "3200", .workers = 8};
    int code = options_read(&o, argc, argv);
    if (code >= 0)
        return code;
    workers = calloc((size_t)o.workers, sizeof *workers);
    if (workers == NULL || pipe(lifeline) < 0)
        return -complain("cannot serve", strerror(errno));

    struct pollfd signals = {.fd = catch_signals(), .events = POLLIN};
    catch_signal(SIGCHLD, on_worker_end);
    listener = listen_on(o.address, o.port);
    make_workers(&o);
    long long due = 0; /* ms: when to replace those that are missing; 0: none was missing yet */
    while (!stop) {
        int wait = -1;
        if (missing_workers(o.workers) > 0) {
            long long now = now_ms();
            due = due ? due : now + REPLACE_MS; /* for all that die meanwhile: each death ends the poll() */
            wait = due > now ? (int)(due - now) : 0;
        }
        poll(&signals, 1, wait);
        signal_forget();
        if (wait == 0) {
            make_workers(&o);
            due = 0;
        }
    }
    end_workers(o.workers);
    return 0;
}
