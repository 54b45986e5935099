/* ws_client.c - a WebSocket (RFC 6455) in the terminal: lines go out as messages, messages come in as lines.
 *
 *     terminal 1:  make -C .. && ./ws_server
 *     terminal 2:  ./ws_client -v                                       type a line; Ctrl-D closes
 *                  printf 'hello\n吃饭了吗\n' | ./ws_client
 *                  head -c 70000 /dev/urandom >sent; ./ws_client -b <sent | cmp - sent && echo same
 *     two more:    ./ws_client 'ws://127.0.0.1:9090/chat?name=张三'     and another as 李四
 *
 * Watch readyState: it is what a page sees in a browser. Start reading at converse() and take_event().
 * Left out: encryption (wss:), compression and every other extension, a line editor (chat_client has one).
 */
#define _POSIX_C_SOURCE 200809L

#include "frame.h"
#include "handshake.h"

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
#include <time.h>
#include <unistd.h>

#define CHUNK       65536 /* bytes from the input, or from the server, at once; a longer line goes in fragments */
#define QUEUE_LOW   65536      /* bytes on their way out from which on we take no more in */
#define QUEUE_HIGH  (1 << 20)  /* bytes on their way to the server from which on its pings get no answer */
#define MESSAGE_MAX (16 << 20) /* bytes of the largest message that the server may send */
#define REQUEST_MAX 4096       /* bytes of the request that opens the WebSocket */
#define TARGET_MAX  2048       /* bytes of the path in it */
#define SHOWN_MAX   64         /* bytes of a binary message that a terminal shows */
#define MS_MAX      86400000   /* ms: the longest time that -w takes, a day */
#define LEAVE_MS    500 /* ms: how long we wait for the server after a signal, which ends us within a second */
#define MARGIN      "         "
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

static const char program[] = "ws_client";
static const char usage[] =
    "usage: ws_client [-bhv] [-o ORIGIN] [-s LIST] [-w MS] [HOST [PORT] | ws://HOST[:PORT][/PATH]]\n"
    "  -b         all of the input is one binary message (default: each line is a text message)\n"
    "  -h         print this help\n"
    "  -v         show on stderr every read and write, and what each header line and each bit means\n"
    "  -o ORIGIN  say that a page of this origin opens the WebSocket (default: say nothing)\n"
    "  -s LIST    offer these subprotocols, such as chat,echo (default: none)\n"
    "  -w MS      how long to wait for the answer to a handshake, opening or closing (default 10000; 0: for "
    "ever)\n"
    "  HOST       name or address (default 127.0.0.1); the path is /echo\n"
    "  PORT       0 to 65535 (default 9090; in a URL 80)\n"
    "Exit code: 0 closed with code 1000 or none, or after a signal; 1 anything else.\n";

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

enum state { CONNECTING, OPEN, CLOSING, CLOSED }; /* readyState, with the browser's numbers */

struct queue { /* bytes on their way: data[start] to data[end - 1] */
    unsigned char *data;
    size_t start, end, size;
};

struct websocket {
    int fd;
    enum state state;
    char server[300];     /* "127.0.0.1:9090" */
    char key[KEY_SIZE];   /* the Sec-WebSocket-Key that was sent */
    const char *offered;  /* subprotocols */
    int binary, terminal; /* -b; the output is a terminal */
    int wait_ms;          /* -w */
    long long until;      /* ms: the end of the server's time for its part of a handshake; 0: there is none */
    int input_ended;      /* nothing more comes from stdin */
    int leaving;          /* a signal has come */
    int theirs;           /* the server's close frame has come */
    int failed;           /* the server broke a rule: no more of what it says is read */
    int hung_up, error;   /* nothing more comes from the server; errno, or 0 */
    int code;             /* how the server has closed, or had to be closed */
    char reason[128];     /* the same in words */
    int fragments;        /* that were sent of a message which has not ended */
    struct utf8 text;     /* the check of that message */
    struct frame_reader reader;
    struct queue to_server, to_output;
    size_t typed, heard;      /* bytes in: */
    char input[CHUNK];        /* from stdin, not yet sent */
    unsigned char net[CHUNK]; /* from the server, not yet understood */
};

static FILE *dice; /* /dev/urandom: POSIX.1-2008 has no call for bytes that nobody can foresee */

/* Prints what failed, and why. Returns -1. */
static int complain(const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", program, what, why);
    return -1;
}

static void roll_dice(unsigned char *bytes, size_t len) {
    if (dice == NULL || fread(bytes, 1, len, dice) < len)
        exit(-complain("/dev/urandom", "gives no random bytes"));
}

/* ---- queues ---- */

static size_t queue_length(const struct queue *q) { return q->end - q->start; }

static void queue_add(struct queue *q, const void *data, size_t len) {
    size_t size = q->size > 0 ? q->size : CHUNK;
    if (q->start > 0 && q->start >= queue_length(q)) { /* never more to move than was written since */
        memmove(q->data, q->data + q->start, queue_length(q));
        q->end -= q->start;
        q->start = 0;
    }
    while (size - q->end < len)
        size *= 2;
    if (size > q->size && (q->data = realloc(q->data, size)) == NULL)
        exit(-complain("what is on its way", "out of memory"));
    q->size = size;
    if (len > 0)
        memcpy(q->data + q->end, data, len);
    q->end += len;
}

/* Writes once, `most` bytes at most. Returns how many, or -1 with errno. */
static ssize_t queue_write(struct queue *q, int fd, size_t most) {
    ssize_t n = write(fd, q->data + q->start, queue_length(q) < most ? queue_length(q) : most);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    q->start += (size_t)n;
    return n;
}

/* ---- what we send ---- */

/* Gives the server so many ms for its part of a handshake, 0: all the time in the world. */
static void give_time(struct websocket *w, int ms) { w->until = ms > 0 ? now_ms() + ms : 0; }

static void show_state(struct websocket *w, enum state state, const char *more) {
    static const char *const names[] = {"CONNECTING", "OPEN", "CLOSING", "CLOSED"};
    w->state = state;
    fprintf(stderr, "readyState %d %s%s\n", (int)state, names[state], more);
}

static void show_frame(const struct websocket *w, const char *arrow, const struct frame *f) {
    if (verbose) {
        fprintf(stderr, "%s %s frame\n", w->server, arrow);
        frame_explain(stderr, MARGIN, f);
    }
}

/* Queues a frame. Each has a key of its own, which nobody can foresee: else a page could make its browser send what
 * looks like HTTP to a proxy on the way (section 10.3). */
static void send_frame(struct websocket *w, int fin, int opcode, const void *payload, size_t len) {
    struct frame f = {.fin = fin, .opcode = opcode, .masked = 1, .length = len};
    unsigned char header[FRAME_HEADER_MAX];
    struct queue *q = &w->to_server;
    roll_dice(f.key, sizeof f.key);
    show_frame(w, "<-", &f);
    queue_add(q, header, frame_encode(header, &f));
    queue_add(q, payload, len);
    frame_mask(q->data + q->end - len, len, f.key, 0);
}

/* Sends our close frame, after which we send nothing more (section 7.1.2). */
static void send_close(struct websocket *w, int code, const char *reason) {
    unsigned char payload[FRAME_CONTROL_MAX];
    send_frame(w, 1, FRAME_CLOSE, payload, frame_close(payload, code, reason));
    give_time(w, w->wait_ms);
    show_state(w, CLOSING, "");
}

/* Finds the next piece of input that can be sent: a line, what the input ends with, or a part of what is too long;
 * with -b all that is there. Returns 0 if there is none yet. */
static int next_piece(const struct websocket *w, size_t used, size_t *len, int *end) {
    const char *first = w->input + used, *newline = w->binary ? NULL : memchr(first, '\n', w->typed - used);
    *len = newline ? (size_t)(newline - first) : w->typed - used;
    *end = newline || w->input_ended;
    if (newline || (w->input_ended && w->fragments > 0))
        return 1;
    return *len == CHUNK || (*len > 0 && (w->binary || w->input_ended));
}

/* Makes messages of the input. Returns 0, or -1 after a line on stderr: it would be a text that is none. */
static int send_input(struct websocket *w) {
    size_t used = 0, len;
    int end, bad = 0;
    while (!bad && next_piece(w, used, &len, &end)) {
        const char *piece = w->input + used;
        int opcode = w->fragments > 0 ? FRAME_CONTINUATION : w->binary ? FRAME_BINARY : FRAME_TEXT;
        bad = !w->binary &&
              (utf8_check(&w->text, (const unsigned char *)piece, len) < 0 || (end && w->text.left > 0));
        if (!bad)
            send_frame(w, end, opcode, piece, len);
        w->fragments = end ? 0 : w->fragments + 1;
        used += used + len < w->typed ? len + 1 : len; /* with its newline */
    }
    w->typed -= used;
    memmove(w->input, w->input + used, w->typed);
    if (w->input_ended || bad)
        send_close(w, CLOSE_NORMAL, "");
    return bad ? complain("the input is not UTF-8", "-b sends it as it is") : 0;
}

/* Sends the request. Returns 0, or -1 after a line on stderr. */
static int send_request(struct websocket *w, const char *host, const char *target, const char *origin) {
    char request[REQUEST_MAX];
    unsigned char random[16];
    struct head h;
    roll_dice(random, sizeof random);
    handshake_key(w->key, random);
    size_t len = handshake_request(request, sizeof request, host, target, w->key, w->offered, origin);
    if (len == 0 || head_parse(&h, request, len) != (int)len)
        return complain("the request", len == 0 ? "is too long" : "would be none, by these arguments");
    if (verbose)
        head_explain(stderr, MARGIN, &h);
    queue_add(&w->to_server, request, len);
    give_time(w, w->wait_ms);
    return 0;
}

/* ---- what we hear ---- */

/* Text comes as a line; on a terminal without control characters, for they are commands to it. */
static void print_text(struct websocket *w, const unsigned char *text, size_t len) {
    struct queue *q = &w->to_output;
    queue_add(q, text, len);
    if (w->terminal)
        utf8_blank_controls(q->data + q->end - len, len);
    queue_add(q, "\n", 1);
}

/* Bytes pass as they are; on a terminal they are shown in hex. */
static void print_binary(struct websocket *w, const unsigned char *data, size_t len) {
    char text[64];
    if (!w->terminal) {
        queue_add(&w->to_output, data, len);
        return;
    }
    int n = snprintf(text, sizeof text, "binary, %zu byte%s:", len, len == 1 ? "" : "s");
    queue_add(&w->to_output, text, (size_t)n);
    for (size_t i = 0; i < len && i < SHOWN_MAX; i++) {
        snprintf(text, sizeof text, " %02x", data[i]);
        queue_add(&w->to_output, text, 3);
    }
    print_text(w, (const unsigned char *)" ...", len > SHOWN_MAX ? 4 : 0);
}

/* Notes how it ends. What the server gives as its reason goes to a terminal, maybe. */
static void note_end(struct websocket *w, int code, const char *reason, size_t len) {
    w->code = code;
    len = len < sizeof w->reason ? len : sizeof w->reason - 1;
    memcpy(w->reason, reason, len);
    w->reason[len] = '\0';
    utf8_blank_controls((unsigned char *)w->reason, len);
}

static void take_event(struct websocket *w, int event, const struct frame_reader *r) {
    switch (event) {
    case FRAME_HEADER: show_frame(w, "->", &r->frame); break;
    case FRAME_TEXT: print_text(w, r->payload, r->length); break;
    case FRAME_BINARY: print_binary(w, r->payload, r->length); break;
    case FRAME_PING:
        if (w->state == OPEN && queue_length(&w->to_server) < QUEUE_HIGH)
            send_frame(w, 1, FRAME_PONG, r->payload, r->length);
        break;
    case FRAME_CLOSE: /* it gets its code back, and hangs up (section 7.1.1) */
        w->theirs = 1;
        note_end(w, r->code, (const char *)r->payload, r->length);
        if (w->state == OPEN)
            send_close(w, r->code, "");
        break;
    case FRAME_ERROR: /* section 7.1.7 */
        w->failed = 1;
        note_end(w, r->code, r->why, strlen(r->why));
        if (w->state == OPEN)
            send_close(w, r->code, r->why);
        break;
    }
}

/* Reads the answer to our request, once it is there as a whole. Returns the bytes used, or -1 after a line on stderr. */
static int take_answer(struct websocket *w) {
    struct head h;
    char what[sizeof w->server + 64];
    int size = head_parse(&h, (char *)w->net, w->heard);
    if (size == 0)
        return 0;
    if (size < 0)
        return complain(w->server, h.why);
    if (verbose)
        head_explain(stderr, MARGIN, &h);
    snprintf(what, sizeof what, "%s answers %ld", w->server, strtol(h.start[1].at, NULL, 10));
    if (!handshake_verify(&h, w->key, w->offered, &h.why))
        return complain(what, h.why);
    struct span chosen = head_field(&h, "Sec-WebSocket-Protocol", NULL);
    snprintf(what, sizeof what, "%s%.*s", chosen.at ? "  subprotocol " : "", (int)chosen.length,
             chosen.at ? chosen.at : "");
    w->until = 0;
    show_state(w, OPEN, what);
    return size;
}

/* Understands what has come, as far as the output takes it. Returns 0, or -1 after a line on stderr. */
static int take_net(struct websocket *w) {
    int size = w->state == CONNECTING ? take_answer(w) : 0, event = FRAME_HEADER;
    size_t taken = size > 0 ? (size_t)size : 0, used;
    while (w->state != CONNECTING && event != FRAME_MORE && queue_length(&w->to_output) < QUEUE_LOW) {
        if (w->theirs || w->failed) { /* what follows does not count */
            taken = w->heard;
            break;
        }
        event = frame_read(&w->reader, w->net + taken, w->heard - taken, &used);
        take_event(w, event, &w->reader);
        taken += used;
    }
    w->heard -= taken;
    memmove(w->net, w->net + taken, w->heard);
    return size < 0 ? -1 : 0;
}

/* ---- the conversation ---- */

/* Waits for what is worth waiting for. Returns 0 if none of that has come. */
static int wait_for(const struct websocket *w, fd_set *readable, fd_set *writable, const sigset_t *none) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    if (w->state == OPEN && !w->hung_up && !w->input_ended && queue_length(&w->to_server) < QUEUE_LOW)
        FD_SET(STDIN_FILENO, readable);
    if (!w->hung_up && queue_length(&w->to_output) < QUEUE_LOW)
        FD_SET(w->fd, readable);
    if (!w->hung_up && queue_length(&w->to_server) > 0)
        FD_SET(w->fd, writable);
    if (queue_length(&w->to_output) > 0)
        FD_SET(STDOUT_FILENO, writable);
    long long now = now_ms(), left = w->until > now ? w->until - now : 0;
    struct timespec timeout = {(time_t)(left / 1000), (long)(left % 1000 * 1000000)};
    int n = pselect(FD_SETSIZE, readable, writable, NULL, w->until ? &timeout : NULL, none);
    sigset_t all;
    sigprocmask(SIG_SETMASK, none, &all); /* pselect() may let no signal in while there are bytes to carry: */
    sigprocmask(SIG_SETMASK, &all, NULL); /* so that a busy client hears it, open the door */
    return n > 0;
}

static void read_net(struct websocket *w) {
    ssize_t n = read(w->fd, w->net + w->heard, CHUNK - w->heard);
    if (n > 0) {
        show_wire(w->server, "->", (char *)w->net + w->heard, (size_t)n);
        w->heard += (size_t)n;
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        w->hung_up = 1;
        w->error = n < 0 ? errno : 0;
    }
}

/* A server that has gone may have said something before; that is still to be read. */
static void write_net(struct websocket *w) {
    const char *first = (char *)w->to_server.data + w->to_server.start;
    ssize_t n = queue_write(&w->to_server, w->fd, CHUNK);
    if (n < 0)
        w->to_server.start = w->to_server.end = 0;
    else
        show_wire(w->server, "<-", first, (size_t)n);
    if (n > 0 && w->state == CLOSING && !w->leaving) /* its time begins when it can have read it all */
        give_time(w, w->wait_ms);
}

/* A turn of the conversation: wait, read, write. Returns 0, or -1 after a line on stderr. */
static int turn(struct websocket *w, const sigset_t *none) {
    fd_set readable, writable;
    if (!wait_for(w, &readable, &writable, none))
        return 0;
    if (FD_ISSET(STDIN_FILENO, &readable)) {
        ssize_t n = read(STDIN_FILENO, w->input + w->typed, CHUNK - w->typed);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return complain("cannot read the input", strerror(errno));
        w->input_ended = n == 0;
        w->typed += n > 0 ? (size_t)n : 0;
    }
    if (FD_ISSET(w->fd, &writable))
        write_net(w);
    if (FD_ISSET(w->fd, &readable))
        read_net(w);
    if (FD_ISSET(STDOUT_FILENO, &writable) && queue_write(&w->to_output, STDOUT_FILENO, PIPE_BUF) < 0)
        return complain("cannot write the output", strerror(errno));
    return 0;
}

/* Says how it ended. Returns 0 if it is well, or -1. */
static int report(struct websocket *w) {
    char text[sizeof w->reason + 64];
    int clean = w->theirs && !w->failed, code = w->theirs || w->failed ? w->code : CLOSE_ABNORMAL;
    if (w->state == CONNECTING && !w->leaving)
        return complain(w->server, w->error     ? strerror(w->error)
                                   : w->hung_up ? "hung up before it answered"
                                                : "does not answer the handshake");
    snprintf(text, sizeof text, "  code %d%s%s%s", code, w->reason[0] ? ", reason " : "", w->reason,
             clean ? ", clean" : ", not clean");
    if (w->error && !clean)
        complain(w->server, strerror(w->error));
    show_state(w, CLOSED, text);
    return w->leaving || (clean && (code == CLOSE_NORMAL || code == CLOSE_NO_CODE)) ? 0 : -1;
}

/* After the first signal we take leave as a browser does when its user goes elsewhere. Returns 1 if that is all. */
static int leave(struct websocket *w) {
    int at_once = w->leaving || w->state == CONNECTING;
    stop = 0;
    w->leaving = 1;
    if (w->state == OPEN)
        send_close(w, CLOSE_GOING_AWAY, "");
    give_time(w, LEAVE_MS);
    return at_once;
}

static int is_over(struct websocket *w) {
    if (w->state == CLOSING && !w->leaving && queue_length(&w->to_output) >= QUEUE_LOW)
        give_time(w, w->wait_ms); /* it is not the server that we wait for */
    if (w->until && now_ms() >= w->until) {
        if (w->leaving || w->state == CONNECTING)
            return 1;
        w->hung_up = 1;
        w->until = 0;
    }
    return w->hung_up && queue_length(&w->to_output) == 0;
}

/* Carries on until it is over. Returns 0, or -1 after a line on stderr. */
static int converse(struct websocket *w, const sigset_t *none) {
    int result = 0;
    while (!stop || !leave(w)) {
        if (take_net(w) < 0)
            return -1;
        if (w->state == OPEN && !w->hung_up && send_input(w) < 0)
            result = -1;
        if (is_over(w))
            break;
        if (turn(w, none) < 0)
            return -1;
    }
    return report(w) < 0 ? -1 : result;
}

/* ---- the command line ---- */

/* Ends the program for want of good arguments. */
static void refuse(const char *argument, const char *why) {
    fprintf(stderr, "%s: '%s' %s\n%s", program, argument, why, usage);
    exit(2);
}

/* Writes a path as a request has it: 张三 becomes %E5%BC%A0%E4%B8%89. */
static void encode_target(char target[TARGET_MAX], const char *path) {
    size_t n = 0;
    if (*path != '/')
        target[n++] = '/';
    for (const char *at = path; *at; at++) {
        int plain = *at > ' ' && *at <= '~';
        if (n + 3 >= TARGET_MAX)
            refuse(path, "is too long");
        n += (size_t)snprintf(target + n, 4, plain ? "%c" : "%%%02X", (unsigned char)*at);
    }
    target[n] = '\0';
}

/* Takes ws://HOST[:PORT][/PATH] apart (section 3), in place. */
static void cut_url(char *url, const char **host, const char **port, char target[TARGET_MAX]) {
    if (strncmp(url, "ws://", 5) != 0)
        refuse(url, "is no URL that begins with ws:// (encryption, wss://, is left out here)");
    if (strchr(url, '#'))
        refuse(url, "has a #, which a WebSocket's URL cannot have");
    char *at = url + 5, *path = at + strcspn(at, "/?"), *end;
    encode_target(target, path);
    *path = '\0';
    end = *at == '[' ? strchr(at, ']') : at + strcspn(at, ":");
    *host = *at == '[' ? at + 1 : at;
    if (end == NULL || end == *host)
        refuse(url, "names no host");
    if (*at == '[')
        *end++ = '\0';
    if (*end && *end != ':')
        refuse(url, "has something behind its host that is no port");
    *port = *end == ':' ? end + 1 : "80";
    *end = '\0';
}

int main(int argc, char **argv) {
    static struct websocket w = {.wait_ms = 10000, .reader = {.masked = 0, .max = MESSAGE_MAX}};
    char target[TARGET_MAX] = "/echo", url[sizeof w.server + TARGET_MAX + 8];
    const char *origin = NULL, *host = "127.0.0.1", *port = "9090";
    int option;
    while ((option = getopt(argc, argv, "bhvo:s:w:")) != -1)
        switch (option) {
        case 'b': w.binary = 1; break;
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'o': origin = optarg; break;
        case 's': w.offered = optarg; break;
        case 'w': w.wait_ms = parse_number(optarg, MS_MAX); break;
        default: return fputs(usage, stderr), 2;
        }
    if (optind < argc && strstr(argv[optind], "://"))
        cut_url(argv[optind++], &host, &port, target);
    else if (optind < argc) {
        host = argv[optind++];
        port = optind < argc ? argv[optind++] : port;
    }
    if (optind < argc)
        refuse(argv[optind], "is one argument too many");
    parse_number(port, 65535);
    snprintf(w.server, sizeof w.server, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    snprintf(url, sizeof url, "  ws://%s%s", w.server, target);
    struct addrinfo *addresses = resolve(host, port);
    sigset_t none;
    catch_signals(&none);
    dice = fopen("/dev/urandom", "rb");
    w.terminal = isatty(STDOUT_FILENO);
    w.fd = connect_to(addresses, &none);
    int result = w.fd >= 0 ? 0 : stop ? 0 : complain(w.server, strerror(errno));
    if (w.fd >= 0) {
        show_state(&w, CONNECTING, url);
        result = send_request(&w, w.server, target, origin) < 0 ? -1 : converse(&w, &none);
    }
    close(w.fd);
    freeaddrinfo(addresses);
    return result < 0;
}
