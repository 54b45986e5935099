/* mqtt_client.c - publishes lines, and prints what others publish: MQTT 3.1.1 over TCP, through a broker that may be
 * away at times.
 *
 *     cc -o mqtt_client mqtt_client.c arguments.c talk.c talk_packet.c delivery.c stream.c input.c queue.c \
 *        show_packet.c packet.c text.c attempt.c retry.c log.c connect.c signals.c wire.c
 *
 *     terminal 1:  ./mqtt_broker                         or the real one: mosquitto
 *     terminal 2:  ./mqtt_client -s 'sensors/#'          Ctrl-C ends
 *     terminal 3:  ./mqtt_client -v -t sensors/temp      type lines; Ctrl-D ends
 *                  seq 100 | ./mqtt_client -q 2 -t sensors/count
 *     terminal 1:  kill -STOP the broker; type a line in terminal 3; kill -CONT the broker
 *
 * Watch -v: with -q 0 a line is one packet, with -q 1 two, with -q 2 four.
 *     a line typed:      input_read -> take_input -> delivery_add -> send_messages -> stream_send -> stream_flush;
 *                        freed by delivery_answer
 *     a message:         stream_read -> talk_take -> on_publish -> print_message -> output -> queue_write
 * Left out: user names and passwords, encryption; what waits is kept in memory only, so it ends with the program;
 * looking up the name of the broker waits for a name server.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "arguments.h"
#include "connect.h"
#include "input.h"
#include "log.h"
#include "signals.h"
#include "talk.h"
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

const char program[] = "mqtt_client";
const char usage[] =
    "usage: mqtt_client [-hv] [-i ID] [-k SECONDS] [-c] [-q QOS] [-r] [-t TOPIC] [-s FILTER]... [-w "
    "TOPIC=TEXT]\n"
    "                   [-b MS] [-m MS] [HOST [PORT]]\n"
    "  -h             print this help\n"
    "  -v             show on stderr every read and write in hex and text, and each packet in words\n"
    "  -i ID          client id (default mqttclient and the process number)\n"
    "  -k SECONDS     keep-alive: a PINGREQ when nothing was sent for so long (default 60; 0: never)\n"
    "  -c             the broker shall keep our session while we are away (needs -i)\n"
    "  -q QOS         0, 1 or 2: of what is published, subscribed, and of the will (default 0)\n"
    "  -r             what is published shall be retained\n"
    "  -t TOPIC       publish each line of the input to this topic\n"
    "  -s FILTER      subscribe, and print what comes as \"topic text\"; may be given more than once\n"
    "  -w TOPIC=TEXT  a will, for the broker to publish when we vanish\n"
    "  -b MS          the first wait before a new try, doubled with each failure (default 2000)\n"
    "  -m MS          the longest wait; when it was in vain, too, give up (default 64000)\n"
    "  HOST           name or address (default 127.0.0.1)\n"
    "  PORT           0 to 65535 (default 1883)\n"
    "One of -t and -s is needed. Exit: 0 all is delivered, or after a signal; 1 not all, or no broker would "
    "have us.\n";

static struct talk talk = {
    .connect = {.type = CONNECT, .level = 4, .clean = 1, .keep_alive = 60},
    .first_wait = 2000,
    .longest_wait = 64000,
};
static struct input input;    /* stdin */
static int lines_refused;     /* of the input */
static int broken;            /* the input cannot be read, or the output not written */
static long long last_moment; /* ms: after a signal, the output has to be written by then */

/* ---- The input, and the output. ---- */

/* If it cannot be read, what came before is still sent. */
static void read_input(void) {
    if (input_read(&input, STDIN_FILENO) < 0 && input.eof) {
        complain("cannot read the input", strerror(errno));
        broken = 1;
        talk.unwanted = 1; /* to go on and print what comes would hide that */
    }
}

/* Makes messages of the lines that were read, as far as the outbox takes them. */
static void take_input(void) {
    struct bytes line;
    enum input_event event = INPUT_LINE;
    while (event != INPUT_MORE && !delivery_is_full(&talk.outbox)) {
        event = input_take(&input, &line);
        if (event == INPUT_LINE) {
            delivery_add(&talk.outbox, line);
        } else if (event == INPUT_TOO_LONG) {
            log_line("refused: a line of the input has more than %d bytes", LINE_LIMIT);
            lines_refused++;
        }
    }
    talk.input_ended = input.eof && !input_has_rest(&input);
}

static void write_output(void) {
    if (queue_write(&talk.output, STDOUT_FILENO, PIPE_BUF) >= 0)
        return;
    complain("cannot write the output", strerror(errno));
    broken = 1;
    talk.output.start = talk.output.end;
    talk_leave(&talk, "the output cannot be written", LEAVE_MS);
}

/* ---- The loop. ---- */

/* Waits for what is worth waiting for. Returns 0, and the sets say nothing, if a signal came first. */
static int wait_for(int signals, long long ms, fd_set *readable, fd_set *writable) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(signals, readable);
    int ends = talk.finished || talk.state == CLOSING;
    if (talk.topic.length > 0 && !ends && !input.eof && !delivery_is_full(&talk.outbox))
        FD_SET(STDIN_FILENO, readable);
    if (queue_length(&talk.output) > 0)
        FD_SET(STDOUT_FILENO, writable);
    talk_watch(&talk, readable, writable);

    struct timeval limit = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    return select(FD_SETSIZE, readable, writable, NULL, ms == NEVER ? NULL : &limit) >= 0;
}

/* Returns how many ms there are until something is due. */
static long long time_left(long long now) {
    if (!talk.finished)
        return talk_time_left(&talk, now);
    if (!stop)
        return NEVER; /* only the output is left */
    return last_moment > now ? last_moment - now : 0;
}

/* One turn: waits, reads, judges by the clock, and writes. */
static void turn(int signals) {
    fd_set readable, writable;
    long long now = now_ms(); /* before the look at the socket: talk_fire() needs it so */
    int fd = talk.stream.fd, was_full = 1;
    if (!wait_for(signals, time_left(now), &readable, &writable))
        return;

    if (FD_ISSET(STDIN_FILENO, &readable))
        read_input();
    if (FD_ISSET(STDOUT_FILENO, &writable))
        write_output();
    talk_event(&talk, fd >= 0 && FD_ISSET(fd, &readable), fd >= 0 && FD_ISSET(fd, &writable));
    talk_take(&talk);
    talk_fire(&talk, now);
    while (was_full && !talk.finished) { /* what the broker takes at once makes room for more lines */
        take_input();
        was_full = delivery_is_full(&talk.outbox);
        talk_flush(&talk);
        was_full = was_full && !delivery_is_full(&talk.outbox);
    }
}

/* Is it over? What has come is still printed; after a signal, as far as that goes in its time. */
static int is_over(void) {
    if (!talk.finished)
        return 0;
    return queue_length(&talk.output) == 0 || (stop && now_ms() >= last_moment);
}

static void run(int signals) {
    while (!is_over()) {
        turn(signals);
        if (stop) {
            signal_forget();
            if (last_moment == 0)
                last_moment = now_ms() + LEAVE_MS;
            talk_leave(&talk, "a signal", LEAVE_MS); /* it may take some turns more, until the broker's FIN */
        }
    }
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    read_arguments(&talk, argc, argv);
    struct server_name server = parse_server(argc, argv, "1883");
    if (talk.topic.length == 0 && talk.filters.length == 0) {
        fprintf(stderr, "%s: neither -t nor -s: there is nothing to do\n", program);
        return show_usage();
    }
    struct addrinfo *found = resolve(&server, SOCK_STREAM);
    int signals = catch_signals();

    talk.server = &server;
    log_start();
    talk_start(&talk, found);
    run(signals);

    stream_close(&talk.stream);
    if (talk.outbox.waiting > 0)
        log_line(talk.outbox.qos > 0 ? "%d not acknowledged" : "%d not sent", talk.outbox.waiting);
    if (stop && !broken)
        return 0;
    return broken || talk.gave_up || talk.unwanted || !talk.welcomed || talk.outbox.waiting > 0 ||
           lines_refused > 0;
}
