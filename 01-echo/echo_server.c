/* echo_server.c - sends every byte back to the client it came from, for hundreds of clients at once.
 *
 *     terminal 1:  cc -o echo_server echo_server.c && ./echo_server -v
 *     terminal 2:  telnet 127.0.0.1 3200           type a line; Ctrl-] and "quit" to leave
 *     terminal 3:  nc 127.0.0.1 3200               both are served, neither waits
 *
 * Watch terminal 1: who comes, who goes, and every byte that passes. Start reading at serve().
 * Left out: encryption, and more clients than select() can watch (FD_SETSIZE, often 1024).
 */
#define _POSIX_C_SOURCE 200809L

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

#define IN_MAX  65536 /* bytes per client that wait for on_data; then we stop reading from it */
#define OUT_MAX 65536 /* bytes per client that wait for the kernel to take them */

static const char program[] = "echo_server";
static const char usage[] =
    "usage: echo_server [-hv] [-a ADDRESS] [-p PORT]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 3200)\n";

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

static void on_connect(struct client *c) { (void)c; }
static void on_disconnect(struct client *c) { (void)c; }
static int on_tick(long long now) { return (void)now, -1; }

/* Uses no more than `out` has room for: who sends without reading has to wait. */
static size_t on_data(struct client *c, const char *data, size_t len) {
    size_t room = OUT_MAX - c->out.length, used = len < room ? len : room;
    client_send(c, data, used);
    return used;
}

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *port = "3200";
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
