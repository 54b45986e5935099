/* udp_echo_server.c - sends every datagram back to where it came from; and, if told so, over a bad link.
 *
 *     terminal 1:  cc -o udp_echo_server udp_echo_server.c && ./udp_echo_server -v
 *     terminal 2:  nc -u 127.0.0.1 3205            type a line: a line is a datagram here
 *     terminal 3:  ./udp_echo_client               a client that notices what is lost
 *
 * Now ./udp_echo_server -l 20 -d 10 -o 10, and both again. Watch what is not here: no listen(), no accept(), no
 * table of clients, no end. Start reading at serve().
 * Left out: the address that a datagram was sent to, where one socket has several (-a 0.0.0.0): POSIX does not
 * tell, so the kernel chooses from which one the answer goes. Give -a once for each address instead.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM_MAX 65535   /* bytes: the length field of UDP has 16 bits, and counts the header of 8, too */
#define SOCKETS_MAX  16      /* addresses to be bound to */
#define TURN_MAX     64      /* datagrams of one socket before the others have their turn */
#define HELD_MAX     1024    /* datagrams on the bad link; what comes then is lost, as in a full router ... */
#define HELD_BYTES   1048576 /* ... and so many bytes of them */
#define OVERTAKE_MS  100     /* how long a datagram waits to be overtaken */

static const char program[] = "udp_echo_server";
static const char usage[] =
    "usage: udp_echo_server [-hv] [-a ADDRESS]... [-p PORT] [-b BYTES] [-l PERCENT] [-d PERCENT]\n"
    "                       [-o PERCENT] [-w MS] [-s SEED]\n"
    "  -h          print this help\n"
    "  -v          show every datagram on stderr, in hex and text\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1); several: a socket for each. With\n"
    "              0.0.0.0 or :: (all) the kernel chooses the address that an answer comes from\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 3205)\n"
    "  -b BYTES    room for a datagram, 0 to 65535 (default 65535); a longer one is not answered\n"
    "A bad link to learn on, for the answers:\n"
    "  -l PERCENT  are lost (default 0)\n"
    "  -d PERCENT  are duplicated (default 0)\n"
    "  -o PERCENT  are out of order: the next one overtakes it, if one comes within 100 ms (default 0)\n"
    "  -w MS       each is so late, 0 to 60000 (default 0)\n"
    "  -s SEED     the same seed, 0 to 1000000000, throws the same dice (default: another each time)\n";

/* ---- datagrams: the same in every UDP program of this course (see 05-udp/udp_echo_server.c) ---- */

#define NAME_SIZE 64 /* bytes: "[address%interface]:port" and its NUL */

struct address { /* of a peer: IPv4 or IPv6, and the port */
    struct sockaddr_storage ip;
    socklen_t len;
};

static int verbose;                /* -v */
static volatile sig_atomic_t stop; /* SIGINT or SIGTERM has come */
static void on_signal(int number) { stop = number; }

/* Milliseconds and their fractions, by a clock that nobody can set. */
static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1000000;
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

/* Writes "host:port" in digits: to ask DNS for a name instead could stop everything for seconds. */
static void name_address(const struct address *a, char name[NAME_SIZE]) {
    char host[NAME_SIZE - 9] = "?", port[6] = "?";
    getnameinfo((const struct sockaddr *)&a->ip, a->len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, NAME_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* The microscope of -v: "->" came from the peer, "<-" went to it; 16 bytes a row. */
static void show_wire(const struct address *peer, const char *arrow, const char *data, size_t len) {
    char name[NAME_SIZE];
    if (!verbose)
        return;
    name_address(peer, name);
    fprintf(stderr, "%s %s %zu byte%s\n", name, arrow, len, len == 1 ? "" : "s");
    for (size_t row = 0; row < len; row += 16) {
        char hex[16 * 3 + 1], text[16 + 1] = "";
        for (size_t i = 0; i < 16 && row + i < len; i++) {
            unsigned char byte = (unsigned char)data[row + i];
            snprintf(hex + 3 * i, 4, " %02x", byte);
            text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
        }
        fprintf(stderr, "%8zu %-48s  %s\n", row, hex, text);
    }
}

/* Takes one datagram, and whose it is. Returns its length, which may be 0, or -1 with errno. What `data` has no
 * room for the kernel throws away: then *cut is set. */
static ssize_t receive(int fd, char *data, size_t size, struct address *from, int *cut) {
    struct iovec room = {data, size};
    struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1};
    message.msg_name = &from->ip;
    message.msg_namelen = sizeof from->ip;
    ssize_t n = recvmsg(fd, &message, 0);
    from->len = message.msg_namelen;
    *cut = n >= 0 && (message.msg_flags & MSG_TRUNC) != 0;
    return n;
}

/* From here on signals come only in wait_until(), so that none is lost just before it sleeps. */
static void catch_signals(sigset_t *none) {
    sigset_t ends;
    sigemptyset(none);
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_SETMASK, &ends, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EPIPE instead */
}

/* Sleeps until one of the descriptors (writable: or NULL) is ready, or it is `until` in ms; -1: for ever. Returns
 * 0 if none is, as when a signal has come: then the sets say nothing. */
static int wait_until(double until, fd_set *readable, fd_set *writable, const sigset_t *none) {
    double ms = until - now_ms();
    struct timespec timeout = {0, 0};
    if (ms > 0) {
        timeout.tv_sec = (time_t)(ms / 1000);
        timeout.tv_nsec = (long)((ms - (double)timeout.tv_sec * 1000) * 1000000);
    }
    int n = pselect(FD_SETSIZE, readable, writable, NULL, until < 0 ? NULL : &timeout, none);
    sigset_t come;
    sigpending(&come); /* pselect() may let none in while there are datagrams: a busy program has to ask */
    stop |= sigismember(&come, SIGINT) | sigismember(&come, SIGTERM);
    return n > 0;
}
/* ---- end of datagrams ---- */

/* ---- binding: the same in every UDP server of this course (see 05-udp/udp_echo_server.c) ---- */

/* Returns a socket that gets what is sent to this address, after saying which; or ends the program. There is no
 * SO_REUSEADDR: UDP has no old connections to wait for, and with it two servers could have the same port. */
static int bind_on(const char *host, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_DGRAM}, *found = NULL, *a;
    struct address own = {.len = sizeof own.ip};
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s:%s", host, port);
    int fd = -1, error = getaddrinfo(host, port, &hints, &found);
    for (a = found; a; a = a->ai_next) {
        memcpy(&own.ip, a->ai_addr, own.len = a->ai_addrlen);
        name_address(&own, name);
        if ((fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) < 0)
            continue;
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && fd < FD_SETSIZE)
            break;
        close(fd);
    }
    if (a == NULL) {
        const char *why = error ? gai_strerror(error) : strerror(errno);
        fprintf(stderr, "%s: cannot listen on %s: %s\n", program, name, why);
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&own.ip, &own.len); /* with -p 0: the port that it has become */
    name_address(&own, name);
    fprintf(stderr, "%s: listening on %s\n", program, name);
    fcntl(fd, F_SETFL, O_NONBLOCK); /* a datagram with a wrong checksum wakes select(), and is gone */
    freeaddrinfo(found);
    return fd;
}
/* ---- end of binding ---- */

/* ---- the bad link: a queue of datagrams, each with the time at which it is to go out ---- */

struct held { /* a datagram on its way */
    struct held *next;
    double due;  /* ms */
    int waiting; /* to be overtaken: goes out right behind the next one, or at `due` */
    int fd;      /* the socket that it came to, and is to leave from */
    struct address to;
    size_t length;
    char data[];
};

static int lose, duplicate, reorder, late; /* -l, -d, -o: percent; -w: ms */
static uint64_t dice;                      /* -s */
static struct held *held_first;            /* in the order of `due` */
static int held_count;
static size_t held_bytes;

/* Throws the dice (splitmix64). Returns 1 in so many of 100 cases, the same ones for the same seed. */
static int chance(int percent) {
    uint64_t x = dice += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return (int)((x ^ x >> 31) % 100) < percent;
}

/* One line of the log: what happens to a datagram. */
static void tell(const struct address *peer, size_t len, const char *what) {
    char name[NAME_SIZE];
    name_address(peer, name);
    fprintf(stderr, "%s %zu byte%s %s\n", name, len, len == 1 ? "" : "s", what);
}

/* Sends a datagram. One that the kernel does not take is lost, as any may be: nobody waits for room here. */
static void answer(int fd, const struct address *to, const char *data, size_t len) {
    if (sendto(fd, data, len, 0, (const struct sockaddr *)&to->ip, to->len) >= 0)
        show_wire(to, "<-", data, len);
    else
        tell(to, len, strerror(errno));
}

/* Puts a datagram among the others, behind those that are due before it or with it. */
static void held_insert(struct held *h) {
    struct held **place = &held_first;
    while (*place && (*place)->due <= h->due)
        place = &(*place)->next;
    h->next = *place;
    *place = h;
}

/* Takes out the one that waits to be overtaken, if there is one. */
static struct held *held_waiting(void) {
    for (struct held **place = &held_first; *place; place = &(*place)->next)
        if ((*place)->waiting) {
            struct held *h = *place;
            *place = h->next;
            return h;
        }
    return NULL;
}

/* Gives the link a datagram. One that is not held back itself overtakes the one that is. */
static void held_add(int fd, const struct address *to, const char *data, size_t len, int hold_back) {
    struct held *h = malloc(sizeof *h + len), *overtaken = held_waiting();
    if (h == NULL || held_count == HELD_MAX || len > HELD_BYTES - held_bytes) {
        tell(to, len, "lost: the link is full");
        free(h);
        if (overtaken)
            held_insert(overtaken);
        return;
    }
    h->waiting = hold_back && !overtaken;
    h->due = now_ms() + late + (h->waiting ? OVERTAKE_MS : 0);
    h->fd = fd;
    h->to = *to;
    memcpy(h->data, data, h->length = len);
    held_count++;
    held_bytes += len;
    held_insert(h);
    if (overtaken) {
        overtaken->waiting = 0;
        overtaken->due = h->due;
        held_insert(overtaken);
    }
}

/* Sends what is due. */
static void held_send(void) {
    while (held_first && held_first->due <= now_ms()) {
        struct held *h = held_first;
        held_first = h->next;
        held_count--;
        held_bytes -= h->length;
        answer(h->fd, &h->to, h->data, h->length);
        free(h);
    }
}

/* What becomes of an answer on the bad link. All three dice are thrown each time, or -d would change what -l does. */
static void link_carry(int fd, const struct address *to, const char *data, size_t len) {
    int lost = chance(lose), twice = chance(duplicate), back = chance(reorder);
    if (lost || twice || back)
        tell(to, len, lost ? "lost" : twice ? "duplicated" : "held back");
    if (!lost)
        held_add(fd, to, data, len, back && !twice);
    if (!lost && twice)
        held_add(fd, to, data, len, 0);
    held_send();
}

/* ---- the server ---- */

static struct listener { /* a socket, and the port that it is bound to */
    int fd;
    int port;
} sockets[SOCKETS_MAX];
static int socket_count;
static int room = DATAGRAM_MAX; /* -b */

/* Returns the port of a peer. */
static int port_of(const struct address *a) {
    return ntohs(a->ip.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&a->ip)->sin6_port
                                             : ((const struct sockaddr_in *)&a->ip)->sin_port);
}

/* Is this a port on which a server answers everybody: one of the old ones, below 1024, or one of our own? */
static int is_server_port(int port) {
    for (int i = 0; i < socket_count; i++)
        if (port == sockets[i].port)
            return 1;
    return port < 1024;
}

/* Answers one datagram from the socket that it came to, so from the address that was asked. Returns 0 if there was
 * none. Servers get no answer: a lie about the sender could make two of them answer each other for ever. */
static int answer_one(int fd, int bad_link) {
    static char data[DATAGRAM_MAX];
    struct address peer;
    int cut;
    ssize_t n = receive(fd, data, (size_t)room, &peer, &cut);
    if (n < 0)
        return 0;
    size_t len = (size_t)n;
    show_wire(&peer, "->", data, len);
    if (cut)
        tell(&peer, len, "and more, which are cut off: not answered");
    else if (is_server_port(port_of(&peer)))
        tell(&peer, len, "from a port of servers: not answered");
    else if (bad_link)
        link_carry(fd, &peer, data, len);
    else
        answer(fd, &peer, data, len);
    return 1;
}

/* The loop: wait, answer. Returns when SIGINT or SIGTERM has come. */
static void serve(int bad_link, const sigset_t *none) {
    while (!stop) {
        fd_set readable;
        FD_ZERO(&readable);
        for (int i = 0; i < socket_count; i++)
            FD_SET(sockets[i].fd, &readable);
        int ready = wait_until(held_first ? held_first->due : -1, &readable, NULL, none);
        for (int i = 0; ready && i < socket_count; i++)
            if (FD_ISSET(sockets[i].fd, &readable))
                for (int n = 0; n < TURN_MAX && answer_one(sockets[i].fd, bad_link); n++)
                    continue;
        held_send();
    }
}

/* Binds a socket to an address, or ends the program. */
static void add_socket(const char *address, const char *port) {
    struct address own = {.len = sizeof own.ip};
    int fd = bind_on(address, port);
    getsockname(fd, (struct sockaddr *)&own.ip, &own.len);
    sockets[socket_count].fd = fd;
    sockets[socket_count++].port = port_of(&own);
}

int main(int argc, char **argv) {
    const char *addresses[SOCKETS_MAX] = {"127.0.0.1"}, *port = "3205";
    int option, count = 0, seed = (int)((long long)(now_ms() * 1000) % 1000000);
    while ((option = getopt(argc, argv, "hva:p:b:l:d:o:w:s:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'a':
            if (count == SOCKETS_MAX) {
                fprintf(stderr, "%s: %d addresses are enough\n%s", program, SOCKETS_MAX, usage);
                return 2;
            }
            addresses[count++] = optarg;
            break;
        case 'p': parse_number(port = optarg, 65535); break;
        case 'b': room = parse_number(optarg, DATAGRAM_MAX); break;
        case 'l': lose = parse_number(optarg, 100); break;
        case 'd': duplicate = parse_number(optarg, 100); break;
        case 'o': reorder = parse_number(optarg, 100); break;
        case 'w': late = parse_number(optarg, 60000); break;
        case 's': seed = parse_number(optarg, 1000000000); break;
        default: return fputs(usage, stderr), 2;
        }
    if (optind < argc)
        return fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage), 2;
    sigset_t none;
    catch_signals(&none);
    dice = (uint64_t)seed;
    int bad_link = lose || duplicate || reorder || late;
    if (bad_link)
        fprintf(stderr, "%s: a bad link, of seed %d\n", program, seed);
    for (int i = 0; i == 0 || i < count; i++)
        add_socket(addresses[i], port);
    serve(bad_link, &none);
    return 0;
}
