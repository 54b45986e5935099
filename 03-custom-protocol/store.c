/* store.c - see store.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "store.h"

#include "dice.h"
#include "signals.h"
#include "wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static DIR *folder;
static int folder_fd;
static char temporary[PATH_MAX]; /* the folder's name, if it is to be removed at the end; else empty */

/* ---- The folder: no files are ever opened but those whose names we have made ---- */

/* Is this 32 digits, and that ending? */
static int is_name(const char *text, const char *end) {
    return strspn(text, "0123456789abcdef") == STORE_NAME && strcmp(text + STORE_NAME, end) == 0;
}

int store_is_name(const char *text) { return is_name(text, ""); }

/* Removes what uploads have left behind that never came to their end; or all files. */
static void folder_sweep(int all) {
    struct dirent *entry;
    rewinddir(folder);
    while ((entry = readdir(folder)) != NULL)
        if (is_name(entry->d_name, STORE_PART) || (all && is_name(entry->d_name, "")))
            unlinkat(folder_fd, entry->d_name, 0);
}

/* exit() calls this. */
static void folder_close(void) {
    int is_temporary = *temporary != '\0';
    folder_sweep(is_temporary);
    if (is_temporary) {
        unlinkat(folder_fd, "lock", 0);
        rmdir(temporary);
    }
}

/* Ends the program, for want of something that it cannot do without. */
static void give_up(const char *what, const char *why) {
    fprintf(stderr, "%s: cannot use %s: %s\n", program, what, why);
    exit(1);
}

/* Makes a folder of a name that nobody has. */
static void make_temporary(void) {
    const char *place = getenv("TMPDIR");
    if (place == NULL || *place == '\0')
        place = "/tmp";
    snprintf(temporary, sizeof temporary, "%s/file_server.XXXXXX", place);
    if (mkdtemp(temporary) == NULL)
        give_up(temporary, strerror(errno));
}

/* Keeps a second server out: we remove half files, and it may just be writing them. The descriptor stays open, and so
 * the file locked, until we end. */
static void folder_lock(const char *name) {
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int lock = openat(folder_fd, "lock", O_RDWR | O_CREAT, 0600);
    if (lock < 0)
        give_up(name, strerror(errno));
    if (fcntl(lock, F_SETLK, &all) < 0)
        give_up(name, "another server uses it");
}

void store_open(const char *name) {
    unsigned char first;
    if (name == NULL) {
        make_temporary();
        name = temporary;
    } else {
        mkdir(name, 0700); /* if it cannot be made, opendir() will say so */
    }
    folder = opendir(name);
    if (folder == NULL)
        give_up(name, strerror(errno));
    folder_fd = dirfd(folder);
    folder_lock(name);

    roll_dice(&first, sizeof first); /* later there may be no descriptor left to open the dice */
    catch_signal(SIGXFSZ, SIG_IGN);  /* write() says EFBIG instead */
    atexit(folder_close);
    folder_sweep(0);
}

/* ---- Files ---- */

/* Opens a file, and leaves one more descriptor free, to refuse newcomers with. Returns -1 with errno. */
static int folder_file(const char *name, int flags) {
    int spare = dup(folder_fd);
    if (spare < 0)
        return -1;
    int file = openat(folder_fd, name, flags, 0600), error = errno;
    close(spare);
    errno = error;
    return file;
}

int store_find(const char *name) { return folder_file(name, O_RDONLY); }

int store_create(struct upload *u) {
    roll_hex(u->name, STORE_NAME / 2);
    snprintf(u->part_name, sizeof u->part_name, "%s%s", u->name, STORE_PART);
    u->file = folder_file(u->part_name, O_WRONLY | O_CREAT | O_EXCL);
    return u->file < 0 ? -1 : 0;
}

int store_write(struct upload *u, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(u->file, data, len);
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int store_keep(struct upload *u) {
    if (fsync(u->file) < 0)
        return -1;
    if (renameat(folder_fd, u->part_name, folder_fd, u->name) < 0)
        return -1;
    return fsync(folder_fd);
}

void store_end(struct upload *u) {
    close(u->file);
    unlinkat(folder_fd, u->part_name, 0); /* there is none of that name if it was kept */
}
