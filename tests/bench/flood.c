/* flood.c - floods a server, and measures how long a bystander waits for an answer meanwhile.
 *
 *     terminal 1:  02-group-chat/chat_server
 *     terminal 2:  cc -O2 -o flood tests/bench/flood.c 01-echo/connect.c 01-echo/signals.c 01-echo/wire.c
 *                  ./flood -f 50 -b '/rooms\n' -r 800 -q '/echo ?\n' -e '(echo): ?\n' 127.0.0.1 5228
 *
 * Flooders and readers are one process, which reads and throws away, and rests REST_MS between two looks at them: the
 * kernel's buffers keep the flood up meanwhile, and the server needs the processor, too. The bystander is a process of
 * its own, so that its times are not ours. Start reading at main().
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PEERS_MAX 1000    /* flooders and readers */
#define BLOCK     131072  /* bytes that a flooder has to say, at least; then it begins again */
#define READ_MAX  65536   /* bytes in one read, and in an answer to the bystander */
#define WRITES    64      /* by one peer, before the others have their turn */
#define REST_MS   2       /* ms between two looks at all peers */
#define WARM_MS   300     /* ms for the openings; and as long a flood, before a round trip counts */
#define GIVE_UP_S 20      /* s: nobody waits longer for an answer, or for the server's end */
#define TRIPS_MAX 1000000 /* round trips that are counted */
#define DIGITS    6       /* of a number in a text */

const char program[] = "flood";
const char usage[] =
    "usage: flood [-hV] [-f FLOODERS] [-r READERS] [-o TEXT] [-O TEXT] [-B TEXT] [-b TEXT] [-R BYTES]\n"
    "             [-W BYTES] [-t MS] [-k PID] -q TEXT -e TEXT [HOST [PORT]]\n"
    "  -h          print this help\n"
    "  -f, -r      how many flood, and how many only read (default 1 and 0)\n"
    "  -o, -O, -B  what a flooder, a reader, the bystander says first (default: nothing)\n"
    "  -b TEXT     what the flooders say again and again\n"
    "  -R, -W      bytes that a flooder reads, writes at once (default 65536, 131072); -R 0: it never reads\n"
    "  -V          a flooder says its opening only, hangs up at the first answer, and comes again\n"
    "  -q, -e      what the bystander asks, and how the answer ends\n"
    "  -t MS       for how long (default 1000)\n"
    "  -k PID      then send the server SIGTERM amid the flood, and tell when all were hung up on\n"
    "In a TEXT \\r \\n \\0 \\xNN are bytes; %d is a number of 6 digits: of the peer, in -b of the message.\n"
    "Exit: 0 all was measured, 1 the server failed, 2 bad usage.\n";

struct bytes {
    char *at;
    size_t length;
};

static int flooders = 1, readers, ms = 1000, server_pid;         /* -f -r -t -k */
static int read_max = READ_MAX, write_max = BLOCK, visitors;     /* -R -W -V */
static const char *flooder_opening = "", *reader_opening = "";   /* -o -O */
static const char *talk = "", *opening = "", *question, *ending; /* -b; the bystander's -B -q -e */

static struct peer {
    struct bytes out; /* what it says: its opening, then `block` */
    size_t sent;      /* bytes of it that the kernel has taken */
} peers[PEERS_MAX];
static struct pollfd polls[PEERS_MAX]; /* in the same places: first the flooders, then the readers */
static int count, left;    /* flooders and readers; those of them whom the server has not hung up on */
static int flooding;       /* the openings are over */
static struct bytes block; /* what is said without end */
static struct addrinfo *server;

static void fail(const char *what, const char *why) { exit(-complain(what, why)); }

/* ---- Texts ---- */

/* Adds the next byte or number of an argument. Returns where the argument goes on. */
static const char *expand_next(struct bytes *b, const char *text, int number) {
    unsigned byte = (unsigned char)*text++;
    if (byte == '%' && *text == 'd') {
        b->length += (size_t)snprintf(b->at + b->length, DIGITS + 1, "%0*d", DIGITS, number);
        return text + 1;
    }
    if (byte == '\\' && *text) {
        switch (*text++) {
        case 'r': byte = '\r'; break;
        case 'n': byte = '\n'; break;
        case 'x': text += sscanf(text, "%2x", &byte) == 1 ? 2 : 0; break;
        default: byte = 0;
        }
    }
    b->at[b->length++] = (char)byte;
    return text;
}

/* Undoes the escapes of an argument; repeats it, with numbers that rise, until there are so many bytes. */
static struct bytes expand(const char *text, int number, size_t size) {
    struct bytes b = {.at = malloc(size + strlen(text) * DIGITS + 1)};
    if (b.at == NULL)
        fail("cannot begin", strerror(errno));
    do {
        for (const char *at = text; *at;)
            at = expand_next(&b, at, number);
        number++;
    } while (*text && b.length < size);
    return b;
}

/* ---- Flooders and readers ---- */

static int visits(int i) { return flooding && visitors && i < flooders; }
static int reads(int i) { return i >= flooders || read_max > 0; }
static int writes(int i) {
    return peers[i].sent < peers[i].out.length || (flooding && !visitors && i < flooders);
}

/* Begins to connect. If that cannot be, the server is gone. */
static void peer_begin(int i) {
    polls[i].fd = connect_begin(server);
    peers[i].sent = 0;
    left += polls[i].fd >= 0;
}

/* Ends a connection, with a reset: or its port would stay taken for a minute. */
static void peer_end(int i) {
    static const struct linger at_once = {.l_onoff = 1};
    setsockopt(polls[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(polls[i].fd);
    polls[i].fd = -1;
    left--;
}

static void peer_write(int i) {
    struct peer *p = &peers[i];
    int full = 0;
    for (int k = 0; k < WRITES && writes(i) && !full; k++) {
        if (p->sent == p->out.length)
            *p = (struct peer){.out = block};
        size_t rest = p->out.length - p->sent, size = rest < (size_t)write_max ? rest : (size_t)write_max;
        ssize_t n = write(polls[i].fd, p->out.at + p->sent, size);
        p->sent += n > 0 ? (size_t)n : 0;
        full = n < (ssize_t)size;
    }
}

/* Reads, and throws away. */
static void peer_read(int i) {
    static char nowhere[READ_MAX];
    ssize_t n = read(polls[i].fd, nowhere, i < flooders ? (size_t)read_max : sizeof nowhere);
    if (n > 0 && !visits(i))
        return;
    peer_end(i);
    if (visits(i))
        peer_begin(i);
}

/* Looks at all peers once, and does what has become possible; waits if there is nothing. */
static void all_turn(void) {
    static const struct timespec rest = {.tv_nsec = REST_MS * 1000000L};
    for (int i = 0; i < count; i++)
        polls[i].events = (short)((reads(i) ? POLLIN : 0) | (writes(i) ? POLLOUT : 0));
    if (poll(polls, (nfds_t)count, 10) < 0)
        fail("cannot wait", strerror(errno));
    for (int i = 0; i < count; i++) {
        int events = polls[i].fd >= 0 ? polls[i].revents : 0;
        if (events & POLLOUT)
            peer_write(i);
        if (events & (POLLERR | POLLHUP))
            peer_end(i);
        else if (events & POLLIN)
            peer_read(i);
    }
    nanosleep(&rest, NULL);
}

/* ---- The bystander ---- */

/* Asks, and reads until the answer ends. */
static void ask(int fd, struct bytes what, struct bytes end) {
    static char answer[READ_MAX];
    size_t got = 0;
    alarm(GIVE_UP_S); /* the signal would end read() */
    if (write(fd, what.at, what.length) != (ssize_t)what.length)
        fail("the bystander cannot ask", strerror(errno));
    do {
        ssize_t n = read(fd, answer + got, sizeof answer - got);
        if (n <= 0)
            fail("the bystander gets no answer", n == 0 ? "hung up, or it is too long" : strerror(errno));
        got += (size_t)n;
    } while (got < end.length || memcmp(answer + got - end.length, end.at, end.length) != 0);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Asks again and again, and prints how long that took. */
static int bystander(void) {
    for (int i = 0; i < count; i++)
        close(polls[i].fd);         /* or their end in the other process would not be one */
    static double trips[TRIPS_MAX]; /* ms */
    struct bytes first = expand(opening, 0, 0), what = expand(question, 0, 0), end = expand(ending, 0, 0);
    int n = 0, fd = connect_to(server, catch_signals());
    if (fd < 0)
        fail("the bystander cannot connect", strerror(errno));
    fcntl(fd, F_SETFL, 0); /* from now on read() waits */
    if (write(fd, first.at, first.length) != (ssize_t)first.length)
        fail("the bystander cannot begin", strerror(errno));
    ask(fd, what, end);

    long long warm = now_us() + WARM_MS * 1000, before = now_us();
    while (n == 0 || (n < TRIPS_MAX && before < warm + ms * 1000LL)) {
        ask(fd, what, end);
        long long after = now_us();
        if (after > warm)
            trips[n++] = (double)(after - before) / 1000;
        before = after;
    }
    qsort(trips, (size_t)n, sizeof trips[0], compare);
    printf("median %.2f ms, 99 %% %.2f ms, highest %.2f ms, %d round trips\n", trips[n / 2],
           trips[n * 99LL / 100], trips[n - 1], n);
    return finish_output();
}

/* ---- All together ---- */

/* Floods as long as the bystander asks. */
static void flood(void) {
    int status;
    pid_t child = fork();
    if (child < 0)
        fail("cannot fork", strerror(errno));
    if (child == 0)
        exit(bystander());
    block = expand(talk, 0, BLOCK);
    flooding = 1;
    for (int i = 0; visitors && i < flooders; i++) { /* those that were greeted before would not come again */
        if (polls[i].fd >= 0)
            peer_end(i);
        peer_begin(i);
    }
    while (waitpid(child, &status, WNOHANG) == 0)
        all_turn();
    if (status != 0)
        exit(1);
    if (left < count)
        fprintf(stderr, "%s: the server has hung up on %d of %d meanwhile\n", program, count - left, count);
}

/* Sends SIGTERM, and floods until all are hung up on. */
static void end_server(void) {
    long long start = now_us(), give_up = start + GIVE_UP_S * 1000000LL;
    if (kill(server_pid, SIGTERM) < 0)
        fail("cannot send SIGTERM", strerror(errno));
    while (left > 0 && now_us() < give_up)
        all_turn();
    printf("SIGTERM %.0f ms\n", (double)(now_us() - start) / 1000);
}

static void parse_options(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "hVf:r:o:O:B:b:R:W:q:e:t:k:")) != -1)
        switch (option) {
        case 'h': exit(show_help());
        case 'V': visitors = 1; break;
        case 'f': flooders = parse_number(optarg, 0, PEERS_MAX); break;
        case 'r': readers = parse_number(optarg, 0, PEERS_MAX); break;
        case 'o': flooder_opening = optarg; break;
        case 'O': reader_opening = optarg; break;
        case 'B': opening = optarg; break;
        case 'b': talk = optarg; break;
        case 'R': read_max = parse_number(optarg, 0, READ_MAX); break;
        case 'W': write_max = parse_number(optarg, 1, BLOCK); break;
        case 'q': question = optarg; break;
        case 'e': ending = optarg; break;
        case 't': ms = parse_number(optarg, 1, 3600000); break;
        case 'k': server_pid = parse_number(optarg, 1, 2147483647); break;
        default: exit(show_usage());
        }
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    struct server_name name = parse_server(argc, argv, "3200");
    if (question == NULL || ending == NULL || flooders + readers > PEERS_MAX)
        return show_usage();
    server = resolve(&name, SOCK_STREAM);
    signal(SIGPIPE, SIG_IGN);
    long long openings_end = now_ms() + WARM_MS;
    count = flooders + readers;
    for (int i = 0; i < count; i++) {
        peers[i].out = expand(i < flooders ? flooder_opening : reader_opening, i, 0);
        peer_begin(i);
    }
    while (now_ms() < openings_end)
        all_turn();
    flood();
    if (server_pid)
        end_server();
    return finish_output();
}
