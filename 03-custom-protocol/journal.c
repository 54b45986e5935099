/* journal.c - see journal.h. Start reading at journal_commit(). */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "journal.h"

#include "frame.h"
#include "record.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_NAME   "journal"
#define REWRITE_NAME   "journal.new"
#define JOURNAL_BUFFER 262144  /* bytes written or read at once; at least one record */
#define JOURNAL_GROWTH 4194304 /* bytes it grows by, and to twice its size, before it is rewritten */
#define SLICE_BYTES    262144  /* bytes that are rewritten in a turn: some milliseconds, for fsync() too */
#define FREED_BYTES    8388608 /* bytes of a journal that nobody needs any more that are freed in a turn */
_Static_assert(JOURNAL_BUFFER >= RECORD_MAX, "a record has to fit");

struct file {        /* a journal */
    int fd;          /* its descriptor; -1: there is none */
    off_t committed; /* bytes of it that count */
    off_t written;   /* bytes behind them that do not count yet */
    int failure;     /* errno since the last commit; 0: all went well */
    char *buffer;    /* JOURNAL_BUFFER bytes: added, but not yet written; or read, but not yet replayed */
    size_t buffered; /* bytes in it */
};

static char journal_buffer[JOURNAL_BUFFER], rewrite_buffer[JOURNAL_BUFFER];
static struct file journal = {.fd = -1, .buffer = journal_buffer};
static struct file rewrite = {.fd = -1, .buffer = rewrite_buffer};

static int old_fd = -1;                     /* a file without a name that is to be freed; -1: there is none */
static off_t old_size;                      /* bytes in it */
static int dir_fd = -1;                     /* DIR stays open: its name may be another one's by now */
static int dir_changed;                     /* a name in it is new, and the disk may not have it yet */
static off_t latest_commit;                 /* bytes in it */
static off_t rewrite_size = JOURNAL_GROWTH; /* bytes from which on the journal is to be rewritten */

/* ---- What is added ---- */

/* Writes the buffer behind what was written before. A full disk may take a part: file_commit() takes that back. */
static void file_write(struct file *f) {
    size_t done = 0;
    while (done < f->buffered && f->failure == 0) {
        ssize_t n = pwrite(f->fd, f->buffer + done, f->buffered - done, f->committed + f->written);
        if (n >= 0) {
            done += (size_t)n;
            f->written += n;
        } else if (errno != EINTR) {
            f->failure = errno;
        }
    }
    f->buffered = 0;
}

static void file_add(struct file *f, const struct message *m) {
    if (f->fd < 0)
        return;
    if (JOURNAL_BUFFER - f->buffered < RECORD_MAX)
        file_write(f);
    size_t size = record_encode(m, f->buffer + f->buffered);
    f->buffered += size;
    if (size == 0)
        f->failure = EILSEQ;
}

/* Waits until the disk has a file, and its name. Returns 0, or an errno. */
static int file_sync(const struct file *f) {
    if (fsync(f->fd) < 0)
        return errno;
    if (dir_changed && fsync(dir_fd) < 0)
        return errno;
    dir_changed = 0;
    return 0;
}

static int file_commit(struct file *f, int sync) {
    file_write(f);
    if (f->failure == 0 && sync && f->fd >= 0)
        f->failure = file_sync(f);

    int error = f->failure;
    if (error == 0)
        f->committed += f->written;
    else /* what cannot be cut off now must be cut off before anything else is written */
        f->failure = ftruncate(f->fd, f->committed) < 0 ? errno : 0;
    f->written = 0;
    errno = error;
    return error ? -1 : 0;
}

void journal_add(const struct message *m) { file_add(&journal, m); }

int journal_commit(int sync) {
    off_t before = journal.committed;
    int result = file_commit(&journal, sync);
    latest_commit = journal.committed - before;
    return result;
}

/* ---- The rewrite ---- */

int journal_has_grown(void) { return journal.committed > rewrite_size; }

/* The last close() of a file without a name frees all of it, and for a large one that takes a while: so it is cut down
 * in slices first. But not before the disk knows that the name is another file's. */
static void file_retire(int fd, off_t size) {
    if (old_fd >= 0)
        close(old_fd);
    old_fd = fd;
    old_size = size;
}

int journal_free_slice(void) {
    if (old_fd < 0)
        return 0;
    if (dir_changed && fsync(dir_fd) == 0)
        dir_changed = 0;
    old_size -= old_size < FREED_BYTES ? old_size : FREED_BYTES;
    if (!dir_changed && old_size > 0 && ftruncate(old_fd, old_size) == 0)
        return 1;
    close(old_fd);
    old_fd = -1;
    return 0;
}

/* The next one is to come when the journal has grown again; after a failure, too, not to try again at once. */
static void rewrite_later(void) { rewrite_size = 2 * journal.committed + JOURNAL_GROWTH; }

int rewrite_begin(void) {
    rewrite = (struct file){.buffer = rewrite_buffer};
    unlinkat(dir_fd, REWRITE_NAME, 0);
    rewrite.fd = openat(dir_fd, REWRITE_NAME, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (rewrite.fd >= 0)
        return 0;
    rewrite_later();
    return -1;
}

/* What came in the latest turn comes on top: so the old journal does not grow faster than the new one. */
int rewrite_has_room(void) { return rewrite.written + (off_t)rewrite.buffered < SLICE_BYTES + latest_commit; }

void rewrite_add(const struct message *m) { file_add(&rewrite, m); }

/* Gives the new journal, which the disk has, the name of the old one. Until the disk has the name, too, the old one is
 * what a power cut leaves: so the next commit waits for that. Returns 0, or -1 with errno. */
static int rewrite_end(void) {
    if (renameat(dir_fd, REWRITE_NAME, dir_fd, JOURNAL_NAME) < 0)
        return -1;
    dir_changed = 1;
    file_retire(journal.fd, journal.committed);
    journal.fd = rewrite.fd;
    journal.committed = rewrite.committed;
    journal.failure = 0;
    rewrite.fd = -1;
    rewrite_later();
    return 0;
}

int rewrite_commit(int is_last) {
    if (file_commit(&rewrite, 1) == 0 && (!is_last || rewrite_end() == 0))
        return 0;
    int error = errno;
    rewrite_stop();
    errno = error;
    return -1;
}

void rewrite_stop(void) {
    if (rewrite.fd < 0)
        return;
    unlinkat(dir_fd, REWRITE_NAME, 0);
    file_retire(rewrite.fd, rewrite.committed);
    rewrite.fd = -1;
    rewrite_later();
}

/* ---- What was kept ---- */

/* Replays the whole records in the buffer. Returns 0; or -1, and in *why what is wrong, and where. */
static int buffer_replay(int (*replay)(const struct message *m, const char **why), const char **why) {
    static char words[160];
    struct message m;
    size_t used = 0;
    long size = 1;
    while (size > 0) {
        size = record_decode(&m, journal.buffer + used, journal.buffered - used, why);
        if (size > 0 && replay(&m, why) < 0)
            size = -1;
        if (size > 0)
            used += (size_t)size;
    }

    journal.committed += (off_t)used;
    journal.buffered -= used;
    memmove(journal.buffer, journal.buffer + used, journal.buffered);
    if (size == 0)
        return 0;
    snprintf(words, sizeof words, JOURNAL_NAME ", byte %lld: %s", (long long)journal.committed, *why);
    *why = words;
    return -1;
}

/* Replays the journal up to `end`. */
static int journal_replay(off_t end, int (*replay)(const struct message *m, const char **why),
                          const char **why) {
    for (off_t at = 0; at < end;) {
        *why = "stopped by a signal";
        if (stop)
            return -1;
        size_t room = JOURNAL_BUFFER - journal.buffered, left = (size_t)(end - at);
        ssize_t n = pread(journal.fd, journal.buffer + journal.buffered, left < room ? left : room, at);
        if (n <= 0) {
            *why = n < 0 ? strerror(errno) : "it has become shorter";
            return -1;
        }
        at += n;
        journal.buffered += (size_t)n;
        if (buffer_replay(replay, why) < 0)
            return -1;
    }
    return 0;
}

/* Returns the size of the journal without the zeros at its end. There is none in a record. */
static off_t size_without_zeros(off_t size) {
    while (size > 0) {
        size_t n = size < JOURNAL_BUFFER ? (size_t)size : JOURNAL_BUFFER;
        if (pread(journal.fd, journal.buffer, n, size - (off_t)n) != (ssize_t)n)
            return size; /* journal_replay() will find out why */
        while (n > 0 && journal.buffer[n - 1] == '\0') {
            n--;
            size--;
        }
        if (n > 0)
            return size;
    }
    return 0;
}

/* Is this the journal of an earlier version? Its records were frames, without checksums. */
static int journal_is_old(void) {
    struct frame f;
    ssize_t n = pread(journal.fd, journal.buffer, FRAME_HEADER + FRAME_MAX, 0);
    return n > 0 && frame_decode(&f, journal.buffer, (size_t)n) > 0 && f.format == FRAME_JSON;
}

/* Removes what was not completed, at the end. From here on all that is left counts: so the disk has to have it. Returns 0,
 * or -1 with errno. */
static int cut_off_rest(const char *dir, off_t size) {
    if (size > journal.committed)
        fprintf(stderr, "%s/" JOURNAL_NAME ": cut off %lld bytes at the end, which are no whole record\n",
                dir, (long long)(size - journal.committed));
    journal.buffered = 0;
    return file_commit(&journal, ftruncate(journal.fd, journal.committed) == 0);
}

/* ---- The folder ---- */

/* Opens the folder, or makes it, and then the disk has to have its name. Returns 0, or -1 with errno. */
static int open_dir(const char *dir) {
    int is_new = mkdir(dir, 0700) == 0;
    if (!is_new && errno != EEXIST)
        return -1;
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
    int parent = is_new && dir_fd >= 0 ? openat(dir_fd, "..", O_RDONLY) : -1;
    if (parent >= 0) {
        fsync(parent);
        close(parent);
    }
    return dir_fd < 0 ? -1 : 0;
}

/* Keeps a second server out. The kernel drops the lock when this one ends, however it ends, and so the descriptor stays
 * open. Returns 0, or -1, and in *why the reason. */
static int lock_dir(const char **why) {
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int lock = openat(dir_fd, "lock", O_RDWR | O_CREAT, 0600);
    if (lock >= 0 && fcntl(lock, F_SETLK, &all) == 0)
        return 0;

    int is_used = lock >= 0 && (errno == EACCES || errno == EAGAIN);
    *why = is_used ? "another server uses it" : strerror(errno);
    return -1;
}

/* Makes and opens what has to be there. Returns 0, or -1 with errno. */
static int open_files(void) {
    journal.fd = openat(dir_fd, JOURNAL_NAME, O_RDWR | O_CREAT, 0600);
    unlinkat(dir_fd, REWRITE_NAME, 0);
    dir_changed = 1;
    return journal.fd < 0 ? -1 : 0;
}

static int fail_with_errno(const char **why) {
    *why = strerror(errno);
    return -1;
}

int journal_open(const char *dir, int (*replay)(const struct message *m, const char **why),
                 const char **why) {
    catch_signal(SIGXFSZ, SIG_IGN); /* write() says EFBIG instead */
    if (open_dir(dir) < 0)
        return fail_with_errno(why);
    if (lock_dir(why) < 0)
        return -1;
    if (open_files() < 0)
        return fail_with_errno(why);

    off_t size = lseek(journal.fd, 0, SEEK_END), end = size_without_zeros(size);
    *why = "its journal is of an earlier version, which kept no checksums, and cannot be read";
    if (journal_is_old() || journal_replay(end, replay, why) < 0)
        return -1;
    return cut_off_rest(dir, size) < 0 ? fail_with_errno(why) : 0;
}
