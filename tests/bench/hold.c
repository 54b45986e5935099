/* hold.c - a crowd that comes, says a byte each, and stays: who is served, who is refused, who waits?
 *
 *     terminal 1:  01-echo/designs/echo_poll
 *     terminal 2:  cc -O2 -o hold tests/bench/hold.c 01-echo/connect.c 01-echo/signals.c 01-echo/wire.c
 *                  ./hold -c 5000 127.0.0.1 3200           Ctrl-D lets them go
 *
 * It prints how many of each there were, and when the last of them knew; then how long round trips of one of them
 * take while the others are silent; then "ready". From then on the server may be looked at, until our input ends.
 * Start reading at main().
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "../../01-echo/connect.h"
#include "../../01-echo/signals.h"
#include "../../01-echo/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define CROWD_MAX 20000 /* clients */
#define AHEAD     500   /* clients that may wait for their answers before the next one comes ... */
#define STALL_MS  100   /* ... unless nobody has got one for so long: then all come */
#define QUIET_MS  1500  /* ms without news: those who know nothing yet wait. A lost SYN comes again in 1000 */
#define LIMIT_MS  30000 /* ms for all together */
#define REST_MS   2     /* ms between two looks at all: the server needs the processor, too */
#define GIVE_UP_S 60    /* s: a server that stops answering its clients ends us */
#define TRIPS     300   /* round trips of one client at the end */

const char program[] = "hold";
const char usage[] = "usage: hold [-h] [-c CLIENTS] [HOST [PORT]]\n"
                     "  -h          print this help\n"
                     "  -c CLIENTS  1 to 20000 (default 500)\n"
                     "  HOST, PORT  of an echo server (default 127.0.0.1 3200)\n";

enum state { waiting, served, refused };

static struct pollfd polls[CROWD_MAX]; /* -1: it has been refused */
static enum state states[CROWD_MAX];   /* in the same places */
static int numbers[3];                 /* how many clients are in each state */
static int crowd = 500, came;          /* -c; those that have begun to connect */
static long long news;                 /* when a client got to know something, in ms */

static void fail(const char *what, const char *why) { exit(-complain(what, why)); }

static void client_is(int i, enum state state) {
    numbers[states[i]]--;
    numbers[state]++;
    states[i] = state;
    news = now_ms();
    if (state == refused) {
        close(polls[i].fd);
        polls[i].fd = -1;
    }
}

/* Begins to connect the next client. connect_begin() wants low descriptors, so the clients move out of its way, as long
 * as there are high ones. */
static void client_come(const struct addrinfo *server) {
    int fd = connect_begin(server);
    if (fd < 0 && errno != ECONNREFUSED)
        fail("a client cannot come", strerror(errno));
    int above = fd < 0 ? -1 : fcntl(fd, F_DUPFD, FD_SETSIZE);
    if (above >= 0)
        close(fd);
    polls[came] = (struct pollfd){.fd = above >= 0 ? above : fd, .events = POLLOUT};
    numbers[waiting]++;
    if (fd < 0)
        client_is(came, refused);
    came++;
}

/* Says the byte of a client when it is connected, and reads its answer, or the end. */
static void client_step(int i) {
    char byte = 'x';
    if (polls[i].revents & POLLOUT && polls[i].events & POLLOUT) {
        polls[i].events = POLLIN;
        if (write(polls[i].fd, &byte, 1) != 1)
            client_is(i, refused);
    } else if (polls[i].revents) {
        ssize_t n = read(polls[i].fd, &byte, 1);
        if (n == 1)
            client_is(i, served);
        else if (n == 0 || errno != EAGAIN)
            client_is(i, refused);
    }
}

/* Lets all come, and returns after how many ms the last one that got to know something did. */
static long long gather(const struct addrinfo *server) {
    long long begin = now_ms(), now = begin;
    news = begin;
    while (came < crowd || numbers[waiting] > 0) {
        while (came < crowd && (numbers[waiting] < AHEAD || now - news > STALL_MS))
            client_come(server);
        poll(NULL, 0, REST_MS);
        if (poll(polls, (nfds_t)came, 10) < 0)
            fail("cannot wait", strerror(errno));
        for (int i = 0; i < came; i++)
            if (polls[i].fd >= 0 && polls[i].revents)
                client_step(i);
        now = now_ms();
        if ((came == crowd && now - news > QUIET_MS) || now - begin > LIMIT_MS)
            break;
    }
    return news - begin;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Makes the round trips of a client, and returns their median in ms. */
static double trips_median(int fd) {
    double trips[TRIPS];
    char byte = 'y';
    fcntl(fd, F_SETFL, 0); /* read() waits */
    for (int i = 0; i < TRIPS; i++) {
        long long begin = now_ns();
        if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
            fail("a client that was served is no longer", strerror(errno));
        trips[i] = (double)(now_ns() - begin) / 1e6;
    }
    qsort(trips, TRIPS, sizeof trips[0], compare);
    return trips[TRIPS / 2];
}

/* Resets all connections: else their ports would stay taken for a minute. */
static void leave(void) {
    static const struct linger at_once = {.l_onoff = 1};
    for (int i = 0; i < came; i++)
        if (polls[i].fd >= 0) {
            setsockopt(polls[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            close(polls[i].fd);
        }
}

int main(int argc, char **argv) {
    int option, last = 0;
    char byte;
    fill_standard_descriptors();
    while ((option = getopt(argc, argv, "hc:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'c': crowd = parse_number(optarg, 1, CROWD_MAX); break;
        default: return show_usage();
        }
    struct server_name name = parse_server(argc, argv, "3200");
    struct addrinfo *server = resolve(&name, SOCK_STREAM);
    signal(SIGPIPE, SIG_IGN);
    alarm(GIVE_UP_S);

    long long ms = gather(server);
    printf("%d served, %d refused, %d waiting, after %lld ms\n", numbers[served], numbers[refused],
           numbers[waiting], ms);
    while (last < came && states[last] != served)
        last++;
    if (last < came)
        printf("round trip %.3f ms\n", trips_median(polls[last].fd));
    alarm(0);
    printf("ready\n");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    leave();
    freeaddrinfo(server);
    return finish_output();
}
