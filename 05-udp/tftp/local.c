/* local.c - see local.h. */
#define _POSIX_C_SOURCE 200809L

#include "local.h"

#include "datagram.h"
#include "signals.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

static const char *target;       /* the name of the file to be received */
static char temporary[PATH_MAX]; /* what has come stands here until it is complete; "": nowhere */
static int spooled;              /* the target is no plain file: what comes is kept until the end */

/* Waits until a descriptor is readable, or writable. Returns 0 if a signal came first. */
static int wait_for(int fd, int to_write, int signals) {
    fd_set readable, writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(fd, to_write ? &writable : &readable);
    wait_until(NEVER, signals, &readable, &writable);
    return !stop;
}

/* Writes all bytes; a signal ends that. Returns 0, or -1 with errno. */
static int put_all(int to, const char *data, size_t len, int signals) {
    while (len > 0 && wait_for(to, 1, signals)) {
        ssize_t n = write(to, data, len);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -1;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* Copies all bytes from one descriptor to another; a signal ends that. Returns 0, or -1 after a line on stderr. */
static int copy_all(int from, int to, const char *name, int signals) {
    char data[PIPE_BUF];
    while (wait_for(from, 0, signals)) {
        ssize_t n = read(from, data, sizeof data);
        if (n == 0)
            return 0;
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0 || put_all(to, data, (size_t)n, signals) < 0)
            return complain(name, strerror(errno));
    }
    return 0;
}

/* Returns a file without a name, which goes when it is closed; or -1 after a line on stderr. */
static int spool(void) {
    FILE *file = tmpfile();
    if (file == NULL)
        return complain("cannot make a temporary file", strerror(errno));
    return fileno(file);
}

int source_open(const char *name, int signals, long long *size) {
    struct stat status;
    int file = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY);
    if (file < 0 || fstat(file, &status) < 0)
        return complain(name, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return complain(name, strerror(EISDIR));

    if (!S_ISREG(status.st_mode) || file == STDIN_FILENO) {
        int kept = spool();
        if (kept < 0 || copy_all(file, kept, name, signals) < 0)
            return -1;
        file = kept;
    }
    *size = fstat(file, &status) == 0 ? status.st_size : -1;
    return file;
}

int target_open(const char *name) {
    struct stat status;
    target = name;
    if (strcmp(name, "-") == 0 || (lstat(name, &status) == 0 && !S_ISREG(status.st_mode))) {
        spooled = 1;
        return spool();
    }

    int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", name);
    if (n >= (int)sizeof temporary)
        errno = ENAMETOOLONG;
    int file = n < (int)sizeof temporary ? mkstemp(temporary) : -1;
    if (file < 0) {
        temporary[0] = '\0';
        return complain(name, strerror(errno));
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(file, 0666 & ~mask); /* as open() would have made it: mkstemp() lets only us read it */
    return file;
}

int target_keep(void) {
    if (temporary[0] && rename(temporary, target) < 0)
        return -1;
    temporary[0] = '\0';
    return 0;
}

/* Copies what has come to the target that is no plain file. Returns 0, or -1 after a line on stderr. */
static int copy_to_target(int kept, int signals) {
    int to = strcmp(target, "-") == 0 ? STDOUT_FILENO : open(target, O_WRONLY | O_TRUNC);
    if (to < 0)
        return complain(target, strerror(errno));
    lseek(kept, 0, SEEK_SET);
    return copy_all(kept, to, "cannot write the output", signals);
}

int target_close(int file, int complete, int signals) {
    int result = 0;
    if (complete && spooled)
        result = copy_to_target(file, signals);
    if (temporary[0])
        unlink(temporary);
    return result;
}
