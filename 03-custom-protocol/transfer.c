/* transfer.c - see transfer.h. */
#define _POSIX_C_SOURCE 200809L

#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 32768 /* bytes of a file in a frame */
_Static_assert(FRAME_HEADER + CHUNK <= TRANSFER_MAX, "a frame has to fit");

static int fail(struct transfer *t, const char *why) {
    snprintf(t->why, sizeof t->why, "%s", why);
    return -1;
}

int transfer_is_path(const char *text) {
    return strspn(text, "0123456789abcdef") == TRANSFER_PATH && text[TRANSFER_PATH] == '\0';
}

/* Keeps the file's name here, or its beginning, to name it in a complaint. */
static int name_keep(struct transfer *t, const char *local) {
    int len = snprintf(t->local, sizeof t->local, "%s", local);
    return len < (int)sizeof t->local ? 0 : fail(t, "its name is too long");
}

int transfer_put(struct transfer *t, const char *local) {
    struct stat found;
    *t = (struct transfer){.upload = 1, .file = -1};
    if (name_keep(t, local) < 0)
        return -1;
    if (stat(local, &found) == 0 && !S_ISREG(found.st_mode)) /* before open(), which waits in a FIFO */
        return fail(t, "not a file");
    if ((t->file = open(local, O_RDONLY)) < 0 || fstat(t->file, &found) < 0)
        return fail(t, strerror(errno));
    t->size = found.st_size;
    return 0;
}

int transfer_get(struct transfer *t, const char *path, const char *local) {
    struct stat found;
    *t = (struct transfer){.file = -1};
    if (name_keep(t, local) < 0)
        return -1;
    if (!transfer_is_path(path))
        return fail(t, "a path has 32 digits, 0 to 9 and a to f");
    memcpy(t->path, path, sizeof t->path);
    snprintf(t->part, sizeof t->part, "%s.%s.part", local, path);
    if (lstat(local, &found) == 0)
        return fail(t, "there is already a file of this name; give another one: /get PATH NAME");
    if ((t->file = open(t->part, O_WRONLY | O_CREAT | O_NOFOLLOW, 0666)) < 0 || fstat(t->file, &found) < 0)
        return fail(t, strerror(errno));
    t->done = found.st_size;
    return 0;
}

static long request_next(struct transfer *t, enum message_format format, char out[TRANSFER_MAX]) {
    struct message m = {.type = t->upload ? PUT : GET, .field = {[ID] = "1"}};
    char number[24];
    snprintf(number, sizeof number, "%lld", t->upload ? t->size : t->done);
    m.field[t->upload ? SIZE : OFFSET] = number;
    m.field[PATH] = t->upload ? NULL : t->path;
    size_t length = message_encode(&m, format, out + FRAME_HEADER, TRANSFER_MAX - FRAME_HEADER);
    frame_header(out, (enum frame_format)format, length);
    t->asked = 1;
    return (long)(FRAME_HEADER + length);
}

long transfer_next(struct transfer *t, enum message_format format, char out[TRANSFER_MAX]) {
    if (!t->asked)
        return request_next(t, format, out);
    if (!t->upload || t->done == t->size)
        return 0;
    long long left = t->size - t->done;
    ssize_t n = read(t->file, out + FRAME_HEADER, left < CHUNK ? (size_t)left : CHUNK);
    if (n <= 0)
        return fail(t, n < 0 ? strerror(errno) : "it has become shorter");
    frame_header(out, FRAME_BYTES, (size_t)n);
    t->done += n;
    return (long)(FRAME_HEADER + n);
}

/* Gives a download its name. link() and not rename(), which would remove another file of that name. Where there are no
 * links, as on a USB stick, an empty file keeps the name for us, and rename() removes that. Returns 0 or -1, errno. */
static int name_give(const struct transfer *t) {
    if (link(t->part, t->local) == 0)
        return unlink(t->part);
    int empty = open(t->local, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (empty < 0)
        return -1;
    close(empty);
    return rename(t->part, t->local);
}

/* Returns 1 if a download is complete, after giving it its name. */
static int complete(struct transfer *t) {
    if (t->done < t->size)
        return 0;
    return fsync(t->file) < 0 || name_give(t) < 0 ? fail(t, strerror(errno)) : 1;
}

static int take_answer(struct transfer *t, const struct frame *f) {
    static char store[FRAME_MAX + 1];
    struct message m;
    size_t at;
    if (message_decode(&m, (enum message_format)f->format, f->payload, f->length, store, &at) != NULL)
        return fail(t, "the server has sent what is no message");
    if (m.type == ERROR)
        return fail(t, m.field[BODY] ? m.field[BODY] : "the server refuses");
    if (m.type != OK || t->answered || !t->asked)
        return fail(t, "the server has answered something else");
    t->answered = 1;
    if (!t->upload) {
        t->size = message_number(&m, SIZE);
        return t->size < t->done ? fail(t, "the file server has less of it") : complete(t);
    }
    if (t->done < t->size || !m.field[PATH] || !transfer_is_path(m.field[PATH]))
        return fail(t, "the server has given no path for it");
    memcpy(t->path, m.field[PATH], sizeof t->path);
    return 1;
}

int transfer_take(struct transfer *t, const struct frame *f) {
    if (f->format != FRAME_BYTES)
        return take_answer(t, f);
    if (t->upload || !t->answered || (long long)f->length > t->size - t->done)
        return fail(t, "the server has sent bytes that nobody wanted");
    for (size_t written = 0; written < f->length;) {
        /* Each byte goes to its own place: where two clients fetch the same file, both write the same there. */
        ssize_t n = pwrite(t->file, f->payload + written, f->length - written, (off_t)t->done);
        if (n < 0)
            return fail(t, strerror(errno));
        written += (size_t)n;
        t->done += n;
    }
    return complete(t);
}

void transfer_close(struct transfer *t) {
    if (t->file >= 0)
        close(t->file);
    if (t->file >= 0 && !t->upload && t->done == 0)
        unlink(t->part);
    t->file = -1;
}
