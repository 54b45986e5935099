/* im_crowd.c - pairs of people who write to each other through an im_server, both at once, as fast as they may. Each
 * message has to be answered and has to arrive, once, in order, whole, and with the number that was promised. With -k
 * the server is killed again and again meanwhile, and nothing of that may change.
 *
 *     terminal 1:  for i in 0 1 2 3; do echo u$i:secret; done >accounts; ./im_server -u accounts
 *     terminal 2:  ./im_crowd -c 2 127.0.0.1 5288
 *
 *     ./im_crowd -c 2 -k 200 127.0.0.1 5288 ./im_server -u accounts -d mail -p 5288     starts the server itself
 *
 * The people are called u0, u1, ... and their password is "secret". Start reading at main(); what one of them does, and
 * which rules are checked, is in im_person.c.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "../03-custom-protocol/wire.h"
#include "descriptors.h"
#include "im_person.h"

#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PEOPLE_MAX 1000
#define WINDOW_MAX 500 /* messages: below what an im_server lets wait for one receiver */
#define KILL_MS    60  /* the server is killed at most so long after its start, or its first message */
#define RETRY_MS   1   /* the wait for a server that is not there */
#define TURN_MS    10  /* the wait for anything to come */

const char program[] = "im_crowd";
const char usage[] =
    "usage: im_crowd [-h] [-f FORMAT] [-c PAIRS] [-n MESSAGES] [-w WINDOW] [-b BYTES] [-k KILLS] [-s SEED]\n"
    "                HOST PORT [SERVER [OPTION...]]\n"
    "  -h           print this help\n"
    "  -f FORMAT    text, json, xml, or mixed: each person another one (default mixed)\n"
    "  -c PAIRS     of people who write to each other (default 2)\n"
    "  -n MESSAGES  each writes so many (default 200; with -k: until the last kill)\n"
    "  -w WINDOW    of which at most so many have not arrived yet (default 16)\n"
    "  -b BYTES     in a message, 48 to 4096 (default 48)\n"
    "  -k KILLS     start SERVER, and kill and restart it so many times, at random moments\n"
    "  -s SEED      for the random moments (default: the time)\n"
    "  -i           when all is well, wait for the end of stdin before they leave\n"
    "Exit: 0 all is well, 1 a rule is broken, 2 bad usage, 77 too few descriptors.\n"
    "It gives up when nothing has come for $POKE_MS ms (default 5000).\n";

struct crowd crowd = {.messages = 200, .window = 16, .bytes = BYTES_MIN};
static enum message_format format; /* of all; 0: mixed */
static struct person people[PEOPLE_MAX];
static int people_count = 4;
static int patience;   /* ms: how long nothing may come */
static int stay;       /* -i */
static char **command; /* that starts the server, with -k */
static pid_t server_pid = -1;
static long long start_time; /* us: of the server */
static long long kill_time;  /* us: when it is to be killed; 0: that is not yet decided */

void fail(int status, const char *text, ...) {
    va_list arguments;
    va_start(arguments, text);
    printf("im_crowd: ");
    vprintf(text, arguments);
    printf("\n(after %zu messages and %d kills, seed %u)\n", crowd.deliveries, crowd.killed, crowd.seed);
    va_end(arguments);
    if (server_pid > 0)
        kill(server_pid, SIGKILL);
    exit(status);
}

/* Everybody connects, talks, waits a little, and reads. */
static void turn(void) {
    static struct pollfd polls[PEOPLE_MAX];
    int wait_ms = TURN_MS;
    for (int i = 0; i < people_count; i++) {
        struct person *p = &people[i];
        if (p->fd < 0)
            person_connect(p);
        if (p->fd >= 0)
            person_talk(p);
        if (p->fd < 0)
            wait_ms = RETRY_MS;
        polls[i].fd = p->fd;
        polls[i].events = p->out_length ? POLLIN | POLLOUT : POLLIN;
        polls[i].revents = 0;
    }
    poll(polls, (nfds_t)people_count, wait_ms);
    for (int i = 0; i < people_count; i++)
        if (polls[i].revents & ~POLLOUT && people[i].fd >= 0)
            person_read(&people[i]);
}

static long long kill_delay(void) { return rand() % (KILL_MS * 1000); }

/* It will be killed a random time after its start, or, more often, after the first message has come through. */
static void start_server(void) {
    server_pid = fork();
    if (server_pid == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    start_time = now_us();
    kill_time = rand() % 4 ? 0 : start_time + kill_delay();
}

/* With -k: kills the server if its time has come, and starts the next. */
static void server_care(void) {
    if (crowd.kills == 0 || crowd.killed == crowd.kills)
        return;
    if (waitpid(server_pid, NULL, WNOHANG) == server_pid)
        fail(1, "the server ended by itself");
    if (kill_time == 0 && crowd.latest > start_time)
        kill_time = now_us() + kill_delay();
    if (kill_time == 0 || now_us() < kill_time)
        return;

    kill(server_pid, SIGKILL);
    waitpid(server_pid, NULL, 0);
    crowd.killed++;
    crowd.latest = now_us();
    start_server();
}

/* Returns whether all is said, answered and heard. */
static int done(void) {
    if (crowd.kills && crowd.killed < crowd.kills)
        return 0;
    for (const struct person *p = people; p < people + people_count; p++)
        if (!p->ready || person_has_more(p) || p->answered < p->said || p->partner->heard < p->said ||
            p->promised[p->said] || p->unacked)
            return 0;
    return 1;
}

static void talk(void) {
    crowd.latest = now_us();
    while (!done()) {
        turn();
        server_care();
        if (now_us() - crowd.latest > patience * 1000LL)
            fail(1, "rule: every message is answered, and arrives\nnothing has come for %d ms", patience);
    }
}

static int count_missing(void) {
    int missing = 0;
    for (const struct person *p = people; p < people + people_count; p++)
        missing += !p->present;
    return missing;
}

/* When everybody has an answer to one more request, all that was under way before has come. */
static void roll_call(void) {
    struct message m = {.type = WHO, .field = {[ID] = "last"}};
    for (struct person *p = people; p < people + people_count; p++)
        person_send(p, &m);
    long long end = now_us() + patience * 1000LL;
    while (count_missing() > 0) {
        turn();
        if (now_us() > end)
            fail(1, "rule: every request is answered\n%d of %d got none", count_missing(), people_count);
    }
}

static int count_outside(void) {
    int outside = 0;
    for (const struct person *p = people; p < people + people_count; p++)
        outside += !p->ready;
    return outside;
}

static void log_in(void) {
    long long end = now_us() + patience * 1000LL;
    int limit = crowd.messages;
    crowd.messages = 0; /* nobody says anything yet */
    while (crowd.kills == 0 && count_outside() > 0) {
        turn();
        if (now_us() > end)
            fail(1, "rule: everybody with an account can log in\n%d of %d could not", count_outside(),
                 people_count);
    }
    crowd.messages = limit;
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void report(double seconds) {
    size_t n = crowd.deliveries;
    const float *ms = crowd.latencies;
    if (crowd.kills) {
        printf("%zu messages, each once and in order, %zu sent again, through %d kills\n", n, crowd.repeated,
               crowd.kills);
        return;
    }
    qsort(crowd.latencies, n, sizeof *crowd.latencies, compare);
    printf("%zu messages, each once and in order: %.0f a second\n", n, (double)n / seconds);
    printf("latency: p50 %.3f ms, p99 %.3f ms, max %.3f ms\n", ms[n / 2], ms[n * 99 / 100], ms[n - 1]);
}

static enum message_format parse_format(const char *name) {
    static const char *const names[] = {"mixed", "text", "json", "xml"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return (enum message_format)i;
    fprintf(stderr, "im_crowd: there is no format '%s'\n", name);
    exit(show_usage());
}

static void parse_options(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "hf:c:n:w:b:k:s:i")) != -1)
        switch (option) {
        case 'h': exit(show_help());
        case 'f': format = parse_format(optarg); break;
        case 'c': people_count = 2 * parse_number(optarg, 1, PEOPLE_MAX / 2); break;
        case 'n': crowd.messages = parse_number(optarg, 1, MESSAGES_MAX); break;
        case 'w': crowd.window = parse_number(optarg, 1, WINDOW_MAX); break;
        case 'b': crowd.bytes = parse_number(optarg, BYTES_MIN, BYTES_MAX); break;
        case 'k': crowd.kills = parse_number(optarg, 0, MESSAGES_MAX); break;
        case 's': crowd.seed = (unsigned)parse_number(optarg, 0, 2000000000); break;
        case 'i': stay = 1; break;
        default: exit(show_usage());
        }
    command = argv + optind + 2;
    if (argc - optind < 2 || (argc - optind > 2) != (crowd.kills > 0)) {
        fprintf(stderr, "im_crowd: it takes HOST PORT, and with -k the command of a server\n");
        exit(show_usage());
    }
}

static void prepare_people(void) {
    size_t own = crowd.kills ? MESSAGES_MAX : (size_t)crowd.messages; /* memory is given only as it is used */
    crowd.room = (size_t)crowd.messages * (size_t)people_count;
    crowd.latencies = calloc(crowd.room, sizeof *crowd.latencies);
    for (int i = 0; i < people_count; i++) {
        struct person *p = &people[i];
        p->index = i;
        p->fd = -1;
        p->partner = &people[i ^ 1];
        p->format = format ? format : (enum message_format)(1 + i % 3);
        p->promised = calloc(own + 1, sizeof *p->promised);
        p->number = calloc(own + 1, sizeof *p->number);
        if (crowd.latencies == NULL || p->promised == NULL || p->number == NULL)
            fail(1, "out of memory");
    }
}

int main(int argc, char **argv) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const char *ms = getenv("POKE_MS");
    crowd.seed = (unsigned)time(NULL);
    parse_options(argc, argv);
    patience = parse_number(ms ? ms : "5000", 1, 1000000);
    int error = getaddrinfo(argv[optind], argv[optind + 1], &hints, &crowd.server);
    if (error)
        fail(2, "cannot find %s: %s", argv[optind], gai_strerror(error));
    signal(SIGPIPE, SIG_IGN); /* a dead server must not kill us */
    allow_descriptors(PEOPLE_MAX + 16);
    srand(crowd.seed);
    prepare_people();
    if (crowd.kills)
        start_server();

    log_in();
    long long start = now_us();
    talk();
    long long end = crowd.latest;
    roll_call();
    report((double)(end - start) / 1e6);
    fflush(stdout);

    while (stay && getchar() != EOF)
        continue;
    if (server_pid > 0) {
        kill(server_pid, SIGTERM);
        waitpid(server_pid, NULL, 0);
    }
    freeaddrinfo(crowd.server);
    return 0;
}
