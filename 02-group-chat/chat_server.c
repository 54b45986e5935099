/* chat_server.c - a group chat for telnet and nc: what one says, the others in the same room hear.
 *
 *     terminal 1:  cc -o chat_server chat_server.c && ./chat_server
 *     terminal 2:  telnet 127.0.0.1 5228           say hello, then /nick alice and /join kitchen
 *     terminal 3:  nc 127.0.0.1 5228               /rooms, then follow her; /help for the rest
 *
 * Watch: what you say comes to the others with your name in front, and never back to you. New here: say(), to
 * one, to a room or to everybody; and person_move(), for a room is no more than the people who are in it.
 * Left out: passwords, what was said before you came, and names that only look the same.
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

#define IN_MAX    4096  /* bytes per client that wait for on_data; then we stop reading from it */
#define OUT_MAX   65536 /* bytes per client that wait for the kernel; with more it is too slow */
#define WORD_MAX  32    /* bytes in the name of a person or a room */
#define REPLY_MAX (FD_SETSIZE * (WORD_MAX + 12)) /* bytes in the longest answer: /who lists everybody */
_Static_assert(REPLY_MAX < OUT_MAX, "there has to be room for an answer");

static const char program[] = "chat_server";
static const char usage[] =
    "usage: chat_server [-hv] [-a ADDRESS] [-p PORT]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 5228)\n";

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

struct person { /* its place in the table is its client's descriptor */
    char name[WORD_MAX + 1];
    char room[WORD_MAX + 1]; /* "": in none, as before the greeting and after the goodbye */
    struct line line;        /* that it is about to complete */
};

enum whom { ME, ONE, OTHERS, EVERYBODY };

static struct person people[FD_SETSIZE];
static char lobby[] = "lobby";

static const char *name_of(const struct client *c) { return people[c->fd].name; }
static const char *room_of(const struct client *c) { return people[c->fd].room; }

static int same_room(const struct client *a, const struct client *b) {
    return strcmp(room_of(a), room_of(b)) == 0;
}

/* Says something, put as for printf(), to c itself (ME, ONE), to the others in its room, or to everybody in all
 * rooms. Returns to how many. What people have typed is only ever an argument, of one line, and no format. */
static int say(enum whom whom, const struct client *c, const char *format, ...) {
    char text[LINE_SIZE + 128];
    int count = 0;
    va_list arguments;
    va_start(arguments, format);
    size_t len = (size_t)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct client *only = whom == ME || whom == ONE ? &clients[c->fd] : NULL;
    for (struct client *to = only ? only : client_next(NULL); to; to = only ? NULL : client_next(to)) {
        if (whom == OTHERS && (to == c || !same_room(to, c)))
            continue;
        if (whom != ME && to->out.length > OUT_MAX / 2 && !to->blocked)
            client_flush(to); /* or much talk in one turn would make a fast reader look slow */
        client_send(to, text, len);
        count++;
    }
    return count;
}

/* Returns the one of that name who is in a room, or NULL. */
static const struct client *person_find(const char *name) {
    const struct client *c = client_next(NULL);
    while (c && (strcmp(name_of(c), name) != 0 || !*room_of(c)))
        c = client_next(c);
    return c;
}

/* Returns whether a person or a room may be called that; if not, says so. Beyond ASCII all passes for a letter
 * but U+0080 to U+00BF (signs), U+2000 to U+207F (blanks, invisible marks) and U+3000 (the wide blank). */
static int name_check(const struct client *c, const char *name) {
    size_t len = strcspn(name, " \t!\"#$%&'()*+,./:;<=>?@[\\]^`{|}~\xc2");
    int unseen = strstr(name, "\xe2\x80") || strstr(name, "\xe2\x81") || strstr(name, "\xe3\x80\x80");
    if (len <= WORD_MAX && name[len] == '\0' && !unseen)
        return 1;
    say(ME, c, "* a name is 1 to %d bytes of letters, digits, - and _\n", WORD_MAX);
    return 0;
}

/* Takes c out of its room and into another, and tells the others in both. */
static void person_move(const struct client *c, const char *room) {
    if (strcmp(room_of(c), room) == 0)
        return;
    say(OTHERS, c, "* %s left\n", name_of(c));
    snprintf(people[c->fd].room, sizeof people->room, "%s", room);
    say(OTHERS, c, "* %s joined\n", name_of(c));
}

static void do_nick(struct client *c, char *name) {
    if (person_find(name) || strncmp(name, "guest", 5) == 0) {
        say(ME, c, "* the name %s is taken\n", name);
    } else if (name_check(c, name)) {
        say(OTHERS, c, "* %s is now %s\n", name_of(c), name);
        say(ME, c, "* you are now %s\n", name);
        snprintf(people[c->fd].name, sizeof people->name, "%s", name);
    }
}

static void do_join(struct client *c, char *room) {
    if (name_check(c, room)) {
        person_move(c, room);
        say(ME, c, "* you are in %s\n", room);
    }
}

static int by_room(const void *a, const void *b) {
    return strcmp(people[*(const int *)a].room, people[*(const int *)b].room);
}

/* Sorted, those of a room stand side by side. To count heads by looking for each room among all who are there would
 * keep everybody waiting, with 900 rooms. */
static void do_rooms(struct client *c, char *text) {
    int all[FD_SETSIZE] = {0}, n = 0, heads;
    (void)text;
    for (const struct client *a = client_next(NULL); a; a = client_next(a))
        if (*room_of(a))
            all[n++] = a->fd;
    qsort(all, (size_t)n, sizeof all[0], by_room);
    for (int i = 0; i < n; i += heads) {
        for (heads = 1; i + heads < n && by_room(&all[i], &all[i + heads]) == 0;)
            heads++;
        say(ME, c, "* %d in %s\n", heads, people[all[i]].room);
    }
}

static void do_who(struct client *c, char *text) {
    (void)text;
    for (const struct client *a = client_next(NULL); a; a = client_next(a))
        if (same_room(a, c))
            say(ME, c, "* %s is here\n", name_of(a));
}

static void do_msg(struct client *c, char *text) {
    const char *name = strtok(text, " "), *words = strtok(NULL, "");
    if (words == NULL)
        say(ME, c, "* usage: /msg NAME TEXT\n");
    else if (person_find(name))
        say(ONE, person_find(name), "%s (private): %s\n", name_of(c), words);
    else
        say(ME, c, "* there is nobody called %s\n", name);
}

static void do_leave(struct client *c, char *text) { (void)text, do_join(c, lobby); }
static void do_all(struct client *c, char *text) { say(EVERYBODY, c, "%s (to all): %s\n", name_of(c), text); }
static void do_echo(struct client *c, char *text) { say(ME, c, "%s (echo): %s\n", name_of(c), text); }
static void do_quit(struct client *c, char *text) { (void)text, person_move(c, ""), c->closing = 1; }
static void do_help(struct client *c, char *text);

static const struct command {
    const char *name, *argument, *meaning;
    void (*run)(struct client *c, char *text);
} commands[] = {
    {"/nick", "NAME", "change your name", do_nick},
    {"/join", "ROOM", "go to a room, or open a new one", do_join},
    {"/leave", "", "go back to the lobby", do_leave},
    {"/rooms", "", "see how many are in which room", do_rooms},
    {"/who", "", "see who is in this room", do_who},
    {"/msg", "NAME TEXT", "tell one person", do_msg},
    {"/all", "TEXT", "tell everybody in all rooms", do_all},
    {"/echo", "TEXT", "tell yourself", do_echo},
    {"/help", "", "see this list", do_help},
    {"/quit", "", "hang up", do_quit},
    {NULL, NULL, NULL, NULL},
};

static void do_help(struct client *c, char *text) {
    (void)text;
    for (const struct command *command = commands; command->name; command++)
        say(ME, c, "* %-6s %-9s  %s\n", command->name, command->argument, command->meaning);
}

/* Does what a line says: a command, or words for the others in the room. */
static void obey(struct client *c, char *line) {
    if (*line != '/') {
        if (line[strspn(line, " \t")] && say(OTHERS, c, "%s: %s\n", name_of(c), line) == 0)
            say(ME, c, "* nobody else is in %s\n", room_of(c));
        return;
    }
    const struct command *command = commands;
    size_t len = strcspn(line, " ");
    char *text = line + len + strspn(line + len, " ");
    line[len] = '\0';
    while (command->name && strcmp(command->name, line) != 0)
        command++;
    if (command->name == NULL)
        say(ME, c, "* there is no %s, see /help\n", line);
    else if (*command->argument && *text == '\0')
        say(ME, c, "* usage: %s %s\n", line, command->argument);
    else
        command->run(c, text);
}

static void on_connect(struct client *c) {
    char name[WORD_MAX + 1];
    long port = strtol(strrchr(c->name, ':') + 1, NULL, 10);
    people[c->fd] = (struct person){.name = ""};
    do
        snprintf(name, sizeof name, "guest%ld", port++);
    while (person_find(name)); /* two hosts can use the same port */
    snprintf(people[c->fd].name, sizeof people->name, "%s", name);
    person_move(c, lobby);
    say(ME, c, "* welcome to the lobby, %s; /help shows what you can do\n", name);
}

static void on_disconnect(struct client *c) { person_move(c, ""); }
static int on_tick(long long now) { return (void)now, -1; }

/* Takes bytes for as long as there is room for an answer. At the end an unfinished line counts as a line. */
static size_t on_data(struct client *c, const char *data, size_t len) {
    struct line *line = &people[c->fd].line;
    size_t used = 0;
    while (!c->closing && OUT_MAX - c->out.length >= REPLY_MAX) {
        int unfinished = c->eof && line->telnet == 0 && line->length > 0;
        if (used == len && !unfinished)
            break;
        switch (line_feed(line, used < len ? (unsigned char)data[used++] : '\n')) {
        case NOTHING: break;
        case LINE: obey(c, line->text); break;
        case TOO_LONG: say(ME, c, "* that line is over %d bytes, nobody got it\n", LINE_SIZE); break;
        case ANSWER: client_send(c, (const char *)line->answer, 3); break;
        case END: do_quit(c, NULL); break;
        }
    }
    return used;
}

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *port = "5228";
    int option;
    while ((option = getopt(argc, argv, "hva:p:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 65535); break;
        default: return fputs(usage, stderr), 2;
        }
    if (optind < argc)
        return fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage), 2;
    serve(address, port);
    return 0;
}
