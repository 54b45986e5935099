/* echo_fork.c - an echo server with a process for each client.
 *
 *     terminal 1:  cc -o echo_fork echo_fork.c options.c echo.c listen.c signals.c wire.c && ./echo_fork
 *     terminal 2:  telnet 127.0.0.1 3200           type a line
 *     terminal 3:  ps -A -o pid,ppid,args | grep echo_fork     the parent, which listens, and a child for each telnet
 *
 * The parent only accepts. A child waits in read() and write() for its one client, and whatever it does, it can harm
 * nobody else: not by working, not by crashing. What has to be right: each closes the descriptors that are the other's,
 * and the parent asks for the exit code of each child (a child that ended unasked stays a zombie).
 * If the parent is killed by SIGKILL, the children serve their clients to the end, and then end.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char program[] = "echo_fork";
const char usage[] = "usage: echo_fork " OPTIONS_USAGE
                     "  -n WORKERS  1 to 30000 clients, a process each (default 500); more are refused\n";

static pid_t *children; /* 0: a free place; there are as many as -n says */
static int serving;     /* children that have not been waited for */

/* Takes the children that have ended out of the table. One signal may stand for several of them. */
static void reap(int workers, int options) {
    pid_t pid;
    while (serving > 0 && (pid = waitpid(-1, NULL, options)) != 0)
        for (int i = 0; pid > 0 && i < workers; i++)
            if (children[i] == pid) {
                children[i] = 0;
                serving--;
            }
}

/* Takes a newcomer in, and makes a child that serves it. */
static void accept_newcomer(int listener, const struct options *o) {
    char name[ADDRESS_TEXT];
    int fd = listen_accept_if(serving < o->workers, listener, name);
    if (fd < 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        worker_begin();
        close(listener); /* or the port would be taken as long as one child lives */
        echo_until_end(fd, name, o->work_ms);
        _exit(0); /* not exit(): what is to be done at the end of the program, the parent does */
    }

    if (child < 0) {
        fprintf(stderr, "%s refused: no process: %s\n", name, strerror(errno)); /* EAGAIN: ulimit -u */
    } else {
        int place = 0;
        while (children[place] != 0)
            place++;
        children[place] = child;
        serving++;
    }
    close(fd); /* the child's copy is another one; with ours open, the client would never see the end */
}

static void on_child_end(int number) {
    (void)number;
    signal_wake();
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    struct options o = {.address = "127.0.0.1", .port = "3200", .workers = 500};
    int code = options_read(&o, argc, argv);
    if (code >= 0)
        return code;
    children = calloc((size_t)o.workers, sizeof *children);
    if (children == NULL)
        return -complain("cannot serve", strerror(errno));

    struct pollfd events[2] = {{.fd = catch_signals(), .events = POLLIN}, {.events = POLLIN}};
    catch_signal(SIGCHLD, on_child_end);
    events[1].fd = listen_on(o.address, o.port);
    while (!stop) {
        int n = poll(events, 2, -1);
        signal_forget();
        reap(o.workers, WNOHANG);
        if (n > 0 && events[1].revents)
            accept_newcomer(events[1].fd, &o);
    }
    for (int i = 0; i < o.workers; i++)
        if (children[i] != 0 && kill(children[i], SIGTERM) == 0)
            kill(children[i], SIGCONT); /* one that was stopped would not hear it */
    reap(o.workers, 0);
    return 0;
}
