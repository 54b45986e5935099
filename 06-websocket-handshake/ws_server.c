/* ws_server.c - a WebSocket server (RFC 6455): /echo, /chat, and a page to try them from a browser.
 *
 *     terminal 1:  make -C .. && ./ws_server -v
 *     a browser:   http://127.0.0.1:9090/               connect, type, watch the bits of each frame
 *     terminal 2:  curl -i http://127.0.0.1:9090/echo   what it says to those who ask for no WebSocket
 *
 * Watch terminal 1: what each line of a handshake and each bit of a frame means. Start reading at on_data().
 * Left out: encryption (wss:), compression and every other extension.
 */
#define _POSIX_C_SOURCE 200809L

#include "frame.h"
#include "handshake.h"
#include "room.h"

#include <errno.h>
#include <fcntl.h>
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

#define MESSAGE_MAX (16 << 20) /* bytes: the largest that -m can be */
#define OUT_LOW     65536      /* bytes of `out` from which on we take no more messages from a client */
#define IN_MAX      131072     /* bytes per client, and per read: a message of 64 KiB comes in one */
#define OUT_MAX     (2 * MESSAGE_MAX + 131072) /* bytes per client, and see relay() for what -m makes of it */
#define PAGE_MAX    262144                     /* bytes of the page at /, and the head before it */
#define MS_MAX      86400000                   /* ms: the longest time, a day */
#define NEVER       INT64_MAX                  /* ms: a time that does not come */

static const char program[] = "ws_server";
static const char usage[] =
    "usage: ws_server [-hv] [-a ADDRESS] [-p PORT] [-f FILE] [-o ORIGIN] [-m BYTES] [-i MS] [-w MS]\n"
    "  -h          print this help\n"
    "  -v          show on stderr every read and write, and what each header line and each bit means\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 9090)\n"
    "  -f FILE     the page at / (default index.html beside this program)\n"
    "  -o ORIGIN   take WebSockets only from pages of this origin (http://HOST:PORT; default: all)\n"
    "  -m BYTES    the largest message to take, up to 16777216 (default 1048576)\n"
    "  -i MS       ping who has been silent for so many ms, 0: nobody (default 20000)\n"
    "  -w MS       how long to wait for a request, a pong, the end of a close; 0: for ever (default 10000)\n"
    "/echo sends every message back, /chat?room=ROOM&name=NAME every text to the others in the room.\n";

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

enum state { CONNECTING, ECHO, CHAT }; /* CONNECTING: the request is not here yet */
static struct peer {                   /* its place in the table is its client's descriptor */
    enum state state;
    int pinged; /* it has been silent, and was asked for a sign of life */
    struct frame_reader reader;
    long long due; /* ms: its time is up: for its request, a sign of life, the end of our close */
    size_t owed;   /* bytes of `out` when it was given that time: fewer now, and it reads */
} peers[FD_SETSIZE];

static long long next_look = NEVER; /* ms: before this nobody's time is up */
static size_t message_max = 1 << 20;
static int ping_ms = 20000, wait_ms = 10000;
static char beside[4096];
static const char *origin, *page_file = beside;

static void look_by(long long when) { next_look = when < next_look ? when : next_look; }

/* Gives a client so many ms, 0: all the time in the world. */
static void give_time(const struct client *c, int ms) {
    peers[c->fd].due = ms > 0 ? now_ms() + ms : NEVER;
    peers[c->fd].owed = c->out.length;
    look_by(peers[c->fd].due);
}

/* Hangs up as soon as the client has read what it is owed, within reason. */
static void hang_up(struct client *c) { c->closing = 1, give_time(c, wait_ms); }

static void show_frame(const struct client *c, const char *arrow, const struct frame *f) {
    if (verbose && !c->gone) {
        fprintf(stderr, "%s %s frame\n", c->name, arrow);
        frame_explain(stderr, "         ", f);
    }
}

/* Queues a frame, whose payload is prefix and data. All that this turn brings leaves in one write. */
static void send_frame(struct client *c, int opcode, const char *prefix, const void *data, size_t len) {
    unsigned char header[FRAME_HEADER_MAX];
    struct frame f = {.fin = 1, .opcode = opcode, .length = strlen(prefix) + len};
    show_frame(c, "<-", &f);
    client_send(c, (const char *)header, frame_encode(header, &f));
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

/* Sends a text to the others in c's room. Who lets more than the bound pile up is dropped. */
static void relay(const struct client *c, const char *prefix, const void *text, size_t len) {
    for (struct client *to = client_next(NULL); to; to = client_next(to)) {
        if (to == c || !room_same(to->fd, c->fd))
            continue;
        if (to->out.length > OUT_LOW && !to->blocked)
            client_flush(to); /* or much talk in one turn would make a fast reader look slow */
        if (to->out.length > OUT_LOW + message_max)
            client_drop(to, "too slow, it does not read what it is sent");
        else
            send_frame(to, FRAME_TEXT, prefix, text, len);
    }
}

/* Tells all in the room, itself, too, that somebody "joined" or "left". */
static void tell(struct client *c, const char *what) {
    char text[2 * WORD_MAX + 16];
    int n = snprintf(text, sizeof text, "%s %s %s", room_person(c->fd), what, room_title(c->fd));
    send_frame(c, FRAME_TEXT, "* ", text, (size_t)n);
    relay(c, "* ", text, (size_t)n);
}

/* Answers a request that opens no WebSocket, and hangs up. */
static void refuse(struct client *c, int status, const char *why) {
    char text[ANSWER_MAX];
    fprintf(stderr, "%s refused: %d, %s\n", c->name, status, why);
    client_send(c, text, http_refusal(text, sizeof text, status, why));
    hang_up(c);
}

/* Reads the page anew for each who asks, so that you can work on it while the server runs. */
static void serve_page(struct client *c) {
    static char page[PAGE_MAX];
    size_t len = http_page(page, sizeof page, page_file);
    client_send(c, page, len);
    if (len > 0)
        hang_up(c);
    else
        refuse(c, 404, "the page cannot be read, or is over 256 KiB; -f FILE says where it is");
}

/* Answers a handshake with 101, and from now on reads frames. */
static void open_socket(struct client *c, const struct head *h, enum state state) {
    char text[ANSWER_MAX];
    size_t len = handshake_answer(text, h, state == ECHO ? "echo" : "chat");
    struct head shown;
    if (verbose && head_parse(&shown, text, len) > 0)
        head_explain(stderr, "         ", &shown);
    client_send(c, text, len);
    give_time(c, ping_ms);
    peers[c->fd].state = state;
    if (state == CHAT)
        tell(c, "joined");
}

/* Answers a request, once it is there as a whole. Returns the bytes it used. */
static size_t take_request(struct client *c, const char *data, size_t len) {
    struct head h;
    const char *why = NULL;
    int size = head_parse(&h, data, len), status = 0;
    if (size <= 0)
        return size < 0 ? refuse(c, -size, h.why), len : 0;
    if (verbose)
        head_explain(stderr, "         ", &h);
    struct span query = h.start[1], path = span_cut(&query, '?');
    enum state state = span_is(path, "/echo") ? ECHO : span_is(path, "/chat") ? CHAT : CONNECTING;
    if (state != CONNECTING)
        status = handshake_check(&h, origin, &why);
    else if (head_has(&h, "Upgrade", "websocket", span_is_nocase) || !span_is(path, "/"))
        status = 404, why = "the page is at /, WebSockets are at /echo and /chat";
    else if (!span_is(h.start[0], "GET"))
        status = 405, why = "the page is for GET, and nothing else";
    if (status == 101 && state == CHAT && (why = room_enter(c->fd, query, c->name)) != NULL)
        status = 400;
    if (status == 101)
        open_socket(c, &h, state);
    else if (status != 0)
        refuse(c, status, why);
    else
        serve_page(c);
    return (size_t)size;
}

static void take_message(struct client *c, int opcode, struct frame_reader *r) {
    char prefix[WORD_MAX + 3];
    show_wire(c->name, "-> unmasked,", (const char *)r->payload, r->length);
    if (peers[c->fd].state == ECHO) {
        send_frame(c, opcode, "", r->payload, r->length);
    } else if (opcode == FRAME_TEXT) {
        snprintf(prefix, sizeof prefix, "%s: ", room_person(c->fd));
        utf8_blank_controls(r->payload, r->length); /* on one line nobody can speak for somebody else */
        relay(c, prefix, r->payload, r->length);
    } else {
        close_with(c, CLOSE_UNSUPPORTED, "a chat takes text only");
    }
}

static void take_event(struct client *c, int event, struct frame_reader *r) {
    size_t code_size = r->code == CLOSE_NO_CODE ? 0 : 2;
    switch (event) {
    case FRAME_HEADER: show_frame(c, "->", &r->frame); break;
    case FRAME_TEXT:
    case FRAME_BINARY: take_message(c, event, r); break;
    case FRAME_PING: send_frame(c, FRAME_PONG, "", r->payload, r->length); break;
    case FRAME_CLOSE: /* it gets the same back, and we hang up (sections 5.5.1 and 7.1.1) */
        fprintf(stderr, "%s closes: %d\n", c->name, r->code);
        send_frame(c, FRAME_CLOSE, "", r->payload - code_size, code_size + r->length);
        hang_up(c);
        break;
    case FRAME_ERROR: close_with(c, r->code, r->why); break;
    }
}

/* Takes frames for as long as `out` has room: who does not read has to wait. Returns the bytes used. */
static size_t take_frames(struct client *c, unsigned char *data, size_t len) {
    struct frame_reader *r = &peers[c->fd].reader;
    size_t taken = 0, used;
    int event = FRAME_HEADER;
    while (event != FRAME_MORE && !c->closing && (r->inside || taken == len || c->out.length < OUT_LOW)) {
        event = frame_read(r, data + taken, len - taken, &used);
        take_event(c, event, r);
        taken += used;
    }
    return taken;
}

static void on_connect(struct client *c) {
    peers[c->fd] = (struct peer){.state = CONNECTING, .reader = {.masked = 1, .max = message_max}};
    give_time(c, wait_ms);
}

static void on_disconnect(struct client *c) {
    if (peers[c->fd].state == CHAT)
        tell(c, "left");
    room_leave(c->fd);
    frame_reader_free(&peers[c->fd].reader);
}

static size_t on_data(struct client *c, const char *data, size_t len) {
    struct peer *p = &peers[c->fd];
    size_t used = p->state == CONNECTING ? take_request(c, data, len) : 0;
    if (p->state == CONNECTING || c->closing)
        return used;
    if (len > 0)
        p->pinged = 0, give_time(c, ping_ms);
    return used + take_frames(c, (unsigned char *)data + used, len - used); /* unmasked where they lie */
}

/* A client's time is up: it sent no request, is silent, did not answer a ping, or does not close. */
static void time_is_up(struct client *c) {
    struct peer *p = &peers[c->fd];
    p->due = NEVER;
    if (c->in.length + c->out.length == 0) { /* an idle client costs no memory but its place in the tables */
        free(c->in.data);
        free(c->out.data);
        c->in = c->out = (struct buffer){NULL, 0, 0};
    }
    if (c->out.length < p->owed) { /* it reads: maybe our question is still behind much else */
        give_time(c, wait_ms);
    } else if (c->closing || p->pinged) {
        client_drop(c, c->closing ? "it does not close" : "it does not answer a ping");
    } else if (p->state == CONNECTING) {
        refuse(c, 408, "a request has to come sooner");
    } else {
        give_time(c, wait_ms);
        send_frame(c, FRAME_PING, "", "", 0);
        p->pinged = 1;
    }
}

static int on_tick(long long now) {
    if (now >= next_look) {
        next_look = NEVER;
        for (struct client *c = client_next(NULL); c; c = client_next(c)) {
            if (peers[c->fd].due <= now && !c->gone)
                time_is_up(c);
            look_by(peers[c->fd].due);
        }
    }
    return next_look == NEVER ? -1 : (int)(next_look - now);
}

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *port = "9090", *slash = strrchr(argv[0], '/');
    int option;
    snprintf(beside, sizeof beside, "%.*sindex.html", slash ? (int)(slash + 1 - argv[0]) : 0, argv[0]);
    while ((option = getopt(argc, argv, "hva:p:f:o:m:i:w:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 65535); break;
        case 'f': page_file = optarg; break;
        case 'o': origin = optarg; break;
        case 'm': message_max = (size_t)parse_number(optarg, MESSAGE_MAX); break;
        case 'i': ping_ms = parse_number(optarg, MS_MAX); break;
        case 'w': wait_ms = parse_number(optarg, MS_MAX); break;
        default: return fputs(usage, stderr), 2;
        }
    if (optind < argc)
        return fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage), 2;
    serve(address, port);
    for (struct client *c = client_next(NULL); c; c = client_next(c))
        if (peers[c->fd].state != CONNECTING && !c->closing) {
            close_with(c, CLOSE_GOING_AWAY, "the server ends");
            client_flush(c); /* as far as the kernel takes it now */
        }
    return 0;
}
