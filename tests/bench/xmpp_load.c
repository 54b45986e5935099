/* xmpp_load.c - clients for an XMPP server, in one process: they log in with PLAIN, and write to each other in pairs.
 *
 *     cc -O2 -o xmpp_load xmpp_load.c
 *     ./xmpp_load [-P PAIRS] [-b BYTES] [-t MS] HOST PORT    messages a second that arrive
 *     ./xmpp_load -l CLIENTS [-t MS] HOST PORT               logins a second, each of a new connection; so many at a time
 *     ./xmpp_load -i CLIENTS HOST PORT       logs so many in, says "ready", and holds them until a signal
 *
 * The accounts are u0, u1 and so on at localhost, with the password 123456. A login is done when the client has a resource
 * and has said that it is there. No client is more than WINDOW messages ahead of what its partner has got. Ends with exit
 * code 1 if the server hangs up, or nothing arrives any more.
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

#define IN       65536
#define WINDOW   100  /* messages on their way from one to the other */
#define MOST     2000 /* clients */
#define ACCOUNTS 900

#define HEAD                                                                                                 \
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "                \
    "xmlns:stream='http://etherx.jabber.org/streams'>"

struct conn {
    int fd, account;
    int step;       /* of the login */
    long sent, got; /* messages */
    size_t in, out; /* bytes in the buffers */
    size_t match;   /* bytes of "</message>" that the last bytes are */
    char *inbuf, *outbuf;
    size_t out_room;
};

static struct conn conns[MOST];
static int count;
static int patience = 5000; /* ms: so long something may not arrive; -1: for ever */
static size_t payload = 64;
static double limit = 1; /* s */
static struct sockaddr_in address;

static void die(const char *what) {
    fprintf(stderr, "xmpp_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put(struct conn *c, const char *text) {
    size_t len = strlen(text);
    if (c->out + len > c->out_room) {
        c->out_room = 2 * (c->out + len);
        c->outbuf = realloc(c->outbuf, c->out_room);
    }
    memcpy(c->outbuf + c->out, text, len);
    c->out += len;
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

/* What a client waits for in each step of its login, and what it says then. */
static const char *const awaited[] = {"</stream:features>", "<success", "</stream:features>", "<jid>"};
#define STEPS 4

static void put_step(struct conn *c) {
    char message[64], base64[128], text[256];
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    switch (c->step) {
    case 1: {
        int len = snprintf(message, sizeof message, "%cu%d%c123456", 0, c->account, 0), at = 0;
        for (int i = 0; i < len; i += 3) {
            unsigned bits = 0;
            for (int k = 0; k < 3; k++)
                bits = bits << 8 | (i + k < len ? (unsigned char)message[i + k] : 0u);
            for (int k = 0; k < 4; k++)
                base64[at++] = k <= len - i ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
        }
        base64[at] = '\0';
        snprintf(text, sizeof text,
                 "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>", base64);
        put(c, text);
        break;
    }
    case 2: put(c, HEAD); break;
    case 3:
        put(c, "<iq type='set' id='1'><bind "
               "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>");
        break;
    default: put(c, "<presence/>");
    }
}

static void begin(struct conn *c, int account) {
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->account = account;
    c->step = 0;
    c->in = c->out = c->match = 0;
    c->sent = c->got = 0;
    if (c->inbuf == NULL)
        c->inbuf = malloc(IN + 1);
    put(c, HEAD);
    flush_out(c);
}

/* Goes on with a login, as far as its answers have come. */
static void go_on(struct conn *c) {
    char *found;
    c->inbuf[c->in] = '\0';
    while (c->step < STEPS && (found = strstr(c->inbuf, awaited[c->step])) != NULL) {
        size_t used = (size_t)(found - c->inbuf) + strlen(awaited[c->step]);
        c->in -= used;
        memmove(c->inbuf, c->inbuf + used, c->in + 1);
        c->step++;
        put_step(c);
    }
    flush_out(c);
    if (c->step == STEPS)
        c->in = 0;
}

/* Counts the messages that have come. */
static void count_messages(struct conn *c) {
    static const char end[] = "</message>";
    for (size_t i = 0; i < c->in; i++) {
        c->match = c->inbuf[i] == end[c->match] ? c->match + 1 : c->inbuf[i] == '<';
        if (c->match == sizeof end - 1) {
            c->got++;
            c->match = 0;
        }
    }
    c->in = 0;
}

/* Reads what has come. Returns 0, or -1: the server has hung up. */
static int take(struct conn *c) {
    ssize_t n = read(c->fd, c->inbuf + c->in, IN - c->in);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        return -1;
    c->in += (size_t)n;
    if (c->step < STEPS)
        go_on(c);
    else
        count_messages(c);
    return 0;
}

/* Waits for something to happen, and reads. */
static void wait_and_take(void) {
    static struct pollfd polls[MOST];
    for (int i = 0; i < count; i++)
        polls[i] = (struct pollfd){conns[i].fd, (short)(POLLIN | (conns[i].out > 0 ? POLLOUT : 0)), 0};
    int n = poll(polls, (nfds_t)count, patience);
    errno = ETIMEDOUT;
    if (n <= 0)
        die("nothing arrives");
    for (int i = 0; i < count; i++) {
        if (polls[i].revents & POLLOUT)
            flush_out(&conns[i]);
        if (polls[i].revents & (POLLIN | POLLHUP | POLLERR) && take(&conns[i]) < 0)
            die("the server hangs up");
    }
}

static void log_in_all(int clients) {
    for (count = 0; count < clients; count++) {
        begin(&conns[count], count % ACCOUNTS);
        if (count % 20 == 19)
            while (conns[count].step < STEPS) {
                count++;
                wait_and_take();
                count--;
            }
    }
    for (int i = 0; i < count; i++)
        while (conns[i].step < STEPS)
            wait_and_take();
}

static void measure_logins(int clients) {
    long done = 0;
    double start = seconds(), now = start;
    for (count = 0; count < clients; count++)
        begin(&conns[count], count);
    while (now - start < limit) {
        wait_and_take();
        for (int i = 0; i < count; i++)
            if (conns[i].step == STEPS) {
                done++;
                close(conns[i].fd);
                begin(&conns[i], i);
            }
        now = seconds();
    }
    printf("%.0f\n", (double)done / (now - start));
}

static void measure_messages(int pairs) {
    char *body = malloc(payload + 1), *text = malloc(payload + 256);
    memset(body, 'x', payload);
    body[payload] = '\0';
    log_in_all(2 * pairs);
    double start = seconds(), now = start;
    while (now - start < limit) {
        for (int i = 0; i < pairs; i++) {
            struct conn *a = &conns[2 * i], *b = a + 1;
            sprintf(text, "<message to='u%d@localhost/r' type='chat'><body>%s</body></message>", b->account,
                    body);
            while (a->sent - b->got < WINDOW && a->out < IN) {
                put(a, text);
                a->sent++;
            }
            flush_out(a);
        }
        wait_and_take();
        now = seconds();
    }
    long got = 0;
    for (int i = 0; i < pairs; i++)
        got += conns[2 * i + 1].got;
    printf("%.0f\n", (double)got / (now - start));
}

int main(int argc, char **argv) {
    int option, pairs = 1, logins = 0, idle = 0;
    while ((option = getopt(argc, argv, "P:b:t:l:i:")) != -1)
        switch (option) {
        case 'P': pairs = atoi(optarg); break;
        case 'b': payload = (size_t)atoi(optarg); break;
        case 't': limit = atoi(optarg) / 1000.0; break;
        case 'l': logins = atoi(optarg); break;
        case 'i': idle = atoi(optarg); break;
        default: return 2;
        }
    if (argc - optind != 2 || 2 * pairs > MOST || logins > MOST || idle > MOST)
        return 2;
    address = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_port = htons((unsigned short)atoi(argv[optind + 1]))};
    inet_pton(AF_INET, argv[optind], &address.sin_addr);
    if (idle > 0) {
        log_in_all(idle);
        puts("ready");
        fflush(stdout);
        patience = -1;
        for (;;)
            wait_and_take();
    }
    if (logins > 0)
        measure_logins(logins);
    else
        measure_messages(pairs);
    return 0;
}
