/* local.c - see local.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "local.h"

#include "datagram.h"
#include "draft.h"
#include "signals.h"
#include "text.h"
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

static const char *target;            /* the name of the file to be received */
static const char *target_base;       /* the last part of it */
static struct draft draft = NO_DRAFT; /* what has come, until it is complete */
static int spooled;                   /* the target is no plain file: what comes is kept until the end */

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

/* Reads up to PIPE_BUF bytes; for a terminal they are made harmless, and what may be half of a character is read again.
 * Returns how many, or -1 with errno. */
static ssize_t take_some(int from, char *data, int for_terminal) {
    ssize_t n = read(from, data, PIPE_BUF);
    if (n <= 0 || !for_terminal)
        return n;
    size_t len = text_clean_stream(data, (size_t)n, 0);
    if (len == 0)
        text_clean_stream(data, (size_t)n, 1); /* there is no other half */
    else if (lseek(from, (off_t)len - n, SEEK_CUR) >= 0)
        n = (ssize_t)len;
    return n;
}

/* Copies all bytes from one descriptor to another; a signal ends that. Returns 0, or -1 after a line on stderr, which
 * says what it was at: reading, or writing. */
static int copy_all(int from, const char *reading, int to, const char *writing, int signals) {
    char data[PIPE_BUF];
    int for_terminal = isatty(to);
    while (wait_for(from, 0, signals)) {
        ssize_t n = take_some(from, data, for_terminal);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return complain(reading, strerror(errno));
        if (n > 0 && put_all(to, data, (size_t)n, signals) < 0)
            return complain(writing, strerror(errno));
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
    int is_stdin = strcmp(name, "-") == 0;
    const char *reading = is_stdin ? "cannot read the input" : name;
    int file = is_stdin ? STDIN_FILENO : open(name, O_RDONLY);
    if (file < 0 || fstat(file, &status) < 0)
        return complain(reading, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return complain(reading, strerror(EISDIR));

    if (!S_ISREG(status.st_mode) || is_stdin || status.st_size == 0) { /* 0: those of /proc do not tell */
        int kept = spool();
        if (kept < 0 || copy_all(file, reading, kept, "cannot keep the input", signals) < 0)
            return -1;
        file = kept;
    }
    if (fstat(file, &status) < 0)
        return complain(reading, strerror(errno));
    *size = status.st_size;
    return file;
}

/* Opens the folder that the target is in. Returns it, or -1 with errno. */
static int target_folder(void) {
    char folder[PATH_MAX] = ".";
    size_t len = (size_t)(target_base - target);
    if (len >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (len > 0) {
        memcpy(folder, target, len);
        folder[len] = '\0';
    }
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int target_open(const char *name) {
    struct stat status;
    const char *slash = strrchr(name, '/');
    target = name;
    target_base = slash ? slash + 1 : name;
    int is_there = strcmp(name, "-") != 0 && lstat(name, &status) == 0;
    if (*target_base == '\0' || (is_there && S_ISDIR(status.st_mode)))
        return complain(name, strerror(EISDIR));
    if (strcmp(name, "-") == 0 || (is_there && !S_ISREG(status.st_mode))) {
        spooled = 1;
        return spool();
    }

    int folder = target_folder();
    if (folder < 0)
        return complain(name, strerror(errno));
    draft_sweep(folder, 0);
    int file = draft_open(&draft, folder);
    return file < 0 ? complain(name, strerror(errno)) : file;
}

int target_keep(int file) { return spooled ? 0 : draft_keep(&draft, file, target_base, 1); }

/* Copies what has come to the target that is no plain file. Returns 0, or -1 after a line on stderr. */
static int copy_to_target(int kept, int signals) {
    int to = strcmp(target, "-") == 0 ? STDOUT_FILENO : open(target, O_WRONLY | O_TRUNC);
    if (to < 0)
        return complain(target, strerror(errno));
    lseek(kept, 0, SEEK_SET);
    return copy_all(kept, "cannot read what has come", to, "cannot write the output", signals);
}

int target_close(int file, int complete, int signals) {
    int result = 0;
    if (complete && spooled)
        result = copy_to_target(file, signals);
    draft_end(&draft);
    return result;
}
