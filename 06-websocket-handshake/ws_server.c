/* ws_server.c - a WebSocket server (RFC 6455): /echo, /chat, and a page to try them from a browser.
 *
 *     terminal 1:  cc -o ws_server ws_server.c page.c frame.c handshake.c room.c http.c base64.c sha1.c utf8.c text.c \
 *                      loop.c buffer.c listen.c signals.c wire.c
 *                  ./ws_server -v
 *     a browser:   http://127.0.0.1:9090/               connect, type, watch the bits of each frame
 *     terminal 2:  curl -i http://127.0.0.1:9090/echo   what it answers to a request for no WebSocket
 *
 * Watch terminal 1: what each line of a handshake and each bit of a frame means. The way of a request, then of a frame:
 *     client_read -> on_data -> head_parse -> answer_request -> accept_websocket -> client_send
 *     client_read -> on_data -> frame_read -> handle_message -> send_frame -> client_send -> one write a turn
 * Left out: encryption (wss:), compression and every other extension.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "frame.h"
#include "handshake.h"
#include "loop.h"
#include "page.h"
#include "room.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define MESSAGE_MAX (16 << 20) /* bytes: the largest that -m can be */
#define IN_MAX      131072     /* bytes per client, and per read: a message of 64 KiB comes in one */
#define OUT_LOW     65536 /* a client that is owed more bytes than this is not listened to until it has read */
#define CHAT_MAX    2048  /* bytes of a text in a chat: while all in the room get it, the others wait */
#define MS_MAX      86400000  /* ms: the longest time, a day */
#define NO_DEADLINE LLONG_MAX /* ms: later than any time that comes */

const char program[] = "ws_server";
const char usage[] =
    "usage: ws_server [-hv] [-a ADDRESS] [-p PORT] [-f FILE] [-o ORIGIN] [-m BYTES] [-i MS] [-w MS]\n"
    "  -h          print this help\n"
    "  -v          show on stderr every read and write, and what each header line and each bit means\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 9090)\n"
    "  -f FILE     the page at / (default index.html beside this program, also if a link leads to it)\n"
    "  -o ORIGIN   take WebSockets only from pages of this origin (http://HOST:PORT; default: all)\n"
    "  -m BYTES    the largest message to take, up to 16777216 (default 1048576; in a chat 2048)\n"
    "  -i MS       ping a client that has been silent for so many ms, 0: none (default 20000)\n"
    "  -w MS       how long to wait for a request, a pong, the end of a close; 0: for ever (default 10000)\n"
    "/echo sends every message back, /chat?room=ROOM&name=NAME every text to the others in the room.\n";

enum state { CONNECTING, ECHO, CHAT }; /* CONNECTING: its request is not here yet */
static struct peer {                   /* what is kept of a client, in the place of its descriptor */
    enum state state;                  /* where its WebSocket leads */
    int head_only;                     /* its request is a HEAD: no answer has a body */
    long long asked; /* ms: when it was last asked for something: its request, a pong, the end of a close */
    size_t out_when_asked; /* bytes that it was owed then: fewer now, and it reads */
    struct frame_reader reader;
} peers[FD_SETSIZE];

static const char *origin;                   /* -o */
static int message_max = 1 << 20;            /* bytes: -m */
static int ping_ms = 20000, wait_ms = 10000; /* -i and -w */

/* From now on a client has wait_ms to do what is asked of it. */
static void ask(const struct client *c) {
    peers[c->fd].asked = now_ms();
    peers[c->fd].out_when_asked = c->out.length;
}

/* Has it still to do what it was asked for? Any byte that was read is as good as a pong. */
static int owes_answer(const struct client *c) {
    return c->closing || peers[c->fd].state == CONNECTING || c->heard < peers[c->fd].asked;
}

/* Returns when its time is up, in ms: to do what it was asked for, or to say anything at all. */
static long long deadline(const struct client *c) {
    int asked = owes_answer(c), ms = asked ? wait_ms : ping_ms;
    long long from = asked ? peers[c->fd].asked : c->heard;
    return ms > 0 ? from + ms : NO_DEADLINE;
}

/* Hangs up as soon as the client has read what it is owed. */
static void hang_up(struct client *c) {
    client_close(c);
    ask(c);
}

static void show_frame(const struct client *c, const char *arrow, const struct frame *f) {
    if (verbose && !c->gone)
        frame_explain(stderr, c->name, arrow, f);
}

/* Queues a frame, whose payload is prefix and data. All that this turn brings leaves in one write. */
static void send_frame(struct client *c, int opcode, const char *prefix, const void *data, size_t len) {
    unsigned char header[FRAME_HEADER_MAX];
    struct frame f = {.fin = 1, .opcode = opcode, .length = strlen(prefix) + len};
    show_frame(c, "<-", &f);
    client_send(c, header, frame_encode(header, &f));
    client_send(c, prefix, strlen(prefix));
    client_send(c, data, len);
}

/* Closes from our side (section 7.1.7), and says why. */
static void close_with(struct client *c, int code, const char *why) {
    unsigned char payload[FRAME_CONTROL_MAX];
    fprintf(stderr, "%s closed: %d, %s\n", c->name, code, why);
    send_frame(c, FRAME_CLOSE, "", payload, frame_close(payload, code, why));
    hang_up(c);
}

/* Sends a text to the others in c's room. */
static void relay(const struct client *c, const char *prefix, const void *text, size_t len) {
    for (struct client *to = client_next(NULL); to; to = client_next(to))
        if (to != c && room_same(to->fd, c->fd))
            send_frame(to, FRAME_TEXT, prefix, text, len);
}

/* Tells all in the room, the client itself, too, that it has "joined" or "left". */
static void announce(struct client *c, const char *what) {
    char text[2 * WORD_MAX + 16];
    int n = snprintf(text, sizeof text, "%s %s %s", room_person(c->fd), what, room_title(c->fd));
    send_frame(c, FRAME_TEXT, "* ", text, (size_t)n);
    relay(c, "* ", text, (size_t)n);
}

/* ---- requests ---- */

/* Sends the one answer that is no WebSocket, and hangs up. */
static void answer(struct client *c, int status, const char *type, const char *body, size_t length) {
    char head[HTTP_MAX];
    client_send(c, head, http_head(head, status, type, length));
    if (!peers[c->fd].head_only)
        client_send(c, body, length);
    hang_up(c);
}

static void refuse(struct client *c, int status, const char *why) {
    char line[HTTP_MAX];
    int length = snprintf(line, sizeof line, "%d: %s\n", status, why);
    fprintf(stderr, "%s refused: %d, %s\n", c->name, status, why);
    answer(c, status, "text/plain", line, (size_t)length);
}

/* Sends the page. It is read anew each time, so that you can work on it while the server runs. */
static void serve_page(struct client *c) {
    size_t length;
    const char *page = page_read(&length);
    if (page)
        answer(c, 200, "text/html", page, length);
    else
        refuse(c, 404, "the page cannot be read, or is over 256 KiB; -f FILE says where it is");
}

/* Answers a handshake with 101, and from now on reads frames. */
static void accept_websocket(struct client *c, const struct head *h, enum state state) {
    char text[ANSWER_MAX];
    struct head shown;
    size_t len = handshake_answer(text, h, state == ECHO ? "echo" : "chat");
    if (verbose && head_parse(&shown, text, len) > 0)
        head_explain(stderr, &shown);
    client_send(c, text, len);
    peers[c->fd].state = state;
    if (state == CHAT && message_max > CHAT_MAX)
        peers[c->fd].reader.max = CHAT_MAX;
    if (state == CHAT)
        announce(c, "joined");
}

/* Answers a request at a path where there is a WebSocket. */
static void answer_handshake(struct client *c, const struct head *h, enum state state) {
    const char *why;
    int status = handshake_check(h, origin, &why);
    if (status != 101)
        refuse(c, status, why);
    else if (state == CHAT && !room_enter(c->fd, h->query, c->name, &why))
        refuse(c, 400, why);
    else
        accept_websocket(c, h, state);
}

static void answer_request(struct client *c, const struct head *h) {
    int status = http_method(h->start[0]);
    if (status != 200)
        refuse(c, status, "all that is here is for GET, or HEAD");
    else if (span_is(h->path, "/echo"))
        answer_handshake(c, h, ECHO);
    else if (span_is(h->path, "/chat"))
        answer_handshake(c, h, CHAT);
    else if (!span_is(h->path, "/") || head_has(h, "Upgrade", "websocket"))
        refuse(c, 404, "the page is at /, WebSockets are at /echo and /chat");
    else
        serve_page(c);
}

/* Takes a request, once it is there as a whole. */
static size_t take_request(struct client *c, const char *data, size_t len) {
    struct head h;
    int size = head_parse(&h, data, len);
    peers[c->fd].head_only = http_is_head(data, len);
    if (size < 0)
        refuse(c, h.status, h.why);
    if (size > 0 && verbose)
        head_explain(stderr, &h);
    if (size > 0)
        answer_request(c, &h);
    return size < 0 ? len : (size_t)size;
}

/* ---- frames ---- */

static void handle_message(struct client *c, int opcode, struct frame_reader *r) {
    char prefix[WORD_MAX + 3];
    show_wire(c->name, "-> unmasked,", r->payload, r->length);
    if (peers[c->fd].state == ECHO) {
        send_frame(c, opcode, "", r->payload, r->length);
    } else if (opcode == FRAME_TEXT) {
        snprintf(prefix, sizeof prefix, "%s: ", room_person(c->fd));
        text_clean((char *)r->payload, r->length); /* on one line nobody can speak for somebody else */
        relay(c, prefix, r->payload, r->length);
    } else {
        close_with(c, CLOSE_UNSUPPORTED, "a chat takes text only");
    }
    frame_reader_free(r); /* it may be long before the next frame comes */
}

static void handle_event(struct client *c, int event, struct frame_reader *r) {
    switch (event) {
    case FRAME_BEGINS: show_frame(c, "->", &r->frame); break;
    case FRAME_TEXT:
    case FRAME_BINARY: handle_message(c, event, r); break;
    case FRAME_PING: send_frame(c, FRAME_PONG, "", r->payload, r->length); break;
    case FRAME_CLOSE: /* it gets the same back, and we hang up (sections 5.5.1 and 7.1.1) */
        fprintf(stderr, "%s closes: %d\n", c->name, r->code);
        send_frame(c, FRAME_CLOSE, "", r->payload, r->length);
        hang_up(c);
        break;
    case FRAME_ERROR: close_with(c, r->code, r->why); break;
    }
}

/* Takes one frame, or as much of it as is there; it is unmasked where it lies. */
static size_t take_frame(struct client *c, unsigned char *data, size_t len) {
    struct frame_reader *r = &peers[c->fd].reader;
    size_t taken = 0, used;
    int event;
    do {
        event = frame_read(r, data + taken, len - taken, &used);
        taken += used;
        handle_event(c, event, r);
    } while (event == FRAME_BEGINS); /* then what it brings, perhaps without a byte more */
    return c->closing ? len : taken; /* what follows a close does not count */
}

/* ---- the events of the loop ---- */

static void on_connect(struct client *c) {
    peers[c->fd] = (struct peer){.asked = now_ms(), .reader = {.masked = 1, .max = (size_t)message_max}};
}

/* A message is a request, and from then on a frame. */
static size_t on_data(struct client *c, char *data, size_t len) {
    int connecting = peers[c->fd].state == CONNECTING;
    return connecting ? take_request(c, data, len) : take_frame(c, (unsigned char *)data, len);
}

static void on_disconnect(struct client *c) {
    if (peers[c->fd].state == CHAT)
        announce(c, "left");
    room_leave(c->fd);
    frame_reader_free(&peers[c->fd].reader);
}

/* A client's time is up: it is silent, or has not done what it was asked for. */
static void time_is_up(struct client *c) {
    if (!owes_answer(c)) {
        ask(c);
        send_frame(c, FRAME_PING, "", "", 0);
    } else if (c->out.length < peers[c->fd].out_when_asked) {
        ask(c); /* it reads: maybe our question is still behind much else */
    } else if (peers[c->fd].state == CONNECTING && !c->closing) {
        refuse(c, 408, "a request has to come sooner");
    } else {
        client_drop(c, c->closing ? "it does not close" : "it does not answer a ping");
    }
}

static int on_turn(long long now) {
    long long next = NO_DEADLINE;
    for (struct client *c = client_next(NULL); c; c = client_next(c)) {
        if (deadline(c) <= now)
            time_is_up(c);
        if (!c->gone && deadline(c) < next)
            next = deadline(c);
    }
    return next == NO_DEADLINE ? -1 : (int)(next - now);
}

static void on_stop(void) {
    for (struct client *c = client_next(NULL); c; c = client_next(c))
        if (peers[c->fd].state != CONNECTING && !c->closing)
            close_with(c, CLOSE_GOING_AWAY, "the server ends");
}

static struct server websockets = {
    .in_max = IN_MAX,
    .out_low = OUT_LOW,
    .on_connect = on_connect,
    .on_data = on_data,
    .on_disconnect = on_disconnect,
    .on_turn = on_turn,
    .on_stop = on_stop,
};

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "9090", *page = NULL;
    int option;
    while ((option = getopt(argc, argv, "hva:p:f:o:m:i:w:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        case 'f': page = optarg; break;
        case 'o': origin = optarg; break;
        case 'm': message_max = parse_number(optarg, 0, MESSAGE_MAX); break;
        case 'i': ping_ms = parse_number(optarg, 0, MS_MAX); break;
        case 'w': wait_ms = parse_number(optarg, 0, MS_MAX); break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);
    page_find(page, argv[0]);
    /* A client is owed OUT_LOW when its message is taken: then comes the page, or an answer; in a chat perhaps one more. */
    websockets.out_max = OUT_LOW + PAGE_MAX + 2 * (size_t)message_max;
    return serve(&websockets, address, port);
}
