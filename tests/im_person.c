/* im_person.c - see im_person.h. Start reading at person_take(). */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "im_person.h"

#include "../03-custom-protocol/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACK_LATE 24 /* messages after which a receipt is due; an im_server has 32 under way */

void person_send(struct person *p, const struct message *m) {
    char *frame = p->out + p->out_length;
    if (OUT_SIZE - p->out_length < FRAME_HEADER + FRAME_MAX)
        fail(1, "rule: a server reads what it is sent\nu%d has 1 MiB to send", p->index);
    size_t len = message_encode(m, p->format, frame + FRAME_HEADER, FRAME_MAX);
    frame_header(frame, (enum frame_format)p->format, len);
    p->out_length += FRAME_HEADER + len;
}

/* Queues message i, the same each time but for the time in it when it is said again: so that stays, too. */
static void person_say(struct person *p, int i) {
    char id[32], to[16], body[BYTES_MAX + 1];
    if (p->promised[i] == 0)
        p->promised[i] = -now_us(); /* until it has a number */
    snprintf(id, sizeof id, "%u-%d", crowd.seed, i);
    snprintf(to, sizeof to, "u%d", p->partner->index);
    int head = snprintf(body, sizeof body, "%d %lld ", i, -p->promised[i]);
    memset(body + head, 'x', (size_t)(crowd.bytes - head));
    body[crowd.bytes] = '\0';

    struct message m = {.type = MSG, .field = {[ID] = id, [TO] = to, [BODY] = body}};
    person_send(p, &m);
}

/* The connection is lost: everything that has no answer is to be said again. */
static void person_hang_up(struct person *p) {
    if (crowd.kills == 0)
        fail(1, "rule: a client that reads stays connected\nu%d got the end of the stream", p->index);
    close(p->fd);
    p->fd = -1;
    p->ready = 0;
    p->unacked = 0;
    p->in_length = 0;
    p->out_length = 0;
    p->said = p->answered;
}

void person_connect(struct person *p) {
    static const int on = 1;
    char name[16];
    p->fd = socket(crowd.server->ai_family, crowd.server->ai_socktype, crowd.server->ai_protocol);
    if (p->fd < 0)
        fail(77, "this machine allows too few descriptors (ulimit -Hn)");
    if (connect(p->fd, crowd.server->ai_addr, crowd.server->ai_addrlen) < 0) {
        if (crowd.kills == 0)
            fail(1, "u%d cannot connect: %s", p->index, strerror(errno));
        close(p->fd);
        p->fd = -1;
        return;
    }
    fcntl(p->fd, F_SETFL, O_NONBLOCK);
    fcntl(p->fd, F_SETFD, FD_CLOEXEC);
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

    snprintf(name, sizeof name, "u%d", p->index);
    struct message m = {.type = LOGIN, .field = {[ID] = "login", [NAME] = name, [PASSWORD] = "secret"}};
    person_send(p, &m);
}

/* One number for one message, in the answer and on the arrival. */
static void check_numbers(const struct person *p, int i) {
    if (p->promised[i] > 0 && p->number[i] > 0 && p->promised[i] != p->number[i])
        fail(1, "rule: a message arrives with the number that was promised\nmessage %d of u%d: %lld and %lld",
             i, p->index, p->promised[i], p->number[i]);
}

/* Takes `ok`: of the login, of the last request, or of message i, "SEED-i". */
static void person_answered(struct person *p, const struct message *m) {
    const char *id = m->field[ID] ? m->field[ID] : "";
    if (strcmp(id, "login") == 0)
        p->ready = 1;
    if (strcmp(id, "last") == 0)
        p->present = 1;
    const char *dash = strchr(id, '-');
    if (dash == NULL)
        return;

    long i = strtol(dash + 1, NULL, 10);
    if (i < 0 || i >= p->said || message_number(m, NUMBER) <= 0)
        fail(1, "rule: ok has the id of the request, and a number\nu%d got id %s", p->index, id);
    p->promised[i] = message_number(m, NUMBER);
    check_numbers(p, (int)i);
    while (p->answered < p->said && p->promised[p->answered] > 0)
        p->answered++;
}

/* Reads a body. Returns the message's place among those of its sender, and the time at which it was sent. */
static long body_read(const struct person *p, const char *body, long long *sent) {
    char *end;
    long i = strtol(body, &end, 10);
    *sent = strtoll(end, &end, 10);
    size_t rest = *end == ' ' ? 1 + strspn(end + 1, "x") : 0;
    if (end + rest != body + crowd.bytes || end[rest] != '\0')
        fail(1, "rule: messages come whole\nu%d got: %.100s", p->index, body);
    return i;
}

/* Takes a message of the partner. With a number that is not new it came before, and the receipt was lost. */
static void person_heard(struct person *p, const struct message *m) {
    long long number = message_number(m, NUMBER), sent;
    long i = body_read(p, m->field[BODY] ? m->field[BODY] : "", &sent);
    p->unacked++;
    if (number <= p->last) {
        crowd.repeated++;
        if (i >= p->heard || p->partner->number[i] != number)
            fail(1, "rule: what comes again has its old number\nu%d got message %ld with number %lld",
                 p->index, i, number);
        return;
    }
    if (i != p->heard)
        fail(1, "rule: messages come once and in order\nu%d expected message %d and got %ld, number %lld",
             p->index, p->heard, i, number);

    p->last = number;
    p->partner->number[i] = number;
    check_numbers(p->partner, (int)i);
    p->heard++;
    crowd.latest = now_us();
    if (crowd.deliveries < crowd.room)
        crowd.latencies[crowd.deliveries] = (float)(crowd.latest - sent) / 1e3F;
    crowd.deliveries++;
}

static void person_take(struct person *p, const struct message *m) {
    static char text[1024];
    switch (m->type) {
    case OK: person_answered(p, m); break;
    case MSG: person_heard(p, m); break;
    case PRESENCE: break;
    default:
        message_show(m, text, sizeof text);
        fail(1, "rule: a client that does nothing wrong gets no error\nu%d got: %s", p->index, text);
    }
}

static void frame_take(struct person *p, const struct frame *f) {
    static char store[FRAME_MAX + 1];
    struct message m;
    size_t at;
    if (message_decode(&m, (enum message_format)f->format, f->payload, f->length, store, &at) != NULL)
        fail(1, "rule: what comes is well formed\nu%d got: %.*s", p->index, (int)f->length, f->payload);
    if ((enum message_format)f->format != p->format)
        fail(1, "rule: everybody is answered in his own format\nu%d got %d", p->index, (int)f->format);
    person_take(p, &m);
}

void person_read(struct person *p) {
    ssize_t n = read(p->fd, p->in + p->in_length, sizeof p->in - p->in_length);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        person_hang_up(p);
        return;
    }
    if (n > 0)
        p->in_length += (size_t)n;

    struct frame f;
    long used;
    size_t done = 0;
    while ((used = frame_decode(&f, p->in + done, p->in_length - done)) > 0) {
        done += (size_t)used;
        frame_take(p, &f);
    }
    if (used < 0)
        fail(1, "rule: a stream is made of frames\nu%d got something else", p->index);
    p->in_length -= done;
    memmove(p->in, p->in + done, p->in_length);
}

static void person_write(struct person *p) {
    ssize_t n = write(p->fd, p->out, p->out_length);
    if (n > 0) {
        p->out_length -= (size_t)n;
        memmove(p->out, p->out + n, p->out_length);
    } else if (errno != EAGAIN && errno != EINTR) {
        person_hang_up(p);
    }
}

int person_has_more(const struct person *p) {
    if (crowd.kills == 0)
        return p->said < crowd.messages;
    return crowd.killed < crowd.kills && p->said < MESSAGES_MAX;
}

/* May the next message be said? It is a new one, or one that was said on a connection that is lost. */
static int person_may_say(const struct person *p) {
    return p->ready && p->said - p->partner->heard < crowd.window &&
           (p->promised[p->said] || person_has_more(p));
}

void person_talk(struct person *p) {
    char number[24];
    while (person_may_say(p)) {
        if (p->promised[p->said] <= 0)
            person_say(p, p->said);
        p->said++;
    }

    int late = crowd.kills && person_has_more(p) && rand() % 8;
    if (p->unacked > (late ? ACK_LATE : 0)) {
        snprintf(number, sizeof number, "%lld", p->last);
        struct message m = {.type = ACK, .field = {[NUMBER] = number}};
        person_send(p, &m);
        p->unacked = 0;
    }
    if (p->out_length > 0)
        person_write(p);
}
