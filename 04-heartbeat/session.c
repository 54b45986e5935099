/* session.c - see session.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "session.h"

#include "connect.h"
#include "log.h"
#include "number.h"
#include "retry.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MSG_ROOM 2048 /* bytes for a message and some probes behind it */
#define LEAVE_MS 500  /* ms: how long we wait for the server's FIN after ours */

static const char *const state_names[] = {"CONNECTING", "OPEN", "CLOSING", "CLOSED"};

/* ---- The states: how a connection comes about, and how it ends. ---- */

int session_is_done(const struct session *s) { return s->input_ended && s->outbox.waiting == 0; }

int session_never_welcomed(const struct session *s) { return s->outbox.first == 0; }

/* Goes to another state, and says why. */
static void change(struct session *s, enum state next, const char *why, const char *what_now) {
    log_line("%s -> %s: %s%s", state_names[s->state], state_names[next], why, what_now);
    s->state = next;
}

/* Decides when to try again, and says so in `text`; or that there will be no new try. */
static void plan_next_try(struct session *s, char *text, size_t size) {
    long long wait = backoff_ms(s->failures, s->first_wait, s->longest_wait, s->keep_trying);
    if (wait < 0) {
        snprintf(text, size, "; giving up");
        s->finished = 1;
        return;
    }
    if (s->jitter)
        wait = backoff_jitter(wait, &s->dice);
    snprintf(text, size, "; next try in %lld ms", wait);
    s->until = now_ms() + wait;
}

/* The connection has ended, or none came about. Says why, and when there will be a new try, if any. */
static void lose(struct session *s, const char *why) {
    char what_now[64] = "";
    s->failures++;
    if (s->state == CLOSING || session_is_done(s))
        s->finished = 1;
    else
        plan_next_try(s, what_now, sizeof what_now);
    change(s, CLOSED, why, what_now);
    connection_close(&s->connection);
}

/* The server does not want us, or is none of ours: to try again would not help. */
static void give_up(struct session *s, const char *why) {
    s->finished = 1;
    change(s, CLOSED, why, "; giving up");
    connection_close(&s->connection);
}

/* A try has failed, before there was a connection. */
static void lose_try(struct session *s, const char *whom, const char *error) {
    char why[SERVER_TEXT + 100];
    snprintf(why, sizeof why, "%s: %s", whom, error);
    lose(s, why);
}

/* connection_open() or connection_next() has returned `result`. A connect that hangs is a failure, too; and while
 * another address is left, it must not use up all our patience. */
static void await_connection(struct session *s, int result) {
    if (result < 0) {
        lose_try(s, s->server->text, strerror(errno));
        return;
    }
    int ms = s->patience;
    if (ms > CONNECT_MS && s->connection.attempt.next)
        ms = CONNECT_MS;
    s->until = now_ms() + ms;
}

void session_start(struct session *s, struct addrinfo *found) {
    s->state = CONNECTING;
    s->connection.name = s->server->text;
    s->connection.fd = -1;
    await_connection(s, connection_open(&s->connection, found));
}

/* Looks the name of the server up again, because it may have moved, and connects. This call waits for a name server, if
 * one has to be asked. */
static void try_again(struct session *s) {
    const char *why;
    change(s, CONNECTING, s->server->text, "");
    struct addrinfo *found = look_up(s->server, SOCK_STREAM, &why);
    if (found)
        await_connection(s, connection_open(&s->connection, found));
    else
        lose_try(s, s->server->host, why);
}

/* select() says "writable": the handshake is over, well or not. */
static void on_connected(struct session *s) {
    int error = connection_result(&s->connection);
    if (error != 0) {
        await_connection(s, connection_next(&s->connection, error));
        return;
    }
    connection_send(&s->connection, "HELLO %s\n", s->name);
    s->until = now_ms() + s->patience; /* for WELCOME */
}

void session_leave(struct session *s, const char *why) {
    if (s->state == OPEN) {
        change(s, CLOSING, why, "");
        connection_finish(&s->connection);
        s->until = now_ms() + LEAVE_MS;
    } else if (s->state != CLOSING) {
        s->finished = 1;
    }
}

/* ---- What the server says. ---- */

/* WELCOME, and the number of the last message that the server has from us. */
static void on_welcome(struct session *s, long long last) {
    char why[64];
    if (outbox_welcome(&s->outbox, last) < 0) {
        give_up(s, "somebody else has used our name");
        return;
    }
    s->failures = 0;
    probes_stop(&s->probes);
    s->next_probe = now_ms() + s->interval;
    snprintf(why, sizeof why, "WELCOME %lld, and %d wait", last, s->outbox.waiting);
    change(s, OPEN, why, "");
}

static void on_ack(struct session *s, long long seq) {
    if (outbox_ack(&s->outbox, seq) > 0 && s->outbox.waiting == 0)
        log_line("all acknowledged, up to %lld", s->outbox.first - 1);
}

/* Returns the number in a line that consists of this word, a blank and a number; else -1. */
static long long number_behind(const char *word, const char *line) {
    size_t len = strlen(word);
    const char *rest = "";
    if (strncmp(line, word, len) != 0 || line[len] != ' ')
        return -1;
    long long n = number_read(line + len + 1, &rest);
    return *rest == '\0' ? n : -1;
}

static void on_line(struct session *s, const char *text) {
    long long welcome = number_behind("WELCOME", text);
    long long ack = number_behind("ACK", text);
    long long pong = number_behind("PONG", text);
    char why[LINE_SIZE + 32];
    snprintf(why, sizeof why, "the server says %s", text);

    if (welcome >= 0 && s->state == CONNECTING)
        on_welcome(s, welcome);
    else if (ack >= 0 && s->state != CONNECTING)
        on_ack(s, ack);
    else if (pong >= 0 && s->state != CONNECTING)
        probes_answer(&s->probes, pong);
    else if (strncmp(text, "ERROR", 5) == 0)
        give_up(s, why);
    else
        lose(s, why);
}

static void read_server(struct session *s) {
    ssize_t n = connection_read(&s->connection);
    if (n == 0)
        lose(s, "the server hung up");
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        lose(s, strerror(errno));

    enum line_event event;
    do { /* a line may end the connection, and then there are no more */
        event = connection_line(&s->connection);
        if (event == LINE)
            on_line(s, s->connection.in.line.text);
        else if (event == LINE_TOO_LONG)
            lose(s, "the server says too much in one line");
    } while (event != LINE_MORE);
}

static void write_server(struct session *s) {
    if (connection_flush(&s->connection) < 0)
        lose(s, strerror(errno));
}

/* ---- Time. ---- */

/* Sends a probe, and starts its timer. With all timers running it is left out. */
static void send_probe(struct session *s, long long now) {
    s->next_probe += s->interval;
    if (s->next_probe <= now)
        s->next_probe = now + s->interval;

    long long number = probes_start(&s->probes, now_ms() + s->timeout + 1); /* + 1: now_ms() rounds down */
    if (number > 0 && connection_has_room(&s->connection, LINE_SIZE))       /* if not, the timer will tell */
        connection_send(&s->connection, "PING %lld\n", number);
}

long long session_time_left(const struct session *s, long long now) {
    long long next = s->until;
    if (s->state == OPEN) {
        const struct probe *probe = probes_first(&s->probes);
        next = s->next_probe;
        if (probe && probe->deadline < next)
            next = probe->deadline;
    }
    return next > now ? next - now : 0;
}

/* CONNECTING takes too long. */
static void fire_connecting(struct session *s) {
    char why[64];
    if (!s->connection.established) {
        await_connection(s, connection_next(&s->connection, ETIMEDOUT));
        return;
    }
    snprintf(why, sizeof why, "no WELCOME within %d ms", s->patience);
    lose(s, why);
}

/* OPEN: is there a probe without an answer, or is it time for the next one? */
static void fire_open(struct session *s, long long now) {
    const struct probe *probe = probes_first(&s->probes);
    char why[64];
    if (probe && now >= probe->deadline) {
        snprintf(why, sizeof why, "no PONG %lld within %d ms", probe->number, s->timeout);
        lose(s, why);
    } else if (now >= s->next_probe) {
        send_probe(s, now);
    }
}

void session_fire(struct session *s, long long now) {
    if (s->state == OPEN) {
        fire_open(s, now);
    } else if (s->finished || now < s->until) {
        return;
    } else if (s->state == CONNECTING) {
        fire_connecting(s);
    } else if (s->state == CLOSING) {
        lose(s, "no FIN from the server");
    } else {
        try_again(s);
    }
}

/* ---- For the loop. ---- */

void session_watch(const struct session *s, fd_set *readable, fd_set *writable) {
    connection_watch(&s->connection, readable, writable);
}

void session_event(struct session *s, int can_read, int can_write) {
    if (can_write && !s->connection.established)
        on_connected(s);
    else if (can_write)
        write_server(s);
    if (can_read && s->connection.established)
        read_server(s);
}

/* Sends what has not been sent on this connection, as far as the window is open. */
static void send_messages(struct session *s) {
    while (connection_has_room(&s->connection, MSG_ROOM)) {
        long long seq;
        const char *text = outbox_send(&s->outbox, &seq);
        if (text == NULL)
            return;
        connection_send(&s->connection, "MSG %lld %s\n", seq, text);
    }
}

void session_flush(struct session *s) {
    if (s->state == OPEN)
        send_messages(s);
    if (s->state == OPEN && session_is_done(s))
        session_leave(s, "the input has ended, and all is acknowledged");
    if (s->state == CLOSED && session_is_done(s))
        s->finished = 1;
    if (s->connection.established && s->connection.out_length > 0)
        write_server(s);
}
