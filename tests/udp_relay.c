/* udp_relay.c - a bad link between TFTP clients and a server: it loses, duplicates, reorders and delays.
 *
 *     terminal 1:  05-udp/tftp_server -p 6970
 *     terminal 2:  tests/udp_relay -l 10 -d 5 -o 5 -s 1 127.0.0.1 6970       (takes any free port, and says which)
 *     terminal 3:  05-udp/tftp_client -g README.md -l - 127.0.0.1 PORT
 *
 * The server sees another port for each client, and each client another port for each of the server's, so both have
 * the TIDs that they would have without it: a second answer to a doubled request is a stranger on either side.
 * Left out: links of limited width; more than LINKS_MAX clients (the one that was silent for longest is forgotten).
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX     200   /* pairs of two parties */
#define DATAGRAM_MAX  65536 /* bytes */
#define TURN_MAX      64    /* datagrams of one socket before the others have their turn */
#define OVERTAKE_MS   3     /* how much later one arrives that the next ones shall overtake */
#define QUEUE_MAX     4096  /* datagrams on the way; what comes then is lost */
#define SOCKET_BUFFER 1048576

static const char usage[] =
    "usage: udp_relay [-h] [-l PERCENT] [-d PERCENT] [-o PERCENT] [-w MS] [-s SEED] HOST PORT\n"
    "  -h          print this help\n"
    "  -l PERCENT  so many of 100 datagrams are lost, in each direction (default 0)\n"
    "  -d PERCENT  are duplicated (default 0)\n"
    "  -o PERCENT  are overtaken by the next ones (default 0)\n"
    "  -w MS       each is so late (default 0)\n"
    "  -s SEED     of the dice (default 1)\n"
    "Listens on 127.0.0.1, on any free port, and says which on stderr. SIGTERM ends it, with its figures.\n";

struct address {
    struct sockaddr_storage ip;
    socklen_t len;
};

/* One of our sockets, and the two parties that it stands between: what comes to `fd` from `far` leaves from `near_fd`
 * to `near`. For a client's link the socket plays the client before the server, and `far` is not yet known. */
struct link {
    int fd, from_client; /* from_client: what comes to it is from the client, else from the server */
    int other; /* the link whose socket what comes leaves from; -1: the listener is the client's side */
    struct address client, server;
    double used; /* ms */
};

struct held { /* a datagram on its way */
    struct held *next;
    double due; /* ms */
    int fd;
    struct address to;
    size_t length;
    char data[];
};

static int lose, duplicate, reorder, late;
static uint64_t dice = 1;
static struct link links[LINKS_MAX];
static int link_count;
static struct address server;
static struct held *queue;
static int queued;
static long long came, lost;
static volatile sig_atomic_t stop;
static void on_signal(int number) { stop = number; }

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1000000;
}

static void die(const char *what) {
    fprintf(stderr, "udp_relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Throws the dice (splitmix64). Returns 1 in so many of 100 cases. */
static int chance(int percent) {
    uint64_t x = dice += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return (int)((x ^ x >> 31) % 100) < percent;
}

static void deliver(int fd, const struct address *to, const char *data, size_t len) {
    sendto(fd, data, len, 0, (const struct sockaddr *)&to->ip, to->len);
}

/* Sends a datagram `ms` later. */
static void hold(int fd, const struct address *to, const char *data, size_t len, int ms) {
    struct held *h, **place = &queue;
    if (ms == 0) {
        deliver(fd, to, data, len);
        return;
    }
    if (queued == QUEUE_MAX || (h = malloc(sizeof *h + len)) == NULL)
        return;
    queued++;
    h->due = now_ms() + ms;
    h->fd = fd;
    h->to = *to;
    h->length = len;
    memcpy(h->data, data, len);
    while (*place && (*place)->due <= h->due)
        place = &(*place)->next;
    h->next = *place;
    *place = h;
}

/* What becomes of a datagram. All dice are thrown each time, so that -d does not change what -l does. */
static void carry(int fd, const struct address *to, const char *data, size_t len) {
    int gone = chance(lose), twice = chance(duplicate), back = chance(reorder);
    came++;
    lost += gone;
    if (!gone)
        hold(fd, to, data, len, late + (back ? OVERTAKE_MS : 0));
    if (!gone && twice)
        hold(fd, to, data, len, late);
}

static void deliver_due(void) {
    while (queue && queue->due <= now_ms()) {
        struct held *h = queue;
        queue = h->next;
        deliver(h->fd, &h->to, h->data, h->length);
        free(h);
        queued--;
    }
}

static int same(const struct address *a, const struct address *b) {
    return a->len == b->len && memcmp(&a->ip, &b->ip, a->len) == 0;
}

/* Returns a socket on any free port: of 127.0.0.1, or of the server's family. */
static int bound(int family) {
    int fd = socket(family, SOCK_DGRAM, 0);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.1")};
    if (fd < 0 || (family == AF_INET && bind(fd, (struct sockaddr *)&own, sizeof own) < 0))
        die("no socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){SOCKET_BUFFER}, sizeof(int)); /* only the dice shall lose */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SOCKET_BUFFER}, sizeof(int));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Returns the link between two parties, a new one if there is none; the one not used for longest makes room. */
static int link_between(int from_client, const struct address *client, const struct address *far) {
    int i, oldest = 0;
    for (i = 0; i < link_count; i++) {
        if (links[i].from_client == from_client && same(&links[i].client, client) &&
            same(&links[i].server, far))
            return i;
        oldest = links[i].used < links[oldest].used ? i : oldest;
    }
    if (link_count < LINKS_MAX) {
        i = link_count++;
        links[i].fd = bound(from_client ? AF_INET : server.ip.ss_family);
    } else {
        i = oldest;
        close(links[i].fd);
        links[i].fd = bound(from_client ? AF_INET : server.ip.ss_family);
    }
    links[i].from_client = from_client;
    links[i].client = *client;
    links[i].server = *far;
    return i;
}

/* Takes a datagram. Returns 0 if there was none. `at` is the link that it came to, -1: the listener. */
static int take(int fd, int at) {
    static char data[DATAGRAM_MAX];
    struct address from = {.len = sizeof from.ip};
    memset(&from.ip, 0, sizeof from.ip);
    ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from.ip, &from.len);
    if (n < 0)
        return 0;
    if (at < 0) { /* a request: to the server, from the port that plays this client */
        int i = link_between(0, &from, &server);
        links[i].used = now_ms();
        carry(links[i].fd, &server, data, (size_t)n);
    } else if (!links[at].from_client) { /* an answer: to the client, from the port that plays this TID */
        struct address client = links[at].client;
        links[at].used = now_ms();
        int i = link_between(1, &client, &from);
        links[i].other = at;
        links[i].used = now_ms();
        carry(links[i].fd, &client, data, (size_t)n);
    } else if (same(&from, &links[at].client)) { /* the client to that TID */
        links[at].used = links[links[at].other].used = now_ms();
        carry(links[links[at].other].fd, &links[at].server, data, (size_t)n);
    }
    return 1;
}

static int number(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value <= max)
        return (int)value;
    fprintf(stderr, "udp_relay: '%s' is not a number from 0 to %d\n%s", text, max, usage);
    exit(2);
}

static void find_server(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "udp_relay: cannot find %s: %s\n", host, gai_strerror(error));
        exit(1);
    }
    memcpy(&server.ip, found->ai_addr, server.len = found->ai_addrlen);
    freeaddrinfo(found);
}

/* The loop: wait, carry. */
static void relay(int listener) {
    while (!stop) {
        struct pollfd all[LINKS_MAX + 1] = {{.fd = listener, .events = POLLIN}};
        int count = link_count;
        for (int i = 0; i < count; i++)
            all[i + 1] = (struct pollfd){.fd = links[i].fd, .events = POLLIN};
        double wait =
            queue ? queue->due - now_ms() : 1000; /* 1000: a signal just before poll() is not lost */
        if (poll(all, (nfds_t)count + 1, wait > 0 ? (int)wait + 1 : 0) > 0)
            for (int i = 0; i <= count; i++)
                for (int n = 0; all[i].revents && n < TURN_MAX && take(all[i].fd, i - 1); n++)
                    continue;
        deliver_due();
    }
}

int main(int argc, char **argv) {
    int option, listener;
    while ((option = getopt(argc, argv, "hl:d:o:w:s:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'l': lose = number(optarg, 100); break;
        case 'd': duplicate = number(optarg, 100); break;
        case 'o': reorder = number(optarg, 100); break;
        case 'w': late = number(optarg, 10000); break;
        case 's': dice = (uint64_t)number(optarg, 1000000000); break;
        default: return fputs(usage, stderr), 2;
        }
    if (argc - optind != 2)
        return fputs(usage, stderr), 2;
    number(argv[optind + 1], 65535);
    find_server(argv[optind], argv[optind + 1]);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    listener = bound(AF_INET);
    struct sockaddr_in own;
    getsockname(listener, (struct sockaddr *)&own, &(socklen_t){sizeof own});
    fprintf(stderr, "udp_relay: listening on 127.0.0.1:%d\n", ntohs(own.sin_port));
    relay(listener);
    fprintf(stderr, "udp_relay: %lld datagrams, %lld of them lost\n", came, lost);
    return 0;
}
