/* flaky_proxy.c - a bad network in a box: stands between clients and a server, and fails when told to.
 *
 *     cc -o flaky_proxy flaky_proxy.c pair.c attempt.c flow.c reader.c lines.c text.c listen.c connect.c signals.c \
 *        wire.c
 *
 *     terminal 1:  ../01-echo/echo_server                       any TCP server will do
 *     terminal 2:  ./flaky_proxy -v 127.0.0.1 3200
 *     terminal 3:  telnet 127.0.0.1 5205                        as if this were the server
 *     terminal 2:  chop 1, delay 500, stall, resume, half, cut: type one, then something in terminal 3
 *
 * Watch what each program makes of it. TCP promises that bytes come in order, not when, not in what pieces, and not
 * that anybody is still there. Left out: lost packets; TCP sends them again, and we see only a delay.
 * Looking up the name of the server waits for a name server, and all connections with it.
 *     pair_turn -> pair_pass -> flow_read -> flow_add ... flow_due ... flow_write
 *     read_commands -> obey -> obey_word, obey_number
 *
 * It has a loop of its own. That of lesson 01 hangs up on a client that has sent its FIN and is owed nothing; here the
 * server may have an answer to that yet, so one direction has to outlive the other.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connect.h"
#include "flow.h"
#include "listen.h"
#include "pair.h"
#include "reader.h"
#include "signals.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define DELAY_MAX    60000 /* ms */
#define COMMAND_SIZE 64    /* bytes in a command of -r and its NUL */
#define NEWCOMERS    64    /* accepted in one turn at most */
#define TURN_US      10000 /* us: a turn, shared by all directions that have something to do */

const char program[] = "flaky_proxy";
const char usage[] =
    "usage: flaky_proxy [-hrv] [-a ADDRESS] [-p PORT] [-c N] [-d MS] [-s SEED] [-i MS] [HOST [PORT]]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text: -> from a client,\n"
    "              => on to the server, <= from the server, <- on to the client\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 5205)\n"
    "  -c N        begin with \"chop N\" (default 0)\n"
    "  -d MS       begin with \"delay MS\" (default 0 ms)\n"
    "  -r          misbehave: give yourself commands at random\n"
    "  -i MS       with -r: so many ms between two commands, on average (default 500 ms)\n"
    "  -s SEED     what -r and \"chop random\" do: the same number, the same misdeeds (default 1)\n"
    "  HOST PORT   the server (default 127.0.0.1 5204)\n"
    "Commands, one a line on stdin; each is answered by a line on stderr:\n"
    "  stall       pass on nothing at all: no byte, no FIN, no RST, no new connection\n"
    "  resume      go on\n"
    "  cut         RST to both sides of every connection\n"
    "  close       FIN to both sides of every connection, after what is under way\n"
    "  half        FIN to the clients; what they send is still passed on\n"
    "  delay MS    each byte arrives so much later, 0 to 60000\n"
    "  chop N      write at most N bytes at once, 1 to 65536, or random; 0: as they come\n"
    "  refuse      refuse new connections\n"
    "  accept      accept them again\n"
    "  status      change nothing\n";

static struct server_name server;        /* HOST PORT */
static struct pair *pairs;               /* a list */
static struct network network;           /* chop and delay */
static int stalled;                      /* nothing is passed on */
static int refusing;                     /* nobody listens */
static struct reader input;              /* stdin: commands */
static int listener;                     /* a socket; while we refuse, bound to our port, but not listening */
static struct sockaddr_storage here;     /* our address ... */
static socklen_t here_len = sizeof here; /* ... and its bytes */

static int interval = 500;             /* ms between two misdeeds on average, -i */
static long long next_misdeed = NEVER; /* ms */
static uint32_t plan_dice; /* not those of "chop random", so that the plan of -r depends on the seed alone */

/* ---- Commands. ---- */

/* Refuses newcomers. To close and bind again keeps the port ours, but nobody listens there any more. */
static void refuse(void) {
    static const int on = 1;
    if (refusing)
        return;
    close(listener);
    listener = socket(here.ss_family, SOCK_STREAM, 0);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* for the connections that there are */
    if (bind(listener, (struct sockaddr *)&here, here_len) < 0)
        complain("cannot bind the port again", strerror(errno));
    refusing = 1;
}

/* Obeys "cut", "close" or "half", which end every connection in their way. Returns 0, or -1: it is none of them. */
static int obey_end(const char *word) {
    int cut = strcmp(word, "cut") == 0, close_both = strcmp(word, "close") == 0;
    if (!cut && !close_both && strcmp(word, "half") != 0)
        return -1;

    for (struct pair *p = pairs; p; p = p->next) {
        if (cut)
            pair_reset(p, "", "cut");
        if (close_both)
            flow_finish(&p->up, now_ms());
        if (!cut)
            flow_finish(&p->down, now_ms());
    }
    return 0;
}

/* Obeys a command of one word. Returns 0, or -1: it is none. */
static int obey_word(const char *word) {
    if (strcmp(word, "stall") == 0)
        stalled = 1;
    else if (strcmp(word, "resume") == 0)
        stalled = 0;
    else if (strcmp(word, "refuse") == 0)
        refuse();
    else if (strcmp(word, "accept") == 0)
        refusing = listen(listener, SOMAXCONN) < 0;
    else if (strcmp(word, "status") != 0)
        return obey_end(word);
    return 0;
}

/* Returns the number, 0 to max, that a text stands for, or -1. (parse_number() would end the program.) */
static int number_of(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && value <= max ? (int)value : -1;
}

/* Obeys a command with an argument. Returns 0, or -1: it is none. */
static int obey_number(const char *word, const char *text) {
    int is_chop = strcmp(word, "chop") == 0, is_delay = strcmp(word, "delay") == 0;
    int number = number_of(text, is_chop ? FLOW_MAX : DELAY_MAX);
    if (is_chop && strcmp(text, "random") == 0)
        network.chop = CHOP_RANDOM;
    else if (is_chop && number >= 0)
        network.chop = number;
    else if (is_delay && number >= 0)
        network.delay = number;
    else
        return -1;
    return 0;
}

/* Answers a command: how things stand now. */
static void say_status(const char *command, const char *argument) {
    int count = 0;
    for (const struct pair *p = pairs; p; p = p->next)
        count += !p->gone;
    char pieces[12] = "random";
    if (network.chop != CHOP_RANDOM)
        snprintf(pieces, sizeof pieces, "%d", network.chop);

    fprintf(stderr, "%s: %s", program, command);
    if (argument)
        fprintf(stderr, " %s", argument);
    fprintf(stderr, ": %d connection%s, %s, %s, chop %s, delay %d\n", count, count == 1 ? "" : "s",
            stalled ? "stalled" : "passing", refusing ? "refusing" : "accepting", pieces, network.delay);
}

/* Obeys a line, which strtok() cuts to pieces. */
static void obey(char *line) {
    const char *blanks = " \t", *word = strtok(line, blanks), *argument = strtok(NULL, blanks);
    if (word == NULL)
        return;

    int understood = strtok(NULL, blanks) == NULL;
    if (understood && argument)
        understood = obey_number(word, argument) == 0;
    else if (understood)
        understood = obey_word(word) == 0;

    if (understood)
        say_status(word, argument);
    else
        fprintf(stderr,
                "%s: %scommands: stall, resume, cut, close, half, delay MS, chop N, refuse, accept, status\n",
                program, strcmp(word, "help") == 0 ? "" : "not understood; ");
}

/* Reads commands. When stdin ends, or cannot be read, the proxy goes on as it was told last. */
static void read_commands(void) {
    if (reader_read(&input, STDIN_FILENO) < 0 && input.eof)
        complain("cannot read commands", strerror(errno));

    enum line_event event;
    do { /* of a line that is too long its beginning will not be understood */
        event = reader_take(&input);
        if (event != LINE_MORE)
            obey(input.line.text);
    } while (event != LINE_MORE);
}

/* Gives the next command of -r. Which it is and when the next one follows depends on the seed alone. */
static void misbehave(void) {
    static const char *const misdeeds[] = {"stall",       "cut",    "close", "half",    "refuse",
                                           "chop random", "chop 0", "chop",  "delay 0", "delay"};
    const char *misdeed = misdeeds[roll(&plan_dice, sizeof misdeeds / sizeof *misdeeds)];
    if (stalled)
        misdeed = "resume"; /* so that there is progress */
    else if (refusing)
        misdeed = "accept";

    char line[COMMAND_SIZE];
    if (strcmp(misdeed, "chop") == 0)
        snprintf(line, sizeof line, "chop %d", 1 + roll(&plan_dice, 16));
    else if (strcmp(misdeed, "delay") == 0)
        snprintf(line, sizeof line, "delay %d", roll(&plan_dice, 1 + interval / 4));
    else
        snprintf(line, sizeof line, "%s", misdeed);
    obey(line);
}

/* Decides when the next command of -r comes. */
static void plan_misdeed(long long now) { next_misdeed = now + roll(&plan_dice, 2 * interval + 1); }

/* ---- The loop. ---- */

/* Takes a newcomer in. Returns 1; or 0: there is none, or no room. For a newcomer listen_accept() sees to one
 * descriptor, and that one more is free to refuse people with. But a pair takes two: so one is held back meanwhile
 * for the connection to the server, unless it is the last. */
static int accept_newcomer(void) {
    char name[ADDRESS_TEXT];
    int held = dup(listener), another = dup(listener);
    if (another < 0 && held >= 0) {
        close(held);
        held = -1;
    }
    if (another >= 0)
        close(another);
    int fd = listen_accept(listener, name);
    if (held >= 0)
        close(held);
    if (fd < 0)
        return 0;

    struct pair *p = pair_new(fd, name, &server, &network);
    if (p == NULL) {
        fprintf(stderr, "%s disconnected: out of memory\n", name);
        close(fd);
        return 0;
    }
    p->next = pairs;
    pairs = p;
    return 1;
}

static void free_gone(void) {
    struct pair **at = &pairs;
    while (*at) {
        struct pair *p = *at;
        if (p->gone) {
            *at = p->next;
            free(p);
        } else {
            at = &p->next;
        }
    }
}

/* Tells select() what to wait for. Returns until when at the latest, in ms, or NEVER. */
static long long watch(int signals, long long now, fd_set *readable, fd_set *writable) {
    long long until = next_misdeed;
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(signals, readable);
    if (reader_wants_more(&input))
        FD_SET(STDIN_FILENO, readable);
    if (!stalled && !refusing)
        FD_SET(listener, readable);
    for (const struct pair *p = stalled ? NULL : pairs; p; p = p->next) {
        long long due = pair_watch(p, readable, writable, now);
        if (due < until)
            until = due;
    }
    return until;
}

/* One turn: passes on, obeys, accepts. Newcomers come last, because those that leave in it make room. */
static void turn(const struct look *look) {
    for (struct pair *p = stalled ? NULL : pairs; p; p = p->next)
        pair_turn(p, look);

    if (FD_ISSET(STDIN_FILENO, &look->readable))
        read_commands();
    if (next_misdeed <= look->now) {
        misbehave();
        plan_misdeed(look->now + 1);
    }
    free_gone();

    int more = !stalled && !refusing && FD_ISSET(listener, &look->readable);
    for (int i = 0; i < NEWCOMERS && more; i++)
        more = accept_newcomer();
}

/* The loop. Returns when a signal has come. */
static void serve(int signals) {
    while (!stop) {
        struct look look = {.began = now_ms()};
        long long until = watch(signals, look.began, &look.readable, &look.writable), wait = 0;
        if (until > look.began)
            wait = until - look.began;
        struct timeval timeout = {.tv_sec = (time_t)(wait / 1000),
                                  .tv_usec = (suseconds_t)(wait % 1000 * 1000)};
        int ready =
            select(FD_SETSIZE, &look.readable, &look.writable, NULL, until == NEVER ? NULL : &timeout);
        if (ready < 0) /* a signal: the sets say nothing */
            continue;
        look.now = now_ms();
        look.share = TURN_US / (ready + 1);
        turn(&look);
    }
}

/* Obeys the command that an option stands for; ends the program if it is none. */
static void begin_with(const char *command, const char *argument) {
    if (obey_number(command, argument) == 0)
        return;
    fprintf(stderr, "%s: '%s %s' is no command\n", program, command, argument);
    exit(show_usage());
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "5205";
    int option, misbehaving = 0;
    uint32_t seed = 1;
    while ((option = getopt(argc, argv, "hrva:p:c:d:i:s:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'r': misbehaving = 1; break;
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        case 'c': begin_with("chop", optarg); break;
        case 'd': begin_with("delay", optarg); break;
        case 'i': interval = parse_number(optarg, 0, DELAY_MAX); break;
        case 's': seed = (uint32_t)parse_number(optarg, 0, INT_MAX); break;
        default: return show_usage();
        }
    server = parse_server(argc, argv, "5204");
    freeaddrinfo(resolve(&server, SOCK_STREAM)); /* a name that nobody knows is a mistake of who typed it */
    int signals = catch_signals();
    listener = listen_on(address, port);
    getsockname(listener, (struct sockaddr *)&here, &here_len);

    plan_dice = (seed + 1) * 2654435769U; /* to scatter the seeds; not 0, because the factors are odd */
    network.chop_dice = (seed + 1) * 2246822519U;
    if (misbehaving)
        plan_misdeed(now_ms());
    serve(signals);
    return 0;
}
