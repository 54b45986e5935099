/* mqtt_load.c - publishers and subscribers for a broker of MQTT 3.1.1, in one process; counts what arrives.
 *
 *     cc -O2 -o mqtt_load mqtt_load.c
 *     ./mqtt_load [-P PUBLISHERS] [-S SUBSCRIBERS] [-q QOS] [-b BYTES] [-t MS] HOST PORT    messages a second
 *     ./mqtt_load -i CLIENTS HOST PORT      connects so many with keep-alive 0, says "ready", and holds them until a signal
 *
 * For so long each publisher sends to the topic "bench"; each subscriber gets all of it. No publisher is more than WINDOW
 * messages ahead of what the slowest subscriber has got, so no broker has a reason to drop any. Ends with exit code 1 if
 * the broker hangs up, or nothing arrives any more.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN     65536
#define WINDOW 100  /* messages ahead, of all publishers together: below the queues of the brokers */
#define ACKS   20   /* QoS 1 and 2: messages of a publisher that are not acknowledged */
#define MOST   2000 /* clients */

struct conn {
    int fd;
    int subscriber;
    int sent, done; /* messages of a publisher: sent, and acknowledged (QoS 0: sent) */
    long got;       /* messages of a subscriber */
    size_t in, out; /* bytes in the buffers */
    unsigned char *inbuf, *outbuf;
    size_t out_room;
};

static struct conn conns[MOST];
static int count, publishers = 1, subscribers = 1, qos, idle;
static size_t payload = 64;
static double limit = 1; /* s */

static void die(const char *what) {
    fprintf(stderr, "mqtt_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put(struct conn *c, const void *data, size_t len) {
    if (c->out + len > c->out_room) {
        c->out_room = 2 * (c->out + len);
        c->outbuf = realloc(c->outbuf, c->out_room);
    }
    memcpy(c->outbuf + c->out, data, len);
    c->out += len;
}

static void put_ack(struct conn *c, int head, int high, int low) {
    unsigned char packet[] = {(unsigned char)head, 2, (unsigned char)high, (unsigned char)low};
    put(c, packet, 4);
}

static void flush_out(struct conn *c) {
    while (c->out > 0) {
        ssize_t n = write(c->fd, c->outbuf, c->out);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            die("write");
        c->out -= (size_t)n;
        memmove(c->outbuf, c->outbuf + n, c->out);
    }
}

static void put_publish(struct conn *c) {
    unsigned char packet[16] = {(unsigned char)(0x30 | qos << 1)};
    static unsigned char bytes[1 << 20];
    size_t rest = 7 + (qos ? 2 : 0) + payload, at = 1;
    do {
        packet[at++] = (unsigned char)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        rest >>= 7;
    } while (rest);
    memcpy(packet + at, "\0\5bench", 7);
    at += 7;
    c->sent++;
    if (qos) {
        int id = c->sent % 65535 + 1;
        packet[at++] = (unsigned char)(id >> 8);
        packet[at++] = (unsigned char)id;
    }
    put(c, packet, at);
    put(c, bytes, payload);
}

/* Does what a packet asks for. */
static void packet(struct conn *c, const unsigned char *p, size_t head, size_t len) {
    int got_qos = p[0] >> 1 & 3;
    switch (p[0] >> 4) {
    case 3:
        if (got_qos) {
            size_t id = head + 2 + (size_t)p[head] * 256 + p[head + 1];
            put_ack(c, got_qos == 1 ? 0x40 : 0x50, p[id], p[id + 1]);
        }
        c->got++;
        break;
    case 4:
    case 7: c->done++; break;
    case 5: put_ack(c, 0x62, p[head], p[head + 1]); break;
    case 6: put_ack(c, 0x70, p[head], p[head + 1]); break;
    default: break;
    }
    (void)len;
}

static int read_in(struct conn *c) {
    ssize_t n = read(c->fd, c->inbuf + c->in, IN - c->in);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0) {
        fprintf(stderr, "mqtt_load: the broker has hung up\n");
        exit(1);
    }
    c->in += (size_t)n;
    size_t used = 0;
    for (;;) {
        size_t len = 0, at = used + 1;
        int shift = 0;
        for (; at < c->in && c->inbuf[at] & 0x80; at++, shift += 7)
            len |= (size_t)(c->inbuf[at] & 0x7f) << shift;
        if (at >= c->in)
            break;
        len |= (size_t)c->inbuf[at++] << shift;
        if (at + len > c->in)
            break;
        packet(c, c->inbuf + used, at - used, len);
        used = at + len;
    }
    c->in -= used;
    memmove(c->inbuf, c->inbuf + used, c->in);
    return 1;
}

/* Connects one, and waits for its CONNACK and SUBACK. */
static void open_conn(struct sockaddr_in *a, int subscriber) {
    struct conn *c = &conns[count];
    int on = 1;
    char id[24];
    unsigned char head[] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 0}, answer[9];
    int length = snprintf(id, sizeof id, "load%d-%d", (int)getpid() % 10000, count);
    count++;
    c->subscriber = subscriber;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)a, sizeof *a) < 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    head[1] = (unsigned char)(12 + length);
    head[13] = (unsigned char)length;
    put(c, head, sizeof head);
    put(c, id, (size_t)length);
    if (subscriber) {
        unsigned char subscribe[] = {0x82, 10, 0, 1, 0, 5, 'b', 'e', 'n', 'c', 'h', (unsigned char)qos};
        put(c, subscribe, sizeof subscribe);
    }
    flush_out(c);
    size_t want = subscriber ? 9 : 4, got = 0;
    while (got < want) {
        ssize_t n = read(c->fd, answer + got, want - got);
        if (n <= 0)
            die("no answer");
        got += (size_t)n;
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (!idle)
        c->inbuf = malloc(IN);
}

static void run(void) {
    static struct pollfd events[MOST];
    long least = 0, sent = 0;
    double begin = seconds(), last = begin, now = begin;
    while (now < begin + limit) {
        for (int i = 0; i < count; i++) {
            struct conn *c = &conns[i];
            while (!c->subscriber && sent - least < WINDOW &&
                   (qos == 0 ? c->out < 65536 : c->sent - c->done < ACKS)) {
                put_publish(c);
                sent++;
            }
            flush_out(c);
            events[i] = (struct pollfd){.fd = c->fd, .events = (short)(POLLIN | (c->out ? POLLOUT : 0))};
        }
        if (poll(events, (nfds_t)count, 1000) < 0)
            die("poll");
        least = sent;
        now = seconds();
        for (int i = 0; i < count; i++) {
            struct conn *c = &conns[i];
            if (events[i].revents && read_in(c))
                last = now;
            if (c->subscriber && c->got < least)
                least = c->got;
        }
    }
    if (now - last > limit / 2) {
        fprintf(stderr, "mqtt_load: nothing comes any more: %ld of %ld\n", least, sent);
        exit(1);
    }
    printf("%.0f\n", (double)least * subscribers / (now - begin));
}

int main(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "P:S:q:b:t:i:")) != -1)
        switch (option) {
        case 'P': publishers = atoi(optarg); break;
        case 'S': subscribers = atoi(optarg); break;
        case 'q': qos = atoi(optarg); break;
        case 'b': payload = (size_t)atoi(optarg); break;
        case 't': limit = atoi(optarg) / 1000.0; break;
        case 'i': idle = atoi(optarg); break;
        default: return 2;
        }
    if (argc - optind != 2 || publishers + subscribers > MOST || idle > MOST || payload > 1 << 20)
        return 2;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[optind + 1]))};
    inet_pton(AF_INET, argv[optind], &a.sin_addr);
    if (idle) {
        for (int i = 0; i < idle; i++)
            open_conn(&a, 0);
        puts("ready");
        fflush(stdout);
        pause();
    }
    for (int i = 0; i < subscribers; i++)
        open_conn(&a, 1);
    for (int i = 0; i < publishers; i++)
        open_conn(&a, 0);
    run();
    return 0;
}
