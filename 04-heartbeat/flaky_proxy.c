/* flaky_proxy.c - a bad network in a box: stands between clients and a server, and fails when told to.
 *
 *     terminal 1:  ../01-echo/echo_server                       any TCP server will do
 *     terminal 2:  cc -o flaky_proxy flaky_proxy.c && ./flaky_proxy -v 127.0.0.1 3200
 *     terminal 3:  telnet 127.0.0.1 5205                        as if this were the server
 *     terminal 2:  chop 1, delay 500, stall, resume, half, cut: type one, then something in terminal 3
 *
 * Watch what each program makes of it. TCP promises that bytes come in order, not when, not in what pieces, and
 * not that anybody is still there. Left out: lost packets; TCP sends them again, and we see only a delay.
 *
 * It has a loop of its own. The plumbing of lesson 01 hangs up on a client that has sent its FIN and is owed
 * nothing; here the server may have an answer to that yet, so one direction has to outlive the other.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NAME_SIZE    64    /* bytes: "[address%interface]:port" and its NUL */
#define FLOW_MAX     65536 /* bytes under way in one direction; then we stop reading */
#define PARCELS_MAX  1024  /* reads of different ms that are; then we stop, too */
#define DELAY_MAX    60000 /* ms */
#define COMMAND_SIZE 64    /* bytes in a command and its NUL */

/* So that the receiver gets each piece by itself, the first ones after a silence come with a pause in between.
 * The rest of a long burst comes as fast as it can, or 1 MiB in pieces of 1 byte would take 17 minutes. */
#define PAUSE_MS      1
#define PAUSED_PIECES 64
#define SILENCE_MS    20
#define PIECES_A_TURN 16 /* then it is the turn of another connection */

enum { NEVER = -1, CHOP_OFF = 0, CHOP_RANDOM = -2 };

static const char program[] = "flaky_proxy";
static const char usage[] =
    "usage: flaky_proxy [-hrv] [-a ADDRESS] [-p PORT] [-c N] [-d MS] [-s SEED] [-i MS] [HOST [PORT]]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text: -> from a client,\n"
    "              => on to the server, <= from the server, <- on to the client\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 5205)\n"
    "  -c N        begin with \"chop N\" (default 0)\n"
    "  -d MS       begin with \"delay MS\" (default 0 ms)\n"
    "  -r          misbehave: give yourself commands at random\n"
    "  -i MS       with -r: so many ms between two commands, on average (default 500 ms)\n"
    "  -s SEED     what -r and \"chop random\" do: the same number, the same misdeeds (default 1)\n"
    "  HOST PORT   the server (default 127.0.0.1 5204)\n"
    "Commands, one a line on stdin; each is answered by a line on stderr:\n"
    "  stall       pass on nothing at all: no byte, no FIN, no RST, no new connection\n"
    "  resume      go on\n"
    "  cut         RST to both sides of every connection\n"
    "  close       FIN to both sides of every connection, after what is under way\n"
    "  half        FIN to the clients; what they send is still passed on\n"
    "  delay MS    each byte arrives so much later, 0 to 60000\n"
    "  chop N      write at most N bytes at once, 1 to 65536, or random; 0: as they come\n"
    "  refuse      refuse new connections\n"
    "  accept      accept them again\n"
    "  status      change nothing\n";

struct parcel {    /* bytes that came in the same ms */
    long long due; /* ms: when to pass them on */
    size_t length;
};

struct flow {                /* one direction of a connection: data[start] to data[end - 1] are under way */
    int from, to;            /* descriptors; -1: not connected */
    int eof;                 /* `from` has finished sending */
    int finishing;           /* a FIN is to follow what is under way; what still comes is thrown away */
    int finished;            /* it has been sent */
    long long finish_due;    /* ms: not to be sent before */
    size_t start, end;       /* bytes */
    size_t first, parcels;   /* of the ring `parcel`, the same bytes by the time when they came */
    long long last_write;    /* ms */
    int pieces;              /* written since the last silence, counted up to PAUSED_PIECES */
    const char *came, *went; /* the arrows of -v */
    struct parcel parcel[PARCELS_MAX];
    char data[FLOW_MAX];
};

struct pair { /* a client's connection to us, and ours to the server for it */
    struct pair *next;
    char name[NAME_SIZE];          /* of the client */
    int client, server;            /* descriptors */
    const struct addrinfo *trying; /* the server's address that we are connecting to; NULL: no more */
    int gone;                      /* to be freed at the end of this turn */
    struct flow up, down;          /* from the client to the server, and back */
};

static struct pair *pairs;
static struct addrinfo *server_addresses;
static char server_name[300];
static int listener;
static struct sockaddr_storage here; /* where we listen */
static socklen_t here_len;

static int stalled, refusing, chop, delay; /* chop: bytes, CHOP_OFF or CHOP_RANDOM; delay: ms */
static int deaf;                           /* stdin has ended */
static int interval = 500;                 /* ms between two misdeeds on average */
static long long next_misdeed = NEVER;     /* ms */
static uint32_t plan_dice, chop_dice;      /* two, so that the plan of -r depends on the seed alone */

static int verbose;                /* -v */
static volatile sig_atomic_t stop; /* SIGINT or SIGTERM has come */
static void on_signal(int number) { stop = number; }

/* Milliseconds, by a clock that nobody can set. */
static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Returns the sooner of two times, either of which may be NEVER. */
static long long sooner(long long a, long long b) { return a == NEVER || (b != NEVER && b < a) ? b : a; }

/* Returns a number from 0 to n - 1, by the xorshift generator (Marsaglia 2003); *dice is never 0. */
static int roll(uint32_t *dice, int n) {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 17;
    *dice ^= *dice << 5;
    return (int)(*dice % (uint32_t)n);
}

/* Returns the number, 0 to max, that a text stands for, or -1. */
static int number_of(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && value <= max ? (int)value : -1;
}

/* Returns the number, 0 to max, that an argument stands for; anything else ends the program. */
static int parse_number(const char *text, int max) {
    int value = number_of(text, max);
    if (value >= 0)
        return value;
    fprintf(stderr, "%s: '%s' is not a number from 0 to %d\n%s", program, text, max, usage);
    exit(2);
}

/* Writes "host:port" in digits. */
static void name_address(const void *address, socklen_t len, char name[NAME_SIZE]) {
    char host[NAME_SIZE - 9] = "?", port[6] = "?";
    getnameinfo(address, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, NAME_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* The microscope of -v; 16 bytes a row. */
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

/* ---- a flow: one direction of a connection ---- */

/* Notes that len bytes more are under way, and when to pass them on. */
static void flow_add(struct flow *f, size_t len, long long due) {
    struct parcel *last = &f->parcel[(f->first + f->parcels + PARCELS_MAX - 1) % PARCELS_MAX];
    if (f->parcels == 0 || last->due != due) {
        last = &f->parcel[(f->first + f->parcels++) % PARCELS_MAX];
        *last = (struct parcel){.due = due};
    }
    last->length += len;
    f->end += len;
}

/* Notes that the first len bytes, all of one parcel, have been passed on. */
static void flow_take(struct flow *f, size_t len) {
    struct parcel *first = &f->parcel[f->first];
    first->length -= len;
    if (first->length == 0) {
        f->first = (f->first + 1) % PARCELS_MAX;
        f->parcels--;
    }
    f->start += len;
    if (f->start == f->end || f->start > FLOW_MAX / 2) { /* for each byte it would take too long */
        memmove(f->data, f->data + f->start, f->end - f->start);
        f->end -= f->start;
        f->start = 0;
    }
}

/* Has a FIN follow what is under way, at the time `due` or later. */
static void flow_finish(struct flow *f, long long due) {
    if (!f->finishing)
        f->finish_due = due;
    f->finishing = 1;
}

/* Returns when the next byte is to be written, or the FIN after the last one, in ms; or NEVER. */
static long long flow_due(const struct flow *f) {
    if (f->to < 0 || f->finished || (f->parcels == 0 && !f->finishing))
        return NEVER;
    if (f->parcels == 0)
        return f->finish_due;
    int pausing = chop != CHOP_OFF && f->pieces > 0 && f->pieces < PAUSED_PIECES;
    long long due = f->parcel[f->first].due, rested = f->last_write + PAUSE_MS;
    return pausing && due < rested ? rested : due;
}

/* Returns how many of len bytes the next write takes. */
static size_t piece_size(size_t len) {
    int size = chop;
    if (chop == CHOP_RANDOM) /* up to 4096, and half of them below 64 */
        size = 1 + roll(&chop_dice, 1 << roll(&chop_dice, 13));
    return size == CHOP_OFF || (size_t)size > len ? len : (size_t)size;
}

/* Reads once. Returns 0, or -1 with errno. */
static int flow_read(struct flow *f, const char *name, long long now) {
    long long due = delay > 0 ? now + delay + 1 : now; /* + 1: `now` is rounded down */
    ssize_t n = read(f->from, f->data + f->end, FLOW_MAX - f->end);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n > 0)
        show_wire(name, f->came, f->data + f->end, (size_t)n);
    if (n > 0 && !f->finishing)
        flow_add(f, (size_t)n, due);
    f->eof = n == 0;
    if (f->eof)
        flow_finish(f, due);
    return 0;
}

/* Writes what is due. Returns 0, or -1 with errno. */
static int flow_write(struct flow *f, const char *name, long long now) {
    for (int i = 0; i < PIECES_A_TURN && f->parcels > 0 && flow_due(f) <= now; i++) {
        ssize_t n = write(f->to, f->data + f->start, piece_size(f->parcel[f->first].length));
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        show_wire(name, f->went, f->data + f->start, (size_t)n);
        flow_take(f, (size_t)n);
        int before = now - f->last_write < SILENCE_MS ? f->pieces : 0;
        f->pieces = before < PAUSED_PIECES ? before + 1 : before;
        f->last_write = now;
    }
    if (f->parcels == 0 && f->finishing && !f->finished && f->finish_due <= now) {
        shutdown(f->to, SHUT_WR);
        f->finished = 1;
    }
    return 0;
}

/* ---- a pair: both directions ---- */

/* Ends a connection and logs why; NULL: as usual. With `reset` close() sends RST: that is what it does with a
 * linger time of 0. The pair is freed at the end of the turn, for callers may hold it. */
static void pair_end(struct pair *p, int reset, const char *whose, const char *why) {
    if (p->gone)
        return;
    struct linger at_once = {.l_onoff = reset, .l_linger = 0};
    setsockopt(p->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    setsockopt(p->server, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(p->client);
    close(p->server);
    p->gone = 1;
    fprintf(stderr, "%s disconnected%s%s%s\n", p->name, why ? ": " : "", whose, why ? why : "");
}

/* Nobody answers at the server's: FIN to the client, and what it says is thrown away. */
static void pair_give_up(struct pair *p, int error) {
    fprintf(stderr, "%s: cannot connect to %s: %s\n", p->name, server_name, strerror(error));
    p->trying = NULL;
    p->up.start = p->up.end = p->up.parcels = 0;
    p->up.finishing = p->up.finished = 1;
    p->down.eof = 1;
    flow_finish(&p->down, 0);
}

/* Begins to connect to the address p->trying, or the next one that does not fail at once. */
static void pair_connect(struct pair *p) {
    int error = 0;
    for (; p->trying; p->trying = p->trying->ai_next) {
        close(p->server);
        p->server = socket(p->trying->ai_family, p->trying->ai_socktype, p->trying->ai_protocol);
        fcntl(p->server, F_SETFL, O_NONBLOCK);
        setsockopt(p->server, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* a write is a packet */
        if (connect(p->server, p->trying->ai_addr, p->trying->ai_addrlen) == 0 || errno == EINPROGRESS)
            return;
        error = errno;
    }
    pair_give_up(p, error);
}

/* Looks how connecting has ended. */
static void pair_connected(struct pair *p) {
    int error = 0;
    getsockopt(p->server, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
    if (error == 0) {
        p->up.to = p->down.from = p->server;
        p->trying = NULL;
    } else if (p->trying->ai_next) {
        p->trying = p->trying->ai_next;
        pair_connect(p);
    } else {
        pair_give_up(p, error);
    }
}

/* Passes on in one direction. Writing comes first, or a reset could overtake what can be passed on before it. */
static void pair_pass(struct pair *p, struct flow *f, fd_set *readable, fd_set *writable, long long now) {
    int failed = -1;
    if (f->to >= 0 && FD_ISSET(f->to, writable) && flow_write(f, p->name, now) < 0)
        failed = f->to;
    else if (f->from >= 0 && FD_ISSET(f->from, readable) && flow_read(f, p->name, now) < 0)
        failed = f->from;
    if (failed >= 0)
        pair_end(p, 1, failed == p->server ? "the server: " : "", strerror(errno));
}

/* Does for a connection what select() has found possible. */
static void pair_turn(struct pair *p, fd_set *readable, fd_set *writable, long long now) {
    if (!p->gone && p->trying && FD_ISSET(p->server, writable))
        pair_connected(p);
    if (!p->gone)
        pair_pass(p, &p->up, readable, writable, now);
    if (!p->gone)
        pair_pass(p, &p->down, readable, writable, now);
    if (p->up.eof && p->up.finished && p->down.eof && p->down.finished)
        pair_end(p, 0, "", NULL);
}

/* Makes a pair of a newcomer and of a connection to the server that we begin. */
static void pair_new(struct pair *p, int fd, int second, const char *name) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    snprintf(p->name, sizeof p->name, "%s", name);
    p->client = p->up.from = p->down.to = fd;
    p->server = second;
    p->up.to = p->down.from = -1;
    p->up.came = "->", p->up.went = "=>";
    p->down.came = "<=", p->down.went = "<-";
    p->trying = server_addresses;
    p->next = pairs;
    pairs = p;
    pair_connect(p); /* which closes `second` first, so there is a descriptor for it */
}

/* Takes a newcomer in and returns 1. Returns 0 if there is none, or no room: a pair takes two descriptors, and
 * one more is kept free to refuse people with. */
static int pair_accept(void) {
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char name[NAME_SIZE];
    int fd = accept(listener, (struct sockaddr *)&address, &len);
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL); /* ENFILE, ENOMEM: do not spin */
    if (fd < 0)
        return 0;
    name_address(&address, len, name);
    struct pair *p = calloc(1, sizeof *p);
    int second = dup(fd), spare = dup(fd), room = p && spare >= 0 && spare < FD_SETSIZE;
    close(spare);
    fprintf(stderr, "%s %s\n", name, room ? "connected" : "refused: no room");
    if (room) {
        pair_new(p, fd, second, name);
        return 1;
    }
    close(second);
    close(fd);
    free(p);
    return 0;
}

static void pairs_free_gone(void) {
    for (struct pair **at = &pairs; *at;) {
        struct pair *p = *at;
        if (p->gone) {
            *at = p->next;
            free(p);
        } else {
            at = &p->next;
        }
    }
}

/* ---- the two ends ---- */

/* Gives `listener` the port `here`, where connections are refused until listen(). Returns 0, or -1 with errno. */
static int bind_here(void) {
    listener = socket(here.ss_family, SOCK_STREAM, 0);
    fcntl(listener, F_SETFL, O_NONBLOCK); /* a newcomer may be gone again before accept() gets to it */
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)); /* or a restart waits a minute */
    return bind(listener, (struct sockaddr *)&here, here_len);
}

/* Listens, and says where; or ends the program. */
static void listen_on(const char *address, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found = NULL, *a;
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s:%s", address, port);
    int error = getaddrinfo(address, port, &hints, &found);
    for (a = found; a; a = a->ai_next) {
        name_address(a->ai_addr, a->ai_addrlen, name);
        memcpy(&here, a->ai_addr, here_len = a->ai_addrlen);
        if (bind_here() == 0 && listen(listener, SOMAXCONN) == 0 && listener < FD_SETSIZE)
            break;
        close(listener);
    }
    if (a == NULL) {
        const char *why = error ? gai_strerror(error) : strerror(errno);
        fprintf(stderr, "%s: cannot listen on %s: %s\n", program, name, why);
        exit(1);
    }
    getsockname(listener, (struct sockaddr *)&here, &here_len); /* with -p 0: the port that it has become */
    name_address(&here, here_len, name);
    fprintf(stderr, "%s: listening on %s\n", program, name);
    freeaddrinfo(found);
}

/* Finds the server's addresses, or ends the program. */
static void find_server(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int error = getaddrinfo(host, port, &hints, &server_addresses);
    if (error != 0) {
        fprintf(stderr, "%s: cannot find %s: %s\n", program, host, gai_strerror(error));
        exit(1);
    }
    snprintf(server_name, sizeof server_name, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* ---- commands ---- */

/* Refuses newcomers. To close and bind again keeps the port ours, but nobody listens there any more. */
static void refuse(void) {
    if (!refusing) {
        close(listener);
        bind_here();
    }
    refusing = 1;
}

/* Does to every connection what cut, close or half says. */
static void strike(const char *command) {
    for (struct pair *p = pairs; p; p = p->next) {
        if (strcmp(command, "cut") == 0)
            pair_end(p, 1, "", "cut");
        if (strcmp(command, "close") == 0)
            flow_finish(&p->up, now_ms());
        flow_finish(&p->down, now_ms());
    }
}

/* Obeys a command of one word. Returns 0, or -1: it is none. */
static int obey_word(const char *word) {
    if (strcmp(word, "stall") == 0)
        stalled = 1;
    else if (strcmp(word, "resume") == 0)
        stalled = 0;
    else if (strcmp(word, "cut") == 0 || strcmp(word, "close") == 0 || strcmp(word, "half") == 0)
        strike(word);
    else if (strcmp(word, "refuse") == 0)
        refuse();
    else if (strcmp(word, "accept") == 0)
        refusing = listen(listener, SOMAXCONN) < 0;
    else if (strcmp(word, "status") != 0)
        return -1;
    return 0;
}

/* Obeys a command with an argument. Returns 0, or -1: it is none. */
static int obey_number(const char *word, const char *text) {
    int is_chop = strcmp(word, "chop") == 0, is_delay = strcmp(word, "delay") == 0;
    int number = number_of(text, is_chop ? FLOW_MAX : DELAY_MAX);
    if (is_chop && strcmp(text, "random") == 0)
        number = CHOP_RANDOM;
    if ((!is_chop && !is_delay) || number == -1)
        return -1;
    *(is_chop ? &chop : &delay) = number;
    return 0;
}

/* Answers a command: how things stand now. */
static void say_status(const char *command, const char *argument) {
    int count = 0;
    char pieces[12] = "random";
    for (const struct pair *p = pairs; p; p = p->next)
        count += !p->gone;
    if (chop != CHOP_RANDOM)
        snprintf(pieces, sizeof pieces, "%d", chop);
    fprintf(stderr, "%s: %s%s%s: %d connection%s, %s, %s, chop %s, delay %d\n", program, command,
            argument ? " " : "", argument ? argument : "", count, count == 1 ? "" : "s",
            stalled ? "stalled" : "passing", refusing ? "refusing" : "accepting", pieces, delay);
}

/* Obeys a line; it comes to pieces. */
static void obey(char *line) {
    const char *blanks = " \t\r", *word = strtok(line, blanks), *argument = strtok(NULL, blanks);
    if (word == NULL)
        return;
    if (strtok(NULL, blanks) == NULL && (argument ? obey_number(word, argument) : obey_word(word)) == 0)
        say_status(word, argument);
    else
        fprintf(stderr,
                "%s: %scommands: stall, resume, cut, close, half, delay MS, chop N, refuse, accept, status\n",
                program, strcmp(word, "help") == 0 ? "" : "not understood; ");
}

/* Reads commands. When stdin ends, the proxy goes on as it was told last. */
static void hear(void) {
    static char line[COMMAND_SIZE];
    static size_t length;
    char chunk[COMMAND_SIZE];
    ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
    deaf = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    for (ssize_t i = 0; i < n; i++) {
        if (chunk[i] != '\n') {
            line[length] = chunk[i];
            length += length < COMMAND_SIZE - 1; /* none is so long; this one will not be understood */
        } else {
            line[length] = '\0';
            length = 0;
            obey(line);
        }
    }
}

/* Gives the next command of -r. Which it is and when the next one follows depends on the seed alone. */
static void misbehave(void) {
    static const char *const misdeeds[] = {"stall",       "cut",    "close", "half",    "refuse",
                                           "chop random", "chop 0", "chop",  "delay 0", "delay"};
    const char *misdeed = misdeeds[roll(&plan_dice, sizeof misdeeds / sizeof *misdeeds)];
    char line[COMMAND_SIZE];
    if (stalled || refusing) /* there shall be progress */
        snprintf(line, sizeof line, stalled ? "resume" : "accept");
    else if (strcmp(misdeed, "chop") == 0)
        snprintf(line, sizeof line, "chop %d", 1 + roll(&plan_dice, 16));
    else if (strcmp(misdeed, "delay") == 0)
        snprintf(line, sizeof line, "delay %d", roll(&plan_dice, 1 + interval / 4));
    else
        snprintf(line, sizeof line, "%s", misdeed);
    obey(line);
}

/* ---- the loop ---- */

/* Tells select() what to wait for in one direction. Returns when there will be something to write, or NEVER. */
static long long flow_watch(const struct flow *f, fd_set *readable, fd_set *writable, long long now) {
    long long due = flow_due(f);
    if (f->from >= 0 && !f->eof && f->end < FLOW_MAX && f->parcels < PARCELS_MAX)
        FD_SET(f->from, readable); /* back-pressure: with too much under way the sender has to wait */
    if (due == NEVER || due > now)
        return due;
    FD_SET(f->to, writable);
    return NEVER;
}

/* Tells select() what to wait for. Returns for how many ms at most, or NEVER. */
static long long watch(fd_set *readable, fd_set *writable) {
    long long now = now_ms(), wake = next_misdeed;
    FD_ZERO(readable);
    FD_ZERO(writable);
    if (!deaf)
        FD_SET(STDIN_FILENO, readable);
    if (!stalled && !refusing)
        FD_SET(listener, readable);
    for (const struct pair *p = stalled ? NULL : pairs; p; p = p->next) {
        if (p->trying)
            FD_SET(p->server, writable);
        wake = sooner(wake, flow_watch(&p->up, readable, writable, now));
        wake = sooner(wake, flow_watch(&p->down, readable, writable, now));
    }
    return wake == NEVER ? NEVER : wake > now ? wake - now : 0;
}

/* One turn: obey, pass on, accept. */
static void turn(fd_set *readable, fd_set *writable) {
    long long now = now_ms();
    if (!deaf && FD_ISSET(STDIN_FILENO, readable))
        hear();
    if (next_misdeed != NEVER && next_misdeed <= now) {
        misbehave();
        next_misdeed = now + 1 + roll(&plan_dice, 2 * interval + 1);
    }
    for (struct pair *p = stalled ? NULL : pairs; p; p = p->next)
        pair_turn(p, readable, writable, now);
    pairs_free_gone();
    for (int i = 0; i < 64 && !stalled && !refusing && FD_ISSET(listener, readable) && pair_accept(); i++)
        continue; /* newcomers come last, for those who left in this turn have made room */
}

/* The loop. Returns when SIGINT or SIGTERM has come. */
static void serve(const char *address, const char *port) {
    sigset_t all, none;
    sigemptyset(&none);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* only pselect() lets signals in: none is lost before it sleeps */
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* a dead peer must not kill us */
    deaf = fcntl(STDIN_FILENO, F_GETFD) < 0;
    listen_on(address, port);
    while (!stop) {
        fd_set readable, writable;
        long long wait = watch(&readable, &writable);
        struct timespec timeout = {(time_t)(wait / 1000), (long)(wait % 1000 * 1000000)};
        if (pselect(FD_SETSIZE, &readable, &writable, NULL, wait < 0 ? NULL : &timeout, &none) >= 0)
            turn(&readable, &writable);
        sigprocmask(SIG_SETMASK, &none, NULL); /* pselect() may let no signal in while there are bytes to */
        sigprocmask(SIG_SETMASK, &all, NULL);  /* read: so that a busy proxy hears it, open the door */
    }
}

/* Obeys the command that an option stands for; one that is none ends the program. */
static void begin_with(const char *command, const char *argument) {
    if (obey_number(command, argument) == 0)
        return;
    fprintf(stderr, "%s: '%s %s' is no command\n%s", program, command, argument, usage);
    exit(2);
}

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *port = "5205";
    int option, misbehaving = 0;
    uint32_t seed = 1;
    while ((option = getopt(argc, argv, "hrva:p:c:d:i:s:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'r': misbehaving = 1; break;
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 65535); break;
        case 'c': begin_with("chop", optarg); break;
        case 'd': begin_with("delay", optarg); break;
        case 'i': interval = parse_number(optarg, DELAY_MAX); break;
        case 's': seed = (uint32_t)parse_number(optarg, INT_MAX); break;
        default: return fputs(usage, stderr), 2;
        }
    const char *server_host = optind < argc ? argv[optind++] : "127.0.0.1";
    const char *server_port = optind < argc ? argv[optind++] : "5204";
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage);
        return 2;
    }
    parse_number(server_port, 65535);
    find_server(server_host, server_port);
    plan_dice = (seed + 1) * 2654435769U; /* to scatter the seeds; not 0, for the factors are odd */
    chop_dice = (seed + 1) * 2246822519U;
    next_misdeed = misbehaving ? now_ms() + roll(&plan_dice, 2 * interval + 1) : NEVER;
    serve(address, port);
    freeaddrinfo(server_addresses);
    return 0;
}
