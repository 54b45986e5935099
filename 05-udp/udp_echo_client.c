/* udp_echo_client.c - sends each line as a datagram to an echo server, and does what it takes to get all back.
 *
 *     cc -o udp_echo_client udp_echo_client.c server.c filter.c text.c window.c rtt.c datagram.c connect.c \
 *        signals.c wire.c
 *
 *     terminal 1:  ./udp_echo_server -l 20 -d 10 -o 10        a bad link
 *     terminal 2:  ./udp_echo_client                          type lines; Ctrl-D ends
 *                  seq 1000 | ./udp_echo_client -q >back; seq 1000 | cmp - back && echo all there, in order
 *
 * A line goes as "7 hello": its number, a blank, the text. stdout gets the lines that came back, in order; stderr
 * what happened to each. The way of a line:
 *     input_read -> send_lines -> window_add -> line_send -> server_send
 *     server_read -> answer_take -> line_answered -> window_take -> output_write
 * Left out: congestion control. A bounded window, and timeouts that double, keep us from doing much harm.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connect.h"
#include "datagram.h"
#include "filter.h"
#include "rtt.h"
#include "server.h"
#include "signals.h"
#include "window.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRIES_MAX 20    /* -r */
#define TURN_MAX  1024  /* datagrams in a turn: more than a socket keeps, so all that had come */
#define RTO_MAX   60000 /* ms, RFC 6298 (2.5) */

const char program[] = "udp_echo_client";
const char usage[] =
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

static int width = 8; /* -w: lines */
static int tries = 6; /* -r */
static int quiet;     /* -q */
static int connected; /* -c */
static int
    refused; /* an errno: nobody has the port open (with -c), or there is no way to that address; 0: none */

/* How long to wait; -t, -m. */
static struct rtt timer = {.rto = 1000 * MS, .least = 20 * MS, .most = RTO_MAX * MS};

static struct {                /* for the summary */
    long long lines;           /* of the input */
    long long answered;        /* of these */
    long long given_up;        /* of these */
    long long sent;            /* datagrams */
    long long again;           /* of these: not the first of its line */
    long long late;            /* answers: another copy was answered before, or the line was given up */
    long long duplicate;       /* answers that the link has made */
    long long reordered;       /* answers that came after that to a later line */
    long long newest_answered; /* the highest number of a line that was answered */
    long long ignored;         /* datagrams that answer nothing */
    long long timed;           /* round trips that were measured */
    long long least;           /* us: the shortest of them */
    long long most;            /* us: the longest */
    long long sum;             /* us: of all */
} count;

static double in_ms(long long us) { return (double)us / 1000; }

/* ---- One line ---- */

static void explain_size(const struct line *l) {
    int ipv6 = server.ip.ss_family == AF_INET6, headers = ipv6 ? 8 : 28;
    fprintf(
        stderr,
        "%lld: given up, the system says: %s. Its datagram has %zu bytes or more; UDP over %s carries up to "
        "%d (65,535, less %d for the headers), and some systems less\n",
        l->number, strerror(EMSGSIZE), l->length, ipv6 ? "IPv6" : "IPv4", 65535 - headers, headers);
}

static void line_give_up(struct line *l) {
    window_give_up(l);
    count.given_up++;
}

/* Returns how long to wait for an answer, in us. As long as nobody has answered, and there is an address that we have
 * not tried, that is not long. */
static long long timeout(void) {
    long long most = CONNECT_MS * MS;
    return count.answered == 0 && server_has_untried() && timer.rto > most ? most : timer.rto;
}

/* A line was not sent. Most reasons go away, so that is as good as lost: the timer will see to it. If nobody has
 * answered yet, the address may be one that we cannot reach. */
static void explain_failure(const struct line *l, int error) {
    int is_full = error == EAGAIN || error == EINTR || error == ENOBUFS || error == ENOMEM;
    int is_refused = error == ECONNREFUSED; /* not this datagram, one before it, but we hear it only now */
    if (is_refused || (!is_full && count.answered == 0))
        refused = error;
    else if (error != EAGAIN)
        fprintf(stderr, "%lld: %s\n", l->number, strerror(error));
}

/* Sends a line, and sets its timer. */
static void line_send(struct line *l) {
    l->last = now_us();
    l->timeout = l->last + timeout();
    if (l->sends == 0)
        l->first = l->last;

    int error = server_send(l->datagram, l->length) < 0 ? errno : 0;
    if (error == EMSGSIZE) {
        explain_size(l);
        line_give_up(l);
        return;
    }
    if (error != 0)
        explain_failure(l, error);

    if (l->sends > 0)
        count.again++;
    l->sends++;
    count.sent++;
}

static void count_round_trip(long long us) {
    if (count.timed == 0 || us < count.least)
        count.least = us;
    if (us > count.most)
        count.most = us;
    count.sum += us;
    count.timed++;
}

/* The first answer to a line. Karn's rule: it is timed only if the line was sent once. Of a line that was sent twice
 * nobody knows which copy was answered, so how long that took (RFC 6298, 3). */
static void line_answered(struct line *l, long long now) {
    int overtaken = l->number < count.newest_answered;
    if (!overtaken)
        count.newest_answered = l->number;
    l->state = ANSWERED;
    count.answered++;
    if (l->sends > 1) {
        if (!quiet)
            fprintf(stderr, "%lld: %.2f ms, sent %d times\n", l->number, in_ms(now - l->first), l->sends);
        return;
    }

    long long round_trip = now - l->last;
    rtt_sample(&timer, round_trip);
    count_round_trip(round_trip);
    count.reordered += overtaken;
    if (!quiet && overtaken)
        fprintf(stderr, "%lld: %.2f ms, reordered: %lld came before it\n", l->number, in_ms(round_trip),
                count.newest_answered);
    else if (!quiet)
        fprintf(stderr, "%lld: %.2f ms\n", l->number, in_ms(round_trip));
}

/* Another answer to a line. We sent it n times, so n answers may be ours; one more, and the link has made it. */
static void line_answered_again(const struct line *l) {
    const char *what = "duplicate";
    if (l->answers > l->sends) {
        count.duplicate++;
    } else {
        count.late++;
        what = l->state == GIVEN_UP ? "late: it was given up" : "late: another copy was answered before";
    }
    if (!quiet)
        fprintf(stderr, "%lld: %s\n", l->number, what);
}

/* ---- The server ---- */

/* Counts a datagram that answers nothing: a stranger's, or one that nobody has sent like this. */
static void ignore(size_t len, const struct address *from) {
    char name[ADDRESS_TEXT];
    count.ignored++;
    if (quiet)
        return;
    address_text(&from->ip, from->len, name);
    fprintf(stderr, "%s: ignored %zu byte%s from %s: no answer to what was sent there\n", program, len,
            len == 1 ? "" : "s", name);
}

/* Takes in one datagram. What comes back must be what went out, so no byte of a stranger gets to a terminal. */
static void answer_take(const char *data, size_t len, const struct address *from) {
    struct line *l = window_find(data, len);
    if (l == NULL || !address_same(from, &server)) {
        ignore(len, from);
        return;
    }
    l->answers++;
    if (l->state == WAITING)
        line_answered(l, now_us());
    else
        line_answered_again(l);
}

/* Takes in what has come. */
static void server_read(void) {
    static char data[DATAGRAM_MAX];
    struct address from;
    int cut;
    for (int i = 0; i < TURN_MAX; i++) {
        ssize_t n = datagram_receive(server_fd, data, sizeof data, &from, &cut);
        if (n < 0 && errno == ECONNREFUSED)
            refused = errno;
        if (n < 0)
            return;
        answer_take(data, (size_t)n, &from);
    }
}

/* Turns to the next address of the server's name, and sends all that waits to that one. Returns 0 if there is none.
 * With UDP an address where nobody is looks like loss, so silence has to do; what an address was sent in vain counts
 * no more when we try a new one. */
static int server_change(int again) {
    int is_new = server_has_untried();
    if (!server_next(again))
        return 0;
    for (struct line *l = window_next(NULL); l; l = window_next(l)) {
        l->sends = is_new ? 0 : l->sends;
        if (l->sends < tries)
            line_send(l);
    }
    return 1;
}

/* Looks at the timers: what has not come in time is sent again, or given up. */
static void check_timers(long long now) {
    for (struct line *l = window_next(NULL); l; l = window_next(l)) {
        if (now < l->timeout)
            continue;
        if (count.answered == 0 && server_has_untried() && server_change(0))
            return;
        if (l->sends == tries) {
            line_give_up(l);
            fprintf(stderr, "%lld: given up, no answer though sent %d time%s\n", l->number, tries,
                    tries == 1 ? "" : "s");
            continue;
        }

        long long waited = now - l->last;
        rtt_back_off(&timer, l->last, now);
        if (count.answered == 0 && server_change(1))
            return;
        line_send(l);
        if (!quiet)
            fprintf(stderr, "%lld: lost? No answer for %.0f ms, sent again\n", l->number, in_ms(waited));
    }
}

/* ---- The loop ---- */

/* Sleeps until something can be done. Returns the time, see wait_until(). */
static long long wait_for_events(int signals, fd_set *readable, fd_set *writable) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(server_fd, readable);
    if (window_count() < width && input_wanted())
        FD_SET(STDIN_FILENO, readable);
    if (output_waits())
        FD_SET(STDOUT_FILENO, writable);
    return wait_until(window_timeout(), signals, readable, writable);
}

/* Sends as many lines as the window has room for. Returns how many, or -1 after a line on stderr. */
static int send_lines(void) {
    const char *text;
    size_t len;
    int sent = 0;
    while (window_count() < width && (len = input_take(&text)) > 0) {
        struct line *l = window_add(text, len);
        if (l == NULL)
            return complain("cannot keep a line", strerror(errno));
        count.lines++;
        line_send(l);
        sent++;
    }
    return sent;
}

/* Prints what has come back, and sends new lines into the room that this has made. Returns -1 after a line on
 * stderr. */
static int window_move(void) {
    int sent;
    do {
        size_t size;
        char *room = output_room(&size);
        output_add(window_take(room, size));
        sent = send_lines();
    } while (sent > 0); /* a line that is too long is given up at once, and makes room */
    return sent;
}

/* Returns when all lines are answered or given up, or a signal has come: 0, or -1 after a line on stderr. */
static int converse(int signals) {
    while (!stop) {
        fd_set readable, writable;
        long long now = wait_for_events(signals, &readable, &writable);
        if (FD_ISSET(STDIN_FILENO, &readable) && input_read() < 0)
            return complain("cannot read the input", strerror(errno));
        if (FD_ISSET(STDOUT_FILENO, &writable) && output_write() < 0)
            return complain("cannot write the output", strerror(errno));
        if (FD_ISSET(server_fd, &readable))
            server_read();

        check_timers(now);
        if (window_move() < 0)
            return -1;

        int error = refused;
        refused = 0;
        if (error != 0 && !server_change(0))
            return complain(server_text, strerror(error));
        if (input_is_done() && window_count() == 0 && !output_waits())
            return 0;
    }
    return 0;
}

static void summary(void) {
    fprintf(stderr,
            "%s: %lld line%s, %lld answered, %lld given up; %lld datagram%s sent, %lld of them again\n",
            program, count.lines, count.lines == 1 ? "" : "s", count.answered, count.given_up, count.sent,
            count.sent == 1 ? "" : "s", count.again);
    fprintf(stderr, "%s: answers: %lld late, %lld duplicate, %lld reordered, %lld ignored\n", program,
            count.late, count.duplicate, count.reordered, count.ignored);
    if (count.timed > 0)
        fprintf(stderr,
                "%s: round trips: min %.2f ms, mean %.2f ms, max %.2f ms; in the end srtt %.2f ms, "
                "rttvar %.2f ms, rto %.0f ms\n",
                program, in_ms(count.least), in_ms(count.sum) / (double)count.timed, in_ms(count.most),
                in_ms(timer.srtt), in_ms(timer.rttvar), in_ms(timer.rto));
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    int option;
    while ((option = getopt(argc, argv, "chqvw:r:t:m:")) != -1)
        switch (option) {
        case 'c': connected = 1; break;
        case 'h': return show_help();
        case 'q': quiet = 1; break;
        case 'v': verbose = 1; break;
        case 'w': width = parse_number(optarg, 1, WINDOW_MAX); break;
        case 'r': tries = parse_number(optarg, 1, TRIES_MAX); break;
        case 't': timer.rto = parse_number(optarg, 1, RTO_MAX) * MS; break;
        case 'm': timer.least = parse_number(optarg, 1, RTO_MAX) * MS; break;
        default: return show_usage();
        }
    struct server_name name = parse_server(argc, argv, "3205");
    struct addrinfo *addresses = resolve(&name, SOCK_DGRAM);

    int signals = catch_signals();
    int result;
    if (server_open(addresses, connected) < 0)
        result = complain(name.host, strerror(errno));
    else
        result = converse(signals);

    if (count.lines > 0)
        summary();
    window_free();
    server_close();
    freeaddrinfo(addresses);
    return !stop && (result < 0 || count.given_up > 0);
}
