/* heartbeat_client.c - sends lines to a server that may be away at times: each arrives once, and in order.
 *
 *     cc -o heartbeat_client heartbeat_client.c session.c outbox.c probes.c connection.c attempt.c reader.c retry.c \
 *        number.c log.c lines.c text.c connect.c signals.c wire.c
 *
 *     terminal 1:  ./heartbeat_server
 *     terminal 2:  ./heartbeat_client              type lines; Ctrl-D ends
 *                  seq 100 | ./heartbeat_client -n counter
 *     terminal 3:  kill -STOP the server; wait; type a line in terminal 2; kill -CONT the server
 *
 * Watch terminal 2: a server that is stopped sends no FIN, so only a probe without an answer shows that it is away.
 * Then the client waits, 2, 4, 8 ... seconds, tries again, and sends what was not acknowledged once more.
 *     a line typed:  reader_read -> take_input -> outbox_add -> send_messages -> connection_flush; freed by outbox_ack
 *     a line of the server:  connection_read -> on_line -> on_welcome, on_ack, probes_answer
 * Left out: looking up the name of the server waits for a name server; all else waits in select().
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connect.h"
#include "log.h"
#include "reader.h"
#include "session.h"
#include "signals.h"
#include "text.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define DAY_MS 86400000 /* the longest time that an option takes */

const char program[] = "heartbeat_client";
const char usage[] =
    "usage: heartbeat_client [-hvkj] [-n NAME] [-i MS] [-t MS] [-c MS] [-b MS] [-m MS] [HOST [PORT]]\n"
    "  -h       print this help\n"
    "  -v       show every read and write on stderr, in hex and text\n"
    "  -n NAME  who the messages are from: 1 to 32 bytes of letters, digits, - and _ (default client and "
    "the\n"
    "           process number)\n"
    "  -i MS    send a probe so often (default 5000)\n"
    "  -t MS    an answer that takes longer means: the server is dead (default 2000)\n"
    "  -c MS    a connection that takes longer to open has failed (default 3000)\n"
    "  -b MS    the first wait before a new try, doubled with each failure (default 2000)\n"
    "  -m MS    the longest wait; when it was in vain, too, give up (default 64000)\n"
    "  -k       keep trying at the longest wait\n"
    "  -j       wait not so long but any time up to that, by dice (full jitter)\n"
    "  HOST     name or address (default 127.0.0.1)\n"
    "  PORT     0 to 65535 (default 5204)\n"
    "Each line of the input is a message. Exit: 0 all are acknowledged, 1 not all.\n";

static struct session session = {
    .interval = 5000,
    .timeout = 2000,
    .patience = 3000,
    .first_wait = 2000,
    .longest_wait = 64000,
};
static struct reader input; /* stdin */
static int refused;         /* lines of the input that were not taken */
static int input_failed;    /* nobody knows what else there was */

/* May a line be taken now? With a full outbox the input has to wait; but while the server is away, it would wait for
 * long: then a line is refused in words. */
static int takes_input(void) { return !outbox_is_full(&session.outbox) || session.state == CLOSED; }

/* Reads the input once. If that fails, the lines that came before are still sent; the beginning of one is none. */
static void read_input(void) {
    if (reader_read(&input, STDIN_FILENO) < 0 && input.eof) {
        complain("cannot read the input", strerror(errno));
        input_failed = 1;
        input.line = (struct line){0};
    }
    session.input_ended = reader_is_over(&input);
}

/* Makes a message of a line, or refuses it. */
static void take_line(enum line_event event, const char *text) {
    if (event == LINE_TOO_LONG || strlen(text) > TEXT_MAX) {
        log_line("refused, for it is over %d bytes: a line of the input", TEXT_MAX);
        refused++;
    } else if (outbox_is_full(&session.outbox)) {
        log_line("refused, for %d messages wait already: %s", OUTBOX_MAX, text);
        refused++;
    } else {
        outbox_add(&session.outbox, text);
    }
}

/* Uses what was read of the input. */
static void take_input(void) {
    while (takes_input()) {
        enum line_event event = reader_take(&input);
        if (event == LINE_MORE)
            break;
        take_line(event, input.line.text);
    }
    session.input_ended = reader_is_over(&input);
}

/* Waits for what is worth waiting for. Returns 0, and the sets say nothing, if a signal came first. */
static int wait_for(int signals, long long ms, fd_set *readable, fd_set *writable) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(signals, readable);
    if (reader_wants_more(&input) && takes_input())
        FD_SET(STDIN_FILENO, readable);
    session_watch(&session, readable, writable);

    struct timeval limit = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    return select(FD_SETSIZE, readable, writable, NULL, &limit) >= 0;
}

/* One turn: waits, reads, judges by the clock, and writes. */
static void turn(int signals) {
    fd_set readable, writable;
    long long now = now_ms(); /* before the look at the socket: session_fire() needs it so */
    int fd = session.connection.fd;
    if (!wait_for(signals, session_time_left(&session, now), &readable, &writable))
        return;

    if (FD_ISSET(STDIN_FILENO, &readable))
        read_input();
    if (fd >= 0)
        session_event(&session, FD_ISSET(fd, &readable), FD_ISSET(fd, &writable));
    session_fire(&session, now);
    take_input();
    session_flush(&session);
}

/* Sets the name that the messages are from; ends the program if it is none. */
static void set_name(const char *text) {
    static char name[WORD_MAX + 1];
    if (!name_is_valid(text)) {
        fprintf(stderr, "%s: '%s' is no name: %s\n", program, text, NAME_RULE);
        exit(show_usage());
    }
    snprintf(name, sizeof name, "%s", text);
    session.name = name;
}

static void parse_options(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "hvkjn:i:t:c:b:m:")) != -1)
        switch (option) {
        case 'h': exit(show_help());
        case 'v': verbose = 1; break;
        case 'k': session.keep_trying = 1; break;
        case 'j': session.jitter = 1; break;
        case 'n': set_name(optarg); break;
        case 'i': session.interval = parse_number(optarg, 1, DAY_MS); break;
        case 't': session.timeout = parse_number(optarg, 1, DAY_MS); break;
        case 'c': session.patience = parse_number(optarg, 1, DAY_MS); break;
        case 'b': session.first_wait = parse_number(optarg, 1, DAY_MS); break;
        case 'm': session.longest_wait = parse_number(optarg, 1, DAY_MS); break;
        default: exit(show_usage());
        }
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    char own_name[WORD_MAX + 1];
    snprintf(own_name, sizeof own_name, "client%ld", (long)getpid());
    set_name(own_name);
    parse_options(argc, argv);
    struct server_name server = parse_server(argc, argv, "5204");
    struct addrinfo *found = resolve(&server, SOCK_STREAM);
    int signals = catch_signals();

    session.server = &server;
    session.dice = (uint64_t)now_us() * 1000003u + (uint64_t)getpid();
    log_start();
    session_start(&session, found);
    while (!session.finished) {
        turn(signals);
        if (stop) {
            signal_forget();
            session_leave(&session, "a signal"); /* it may take some turns more, until the server's FIN */
        }
    }

    connection_close(&session.connection);
    if (session.outbox.waiting > 0)
        log_line("%d not acknowledged", session.outbox.waiting);
    if (stop)
        return 0;
    return !session_is_done(&session) || session_never_welcomed(&session) || refused > 0 || input_failed;
}
