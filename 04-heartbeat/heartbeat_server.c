/* heartbeat_server.c - drops a client that is silent for too long, and counts each message once, however often it
 * comes.
 *
 *     cc -o heartbeat_server heartbeat_server.c number.c lines.c text.c loop.c buffer.c listen.c signals.c wire.c
 *
 *     terminal 1:  ./heartbeat_server -t 10000
 *     terminal 2:  telnet 127.0.0.1 5204           HELLO zhangsan, then PING 1, MSG 1 hello, and MSG 1 hello again
 *     terminal 3:  ./heartbeat_client              type lines; stop the server (kill -STOP), and watch
 *
 * Watch terminal 1: a client that sends nothing for 10 seconds is told so and dropped. A dead peer and a silent one
 * look the same, so time decides: each client has a deadline, and the loop sleeps exactly until the nearest one.
 *     client_read -> on_data -> line_take -> handle_event -> set_deadline, handle_line -> say -> one write a turn
 *     on_turn -> deadline_of, on_deadline
 * Left out: what was accepted is forgotten when the server ends.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "lines.h"
#include "loop.h"
#include "number.h"
#include "signals.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define IN_MAX      16384 /* bytes per client that wait for on_data, and that one read brings; many lines */
#define OUT_MAX     4096  /* bytes per client that wait for the kernel to take them */
#define REPLY_MAX   128   /* bytes in the longest reply */
#define NAMES_MAX   4096  /* names that are remembered; the one that is gone for longest makes room */
#define FAREWELL_MS 4000  /* ms: a client that is hung up on has so long to read what it is owed */
#define DAY_MS      86400000  /* the longest time that an option takes */
#define NO_DEADLINE INT64_MAX /* ms */

const char program[] = "heartbeat_server";
const char usage[] = "usage: heartbeat_server [-hv] [-a ADDRESS] [-p PORT] [-t MS]\n"
                     "  -h          print this help\n"
                     "  -v          show every read and write on stderr, in hex and text\n"
                     "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
                     "  -p PORT     0 to 65535, 0 takes any free one (default 5204)\n"
                     "  -t MS       drop a client after so many ms without a line from it (default 15000)\n"
                     "Each message that is accepted is a line on stdout: name, seq, text.\n";

struct member { /* a name that has said HELLO, now or earlier */
    char name[WORD_MAX + 1];
    long long last;        /* the highest seq accepted from it; 0: none */
    struct client *client; /* its connection; NULL: it has none */
    long long left;        /* ms: when it lost its last connection */
};

struct peer { /* what is kept of a client; its place in the table is the client's descriptor */
    struct line line;
    struct member *member; /* the name that it has given; NULL before its HELLO */
    long long number;      /* connections are numbered as they come: the higher one is newer */
    long long deadline;    /* ms: then it will have been silent for too long; see deadline_of() */
};

_Static_assert(NAMES_MAX > FD_SETSIZE, "every client that is connected has to have a place");
static struct member members[NAMES_MAX];
static struct peer peers[FD_SETSIZE];
static int silence = 15000; /* ms, -t */

/* Sends a client a line, put as for printf(). */
static void say(struct client *c, const char *format, ...) {
    char text[REPLY_MAX];
    va_list arguments;
    va_start(arguments, format);
    size_t len = (size_t)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    client_send(c, text, len);
}

/* Logs what has become of a client. */
static void note(const struct client *c, const char *what) {
    const struct member *m = peers[c->fd].member;
    fprintf(stderr, "%s%s%s %s\n", c->name, m ? " " : "", m ? m->name : "", what);
}

/* ---- Time. ---- */

/* Gives a client so many ms from now, and one more: now_ms() rounds down, and nobody is dropped early. */
static void set_deadline(const struct client *c, int ms) { peers[c->fd].deadline = now_ms() + ms + 1; }

/* Returns the ms at which a client will have been silent for too long. Bytes that were read may wait in `in`, until
 * the client has its next share of a turn, or until it reads what it is owed. They may be a line, so they are no
 * silence: the time counts from when they came. */
static long long deadline_of(const struct client *c) {
    if (c->closing && c->out.length == 0)
        return NO_DEADLINE; /* all is said, and the loop waits for its FIN */

    long long deadline = peers[c->fd].deadline, with_bytes = c->heard + silence + 1;
    return c->in.length > 0 && with_bytes > deadline ? with_bytes : deadline;
}

/* Hangs up, once all is said; for that, too, there is a deadline. */
static void hang_up(struct client *c) {
    client_close(c);
    set_deadline(c, FAREWELL_MS);
}

static void on_deadline(struct client *c) {
    if (c->out.length > 0) {
        client_drop(c, "it is silent, and does not read either");
        return;
    }
    note(c, "is silent for too long");
    say(c, "BYE you were silent for %d ms\n", silence);
    hang_up(c);
}

/* Looks at all deadlines, and returns the ms until the nearest: so the loop sleeps neither longer nor shorter. What
 * had come by `now` has been read. That is why it must be this `now`, and not now_ms(): if it was us who were away
 * (stopped, or busy), the clients' lines may still lie in the kernel. (Of a client that has sent more than
 * IN_MAX at once, only the first IN_MAX bytes have been read.) */
static int on_turn(long long now) {
    long long nearest = NO_DEADLINE;
    for (struct client *c = client_next(NULL); c; c = client_next(c)) {
        if (now >= deadline_of(c))
            on_deadline(c);
        if (!c->gone && deadline_of(c) < nearest)
            nearest = deadline_of(c);
    }
    return nearest == NO_DEADLINE ? -1 : (int)(nearest - now);
}

/* ---- What clients say. ---- */

/* Returns the place of a member that may be forgotten: one that is free, or else the one that is gone for longest. */
static struct member *member_to_replace(void) {
    struct member *place = members;
    for (struct member *m = members; m < members + NAMES_MAX; m++)
        if (m->client == NULL && (place->client || m->left < place->left))
            place = m;
    return place;
}

/* Returns the member of that name. If there is none, makes one; where all places are taken it gets that of the member
 * that is gone for longest. If that one comes back, what it sends again counts again. */
static struct member *member_find(const char *name) {
    for (struct member *m = members; m < members + NAMES_MAX; m++)
        if (strcmp(m->name, name) == 0)
            return m;

    struct member *m = member_to_replace();
    if (*m->name)
        fprintf(stderr, "%s is forgotten\n", m->name);
    *m = (struct member){.last = 0};
    snprintf(m->name, sizeof m->name, "%s", name);
    return m;
}

/* Gives a name to a connection. Of two connections of a name the newer is the living one, whichever HELLO comes first:
 * the other belongs to a client that has given it up, which we cannot see from here. */
static void member_connect(struct member *m, struct client *c) {
    struct client *other = m->client, *older = NULL;
    if (other)
        older = peers[other->fd].number > peers[c->fd].number ? c : other;

    if (older) {
        note(older, "is replaced by a newer connection");
        say(older, "ERROR %s has a newer connection\n", m->name);
        peers[older->fd].member = NULL;
        hang_up(older);
    }
    if (older != c) {
        peers[c->fd].member = m;
        m->client = c;
        note(c, "says HELLO");
        say(c, "WELCOME %lld\n", m->last);
    }
}

static void do_hello(struct client *c, const char *name) {
    if (peers[c->fd].member)
        say(c, "ERROR you have said HELLO\n");
    else if (!name_is_valid(name))
        say(c, "ERROR %s\n", NAME_RULE);
    else
        member_connect(member_find(name), c);
}

static void do_ping(struct client *c, const char *text) {
    const char *rest = "";
    long long n = number_read(text, &rest);
    if (n < 0 || *rest)
        say(c, "ERROR after PING comes a number\n");
    else
        say(c, "PONG %lld\n", n);
}

/* Writes an accepted message to stdout, at once: what is acknowledged must not be lost. Returns 0; or -1: a signal came
 * before all was written (nobody reads the pipe), and we shall end. If it cannot be written, ends the program. */
static int keep(const struct member *m, long long seq, const char *text) {
    char line[WORD_MAX + LINE_SIZE + 32];
    size_t len = (size_t)snprintf(line, sizeof line, "%s %lld %s\n", m->name, seq, text), written = 0;
    while (written < len && !stop) {
        ssize_t n = write(STDOUT_FILENO, line + written, len - written);
        if (n >= 0) {
            written += (size_t)n;
        } else if (errno != EINTR) {
            complain("cannot write the output", strerror(errno));
            exit(1);
        }
    }
    return written == len ? 0 : -1;
}

/* Counts a message once. "At least once" is the client's part: it sends a message again until it hears ACK. "Only once"
 * is ours: a number that is not above the last one has been here. */
static void accept_message(struct client *c, struct member *m, long long seq, const char *text) {
    if (seq <= m->last)
        note(c, "repeats a message");
    else if (keep(m, seq, text) == 0)
        m->last = seq;
    else
        return; /* no ACK, so the client will send it again */
    say(c, "ACK %lld\n", seq);
}

/* A gap in the numbers would be a message lost, and is refused. */
static void do_msg(struct client *c, const char *text) {
    struct member *m = peers[c->fd].member;
    const char *words = "";
    long long seq = number_read(text, &words);
    if (m == NULL)
        say(c, "ERROR say HELLO first\n");
    else if (seq < 1)
        say(c, "ERROR after MSG comes a number from 1 on, then the text\n");
    else if (m->last > 0 && seq > m->last + 1)
        say(c, "ERROR %lld has to come before %lld\n", m->last + 1, seq);
    else
        accept_message(c, m, seq, words);
}

static void handle_line(struct client *c, const char *line) {
    if (strncmp(line, "HELLO ", 6) == 0)
        do_hello(c, line + 6);
    else if (strncmp(line, "PING ", 5) == 0)
        do_ping(c, line + 5);
    else if (strncmp(line, "MSG ", 4) == 0)
        do_msg(c, line + 4);
    else
        say(c, "ERROR say HELLO name, PING n or MSG seq text\n");
}

/* A sign of life is a whole line: if any byte were one, a client could stay for ever with one now and then. */
static void handle_event(struct client *c, enum line_event event, const struct line *line) {
    if (event == LINE || event == LINE_TOO_LONG)
        set_deadline(c, silence);

    switch (event) {
    case LINE_MORE: break;
    case LINE: handle_line(c, line->text); break;
    case LINE_TOO_LONG: say(c, "ERROR that line is over %d bytes\n", LINE_SIZE); break;
    case LINE_TELNET: client_send(c, line->refusal, REFUSAL); break;
    case LINE_END: hang_up(c); break;
    }
}

/* ---- What the loop calls. ---- */

static void on_connect(struct client *c) {
    static long long connections;
    peers[c->fd] = (struct peer){.number = ++connections};
    set_deadline(c, silence);
}

/* A message is a line that has its end. One without, at the end of the stream, is thrown away: it may be half a
 * message, and the whole one would then be taken for a repetition. */
static size_t on_data(struct client *c, char *data, size_t len) {
    struct line *line = &peers[c->fd].line;
    size_t used = 0;
    if (len > 0)
        handle_event(c, line_take(line, data, len, &used), line);
    return used;
}

static void on_disconnect(struct client *c) {
    struct member *m = peers[c->fd].member;
    if (m == NULL)
        return;
    m->client = NULL;
    m->left = now_ms();
}

static const struct server heartbeat = {
    .in_max = IN_MAX,
    .out_low = OUT_MAX - REPLY_MAX, /* so there is always room for a reply */
    .out_max = OUT_MAX,
    .on_connect = on_connect,
    .on_data = on_data,
    .on_disconnect = on_disconnect,
    .on_turn = on_turn,
};

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "5204";
    int option;
    while ((option = getopt(argc, argv, "hva:p:t:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        case 't': silence = parse_number(optarg, 0, DAY_MS); break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);
    return serve(&heartbeat, address, port);
}
