/* file_server.c - keeps files for people who write to each other: one brings a file, and gets a path for it.
 *
 *     terminal 1:  make -C .. && ./file_server -v
 *     terminal 2:  ./im_client ...              /send lisi cat.png and /get PATH, see im_client.c
 *
 * Watch: put, 64 KiB frames, ok; and with kill -9 in the middle, that nothing is there. New here: a file is written
 * under another name, forced to the disk, and only then renamed: nobody ever sees half of one. A path is a random
 * number, and so a secret; no name that a client has chosen ever gets near the disk.
 * Left out: writing and fsync() make everybody wait for the disk (real servers have threads for that); files stay
 * for ever, and their number is bounded by the disk alone; so does an upload that stalls, until its client goes.
 */
#define _POSIX_C_SOURCE 200809L

#include "frame.h"
#include "message.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define IN_MAX      (FRAME_HEADER + FRAME_MAX) /* bytes per client that wait for on_data: one whole frame */
#define CHUNK_MAX   32768   /* bytes of a file that are read, and sent in a frame, at once */
#define REPLY_MAX   1024    /* bytes in the longest answer */
#define OUT_MAX     131072  /* bytes per client that wait for the kernel to take them */
#define ID_MAX      64      /* bytes in the id of a request */
#define PATH_LENGTH 32      /* hexadecimal digits: 16 random bytes, which nobody guesses */
#define PART        ".part" /* what the name of a file ends with until it is complete */
_Static_assert(OUT_MAX >= FRAME_HEADER + CHUNK_MAX + REPLY_MAX,
               "there has to be room for a chunk or an answer");

static const char program[] = "file_server";
static const char usage[] =
    "usage: file_server [-hv] [-a ADDRESS] [-p PORT] [-d DIR] [-m MAX]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text, and what each frame means\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 5289)\n"
    "  -d DIR      keep the files in this folder, which is made if it is missing (default: one in\n"
    "              $TMPDIR or /tmp, removed with all its files when the server ends)\n"
    "  -m MAX      bytes in the largest file that it takes (default 67108864)\n";

/* ---- plumbing: the same in every TCP server of this course (see 01-echo) ---- */

#define NAME_SIZE 64   /* bytes: "[address%interface]:port" and its NUL */
#define LINGER_MS 2000 /* how long we wait for a peer's FIN after we have sent ours */

struct buffer { /* a queue of `length` bytes, with room for `size` */
    char *data;
    size_t length, size;
};

struct client { /* its slot in the table is its descriptor: clients[fd] */
    int open, fd;
    char name[NAME_SIZE];   /* "127.0.0.1:53412" or "[::1]:53412" */
    struct buffer in, out;  /* received but not yet used by on_data; owed to the peer */
    int eof;                /* the peer has finished sending; it may still read */
    int closing;            /* set by a lesson to hang up: no more on_data, close when `out` is drained */
    int news;               /* on_data has not seen the latest of `in`, `eof` and the room in `out` */
    int blocked;            /* the kernel took less than we had: wait until select() says "writable" */
    int gone;               /* to be freed at the end of this turn */
    long long linger_until; /* ms: the end of our wait for the peer's FIN; 0 before we have sent ours */
};

/* What a lesson adds: the four events that the delegate of an asynchronous socket library gets, too. */
static void on_connect(struct client *c);
static size_t on_data(struct client *c, const char *data, size_t len); /* returns the bytes it used, gets */
static void on_disconnect(struct client *c);                           /* the rest again; also at eof */
static int on_tick(long long now); /* returns the ms until it wants the next tick, -1: never */

static struct client clients[FD_SETSIZE];
static int top;                    /* no slot from here on is open */
static int verbose;                /* -v */
static volatile sig_atomic_t stop; /* SIGINT or SIGTERM has come */
static void on_signal(int number) { stop = number; }

/* Milliseconds, by a clock that nobody can set. */
static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Returns the number, 0 to max, that an option's text stands for; anything else ends the program. */
static int parse_number(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value <= max)
        return (int)value;
    fprintf(stderr, "%s: '%s' is not a number from 0 to %d\n%s", program, text, max, usage);
    exit(2);
}

/* Writes "host:port" in digits: to ask DNS for a name instead could stop the whole server for seconds. */
static void name_address(const void *address, socklen_t len, char name[NAME_SIZE]) {
    char host[NAME_SIZE - 9] = "?", port[6] = "?";
    getnameinfo(address, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, NAME_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* The microscope of -v: "->" came from the peer, "<-" went to it; 16 bytes a row. */
static void show_wire(const char *name, const char *arrow, const char *data, size_t len) {
    if (verbose)
        fprintf(stderr, "%s %s %zu byte%s\n", name, arrow, len, len == 1 ? "" : "s");
    for (size_t row = 0; verbose && row < len; row += 16) {
        char hex[16 * 3 + 1], text[16 + 1] = "";
        for (size_t i = 0; i < 16 && row + i < len; i++) {
            unsigned char byte = (unsigned char)data[row + i];
            snprintf(hex + 3 * i, 4, " %02x", byte);
            text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
        }
        fprintf(stderr, "%8zu %-48s  %s\n", row, hex, text);
    }
}

/* Adds bytes at the end. Returns -1, and adds none, if that would make over `max` or memory is out. */
static int buffer_append(struct buffer *b, const char *data, size_t len, size_t max) {
    if (len > max - b->length)
        return -1;
    if (b->length + len > b->size) {
        size_t size = b->length + len < max / 2 ? 2 * (b->length + len) : max;
        char *bigger = realloc(b->data, size);
        if (bigger == NULL)
            return -1;
        b->data = bigger;
        b->size = size;
    }
    memcpy(b->data + b->length, data, len);
    b->length += len;
    return 0;
}

/* Takes bytes away from the front. */
static void buffer_take(struct buffer *b, size_t len) {
    b->length -= len;
    if (b->length > 0)
        memmove(b->data, b->data + len, b->length);
}

/* Ends a connection and logs why; NULL: as usual. Freed only at the end of the turn: callers may hold it. */
static void client_drop(struct client *c, const char *why) {
    if (!c->gone)
        fprintf(stderr, "%s disconnected%s%s\n", c->name, why ? ": " : "", why ? why : "");
    c->gone = 1;
}

/* Queues bytes for a client. One that lets OUT_MAX bytes pile up is too slow to keep. */
static void client_send(struct client *c, const char *data, size_t len) {
    if (len > 0 && !c->closing && !c->gone && buffer_append(&c->out, data, len, OUT_MAX) < 0)
        client_drop(c, "too slow, it does not read what it is sent");
}

static void client_read(struct client *c) {
    static char chunk[IN_MAX];
    ssize_t n = read(c->fd, chunk, IN_MAX - c->in.length);
    if (n > 0) {
        show_wire(c->name, "->", chunk, (size_t)n);
        size_t used = c->in.length > 0 || c->closing || c->gone ? 0 : on_data(c, chunk, (size_t)n);
        if (used < (size_t)n && buffer_append(&c->in, chunk + used, (size_t)n - used, IN_MAX) < 0)
            client_drop(c, "out of memory");
    } else if (n == 0) {
        c->eof = 1;
    } else if (errno != EAGAIN && errno != EINTR) {
        client_drop(c, strerror(errno));
    }
    c->news = c->in.length > 0 || c->eof;
}

/* Offers on_data what has come, for as long as it uses some of it. */
static void client_work(struct client *c) {
    while (c->news && !c->gone) {
        size_t used = c->closing ? c->in.length : on_data(c, c->in.data, c->in.length);
        buffer_take(&c->in, used);
        c->news = used > 0;
    }
}

/* Writes what is owed, once. The room that this makes in `out` may be what on_data was waiting for. */
static void client_flush(struct client *c) {
    ssize_t n = write(c->fd, c->out.data, c->out.length);
    c->blocked = n < (ssize_t)c->out.length;
    if (n > 0) {
        show_wire(c->name, "<-", c->out.data, (size_t)n);
        buffer_take(&c->out, (size_t)n);
        c->news = c->in.length > 0 || c->eof;
    } else if (errno != EAGAIN && errno != EINTR) {
        client_drop(c, strerror(errno));
    }
}

/* Ends a client's turn: sends what it brought, hangs up when all is said, frees. Hanging up takes a FIN and a
 * wait for the peer's: close() with bytes unread would send RST, which can destroy our last words. */
static void client_settle(struct client *c) {
    if (c->out.length > 0 && !c->blocked && !c->gone)
        client_flush(c);
    if (c->closing && c->out.length == 0 && c->linger_until == 0) {
        shutdown(c->fd, SHUT_WR);
        c->linger_until = now_ms() + LINGER_MS;
    }
    if (c->out.length == 0 && (c->eof ? !c->news : c->closing && now_ms() >= c->linger_until))
        client_drop(c, NULL);
    if (c->gone) {
        on_disconnect(c);
        close(c->fd);
        free(c->in.data);
        free(c->out.data);
        c->open = 0;
    }
}

/* Visits all clients: client_next(NULL) is the first, client_next(c) the one after c; NULL: no more. */
static struct client *client_next(const struct client *c) {
    for (int fd = c ? c->fd + 1 : 0; fd < top; fd++)
        if (clients[fd].open)
            return &clients[fd];
    return NULL;
}

/* Takes a newcomer in and returns 1. Returns 0 if there is none, or no room: to leave one in the queue would
 * make select() say "readable" for ever, so one descriptor is kept free to refuse people with. */
static int client_accept(int listener) {
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int fd = accept(listener, (struct sockaddr *)&address, &len);
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL); /* ENFILE, ENOMEM: do not spin */
    if (fd < 0)
        return 0;
    struct client newcomer = {.open = 1, .fd = fd};
    name_address(&address, len, newcomer.name);
    int spare = dup(fd), room = spare >= 0 && spare < FD_SETSIZE;
    close(spare);
    fprintf(stderr, "%s %s\n", newcomer.name, room ? "connected" : "refused: no room");
    if (!room) {
        close(fd);
        return 0;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* no waiting to fill a packet */
    clients[fd] = newcomer;
    top = fd < top ? top : fd + 1;
    on_connect(&clients[fd]);
    return 1;
}

/* Returns a socket that listens, after saying where; or ends the program. SOMAXCONN may be 128: too few. */
static int listen_on(const char *address, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found = NULL, *a;
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s:%s", address, port);
    int fd = -1, error = getaddrinfo(address, port, &hints, &found);
    for (a = found; a; a = a->ai_next) {
        name_address(a->ai_addr, a->ai_addrlen, name);
        if ((fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)); /* or a restart waits a minute */
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 4096) == 0 && fd < FD_SETSIZE)
            break;
        close(fd);
    }
    if (a == NULL) {
        const char *why = error ? gai_strerror(error) : strerror(errno);
        fprintf(stderr, "%s: cannot listen on %s: %s\n", program, name, why);
        exit(1);
    }
    getsockname(fd, a->ai_addr, &a->ai_addrlen); /* with -p 0: the port that it has become */
    name_address(a->ai_addr, a->ai_addrlen, name);
    fprintf(stderr, "%s: listening on %s\n", program, name);
    fcntl(fd, F_SETFL, O_NONBLOCK); /* a newcomer may be gone again before accept() gets to it */
    freeaddrinfo(found);
    return fd;
}

/* Tells select() what to wait for. Returns for how many ms at most, -1: for ever. */
static long long watch(int listener, fd_set *readable, fd_set *writable) {
    long long now = now_ms(), wait = on_tick(now);
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(listener, readable);
    for (struct client *c = client_next(NULL); c; c = client_next(c)) {
        if (!c->eof && c->in.length < IN_MAX) /* back-pressure: a full `in` makes the peer wait */
            FD_SET(c->fd, readable);
        if (c->out.length > 0)
            FD_SET(c->fd, writable);
        long long until = c->news || c->gone ? now : c->linger_until;
        if (until > 0 && (wait < 0 || wait > until - now))
            wait = until > now ? until - now : 0;
    }
    return wait;
}

/* The loop: wait, read, act, write, accept. Returns when SIGINT or SIGTERM has come. */
static void serve(const char *address, const char *port) {
    sigset_t none, ends, come;
    sigemptyset(&none);
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_SETMASK, &ends, NULL); /* only pselect() lets them in: none is lost before it sleeps */
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* a dead peer must not kill us */
    int listener = listen_on(address, port);
    while (!stop) {
        fd_set readable, writable;
        long long wait = watch(listener, &readable, &writable);
        struct timespec timeout = {(time_t)(wait / 1000), (long)(wait % 1000 * 1000000)};
        if (pselect(FD_SETSIZE, &readable, &writable, NULL, wait < 0 ? NULL : &timeout, &none) < 0)
            continue; /* a signal has come, and the sets say nothing */
        for (struct client *c = client_next(NULL); c; c = client_next(c)) {
            if (FD_ISSET(c->fd, &writable))
                client_flush(c);
            if (FD_ISSET(c->fd, &readable))
                client_read(c);
            client_work(c);
        }
        for (struct client *c = client_next(NULL); c; c = client_next(c))
            client_settle(c);
        while (top > 0 && !clients[top - 1].open)
            top--;
        sigpending(&come); /* pselect() may let none in while there are bytes to read: a busy server asks */
        stop |= sigismember(&come, SIGINT) | sigismember(&come, SIGTERM);
        for (int i = 0; FD_ISSET(listener, &readable) && i < 64 && client_accept(listener); i++)
            continue; /* newcomers come last, for those who left in this turn have made room */
    }
}
/* ---- end of plumbing ---- */

/* ---- The folder: it holds files whose names we have made, and no others are ever opened ---- */

static DIR *folder;
static int urandom;                   /* descriptor of the source of random bytes */
static char temporary[PATH_MAX];      /* the folder's name, if it is to be removed at the end */
static long long size_max = 67108864; /* bytes, -m */

/* Is this a name as we make them? Whatever else is asked for ("../../etc/passwd") is not even looked for. */
static int is_path(const char *name, const char *end) {
    return strspn(name, "0123456789abcdef") == PATH_LENGTH && strcmp(name + PATH_LENGTH, end) == 0;
}

/* Removes what uploads have left behind that never came to their end; or all files. */
static void folder_sweep(int all) {
    rewinddir(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (is_path(entry->d_name, PART) || (all && is_path(entry->d_name, "")))
            unlinkat(dirfd(folder), entry->d_name, 0);
}

/* exit() calls this. */
static void folder_close(void) {
    folder_sweep(*temporary != '\0');
    if (*temporary == '\0')
        return;
    unlinkat(dirfd(folder), "lock", 0);
    rmdir(temporary);
}

/* Ends the program, for want of something that it cannot do without. */
static void give_up(const char *what, const char *why) {
    fprintf(stderr, "%s: cannot use %s: %s\n", program, what, why);
    exit(1);
}

/* Opens the folder; NULL: a temporary one. Only for this server: it removes half files, and another one may
 * just be writing them. */
static void folder_open(const char *name) {
    const char *tmp = getenv("TMPDIR");
    if (name == NULL) {
        snprintf(temporary, sizeof temporary, "%s/file_server.XXXXXX", tmp && *tmp ? tmp : "/tmp");
        if ((name = mkdtemp(temporary)) == NULL)
            give_up(temporary, strerror(errno));
    } else {
        mkdir(name, 0700); /* if it cannot be made, opendir() will say so */
    }
    if ((folder = opendir(name)) == NULL)
        give_up(name, strerror(errno));
    int lock = openat(dirfd(folder), "lock", O_RDWR | O_CREAT, 0600); /* stays open, and so locked */
    if (lock < 0)
        give_up(name, strerror(errno));
    if (fcntl(lock, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}) < 0)
        give_up(name, "another server uses it");
    if ((urandom = open("/dev/urandom", O_RDONLY)) < 0)
        give_up("/dev/urandom", strerror(errno));
    atexit(folder_close);
    folder_sweep(0);
}

/* Opens a file. Like the plumbing, it leaves a descriptor free to refuse newcomers with. Returns -1 with errno. */
static int folder_file(const char *name, int flags) {
    int file = openat(dirfd(folder), name, flags, 0600);
    if (file < 0)
        return -1;
    int spare = dup(file);
    close(spare >= 0 ? spare : file);
    errno = EMFILE;
    return spare >= 0 ? file : -1;
}

/* ---- Answers ---- */

enum state { IDLE, UPLOAD, DOWNLOAD };

static struct transfer { /* what a client is at */
    enum state state;
    int file;                             /* the file's descriptor, unless idle; or -1 */
    long long size, left;                 /* bytes of it, and those of them that are still to come or to go */
    char id[ID_MAX + 1];                  /* of the request */
    char path[PATH_LENGTH + 1];           /* an upload's name, */
    char part[sizeof PART + PATH_LENGTH]; /* and the one that it has until it is complete */
    enum frame_format format;             /* in which the client spoke last */
} transfers[FD_SETSIZE];

/* Shows with -v what a frame means. */
static void show_frame(const struct client *c, const char *arrow, enum frame_format format, size_t length,
                       const struct message *m) {
    static const char *const formats[] = {[FRAME_TEXT] = "text", "json", "xml", "bytes"};
    char meaning[512] = "";
    if (!verbose)
        return;
    if (m)
        message_show(m, meaning, sizeof meaning);
    fprintf(stderr, "%s %s frame: %s, %zu byte%s%s%s\n", c->name, arrow, formats[format], length,
            length == 1 ? "" : "s", m ? ": " : "", meaning);
}

/* Answers a client in its own format, to the request that it is at. */
static void reply(struct client *c, struct message m) {
    struct transfer *t = &transfers[c->fd];
    char frame[FRAME_HEADER + REPLY_MAX];
    m.field[ID] = *t->id ? t->id : NULL;
    size_t length = message_encode(&m, (enum message_format)t->format, frame + FRAME_HEADER, REPLY_MAX);
    frame_header(frame, t->format, length);
    show_frame(c, "<-", t->format, length, &m);
    client_send(c, frame, FRAME_HEADER + length);
    *t->id = '\0'; /* each request has one answer */
}

/* Ends what a client is at. Of an upload that was not kept nothing stays. */
static void transfer_end(struct transfer *t) {
    if (t->state != IDLE)
        close(t->file);
    if (t->state == UPLOAD)
        unlinkat(dirfd(folder), t->part, 0);
    t->state = IDLE;
}

/* Answers with an error. One to `put` ends the connection: its bytes are on their way, and no request. */
static void refuse(struct client *c, const char *code, const char *why) {
    struct transfer *t = &transfers[c->fd];
    reply(c, (struct message){.type = ERROR, .field = {[CODE] = code, [BODY] = why}});
    c->closing = t->state == UPLOAD || strcmp(code, "frame") == 0;
    transfer_end(t);
}

/* Answers that the disk refuses, with errno, and logs it. */
static void refuse_storage(struct client *c) {
    const char *why = strerror(errno);
    fprintf(stderr, "%s storage: %s\n", c->name, why);
    refuse(c, "storage", why);
}

/* ---- Transfers ---- */

/* Makes a file of a random name, which it will get when it is complete. Returns 0, or -1 with errno. */
static int upload_open(struct transfer *t) {
    unsigned char random[PATH_LENGTH / 2];
    if (read(urandom, random, sizeof random) != sizeof random)
        return -1;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(t->path + 2 * i, 3, "%02x", random[i]);
    memcpy(t->part, t->path, PATH_LENGTH);
    memcpy(t->part + PATH_LENGTH, PART, sizeof PART);
    t->file = folder_file(t->part, O_WRONLY | O_CREAT | O_EXCL);
    return t->file < 0 ? -1 : 0;
}

/* Writes what has come of an upload. Returns 0, or -1 with errno. */
static int upload_write(struct transfer *t, const char *data, size_t len) {
    t->left -= (long long)len;
    for (ssize_t n; len > 0; data += n, len -= (size_t)n)
        if ((n = write(t->file, data, len)) < 0)
            return -1;
    return 0;
}

/* Gives a complete file its name: first its bytes are brought to the disk, then the name, too. From here on no
 * power failure takes it away. Returns 0, or -1 with errno. */
static int upload_keep(struct transfer *t) {
    int dir = dirfd(folder);
    return fsync(t->file) < 0 || renameat(dir, t->part, dir, t->path) < 0 || fsync(dir) < 0 ? -1 : 0;
}

/* Takes the next bytes of an upload; the last ones are answered with its path. */
static void upload_turn(struct client *c, const char *data, size_t len) {
    struct transfer *t = &transfers[c->fd];
    char size[24];
    snprintf(size, sizeof size, "%lld", t->size);
    if (upload_write(t, data, len) < 0 || (t->left == 0 && upload_keep(t) < 0)) {
        refuse_storage(c);
    } else if (t->left == 0) {
        /* In the log is only the beginning of the path: who knows all of it may read the file. */
        fprintf(stderr, "%s put %.4s..., %s bytes\n", c->name, t->path, size);
        reply(c, (struct message){.type = OK, .field = {[PATH] = t->path, [SIZE] = size}});
        transfer_end(t);
    }
}

/* Says how large a file is; download_turn() sends it, from `offset` on. */
static void download_open(struct client *c, long long offset) {
    struct transfer *t = &transfers[c->fd];
    char size[24];
    t->state = DOWNLOAD;
    t->size = lseek(t->file, 0, SEEK_END);
    t->left = t->size - offset;
    snprintf(size, sizeof size, "%lld", t->size);
    if (t->left < 0 || lseek(t->file, (off_t)offset, SEEK_SET) < 0) {
        refuse(c, "size", "offset is beyond the end");
        return;
    }
    reply(c, (struct message){.type = OK, .field = {[SIZE] = size}});
    if (t->left == 0)
        transfer_end(t);
}

/* Sends of a file what there is room for: who reads slowly waits, and costs OUT_MAX, whatever the size. */
static void download_turn(struct client *c) {
    static char frame[FRAME_HEADER + CHUNK_MAX];
    struct transfer *t = &transfers[c->fd];
    while (t->state == DOWNLOAD && OUT_MAX - c->out.length >= sizeof frame && !c->gone) {
        ssize_t n = read(t->file, frame + FRAME_HEADER, CHUNK_MAX);
        if (n <= 0 || n > t->left) { /* the size was promised, so there is no other way to tell */
            client_drop(c, n < 0 ? strerror(errno) : "its file has changed");
            return;
        }
        frame_header(frame, FRAME_BYTES, (size_t)n);
        show_frame(c, "<-", FRAME_BYTES, (size_t)n, NULL);
        client_send(c, frame, FRAME_HEADER + (size_t)n);
        t->left -= n;
        if (t->left == 0)
            transfer_end(t);
    }
}

/* ---- Requests ---- */

static void handle_put(struct client *c, const struct message *m) {
    struct transfer *t = &transfers[c->fd];
    char why[64];
    snprintf(why, sizeof why, "the largest file that is taken has %lld bytes", size_max);
    t->size = t->left = message_number(m, SIZE);
    if (t->size < 0)
        refuse(c, "field", "size has to be a number");
    else if (t->size > size_max)
        refuse(c, "size", why);
    else if (upload_open(t) < 0)
        refuse_storage(c);
    else
        upload_turn(c, NULL, 0); /* which is the last already if it is empty */
}

static void handle_get(struct client *c, const struct message *m) {
    struct transfer *t = &transfers[c->fd];
    const char *path = m->field[PATH] ? m->field[PATH] : "";
    long long offset = m->field[OFFSET] ? message_number(m, OFFSET) : 0;
    if (offset < 0) {
        refuse(c, "field", "offset has to be a number");
    } else if (!is_path(path, "")) {
        refuse(c, "field", "path has to be 32 digits, 0 to 9 and a to f");
    } else if ((t->file = folder_file(path, O_RDONLY)) < 0 && errno == ENOENT) {
        refuse(c, "unknown", "there is no such file");
    } else if (t->file < 0) {
        refuse_storage(c);
    } else {
        download_open(c, offset);
    }
}

/* Keeps the id of a request. Returns 0 if it is none. */
static int id_keep(struct transfer *t, const char *id) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t len = id ? strlen(id) : 0;
    if (len == 0 || len > ID_MAX || strspn(id, allowed) < len)
        return 0;
    memcpy(t->id, id, len + 1);
    return 1;
}

static void handle_message(struct client *c, const struct frame *f) {
    static char store[FRAME_MAX + 1];
    struct transfer *t = &transfers[c->fd];
    struct message m;
    size_t at;
    char offset[24];
    t->format = f->format;
    const char *wrong = message_decode(&m, (enum message_format)f->format, f->payload, f->length, store, &at);
    show_frame(c, "->", f->format, f->length, wrong ? NULL : &m);
    if (wrong) {
        snprintf(offset, sizeof offset, "%zu", at);
        reply(c, (struct message){.type = ERROR, .field = {[CODE] = "parse", [BODY] = wrong, [AT] = offset}});
        return;
    }
    t->file = -1;
    t->state = m.type == PUT ? UPLOAD : IDLE;
    if (!id_keep(t, m.field[ID]))
        refuse(c, "field", "id has to be 1 to 64 letters, digits, - _ or .");
    else if (m.type == PUT)
        handle_put(c, &m);
    else if (m.type == GET)
        handle_get(c, &m);
    else
        refuse(c, "type", "this server knows put and get");
}

/* Takes a frame; between `put` and the end of its file only frames of bytes are right. */
static void handle_frame(struct client *c, const struct frame *f) {
    struct transfer *t = &transfers[c->fd];
    if (t->state == IDLE && f->format != FRAME_BYTES) {
        handle_message(c, f);
        return;
    }
    show_frame(c, "->", f->format, f->length, NULL);
    if (t->state == IDLE || f->format != FRAME_BYTES)
        refuse(c, "frame", "bytes of a file come behind put, and nothing else does");
    else if ((long long)f->length > t->left)
        refuse(c, "size", "these are more bytes than announced");
    else
        upload_turn(c, f->payload, f->length);
}

/* ---- The four events ---- */

static void on_connect(struct client *c) { transfers[c->fd] = (struct transfer){.format = FRAME_TEXT}; }
static void on_disconnect(struct client *c) { transfer_end(&transfers[c->fd]); }

static int on_tick(long long now) {
    (void)now;
    for (struct client *c = client_next(NULL); c; c = client_next(c))
        download_turn(c);
    return -1;
}

/* Takes frame after frame, but nothing while something is owed: so a download comes to its end before the next request,
 * and who brings many files makes the others wait for the disk once a turn, not for all of them. */
static size_t on_data(struct client *c, const char *data, size_t len) {
    struct transfer *t = &transfers[c->fd];
    struct frame f;
    size_t used = 0;
    long n = 0;
    download_turn(c);
    while (!c->closing && t->state != DOWNLOAD && c->out.length == 0 &&
           (n = frame_decode(&f, data + used, len - used)) > 0) {
        handle_frame(c, &f);
        used += (size_t)n;
    }
    if (n < 0)
        refuse(c, "frame", "a length over 65536, or no format from 1 to 4");
    return used;
}

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *port = "5289", *dir = NULL;
    int option;
    while ((option = getopt(argc, argv, "hva:p:d:m:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 65535); break;
        case 'd': dir = optarg; break;
        case 'm': size_max = parse_number(optarg, INT_MAX); break;
        default: return fputs(usage, stderr), 2;
        }
    if (optind < argc)
        return fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage), 2;
    folder_open(dir);
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EFBIG instead */
    serve(address, port);
    return 0;
}
