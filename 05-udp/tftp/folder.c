/* folder.c - see folder.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PART_MAX  512 /* bytes in a part of a path: the path of a request is shorter */
#define DEPTH_MAX 32  /* folders below each other in which we look for what was left behind */

static int root;          /* the folder of the files */
static int may_overwrite; /* -o */

int folder_open(const char *path, int overwriting) {
    may_overwrite = overwriting;
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return root < 0 ? -1 : 0;
}

void folder_sweep(void) { draft_sweep(root, DEPTH_MAX); }

/* Closes a descriptor, and leaves errno to what has failed before. */
static void close_quietly(int fd) {
    int error = errno;
    close(fd);
    errno = error;
}

/* Opens the folder that a file is in, and sets *base to the name of the file there. Returns it, or -1 with errno. No
 * part of a path may begin with a dot: not "..", no hidden file, nor a put that is under way. No part may be empty: so
 * no path begins at the root. And no part is followed if it is a symbolic link, which could lead out. */
static int folder_of(const char *path, const char **base) {
    int folder = dup(root);
    while (folder >= 0) {
        char part[PART_MAX];
        size_t len = strcspn(path, "/");
        if (len == 0 || len >= sizeof part || *path == '.') {
            close(folder);
            errno = EACCES;
            return -1;
        }
        *base = path;
        if (path[len] == '\0')
            return folder;

        memcpy(part, path, len);
        part[len] = '\0';
        int next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close_quietly(folder);
        folder = next;
        path += len + 1;
    }
    return -1;
}

/* O_NONBLOCK: to open a FIFO without it would wait for somebody that writes into it, and all transfers with us. */
int file_to_get(const char *path, off_t *size) {
    struct stat status;
    const char *base;
    int folder = folder_of(path, &base);
    if (folder < 0)
        return -1;
    int file = openat(folder, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    close_quietly(folder);
    if (file < 0)
        return -1;

    if (fstat(file, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(file);
        errno = EACCES;
        return -1;
    }
    *size = status.st_size;
    return file;
}

/* May a file of that size stand there? Returns 0, or an errno. */
static int put_error(int folder, const char *base, long long size) {
    struct stat there;
    struct statvfs disk;
    if (fstatat(folder, base, &there, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!may_overwrite)
            return EEXIST;
        if (!S_ISREG(there.st_mode))
            return EACCES;
    }
    if (size > 0 && fstatvfs(folder, &disk) == 0 && (unsigned long long)size / disk.f_frsize > disk.f_bavail)
        return ENOSPC;
    return 0;
}

int file_to_put(const char *path, long long size, struct draft *d) {
    const char *base;
    int folder = folder_of(path, &base);
    if (folder < 0)
        return -1;
    errno = put_error(folder, base, size);
    if (errno == 0)
        return draft_open(d, folder);
    close_quietly(folder);
    return -1;
}

int file_keep(int file, const char *path, struct draft *d) {
    const char *slash = strrchr(path, '/');
    return draft_keep(d, file, slash ? slash + 1 : path, may_overwrite);
}
