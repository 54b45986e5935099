/* pulse.c - many clients with a heartbeat that stops: does the server drop each in time, none early, none late?
 *
 *     terminal 1:  ./heartbeat_server -t 1000 2>server.log
 *     terminal 2:  cc -o pulse pulse.c && ./pulse -t 1000 127.0.0.1 5204
 *                  ./pulse -c 900 -i 1000 -n 10 -t 1000 127.0.0.1 5204     meanwhile: top
 *
 * Watch: how much later than -t the last one was dropped. A client's silence begins when it writes its last
 * line, and ends when it hears BYE. Start reading at main().
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 8192
#define CHUNK       512 /* bytes; more than all that a server says to one client within a beat */

static const char usage[] =
    "usage: pulse [-h] [-c CLIENTS] [-i MS] [-n BEATS] [-t MS] HOST PORT\n"
    "  -h          print this help\n"
    "  -c CLIENTS  so many connect (default 100)\n"
    "  -i MS       each sends PING so often (default 200)\n"
    "  -n BEATS    so many times, and then nothing (default 2)\n"
    "  -t MS       the server's deadline: who is dropped before it breaks a rule (default 1000)\n"
    "Exit: 0 all is well, 1 a rule is broken, 2 bad usage, 77 too few descriptors.\n"
    "It gives up when nothing has come for $POKE_MS ms (default 5000) and -t and -i.\n";

struct member {
    long long next;      /* us: when it sends its next PING */
    long long last_line; /* us: when it began to send its last line */
    int beats, answers;  /* PINGs sent, PONGs heard */
    char before[4];      /* the last bytes that came, for a word may come in two pieces */
};

static struct member members[CLIENTS_MAX];
static struct pollfd sockets[CLIENTS_MAX];
static double silences[CLIENTS_MAX]; /* ms */
static int clients = 100, interval = 200, beats = 2, deadline = 1000, dropped;

static long long now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void fail(const char *what, int client) {
    printf("client %d: %s\n", client, what);
    exit(1);
}

static int parse_number(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value <= max)
        return (int)value;
    fprintf(stderr, "pulse: '%s' is not a number from 0 to %d\n%s", text, max, usage);
    exit(2);
}

static void say(int client, const char *text) {
    members[client].last_line = now_us();
    if (write(sockets[client].fd, text, strlen(text)) != (ssize_t)strlen(text))
        fail("cannot send", client);
}

/* Connects all, and lets each say who it is. Their beats are spread over the interval. */
static void connect_all(const struct addrinfo *a) {
    for (int i = 0; i < clients; i++) {
        char hello[32];
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd < 0)
            exit(77);
        if (connect(fd, a->ai_addr, a->ai_addrlen) < 0)
            fail(strerror(errno), i);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        sockets[i] = (struct pollfd){.fd = fd, .events = POLLIN};
        snprintf(hello, sizeof hello, "HELLO pulse%d\n", i);
        say(i, hello);
    }
    for (int i = 0; i < clients; i++)
        members[i].next = now_us() + (i + 1) * 1000LL * interval / clients;
}

/* Counts the PONGs in what has come; BYE ends the client. */
static void hear(int client) {
    struct member *m = &members[client];
    char text[sizeof m->before + CHUNK + 1] = "";
    memcpy(text, m->before, sizeof m->before);
    ssize_t n = read(sockets[client].fd, text + sizeof m->before, CHUNK);
    if (n <= 0)
        fail("hung up on without BYE", client);
    for (size_t i = 1; i <= (size_t)n; i++) {
        m->answers += memcmp(text + i, "PONG", 4) == 0;
        if (memcmp(text + i, "BYE ", 4) == 0) {
            silences[dropped++] = (double)(now_us() - m->last_line) / 1000;
            close(sockets[client].fd);
            sockets[client].fd = -1;
            return;
        }
    }
    memcpy(m->before, text + n, sizeof m->before);
}

/* Sends the PINGs that are due. Returns in how many ms the next one is, or -1: there is none. */
static int beat(void) {
    long long nearest = -1;
    for (int i = 0; i < clients; i++) {
        struct member *m = &members[i];
        if (sockets[i].fd < 0 || m->beats == beats)
            continue;
        if (now_us() >= m->next) {
            char ping[32];
            snprintf(ping, sizeof ping, "PING %d\n", ++m->beats);
            say(i, ping);
            m->next += 1000LL * interval;
        }
        if (m->beats < beats && (nearest < 0 || m->next < nearest))
            nearest = m->next;
    }
    long long left = nearest - now_us();
    return nearest < 0 ? -1 : left > 0 ? (int)(left / 1000 + 1) : 0;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int report(void) {
    qsort(silences, (size_t)clients, sizeof *silences, compare);
    printf("%d clients, %d beats each, dropped after: first %.1f ms, median %.1f ms, last %.1f ms\n", clients,
           beats, silences[0], silences[clients / 2], silences[clients - 1]);
    for (int i = 0; i < clients; i++)
        if (members[i].beats != beats || members[i].answers != beats)
            fail("dropped while it still sent PING, or a PONG is missing", i);
    if (silences[0] < deadline)
        printf("rule: nobody is dropped before %d ms of silence\n", deadline);
    return silences[0] < deadline;
}

int main(int argc, char **argv) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *address;
    const char *wait = getenv("POKE_MS");
    int option, patience = wait ? atoi(wait) : 5000;
    while ((option = getopt(argc, argv, "hc:i:n:t:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'c': clients = parse_number(optarg, CLIENTS_MAX); break;
        case 'i': interval = parse_number(optarg, 1000000); break;
        case 'n': beats = parse_number(optarg, 1000000); break;
        case 't': deadline = parse_number(optarg, 1000000); break;
        default: fputs(usage, stderr); return 2;
        }
    if (optind + 2 != argc || clients == 0)
        return fputs(usage, stderr), 2;
    if (getaddrinfo(argv[optind], argv[optind + 1], &hints, &address) != 0)
        return fprintf(stderr, "pulse: cannot find %s\n", argv[optind]), 2;
    allow_descriptors((rlim_t)clients + 16);
    connect_all(address);
    freeaddrinfo(address);
    while (dropped < clients) {
        int left = beat(),
            n = poll(sockets, (nfds_t)clients, left >= 0 ? left : patience + deadline + interval);
        if (n == 0 && left < 0)
            return printf("rule: who is silent is dropped\n%d of %d are not\n", clients - dropped, clients),
                   1;
        for (int i = 0; i < clients; i++)
            if (sockets[i].fd >= 0 && sockets[i].revents)
                hear(i);
    }
    return report();
}
