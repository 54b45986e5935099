/* crowd.c - fills a chat with people: some talk, all listen, and every line has to come to everyone else
 * exactly once, whole and in order. Then it says how fast that was.
 *
 *     terminal 1:  ./chat_server 2>server.log
 *     terminal 2:  cc -o crowd crowd.c && ./crowd -c 900 127.0.0.1 5228
 *                  ./crowd -c 900 -d 100 127.0.0.1 5228     a hundred never read: do the others notice?
 *                  ./crowd -s 4 -w 1 127.0.0.1 5228         one line at a time of each who talks
 *
 * Watch: with -w the deliveries a second grow, and so does the latency. It works with whatever passes on
 * lines, with or without something in front of them. Start reading at main(), then member_hear().
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 8192   /* who connect */
#define SENDERS_MAX 64     /* who talk at the same time */
#define LINES_MAX   100000 /* of one sender */
#define BYTES_MIN   64     /* of a line, so that its number and time fit */
#define BYTES_MAX   1024
#define LINE_SIZE   2048  /* bytes that come in a line: one of ours, and what the server puts in front */
#define CHUNK_SIZE  65536 /* bytes read at once */
#define DEAF_BUFFER 4096  /* bytes that the kernel keeps for one who never reads */
#define GREETING_MS 10    /* the wait for a greeting, which not all servers have */
#define GROUP       32    /* people who come at once */
#define CALL_MS     50    /* the time after which a call is repeated for those who came too late for it */

static const char usage[] =
    "usage: crowd [-h] [-c CLIENTS] [-d DEAF] [-s SENDERS] [-n LINES] [-w WINDOW] [-b BYTES] [-l] HOST PORT\n"
    "  -h          print this help\n"
    "  -c CLIENTS  so many connect (default 20)\n"
    "  -d DEAF     so many of them never read (default 0)\n"
    "  -s SENDERS  so many talk (default 1)\n"
    "  -n LINES    each says so many lines (default 200)\n"
    "  -w WINDOW   of which at most so many are under way (default 16)\n"
    "  -b BYTES    in a line, 64 to 1024 (default 64)\n"
    "  -l          those who never read have to be dropped: the others hear \"* NAME left\" of each\n"
    "Exit: 0 all is well, 1 a rule is broken, 2 bad usage, 77 too few descriptors.\n"
    "It gives up when nothing has come for $POKE_MS ms (default 5000).\n";

struct member {
    int fd;
    int calls;             /* a bit for each call (see call_roll) that it has heard */
    int left;              /* how many it has heard of that have left */
    int next[SENDERS_MAX]; /* the number of the line that has to come next from each sender */
    char line[LINE_SIZE];  /* the beginning of one that is still to be completed */
    size_t length;
};

struct sender {
    struct member *member;
    int said, heard;          /* how many lines it has said, and how many of those all others have heard */
    int hearers[LINES_MAX];   /* how many have heard each line */
    char text[BYTES_MAX + 1]; /* the line said last, as far as the kernel has not taken it */
    size_t length;
};

static int clients = 20, deaf, senders = 1, lines = 200, window = 16, bytes = BYTES_MIN, all_leave, patience;
static struct member members[CLIENTS_MAX]; /* first those who never read, then the senders, then the others */
static struct pollfd polls[CLIENTS_MAX];   /* in the same order */
static struct sender talkers[SENDERS_MAX];
static float *latencies;  /* ms, of each delivery */
static size_t deliveries; /* so far */
static long long latest;  /* ns: when the last of them came */

/* Nanoseconds, by a clock that nobody can set. */
static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Says which rule the server has broken, or what else is wrong, and ends the program. */
static void fail(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("crowd: ");
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    exit(status);
}

/* Checks a line that has come to a member: "@SENDER NUMBER TIME xxx..." is one of ours, "@call K" is a call (see
 * call_roll), and one without an @ is a notice of the server, perhaps "* NAME left". */
static void member_hear(struct member *m, const char *line) {
    const char *text = strchr(line, '@');
    char *end;
    size_t length = strlen(line);
    if (text == NULL && length > 5 && strcmp(line + length - 5, " left") == 0)
        m->left++;
    if (text && strncmp(text, "@call ", 6) == 0)
        m->calls |= 1 << strtol(text + 6, NULL, 10) % 8;
    if (text == NULL || text[1] == 'c')
        return;
    long who = strtol(text + 1, &end, 10), number = strtol(end, &end, 10);
    long long sent = strtoll(end, &end, 10);
    size_t rest = *end == ' ' ? 1 + strspn(end + 1, "x") : 0;
    if (who < 0 || who >= senders || end + rest != text + bytes || end[rest] != '\0')
        fail(1, "rule: lines come whole\nmember %d got: %s", (int)(m - members), line);
    if (m == talkers[who].member)
        fail(1, "rule: a line does not come back to its sender\nsender %ld got: %s", who, line);
    if (number != m->next[who])
        fail(1, "rule: lines come once and in order\nmember %d expected line %d of sender %ld, and got: %s",
             (int)(m - members), m->next[who], who, line);
    m->next[who]++;
    latest = now_ns();
    latencies[deliveries++] = (float)(latest - sent) / 1e6F;
    if (++talkers[who].hearers[number] == clients - deaf - 1)
        talkers[who].heard++;
}

/* Cuts what has come into lines. */
static void member_read(struct member *m) {
    static char chunk[CHUNK_SIZE];
    ssize_t n = read(m->fd, chunk, sizeof chunk);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        fail(1, "rule: who reads stays connected\nmember %d: %s", (int)(m - members),
             n == 0 ? "the end of the stream" : strerror(errno));
    for (ssize_t i = 0; i < n; i++) {
        if (m->length == LINE_SIZE)
            fail(1, "rule: lines come whole\nmember %d got one of %d bytes", (int)(m - members), LINE_SIZE);
        m->line[m->length++] = chunk[i];
        if (chunk[i] != '\n')
            continue;
        m->line[m->length - 1] = '\0';
        m->length = 0;
        member_hear(m, m->line);
    }
}

/* Offers the kernel what it has not taken yet of a sender's line. */
static void sender_write(struct sender *s) {
    ssize_t n = write(s->member->fd, s->text, s->length);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        fail(1, "a sender cannot write: %s", strerror(errno));
    if (n > 0)
        memmove(s->text, s->text + n, s->length -= (size_t)n);
}

/* Says lines, until so many are under way as may be. */
static void sender_talk(struct sender *s) {
    while (s->length == 0 && s->said < lines && s->said - s->heard < window) {
        int head = snprintf(s->text, sizeof s->text, "@%d %d %lld ", (int)(s - talkers), s->said, now_ns());
        memset(s->text + head, 'x', (size_t)(bytes - head));
        s->text[bytes] = '\n';
        s->length = (size_t)bytes + 1;
        s->said++;
        sender_write(s);
    }
}

/* Waits for so many ms at most, once, and reads and writes what can be. Returns how many were ready. */
static int turn(int ms) {
    for (int i = 0; i < senders; i++)
        polls[deaf + i].events = talkers[i].length > 0 ? POLLIN | POLLOUT : POLLIN;
    int ready = poll(polls + deaf, (nfds_t)(clients - deaf), ms);
    for (int i = deaf; ready > 0 && i < clients; i++) {
        if (polls[i].revents & ~POLLOUT)
            member_read(&members[i]);
        if (polls[i].revents & POLLOUT)
            sender_write(&talkers[i - deaf]);
    }
    return ready;
}

static void member_connect(struct member *m, const struct addrinfo *a) {
    m->fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (m->fd < 0 && (errno == EMFILE || errno == ENFILE))
        fail(77, "this machine allows too few descriptors (ulimit -Hn)");
    if (m - members < deaf) /* before connect(), which tells the server how much it may send */
        setsockopt(m->fd, SOL_SOCKET, SO_RCVBUF, &(int){DEAF_BUFFER}, sizeof(int));
    if (connect(m->fd, a->ai_addr, a->ai_addrlen) < 0)
        fail(1, "member %d cannot connect: %s", (int)(m - members), strerror(errno));
    fcntl(m->fd, F_SETFL, O_NONBLOCK);
    setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* every line goes out at once */
}

/* They come in groups, so that a short listen queue does; after each group the others read, or the news of who has
 * come would be too much for the server to keep. */
static void connect_all(const struct addrinfo *a) {
    for (int i = 0; i < clients; i++)
        polls[i].fd = -1;
    for (int i = 0; i < clients; i++) {
        member_connect(&members[i], a);
        polls[i] = (struct pollfd){.fd = members[i].fd, .events = POLLIN};
        if (i % GROUP < GROUP - 1 && i < clients - 1)
            continue;
        poll(&polls[i], 1, GREETING_MS);
        turn(0);
    }
}

/* One calls until all others have heard it. A server that has come so far has let everyone in, and everything
 * that was said before has arrived. */
static void call_roll(const struct member *caller, int call) {
    char text[32];
    int len = snprintf(text, sizeof text, "@call %d\n", call), missing = clients;
    for (long long end = now_ns() + patience * 1000000LL; missing > 0 && now_ns() < end;) {
        if (write(caller->fd, text, (size_t)len) != len)
            break; /* the server is gone, or takes nothing */
        for (long long again = now_ns() + CALL_MS * 1000000LL; missing > 0 && now_ns() < again;) {
            turn(CALL_MS);
            missing = 0;
            for (const struct member *m = members + deaf; m < members + clients; m++)
                missing += m != caller && !(m->calls >> call & 1);
        }
    }
    if (missing > 0)
        fail(1, "rule: a line comes to everyone else\n%d of %d did not hear \"@call %d\" for %d ms", missing,
             clients - deaf - 1, call, patience);
}

/* All senders talk, until all others have heard everything. */
static void talk(void) {
    for (int talking = senders; talking > 0;) {
        talking = 0;
        for (struct sender *s = talkers; s < talkers + senders; s++) {
            sender_talk(s);
            talking += s->heard < lines;
        }
        if (talking > 0 && turn(patience) == 0)
            fail(1, "rule: every line comes to everyone else\n%zu of %zu deliveries, then nothing for %d ms",
                 deliveries, (size_t)lines * (size_t)senders * (size_t)(clients - deaf - 1), patience);
    }
}

/* Waits until all others have heard that those who never read have left, and nobody else. */
static void deaf_leave(void) {
    int missing = 1;
    for (long long end = now_ns() + patience * 1000000LL; missing > 0 && now_ns() < end;) {
        missing = 0;
        for (const struct member *m = members + deaf; m < members + clients; m++)
            missing += m->left < deaf;
        if (missing > 0)
            turn(CALL_MS);
    }
    for (const struct member *m = members + deaf; m < members + clients; m++)
        if (m->left != deaf)
            fail(1,
                 "rule: a client for which 64 KiB pile up is dropped, and no other\n"
                 "%d never read; member %d heard of %d that they have left",
                 deaf, (int)(m - members), m->left);
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void report(double seconds) {
    const float *ms = latencies;
    size_t n = deliveries;
    qsort(latencies, n, sizeof *latencies, compare);
    printf("%zu deliveries, each line once and in order: %.0f a second\n", n, (double)n / seconds);
    printf("latency: p50 %.3f ms, p99 %.3f ms, max %.3f ms\n", ms[n / 2], ms[n * 99 / 100], ms[n - 1]);
}

/* Returns the number from min to max that an option's text stands for; anything else ends the program. */
static int parse_number(const char *text, int min, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value >= min && value <= max)
        return (int)value;
    fprintf(stderr, "crowd: '%s' is not a number from %d to %d\n%s", text, min, max, usage);
    exit(2);
}

static void parse_options(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "hc:d:s:n:w:b:l")) != -1)
        switch (option) {
        case 'h': exit(fputs(usage, stdout) < 0);
        case 'c': clients = parse_number(optarg, 2, CLIENTS_MAX); break;
        case 'd': deaf = parse_number(optarg, 0, CLIENTS_MAX); break;
        case 's': senders = parse_number(optarg, 1, SENDERS_MAX); break;
        case 'n': lines = parse_number(optarg, 1, LINES_MAX); break;
        case 'w': window = parse_number(optarg, 1, LINES_MAX); break;
        case 'b': bytes = parse_number(optarg, BYTES_MIN, BYTES_MAX); break;
        case 'l': all_leave = 1; break;
        default: fputs(usage, stderr), exit(2);
        }
    if (argc - optind != 2 || clients - deaf < 2 || clients - deaf < senders) {
        fprintf(stderr, "crowd: it takes HOST PORT, and CLIENTS enough to talk and to listen\n%s", usage);
        exit(2);
    }
}

int main(int argc, char **argv) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *server;
    const char *ms = getenv("POKE_MS");
    parse_options(argc, argv);
    patience = parse_number(ms ? ms : "5000", 1, 1000000);
    int error = getaddrinfo(argv[optind], argv[optind + 1], &hints, &server);
    if (error)
        fail(2, "cannot find %s: %s", argv[optind], gai_strerror(error));
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* a dead server must not kill us */
    allow_descriptors((rlim_t)clients + 16);
    latencies = calloc((size_t)lines * (size_t)senders * (size_t)clients, sizeof *latencies);
    if (latencies == NULL)
        fail(1, "out of memory");
    for (int i = 0; i < senders; i++)
        talkers[i].member = &members[deaf + i];
    connect_all(server);
    freeaddrinfo(server);
    call_roll(&members[deaf], 1);
    call_roll(&members[clients - 1], 2);
    long long start = latest = now_ns();
    talk();
    if (all_leave)
        deaf_leave();
    call_roll(&members[deaf], 3); /* behind all that was said: what comes twice has come by now */
    call_roll(&members[clients - 1], 4);
    report((double)(latest - start) / 1e9);
    free(latencies);
    return 0;
}
