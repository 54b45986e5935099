/* udp_echo_client.c - sends each line as a datagram to an echo server, and does what it takes to get all back.
 *
 *     terminal 1:  ./udp_echo_server -l 20 -d 10 -o 10        a bad link
 *     terminal 2:  cc -o udp_echo_client udp_echo_client.c && ./udp_echo_client       type lines; Ctrl-D ends
 *                  seq 1000 | ./udp_echo_client -q >back; seq 1000 | cmp - back && echo all there, in order
 *
 * A line goes as "7 hello": its number, a blank, the text. stdout gets the lines that came back, in order; stderr
 * what happened to each. Start reading at converse(); struct estimate and its functions are RFC 6298.
 * Left out: congestion control. A bounded window, and timeouts that double, keep us from doing much harm.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM_MAX 65535 /* bytes: the length field of UDP has 16 bits, and counts the header of 8, too */
#define INPUT_MAX    131072 /* bytes of input read ahead; a line longer than that is cut, and too long anyway */
#define OUTPUT_MAX   131072 /* bytes that wait for stdout; then no more lines are sent */
#define WINDOW_MAX   256    /* lines under way at once, of 64 KiB each at most */
#define HISTORY_MAX  4096 /* lines of which we know what has become, to tell a late answer from a duplicate */
#define TRIES_MAX    20   /* -r */
#define TURN_MAX     64   /* answers taken before it is looked at timers and the input again */
#define RTO_MAX      60000 /* ms, RFC 6298 (2.5) */
#define GRANULARITY  1     /* ms: the G of RFC 6298, how exactly we wake up */
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

static const char program[] = "udp_echo_client";
static const char usage[] =
    "usage: udp_echo_client [-chqv] [-w LINES] [-r TRIES] [-t MS] [-m MS] [HOST [PORT]]\n"
    "  -c        connect the socket: then \"connection refused\" is heard, and only the server\n"
    "  -h        print this help\n"
    "  -q        quiet: only lines that are given up, and the summary\n"
    "  -v        show every datagram on stderr, in hex and text\n"
    "  -w LINES  so many are under way at once, 1 to 256 (default 8)\n"
    "  -r TRIES  a line is given up when it has been sent so often, 1 to 20 (default 6)\n"
    "  -t MS     the timeout until a round trip has been measured (default 1000)\n"
    "  -m MS     no timeout is shorter than this (default 20)\n"
    "  HOST      name or address (default 127.0.0.1)\n"
    "  PORT      0 to 65535 (default 3205)\n"
    "Exit: 0 all lines came back, or a signal; 1 one was given up; 2 bad usage.\n";

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

/* ---- how long to wait: RFC 6298 ---- */

struct estimate { /* all in ms */
    int measured; /* there has been a sample */
    double srtt, rttvar, rto;
    double least;      /* no rto is shorter; 1000 for TCP (2.4), whose peers may hold back an ACK */
    double backed_off; /* when the rto was last doubled */
};

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

/* Takes in a round trip (2.2, 2.3). By Karn's rule (3) never that of a line sent twice: which one was answered? */
static void estimate_sample(struct estimate *e, double rtt) {
    double error = rtt < e->srtt ? e->srtt - rtt : rtt - e->srtt;
    e->rttvar = e->measured ? 0.75 * e->rttvar + 0.25 * error : rtt / 2;
    e->srtt = e->measured ? 0.875 * e->srtt + 0.125 * rtt : rtt;
    e->measured = 1;
    double margin = 4 * e->rttvar < GRANULARITY ? GRANULARITY : 4 * e->rttvar;
    e->rto = clamp(e->srtt + margin, e->least, RTO_MAX);
}

/* A timer has fired (5.5): waits twice as long from now on, until there is a new sample. One burst of losses fires many
 * timers, and is one reason only: those of lines sent before the last doubling do not count. */
static void estimate_back_off(struct estimate *e, double sent, double now) {
    if (sent < e->backed_off)
        return;
    e->rto = clamp(2 * e->rto, e->least, RTO_MAX);
    e->backed_off = now;
}

/* ---- lines ---- */

enum state { FREE, WAITING, ANSWERED, GIVEN_UP };

struct line { /* its place is its number, modulo HISTORY_MAX */
    enum state state;
    long long number;
    char *datagram;              /* "7 hello\n"; NULL when it has been printed or given up */
    size_t length, header;       /* of the datagram; of its "7 " */
    int sends, answers;          /* how often */
    double first, last, timeout; /* ms: when it was first and last sent; when its timer fires */
};

static struct line lines[HISTORY_MAX];
static long long oldest = 1; /* the first line whose fate is open, or which is not yet printed */
static long long next = 1;   /* the number of the next new one */
static long long newest_answered;
static int window = 8, tries = 6, quiet, connected; /* -w, -r, -q, -c */
static struct estimate estimate = {.rto = 1000, .least = 20};

static struct address server;
static char server_name[NAME_SIZE];
static int server_fd = -1;
static struct addrinfo *candidates; /* the addresses of its name ... */
static struct addrinfo *candidate;  /* ... and the one that we are trying */

static char input[INPUT_MAX], output[OUTPUT_MAX];
static size_t input_start, input_length, output_length;
static int refused;               /* with -c: nobody has the port open */
static int input_ended, skipping; /* skipping: the rest of a line longer than INPUT_MAX */

static struct { /* for the summary */
    long long answered, given_up, sent, again, late, duplicate, reordered, ignored, timed;
    double least, most, sum; /* round trips in ms */
} count;

static struct line *line_of(long long number) { return &lines[number % HISTORY_MAX]; }

static void line_give_up(struct line *l) {
    l->state = GIVEN_UP;
    count.given_up++;
    free(l->datagram);
    l->datagram = NULL;
}

static void explain_size(const struct line *l) {
    int ipv6 = server.ip.ss_family == AF_INET6;
    fprintf(
        stderr,
        "%lld: given up, the system says: %s. Its datagram has %zu bytes or more; UDP over %s carries up to "
        "%d (65,535, less %d for the headers), and some systems less\n",
        l->number, strerror(EMSGSIZE), l->length, ipv6 ? "IPv6" : "IPv4", ipv6 ? 65527 : 65507,
        ipv6 ? 8 : 28);
}

/* Sends a line, and sets its timer. What the kernel cannot send is as good as lost: the timer will see to it. */
static void line_send(struct line *l, double now) {
    const struct sockaddr *to = connected ? NULL : (const struct sockaddr *)&server.ip;
    ssize_t n = sendto(server_fd, l->datagram, l->length, 0, to, connected ? 0 : server.len);
    int error = n < 0 ? errno : 0;
    l->last = now;
    l->timeout = now + estimate.rto;
    if (error == EMSGSIZE) {
        explain_size(l);
        line_give_up(l);
        return;
    }
    if (error == ECONNREFUSED)
        refused = 1; /* not this datagram, one before it; the news comes with whatever call is next */
    else if (error != 0 && error != EAGAIN)
        fprintf(stderr, "%lld: %s\n", l->number, strerror(error));
    else if (error == 0)
        show_wire(&server, "<-", l->datagram, l->length);
    count.sent++;
    count.again += l->sends++ > 0;
}

/* Makes the next line of so many bytes of text, and sends it. */
static void line_new(const char *text, size_t len, double now) {
    struct line *l = line_of(next);
    char header[24];
    *l = (struct line){.state = WAITING, .number = next, .first = now};
    l->header = (size_t)snprintf(header, sizeof header, "%lld ", next++);
    l->length = l->header + len;
    l->datagram = malloc(l->length);
    if (l->datagram == NULL) {
        fprintf(stderr, "%s: out of memory\n", program);
        exit(1);
    }
    memcpy(l->datagram, header, l->header);
    memcpy(l->datagram + l->header, text, len);
    line_send(l, now);
}

/* The first answer to a line. */
static void line_answered(struct line *l, double now) {
    double rtt = now - l->last;
    int overtaken = l->sends == 1 && l->number < newest_answered;
    l->state = ANSWERED;
    count.answered++;
    count.reordered += overtaken;
    newest_answered = l->number > newest_answered ? l->number : newest_answered;
    if (l->sends > 1) {
        if (!quiet)
            fprintf(stderr, "%lld: %.2f ms, sent %d times\n", l->number, now - l->first, l->sends);
        return;
    }
    estimate_sample(&estimate, rtt);
    count.least = count.timed == 0 || rtt < count.least ? rtt : count.least;
    count.most = rtt > count.most ? rtt : count.most;
    count.sum += rtt;
    count.timed++;
    if (!quiet && overtaken)
        fprintf(stderr, "%lld: %.2f ms, reordered: %lld came before it\n", l->number, rtt, newest_answered);
    else if (!quiet)
        fprintf(stderr, "%lld: %.2f ms\n", l->number, rtt);
}

/* Another answer to a line. We sent it n times, so n answers may be ours; one more, and the link has made it. */
static void line_answered_again(struct line *l) {
    int late = l->answers <= l->sends;
    count.late += late;
    count.duplicate += !late;
    if (!quiet)
        fprintf(stderr, "%lld: %s\n", l->number,
                !late                  ? "duplicate"
                : l->state == GIVEN_UP ? "late: it was given up"
                                       : "late: another copy was answered before");
}

static int server_next(int again, double now);

/* Looks at the timers: what has not come in time is sent again, or given up. */
static void lines_check(double now) {
    for (long long number = oldest; number < next; number++) {
        struct line *l = line_of(number);
        if (l->state != WAITING || now < l->timeout)
            continue;
        if (l->sends == tries) {
            line_give_up(l);
            fprintf(stderr, "%lld: given up, no answer though sent %d time%s\n", number, tries,
                    tries == 1 ? "" : "s");
            continue;
        }
        double waited = now - l->last;
        estimate_back_off(&estimate, l->last, now);
        if (count.answered == 0 && server_next(1, now))
            return;
        line_send(l, now);
        if (!quiet)
            fprintf(stderr, "%lld: lost? No answer for %.0f ms, sent again\n", number, waited);
    }
}

/* Puts what has come back into the output, in order, as far as there is room. Only then the window moves on. */
static void lines_print(void) {
    for (struct line *l = line_of(oldest); oldest < next && l->state != WAITING; l = line_of(++oldest)) {
        size_t len = l->state == ANSWERED ? l->length - l->header : 0;
        if (len > OUTPUT_MAX - output_length)
            return;
        if (len > 0)
            memcpy(output + output_length, l->datagram + l->header, len);
        output_length += len;
        free(l->datagram);
        l->datagram = NULL;
    }
}

/* ---- the input ---- */

/* Returns the length of the first line of the input, with its newline; 0: there is no whole one yet. */
static size_t input_line(void) {
    const char *first = input + input_start, *newline = memchr(first, '\n', input_length);
    if (newline)
        return (size_t)(newline - first) + 1;
    return input_ended || input_length == INPUT_MAX ? input_length : 0;
}

/* Sends as many lines as the window allows. Returns how many. */
static int input_send(double now) {
    int sent = 0;
    for (size_t len; next - oldest < window && (len = input_line()) > 0;) {
        const char *text = input + input_start;
        if (!skipping)
            line_new(text, len, now);
        skipping = text[len - 1] != '\n';
        input_start += len;
        input_length -= len;
        sent++;
    }
    return sent;
}

/* Reads once. Returns 0, or -1 with errno. */
static int input_read(void) {
    memmove(input, input + input_start, input_length);
    input_start = 0;
    ssize_t n = read(STDIN_FILENO, input + input_length, INPUT_MAX - input_length);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    input_ended = n == 0;
    input_length += (size_t)n;
    return 0;
}

/* Writes once. Returns 0, or -1 with errno. */
static int output_write(void) {
    ssize_t n = write(STDOUT_FILENO, output, output_length < PIPE_BUF ? output_length : PIPE_BUF);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    output_length -= (size_t)n;
    memmove(output, output + n, output_length);
    return 0;
}

/* ---- the server ---- */

/* Prints what failed, and why. Returns -1. */
static int complain(const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", program, what, why);
    return -1;
}

/* Turns to the first of these addresses, up to `end`, that the system can send to. Returns 0; or -1 with errno, and
 * then nothing has changed. */
static int server_open(struct addrinfo *a, const struct addrinfo *end) {
    for (; a != end; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd < 0)
            continue;
        if (connected && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            close(fd);
            continue;
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        if (server_fd >= 0)
            close(server_fd);
        server_fd = fd;
        candidate = a;
        memcpy(&server.ip, a->ai_addr, server.len = a->ai_addrlen);
        name_address(&server, server_name);
        return 0;
    }
    return -1;
}

/* Turns to the next address of the server's name, after the last to the first if `again` says so, and sends all that
 * waits to that one. Returns 0 if there is no other. */
static int server_next(int again, double now) {
    char old[NAME_SIZE];
    memcpy(old, server_name, sizeof old);
    if (server_open(candidate->ai_next, NULL) < 0 && (!again || server_open(candidates, candidate) < 0))
        return 0;
    fprintf(stderr, "%s: nobody answers at %s, trying %s\n", program, old, server_name);
    for (long long number = oldest; number < next; number++)
        if (line_of(number)->state == WAITING)
            line_send(line_of(number), now);
    return 1;
}

/* Counts a datagram that answers nothing: a stranger's, or one that nobody has sent like this. */
static void ignore(size_t len, const char *from) {
    count.ignored++;
    if (!quiet)
        fprintf(stderr, "%s: ignored %zu byte%s from %s: no answer to what was sent there\n", program, len,
                len == 1 ? "" : "s", from);
}

/* Takes in one datagram. What comes back must be what went out, so no byte of a stranger gets to a terminal. */
static void answer_take(const char *data, size_t len, const struct address *from, double now) {
    char name[NAME_SIZE];
    long long number = 0;
    for (size_t i = 0; i < len && i < 18 && data[i] >= '0' && data[i] <= '9'; i++)
        number = 10 * number + (data[i] - '0');
    struct line *l = line_of(number);
    name_address(from, name);
    if (strcmp(name, server_name) != 0 || l->number != number || l->state == FREE ||
        (l->datagram && (len != l->length || memcmp(data, l->datagram, len) != 0))) {
        ignore(len, name);
        return;
    }
    l->answers++;
    if (l->state == WAITING)
        line_answered(l, now);
    else
        line_answered_again(l);
}

/* Takes in what has come. */
static void server_read(void) {
    static char data[DATAGRAM_MAX];
    struct address from;
    int cut;
    for (int i = 0; i < TURN_MAX; i++) {
        ssize_t n = receive(server_fd, data, sizeof data, &from, &cut);
        refused |= n < 0 && errno == ECONNREFUSED;
        if (n < 0)
            return;
        show_wire(&from, "->", data, (size_t)n);
        answer_take(data, (size_t)n, &from, now_ms());
    }
}

/* When the first timer fires, in ms; -1: none is running. */
static double first_timeout(void) {
    double first = -1;
    for (long long number = oldest; number < next; number++) {
        const struct line *l = line_of(number);
        if (l->state == WAITING && (first < 0 || l->timeout < first))
            first = l->timeout;
    }
    return first;
}

/* The loop: wait, read answers, look at timers, print, send. Returns when all lines are answered or given up, or a
 * signal has come: 0, or -1 after a line on stderr. */
static int converse(const sigset_t *none) {
    while (!stop) {
        fd_set readable, writable;
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        FD_SET(server_fd, &readable);
        if (!input_ended && next - oldest < window && input_line() == 0)
            FD_SET(STDIN_FILENO, &readable);
        if (output_length > 0)
            FD_SET(STDOUT_FILENO, &writable);
        if (wait_until(first_timeout(), &readable, &writable, none)) {
            if (FD_ISSET(STDIN_FILENO, &readable) && input_read() < 0)
                return complain("cannot read the input", strerror(errno));
            if (FD_ISSET(STDOUT_FILENO, &writable) && output_write() < 0)
                return complain("cannot write the output", strerror(errno));
            if (FD_ISSET(server_fd, &readable))
                server_read();
        }
        double now = now_ms();
        lines_check(now);
        do
            lines_print();
        while (input_send(now) > 0); /* one that is too long is given up at once, and makes room */
        int was_refused = refused;
        refused = 0;
        if (was_refused && !server_next(0, now))
            return complain(server_name, strerror(ECONNREFUSED));
        if (input_ended && input_length == 0 && oldest == next && output_length == 0)
            return 0;
    }
    return 0;
}

static void summary(void) {
    fprintf(stderr,
            "%s: %lld line%s, %lld answered, %lld given up; %lld datagram%s sent, %lld of them again\n",
            program, next - 1, next == 2 ? "" : "s", count.answered, count.given_up, count.sent,
            count.sent == 1 ? "" : "s", count.again);
    fprintf(stderr, "%s: answers: %lld late, %lld duplicate, %lld reordered, %lld ignored\n", program,
            count.late, count.duplicate, count.reordered, count.ignored);
    if (count.timed > 0)
        fprintf(stderr,
                "%s: round trips: min %.2f ms, mean %.2f ms, max %.2f ms; in the end srtt %.2f ms, "
                "rttvar %.2f ms, rto %.0f ms\n",
                program, count.least, count.sum / (double)count.timed, count.most, estimate.srtt,
                estimate.rttvar, estimate.rto);
}

/* Returns the number, 1 to max, that an option's text stands for; anything else ends the program. */
static int parse_positive(const char *text, int max) {
    int value = parse_number(text, max);
    if (value > 0)
        return value;
    fprintf(stderr, "%s: '%s' is not a number from 1 to %d\n%s", program, text, max, usage);
    exit(2);
}

/* Finds the addresses that a name stands for, IPv6 and IPv4; none ends the program. */
static void resolve(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    int error = getaddrinfo(host, port, &hints, &candidates);
    if (error != 0) {
        fprintf(stderr, "%s: cannot find %s: %s\n", program, host, gai_strerror(error));
        exit(1);
    }
}

int main(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "chqvw:r:t:m:")) != -1)
        switch (option) {
        case 'c': connected = 1; break;
        case 'h': return fputs(usage, stdout) < 0;
        case 'q': quiet = 1; break;
        case 'v': verbose = 1; break;
        case 'w': window = parse_positive(optarg, WINDOW_MAX); break;
        case 'r': tries = parse_positive(optarg, TRIES_MAX); break;
        case 't': estimate.rto = parse_positive(optarg, RTO_MAX); break;
        case 'm': estimate.least = parse_positive(optarg, RTO_MAX); break;
        default: return fputs(usage, stderr), 2;
        }
    const char *host = optind < argc ? argv[optind++] : "127.0.0.1";
    const char *port = optind < argc ? argv[optind++] : "3205";
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage);
        return 2;
    }
    parse_number(port, 65535);
    resolve(host, port);
    sigset_t none;
    catch_signals(&none);
    int result = server_open(candidates, NULL) < 0 ? complain(host, strerror(errno)) : converse(&none);
    if (next > 1)
        summary();
    while (oldest < next)
        free(line_of(oldest++)->datagram);
    freeaddrinfo(candidates);
    return !stop && (result < 0 || count.given_up > 0);
}
