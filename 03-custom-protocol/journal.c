/* journal.c - see journal.h. Start reading at journal_commit(). */
#define _POSIX_C_SOURCE 200809L

#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frame.h"

#define BUFFER_SIZE 262144  /* bytes written or read at once; at least one record */
#define GROWTH      4194304 /* bytes that a journal grows by, and to twice its size, before it is rewritten */
#define PATH_SIZE   1024    /* bytes: DIR, "/journal.new" and a NUL */

static char path[PATH_SIZE], new_path[PATH_SIZE], dir_path[PATH_SIZE];
static int journal = -1;         /* its descriptor; -1: nothing is kept on a disk */
static off_t committed;          /* bytes of it that count */
static off_t written;            /* bytes behind them that do not count yet */
static off_t grown = GROWTH;     /* the size from which on it is to be rewritten */
static int failure;              /* errno since the last commit; 0: all went well */
static char buffer[BUFFER_SIZE]; /* added, but not yet written; or read, but not yet replayed */
static size_t length;            /* bytes in it */

/* Reads the record at the start of the buffer, and replays it. Returns its bytes, 0 if they are too few for one, or
 * -1 if it is none, after saying why. */
static long record_replay(const char *data, size_t len, const char *(*replay)(const struct message *m),
                          const char **why) {
    static char text[FRAME_MAX + 1];
    struct frame f;
    struct message m;
    size_t at;
    long used = frame_decode(&f, data, len);
    if (used > 0 && (f.format != FRAME_JSON || message_decode(&m, JSON, f.payload, f.length, text, &at)))
        used = -1;
    *why = used < 0 ? "this is no record" : used > 0 ? replay(&m) : NULL;
    return *why ? -1 : used;
}

/* Returns the size of the journal without the zeros at its end: a power cut may leave a file that has grown already,
 * but whose last bytes never came to the disk. No record ends with a zero. */
static off_t journal_end(off_t size) {
    char byte;
    while (size > 0 && pread(journal, &byte, 1, size - 1) == 1 && byte == 0)
        size--;
    return size;
}

/* Replays the journal up to `end`. Returns NULL, or what is wrong, in words. */
static const char *journal_replay(off_t end, const char *(*replay)(const struct message *m)) {
    static char message[128];
    const char *why;
    ssize_t n = 0;
    for (off_t at = 0; at < end && (n = pread(journal, buffer + length, sizeof buffer - length, at)) > 0;) {
        size_t used = 0;
        long size;
        at += n;
        length += (size_t)(at > end ? n - (at - end) : n);
        while ((size = record_replay(buffer + used, length - used, replay, &why)) > 0)
            used += (size_t)size;
        committed += (off_t)used;
        length -= used;
        memmove(buffer, buffer + used, length);
        if (size < 0) {
            snprintf(message, sizeof message, "journal, byte %lld: %s", (long long)committed, why);
            return message;
        }
    }
    return n < 0 ? strerror(errno) : NULL;
}

/* Makes sure that a name in DIR is on the disk, not only the file. */
static int sync_dir(void) {
    int dir = open(dir_path, O_RDONLY), result = dir < 0 || fsync(dir) < 0 ? errno : 0;
    close(dir);
    return result;
}

/* Keeps a second server out. The kernel drops the lock when this one ends, however it ends. */
static const char *lock_dir(void) {
    static char lock[PATH_SIZE + 8];
    snprintf(lock, sizeof lock, "%s/lock", dir_path);
    int fd = open(lock, O_RDWR | O_CREAT, 0600);
    if (fd < 0)
        return strerror(errno);
    if (fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}) < 0)
        return errno == EACCES || errno == EAGAIN ? "another server uses it" : strerror(errno);
    return NULL;
}

const char *journal_open(const char *dir, const char *(*replay)(const struct message *m)) {
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EFBIG instead */
    if (strlen(dir) + sizeof "/journal.new" > PATH_SIZE)
        return strerror(ENAMETOOLONG);
    snprintf(dir_path, sizeof dir_path, "%s", dir);
    snprintf(path, sizeof path, "%s/journal", dir);
    snprintf(new_path, sizeof new_path, "%s/journal.new", dir);
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return strerror(errno);
    const char *why = lock_dir();
    if (why)
        return why;
    if ((journal = open(path, O_RDWR | O_CREAT, 0600)) < 0 || (errno = sync_dir()) != 0)
        return strerror(errno);
    off_t size = lseek(journal, 0, SEEK_END);
    if ((why = journal_replay(journal_end(size), replay)))
        return why;
    if (size > committed)
        fprintf(stderr, "%s: cut off %lld bytes at the end, a record that was not completed\n", path,
                (long long)(size - committed));
    length = 0;
    return ftruncate(journal, committed) < 0 ? strerror(errno) : NULL;
}

/* Writes the buffer behind what was written before. */
static void buffer_write(void) {
    for (size_t done = 0; done < length && failure == 0;) {
        ssize_t n = pwrite(journal, buffer + done, length - done, committed + written);
        if (n >= 0) {
            done += (size_t)n;
            written += n;
        } else if (errno != EINTR) {
            failure = errno; /* a full disk may have taken a part: journal_commit() takes that back */
        }
    }
    length = 0;
}

void journal_add(const struct message *m) {
    if (journal < 0)
        return;
    if (BUFFER_SIZE - length < FRAME_HEADER + FRAME_MAX)
        buffer_write();
    char *frame = buffer + length;
    size_t size = message_encode(m, JSON, frame + FRAME_HEADER, FRAME_MAX);
    frame_header(frame, FRAME_JSON, size);
    length += FRAME_HEADER + size;
}

int journal_commit(int sync) {
    buffer_write();
    if (failure == 0 && sync && journal >= 0 && fsync(journal) < 0)
        failure = errno;
    int result = failure;
    if (result == 0)
        committed += written;
    else /* what cannot be cut off now must be cut off before anything else is written */
        failure = ftruncate(journal, committed) < 0 ? errno : 0;
    written = 0;
    return result;
}

int journal_grown(void) { return committed > grown; }

int journal_rewrite(void (*add_all)(void)) {
    int old = journal, old_failure = failure;
    off_t old_committed = committed;
    if (old < 0)
        return 0;
    failure = 0;
    if ((journal = open(new_path, O_RDWR | O_CREAT | O_TRUNC, 0600)) < 0)
        failure = errno;
    committed = 0;
    add_all();
    int result = journal_commit(1);
    if (result == 0 && rename(new_path, path) < 0)
        result = errno;
    if (result) {
        unlink(new_path);
        int half = journal;
        journal = old;
        old = half;
        committed = old_committed;
        failure = old_failure;
    }
    close(old);
    grown = 2 * committed + GROWTH; /* after a failure, too: not to try again at once */
    return result ? result : sync_dir();
}
