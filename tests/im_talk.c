/* im_talk.c - speaks to an im_server message by message, after a script, whatever the format. (poke speaks bytes.)
 *
 *     tests/im_talk [-f FORMAT] HOST PORT <<'END'
 *         a > {"type":"login","id":"1","name":"lisi","password":"123456"}
 *         a < {"type":"ok","id":"1","count":"0"}
 *     END
 *
 * Exit: 0 all went well, 1 a step failed, 2 bad usage or script. Start reading at main().
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "../03-custom-protocol/frame.h"
#include "../03-custom-protocol/message.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNS_MAX  256   /* connections in a script */
#define LINE_SIZE  80000 /* bytes in a line of it; the longest message fits */
#define VALUE_SIZE 5000  /* bytes of a remembered value, and its NUL */

static const char usage[] =
    "usage: im_talk [-h] [-f FORMAT] HOST PORT < SCRIPT\n"
    "  -h         print this help\n"
    "  -f FORMAT  text, json or xml: what a connection speaks that does not say (default json)\n"
    "A script has one step a line. NAME is a connection, opened when first mentioned.\n"
    "  NAME format FORMAT   it speaks that from now on\n"
    "  NAME > MESSAGE       send; the message is written in JSON here, whatever goes over the wire\n"
    "  NAME < MESSAGE       this comes next: the type, and just these fields\n"
    "  NAME skip N          N messages come, whatever they say\n"
    "  NAME shut            send FIN and go on reading\n"
    "  NAME close           close\n"
    "  NAME eof             the end of the stream comes next\n"
    "  say TEXT             print it when a later step fails: the rule under test\n"
    "A value \"*\" is any; \"?a\" to \"?z\" is any the first time, and the same again from then on. A step "
    "waits\n"
    "for $POKE_MS ms at most (default 5000). A # begins a comment.\n";

struct conn {
    char name[16];
    int fd;
    enum message_format format;
    char in[FRAME_HEADER + FRAME_MAX];
    size_t length;
};

static struct conn conns[CONNS_MAX];
static struct addrinfo *server;
static enum message_format format = JSON;
static int patience = 5000, line_number;
static char rule[1024], remembered[26][VALUE_SIZE];
static char line[LINE_SIZE];

static void fail(int status, const char *text, ...) {
    va_list arguments;
    va_start(arguments, text);
    if (*rule)
        printf("rule: %s\n", rule);
    printf("line %d: %s\n", line_number, line);
    vprintf(text, arguments);
    putchar('\n');
    va_end(arguments);
    exit(status);
}

static enum message_format format_of(const char *name) {
    static const char *const names[] = {"text", "json", "xml"};
    int i = 0;
    while (i < 3 && strcmp(names[i], name) != 0)
        i++;
    if (i == 3)
        fail(2, "there is no format %s", name);
    return (enum message_format)(i + 1);
}

/* Returns the connection of that name; a new one is opened. */
static struct conn *conn_of(const char *name) {
    struct conn *c = conns;
    while (c < conns + CONNS_MAX && *c->name && strcmp(c->name, name) != 0)
        c++;
    if (c == conns + CONNS_MAX || strlen(name) >= sizeof c->name)
        fail(2, "too many connections, or too long a name");
    if (*c->name == '\0' || c->fd < 0) {
        *c = (struct conn){.format = format};
        strcpy(c->name, name);
        c->fd = socket(server->ai_family, server->ai_socktype, server->ai_protocol);
        if (c->fd < 0 || connect(c->fd, server->ai_addr, server->ai_addrlen) < 0)
            fail(1, "%s cannot connect", name);
    }
    return c;
}

/* Returns where the value of "?a" to "?z" is kept, NULL: this is none of them. */
static char *remember(const char *value) {
    if (value == NULL || value[0] != '?' || value[1] < 'a' || value[1] > 'z' || value[2] != '\0')
        return NULL;
    return remembered[value[1] - 'a'];
}

/* Reads a message of the script. */
static struct message message_of(const char *text) {
    static char store[LINE_SIZE];
    struct message m;
    size_t at = 0;
    const char *wrong = message_decode(&m, JSON, text, strlen(text), store, &at);
    if (wrong)
        fail(2, "byte %zu of the message: %s", at, wrong);
    return m;
}

static void conn_send(struct conn *c, const char *text) {
    static char frame[FRAME_HEADER + FRAME_MAX];
    struct message m = message_of(text);
    for (int i = 0; i < FIELDS; i++)
        if (remember(m.field[i]))
            m.field[i] = remember(m.field[i]);
    size_t len = message_encode(&m, c->format, frame + FRAME_HEADER, FRAME_MAX);
    if (len == 0)
        fail(2, "this cannot be sent");
    frame_header(frame, (enum frame_format)c->format, len);
    for (size_t done = 0; done < FRAME_HEADER + len;) {
        ssize_t n = write(c->fd, frame + done, FRAME_HEADER + len - done);
        if (n < 0)
            fail(1, "%s cannot send", c->name);
        done += (size_t)n;
    }
}

/* Reads more of what comes. Returns 0 at the end of the stream. */
static int conn_read(struct conn *c) {
    struct pollfd readable = {.fd = c->fd, .events = POLLIN};
    if (poll(&readable, 1, patience) == 0)
        fail(1, "%s got nothing for %d ms", c->name, patience);
    ssize_t n = read(c->fd, c->in + c->length, sizeof c->in - c->length);
    c->length += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static int field_fits(const char *want, const char *got) {
    char *known = remember(want);
    if (known && !*known && got)
        snprintf(known, VALUE_SIZE, "%s", got);
    if (known)
        want = known;
    if (want == NULL || got == NULL)
        return want == got;
    return strcmp(want, "*") == 0 || strcmp(want, got) == 0;
}

/* Takes the next frame. Returns its length with its header. */
static size_t conn_next(struct conn *c, struct frame *f) {
    long used;
    while ((used = frame_decode(f, c->in, c->length)) == 0)
        if (!conn_read(c))
            fail(1, "%s got the end of the stream", c->name);
    if (used < 0)
        fail(1, "%s got what is no frame", c->name);
    return (size_t)used;
}

static void conn_take(struct conn *c, size_t len) {
    c->length -= len;
    memmove(c->in, c->in + len, c->length);
}

static void conn_expect(struct conn *c, const char *text) {
    static char store[FRAME_MAX + 1], shown[FRAME_MAX];
    struct message want = message_of(text), got;
    struct frame f;
    size_t at = 0, used = conn_next(c, &f);
    if ((enum message_format)f.format != c->format)
        fail(1, "%s speaks format %d and got format %d", c->name, (int)c->format, (int)f.format);
    const char *wrong = message_decode(&got, c->format, f.payload, f.length, store, &at);
    if (wrong)
        fail(1, "%s got %.*s, and at its byte %zu: %s", c->name, (int)f.length, f.payload, at, wrong);
    int fits = want.type == got.type;
    for (int i = 0; fits && i < FIELDS; i++)
        fits = field_fits(want.field[i], got.field[i]);
    message_show(&got, shown, sizeof shown);
    if (!fits)
        fail(1, "%s got instead: %s", c->name, shown);
    conn_take(c, used);
}

static void conn_skip(struct conn *c, int count) {
    struct frame f;
    for (; count > 0; count--)
        conn_take(c, conn_next(c, &f));
}

static void conn_eof(struct conn *c) {
    if (c->length > 0 || conn_read(c))
        fail(1, "%s got more instead of the end: %.*s", c->name, (int)c->length, c->in);
}

static void conn_close(struct conn *c) {
    close(c->fd);
    c->fd = -1;
}

static void step(char *text) {
    char *name = strtok(text, " \n"), *verb = strtok(NULL, " \n"), *rest = strtok(NULL, "\n");
    if (name == NULL || *name == '#')
        return;
    if (verb == NULL)
        fail(2, "a step is NAME VERB");
    if (strcmp(name, "say") == 0) {
        snprintf(rule, sizeof rule, "%s %s", verb, rest ? rest : "");
        return;
    }
    struct conn *c = conn_of(name);
    if (strcmp(verb, ">") == 0 && rest)
        conn_send(c, rest);
    else if (strcmp(verb, "<") == 0 && rest)
        conn_expect(c, rest);
    else if (strcmp(verb, "skip") == 0 && rest)
        conn_skip(c, atoi(rest));
    else if (strcmp(verb, "format") == 0 && rest)
        c->format = format_of(rest);
    else if (strcmp(verb, "eof") == 0)
        conn_eof(c);
    else if (strcmp(verb, "shut") == 0)
        shutdown(c->fd, SHUT_WR);
    else if (strcmp(verb, "close") == 0)
        conn_close(c);
    else
        fail(2, "there is no such step");
}

static int bad_usage(void) {
    fputs(usage, stderr);
    return 2;
}

int main(int argc, char **argv) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    static char copy[LINE_SIZE];
    int option;
    if (getenv("POKE_MS"))
        patience = atoi(getenv("POKE_MS"));
    while ((option = getopt(argc, argv, "hf:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'f': format = format_of(optarg); break;
        default: return bad_usage();
        }
    if (argc - optind != 2 || getaddrinfo(argv[optind], argv[optind + 1], &hints, &server) != 0)
        return bad_usage();
    signal(SIGPIPE, SIG_IGN);
    while (fgets(line, sizeof line, stdin)) {
        line_number++;
        line[strcspn(line, "\n")] = '\0';
        strcpy(copy, line);
        step(copy);
    }
    freeaddrinfo(server);
    return 0;
}
