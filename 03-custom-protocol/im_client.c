/* im_client.c - messages to people by name, and files, over the protocol of PROTOCOL.md.
 *
 *     terminal 1:  make -C .. && ./im_server -v
 *     terminal 2:  ./file_server
 *     terminal 3:  ./im_client -u zhangsan -w 123456 -f json       lisi: 吃饭了吗      /send lisi cat.png
 *     terminal 4:  ./im_client -u lisi -w 123456 -f xml            /get PATH
 *
 * Watch: with -v, each frame and what it means; in a pipe it ends when its input has ended and all is answered. New
 * here: a message is acknowledged when it is written to stdout, and not before, so none is lost on the way; and
 * a file goes over a connection of its own, in the same loop, so the talk goes on meanwhile.
 * Left out: it does not reconnect (lesson 04), and does not remember from one start to the next which message it saw
 * last: one that was printed, but whose acknowledgement was lost, comes again. A line is edited by the terminal
 * itself, so what arrives goes through it (lesson 02 has an editor).
 */
#define _POSIX_C_SOURCE 200809L

#include "frame.h"
#include "message.h"
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WIRE_ROOM   (FRAME_HEADER + FRAME_MAX) /* bytes in the longest frame */
#define WIRE_SIZE   ((size_t)2 * WIRE_ROOM)    /* bytes that wait in each direction of a connection */
#define LINE_SIZE   (VALUE_MAX + 1024)         /* bytes in a line that is typed: a message, and to whom */
#define TEXT_SIZE   (FRAME_MAX + 256)       /* bytes in a line that is printed: a message, and all about it */
#define SCREEN_SIZE ((size_t)4 * TEXT_SIZE) /* bytes that wait to be printed */
#define REQUESTS    32                      /* requests that wait for their answer; then we read no line */
#define TRANSFERS   4                       /* files under way at once; then the next has to wait */
#define OFFERS      64                      /* files that we were sent last: we know their names */
#define LEAVE_MS    2000                    /* how long we wait at the end for the server to hang up, too */
#define PROGRESS_MS 100                     /* between two pictures of the progress */
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

static const char program[] = "im_client";
static const char usage[] =
    "usage: im_client [-hv] [-u NAME] [-w PASSWORD] [-f FORMAT] [-F PORT] [HOST [PORT]]\n"
    "  -h           print this help\n"
    "  -v           show every read and write on stderr, in hex and text, and what each frame means\n"
    "  -u NAME      who you are (default $USER)\n"
    "  -w PASSWORD  (default $IM_PASSWORD, which other users of this computer do not see)\n"
    "  -f FORMAT    text, json or xml: what you speak with the server (default text)\n"
    "  -F PORT      of the file server, on the same host (default 5289)\n"
    "  HOST         name or address (default 127.0.0.1)\n"
    "  PORT         0 to 65535 (default 5288)\n";
static const char help[] =
    "NAME: TEXT           write to somebody\n"
    "/history NAME [N]    the last N messages between you two (default 20)\n"
    "/who                 who of those you have written with is online\n"
    "/send NAME FILE      send a file\n"
    "/get PATH [FILE]     fetch one that you were sent, under its name or another one\n"
    "/help, /quit\n";

/* ---- client plumbing: the same in every TCP client of this course (see 01-echo/echo_client.c) ---- */

static int verbose;                /* -v */
static volatile sig_atomic_t stop; /* SIGINT or SIGTERM has come */
static void on_signal(int number) { stop = number; }

/* Milliseconds, by a clock that nobody can set. */
static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Returns the number, 0 to max, that an argument stands for; anything else ends the program. */
static int parse_number(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value <= max)
        return (int)value;
    fprintf(stderr, "%s: '%s' is not a number from 0 to %d\n%s", program, text, max, usage);
    exit(2);
}

/* Returns the addresses that a name stands for, IPv6 and IPv4; none ends the program. */
static struct addrinfo *resolve(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error == 0)
        return found;
    fprintf(stderr, "%s: cannot find %s: %s\n", program, host, gai_strerror(error));
    exit(1);
}

/* From here on signals come only in pselect(..., none), so that none is lost just before it sleeps. */
static void catch_signals(sigset_t *none) {
    sigset_t all;
    sigfillset(&all);
    sigemptyset(none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EPIPE instead */
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

/* Returns a non-blocking socket connected to the first address that answers, or -1 with errno. A plain
 * connect() can hang for minutes; this one is a wait like any other, and a signal ends it. */
static int connect_to(const struct addrinfo *a, const sigset_t *none) {
    int error = EINTR;
    for (; a && !stop; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        error = connect(fd, a->ai_addr, a->ai_addrlen) < 0 ? errno : 0;
        while (error == EINPROGRESS && !stop && fd < FD_SETSIZE) {
            fd_set writable;
            FD_ZERO(&writable);
            FD_SET(fd, &writable);
            if (pselect(fd + 1, NULL, &writable, NULL, NULL, none) > 0)
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
        }
        if (error == 0)
            return fd;
        close(fd);
    }
    errno = error;
    return -1;
}
/* ---- end of client plumbing ---- */

/* ---- Text: whatever the locale, it is UTF-8 ---- */

/* Returns the length in bytes, 1 to 4, of the UTF-8 character (RFC 3629) at s, or 0 if there is none. */
static size_t utf8_length(const unsigned char *s, size_t len) {
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
    if (n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    int overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    int surrogate = s[0] == 0xED && s[1] > 0x9F, beyond = s[0] == 0xF4 && s[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : n;
}

/* Makes text safe to print on a terminal: what is not UTF-8 becomes question marks, and so does every control
 * character, for with one (ESC, or U+0080 to U+009F) the commands to a terminal begin. A line stays one line. */
static void text_clean(char *text, size_t len) {
    unsigned char *s = (unsigned char *)text;
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = utf8_length(s + i, len - i);
        int c0 = n == 1 && ((s[i] < ' ' && s[i] != '\t') || s[i] == 127);
        int c1 = n == 2 && s[i] == 0xC2 && s[i + 1] < 0xA0;
        if (n == 0 || c0 || c1)
            memset(s + i, '?', n ? n : 1);
    }
}

/* Says something about the program, in one line on stderr. */
static void note(const char *format, ...) {
    char line[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_clean(line, strlen(line));
    const char *over =
        isatty(STDERR_FILENO) ? "\r\033[K" : ""; /* the progress, which may stand in this line */
    fprintf(stderr, "%s%s: %s\n", over, program, line);
}

/* ---- A wire: a connection that carries frames ---- */

struct wire {
    int fd, connecting, eof;
    char name[300];                      /* "127.0.0.1:5288" */
    size_t in_start, in_end, out_length; /* what has come is in[in_start] to in[in_end - 1] */
    char in[WIRE_SIZE], out[WIRE_SIZE];
};

static int wire_has_room(const struct wire *w) { return WIRE_SIZE - w->out_length >= WIRE_ROOM; }

/* Shows with -v what a frame means. */
static void show_frame(const struct wire *w, const char *arrow, const struct frame *f) {
    static const char *const formats[] = {[FRAME_TEXT] = "text", "json", "xml", "bytes"};
    static char store[FRAME_MAX + 1];
    char meaning[512] = "";
    struct message m;
    size_t at;
    if (!verbose)
        return;
    if (f->format != FRAME_BYTES &&
        message_decode(&m, (enum message_format)f->format, f->payload, f->length, store, &at) == NULL)
        message_show(&m, meaning, sizeof meaning);
    fprintf(stderr, "%s %s frame: %s, %zu byte%s%s%s\n", w->name, arrow, formats[f->format], f->length,
            f->length == 1 ? "" : "s", *meaning ? ": " : "", meaning);
}

/* Counts a frame that stands at the end of `out` as sent. */
static void wire_sent(struct wire *w, size_t length) {
    struct frame f;
    if (frame_decode(&f, w->out + w->out_length, length) > 0)
        show_frame(w, "<-", &f);
    w->out_length += length;
}

/* Sends a message; callers have seen to it that there is room. Returns -1 if it cannot be written. */
static int wire_send(struct wire *w, enum message_format format, const struct message *m) {
    char *out = w->out + w->out_length;
    size_t length = message_encode(m, format, out + FRAME_HEADER, FRAME_MAX);
    frame_header(out, (enum frame_format)format, length);
    if (length > 0)
        wire_sent(w, FRAME_HEADER + length);
    return length > 0 ? 0 : -1;
}

/* Returns 1 and the frame that has come next, which stays where it is until wire_read(); 0 if there is none; -1
 * if what has come is none. */
static int wire_receive(struct wire *w, struct frame *f) {
    long n = frame_decode(f, w->in + w->in_start, w->in_end - w->in_start);
    if (n <= 0)
        return (int)n;
    w->in_start += (size_t)n;
    show_frame(w, "->", f);
    return 1;
}

/* Reads once. At the end, or when the connection is broken, w->eof is set. */
static void wire_read(struct wire *w) {
    memmove(w->in, w->in + w->in_start, w->in_end - w->in_start);
    w->in_end -= w->in_start;
    w->in_start = 0;
    ssize_t n = read(w->fd, w->in + w->in_end, WIRE_SIZE - w->in_end);
    if (n > 0) {
        show_wire(w->name, "->", w->in + w->in_end, (size_t)n);
        w->in_end += (size_t)n;
    }
    w->eof = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Writes once. If that fails the rest is lost, but what the peer said before it went is still to be read. */
static void wire_write(struct wire *w) {
    ssize_t n = write(w->fd, w->out, w->out_length);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    size_t gone = n < 0 ? w->out_length : (size_t)n;
    if (n > 0)
        show_wire(w->name, "<-", w->out, (size_t)n);
    w->out_length -= gone;
    memmove(w->out, w->out + gone, w->out_length);
}

/* Tells select() what to wait for. */
static void wire_watch(const struct wire *w, fd_set *readable, fd_set *writable) {
    if (!w->eof && !w->connecting && w->in_end - w->in_start < WIRE_SIZE)
        FD_SET(w->fd, readable);
    if (w->connecting || w->out_length > 0)
        FD_SET(w->fd, writable);
}

static void wire_turn(struct wire *w, const fd_set *readable, const fd_set *writable) {
    if (FD_ISSET(w->fd, writable))
        wire_write(w);
    if (FD_ISSET(w->fd, readable))
        wire_read(w);
}

/* ---- The conversation ---- */

struct request { /* one that has no answer yet */
    char id[64];
    enum message_type type;
    int file;        /* it offers one */
    char about[256]; /* what a note about it begins with */
};

struct delivery {           /* a file that is under way */
    int active, announcing; /* announcing: it is there; now tell its receiver */
    char to[256];
    struct wire wire;
    struct transfer file;
};

struct chat {
    struct wire server;
    struct sockaddr_storage files; /* address of the file server */
    socklen_t files_length;
    char files_name[sizeof((struct wire *)0)->name];
    const char *name, *password;
    enum message_format format;
    char word[17]; /* what our ids begin with, random, for they are never to be used again */
    long count;    /* and what they end with */
    int logged_in, input_ended, too_long, finished, failed;
    long long waiting;      /* messages that are still to come of those that came while we were away */
    long long unacked;      /* number of the last message that is not acknowledged, or 0 */
    long long until, shown; /* ms: the end of our wait at the end; when the progress was shown */
    size_t typed_length, screen_length;
    char typed[LINE_SIZE + 1], screen[SCREEN_SIZE];
    struct request requests[REQUESTS];
    struct delivery deliveries[TRANSFERS];
    struct offer { /* a file that somebody has sent us */
        char path[TRANSFER_PATH + 1], name[256];
    } offers[OFFERS];
    int offer; /* the next to be used again */
};

static const char *field(const struct message *m, enum message_field f) {
    return m->field[f] ? m->field[f] : "";
}

/* Puts a line on the screen, harmless whatever it is made of. */
static void say(struct chat *c, const char *format, ...) {
    char *line = c->screen + c->screen_length;
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, TEXT_SIZE - 1, format, arguments);
    va_end(arguments);
    size_t len = n < TEXT_SIZE - 1 ? (size_t)n : TEXT_SIZE - 2;
    text_clean(line, len);
    line[len] = '\n';
    c->screen_length += len + 1;
}

static int screen_has_room(const struct chat *c) { return SCREEN_SIZE - c->screen_length >= TEXT_SIZE; }

static struct request *request_free(struct chat *c) {
    for (int i = 0; i < REQUESTS; i++)
        if (*c->requests[i].id == '\0')
            return &c->requests[i];
    return NULL;
}

static int request_pending(const struct chat *c) {
    for (int i = 0; i < REQUESTS; i++)
        if (*c->requests[i].id != '\0')
            return 1;
    return 0;
}

/* Sends a request; callers have seen to it that there is room. Returns -1 if it cannot be written. */
static int request_send(struct chat *c, struct message m, const char *about) {
    struct request *r = request_free(c);
    if (r == NULL)
        return -1;
    snprintf(r->id, sizeof r->id, "%s-%ld", c->word, ++c->count);
    snprintf(r->about, sizeof r->about, "%s", about);
    r->type = m.type;
    r->file = m.field[PATH] != NULL;
    m.field[ID] = r->id;
    if (wire_send(&c->server, c->format, &m) == 0)
        return 0;
    *r->id = '\0';
    note("%s: this cannot be said in a message", about);
    return -1;
}

/* ---- Files: each goes over a short connection of its own ---- */

static struct delivery *delivery_free(struct chat *c) {
    for (int i = 0; i < TRANSFERS; i++)
        if (!c->deliveries[i].active)
            return &c->deliveries[i];
    return NULL;
}

static void delivery_end(struct delivery *d) {
    transfer_close(&d->file);
    if (d->active)
        close(d->wire.fd);
    d->active = d->announcing = 0;
}

static void delivery_fail(struct delivery *d, const char *why) {
    note("%s: %s", d->file.local, why);
    delivery_end(d);
}

/* Begins to connect to the file server; the loop will see it done. The file is open, if `ready` is 0. */
static void delivery_begin(const struct chat *c, struct delivery *d, int ready) {
    struct wire *w = &d->wire;
    if (ready < 0) {
        delivery_fail(d, d->file.why);
        return;
    }
    snprintf(w->name, sizeof w->name, "%s", c->files_name);
    w->in_start = w->in_end = w->out_length = 0;
    w->eof = 0;
    w->fd = socket(c->files.ss_family, SOCK_STREAM, 0);
    int error = w->fd < 0 ? errno : w->fd >= FD_SETSIZE ? EMFILE : 0;
    d->active = w->connecting = 1;
    fcntl(w->fd, F_SETFL, O_NONBLOCK);
    if (!error && connect(w->fd, (const struct sockaddr *)&c->files, c->files_length) < 0)
        error = errno;
    if (error && error != EINPROGRESS)
        delivery_fail(d, strerror(error));
}

/* The connection is made, or not. */
static void delivery_connected(struct delivery *d) {
    int error = 0;
    getsockopt(d->wire.fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
    d->wire.connecting = 0;
    if (error)
        delivery_fail(d, strerror(error));
}

/* Tells the receiver of a file where it is. */
static void delivery_announce(struct chat *c, struct delivery *d) {
    const char *slash = strrchr(d->file.local, '/');
    char size[24];
    snprintf(size, sizeof size, "%lld", d->file.size);
    struct message m = {.type = MSG};
    m.field[TO] = d->to;
    m.field[BODY] = slash ? slash + 1 : d->file.local;
    m.field[PATH] = d->file.path;
    m.field[SIZE] = size;
    request_send(c, m, d->file.local);
    delivery_end(d);
}

/* Does for a file what can be done without waiting. */
static void delivery_turn(struct chat *c, struct delivery *d) {
    struct wire *w = &d->wire;
    struct frame f;
    int got = 0, taken = 0;
    long n = 0;
    while (taken == 0 && (got = wire_receive(w, &f)) > 0)
        taken = transfer_take(&d->file, &f);
    while (taken == 0 && WIRE_SIZE - w->out_length >= TRANSFER_MAX &&
           (n = transfer_next(&d->file, c->format, w->out + w->out_length)) > 0)
        wire_sent(w, (size_t)n);
    if (taken < 0 || n < 0) {
        delivery_fail(d, d->file.why);
    } else if (taken > 0 && !d->file.upload) {
        note("%s: received, %lld bytes", d->file.local, d->file.size);
        delivery_end(d);
    } else if (taken > 0) {
        d->announcing = 1;
    } else if (got < 0 || w->eof) {
        delivery_fail(d, got < 0 ? "the file server does not speak our protocol" : "the file server hung up");
    }
}

/* Does for all files what can be done without waiting. */
static void deliveries_turn(struct chat *c) {
    for (struct delivery *d = c->deliveries; d < c->deliveries + TRANSFERS; d++) {
        if (d->active && !d->announcing && !d->wire.connecting)
            delivery_turn(c, d);
        if (d->announcing && request_free(c) && wire_has_room(&c->server))
            delivery_announce(c, d);
    }
}

/* Shows on a terminal how far the files are that are under way, all together. */
static void show_progress(struct chat *c, long long now) {
    long long done = 0, size = 0;
    for (int i = 0; i < TRANSFERS; i++)
        if (c->deliveries[i].active && c->deliveries[i].file.size > 0) { /* else it is not yet known */
            done += c->deliveries[i].file.done;
            size += c->deliveries[i].file.size;
        }
    if (size == 0 || now < c->shown + PROGRESS_MS || !isatty(STDERR_FILENO))
        return;
    int percent = (int)(100 * done / size);
    fprintf(stderr, "\r[%-20.*s] %3d %% of %lld bytes\r", percent / 5, "####################", percent, size);
    c->shown = now;
}

/* ---- What the user types ---- */

/* Takes a word off the front of a text, and the blanks behind it. "" if there is none. */
static char *word_take(char **text) {
    char *word = *text, *end = word + strcspn(word, " ");
    *text = end + strspn(end, " ");
    *end = '\0';
    return word;
}

static void do_history(struct chat *c, char *rest) {
    struct message m = {.type = HISTORY};
    m.field[NAME] = word_take(&rest);
    m.field[COUNT] = *rest ? rest : "20";
    request_send(c, m, m.field[NAME]);
}

static void do_who(struct chat *c, char *rest) {
    (void)rest;
    request_send(c, (struct message){.type = WHO}, "/who");
}

static void do_help(struct chat *c, char *rest) {
    (void)c, (void)rest;
    fputs(help, stderr);
}

static void do_quit(struct chat *c, char *rest) {
    (void)rest;
    c->input_ended = 1;
    c->typed_length = 0;
}

static void do_send(struct chat *c, char *rest) {
    struct delivery *d = delivery_free(c);
    snprintf(d->to, sizeof d->to, "%s", word_take(&rest));
    if (*rest == '\0')
        note("/send NAME FILE");
    else
        delivery_begin(c, d, transfer_put(&d->file, rest));
}

/* Without a name: the last part of the one that the sender gave it, if it is harmless: none that is hidden, or that
 * looks like an option to the next program. */
static void do_get(struct chat *c, char *rest) {
    struct delivery *d = delivery_free(c);
    const char *path = word_take(&rest), *name = path;
    for (int i = 0; i < OFFERS; i++)
        if (strcmp(c->offers[i].path, path) == 0)
            name = c->offers[i].name;
    name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    if (*rest == '\0' && (*name == '\0' || *name == '.' || *name == '-'))
        note("%s: its name is '%s'; give it another one: /get PATH NAME", path, name);
    else
        delivery_begin(c, d, transfer_get(&d->file, path, *rest ? rest : name));
}

static const struct {
    const char *name;
    void (*run)(struct chat *c, char *rest);
} commands[] = {{"/history", do_history}, {"/who", do_who},   {"/send", do_send},
                {"/get", do_get},         {"/help", do_help}, {"/quit", do_quit}};

static void obey(struct chat *c, char *line) {
    char *name = word_take(&line);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].run(c, line);
            return;
        }
    note("%s is no command; /help shows them", name);
}

/* A line is a command, or "NAME: TEXT". */
static void line_obey(struct chat *c, char *line) {
    struct message m = {.type = MSG};
    char *colon = strchr(line, ':');
    if (*line == '/') {
        obey(c, line);
    } else if (colon) {
        *colon = '\0';
        m.field[TO] = line;
        m.field[BODY] = colon + 1 + (colon[1] == ' ');
        request_send(c, m, line);
    } else if (*line) {
        note("write NAME: TEXT, or /help");
    }
}

/* Can a line be obeyed now? First comes what was said while we were away. A command that moves a file waits for
 * its turn, and for the answers to what was typed before: one of them may tell the file's name. */
static int line_may(struct chat *c) {
    int moves = strncmp(c->typed, "/send", 5) == 0 || strncmp(c->typed, "/get", 4) == 0;
    return c->logged_in && c->waiting <= 0 && request_free(c) && wire_has_room(&c->server) &&
           (!moves || (delivery_free(c) && !request_pending(c)));
}

/* Obeys the lines that are complete; at the end of the input the last one needs no LF. */
static void lines_obey(struct chat *c) {
    char line[LINE_SIZE + 1];
    while (c->typed_length > 0 && line_may(c)) {
        char *newline = memchr(c->typed, '\n', c->typed_length);
        size_t len = newline ? (size_t)(newline - c->typed) : c->typed_length;
        if (newline == NULL && len < LINE_SIZE && !c->input_ended)
            return;
        memcpy(line, c->typed, len);
        c->typed_length -= len + (newline != NULL);
        memmove(c->typed, c->typed + len + (newline != NULL), c->typed_length + 1);
        len -= newline && len > 0 && line[len - 1] == '\r';
        text_clean(line, len);
        line[len] = '\0';
        int whole = newline || len < LINE_SIZE; /* else it is the beginning of a line, or more of it */
        if (whole && !c->too_long)
            line_obey(c, line);
        else if (!c->too_long)
            note("a line has at most %d bytes", LINE_SIZE - 1);
        c->too_long = !whole;
    }
}

/* ---- What the server says ---- */

/* Writes when something was: the time of day, with the date if that is another one than today's. */
static const char *time_text(long long seconds, char text[32]) {
    time_t then = (time_t)seconds, now = time(NULL);
    char today[16], day[16];
    const struct tm *t = localtime(&now);
    strftime(today, sizeof today, "%Y-%m-%d", t);
    if ((t = localtime(&then)) == NULL || strftime(day, sizeof day, "%Y-%m-%d", t) == 0)
        return "?";
    strftime(text, 32, strcmp(day, today) == 0 ? "%H:%M" : "%Y-%m-%d %H:%M", t);
    return text;
}

/* Prints a message. If it offers a file, we keep the name for /get. */
static void message_print(struct chat *c, const struct message *m) {
    char when[32];
    const char *at = time_text(message_number(m, TIME), when), *from = field(m, FROM), *to = field(m, TO);
    if (m->field[PATH] == NULL) {
        say(c, "%s %s: %s", at, from, field(m, BODY));
        return;
    }
    say(c, "%s %s sends %s %s (%s bytes): /get %s", at, from, strcmp(to, c->name) == 0 ? "you" : to,
        field(m, BODY), field(m, SIZE), field(m, PATH));
    struct offer *o = &c->offers[c->offer++ % OFFERS];
    snprintf(o->path, sizeof o->path, "%s", field(m, PATH));
    snprintf(o->name, sizeof o->name, "%s", field(m, BODY));
    text_clean(o->name, strlen(o->name));
}

/* An answer: ends the request that it belongs to. One that belongs to none tells that we are not understood. */
static void answer_take(struct chat *c, const struct message *m) {
    struct request *r = c->requests, *end = r + REQUESTS;
    while (r < end && (*r->id == '\0' || strcmp(r->id, field(m, ID)) != 0))
        r++;
    if (m->type == ERROR)
        note("%s: %s", r < end ? r->about : c->server.name, field(m, BODY));
    c->failed = r == end || (m->type == ERROR && r->type == LOGIN);
    if (r == end || c->failed)
        return;
    if (r->type == LOGIN) {
        c->logged_in = 1;
        c->waiting = message_number(m, COUNT);
        note("logged in as %s, %s message%s waiting", c->name, field(m, COUNT), c->waiting == 1 ? "" : "s");
    } else if (r->type == HISTORY && m->type == OK && message_number(m, COUNT) == 0) {
        note("no messages with %s", r->about);
    } else if (r->file && m->type == OK) {
        note("%s: sent", r->about);
    }
    *r->id = '\0';
}

static void message_take(struct chat *c, const struct message *m) {
    switch (m->type) {
    case OK:
    case ERROR: answer_take(c, m); break;
    case MSG:
        message_print(c, m);
        c->unacked = message_number(m, NUMBER);
        c->waiting -= c->waiting > 0;
        break;
    case PAST: message_print(c, m); break;
    case PRESENCE: say(c, "* %s is %s", field(m, NAME), field(m, STATE)); break;
    case BYE: note("%s: %s", c->server.name, field(m, BODY)); break;
    default: break; /* a later version of the protocol may say more */
    }
}

/* Takes what has come, for as long as there is room for what it brings. After our last word nothing counts: what
 * we do not acknowledge comes again. */
static void frames_take(struct chat *c) {
    static char store[FRAME_MAX + 1];
    struct message m;
    struct frame f;
    size_t at;
    int got = 0;
    while (!c->failed && screen_has_room(c) && wire_has_room(&c->server) &&
           (got = wire_receive(&c->server, &f)) > 0) {
        if (f.format == FRAME_BYTES ||
            message_decode(&m, (enum message_format)f.format, f.payload, f.length, store, &at) != NULL)
            break;
        if (!c->finished)
            message_take(c, &m);
        got = 0;
    }
    if (got != 0) {
        note("%s: does not speak our protocol", c->server.name);
        c->failed = 1;
    }
}

/* Acknowledges what has been printed, once it has been. */
static void ack_send(struct chat *c) {
    char number[24];
    if (c->unacked <= 0 || c->screen_length > 0 || !wire_has_room(&c->server))
        return;
    snprintf(number, sizeof number, "%lld", c->unacked);
    struct message m = {.type = ACK, .field = {[NUMBER] = number}};
    wire_send(&c->server, c->format, &m);
    c->unacked = 0;
}

/* ---- The loop ---- */

/* Is nothing under way any more? Then it is time to go. */
static int all_done(struct chat *c) {
    int open = c->typed_length > 0 || c->waiting > 0 || c->unacked > 0 || request_pending(c);
    for (int i = 0; i < TRANSFERS; i++)
        open |= c->deliveries[i].active;
    return c->input_ended && !open && c->screen_length == 0 && c->server.out_length == 0;
}

/* Waits for what is worth waiting for. Returns 0 if none of that has come. */
static int chat_wait(struct chat *c, fd_set *readable, fd_set *writable, const sigset_t *none) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    if (!c->input_ended && c->typed_length < LINE_SIZE)
        FD_SET(STDIN_FILENO, readable);
    if (c->screen_length > 0)
        FD_SET(STDOUT_FILENO, writable);
    wire_watch(&c->server, readable, writable);
    for (int i = 0; i < TRANSFERS; i++)
        if (c->deliveries[i].active)
            wire_watch(&c->deliveries[i].wire, readable, writable);
    long long now = now_ms(), left = c->until > now ? c->until - now : 0;
    struct timespec timeout = {(time_t)(left / 1000), (long)(left % 1000 * 1000000)};
    int n = pselect(FD_SETSIZE, readable, writable, NULL, c->until ? &timeout : NULL, none);
    sigset_t all;
    sigprocmask(SIG_SETMASK, none, &all); /* pselect() may let no signal in while there are bytes to carry: */
    sigprocmask(SIG_SETMASK, &all, NULL); /* so that a busy client hears it, open the door */
    return n > 0;
}

/* Reads what is typed, once. Returns -1 with errno. */
static int chat_read(struct chat *c) {
    ssize_t n = read(STDIN_FILENO, c->typed + c->typed_length, LINE_SIZE - c->typed_length);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    c->input_ended = n == 0;
    c->typed_length += (size_t)n;
    c->typed[c->typed_length] = '\0';
    return 0;
}

/* Prints, once. Returns -1 with errno. */
static int chat_write(struct chat *c) {
    ssize_t n = write(STDOUT_FILENO, c->screen, c->screen_length < PIPE_BUF ? c->screen_length : PIPE_BUF);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    c->screen_length -= (size_t)n;
    memmove(c->screen, c->screen + n, c->screen_length);
    return 0;
}

/* Reads and writes what can be. Returns 0, or -1 after a line on stderr. */
static int chat_turn(struct chat *c, const sigset_t *none) {
    fd_set readable, writable;
    if (!chat_wait(c, &readable, &writable, none))
        return 0;
    wire_turn(&c->server, &readable, &writable);
    for (int i = 0; i < TRANSFERS; i++) {
        struct delivery *d = &c->deliveries[i];
        if (d->active && d->wire.connecting && FD_ISSET(d->wire.fd, &writable))
            delivery_connected(d);
        else if (d->active)
            wire_turn(&d->wire, &readable, &writable);
    }
    const char *failed = NULL;
    if (FD_ISSET(STDIN_FILENO, &readable) && chat_read(c) < 0)
        failed = "cannot read the input";
    else if (FD_ISSET(STDOUT_FILENO, &writable) && chat_write(c) < 0)
        failed = "cannot write the output";
    if (failed)
        note("%s: %s", failed, strerror(errno));
    return failed ? -1 : 0;
}

/* Carries on until all is said. Returns 0, or -1 after a line on stderr. */
static int converse(struct chat *c, const sigset_t *none) {
    struct message login = {.type = LOGIN, .field = {[NAME] = c->name, [PASSWORD] = c->password}};
    if (request_send(c, login, "login") < 0)
        return -1;
    while (!stop && !c->failed) {
        if (chat_turn(c, none) < 0)
            return -1;
        frames_take(c);
        deliveries_turn(c);
        lines_obey(c);
        ack_send(c);
        show_progress(c, now_ms());
        if (!c->finished && all_done(c)) {
            c->finished = 1;
            c->until = now_ms() + LEAVE_MS;
            shutdown(c->server.fd, SHUT_WR);
        }
        if (c->finished && (c->server.eof || now_ms() >= c->until))
            return 0;
        if (c->server.eof && c->screen_length == 0) {
            note("%s hung up", c->server.name);
            return -1;
        }
    }
    return c->failed ? -1 : 0;
}

/* Sets where files go: to the host that we are connected to, but another port. */
static void files_find(struct chat *c, const char *port) {
    char host[64] = "?";
    unsigned short number = htons((unsigned short)parse_number(port, 65535));
    c->files_length = sizeof c->files;
    getpeername(c->server.fd, (struct sockaddr *)&c->files, &c->files_length);
    if (c->files.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&c->files)->sin6_port = number;
    else
        ((struct sockaddr_in *)&c->files)->sin_port = number;
    getnameinfo((struct sockaddr *)&c->files, c->files_length, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    snprintf(c->files_name, sizeof c->files_name, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* Draws the word that our ids begin with. */
static void word_draw(struct chat *c) {
    unsigned char random[8] = {0};
    int fd = open("/dev/urandom", O_RDONLY);
    if (fd < 0 || read(fd, random, sizeof random) != sizeof random) {
        note("/dev/urandom: %s", strerror(errno));
        exit(1);
    }
    close(fd);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(c->word + 2 * i, 3, "%02x", random[i]);
}

/* Connects to the server; from here on signals come only where the mask is `none`. Returns -1 if a signal came before,
 * or after a line on stderr. */
static int server_connect(struct chat *c, const char *host, const char *port, sigset_t *none) {
    struct wire *w = &c->server;
    snprintf(w->name, sizeof w->name, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    struct addrinfo *addresses = resolve(host, port);
    catch_signals(none);
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EFBIG instead */
    w->fd = connect_to(addresses, none);
    if (w->fd < 0 && !stop)
        note("%s: %s", w->name, strerror(errno));
    freeaddrinfo(addresses);
    return w->fd < 0 ? -1 : 0;
}

/* Returns the format of that name; another one ends the program. */
static enum message_format parse_format(const char *name) {
    static const char *const names[] = {"text", "json", "xml"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0)
            return (enum message_format)(TEXT + i);
    fprintf(stderr, "%s: '%s' is not text, json or xml\n%s", program, name, usage);
    exit(2);
}

int main(int argc, char **argv) {
    static struct chat c = {.format = TEXT, .name = "", .password = ""};
    const char *files_port = "5289";
    int option;
    if (getenv("USER"))
        c.name = getenv("USER");
    if (getenv("IM_PASSWORD"))
        c.password = getenv("IM_PASSWORD");
    while ((option = getopt(argc, argv, "hvu:w:f:F:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'u': c.name = optarg; break;
        case 'w': c.password = optarg; break;
        case 'f': c.format = parse_format(optarg); break;
        case 'F': parse_number(files_port = optarg, 65535); break;
        default: return fputs(usage, stderr), 2;
        }
    const char *host = optind < argc ? argv[optind++] : "127.0.0.1";
    const char *port = optind < argc ? argv[optind++] : "5288";
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage);
        return 2;
    }
    parse_number(port, 65535);
    word_draw(&c);
    sigset_t none;
    if (server_connect(&c, host, port, &none) < 0)
        return !stop;
    files_find(&c, files_port);
    int result = converse(&c, &none);
    for (int i = 0; i < TRANSFERS; i++)
        if (c.deliveries[i].active)
            delivery_end(&c.deliveries[i]);
    close(c.server.fd);
    return result < 0;
}
