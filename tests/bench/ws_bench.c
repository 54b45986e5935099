/* ws_bench.c - loads a WebSocket server that echoes, and says how much of it went well.
 *
 *     ws_bench -c 50 -b 64 -t 1000 127.0.0.1 9090     50 connections, a message of 64 bytes under way on each
 *     ws_bench -c 50 -s -t 1000 127.0.0.1 9090        open and close, as often as it can
 *     ws_bench -c 500 -i 127.0.0.1 9090 < a-pipe      500 silent connections, until the pipe's end
 *
 * The bytes of each answer are compared. Start reading at advance().
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX 1000
#define BYTES_MAX 1000000
#define SLACK     4096 /* bytes that an answer to a handshake may have */

static const char usage[] = "usage: ws_bench [-hsi] [-c CONNECTIONS] [-b BYTES] [-t MS] [-u PATH] HOST PORT\n"
                            "  -h              print this help\n"
                            "  -c CONNECTIONS  1 to 1000 (default 1)\n"
                            "  -b BYTES        in a message, up to 1000000 (default 64)\n"
                            "  -t MS           for how long (default 1000)\n"
                            "  -u PATH         where the server echoes (default /echo)\n"
                            "  -s              handshakes instead of messages\n"
                            "  -i              silence instead of messages, until the end of stdin\n"
                            "Exit: 0 all answers were right, 1 one was not, 2 bad usage.\n";

enum { SHAKE, OPEN }; /* what a connection waits for: its 101, or an echo */

struct conn {
    int fd, state;
    const unsigned char *out; /* what is to be sent */
    size_t left;              /* of it */
    size_t got;               /* bytes of the answer */
    unsigned char *in;
};

static struct conn conns[CONNS_MAX];
static struct addrinfo *server;
static int count = 1, shakes, idle;
static size_t bytes = 64;
static char request[512];
static unsigned char *frame, *answer; /* the message as it goes out, masked, and as it shall come back */
static size_t frame_size, answer_size;
static long done;

static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void fail(const char *what) {
    fprintf(stderr, "ws_bench: %s\n", what);
    exit(1);
}

/* Makes the message: printable bytes, so that it is a text. */
static void make_message(void) {
    static const unsigned char key[4] = {0x12, 0x34, 0x56, 0x78};
    size_t extra = bytes < 126 ? 0 : bytes < 65536 ? 2 : 8;
    frame = malloc(bytes + 14);
    answer = malloc(bytes + 14);
    if (frame == NULL || answer == NULL)
        fail("out of memory");
    frame[0] = answer[0] = 0x81;
    answer[1] = (unsigned char)(extra == 0 ? bytes : extra == 2 ? 126 : 127);
    frame[1] = answer[1] | 0x80;
    for (size_t i = 0; i < extra; i++)
        frame[2 + i] = answer[2 + i] = (unsigned char)(bytes >> 8 * (extra - 1 - i));
    memcpy(frame + 2 + extra, key, 4);
    for (size_t i = 0; i < bytes; i++) {
        answer[2 + extra + i] = (unsigned char)('a' + i % 26);
        frame[6 + extra + i] = answer[2 + extra + i] ^ key[i % 4];
    }
    frame_size = 6 + extra + bytes;
    answer_size = 2 + extra + bytes;
}

static void conn_open(struct conn *c) {
    c->fd = socket(server->ai_family, server->ai_socktype, server->ai_protocol);
    if (c->fd < 0 || connect(c->fd, server->ai_addr, server->ai_addrlen) < 0)
        fail(strerror(errno));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    c->state = SHAKE;
    c->out = (const unsigned char *)request;
    c->left = strlen(request);
    c->got = 0;
}

/* Sends what is left to be sent. */
static void flush(struct conn *c) {
    ssize_t n = write(c->fd, c->out, c->left);
    if (n < 0 && errno != EAGAIN)
        fail(strerror(errno));
    if (n > 0) {
        c->out += n;
        c->left -= (size_t)n;
    }
}

/* Takes what has come; when it is the whole answer, counts it, and goes on. A handshake ends with a reset, or the
 * ports of this machine would run out. */
static void advance(struct conn *c) {
    size_t room = c->state == SHAKE ? SLACK : answer_size;
    ssize_t n = read(c->fd, c->in + c->got, room - c->got);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        fail(n == 0 ? "the server has hung up" : strerror(errno));
    c->got += n > 0 ? (size_t)n : 0;
    if (c->state == SHAKE) {
        if (c->got < 4 || memcmp(c->in + c->got - 4, "\r\n\r\n", 4) != 0)
            return;
        if (memcmp(c->in, "HTTP/1.1 101 ", 13) != 0)
            fail("the server refuses the handshake");
        if (shakes) {
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
            close(c->fd);
            done++;
            conn_open(c);
            return;
        }
        c->state = OPEN;
        if (idle)
            return;
    } else {
        if (c->got < answer_size)
            return;
        if (memcmp(c->in, answer, answer_size) != 0)
            fail("an answer is wrong");
        done++;
    }
    c->got = 0;
    c->out = frame;
    c->left = frame_size;
    flush(c);
}

/* Runs until that time, or until all connections are open. */
static void run(long long until, int opening) {
    static struct pollfd polls[CONNS_MAX];
    int open = 0;
    while (opening ? open < count : now_ms() < until) {
        for (int i = 0; i < count; i++)
            polls[i] =
                (struct pollfd){conns[i].fd, (short)(conns[i].left > 0 ? POLLIN | POLLOUT : POLLIN), 0};
        if (poll(polls, (nfds_t)count, 5000) <= 0)
            fail("nothing comes any more");
        for (int i = 0; i < count; i++) {
            if (polls[i].revents & POLLOUT)
                flush(&conns[i]);
            if (polls[i].revents & (POLLIN | POLLHUP | POLLERR))
                advance(&conns[i]);
        }
        open = 0;
        for (int i = 0; opening && i < count; i++)
            open += conns[i].state == OPEN;
    }
}

static long number(const char *text, long max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < 1 || value > max) {
        fprintf(stderr, "ws_bench: '%s' is not a number from 1 to %ld\n%s", text, max, usage);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv) {
    const char *path = "/echo";
    int option, ms = 1000;
    while ((option = getopt(argc, argv, "hsic:b:t:u:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 's': shakes = 1; break;
        case 'i': idle = 1; break;
        case 'c': count = (int)number(optarg, CONNS_MAX); break;
        case 'b': bytes = (size_t)number(optarg, BYTES_MAX); break;
        case 't': ms = (int)number(optarg, 1000000); break;
        case 'u': path = optarg; break;
        default: return fputs(usage, stderr), 2;
        }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (optind + 2 != argc || getaddrinfo(argv[optind], argv[optind + 1], &hints, &server) != 0)
        return fputs(usage, stderr), 2;
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             path);
    signal(SIGPIPE, SIG_IGN);
    make_message();
    for (int i = 0; i < count; i++) {
        conns[i].in = malloc(SLACK + answer_size);
        if (conns[i].in == NULL)
            fail("out of memory");
        conn_open(&conns[i]);
    }
    if (!shakes)
        run(0, 1);
    if (idle) {
        puts("all are open");
        fflush(stdout);
        while (getchar() != EOF)
            continue;
        return 0;
    }
    long before = done;
    long long start = now_ms();
    run(start + ms, 0);
    double seconds = (double)(now_ms() - start) / 1000;
    double rate = (double)(done - before) / seconds;
    printf("%ld %s, %.0f a second, %.1f MB/s\n", done - before, shakes ? "handshakes" : "round trips", rate,
           rate * (double)bytes / 1e6);
    return 0;
}
