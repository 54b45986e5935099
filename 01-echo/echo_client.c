/* echo_client.c - sends its standard input to a TCP server, and prints what comes back.
 *
 *     terminal 1:  ./echo_server -v
 *     terminal 2:  cc -o echo_client echo_client.c && ./echo_client          type lines; Ctrl-D ends
 *                  printf 'one\ntwo\n' | ./echo_client -s                    a connection for each line
 *                  head -c 50000000 /dev/urandom >sent; ./echo_client <sent | cmp - sent && echo same
 *
 * Watch the end: it half-closes ("I have no more to say") and still reads to the end. It always waits for all
 * four ends at once; a client that first sends all and then reads all deadlocks as soon as all is large.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

#define CHANNEL_SIZE 65536 /* bytes under way in each direction; then we stop reading */
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

static const char program[] = "echo_client";
static const char usage[] =
    "usage: echo_client [-hsv] [HOST [PORT]]\n"
    "  -h    print this help\n"
    "  -s    a short connection for each line, not one persistent connection for all\n"
    "  -v    show every read and write on stderr, in hex and text\n"
    "  HOST  name or address (default 127.0.0.1)\n"
    "  PORT  0 to 65535 (default 3200)\n";

/* ---- client plumbing: the same in every TCP client of this course (see 01-echo/echo_client.c) ---- */

static int verbose;                /* -v */
static volatile sig_atomic_t stop; /* SIGINT or SIGTERM has come */
static void on_signal(int number) { stop = number; }

/* Milliseconds, by a clock that nobody can set. */
static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
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

/* Returns the addresses that a name stands for, IPv6 and IPv4; none ends the program. */
static struct addrinfo *resolve(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error == 0)
        return found;
    fprintf(stderr, "%s: cannot find %s: %s\n", program, host, gai_strerror(error));
    exit(1);
}

/* From here on signals come only in pselect(..., none), so that none is lost just before it sleeps. */
static void catch_signals(sigset_t *none) {
    sigset_t all;
    sigfillset(&all);
    sigemptyset(none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EPIPE instead */
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

/* Returns a non-blocking socket connected to the first address that answers, or -1 with errno. A plain
 * connect() can hang for minutes; this one is a wait like any other, and a signal ends it. */
static int connect_to(const struct addrinfo *a, const sigset_t *none) {
    int error = EINTR;
    for (; a && !stop; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        error = connect(fd, a->ai_addr, a->ai_addrlen) < 0 ? errno : 0;
        while (error == EINPROGRESS && !stop && fd < FD_SETSIZE) {
            fd_set writable;
            FD_ZERO(&writable);
            FD_SET(fd, &writable);
            if (pselect(fd + 1, NULL, &writable, NULL, NULL, none) > 0)
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
        }
        if (error == 0)
            return fd;
        close(fd);
    }
    errno = error;
    return -1;
}
/* ---- end of client plumbing ---- */

struct channel { /* bytes under way from one descriptor to another: data[start] to data[end - 1] */
    int from, to;
    int eof; /* nothing more comes from `from` */
    size_t start, end;
    long long total; /* bytes that have passed */
    char data[CHANNEL_SIZE];
};

static struct channel up = {.from = STDIN_FILENO}, down = {.to = STDOUT_FILENO};
static int one_line; /* -s: a connection is for one line */
static char server[300];

/* Prints what failed, and why. Returns -1. */
static int complain(const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", program, what, why);
    return -1;
}

/* Reads once. Returns 0, or -1 with errno. */
static int channel_fill(struct channel *ch) {
    ssize_t n = read(ch->from, ch->data + ch->end, CHANNEL_SIZE - ch->end);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (ch == &down)
        show_wire(server, "->", ch->data + ch->end, (size_t)n);
    ch->eof = n == 0;
    ch->end += (size_t)n;
    return 0;
}

/* Writes once, len bytes at most. Returns how many it wrote, or -1 with errno. */
static ssize_t channel_drain(struct channel *ch, size_t len) {
    ssize_t n = write(ch->to, ch->data + ch->start, len);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (ch == &up)
        show_wire(server, "<-", ch->data + ch->start, (size_t)n);
    ch->total += n;
    ch->start += (size_t)n;
    if (ch->start == ch->end)
        ch->start = ch->end = 0;
    return n;
}

/* How many bytes may this connection send now? With -s: up to the end of the line. */
static size_t sendable(void) {
    const char *first = up.data + up.start, *newline = memchr(first, '\n', up.end - up.start);
    return one_line && newline ? (size_t)(newline - first) + 1 : up.end - up.start;
}

/* Waits for what is worth waiting for. Returns 0 if a signal came first. */
static int wait_for(int fd, size_t to_send, fd_set *readable, fd_set *writable, const sigset_t *none) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    if (!up.eof && up.end < CHANNEL_SIZE)
        FD_SET(up.from, readable);
    if (fd >= 0 && to_send > 0)
        FD_SET(fd, writable);
    if (fd >= 0 && !down.eof && down.end < CHANNEL_SIZE)
        FD_SET(fd, readable);
    if (down.start < down.end)
        FD_SET(down.to, writable);
    int n = pselect(FD_SETSIZE, readable, writable, NULL, NULL, none);
    sigset_t all;
    sigprocmask(SIG_SETMASK, none, &all); /* pselect() may let no signal in while there are bytes to carry: */
    sigprocmask(SIG_SETMASK, &all, NULL); /* so that a busy client hears it, open the door */
    return n > 0;
}

/* Carries bytes both ways until the server has finished, too. Returns 0, or -1 after a line on stderr. */
static int converse(int fd, const sigset_t *none) {
    int finished = 0, error = 0; /* finished: we have sent our FIN, or can send no more */
    up.to = down.from = fd;
    down.eof = 0;
    while (!stop && (!down.eof || down.start < down.end)) {
        size_t to_send = finished ? 0 : sendable(), to_print = down.end - down.start;
        if (up.eof && to_send == 0 && !finished)
            finished = shutdown(fd, SHUT_WR) == 0;
        fd_set readable, writable;
        if (!wait_for(fd, to_send, &readable, &writable, none))
            continue;
        if (FD_ISSET(up.from, &readable) && channel_fill(&up) < 0)
            return complain("cannot read the input", strerror(errno));
        if (FD_ISSET(down.to, &writable) &&
            channel_drain(&down, to_print < PIPE_BUF ? to_print : PIPE_BUF) < 0)
            return complain("cannot write the output", strerror(errno));
        if (FD_ISSET(fd, &readable) && channel_fill(&down) < 0) {
            error = errno;
            down.eof = finished = 1;
        } else if (FD_ISSET(fd, &writable)) {
            const char *first = up.data + up.start;
            ssize_t n = channel_drain(&up, to_send);
            if (n < 0)
                error = errno; /* but what the server said before it went is still to be read */
            if (n < 0 || (one_line && n > 0 && first[n - 1] == '\n' && shutdown(fd, SHUT_WR) == 0))
                finished = 1;
        }
    }
    if (error != 0)
        return complain(server, strerror(error));
    return finished || stop ? 0 : complain(server, "hung up before the end of our input");
}

/* Waits until there is something to say. Returns 0 if there will be nothing. */
static int has_input(const sigset_t *none) {
    while (!stop && !up.eof && up.start == up.end) {
        fd_set readable, writable;
        if (wait_for(-1, 0, &readable, &writable, none) && channel_fill(&up) < 0)
            return complain("cannot read the input", strerror(errno)) > 0;
    }
    return !stop && up.start < up.end;
}

int main(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "hsv")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 's': one_line = 1; break;
        case 'v': verbose = 1; break;
        default: return fputs(usage, stderr), 2;
        }
    const char *host = optind < argc ? argv[optind++] : "127.0.0.1";
    const char *port = optind < argc ? argv[optind++] : "3200";
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage);
        return 2;
    }
    parse_number(port, 65535);
    snprintf(server, sizeof server, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    struct addrinfo *addresses = resolve(host, port);
    sigset_t none;
    catch_signals(&none);
    int connections = 0, result = 0;
    long long began = now_ms();
    while (!stop && result == 0 && (one_line ? has_input(&none) : connections == 0)) {
        int fd = connect_to(addresses, &none);
        if (fd >= 0)
            connections++;
        result = fd >= 0 ? converse(fd, &none) : stop ? 0 : complain(server, strerror(errno));
        close(fd);
    }
    if (connections > 0)
        fprintf(stderr, "%s: %d connection%s, %lld bytes sent, %lld received, %lld ms\n", program,
                connections, connections == 1 ? "" : "s", up.total, down.total, now_ms() - began);
    freeaddrinfo(addresses);
    return result < 0;
}
