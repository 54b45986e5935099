/* draft.c - see draft.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "draft.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns 0, or -1 with errno: EACCES or EAGAIN if another program has locked it. */
static int lock(int file) {
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(file, F_SETLK, &all);
}

/* Locks a new draft. Returns 0 if it is no longer ours: another program has come between our open() and this lock, took
 * it for one that was left behind, and removes it. */
static int lock_new(int file) {
    struct stat status;
    if (lock(file) < 0 && (errno == EACCES || errno == EAGAIN))
        return 0;
    return fstat(file, &status) < 0 || status.st_nlink > 0;
}

/* Closes the folder, and leaves errno to what has failed before. */
static void folder_close(struct draft *d) {
    int error = errno;
    close(d->folder);
    d->folder = -1;
    errno = error;
}

int draft_open(struct draft *d, int folder) {
    static unsigned number;
    d->folder = folder;
    for (;;) {
        number++;
        snprintf(d->name, sizeof d->name, ".tftp-%ld-%u", (long)getpid(), number);
        int file = openat(folder, d->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 && lock_new(file))
            return file;
        if (file >= 0) {
            close(file);
        } else if (errno != EEXIST) { /* an old one can be there, if a program was killed */
            folder_close(d);
            return -1;
        }
    }
}

/* linkat() never overwrites, renameat() does. */
int draft_keep(struct draft *d, int file, const char *name, int replace) {
    if (fsync(file) < 0)
        return -1;
    int result = replace ? renameat(d->folder, d->name, d->folder, name)
                         : linkat(d->folder, d->name, d->folder, name, 0);
    if (result < 0)
        return -1;
    if (!replace)
        unlinkat(d->folder, d->name, 0);
    fsync(d->folder); /* the name is to outlast a power cut, too */
    folder_close(d);
    return 0;
}

void draft_end(struct draft *d) {
    if (d->folder < 0)
        return;
    unlinkat(d->folder, d->name, 0);
    folder_close(d);
}

/* ---- What was left behind ---- */

static int is_draft_name(const char *name) {
    static const char begin[] = ".tftp-", digits[] = "0123456789";
    if (strncmp(name, begin, sizeof begin - 1) != 0)
        return 0;
    name += sizeof begin - 1;
    size_t first = strspn(name, digits);
    if (first == 0 || name[first] != '-')
        return 0;
    name += first + 1;
    return *name != '\0' && name[strspn(name, digits)] == '\0';
}

/* Removes a draft if nobody has locked it. */
static void remove_if_dead(int folder, const char *name) {
    struct stat status;
    int file = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() && lock(file) == 0)
        unlinkat(folder, name, 0);
    close(file);
}

void draft_sweep(int folder, int depth) {
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* closedir() closes it */
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (entries == NULL && copy >= 0)
        close(copy);
    if (entries == NULL)
        return;

    struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        int inner = -1;
        if (is_draft_name(entry->d_name))
            remove_if_dead(folder, entry->d_name);
        if (*entry->d_name != '.' && depth > 0)
            inner = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0) {
            draft_sweep(inner, depth - 1);
            close(inner);
        }
    }
    closedir(entries);
}
