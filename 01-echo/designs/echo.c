/* echo.c - see echo.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "echo.h"

#include "signals.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 16384 /* bytes that are read at once; they lie on the stack, and that of a thread is small */

int work_lines(struct line_start *at, const char *data, size_t len) {
    static const char word[] = "work";
    int lines = 0;
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            at->matched = 0;
        } else if (at->matched >= 0 && data[i] == word[at->matched]) {
            at->matched++;
        } else {
            at->matched = -1;
        }
        if (at->matched == (int)sizeof word - 1) {
            lines++;
            at->matched = -1;
        }
    }
    return lines;
}

/* Returns the CPU time of this thread in ms; in a process that has no others, that is all of its own. */
static long long cpu_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void work_burn(int ms) {
    long long end = cpu_ms() + ms;
    while (cpu_ms() < end)
        continue;
}

/* Returns 0 when all is written, or -1: the client is gone. */
static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* Shows what has passed as one, though other threads do the same: stdio lets a thread lock stderr. Without -v it
 * does not ask for that lock, which another thread keeps while its line waits for a reader of the log. */
static void show(const char *name, const char *arrow, const char *data, size_t len) {
    if (!verbose)
        return;
    flockfile(stderr);
    show_wire(name, arrow, data, len);
    funlockfile(stderr);
}

void echo_until_end(int fd, const char *name, int work_ms) {
    struct line_start at = {0};
    char data[CHUNK];
    ssize_t n;
    fcntl(fd, F_SETFL, 0); /* not O_NONBLOCK: to wait is all right here */
    while ((n = read(fd, data, sizeof data)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break; /* a reset is a client's right */
        show(name, "->", data, (size_t)n);
        for (int lines = work_ms > 0 ? work_lines(&at, data, (size_t)n) : 0; lines > 0; lines--)
            work_burn(work_ms);
        if (write_all(fd, data, (size_t)n) < 0)
            break;
        show(name, "<-", data, (size_t)n);
    }
    fprintf(stderr, "%s disconnected\n", name);
    close(fd); /* FIN, behind all that was written */
}

void worker_begin(void) {
    static const int ends[] = {SIGHUP, SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sigaction now;
        sigaction(ends[i], NULL, &now);
        if (now.sa_handler != SIG_IGN)
            catch_signal(ends[i], SIG_DFL);
    }
    catch_signal(SIGCHLD, SIG_DFL);
    if (stop) /* it came when the parent's handler was still ours, which only noted it */
        _exit(0);
}
