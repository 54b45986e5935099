/* file_server.c - keeps files for people who write to each other: one brings a file, and gets a path for it.
 *
 *     terminal 1:  make -C .. && ./file_server -v
 *     terminal 2:  ./im_client ...              /send lisi cat.png and /get PATH, see im_client.c
 *
 *     cc -o file_server file_server.c store.c dice.c request.c say.c show_frame.c frame.c message.c \
 *        message_text.c message_json.c message_xml.c message_parts.c text.c loop.c buffer.c listen.c signals.c wire.c
 *
 * Watch: put, 32 KiB frames, ok; and with kill -9 in the middle, that nothing is there. New here: a file is written
 * under another name, forced to the disk, and only then renamed: nobody ever sees half of one (store.c). The way of a
 * file:
 *     client_read -> on_data -> frame_decode -> upload_turn -> store_write, store_keep -> "ok" with its path;
 *     on_turn -> download_turn -> read -> client_send -> one write a turn
 * Left out: writing and fsync() make everybody wait for the disk (real servers have threads for that); files stay
 * for ever, and their number is bounded by the disk alone; so does an upload that stalls, until its client goes.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "frame.h"
#include "loop.h"
#include "message.h"
#include "request.h"
#include "say.h"
#include "show_frame.h"
#include "signals.h"
#include "store.h"
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define IN_MAX     (FRAME_HEADER + FRAME_MAX) /* bytes that wait for on_data: one whole frame */
#define CHUNK_MAX  32768  /* bytes of a file that are read, and sent in a frame, at once */
#define CHUNKS_MAX 3      /* frames of a file that one client gets in a turn */
#define REPLY_MAX  1024   /* bytes in the longest answer */
#define OUT_MAX    131072 /* bytes that wait for the kernel */
_Static_assert(OUT_MAX >= CHUNKS_MAX * (FRAME_HEADER + CHUNK_MAX) + REPLY_MAX,
               "there has to be room for an answer, and for what comes in a turn");

const char program[] = "file_server";
const char usage[] =
    "usage: file_server [-hv] [-a ADDRESS] [-p PORT] [-d DIR] [-m MAX]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text, and what each frame means\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 5289)\n"
    "  -d DIR      keep the files in this folder, which is made if it is missing (default: one in\n"
    "              $TMPDIR or /tmp, removed with all its files when the server ends)\n"
    "  -m MAX      bytes in the largest file that it takes (default 67108864)\n";

enum state { IDLE, UPLOAD, DOWNLOAD };

static struct transfer { /* what a client is at */
    enum state state;
    char id[ID_MAX + 1];  /* of the request, until it is answered; else empty */
    long long size;       /* bytes of the file */
    long long left;       /* bytes that are still to come, or to go */
    struct upload upload; /* in state UPLOAD */
    int file;             /* in state DOWNLOAD: its descriptor */
} transfers[FD_SETSIZE];

static long long size_max = 67108864; /* bytes, -m */

/* ---- Answers ---- */

/* Answers the request that a client is at; each has one answer. */
static void reply(struct client *c, struct message m) {
    struct transfer *t = &transfers[c->fd];
    m.field[ID] = *t->id ? t->id : NULL;
    say(c, &m);
    *t->id = '\0';
}

static void refuse(struct client *c, const char *code, const char *why) {
    struct message m = {ERROR, {[CODE] = code, [BODY] = why}};
    reply(c, m);
}

/* Ends what a client is at. Of an upload that was not kept nothing stays. */
static void transfer_end(struct transfer *t) {
    if (t->state == UPLOAD)
        store_end(&t->upload);
    if (t->state == DOWNLOAD)
        close(t->file);
    t->state = IDLE;
}

/* Answers with an error, and hangs up: what follows on the connection are the bytes of a file, and no requests. */
static void refuse_and_close(struct client *c, const char *code, const char *why) {
    refuse(c, code, why);
    transfer_end(&transfers[c->fd]);
    client_close(c);
}

/* The disk refuses, with errno: logs it, and returns it in words. */
static const char *storage_error(const struct client *c) {
    const char *why = strerror(errno);
    fprintf(stderr, "%s storage: %s\n", c->name, why);
    return why;
}

/* ---- put ---- */

/* The last byte has come. In the log is only the beginning of the path: with all of it the file can be read. */
static void upload_finish(struct client *c) {
    struct transfer *t = &transfers[c->fd];
    char size[24];
    struct message m = {OK, {[PATH] = t->upload.name, [SIZE] = size}};
    if (store_keep(&t->upload) < 0) {
        refuse_and_close(c, "storage", storage_error(c));
        return;
    }
    snprintf(size, sizeof size, "%lld", t->size);
    fprintf(stderr, "%s put %.4s..., %s bytes\n", c->name, t->upload.name, size);
    reply(c, m);
    transfer_end(t);
}

/* Takes the next bytes of an upload. */
static void upload_turn(struct client *c, const char *data, size_t len) {
    struct transfer *t = &transfers[c->fd];
    if (store_write(&t->upload, data, len) < 0) {
        refuse_and_close(c, "storage", storage_error(c));
        return;
    }
    t->left -= (long long)len;
    if (t->left == 0)
        upload_finish(c);
}

static void handle_put(struct client *c, const struct message *m) {
    struct transfer *t = &transfers[c->fd];
    char why[64];
    snprintf(why, sizeof why, "the largest file that is taken has %lld bytes", size_max);
    t->size = message_number(m, SIZE);
    t->left = t->size;

    if (t->size < 0) {
        refuse_and_close(c, "field", "size has to be a number");
    } else if (t->size > size_max) {
        refuse_and_close(c, "size", why);
    } else if (store_create(&t->upload) < 0) {
        refuse_and_close(c, "storage", storage_error(c));
    } else {
        t->state = UPLOAD;
        upload_turn(c, NULL, 0); /* if it is empty, these bytes are all */
    }
}

/* ---- get ---- */

/* Says how large a file is; download_turn() sends it, from `offset` on. */
static void download_begin(struct client *c, int file, long long offset) {
    struct transfer *t = &transfers[c->fd];
    char size[24];
    struct message m = {OK, {[SIZE] = size}};
    t->state = DOWNLOAD;
    t->file = file;
    t->size = lseek(file, 0, SEEK_END);
    t->left = t->size - offset;
    snprintf(size, sizeof size, "%lld", t->size);

    int is_beyond = t->left < 0 || lseek(file, (off_t)offset, SEEK_SET) < 0;
    if (is_beyond)
        refuse(c, "size", "offset is beyond the end");
    else
        reply(c, m);
    if (is_beyond || t->left == 0)
        transfer_end(t);
}

/* Sends of a file what there is room for, a few frames a turn: a client that reads slowly waits, and costs us OUT_MAX
 * bytes, however large the file is. Returns how many frames it has sent. */
static int download_turn(struct client *c) {
    static char frame[FRAME_HEADER + CHUNK_MAX];
    struct transfer *t = &transfers[c->fd];
    int sent = 0;
    while (t->state == DOWNLOAD && sent < CHUNKS_MAX && OUT_MAX - c->out.length >= sizeof frame) {
        ssize_t n = read(t->file, frame + FRAME_HEADER, CHUNK_MAX);
        if (n <= 0 || n > t->left) { /* the size was promised, so there is no other way to tell */
            client_drop(c, n < 0 ? strerror(errno) : "its file has changed");
            break;
        }
        frame_header(frame, FRAME_BYTES, (size_t)n);
        show_frame(c->name, "<-", FRAME_BYTES, (size_t)n, NULL);
        client_send(c, frame, FRAME_HEADER + (size_t)n);
        sent++;
        t->left -= n;
        if (t->left == 0)
            transfer_end(t);
    }
    return sent;
}

static void handle_get(struct client *c, const struct message *m) {
    const char *path = m->field[PATH] ? m->field[PATH] : "";
    long long offset = m->field[OFFSET] ? message_number(m, OFFSET) : 0;
    if (offset < 0) {
        refuse(c, "field", "offset has to be a number");
        return;
    }
    if (!store_is_name(path)) {
        refuse(c, "field", "path has to be 32 digits, 0 to 9 and a to f");
        return;
    }

    int file = store_find(path);
    if (file >= 0)
        download_begin(c, file, offset);
    else if (errno == ENOENT)
        refuse(c, "unknown", "there is no such file");
    else
        refuse(c, "storage", storage_error(c));
}

/* ---- Requests ---- */

static void handle_message(struct client *c, const struct message *m) {
    static const char no_id[] = "id has to be 1 to 64 letters, digits, - _ or .";
    const char *id = request_id(m);
    snprintf(transfers[c->fd].id, ID_MAX + 1, "%s", id ? id : "");

    if (id == NULL && m->type == PUT)
        refuse_and_close(c, "field", no_id);
    else if (id == NULL)
        refuse(c, "field", no_id);
    else if (m->type == PUT)
        handle_put(c, m);
    else if (m->type == GET)
        handle_get(c, m);
    else
        refuse(c, "type", "this server knows put and get");
}

/* Takes a frame of bytes, or one between `put` and the end of its file, where nothing but bytes is right. */
static void handle_bytes(struct client *c, const struct frame *f) {
    const struct transfer *t = &transfers[c->fd];
    heard(c, f, NULL);
    if (t->state == IDLE || f->format != FRAME_BYTES)
        refuse_and_close(c, "frame", "bytes of a file come behind put, and nothing else does");
    else if ((long long)f->length > t->left)
        refuse_and_close(c, "size", "these are more bytes than announced");
    else
        upload_turn(c, f->payload, f->length);
}

static void handle_frame(struct client *c, const struct frame *f) {
    struct message m;
    if (transfers[c->fd].state == UPLOAD || f->format == FRAME_BYTES) {
        handle_bytes(c, f);
    } else if (hear(f, &m) == 0) {
        heard(c, f, &m);
        handle_message(c, &m);
    } else {
        heard(c, f, NULL);
        say(c, &m);
    }
}

/* ---- The four events ---- */

static void on_connect(struct client *c) {
    transfers[c->fd] = (struct transfer){.state = IDLE};
    say_begin(c);
}

/* Takes one frame. A request waits until the download before it is at its end: what is sent makes the loop offer it
 * again. */
static size_t on_data(struct client *c, char *data, size_t len) {
    struct frame f;
    if (transfers[c->fd].state == DOWNLOAD)
        return 0;
    long size = frame_decode(&f, data, len);
    if (size < 0) {
        refuse_and_close(c, "frame", "a length over 65536, or no format from 1 to 4");
        return len;
    }
    if (size > 0)
        handle_frame(c, &f);
    return (size_t)size;
}

/* Goes on with all downloads. If something was sent, there may be room for more at once. */
static int on_turn(long long now) {
    int sent = 0;
    (void)now;
    for (struct client *c = client_next(NULL); c; c = client_next(c))
        sent += download_turn(c);
    return sent > 0 ? 0 : -1;
}

static void on_disconnect(struct client *c) { transfer_end(&transfers[c->fd]); }

/* out_low 0: nothing is taken from a client while it is owed anything. So there is one answer a turn, and a client that
 * brings many files makes the others wait for the disk once, and not for all of them. */
static const struct server files = {
    .in_max = IN_MAX,
    .out_low = 0,
    .out_max = OUT_MAX,
    .on_connect = on_connect,
    .on_data = on_data,
    .on_disconnect = on_disconnect,
    .on_turn = on_turn,
};

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "5289", *dir = NULL;
    int option;
    while ((option = getopt(argc, argv, "hva:p:d:m:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        case 'd': dir = optarg; break;
        case 'm': size_max = parse_number(optarg, 0, INT_MAX); break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);

    catch_signals(); /* from here on a signal must not leave the temporary folder behind */
    store_open(dir);
    return serve(&files, address, port);
}
