/* im_crowd.c - pairs of people who write to each other through an im_server, both at once, as fast as they may. Each
 * message has to be answered and has to arrive, once, in order, whole, and with the number that was promised. With -k
 * the server is killed again and again meanwhile, and nothing of that may change.
 *
 *     terminal 1:  for i in 0 1 2 3; do echo u$i:secret; done >accounts; ./im_server -u accounts
 *     terminal 2:  ./im_crowd -c 2 127.0.0.1 5288
 *
 *     ./im_crowd -c 2 -k 200 127.0.0.1 5288 ./im_server -u accounts -d mail -p 5288     starts the server itself
 *
 * The people are called u0, u1, ... and their password is "secret". Start reading at main(), then person_take().
 */
#define _POSIX_C_SOURCE 200809L

#include "../03-custom-protocol/frame.h"
#include "../03-custom-protocol/message.h"

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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PEOPLE_MAX   1000
#define MESSAGES_MAX 1000000 /* of one person */
#define BYTES_MIN    48      /* of a body, so that its number and time fit */
#define BYTES_MAX    4096
#define WINDOW_MAX   500 /* below what an im_server lets wait for one receiver */
#define ACK_LATE     24  /* messages after which a receipt is due; an im_server has 32 under way */
#define KILL_MS      60  /* the server is killed so long after its start, or first message, at most */
#define RETRY_MS     1   /* the wait for a server that is not there */
#define OUT_SIZE     (1 << 20)

static const char usage[] =
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

struct person {
    int fd;      /* -1: not connected */
    int ready;   /* logged in */
    int present; /* the answer to its last request has come, so there is nothing else to come */
    enum message_format format;
    char in[2 * (FRAME_HEADER + FRAME_MAX)], out[OUT_SIZE];
    size_t in_length, out_length;
    struct person *partner;
    int said;       /* how many messages it has sent on this connection, or an earlier one */
    int answered;   /* so many of them, the first ones, are stored for sure */
    int heard;      /* how many of its partner's messages have come */
    int unacked;    /* how many of those it has given no receipt for */
    long long last; /* the number of the latest */
    long long *promised,
        *number; /* of its messages: what `ok` has said, and with which they have come; or 0 */
};

static enum message_format format; /* 0: mixed */
static int people_count = 4, messages = 200, window = 16, bytes = BYTES_MIN, kills, patience, stay;
static struct person people[PEOPLE_MAX];
static struct addrinfo *server;
static char **command; /* that starts the server, with -k */
static pid_t server_pid = -1;
static int killed; /* how many times */
static unsigned seed;
static float *latencies;                /* ms, of each message */
static size_t deliveries, repeated;     /* messages that have come; and come again, without need for it */
static long long latest;                /* ns: when something came last */
static long long start_time, kill_time; /* ns: of the server; 0: that is not yet decided */

/* Nanoseconds, by a clock that nobody can set. */
static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Says which rule the server has broken, or what else is wrong, and ends the program. */
static _Noreturn void fail(int status, const char *text, ...) {
    va_list arguments;
    va_start(arguments, text);
    printf("im_crowd: ");
    vprintf(text, arguments);
    printf("\n(after %zu messages and %d kills, seed %u)\n", deliveries, killed, seed);
    va_end(arguments);
    if (server_pid > 0)
        kill(server_pid, SIGKILL);
    exit(status);
}

static int index_of(const struct person *p) { return (int)(p - people); }

/* Queues a message. */
static void person_send(struct person *p, const struct message *m) {
    char *frame = p->out + p->out_length;
    if (OUT_SIZE - p->out_length < FRAME_HEADER + FRAME_MAX)
        fail(1, "rule: a server reads what it is sent\nu%d has 1 MiB to send", index_of(p));
    size_t len = message_encode(m, p->format, frame + FRAME_HEADER, FRAME_MAX);
    frame_header(frame, (enum frame_format)p->format, len);
    p->out_length += FRAME_HEADER + len;
}

/* Queues message i, the same each time but for the time in it when it is said again: so that stays, too. */
static void person_say(struct person *p, int i) {
    char id[32], to[16], body[BYTES_MAX + 1];
    snprintf(id, sizeof id, "%u-%d", seed, i);
    snprintf(to, sizeof to, "u%d", index_of(p->partner));
    if (p->promised[i] == 0)
        p->promised[i] = -now_ns(); /* until it has a number: the time at which it was said first */
    int head = snprintf(body, sizeof body, "%d %lld ", i, -p->promised[i]);
    memset(body + head, 'x', (size_t)(bytes - head));
    body[bytes] = '\0';
    person_send(p, &(struct message){MSG, {[ID] = id, [TO] = to, [BODY] = body}});
}

/* Everything that has no answer is said again, when the connection was lost. */
static void person_hang_up(struct person *p) {
    if (kills == 0)
        fail(1, "rule: who reads stays connected\nu%d got the end of the stream", index_of(p));
    close(p->fd);
    p->fd = -1;
    p->ready = p->unacked = 0;
    p->in_length = p->out_length = 0;
    p->said = p->answered;
}

static void person_connect(struct person *p) {
    char name[16];
    p->fd = socket(server->ai_family, server->ai_socktype, server->ai_protocol);
    if (p->fd < 0)
        fail(77, "this machine allows too few descriptors (ulimit -Hn)");
    if (connect(p->fd, server->ai_addr, server->ai_addrlen) < 0) {
        if (kills == 0)
            fail(1, "u%d cannot connect: %s", index_of(p), strerror(errno));
        close(p->fd);
        p->fd = -1;
        return;
    }
    fcntl(p->fd, F_SETFL, O_NONBLOCK);
    fcntl(p->fd, F_SETFD, FD_CLOEXEC);
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    snprintf(name, sizeof name, "u%d", index_of(p));
    person_send(p, &(struct message){LOGIN, {[ID] = "login", [NAME] = name, [PASSWORD] = "secret"}});
}

/* One number for one message, in the answer and on the arrival. */
static void check_numbers(const struct person *p, int i) {
    if (p->promised[i] > 0 && p->number[i] > 0 && p->promised[i] != p->number[i])
        fail(1, "rule: a message arrives with the number that was promised\nmessage %d of u%d: %lld and %lld",
             i, index_of(p), p->promised[i], p->number[i]);
}

/* Takes `ok`: of the login, of the last request, or of message i, "SEED-i". */
static void person_answered(struct person *p, const struct message *m) {
    const char *id = m->field[ID] ? m->field[ID] : "";
    if (strcmp(id, "login") == 0)
        p->ready = 1;
    if (strcmp(id, "last") == 0)
        p->present = 1;
    if (!strchr(id, '-'))
        return;
    long i = strtol(strchr(id, '-') + 1, NULL, 10);
    if (i < 0 || i >= p->said || message_number(m, NUMBER) <= 0)
        fail(1, "rule: ok has the id of the request, and a number\nu%d got id %s", index_of(p), id);
    p->promised[i] = message_number(m, NUMBER);
    check_numbers(p, (int)i);
    while (p->answered < p->said && p->promised[p->answered] > 0)
        p->answered++;
}

/* Takes a message of the partner. With a number that is not new it came before, and the receipt was lost. */
static void person_heard(struct person *p, const struct message *m) {
    char *end, *body = (char *)(m->field[BODY] ? m->field[BODY] : "");
    long long number = message_number(m, NUMBER);
    long i = strtol(body, &end, 10);
    long long sent = strtoll(end, &end, 10);
    size_t rest = *end == ' ' ? 1 + strspn(end + 1, "x") : 0;
    if (end + rest != body + bytes || *(end + rest))
        fail(1, "rule: messages come whole\nu%d got: %.100s", index_of(p), body);
    p->unacked++;
    if (number <= p->last) {
        repeated++;
        if (i >= p->heard || p->partner->number[i] != number)
            fail(1, "rule: what comes again has its old number\nu%d got message %ld with number %lld",
                 index_of(p), i, number);
        return;
    }
    if (i != p->heard)
        fail(1, "rule: messages come once and in order\nu%d expected message %d and got %ld, number %lld",
             index_of(p), p->heard, i, number);
    p->last = p->partner->number[i] = number;
    check_numbers(p->partner, (int)i);
    p->heard++;
    latest = now_ns();
    if (deliveries < (size_t)messages * (size_t)people_count)
        latencies[deliveries] = (float)(latest - sent) / 1e6F;
    deliveries++;
}

static void person_take(struct person *p, const struct message *m) {
    static char text[1024];
    message_show(m, text, sizeof text);
    switch (m->type) {
    case OK: person_answered(p, m); break;
    case MSG: person_heard(p, m); break;
    case PRESENCE: break;
    default: fail(1, "rule: who does nothing wrong gets no error\nu%d got: %s", index_of(p), text);
    }
}

static void person_read(struct person *p) {
    static char text[FRAME_MAX + 1];
    struct frame f;
    struct message m;
    long used;
    size_t at = 0, done = 0;
    ssize_t n = read(p->fd, p->in + p->in_length, sizeof p->in - p->in_length);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        person_hang_up(p);
        return;
    }
    p->in_length += n > 0 ? (size_t)n : 0;
    while ((used = frame_decode(&f, p->in + done, p->in_length - done)) > 0) {
        done += (size_t)used;
        if (message_decode(&m, (enum message_format)f.format, f.payload, f.length, text, &at) != NULL)
            fail(1, "rule: what comes is well formed\nu%d got: %.*s", index_of(p), (int)f.length, f.payload);
        if ((enum message_format)f.format != p->format)
            fail(1, "rule: everybody is answered in his own format\nu%d got %d", index_of(p), (int)f.format);
        person_take(p, &m);
    }
    if (used < 0)
        fail(1, "rule: a stream is made of frames\nu%d got something else", index_of(p));
    memmove(p->in, p->in + done, p->in_length -= done);
}

static void person_write(struct person *p) {
    ssize_t n = write(p->fd, p->out, p->out_length);
    if (n > 0)
        memmove(p->out, p->out + n, p->out_length -= (size_t)n);
    else if (errno != EAGAIN && errno != EINTR)
        person_hang_up(p);
}

/* Returns whether a person has more to say: so many messages, or, with -k, as long as the server is being killed. */
static int more(const struct person *p) {
    return p->said < (kills ? (killed < kills ? MESSAGES_MAX : 0) : messages);
}

/* Says what may be said, and gives receipts; with -k not for all, so that something comes again. */
static void person_talk(struct person *p) {
    char number[24];
    for (; p->ready && p->said - p->partner->heard < window && (p->promised[p->said] || more(p)); p->said++)
        if (p->promised[p->said] <= 0)
            person_say(p, p->said);
    if (p->unacked > (kills && more(p) && rand() % 8 ? ACK_LATE : 0)) {
        snprintf(number, sizeof number, "%lld", p->last);
        person_send(p, &(struct message){ACK, {[NUMBER] = number}});
        p->unacked = 0;
    }
    if (p->out_length > 0)
        person_write(p);
}

/* Everybody connects, talks, waits for so many ms at most, and reads. */
static void turn(int ms) {
    static struct pollfd polls[PEOPLE_MAX];
    for (int i = 0; i < people_count; i++) {
        struct person *p = &people[i];
        if (p->fd < 0)
            person_connect(p);
        if (p->fd >= 0)
            person_talk(p);
        ms = p->fd < 0 ? RETRY_MS : ms;
        polls[i] = (struct pollfd){.fd = p->fd, .events = (short)(p->out_length ? POLLIN | POLLOUT : POLLIN)};
    }
    poll(polls, (nfds_t)people_count, ms);
    for (int i = 0; i < people_count; i++)
        if (polls[i].revents & ~POLLOUT && people[i].fd >= 0)
            person_read(&people[i]);
}

static long long kill_delay(void) { return rand() % (KILL_MS * 1000) * 1000LL; }

/* It will be killed a random time after its start, or, more often, after the first message has come through. */
static void start_server(void) {
    if ((server_pid = fork()) == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    start_time = now_ns();
    kill_time = rand() % 4 ? 0 : start_time + kill_delay();
}

/* With -k: kills the server if its time has come, and starts the next. */
static void server_care(void) {
    if (kills == 0 || killed == kills)
        return;
    if (waitpid(server_pid, NULL, WNOHANG) == server_pid)
        fail(1, "the server ended by itself");
    if (kill_time == 0 && latest > start_time)
        kill_time = now_ns() + kill_delay();
    if (kill_time == 0 || now_ns() < kill_time)
        return;
    kill(server_pid, SIGKILL);
    waitpid(server_pid, NULL, 0);
    killed++;
    latest = now_ns();
    start_server();
}

/* Returns whether all is said, answered and heard. */
static int done(void) {
    if (kills && killed < kills)
        return 0;
    for (const struct person *p = people; p < people + people_count; p++)
        if (!p->ready || more(p) || p->answered < p->said || p->partner->heard < p->said ||
            p->promised[p->said] || p->unacked)
            return 0;
    return 1;
}

static void talk(void) {
    latest = now_ns();
    while (!done()) {
        turn(10);
        server_care();
        if (now_ns() - latest > patience * 1000000LL)
            fail(1, "rule: every message is answered, and arrives\nnothing has come for %d ms", patience);
    }
}

/* When everybody has an answer to one more request, all that was under way before has come. */
static void roll_call(void) {
    for (struct person *p = people; p < people + people_count; p++)
        person_send(p, &(struct message){WHO, {[ID] = "last"}});
    long long end = now_ns() + patience * 1000000LL;
    for (int missing = 1; missing > 0;) {
        turn(10);
        missing = 0;
        for (const struct person *p = people; p < people + people_count; p++)
            missing += !p->present;
        if (now_ns() > end)
            fail(1, "rule: every request is answered\n%d of %d got none", missing, people_count);
    }
}

static void log_in(void) {
    long long end = now_ns() + patience * 1000000LL;
    int limit = messages;
    messages = 0; /* nobody says anything yet */
    for (int missing = people_count; missing > 0 && kills == 0;) {
        turn(10);
        missing = 0;
        for (const struct person *p = people; p < people + people_count; p++)
            missing += !p->ready;
        if (now_ns() > end)
            fail(1, "rule: who has an account can log in\n%d of %d could not", missing, people_count);
    }
    messages = limit;
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void report(double seconds) {
    size_t n = deliveries;
    const float *ms = latencies;
    if (kills) {
        printf("%zu messages, each once and in order, %zu sent again, through %d kills\n", n, repeated,
               kills);
        return;
    }
    qsort(latencies, n, sizeof *latencies, compare);
    printf("%zu messages, each once and in order: %.0f a second\n", n, (double)n / seconds);
    printf("latency: p50 %.3f ms, p99 %.3f ms, max %.3f ms\n", ms[n / 2], ms[n * 99 / 100], ms[n - 1]);
}

/* Returns the number from min to max that an option's text stands for; anything else ends the program. */
static int parse_number(const char *text, int min, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value >= min && value <= max)
        return (int)value;
    fprintf(stderr, "im_crowd: '%s' is not a number from %d to %d\n%s", text, min, max, usage);
    exit(2);
}

static enum message_format parse_format(const char *name) {
    static const char *const names[] = {"mixed", "text", "json", "xml"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return (enum message_format)i;
    fprintf(stderr, "im_crowd: there is no format '%s'\n%s", name, usage);
    exit(2);
}

static void parse_options(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "hf:c:n:w:b:k:s:i")) != -1)
        switch (option) {
        case 'h': exit(fputs(usage, stdout) < 0);
        case 'f': format = parse_format(optarg); break;
        case 'c': people_count = 2 * parse_number(optarg, 1, PEOPLE_MAX / 2); break;
        case 'n': messages = parse_number(optarg, 1, MESSAGES_MAX); break;
        case 'w': window = parse_number(optarg, 1, WINDOW_MAX); break;
        case 'b': bytes = parse_number(optarg, BYTES_MIN, BYTES_MAX); break;
        case 'k': kills = parse_number(optarg, 0, MESSAGES_MAX); break;
        case 's': seed = (unsigned)parse_number(optarg, 0, 2000000000); break;
        case 'i': stay = 1; break;
        default: fputs(usage, stderr), exit(2);
        }
    command = argv + optind + 2;
    if (argc - optind < 2 || (argc - optind > 2) != (kills > 0)) {
        fprintf(stderr, "im_crowd: it takes HOST PORT, and with -k the command of a server\n%s", usage);
        exit(2);
    }
}

static void prepare_people(void) {
    size_t size =
        kills ? MESSAGES_MAX + 1 : (size_t)messages + 1; /* the system gives memory only as it is used */
    latencies = calloc((size_t)messages * (size_t)people_count, sizeof *latencies);
    for (int i = 0; i < people_count; i++) {
        struct person *p = &people[i];
        p->fd = -1;
        p->partner = &people[i ^ 1];
        p->format = format ? format : (enum message_format)(1 + i % 3);
        p->promised = calloc(size, sizeof *p->promised);
        p->number = calloc(size, sizeof *p->number);
        if (latencies == NULL || p->promised == NULL || p->number == NULL)
            fail(1, "out of memory");
    }
}

int main(int argc, char **argv) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const char *ms = getenv("POKE_MS");
    struct rlimit files;
    seed = (unsigned)time(NULL);
    parse_options(argc, argv);
    patience = parse_number(ms ? ms : "5000", 1, 1000000);
    int error = getaddrinfo(argv[optind], argv[optind + 1], &hints, &server);
    if (error)
        fail(2, "cannot find %s: %s", argv[optind], gai_strerror(error));
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* a dead server must not kill us */
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    srand(seed);
    prepare_people();
    if (kills)
        start_server();
    log_in();
    long long start = now_ns();
    talk();
    long long end = latest;
    roll_call();
    report((double)(end - start) / 1e9);
    fflush(stdout);
    while (stay && getchar() != EOF)
        continue;
    if (server_pid > 0) {
        kill(server_pid, SIGTERM);
        waitpid(server_pid, NULL, 0);
    }
    freeaddrinfo(server);
    return 0;
}
