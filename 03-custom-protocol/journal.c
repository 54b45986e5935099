/* journal.c - see journal.h. Start reading at journal_commit(). */
#define _POSIX_C_SOURCE 200809L

#include "journal.h"

#include "frame.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_BUFFER 262144  /* bytes written or read at once; at least one record */
#define JOURNAL_GROWTH 4194304 /* bytes it grows by, and to twice its size, before it is rewritten */
#define JOURNAL_NAME   1024    /* bytes: DIR, "/journal.new" and a NUL */

static char dir_name[JOURNAL_NAME];
static char journal_name[JOURNAL_NAME];     /* DIR/journal */
static char new_journal_name[JOURNAL_NAME]; /* DIR/journal.new */

static int journal = -1;                    /* its descriptor; -1: nothing is kept on a disk */
static off_t committed;                     /* bytes of it that count */
static off_t written;                       /* bytes behind them that do not count yet */
static off_t rewrite_size = JOURNAL_GROWTH; /* bytes from which on it is to be rewritten */
static int failure;                         /* errno since the last commit; 0: all went well */
static char journal_buffer[JOURNAL_BUFFER]; /* added, but not yet written; or read, but not yet replayed */
static size_t buffered;                     /* bytes in it */

/* ---- What was kept ---- */

/* Reads the record at the start of some bytes, and replays it. Returns its bytes; 0 if they are too few for one; or -1,
 * and in *why what is wrong. */
static long record_replay(const char *data, size_t len,
                          int (*replay)(const struct message *m, const char **why), const char **why) {
    static char text[FRAME_MAX + 1];
    struct frame f;
    struct message m;
    size_t at;
    long used = frame_decode(&f, data, len);
    if (used == 0)
        return 0;

    *why = "this is no record";
    if (used < 0 || f.format != FRAME_JSON)
        return -1;
    if (message_decode(&m, JSON, f.payload, f.length, text, &at) != NULL)
        return -1;
    return replay(&m, why) < 0 ? -1 : used;
}

/* Replays the whole records in the buffer. Returns 0; or -1, and in *why what is wrong, and where. */
static int buffer_replay(int (*replay)(const struct message *m, const char **why), const char **why) {
    static char words[128];
    size_t used = 0;
    long size;
    do {
        size = record_replay(journal_buffer + used, buffered - used, replay, why);
        if (size > 0)
            used += (size_t)size;
    } while (size > 0);

    committed += (off_t)used;
    buffered -= used;
    memmove(journal_buffer, journal_buffer + used, buffered);
    if (size == 0)
        return 0;
    snprintf(words, sizeof words, "journal, byte %lld: %s", (long long)committed, *why);
    *why = words;
    return -1;
}

/* Replays the journal up to `end`. */
static int journal_replay(off_t end, int (*replay)(const struct message *m, const char **why),
                          const char **why) {
    for (off_t at = 0; at < end;) {
        size_t room = JOURNAL_BUFFER - buffered, left = (size_t)(end - at);
        ssize_t n = pread(journal, journal_buffer + buffered, left < room ? left : room, at);
        if (n <= 0) {
            *why = n < 0 ? strerror(errno) : "it has become shorter";
            return -1;
        }
        at += n;
        buffered += (size_t)n;
        if (buffer_replay(replay, why) < 0)
            return -1;
    }
    return 0;
}

/* Returns the size of the journal without the zeros at its end: a power cut may leave a file that has grown already,
 * but whose last bytes never came to the disk. No record ends with a zero. */
static off_t size_without_zeros(off_t size) {
    char byte;
    while (size > 0 && pread(journal, &byte, 1, size - 1) == 1 && byte == 0)
        size--;
    return size;
}

/* Removes what was not completed, at the end. Returns 0, or -1 with errno. */
static int cut_off_rest(off_t size) {
    if (size > committed)
        fprintf(stderr, "%s: cut off %lld bytes at the end, a record that was not completed\n", journal_name,
                (long long)(size - committed));
    buffered = 0;
    return ftruncate(journal, committed);
}

/* ---- The folder ---- */

/* Makes sure that the names in DIR are on the disk, and not only the files. Returns 0, or -1 with errno. */
static int sync_dir(void) {
    int dir = open(dir_name, O_RDONLY);
    if (dir < 0)
        return -1;
    int error = fsync(dir) < 0 ? errno : 0;
    close(dir);
    errno = error;
    return error ? -1 : 0;
}

/* Keeps a second server out. The kernel drops the lock when this one ends, however it ends, and so the descriptor stays
 * open. Returns 0, or -1, and in *why the reason. */
static int lock_dir(const char **why) {
    static char lock_name[JOURNAL_NAME + 8];
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    snprintf(lock_name, sizeof lock_name, "%s/lock", dir_name);
    int lock = open(lock_name, O_RDWR | O_CREAT, 0600);
    if (lock >= 0 && fcntl(lock, F_SETLK, &all) == 0)
        return 0;

    int is_used = lock >= 0 && (errno == EACCES || errno == EAGAIN);
    *why = is_used ? "another server uses it" : strerror(errno);
    return -1;
}

/* Makes and opens what has to be there. Returns 0, or -1 with errno. */
static int open_files(void) {
    journal = open(journal_name, O_RDWR | O_CREAT, 0600);
    return journal < 0 ? -1 : sync_dir();
}

int journal_open(const char *dir, int (*replay)(const struct message *m, const char **why),
                 const char **why) {
    *why = strerror(ENAMETOOLONG);
    if (strlen(dir) + sizeof "/journal.new" > JOURNAL_NAME)
        return -1;
    snprintf(dir_name, sizeof dir_name, "%s", dir);
    snprintf(journal_name, sizeof journal_name, "%s/journal", dir);
    snprintf(new_journal_name, sizeof new_journal_name, "%s/journal.new", dir);
    catch_signal(SIGXFSZ, SIG_IGN); /* write() says EFBIG instead */

    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        *why = strerror(errno);
        return -1;
    }
    if (lock_dir(why) < 0)
        return -1;
    if (open_files() < 0) {
        *why = strerror(errno);
        return -1;
    }

    off_t size = lseek(journal, 0, SEEK_END);
    if (journal_replay(size_without_zeros(size), replay, why) < 0)
        return -1;
    if (cut_off_rest(size) < 0) {
        *why = strerror(errno);
        return -1;
    }
    return 0;
}

/* ---- What is added ---- */

/* Writes the buffer behind what was written before. A full disk may take a part: journal_commit() takes that back. */
static void buffer_write(void) {
    size_t done = 0;
    while (done < buffered && failure == 0) {
        ssize_t n = pwrite(journal, journal_buffer + done, buffered - done, committed + written);
        if (n >= 0) {
            done += (size_t)n;
            written += n;
        } else if (errno != EINTR) {
            failure = errno;
        }
    }
    buffered = 0;
}

void journal_add(const struct message *m) {
    if (journal < 0)
        return;
    if (JOURNAL_BUFFER - buffered < FRAME_HEADER + FRAME_MAX)
        buffer_write();
    char *frame = journal_buffer + buffered;
    size_t size = message_encode(m, JSON, frame + FRAME_HEADER, FRAME_MAX);
    frame_header(frame, FRAME_JSON, size);
    buffered += FRAME_HEADER + size;
}

int journal_commit(int sync) {
    buffer_write();
    if (failure == 0 && sync && journal >= 0 && fsync(journal) < 0)
        failure = errno;

    int error = failure;
    if (error == 0)
        committed += written;
    else /* what cannot be cut off now must be cut off before anything else is written */
        failure = ftruncate(journal, committed) < 0 ? errno : 0;
    written = 0;
    errno = error;
    return error ? -1 : 0;
}

int journal_grown(void) { return committed > rewrite_size; }

/* Writes a new journal beside the old one, and gives it the name. Returns 0, or -1 with errno. */
static int write_new_journal(void (*add_all)(void)) {
    failure = 0;
    committed = 0;
    journal = open(new_journal_name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (journal < 0)
        return -1;

    add_all();
    if (journal_commit(1) == 0 && rename(new_journal_name, journal_name) == 0)
        return 0;
    int error = errno;
    unlink(new_journal_name);
    close(journal);
    errno = error;
    return -1;
}

int journal_rewrite(void (*add_all)(void)) {
    if (journal < 0)
        return 0;
    int old = journal, old_failure = failure;
    off_t old_committed = committed;

    int result = write_new_journal(add_all);
    if (result == 0) {
        close(old);
        result = sync_dir();
    } else {
        journal = old;
        committed = old_committed;
        failure = old_failure;
    }
    rewrite_size = 2 * committed + JOURNAL_GROWTH; /* after a failure, too: not to try again at once */
    return result;
}
