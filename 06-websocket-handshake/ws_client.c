/* ws_client.c - a WebSocket (RFC 6455) in the terminal: lines go out as messages, messages come in as lines.
 *
 *     terminal 1:  ./ws_server
 *     terminal 2:  cc -o ws_client ws_client.c websocket.c queue.c url.c frame.c handshake.c http.c base64.c sha1.c \
 *                      utf8.c dice.c text.c connect.c signals.c wire.c && ./ws_client -v
 *                                                                       type a line; Ctrl-D closes
 *                  printf 'hello\n吃饭了吗\n' | ./ws_client
 *                  head -c 70000 /dev/urandom >sent; ./ws_client -b <sent | cmp - sent && echo same
 *     two more:    ./ws_client 'ws://127.0.0.1:9090/chat?name=张三'     and another as 李四
 *
 * Watch readyState: it is what a page sees in a browser. The way of a byte, out and in:
 *     read_input -> input -> send_input -> websocket_send -> out -> write_net
 *     read_net -> net -> take_net -> websocket_read -> print_text -> output -> queue_write
 * Left out: encryption (wss:), compression and every other extension, a line editor (chat_client has one).
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connect.h"
#include "signals.h"
#include "text.h"
#include "url.h"
#include "websocket.h"
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK       65536 /* bytes from the input, or from the server, at once; a longer line goes in fragments */
#define QUEUE_LOW   65536      /* bytes on their way out from which on we take no more in */
#define MESSAGE_MAX (16 << 20) /* bytes of the largest message that the server may send */
#define SHOWN_MAX   64         /* bytes of a binary message that a terminal shows */
#define MS_MAX      86400000   /* ms: the longest time that -w takes, a day */
#define LEAVE_MS    500 /* ms: how long we wait for the server after a signal, which ends us within a second */
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

const char program[] = "ws_client";
const char usage[] =
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

struct talk {
    struct websocket ws;
    int fd;                   /* the connection to its server */
    int binary;               /* -b */
    int terminal;             /* the output is a terminal */
    int input_ended;          /* nothing more comes from stdin */
    int leaving;              /* a signal has come */
    int hung_up;              /* nothing more comes from the server */
    long long looked;         /* ms: what had come from it by then has been read */
    int error;                /* errno with which the connection broke, or 0 */
    int fragments;            /* that were sent of a message which has not ended */
    struct utf8 text;         /* the check of that message */
    size_t typed;             /* bytes in `input` */
    size_t heard;             /* bytes in `net` */
    char input[CHUNK];        /* from stdin, not yet sent */
    unsigned char net[CHUNK]; /* from the server, not yet understood */
    struct queue output;      /* for stdout */
};

/* ---- input becomes messages ---- */

struct piece {         /* of the input */
    const char *start; /* within `input` */
    size_t length;     /* bytes to send: a line without its end */
    size_t used;       /* bytes of the input, with its end */
    int ends;          /* it is the last of its message */
};

/* Finds the next piece that can be sent: a line, what the input ends with, or a part of what is too long; with -b all
 * that is there. Returns 0 if there is none yet. */
static int next_piece(const struct talk *t, size_t used, struct piece *p) {
    size_t left = t->typed - used;
    p->start = t->input + used;
    const char *newline = t->binary ? NULL : memchr(p->start, '\n', left);
    p->length = newline ? (size_t)(newline - p->start) : left;
    p->used = p->length + (newline ? 1 : 0);

    int cr = !t->binary && p->length > 0 && p->start[p->length - 1] == '\r';
    if (cr && (newline || !t->input_ended)) { /* CR LF ends a line, too; the LF may be the next to come */
        p->length--;
        p->used -= newline ? 0 : 1;
    }
    p->ends = newline || t->input_ended;
    if (newline || (t->input_ended && t->fragments > 0))
        return 1;
    return left == CHUNK || (left > 0 && (t->binary || t->input_ended));
}

/* Sends a piece. Returns 0, or -1: it would be a text that is none. */
static int send_piece(struct talk *t, const struct piece *p) {
    int opcode = t->binary ? FRAME_BINARY : FRAME_TEXT;
    if (opcode == FRAME_TEXT && (utf8_check(&t->text, (const unsigned char *)p->start, p->length) < 0 ||
                                 (p->ends && t->text.left > 0)))
        return -1;
    websocket_send(&t->ws, p->ends, t->fragments > 0 ? FRAME_CONTINUATION : opcode, p->start, p->length);
    t->fragments = p->ends ? 0 : t->fragments + 1;
    return 0;
}

/* Makes messages of the input. Returns 0, or -1 after a line on stderr. */
static int send_input(struct talk *t) {
    size_t used = 0;
    struct piece p;
    int bad = 0;
    while (!bad && next_piece(t, used, &p)) {
        bad = send_piece(t, &p) < 0;
        used += p.used;
    }
    t->typed -= used;
    memmove(t->input, t->input + used, t->typed);

    if (t->input_ended || bad)
        websocket_close(&t->ws, CLOSE_NORMAL, "");
    return bad ? complain("the input is not UTF-8", "-b sends it as it is") : 0;
}

/* ---- messages become output ---- */

/* Text comes as a line; on a terminal without what would be a command to it. */
static void print_text(struct talk *t, const void *text, size_t len) {
    unsigned char *at = queue_add(&t->output, text, len);
    if (t->terminal)
        text_clean((char *)at, len);
    queue_add(&t->output, "\n", 1);
}

/* Bytes pass as they are; on a terminal they are shown in hex. */
static void print_binary(struct talk *t, const unsigned char *data, size_t len) {
    char text[64];
    if (!t->terminal) {
        queue_add(&t->output, data, len);
        return;
    }
    int n = snprintf(text, sizeof text, "binary, %zu byte%s:", len, len == 1 ? "" : "s");
    queue_add(&t->output, text, (size_t)n);
    for (size_t i = 0; i < len && i < SHOWN_MAX; i++) {
        snprintf(text, sizeof text, " %02x", data[i]);
        queue_add(&t->output, text, 3);
    }
    print_text(t, " ...", len > SHOWN_MAX ? 4 : 0);
}

/* Understands what comes before the frames: the server's answer. Returns its bytes, or -1 after a line on stderr. */
static long take_answer(struct talk *t) {
    long taken = 0;
    int size = 1;
    while (t->ws.state == CONNECTING && size > 0) {
        size = websocket_answer(&t->ws, (const char *)t->net + taken, t->heard - (size_t)taken, t->hung_up);
        taken += size;
    }
    return size < 0 ? -1 : taken;
}

/* Understands what has come, as far as the output takes it. Returns 0, or -1 after a line on stderr. */
static int take_net(struct talk *t) {
    long answer = take_answer(t);
    if (answer < 0)
        return -1;
    size_t taken = (size_t)answer, used;
    int event = t->ws.state == CONNECTING ? FRAME_MORE : FRAME_BEGINS;
    while (event != FRAME_MORE && queue_length(&t->output) < QUEUE_LOW) {
        const struct frame_reader *r = &t->ws.reader;
        event = websocket_read(&t->ws, t->net + taken, t->heard - taken, &used);
        taken += used;
        if (event == FRAME_TEXT)
            print_text(t, r->payload, r->length);
        else if (event == FRAME_BINARY)
            print_binary(t, r->payload, r->length);
    }
    t->heard -= taken;
    memmove(t->net, t->net + taken, t->heard);
    return 0;
}

/* ---- reading and writing ---- */

/* Waits for what is worth waiting for. Returns 0 if none of that has come. */
static int wait_for(struct talk *t, int signals, fd_set *readable, fd_set *writable) {
    int room = queue_length(&t->output) < QUEUE_LOW;
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(signals, readable);
    if (t->ws.state == OPEN && !t->hung_up && !t->input_ended && queue_length(&t->ws.out) < QUEUE_LOW)
        FD_SET(STDIN_FILENO, readable);
    if (!t->hung_up && room)
        FD_SET(t->fd, readable);
    if (!t->hung_up && queue_length(&t->ws.out) > 0)
        FD_SET(t->fd, writable);
    if (queue_length(&t->output) > 0)
        FD_SET(STDOUT_FILENO, writable);

    long long now = now_ms(), left = t->ws.deadline > now ? t->ws.deadline - now : 0;
    struct timeval timeout = {(time_t)(left / 1000), (suseconds_t)(left % 1000 * 1000)};
    int n = select(FD_SETSIZE, readable, writable, NULL, t->ws.deadline ? &timeout : NULL);
    t->looked = n == 0 ? now + left : now; /* not the time it is then: we may have been stopped (Ctrl-Z) */
    return n > 0;
}

/* Returns 0, or -1 after a line on stderr. */
static int read_input(struct talk *t) {
    ssize_t n = read(STDIN_FILENO, t->input + t->typed, CHUNK - t->typed);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return complain("cannot read the input", strerror(errno));
    t->input_ended = n == 0;
    t->typed += n > 0 ? (size_t)n : 0;
    return 0;
}

static void read_net(struct talk *t) {
    ssize_t n = read(t->fd, t->net + t->heard, CHUNK - t->heard);
    if (n > 0) {
        show_wire(t->ws.server, "->", t->net + t->heard, (size_t)n);
        t->heard += (size_t)n;
        if (t->ws.state == CLOSING && !t->leaving) /* much may come before its close */
            websocket_wait(&t->ws, t->ws.wait_ms);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        t->hung_up = 1;
        t->error = n < 0 ? errno : 0;
    }
}

static void write_net(struct talk *t) {
    struct queue *q = &t->ws.out;
    const unsigned char *first = q->data + q->start;
    ssize_t n = queue_write(q, t->fd, CHUNK);
    if (n < 0) { /* the server has gone, but may have said something before: that is still to be read */
        q->start = q->end;
        return;
    }
    show_wire(t->ws.server, "<-", first, (size_t)n);
    if (n > 0 && t->ws.state == CLOSING && !t->leaving) /* its time begins when it can have read it all */
        websocket_wait(&t->ws, t->ws.wait_ms);
}

/* A turn of the conversation: wait, read, write. Returns 0, or -1 after a line on stderr. */
static int turn(struct talk *t, int signals) {
    fd_set readable, writable;
    if (!wait_for(t, signals, &readable, &writable))
        return 0;
    if (FD_ISSET(STDIN_FILENO, &readable) && read_input(t) < 0)
        return -1;
    if (FD_ISSET(t->fd, &writable))
        write_net(t);
    if (FD_ISSET(t->fd, &readable))
        read_net(t);
    if (FD_ISSET(STDOUT_FILENO, &writable) && queue_write(&t->output, STDOUT_FILENO, PIPE_BUF) < 0)
        return complain("cannot write the output", strerror(errno));
    return 0;
}

/* ---- the conversation ---- */

/* Says why it has not even begun. Returns -1. */
static int report_no_answer(const struct talk *t) {
    if (t->error)
        return complain(t->ws.server, strerror(t->error));
    return complain(t->ws.server,
                    t->hung_up ? "hung up before it answered" : "does not answer the handshake");
}

/* Says how it ended. Returns 0 if it is well, or -1. */
static int report(struct talk *t) {
    struct websocket *w = &t->ws;
    char text[sizeof w->reason + 64];
    int ended = w->server_closed || w->failed, clean = w->server_closed && !w->failed;
    int code = ended ? w->code : CLOSE_ABNORMAL;
    if (t->error && !clean)
        complain(w->server, strerror(t->error));
    snprintf(text, sizeof text, "  code %d%s%s%s", code, w->reason[0] ? ", reason " : "", w->reason,
             clean ? ", clean" : ", not clean");
    websocket_state(w, CLOSED, text);
    return t->leaving || (clean && (code == CLOSE_NORMAL || code == CLOSE_NO_CODE)) ? 0 : -1;
}

/* After the first signal we take leave as a browser does when its user goes elsewhere. Returns 1 if that is all. */
static int leave(struct talk *t) {
    int at_once = t->leaving || t->ws.state == CONNECTING;
    stop = 0;
    signal_forget();
    t->leaving = 1;
    if (t->ws.state == OPEN)
        websocket_close(&t->ws, CLOSE_GOING_AWAY, "");
    websocket_wait(&t->ws, LEAVE_MS);
    return at_once;
}

static int is_over(struct talk *t) {
    struct websocket *w = &t->ws;
    if (w->state == CLOSING && !t->leaving && queue_length(&t->output) >= QUEUE_LOW)
        websocket_wait(w, w->wait_ms); /* it is not the server that we wait for */
    if (w->deadline && t->looked >= w->deadline) {
        if (t->leaving || w->state == CONNECTING)
            return 1;
        t->hung_up = 1;
        w->deadline = 0;
    }
    return t->hung_up && queue_length(&t->output) == 0;
}

/* Carries on until it is over. Returns 0, or -1 after a line on stderr. */
static int converse(struct talk *t, int signals) {
    int result = 0;
    while (!stop || !leave(t)) {
        if (take_net(t) < 0)
            return -1;
        if (t->ws.state == OPEN && !t->hung_up && send_input(t) < 0)
            result = -1;
        if (is_over(t))
            break;
        if (turn(t, signals) < 0)
            return -1;
    }
    if (t->ws.state == CONNECTING && !t->leaving)
        return report_no_answer(t);
    return report(t) < 0 ? -1 : result;
}

/* Reads the operands: [HOST [PORT]], or a URL, which changes the target, too. */
static void parse_operands(int argc, char **argv, struct url *u) {
    const char *why;
    if (optind == argc || !strstr(argv[optind], "://")) {
        u->server = parse_server(argc, argv, "9090");
        return;
    }
    if (url_parse(u, argv[optind], &why) < 0) {
        fprintf(stderr, "%s: '%s' %s\n", program, argv[optind], why);
        exit(show_usage());
    }
    if (optind + 1 < argc)
        exit(refuse_argument(argv[optind + 1]));
    parse_number(u->server.port, 0, 65535);
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    static struct talk t;
    static struct url url = {.target = "/echo"};
    const char *origin = NULL;
    int option;
    t.ws.wait_ms = 10000;
    while ((option = getopt(argc, argv, "bhvo:s:w:")) != -1)
        switch (option) {
        case 'b': t.binary = 1; break;
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'o': origin = optarg; break;
        case 's': t.ws.subprotocols = optarg; break;
        case 'w': t.ws.wait_ms = parse_number(optarg, 0, MS_MAX); break;
        default: return show_usage();
        }
    parse_operands(argc, argv, &url);
    struct addrinfo *addresses = resolve(&url.server, SOCK_STREAM);
    int signals = catch_signals();

    t.ws.server = url.server.text;
    t.terminal = isatty(STDOUT_FILENO);
    t.fd = connect_to(addresses, signals);
    freeaddrinfo(addresses);
    if (t.fd < 0)
        return stop ? 0 : -complain(t.ws.server, strerror(errno));

    char shown[SERVER_TEXT + TARGET_MAX + 8];
    snprintf(shown, sizeof shown, "  ws://%s%s", t.ws.server, url.target);
    websocket_begin(&t.ws, MESSAGE_MAX);
    websocket_state(&t.ws, CONNECTING, shown);
    int result = websocket_request(&t.ws, url.target, origin);
    if (result == 0)
        result = converse(&t, signals);
    close(t.fd);
    return result < 0;
}
