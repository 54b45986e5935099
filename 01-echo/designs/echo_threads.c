/* echo_threads.c - an echo server with a thread for each client.
 *
 *     terminal 1:  cc -o echo_threads echo_threads.c options.c echo.c listen.c signals.c wire.c -pthread
 *                  ./echo_threads
 *     terminal 2:  telnet 127.0.0.1 3200           type a line
 *     terminal 3:  nc 127.0.0.1 3200               both are served, neither waits
 *
 * A thread waits in read() and write() for its one client, like a process; but all of them share one memory and one
 * table of descriptors. So what several of them use needs a lock (here: how many there are), and a fault of one ends all.
 * A stack costs addresses at once (8 MiB each by default, and here STACK), but memory only where it was touched: some
 * 12 KiB, and the kernel's own 16 KiB for each thread.
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
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STACK 65536 /* bytes for each thread: four times the chunk of echo.c; stdio takes another 8 KiB */

const char program[] = "echo_threads";
const char usage[] = "usage: echo_threads " OPTIONS_USAGE
                     "  -n WORKERS  1 to 30000 clients, a thread each (default 500); more are refused\n";

static struct options options = {.address = "127.0.0.1", .port = "3200", .workers = 500};
static int listener;
static pthread_attr_t attributes; /* of a client's thread: its stack, and that nobody waits for its end */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int serving; /* clients that have a thread; the lock is for it */

struct client { /* what its thread is given, and frees */
    int fd;
    char name[ADDRESS_TEXT];
};

/* Counts threads. Returns how many there are now. Without the lock two of them could read 7, and both write 6. */
static int count_threads(int change) {
    pthread_mutex_lock(&lock);
    serving += change;
    int now = serving;
    pthread_mutex_unlock(&lock);
    return now;
}

static void *client_thread(void *argument) {
    struct client *c = argument;
    echo_until_end(c->fd, c->name, options.work_ms);
    free(c);
    count_threads(-1);
    return NULL;
}

/* Takes a newcomer in, and makes a thread that serves it. */
static void accept_newcomer(void) {
    struct client c;
    c.fd = listen_accept_if(count_threads(0) < options.workers, listener, c.name);
    if (c.fd < 0)
        return;
    pthread_t thread;
    struct client *own = malloc(sizeof *own); /* `c` is gone when the thread begins */
    int error = ENOMEM;
    if (own != NULL) {
        *own = c;
        count_threads(1);
        error = pthread_create(&thread, &attributes, client_thread, own);
    }
    if (error == 0)
        return;

    /* EAGAIN: ulimit -u, or no memory */
    fprintf(stderr, "%s refused: no thread: %s\n", c.name, strerror(error));
    close(c.fd);
    if (own != NULL)
        count_threads(-1);
    free(own);
}

/* poll() waits, and not accept(): whether there is room has to be asked when the newcomer is there. */
static void *accept_thread(void *unused) {
    struct pollfd event = {.fd = listener, .events = POLLIN};
    (void)unused;
    while (poll(&event, 1, -1) >= 0 || errno == EINTR)
        accept_newcomer();
    return NULL;
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    int code = options_read(&options, argc, argv);
    if (code >= 0)
        return code;

    struct pollfd signals = {.fd = catch_signals(), .events = POLLIN};
    listener = listen_on(options.address, options.port);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK); /* if that is too small here, it stays as it was */

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* each thread inherits that: signals come to this one only */
    pthread_t acceptor;
    int error = pthread_create(&acceptor, NULL, accept_thread, NULL);
    if (error != 0)
        return -complain("cannot make a thread", strerror(error));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (!stop)
        poll(&signals, 1, -1);
    _exit(0); /* all threads, wherever they wait; exit() would wait for one that cannot write its log */
}
