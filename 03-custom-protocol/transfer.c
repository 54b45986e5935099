/* transfer.c - see transfer.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "transfer.h"

#include "crc32.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 32768 /* bytes of a file in a frame */
_Static_assert(FRAME_HEADER + CHUNK <= TRANSFER_MAX, "a frame has to fit");

static int fail(const char **why, const char *words) {
    *why = words;
    return -1;
}

/* Is this a path as file servers make them? */
static int path_is_valid(const char *text) {
    return strspn(text, "0123456789abcdef") == TRANSFER_PATH && text[TRANSFER_PATH] == '\0';
}

/* Keeps the file's name here, or its beginning, to name it in a complaint. */
static int local_keep(struct transfer *t, const char *local, const char **why) {
    int len = snprintf(t->local, sizeof t->local, "%s", local);
    return len < (int)sizeof t->local ? 0 : fail(why, "its name is too long");
}

int transfer_put(struct transfer *t, const char *local, const char **why) {
    struct stat found;
    *t = (struct transfer){.upload = 1, .folder = -1, .file = -1};
    if (local_keep(t, local, why) < 0)
        return -1;
    if (stat(local, &found) == 0 && !S_ISREG(found.st_mode)) /* before open(), which waits in a FIFO */
        return fail(why, "not a file");

    t->file = open(local, O_RDONLY);
    if (t->file < 0 || fstat(t->file, &found) < 0)
        return fail(why, strerror(errno));
    t->size = found.st_size;
    return 0;
}

/* Returns the last part of a file's name here: the rest is its folder. */
static const char *name_in_folder(const struct transfer *t) {
    const char *slash = strrchr(t->local, '/');
    return slash ? slash + 1 : t->local;
}

static int folder_open(const struct transfer *t) {
    char folder[TRANSFER_NAME];
    snprintf(folder, sizeof folder, "%.*s", (int)(name_in_folder(t) - t->local), t->local);
    return open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY);
}

int transfer_get(struct transfer *t, const char *path, const char *local, const char **why) {
    struct stat found;
    *t = (struct transfer){.folder = -1, .file = -1};
    if (local_keep(t, local, why) < 0)
        return -1;
    if (!path_is_valid(path))
        return fail(why, "a path has 32 digits, 0 to 9 and a to f");
    const char *name = name_in_folder(t);
    if (*name == '\0')
        return fail(why, "this is a folder; give the file a name: /get PATH NAME");
    memcpy(t->path, path, sizeof t->path);
    snprintf(t->part, sizeof t->part, "%s.%08lx.part", path, (unsigned long)crc32(0, name, strlen(name)));

    t->folder = folder_open(t);
    if (t->folder < 0)
        return fail(why, strerror(errno));
    if (fstatat(t->folder, name, &found, AT_SYMLINK_NOFOLLOW) == 0)
        return fail(why, "there is already a file of this name; give another one: /get PATH NAME");
    if (errno != ENOENT) /* the name is too long, perhaps */
        return fail(why, strerror(errno));

    t->file = openat(t->folder, t->part, O_WRONLY | O_CREAT | O_NOFOLLOW, 0666);
    if (t->file < 0 || fstat(t->file, &found) < 0)
        return fail(why, strerror(errno));
    t->done = found.st_size; /* what an earlier try has fetched */
    return 0;
}

static long request_write(struct transfer *t, enum message_format format, char out[TRANSFER_MAX]) {
    struct message m = {.type = t->upload ? PUT : GET, .field = {[ID] = "1"}};
    char number[24];
    snprintf(number, sizeof number, "%lld", t->upload ? t->size : t->done);
    if (t->upload) {
        m.field[SIZE] = number;
    } else {
        m.field[PATH] = t->path;
        m.field[OFFSET] = number;
    }
    size_t length = message_encode(&m, format, out + FRAME_HEADER, TRANSFER_MAX - FRAME_HEADER);
    frame_header(out, (enum frame_format)format, length);
    t->asked = 1;
    return (long)(FRAME_HEADER + length);
}

long transfer_next(struct transfer *t, enum message_format format, char out[TRANSFER_MAX], const char **why) {
    if (!t->asked)
        return request_write(t, format, out);
    long long left = t->size - t->done;
    if (!t->upload || left == 0)
        return 0;

    ssize_t n = read(t->file, out + FRAME_HEADER, left < CHUNK ? (size_t)left : CHUNK);
    if (n < 0)
        return fail(why, strerror(errno));
    if (n == 0)
        return fail(why, "it has become shorter");
    frame_header(out, FRAME_BYTES, (size_t)n);
    t->done += n;
    return (long)(FRAME_HEADER + n);
}

/* Gives a download its name. link() and not rename(), which would remove another file of that name. Where there are no
 * links, as on a USB stick, an empty file keeps the name for us, and rename() removes that. Returns 0, or -1 with
 * errno. */
static int part_rename(const struct transfer *t) {
    const char *name = name_in_folder(t);
    if (linkat(t->folder, t->part, t->folder, name, 0) == 0)
        return unlinkat(t->folder, t->part, 0);
    int empty = openat(t->folder, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (empty < 0)
        return -1;
    close(empty);
    return renameat(t->folder, t->part, t->folder, name);
}

/* Gives a download its name, if it is complete: then it returns 1. */
static int download_check(const struct transfer *t, const char **why) {
    if (t->done < t->size)
        return 0;
    if (fsync(t->file) < 0 || part_rename(t) < 0)
        return fail(why, strerror(errno));
    return 1;
}

/* The ok to `get`: it brings the size, and the bytes come next. */
static int get_answered(struct transfer *t, const struct message *m, const char **why) {
    t->answered = 1;
    t->size = message_number(m, SIZE);
    if (t->size < t->done)
        return fail(why, "the file server has less of it");
    return download_check(t, why);
}

/* The ok to `put`: it brings the path, when all bytes are there. */
static int put_answered(struct transfer *t, const struct message *m, const char **why) {
    const char *path = m->field[PATH];
    t->answered = 1;
    if (t->done < t->size || path == NULL || !path_is_valid(path))
        return fail(why, "the server has given no path for it");
    memcpy(t->path, path, sizeof t->path);
    return 1;
}

static int answer_read(struct transfer *t, const struct frame *f, const char **why) {
    static char store[FRAME_MAX + 1]; /* so that the server's words are valid until the next call */
    struct message m;
    size_t at;
    if (message_decode(&m, (enum message_format)f->format, f->payload, f->length, store, &at) != NULL)
        return fail(why, "the server has sent what is no message");
    if (m.type == ERROR)
        return fail(why, m.field[BODY] ? m.field[BODY] : "the server refuses");
    if (m.type != OK || t->answered || !t->asked)
        return fail(why, "the server has answered something else");
    return t->upload ? put_answered(t, &m, why) : get_answered(t, &m, why);
}

int transfer_take(struct transfer *t, const struct frame *f, const char **why) {
    if (f->format != FRAME_BYTES)
        return answer_read(t, f, why);
    if (t->upload || !t->answered || (long long)f->length > t->size - t->done)
        return fail(why, "the server has sent bytes that nobody wanted");

    size_t written = 0;
    while (written < f->length) {
        /* Each byte goes to its own place: where two clients fetch the same file, both write the same there. */
        ssize_t n = pwrite(t->file, f->payload + written, f->length - written, (off_t)t->done);
        if (n < 0)
            return fail(why, strerror(errno));
        written += (size_t)n;
        t->done += n;
    }
    return download_check(t, why);
}

void transfer_close(struct transfer *t) {
    int is_empty = t->file >= 0 && !t->upload && t->done == 0;
    if (is_empty)
        unlinkat(t->folder, t->part, 0);
    if (t->file >= 0)
        close(t->file);
    if (t->folder >= 0)
        close(t->folder);
    t->file = -1;
    t->folder = -1;
}
