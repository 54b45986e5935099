/* echo_bench.c - measures a TCP echo server: round trips a second, latency, and that all bytes come back.
 *
 *     terminal 1:  ./echo_server 2>server.log
 *     terminal 2:  cc -o echo_bench echo_bench.c connect.c signals.c wire.c && ./echo_bench -c 50
 *                  ./echo_bench -i 899            one talks, 899 are silent: what do those cost select()?
 *                  ./echo_bench -s -n 5000        what does a new connection for each message cost?
 *                  ./echo_bench -v -n 2 -b 20     two round trips, on the wire
 *
 * Watch p50 as -c grows: soon the server is busy all the time, and one more client is a longer wait for all.
 * Then -s without -n: each connection leaves its port unusable for a while (TIME_WAIT), until there are no
 * more. Each connection has one message under way; it comes back and is compared before the next one goes.
 * Left out: threads. One is enough for a server of one thread, which does about as much work as we do.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connect.h"
#include "signals.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 60000    /* a client has no more ports than about that for one server */
#define SPARE           8        /* descriptors that are not connections */
#define BYTES_MAX       16777216 /* the longest message */
#define PATTERN_SIZE    65521    /* bytes, at each of which a message may start */
#define CHUNK_SIZE      65536    /* bytes read at once */
#define TICK_MS         100      /* between two looks at signals, the silent ones and the progress bar */
#define STEPS           32       /* buckets for each doubling of the latency */
#define BUCKETS         1920     /* 60 doublings of 1 ns: more than anybody waits */
#define ROWS            72       /* of the picture: 6 for each power of ten, up to 1000 s */

static const char bar[] = "########################################";

const char program[] = "echo_bench";
const char usage[] =
    "usage: echo_bench [-hsv] [-c CONNECTIONS] [-i IDLE] [-n ROUND-TRIPS | -t SECONDS] [-b BYTES]\n"
    "                  [HOST [PORT]]\n"
    "  -h              print this help\n"
    "  -s              a new short connection for each round trip\n"
    "  -v              show every read and write on stderr, in hex and text\n"
    "  -c CONNECTIONS  so many talk at once (default 1)\n"
    "  -i IDLE         so many more connect and stay silent (default 0)\n"
    "  -n ROUND-TRIPS  end after so many, of all together\n"
    "  -t SECONDS      end after so long (default 2, without -n)\n"
    "  -b BYTES        the size of a message (default 64)\n"
    "  HOST            name or address (default 127.0.0.1)\n"
    "  PORT            0 to 65535 (default 3200)\n";

struct connection {      /* its descriptor is in ends[], in the same place */
    long long round;     /* the number of the round trip under way, from 1 */
    long long began;     /* when that began, in ns */
    const char *message; /* what it carries: a part of the pattern */
    size_t sent;         /* bytes of it that the kernel has taken */
    size_t received;     /* bytes of it that have come back */
};

static int talking = 1;                        /* -c: connections */
static int idle;                               /* -i: connections */
static int short_lived;                        /* -s */
static int rounds_max;                         /* -n; 0: no limit */
static int seconds_max = 2;                    /* -t; 0: no limit */
static size_t bytes = 64;                      /* -b */
static char pattern[PATTERN_SIZE + BYTES_MAX]; /* pseudo-random bytes */
static struct server_name server;
static struct addrinfo *addresses; /* of the server */
static int signals;                /* readable when a signal has come */
static struct connection connections[CONNECTIONS_MAX];
static struct pollfd ends[CONNECTIONS_MAX]; /* first those that talk, then the silent ones */
static long long connected;                 /* connections made so far */
static long long started, done;             /* round trips */
static long long counts[BUCKETS];           /* round trips by latency, see bucket_of() */
static long long slowest;                   /* ns: the longest round trip */

/* Ends the program with one line that says why, in place of the progress bar. */
static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s%s: %s: ", isatty(STDERR_FILENO) ? "\r\033[K" : "", program, server.text);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

/* Returns how many connections we may have, after asking for all the descriptors that we can get. */
static int raise_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < CONNECTIONS_MAX + SPARE)
        limit.rlim_cur = limit.rlim_max < CONNECTIONS_MAX + SPARE ? limit.rlim_max : CONNECTIONS_MAX + SPARE;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur < CONNECTIONS_MAX ? (int)limit.rlim_cur - SPARE : CONNECTIONS_MAX;
}

/* ---- one connection: connect, write, read, compare, again ---- */

/* Shows a read or write of the connection in place i, for -v. */
static void show(int i, const char *arrow, const char *data, ssize_t n) {
    char name[32];
    snprintf(name, sizeof name, "connection %d", i + 1);
    show_wire(name, arrow, data, (size_t)n);
}

/* Connects place i, or leaves it empty if a signal came first. connect_to() waits with select(), so it needs
 * a descriptor below FD_SETSIZE: to keep some free, newcomers move up when half of them are taken. */
static void connection_open(int i) {
    int fd = connect_to(addresses, signals);
    if (fd < 0 && !stop)
        fail("%lld connections made, the next one failed: %s", connected, strerror(errno));
    int above = fd < FD_SETSIZE / 2 ? -1 : fcntl(fd, F_DUPFD, FD_SETSIZE);
    if (above >= 0)
        close(fd);
    ends[i] = (struct pollfd){.fd = above >= 0 ? above : fd, .events = POLLIN};
    connected += fd >= 0;
}

/* Writes as much of the message as the kernel takes. */
static void connection_write(int i) {
    struct connection *c = &connections[i];
    ssize_t n = write(ends[i].fd, c->message + c->sent, bytes - c->sent);
    if (n < 0 && errno != EAGAIN)
        fail("connection %d, round trip %lld: %s", i + 1, c->round, strerror(errno));
    if (n > 0 && verbose)
        show(i, "<-", c->message + c->sent, n);
    c->sent += n > 0 ? (size_t)n : 0;
    ends[i].events = c->sent < bytes ? POLLIN | POLLOUT : POLLIN;
}

/* Ends the program unless this is how the answer goes on. */
static void compare(int i, const char *data, size_t len) {
    const struct connection *c = &connections[i];
    const char *message = c->message + c->received;
    size_t at = 0, owed = c->sent - c->received;
    if (len <= owed && memcmp(data, message, len) == 0)
        return;
    while (at < owed && data[at] == message[at])
        at++;
    if (at == owed)
        fail("connection %d, round trip %lld: more bytes came back than were sent", i + 1, c->round);
    fail("connection %d, round trip %lld: byte %zu of %zu is %02x, was %02x when sent", i + 1, c->round,
         c->received + at + 1, bytes, (unsigned char)data[at], (unsigned char)message[at]);
}

/* Reads what has come of the answer. Returns 1 when it is complete. */
static int connection_read(int i) {
    static char chunk[CHUNK_SIZE];
    struct connection *c = &connections[i];
    size_t wanted = 0;
    ssize_t n = 0;
    while (n == (ssize_t)wanted && c->received < bytes) { /* got less than we wanted: that was all, for now */
        wanted = bytes - c->received + 1; /* one more than is owed: that would be wrong, too */
        wanted = wanted < CHUNK_SIZE ? wanted : CHUNK_SIZE;
        n = read(ends[i].fd, chunk, wanted);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0)
            fail("connection %d, round trip %lld: %s after %zu of %zu bytes", i + 1, c->round,
                 n == 0 ? "hung up" : strerror(errno), c->received, bytes);
        if (verbose)
            show(i, "->", chunk, n);
        compare(i, chunk, (size_t)n);
        c->received += (size_t)n;
    }
    return c->received == bytes;
}

/* Starts the next round trip in place i, or empties it if there is none to start. */
static void round_begin(int i) {
    struct connection *c = &connections[i];
    int enough = stop || (rounds_max > 0 && started == rounds_max);
    if (ends[i].fd >= 0 && (short_lived || enough)) {
        close(ends[i].fd);
        ends[i].fd = -1; /* poll() passes over it */
    }
    if (enough)
        return;
    started++;
    c->round++;
    c->began = now_ns();
    c->message = pattern + (7919LL * i + 104729 * c->round) % PATTERN_SIZE; /* different, so a mix-up shows */
    c->sent = c->received = 0;
    if (ends[i].fd < 0)
        connection_open(i);
    if (ends[i].fd >= 0)
        connection_write(i); /* at once: there is nearly always room */
}

/* ---- latencies: 2 * STEPS buckets of 1 ns each, then STEPS for each doubling ----
 * A bucket is at most 1/STEPS as wide as its latency is long; so its middle, which we report, is 1.6 % off at
 * most, and the numbers of round trips take no more memory after an hour than after a second. */

static int bucket_of(long long ns) {
    int doublings = 0;
    while (ns >> doublings >= 2LL * STEPS)
        doublings++;
    return doublings * STEPS + (int)(ns >> doublings);
}

/* Returns the middle of a bucket, in ns. */
static double bucket_middle(int bucket) {
    int doublings = bucket < 2 * STEPS ? 0 : bucket / STEPS - 1;
    return (bucket - doublings * STEPS + 0.5) * (double)(1LL << doublings);
}

/* Returns the latency, in ms, that this part of the round trips did not exceed. */
static double percentile(double part) {
    int bucket = 0;
    for (long long n = counts[0]; (double)n < part * (double)done; n += counts[bucket])
        bucket++;
    double ns = bucket_middle(bucket);
    return (ns < (double)slowest ? ns : (double)slowest) / 1e6;
}

/* Returns where a row of the picture begins, in ns: 1, 1.5, 2, 3, 5, 7, 10, 15 and so on. */
static double row_begin(int row) {
    static const double first[] = {1, 1.5, 2, 3, 5, 7};
    return row < 6 ? first[row] : 10 * row_begin(row - 6);
}

/* Draws how many round trips took how long. */
static void print_picture(void) {
    long long rows[ROWS] = {0}, most = 0;
    int first = ROWS, last = 0;
    for (int bucket = 0, row = 0; bucket < BUCKETS; bucket++) {
        while (row < ROWS - 1 && bucket_middle(bucket) >= row_begin(row + 1))
            row++;
        rows[row] += counts[bucket];
        most = rows[row] > most ? rows[row] : most;
        last = counts[bucket] > 0 ? row : last;
        first = first == ROWS && counts[bucket] > 0 ? row : first;
    }
    for (int row = first; row <= last; row++) {
        static const char *const units[] = {"µs", "ms", "s "};
        static const double sizes[] = {1e3, 1e6, 1e9};
        double ns = row_begin(row);
        int unit = (ns >= 1e6) + (ns >= 1e9);
        int width = (int)((rows[row] * (long long)strlen(bar) + most - 1) / most); /* up: one is seen */
        printf("%8g %s  %-40.*s %lld\n", ns / sizes[unit], units[unit], width, bar, rows[row]);
    }
}

/* Prints what was measured in so many seconds. */
static void print_results(double s) {
    printf("%8lld round trips in %.2f s, %d%s connection%s, %zu byte%s each", done, s, talking,
           short_lived ? " short" : "", talking == 1 ? "" : "s", bytes, bytes == 1 ? "" : "s");
    if (idle > 0)
        printf(", and %d silent", idle);
    printf("\n%8.0f round trips/s\n%8.2f MB/s, both ways together\n", (double)done / s,
           2e-6 * (double)done * (double)bytes / s);
    if (done > 0) {
        printf("%8s  %.3f ms     p99  %.3f ms     max  %.3f ms\n\n", "p50", percentile(0.5), percentile(0.99),
               (double)slowest / 1e6);
        print_picture();
    }
}

/* ---- the loop ---- */

/* Waits, handles all that are ready, looks at the clock at the end of each round trip. */
static void turn(void) {
    int ready = poll(ends, (nfds_t)talking, TICK_MS); /* unlike select() it has no highest descriptor */
    for (int i = 0; i < talking && ready > 0; i++) {
        int events = ends[i].revents;
        ready -= events != 0;
        if (events & POLLOUT)
            connection_write(i);
        if (events & ~POLLOUT && connection_read(i)) {
            long long ns = now_ns() - connections[i].began;
            counts[bucket_of(ns)]++;
            slowest = ns > slowest ? ns : slowest;
            done++;
            round_begin(i);
        }
    }
}

/* Does what need not be done in each turn. */
static void tick(double finished) {
    if (poll(ends + talking, (nfds_t)idle, 0) > 0)
        fail("a silent connection was hung up on, or spoken to");
    if (isatty(STDERR_FILENO) && !verbose)
        fprintf(stderr, "\r[%-40.*s] %lld round trips", (int)(finished * (double)strlen(bar)), bar, done);
}

/* Runs until the time, the number or a signal ends it. */
static void measure(void) {
    long long began = now_ms(), next_tick = began;
    for (int i = 0; i < talking; i++)
        round_begin(i);
    double finished = 0;
    while (!stop && finished < 1) {
        long long now = now_ms(); /* before turn(): what has come by then is read before the time is up */
        turn();
        finished = rounds_max > 0 ? (double)done / rounds_max : (double)(now - began) / 1000 / seconds_max;
        if (now >= next_tick) {
            tick(finished < 1 ? finished : 1);
            next_tick = now + TICK_MS;
        }
    }
    if (isatty(STDERR_FILENO) && !verbose)
        fputs("\r\033[K", stderr);
}

static void make_pattern(void) {
    unsigned long noise = 1;
    for (size_t i = 0; i < PATTERN_SIZE + bytes; i++) {
        noise = noise * 1103515245 + 12345;
        pattern[i] = (char)(noise >> 16);
    }
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    int option, max = raise_limit();
    while ((option = getopt(argc, argv, "hsvc:i:n:t:b:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 's': short_lived = 1; break;
        case 'v': verbose = 1; break;
        case 'c': talking = parse_number(optarg, 1, max); break;
        case 'i': idle = parse_number(optarg, 0, max); break;
        case 'n':
            rounds_max = parse_number(optarg, 1, INT_MAX);
            seconds_max = 0;
            break;
        case 't':
            seconds_max = parse_number(optarg, 1, INT_MAX);
            rounds_max = 0;
            break;
        case 'b': bytes = (size_t)parse_number(optarg, 1, BYTES_MAX); break;
        default: return show_usage();
        }
    server = parse_server(argc, argv, "3200");
    if (talking + idle > max) {
        fprintf(stderr, "%s: %d connections are too many, the limit here is %d\n", program, talking + idle,
                max);
        return 2;
    }
    addresses = resolve(&server, SOCK_STREAM);
    make_pattern();
    signals = catch_signals();
    for (int i = 0; i < talking + idle; i++) {
        ends[i].fd = -1;
        if (i >= talking || !short_lived)
            connection_open(i);
    }

    long long began = now_ns();
    measure();
    if (done == 0 && !stop)
        fail("no answer in %d s", seconds_max);
    print_results((double)(now_ns() - began) / 1e9);
    freeaddrinfo(addresses);
    return finish_output();
}
