/* talk.c - see talk.h. How a connection comes about, and how it ends; what the packets do is in talk_packet.c. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "talk.h"

#include "connect.h"
#include "log.h"
#include "retry.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MS 10000 /* ms: for a connect, and then for the CONNACK */
#define ANSWERS_MAX                                                                                          \
    1048576 /* bytes: a broker that does not read so many of our answers is not read, either */

static const char *const state_names[] = {"CONNECTING", "OPEN", "CLOSING", "CLOSED"};

/* ---- The states. ---- */

/* With filters it ends by a signal; but it ends, too, when the broker has refused all of them. */
int talk_is_done(const struct talk *t) {
    return t->input_ended && t->outbox.waiting == 0 && (t->filters.length == 0 || t->unwanted);
}

void talk_change(struct talk *t, enum state next, const char *why, const char *what_now) {
    log_line("%s -> %s: %s%s", state_names[t->state], state_names[next], why, what_now);
    t->state = next;
}

/* The connection, if any, is of no more use. What was queued for it is forgotten. */
static void hang_up(struct talk *t, const char *why, const char *what_now) {
    talk_change(t, CLOSED, why, what_now);
    stream_close(&t->stream);
    delivery_restart(&t->outbox);
    t->acks.start = t->acks.end;
    t->subscribing = 0;
}

/* The connection has ended, or none came about: decides whether, and when, there will be another try. */
static void lose(struct talk *t, const char *why) {
    char what_now[64] = "";
    t->failures++;
    long long wait = backoff_ms(t->failures, t->first_wait, t->longest_wait, 0);
    if (t->state == CLOSING || talk_is_done(t)) {
        t->finished = 1;
    } else if (wait < 0) {
        snprintf(what_now, sizeof what_now, "; giving up");
        t->gave_up = 1;
        t->finished = 1;
    } else {
        snprintf(what_now, sizeof what_now, "; next try in %lld ms", wait);
        t->until = now_ms() + wait;
    }
    hang_up(t, why, what_now);
}

/* A try has failed, before there was a connection. */
static void lose_attempt(struct talk *t, const char *whom, const char *error) {
    char text[SERVER_TEXT + 100];
    snprintf(text, sizeof text, "%s: %s", whom, error);
    lose(t, text);
}

/* stream_open() or stream_next_address() has returned `result`. While another address is left, this one must not use up
 * all our patience. */
static void await_handshake(struct talk *t, int result) {
    if (result < 0)
        lose_attempt(t, t->server->text, strerror(errno));
    else
        t->until = now_ms() + (t->stream.attempt.next ? CONNECT_MS : PATIENCE_MS);
}

void talk_start(struct talk *t, struct addrinfo *found) {
    t->stream.peer = t->server->text;
    t->stream.fd = -1;
    await_handshake(t, stream_open(&t->stream, found));
}

/* The broker may have moved: its name is looked up again. This call waits for a name server, if one has to be asked. */
static void reconnect(struct talk *t) {
    const char *why;
    talk_change(t, CONNECTING, t->server->text, "");
    struct addrinfo *found = look_up(t->server, SOCK_STREAM, &why);
    if (found == NULL)
        lose_attempt(t, t->server->host, why);
    else
        await_handshake(t, stream_open(&t->stream, found));
}

/* The handshake is over, well or not. */
static void on_handshake(struct talk *t) {
    int error = stream_result(&t->stream);
    if (error != 0) {
        await_handshake(t, stream_next_address(&t->stream, error));
        return;
    }
    stream_send(&t->stream, &t->connect);
    t->until = now_ms() + PATIENCE_MS; /* for the CONNACK */
}

void talk_leave(struct talk *t, const char *why, int ms) {
    struct packet goodbye = {.type = DISCONNECT};
    if (t->state == OPEN) {
        talk_change(t, CLOSING, why, "");
        stream_send(&t->stream, &goodbye);
        t->shut = 0;
        t->until = now_ms() + ms;
    } else if (t->state != CLOSING) {
        t->finished = 1;
    } else if (t->until > now_ms() + ms) {
        t->until = now_ms() + ms;
    }
}

/* ---- Bytes. ---- */

void talk_watch(const struct talk *t, fd_set *readable, fd_set *writable) {
    const struct stream *s = &t->stream;
    if (s->fd < 0)
        return;
    int room = queue_length(&t->output) < QUEUE_LOW && queue_length(&s->out) < ANSWERS_MAX &&
               queue_length(&t->acks) < ANSWERS_MAX;
    if (s->established && (room || t->state == CLOSING))
        FD_SET(s->fd, readable);
    if (!s->established || queue_length(&s->out) > 0)
        FD_SET(s->fd, writable);
}

static void read_broker(struct talk *t) {
    ssize_t n = stream_read(&t->stream);
    t->quiet = n <= 0;
    if (n == 0)
        lose(t, "the broker hung up");
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        lose(t, strerror(errno));
}

static void write_broker(struct talk *t) {
    int result = stream_flush(&t->stream), error = errno;
    delivery_written(&t->outbox, t->stream.written);
    if (result < 0)
        lose(t, strerror(error));
}

void talk_event(struct talk *t, int can_read, int can_write) {
    t->quiet = 1;
    if (can_write && !t->stream.established)
        on_handshake(t);
    else if (can_write)
        write_broker(t);
    if (can_read && t->stream.established)
        read_broker(t);
}

/* The broker does not want us, and then to try again would not help; or it has broken a rule. */
static void on_wrong_packet(struct talk *t, const char *why) {
    char text[128];
    if (t->unwelcome) {
        t->gave_up = 1;
        t->finished = 1;
        hang_up(t, why, "; giving up");
        return;
    }
    snprintf(text, sizeof text, "a wrong packet from the broker: %s", why);
    lose(t, text);
}

void talk_take(struct talk *t) {
    struct packet p;
    const char *why;
    int result = 1;
    while (result > 0 && (t->state == CONNECTING || t->state == OPEN) &&
           queue_length(&t->output) < QUEUE_LOW) {
        result = stream_packet(&t->stream, &p, &why);
        if (result > 0 && talk_on_packet(t, &p, &why) < 0)
            result = -1;
    }
    if (result < 0)
        on_wrong_packet(t, why);
    if (t->state == CLOSING) /* what still comes is not for us */
        t->stream.in.start = t->stream.in.end;
}

/* ---- Time. ---- */

/* Returns how long a PINGRESP may take, in ms: half of the keep-alive time. */
static int pong_patience(const struct talk *t) {
    int ms = t->connect.keep_alive * 500;
    return ms > 1000 ? ms : 1000;
}

/* Returns when the next PINGREQ is due, in ms. Every packet that we send shows that we are there; then none is. */
static long long ping_due(const struct talk *t) {
    int off = t->connect.keep_alive == 0 || t->pong_due > 0;
    return off ? NEVER : t->stream.last_written + t->connect.keep_alive * 1000LL;
}

long long talk_time_left(const struct talk *t, long long now) {
    long long next = t->until;
    if (t->state == OPEN)
        next = t->pong_due > 0 ? t->pong_due : ping_due(t);
    if (next == NEVER)
        return NEVER;
    return next > now ? next - now : 0;
}

static void fire_connecting(struct talk *t) {
    if (t->stream.established)
        lose(t, "no CONNACK from the broker");
    else
        await_handshake(t, stream_next_address(&t->stream, ETIMEDOUT));
}

/* Time for a PINGREQ, or too late for the PINGRESP? It is not, while something comes, or lies unread because the output
 * is stuck: the answer may be behind that. */
static void fire_open(struct talk *t, long long now) {
    struct packet ping = {.type = PINGREQ};
    char text[64];
    if (now >= ping_due(t)) {
        stream_send(&t->stream, &ping);
        t->pong_due = now_ms() + pong_patience(t) + 1; /* + 1: now_ms() rounds down */
    } else if (t->pong_due > 0 && now >= t->pong_due) {
        snprintf(text, sizeof text, "no PINGRESP within %d ms", pong_patience(t));
        if (queue_length(&t->output) >= QUEUE_LOW)
            t->pong_due = now_ms() + pong_patience(t);
        else if (t->quiet)
            lose(t, text);
    }
}

void talk_fire(struct talk *t, long long now) {
    if (t->state == OPEN) {
        fire_open(t, now);
        return;
    }
    if (t->finished || now < t->until)
        return;
    if (t->state == CONNECTING)
        fire_connecting(t);
    else if (t->state == CLOSING)
        lose(t, "no FIN from the broker");
    else
        reconnect(t);
}

/* ---- Sending. ---- */

/* Sends what has not been sent on this connection, as far as there is room. */
static void send_messages(struct talk *t) {
    struct packet p;
    while (queue_length(&t->stream.out) < QUEUE_LOW && delivery_next(&t->outbox, &p)) {
        if (p.type == PUBLISH) {
            p.topic = t->topic;
            p.retain = t->retain;
        }
        stream_send(&t->stream, &p);
        delivery_queued(&t->outbox, t->stream.written + (long long)queue_length(&t->stream.out));
    }
}

void talk_flush(struct talk *t) {
    static const char *const all_is_done[] = {"the input has ended, and all is sent",
                                              "the input has ended, and all is acknowledged"};
    int more = 1;
    while (more) { /* the kernel has taken all, and there was more than was queued */
        if (t->state == OPEN) {
            talk_acknowledge(t);
            send_messages(t);
        }
        if (t->state == OPEN && talk_is_done(t))
            talk_leave(t, all_is_done[t->outbox.qos > 0], PATIENCE_MS);
        if (t->stream.established)
            write_broker(t);
        more = t->state == OPEN && queue_length(&t->stream.out) == 0 &&
               (delivery_has_next(&t->outbox) || talk_is_done(t));
    }
    if (t->state == CLOSING && queue_length(&t->stream.out) == 0 && !t->shut) {
        shutdown(t->stream.fd, SHUT_WR);
        t->shut = 1;
    }
    if (t->state == CLOSED && talk_is_done(t))
        t->finished = 1;
}
