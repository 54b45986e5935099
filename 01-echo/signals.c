/* signals.c - see signals.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "signals.h"

#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

volatile sig_atomic_t stop;
static int self_pipe[2]; /* [0] to read from, [1] to write to */

void signal_wake(void) {
    int interrupted = errno; /* of the call that the signal came into */
    ssize_t n = write(self_pipe[1], "", 1);
    (void)n; /* if the pipe is full, it is readable */
    errno = interrupted;
}

void signal_forget(void) {
    char bytes[64];
    while (read(self_pipe[0], bytes, sizeof bytes) > 0)
        continue;
}

/* If nobody reads our log any more (the pipe is full, or Ctrl-S has stopped the terminal), each line of it waits. We
 * shall end, so what is still to be said is lost: stderr becomes the end of our pipe that cannot be written to. That
 * needs no new descriptor, which there may not be. */
static void drop_stuck_log(void) {
    struct timeval at_once = {0};
    fd_set writable;
    FD_ZERO(&writable);
    FD_SET(STDERR_FILENO, &writable);
    if (select(STDERR_FILENO + 1, NULL, &writable, NULL, &at_once) == 0)
        dup2(self_pipe[0], STDERR_FILENO);
}

/* Calls only what POSIX allows in a handler (2.4.3). The alarm makes it look at the log once more, because the last
 * words may fill the pipe. */
static void on_end(int number) {
    int interrupted = errno;
    stop = number;
    drop_stuck_log();
    alarm(1);
    signal_wake();
    errno = interrupted;
}

/* Without SA_RESTART: a write() to a terminal that stands still (Ctrl-S) has to end with EINTR, and not go on. But the end
 * of a child is no reason to give up what is being written. */
void catch_signal(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = number == SIGCHLD ? SA_RESTART : 0};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);

    sigset_t only; /* whoever has started us may have blocked it, and a program inherits that */
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
}

int catch_signals(void) {
    if (self_pipe[1] > 0)
        return self_pipe[0];
    if (pipe(self_pipe) < 0) {
        complain("cannot make a pipe", strerror(errno));
        exit(1);
    }
    for (int end = 0; end < 2; end++) {
        fcntl(self_pipe[end], F_SETFL, O_NONBLOCK); /* the handler must never wait */
        fcntl(self_pipe[end], F_SETFD, FD_CLOEXEC);
    }

    struct sigaction before;
    sigaction(SIGHUP, NULL, &before);
    if (before.sa_handler != SIG_IGN)
        catch_signal(SIGHUP, on_end);
    catch_signal(SIGALRM, on_end);
    catch_signal(SIGINT, on_end);
    catch_signal(SIGTERM, on_end);
    catch_signal(SIGPIPE, SIG_IGN); /* write() to a peer that is gone shall fail with EPIPE, and not end us */
    return self_pipe[0];
}
