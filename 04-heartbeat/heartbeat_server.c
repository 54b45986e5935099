/* heartbeat_server.c - drops who is silent for too long, and counts each message once, however often it comes.
 *
 *     terminal 1:  cc -o heartbeat_server heartbeat_server.c && ./heartbeat_server -t 10000
 *     terminal 2:  telnet 127.0.0.1 5204           HELLO zhangsan, then PING 1, MSG 1 hello, and MSG 1 hello again
 *     terminal 3:  ./heartbeat_client              type lines; stop the server (kill -STOP), and watch
 *
 * Watch terminal 1: who sends nothing for 10 seconds is told so and dropped. A dead peer and a silent one look
 * the same, so time decides: each client has a deadline, and the loop sleeps exactly until the nearest one.
 * Start reading at on_tick(). Left out: what was accepted is forgotten when the server ends.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
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

#define IN_MAX    4096     /* bytes per client that wait for on_data; more than two lines */
#define OUT_MAX   4096     /* bytes per client that wait for the kernel to take them */
#define REPLY_MAX 128      /* bytes in the longest answer */
#define WORD_MAX  32       /* bytes in a name */
#define NAMES_MAX 4096     /* names that are remembered; the one that is gone for longest makes room */
#define DAY_MS    86400000 /* the longest time that an option takes */

static const char program[] = "heartbeat_server";
static const char usage[] =
    "usage: heartbeat_server [-hv] [-a ADDRESS] [-p PORT] [-t MS]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 5204)\n"
    "  -t MS       drop a client after so many ms without a line from it (default 15000)\n"
    "Each message that is accepted is a line on stdout: name, seq, text.\n";

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

/* ---- lines: the same in every line server of this course (see 01-echo/menu_server.c) ---- */

#define LINE_SIZE 1024 /* bytes in a line, without its end; a longer one is refused as a whole */

/* Bytes that are no text. IAC begins a telnet command (RFC 854); no UTF-8 text contains it. */
enum { CTRL_D = 4, SE = 240, SB = 250, WILL, WONT, DO, DONT, IAC };

struct line {
    unsigned char telnet, answer[3]; /* what of a telnet command has come; a refusal to be sent */
    int too_long;
    size_t length;
    char text[LINE_SIZE + 1];
};

enum event { NOTHING, LINE, TOO_LONG, ANSWER, END };

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

/* Makes text safe to print on somebody's terminal: what is not UTF-8 becomes question marks, and so does
 * every control character, for with one (ESC, or U+0080 to U+009F) the commands to a terminal begin. */
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

/* Takes a byte of a telnet command and returns 1; or returns 0, for the byte is text. */
static int telnet_feed(struct line *l, unsigned char byte, enum event *event) {
    switch (l->telnet) {
    case 0: l->telnet = byte == IAC ? IAC : 0; return byte == IAC;
    case IAC: l->telnet = byte >= SB && byte < IAC ? byte : 0; return 1;
    case SB: l->telnet = byte == IAC ? SE : SB; return 1;
    case SE: l->telnet = byte == SE ? 0 : SB; return 1;
    case WILL:
    case DO: /* "I will", "Do you": "No" to all of it, or telnet waits (after Ctrl-C it even shows nothing) */
        memcpy(l->answer, (unsigned char[]){IAC, l->telnet == DO ? WONT : DONT, byte}, 3);
        *event = ANSWER;
    }
    l->telnet = 0;
    return 1;
}

/* Takes the next byte. Returns LINE when l->text is a line, clean and without its end; TOO_LONG at the end of
 * one that was; ANSWER when l->answer is to be sent; END for Ctrl-D, which telnet sends as a byte. */
static enum event line_feed(struct line *l, unsigned char byte) {
    enum event event = NOTHING;
    if (telnet_feed(l, byte, &event) || byte == '\r') /* a CR is half of CR LF, or would move the cursor */
        return event;
    if (byte == '\n') {
        event = l->too_long ? TOO_LONG : LINE;
        text_clean(l->text, l->length);
        l->text[l->length] = '\0';
        l->length = 0;
        l->too_long = 0;
    } else if (byte == CTRL_D && l->length == 0) {
        event = END;
    } else if (l->length < LINE_SIZE) {
        l->text[l->length++] = (char)byte;
    } else {
        l->too_long = 1;
    }
    return event;
}
/* ---- end of lines ---- */

struct member { /* a name that has said HELLO, now or earlier */
    char name[WORD_MAX + 1];
    long long last;        /* the highest seq accepted from it; 0: none */
    struct client *client; /* its connection; NULL: it has none */
    long long left;        /* ms: when it lost its last connection */
};

struct peer { /* its place in the table is its client's descriptor */
    struct line line;
    struct member *member; /* who it is; NULL before its HELLO */
    long long number;      /* connections are numbered as they come: the higher one is newer */
    long long deadline;    /* ms: then it will have been silent for too long */
    int overdue;           /* that has come; it gets one more turn */
};

_Static_assert(NAMES_MAX > FD_SETSIZE, "whoever is connected has to have a place");
static struct member members[NAMES_MAX];
static struct peer peers[FD_SETSIZE];
static int silence = 15000; /* ms, -t */

/* Sends a client a line, put as for printf(). */
static void say(struct client *c, const char *format, ...) {
    char text[REPLY_MAX];
    va_list arguments;
    va_start(arguments, format);
    size_t len = (size_t)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    client_send(c, text, len);
}

/* Logs what has become of a client. */
static void note(const struct client *c, const char *what) {
    const struct member *m = peers[c->fd].member;
    fprintf(stderr, "%s%s%s %s\n", c->name, m ? " " : "", m ? m->name : "", what);
}

/* Gives a client until so many ms from now. One more, for now_ms() rounds down, and nobody is dropped early. */
static void set_deadline(const struct client *c, int ms) {
    peers[c->fd].deadline = now_ms() + ms + 1;
    peers[c->fd].overdue = 0;
}

/* Hangs up, once all is said; for that, too, there is a deadline. */
static void hang_up(struct client *c) {
    c->closing = 1;
    set_deadline(c, 2 * LINGER_MS);
}

/* The deadline has passed. But if it was us who were away (stopped, or busy), its lines may still lie in the
 * kernel: so the first time we only look once more, the second time it is true. */
static void on_deadline(struct client *c) {
    if (!peers[c->fd].overdue) {
        peers[c->fd].overdue = 1;
    } else if (c->out.length > 0) {
        client_drop(c, "it is silent, and does not read either");
    } else {
        note(c, "is silent for too long");
        say(c, "BYE you were silent for %d ms\n", silence);
        hang_up(c);
    }
}

/* Looks at all deadlines. Returns the ms until the nearest, so that the loop sleeps neither longer nor shorter. */
static int on_tick(long long now) {
    long long nearest = -1;
    for (struct client *c = client_next(NULL); c; c = client_next(c)) {
        if (now >= peers[c->fd].deadline)
            on_deadline(c);
        long long left = peers[c->fd].deadline > now ? peers[c->fd].deadline - now : 0;
        if (nearest < 0 || left < nearest)
            nearest = left;
    }
    return (int)nearest;
}

/* Returns the member of that name; if there is none, the place of a new one. Where all places are taken that is
 * the place of the one who is gone for longest: should it come back, what it resends counts again. */
static struct member *member_find(const char *name) {
    struct member *place = members;
    for (struct member *m = members; m < members + NAMES_MAX; m++) {
        if (strcmp(m->name, name) == 0)
            return m;
        if (m->client == NULL && (place->client || m->left < place->left))
            place = m;
    }
    if (*place->name)
        fprintf(stderr, "%s is forgotten\n", place->name);
    *place = (struct member){.last = 0};
    snprintf(place->name, sizeof place->name, "%s", name);
    return place;
}

/* Of two connections of a name the newer is the living one, whichever HELLO comes first: the other belongs to a
 * client that has given it up, which we can't see from here. */
static void do_hello(struct client *c, const char *name) {
    struct peer *p = &peers[c->fd];
    if (p->member || *name == '\0' || strlen(name) > WORD_MAX || strpbrk(name, " \t")) {
        say(c, p->member ? "ERROR you have said HELLO\n" : "ERROR a name is 1 to %d bytes, no blanks\n",
            WORD_MAX);
        return;
    }
    struct member *m = member_find(name);
    struct client *other = m->client, *older = other && peers[other->fd].number > p->number ? c : other;
    if (older) {
        note(older, "is replaced by a newer connection");
        say(older, "ERROR %s has a newer connection\n", m->name);
        peers[older->fd].member = NULL;
        hang_up(older);
    }
    if (older != c) {
        p->member = m;
        m->client = c;
        note(c, "says HELLO");
        say(c, "WELCOME %lld\n", m->last);
    }
}

/* Reads the number at the beginning of a text: digits that end it, or have a blank behind them. Returns the
 * number, 0 to 10^18 - 1, and sets what comes behind the blank; or returns -1. */
static long long number(const char *text, const char **rest) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || (text[digits] != ' ' && text[digits] != '\0'))
        return -1;
    *rest = text + digits + (text[digits] == ' ');
    return strtoll(text, NULL, 10);
}

static void do_ping(struct client *c, const char *text) {
    const char *rest = "";
    long long n = number(text, &rest);
    if (n < 0 || *rest)
        say(c, "ERROR after PING comes a number\n");
    else
        say(c, "PONG %lld\n", n);
}

/* Writes an accepted message to stdout, at once: what is acknowledged must not be lost. */
static void keep(const struct member *m, const char *text) {
    if (printf("%s %lld %s\n", m->name, m->last, text) > 0 && fflush(stdout) == 0)
        return;
    fprintf(stderr, "%s: cannot write the output: %s\n", program, strerror(errno));
    exit(1);
}

/* At-least-once is the client's part: it sends a message again until it hears ACK. That it counts once is ours:
 * a number that is not above the last one has been here. A gap would be a message lost, and is refused. */
static void do_msg(struct client *c, const char *text) {
    struct member *m = peers[c->fd].member;
    const char *words = "";
    long long seq = number(text, &words);
    if (m == NULL)
        say(c, "ERROR say HELLO first\n");
    else if (seq < 1)
        say(c, "ERROR after MSG comes a number from 1 on, then the text\n");
    else if (m->last > 0 && seq > m->last + 1)
        say(c, "ERROR %lld has to come before %lld\n", m->last + 1, seq);
    else {
        if (seq > m->last) {
            m->last = seq;
            keep(m, words);
        } else {
            note(c, "repeats a message");
        }
        say(c, "ACK %lld\n", seq);
    }
}

static void obey(struct client *c, const char *line) {
    if (strncmp(line, "HELLO ", 6) == 0)
        do_hello(c, line + 6);
    else if (strncmp(line, "PING ", 5) == 0)
        do_ping(c, line + 5);
    else if (strncmp(line, "MSG ", 4) == 0)
        do_msg(c, line + 4);
    else
        say(c, "ERROR say HELLO name, PING n or MSG seq text\n");
}

static void handle(struct client *c, enum event event, const struct line *line) {
    if (event == LINE || event == TOO_LONG)
        set_deadline(c, silence); /* a sign of life: a whole line, for bytes without end are none */
    switch (event) {
    case NOTHING: break;
    case LINE: obey(c, line->text); break;
    case TOO_LONG: say(c, "ERROR that line is over %d bytes\n", LINE_SIZE); break;
    case ANSWER: client_send(c, (const char *)line->answer, 3); break;
    case END: hang_up(c); break;
    }
}

static void on_connect(struct client *c) {
    static long long connections;
    peers[c->fd] = (struct peer){.number = ++connections};
    set_deadline(c, silence);
}

static void on_disconnect(struct client *c) {
    struct member *m = peers[c->fd].member;
    if (m) {
        m->client = NULL;
        m->left = now_ms();
    }
}

/* Takes bytes for as long as there is room for an answer. A line without its end is none, not even at the end
 * of the stream: it may be half a message, and the whole one would then be taken for a repetition. */
static size_t on_data(struct client *c, const char *data, size_t len) {
    struct line *line = &peers[c->fd].line;
    size_t used = 0;
    while (used < len && !c->closing && OUT_MAX - c->out.length >= REPLY_MAX)
        handle(c, line_feed(line, (unsigned char)data[used++]), line);
    return used;
}

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *port = "5204";
    int option;
    while ((option = getopt(argc, argv, "hva:p:t:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 65535); break;
        case 't': silence = parse_number(optarg, DAY_MS); break;
        default: return fputs(usage, stderr), 2;
        }
    if (optind < argc)
        return fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage), 2;
    serve(address, port);
    return 0;
}
