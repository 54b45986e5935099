/* poke.c - speaks bytes to a TCP or UDP peer and checks what comes back. It sees nothing but the wire, so it can
 * test a server in any language.
 *
 *     terminal 1:  ./echo_server
 *     terminal 2:  printf '%s\n' 'a > "hello\n"' 'a < "hello\n"' | ./poke 127.0.0.1 3200 && echo well done
 *
 * Now expect "jello\n" instead, and read the report. Start reading at the table of verbs and exchange().
 * Nothing here sleeps and hopes: a step ends with its event, and the clock only ends a wait that has failed.
 * Left out: encryption, and strings of more than BYTES_MAX.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX  64         /* names in one script */
#define NAME_SIZE  32         /* bytes of a name, and its NUL */
#define NUMBER_MAX 1000000000 /* the largest number in a script */
#define BYTES_MAX  (64 << 20) /* the longest string, and what is kept of a server that talks without end */
#define TAIL       64         /* how many of the bytes last sent a report shows */
#define FILL_TRIPS 100        /* round trips without one byte accepted that prove: the server reads no more */
#define FILL_MS    200 /* ... and for how long at least: many threads do not take turns as one loop does */
#define LABEL      16  /* columns of a report */

static const char usage[] =
    "usage: poke [-hu] [-w MS] HOST PORT < SCRIPT      (or HOST:PORT, [::1]:3200)\n"
    "       poke -u [-w MS] [-f FILE] -p PORT < SCRIPT  play a server on 127.0.0.1 (0: any free port)\n"
    "  -h     print this help\n"
    "  -w MS  how long a step waits for its event, in ms (default $POKE_MS, else 5000)\n"
    "  -u     speak datagrams\n"
    "  -f FILE, -p PORT  with -u: the script, if not stdin; the port of the socket `server`\n"
    "Exit: 0 all went well, 1 a step failed, 2 bad usage or script, 77 too few descriptors.\n"
    "A script has one step a line. NAME is a connection, opened when first mentioned.\n"
    "  NAME open                 just connect (again, after a close)\n"
    "  NAME deaf [N]             connect with a small receive buffer (default 4096 bytes)\n"
    "  NAME > BYTES              send\n"
    "  NAME >N BYTES [VIA]       send in pieces of N bytes\n"
    "  NAME >? BYTES             send; the server may hang up meanwhile\n"
    "  NAME < BYTES              exactly these bytes come next\n"
    "  NAME <* BYTES             skip everything up to the end of these\n"
    "  NAME eof                  the end of the stream comes next\n"
    "  NAME gone                 the end or a reset comes, whatever comes before it\n"
    "  NAME shut | close | reset send FIN and go on reading | close | abort with RST\n"
    "  NAME echo N               send N pseudo-random bytes and meanwhile get the same back\n"
    "  NAME fill N [BYTES] [VIA] send up to N (BYTES again and again, or pseudo-random ones), read\n"
    "                            nothing, until the server has stopped reading\n"
    "  NAME blocked              that fill was stopped before its N\n"
    "  NAME drain                get back what that fill sent\n"
    "  NAME crowd N BYTES BYTES  N connections send the first; each gets the second or is refused\n"
    "  NAME served MIN MAX       so many of the crowd got their answer\n"
    "  NAME refused MIN MAX      so many were hung up on\n"
    "  NAME hold MS              keep everything open for so long\n"
    "  say TEXT                  print it, and again when a later step fails: the rule under test\n"
    "VIA is: via NAME BYTES BYTES, a round trip (send, expect) on another connection after\n"
    "each piece, or whenever fill gets no further: proof that the server's loop has turned.\n"
    "BYTES is \"text\" with \\n \\r \\t \\0 \\\\ \\\" \\{ \\xHH and {NAME}, that connection's local port;\n"
    "\"text\"*N is N times that. Strings are joined; where two BYTES are asked for, if they touch.\n"
    "A # begins a comment. Where a step gets its bytes one by one, -w counts from the latest.\n";

static const char usage_datagrams[] =
    "With -u NAME is a socket, and the steps are those below. A datagram is wrong if it is too long, too\n"
    "short, or from somebody else than the one that NAME sends to (at first HOST PORT).\n"
    "  NAME open | close         bind it to any free port | close it\n"
    "  NAME at \"HOST:PORT\"       bind it to this, in digits\n"
    "  NAME > BYTES              send a datagram\n"
    "  NAME < BYTES              exactly this one comes next\n"
    "  NAME <+ BYTES             the next one begins with these\n"
    "  NAME <* BYTES             skip all datagrams up to this one, whoever they are from\n"
    "  NAME follow               take the next one from anybody, and from now on send to there\n"
    "  NAME as NAME2             send to where NAME2 sends to\n"
    "  NAME quiet MS             nothing comes for so long\n"
    "  NAME hold MS              keep everything open for so long\n"
    "With -p the socket is named `server`, and follows whoever speaks first; other sockets, strangers,\n"
    "begin with `as server`.\n";

struct bytes { /* a string of `length` bytes, with room for `size` */
    unsigned char *data;
    size_t length, size;
};

enum { ABSENT = 1, OPEN = 2, CROWD = 4, CLOSED = 8 }; /* states of a connection, summed up in a set */

struct conn {
    char name[NAME_SIZE], port[6]; /* the port is the local one, in decimal */
    int state, fd;
    struct bytes inbox;       /* received, but not yet taken by a step */
    const char *end;          /* how the stream from the server ended: fin or rst; NULL: it has not */
    int broken, shut;         /* sending has failed; we have sent our FIN */
    unsigned char tail[TAIL]; /* the last bytes sent, at its right end */
    size_t sent;              /* how many bytes were sent in all */
    struct bytes noise;       /* the pseudo-random bytes of the last echo or fill */
    size_t filled;            /* how many of them the server took */
    struct conn *members;     /* of a crowd */
    size_t size, served, refused;
    struct sockaddr_storage peer; /* with -u: where it sends to */
    socklen_t peer_len;
    int follow; /* with -u: takes the next datagram from anybody */
};

struct step { /* one line of the script */
    struct conn *conn, *via;
    const struct verb *verb;
    size_t n, max;                  /* its numbers; 0 where left out */
    struct bytes bytes, ping, pong; /* its strings; ping and pong: of a round trip */
};

struct verb {
    const char *name;
    const char *arguments; /* n, m: numbers; o: number or none; b: bytes; p: ping and pong; v: VIA or none;
                            * c: a NAME */
    int states;            /* those that NAME can be in */
    void (*run)(struct step *s);
};

static const char fin[] = "the end of the stream", rst[] = "a reset";
static const struct bytes nothing;
static int datagrams;                         /* -u */
static struct addrinfo *server;               /* its addresses, to be tried in turn */
static int patience = 5000;                   /* ms, -w */
static int rehearsal;                         /* no step is run: so that a typing error is found first */
static const char *rule = "", *line, *cursor; /* the last `say`; where we are in the script */
static int line_number;
static struct conn conns[CONNS_MAX]; /* in the order of their first mention; one without a name ends them */
static struct conn *speaker;         /* whose step was the last to send */

/* Returns the time so many ms from now, by a clock that nobody can set: the deadline of a wait. */
static long long after(long long ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000 + ms;
}

/* ---- reports ---- */

/* The script, not the server, is wrong: says so and ends the program. */
static _Noreturn void script_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "poke: line %d: ", line_number);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

/* Shows four rows of 16 bytes, from the one before byte `at`, below which it puts the note, if any. The
 * offsets start at `base`. */
static void show(const struct conn *c, const char *what, struct bytes b, size_t base, size_t at,
                 const char *note) {
    char label[NAME_SIZE + 16];
    snprintf(label, sizeof label, "%s %s", c->name, what);
    at = at < b.length ? at : b.length;
    size_t row = at < 16 ? 0 : at / 16 * 16 - 16, end = b.length < row + 64 ? b.length : row + 64;
    if (b.length == 0)
        printf("%-*s nothing\n", LABEL, label);
    for (; row < end; row += 16) {
        char hex[16 * 3 + 1] = "", text[16 + 1] = "";
        for (size_t i = 0; i < 16 && row + i < end; i++) {
            unsigned char byte = b.data[row + i];
            snprintf(hex + 3 * i, 4, " %02x", byte);
            text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
        }
        printf("%-*s%8zu %-48s  %s\n", LABEL, label, base + row, hex, text);
        if (note && at - row < 16)
            printf("%*s^^ %s\n", (int)(LABEL + 10 + 3 * (at - row)), "", note);
        label[0] = '\0';
    }
    if (end < b.length)
        printf("%*s ...\n", LABEL + 8, "");
}

static void show_sent(struct conn *c) {
    size_t len = c->sent < TAIL ? c->sent : TAIL;
    if (len > 0)
        show(c, "sent", (struct bytes){c->tail + TAIL - len, len, len}, c->sent - len, 0, NULL);
}

/* The server is wrong: shows the rule, the step, what was said before, what was expected and what came
 * (around byte `at`), and ends the program with the words of the format. NULL: nothing to show. */
static _Noreturn void fail(struct conn *c, const struct bytes *want, const struct bytes *got, size_t at,
                           const char *format, ...) {
    char note[64] = "";
    va_list arguments;
    if (want && got && at < want->length && at < got->length)
        snprintf(note, sizeof note, "byte %zu should be %02x", at, want->data[at]);
    if (*rule)
        printf("rule: %s\n", rule);
    printf("line %d: %.100s%s\n", line_number, line, strlen(line) > 100 ? "..." : "");
    if (speaker && speaker != c)
        show_sent(speaker);
    show_sent(c);
    if (want)
        show(c, "expected", *want, 0, at, NULL);
    if (got)
        show(c, "received", *got, 0, at, *note ? note : NULL);
    va_start(arguments, format);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    exit(1);
}

static const char *silence(void) {
    static char words[64];
    snprintf(words, sizeof words, "nothing more for %d ms", patience);
    return words;
}

/* ---- bytes ---- */

static void *check_memory(void *memory) {
    if (memory == NULL)
        script_error("out of memory");
    return memory;
}

/* Makes room for `more` bytes. */
static void bytes_reserve(struct bytes *b, size_t more) {
    if (b->length + more > b->size)
        b->data = check_memory(realloc(b->data, b->size = 2 * (b->length + more)));
}

static void bytes_add(struct bytes *b, const void *data, size_t len) {
    bytes_reserve(b, len + 1);
    if (len > 0)
        memcpy(b->data + b->length, data, len);
    b->length += len;
}

/* Takes bytes away from the front. */
static void bytes_take(struct bytes *b, size_t len) {
    b->length -= len;
    if (len > 0 && b->length > 0)
        memmove(b->data, b->data + len, b->length);
}

/* Makes c->noise, the same for the same script: all 256 values, then xorshift. */
static void make_noise(struct conn *c, size_t len) {
    uint64_t x = 0x9e3779b97f4a7c15 + (uint64_t)line_number;
    if (len > BYTES_MAX)
        script_error("%zu bytes are too many, the most is %d", len, BYTES_MAX);
    for (const char *p = c->name; *p; p++)
        x = x * 33 + (unsigned char)*p;
    x |= 1; /* from 0, xorshift would never move */
    c->noise.length = 0;
    c->filled = len;
    bytes_reserve(&c->noise, len);
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        c->noise.data[c->noise.length++] = (unsigned char)(i < 256 ? i : x >> 56);
    }
}

/* ---- connections ---- */

/* Waits for poll() events, until the deadline. Returns whether there was one. */
static int conn_wait(const struct conn *c, int events, long long deadline) {
    struct pollfd p = {.fd = c->fd, .events = (short)events};
    for (;;) { /* again after a signal */
        long long left = deadline - after(0);
        if (poll(&p, 1, left > 0 ? (int)left : 0) > 0)
            return 1;
        if (left <= 0)
            return 0;
    }
}

/* Tries one address. Returns 0, with c->fd connected, or an errno. */
static int try_address(struct conn *c, const struct addrinfo *a, int receive_buffer) {
    socklen_t len = sizeof(int);
    int error = 0;
    c->fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (c->fd < 0)
        return errno;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, len); /* every write goes out at once */
    if (receive_buffer > 0) /* before connect(), which tells the server how much it may send */
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, len);
    if (connect(c->fd, a->ai_addr, a->ai_addrlen) < 0)
        error = errno;
    if (error == EINPROGRESS && !conn_wait(c, POLLOUT, after(patience)))
        error = ETIMEDOUT;
    else if (error == EINPROGRESS)
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error)
        close(c->fd);
    return error;
}

/* Connects to the first address that answers. Returns 0, or the errno of the last. */
static int conn_connect(struct conn *c, int receive_buffer) {
    struct conn fresh = {.state = CLOSED};
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    int error = 1;
    memcpy(fresh.name, c->name, NAME_SIZE);
    *c = fresh;
    for (const struct addrinfo *a = server; a && error; a = a->ai_next)
        error = try_address(c, a, receive_buffer);
    if (error == EMFILE || error == ENFILE) {
        printf("poke: line %d: %s: this machine allows too few descriptors (ulimit -Hn)\n", line_number,
               line);
        exit(77);
    }
    if (error)
        return error;
    getsockname(c->fd, (struct sockaddr *)&own, &len);
    getnameinfo((struct sockaddr *)&own, len, NULL, 0, c->port, sizeof c->port, NI_NUMERICSERV);
    c->state = OPEN;
    return 0;
}

static void conn_open(struct conn *c, int receive_buffer) {
    int error = conn_connect(c, receive_buffer);
    if (error)
        fail(c, NULL, NULL, 0, "%s cannot connect: %s", c->name, strerror(error));
}

/* Closes a connection, or all of a crowd; with RST if `abort` says so. */
static void conn_close(struct conn *c, int abort) {
    for (size_t i = 0; c->state == CROWD && i < c->size; i++)
        conn_close(&c->members[i], abort);
    if (c->state == OPEN && abort)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    if (c->state == OPEN)
        close(c->fd);
    free(c->members);
    free(c->inbox.data);
    free(c->noise.data);
    c->members = NULL;
    c->inbox = c->noise = nothing;
    c->state = CLOSED;
}

/* Reads once what has come: bytes go into the inbox, the end is noted. */
static void conn_read(struct conn *c) {
    static unsigned char chunk[65536];
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    if (n > 0)
        bytes_add(&c->inbox, chunk, (size_t)n);
    else if (n == 0) /* the kernel reports a reset only once, perhaps it did so when we sent */
        c->end = c->broken ? rst : fin;
    else if (errno != EAGAIN && errno != EINTR)
        c->end = rst;
}

/* Waits for more in the inbox. Returns NULL if it came, else in words what did instead. */
static const char *conn_more(struct conn *c, long long deadline) {
    size_t before = c->inbox.length;
    while (c->inbox.length == before && !c->end) {
        if (!conn_wait(c, POLLIN, deadline))
            return silence();
        conn_read(c);
    }
    return c->end;
}

/* Offers bytes to the kernel, once. Returns how many it took. */
static size_t conn_write(struct conn *c, const unsigned char *data, size_t len) {
    if (c->shut)
        script_error("%s has been shut, it cannot send", c->name);
    ssize_t n = send(c->fd, data, len, 0);
    c->broken |= n < 0 && errno != EAGAIN && errno != EINTR;
    if (n <= 0)
        return 0;
    size_t last = n < TAIL ? (size_t)n : TAIL;
    memmove(c->tail, c->tail + last, TAIL - last);
    memcpy(c->tail + TAIL - last, data + n - last, last);
    c->sent += (size_t)n;
    return (size_t)n;
}

/* What exchange() could not do, in a report. */
static _Noreturn void fail_exchange(struct conn *c, size_t sent, size_t out, const struct bytes *want,
                                    size_t got, const char *why) {
    struct bytes all = nothing;
    bytes_add(&all, want->data, got); /* equal to what came, and taken from the inbox since */
    bytes_add(&all, c->inbox.data, c->inbox.length);
    if (sent < out && got == want->length)
        fail(c, NULL, &all, 0, "the server took %zu of %zu bytes, then %s", sent, out, why);
    if (all.length > got)
        fail(c, want, &all, got, "byte %zu differs", got);
    fail(c, want, &all, got, "%zu of %zu bytes came, then %s", got, want->length, why);
}

/* Sends all of `out`, and takes in all of `want`, which must be what comes next. Both at the same time, and
 * the inbox takes what nobody wants yet: or two who first insist on being heard would wait for ever. */
static void exchange(struct conn *c, struct bytes out, struct bytes want, int may_break) {
    long long deadline = after(patience);
    for (size_t sent = 0, got = 0; sent < out.length || got < want.length;) {
        size_t n = sent < out.length && !c->broken ? conn_write(c, out.data + sent, out.length - sent) : 0;
        size_t same = 0, most = want.length - got;
        while (same < most && same < c->inbox.length && c->inbox.data[same] == want.data[got + same])
            same++;
        bytes_take(&c->inbox, same);
        sent += n;
        got += same;
        if (n + same > 0) {
            deadline = after(patience);
            continue;
        }
        if (most == 0 && c->broken && may_break)
            return;
        const char *why = most > 0 ? c->end : c->broken ? rst : NULL;
        int reading = !c->end && c->inbox.length < BYTES_MAX, sending = sent < out.length && !c->broken;
        if (!why && (most == 0 || c->inbox.length == 0) &&
            !conn_wait(c, (reading ? POLLIN : 0) | (sending ? POLLOUT : 0), deadline))
            why = silence();
        if (why || (most > 0 && c->inbox.length > 0))
            fail_exchange(c, sent, out.length, &want, got, why);
        if (reading)
            conn_read(c);
    }
}

static void conn_send(struct conn *c, struct bytes out) { exchange(c, out, nothing, 0); }
static void conn_expect(struct conn *c, struct bytes want) { exchange(c, nothing, want, 0); }

/* Says ping on the step's other connection and awaits pong: a server with one loop has then also seen what it
 * was sent before. */
static void round_trip(struct step *s) {
    conn_send(s->via, s->ping);
    conn_expect(s->via, s->pong);
}

/* ---- steps: each returns if the server did well; if not, it ends the program ---- */

static void step_open(struct step *s) { conn_open(s->conn, 0); }
static void step_deaf(struct step *s) { conn_open(s->conn, s->n ? (int)s->n : 4096); }
static void step_close(struct step *s) { conn_close(s->conn, 0); }
static void step_reset(struct step *s) { conn_close(s->conn, 1); }
static void step_expect(struct step *s) { conn_expect(s->conn, s->bytes); }
static void step_hold(struct step *s) { conn_wait(&(struct conn){.fd = -1}, 0, after((long long)s->n)); }

static void step_send(struct step *s) {
    struct bytes piece = s->bytes;
    speaker = s->conn;
    for (size_t left = s->bytes.length; left > 0; left -= piece.length, piece.data += piece.length) {
        piece.length = s->n > 0 && s->n < left ? s->n : left;
        conn_send(s->conn, piece);
        if (s->via)
            round_trip(s);
    }
}

static void step_try(struct step *s) {
    speaker = s->conn;
    exchange(s->conn, s->bytes, nothing, 1);
}

/* Whether these bytes stand there. */
static int has_at(const struct bytes *b, size_t at, const struct bytes *want) {
    return at + want->length <= b->length &&
           (want->length == 0 || memcmp(b->data + at, want->data, want->length) == 0);
}

static void step_skip(struct step *s) {
    struct bytes *inbox = &s->conn->inbox, *want = &s->bytes;
    long long deadline = after(patience); /* one for all: to talk on is no progress here */
    const char *why = NULL;
    size_t at = 0;
    while (!has_at(inbox, at, want))
        if (at + want->length <= inbox->length)
            at++;
        else if ((why = inbox->length > BYTES_MAX ? "still more" : conn_more(s->conn, deadline)))
            fail(s->conn, want, inbox, inbox->length, "%zu bytes came without these, then %s", inbox->length,
                 why);
    bytes_take(inbox, at + want->length);
}

static void step_eof(struct step *s) {
    struct conn *c = s->conn;
    const char *why = c->inbox.length > 0 ? NULL : conn_more(c, after(patience));
    if (why != fin)
        fail(c, NULL, &c->inbox, 0, "%s should come here; instead: %s", fin, why ? why : "more bytes");
}

static void step_gone(struct step *s) {
    const char *why = NULL;
    for (long long deadline = after(patience); !why;) {
        s->conn->inbox.length = 0;
        why = after(0) > deadline ? silence() : conn_more(s->conn, deadline);
    }
    if (why != fin && why != rst)
        fail(s->conn, NULL, NULL, 0, "the server has not hung up within %d ms", patience);
}

static void step_shut(struct step *s) {
    if (shutdown(s->conn->fd, SHUT_WR) < 0)
        fail(s->conn, NULL, NULL, 0, "there was nothing left to shut, but %s", rst);
    s->conn->shut = 1;
}

static void step_echo(struct step *s) {
    make_noise(speaker = s->conn, s->n);
    exchange(s->conn, s->conn->noise, s->conn->noise, 0);
}

static void step_fill(struct step *s) {
    struct conn *c = s->conn, own = {.name = "poke"};
    if (!s->via) {
        conn_open(s->via = &own, 0);
        bytes_add(&s->ping, "x", 1);
        bytes_add(&s->pong, "x", 1);
    }
    make_noise(c, s->n);
    for (size_t i = 0; s->bytes.length > 0 && i < s->n; i++)
        c->noise.data[i] = s->bytes.data[i % s->bytes.length];
    c->filled = 0;
    speaker = c;
    long long quiet = after(FILL_MS);
    for (int trips = 0; c->filled < s->n && (trips < FILL_TRIPS || after(0) < quiet); trips++) {
        size_t n = conn_write(c, c->noise.data + c->filled, s->n - c->filled);
        c->filled += n;
        if (c->broken)
            fail(c, NULL, NULL, 0, "the server took %zu bytes, then %s", c->filled, rst);
        if (n == 0) {
            round_trip(s);
        } else { /* it still reads: count anew */
            trips = -1;
            quiet = after(FILL_MS);
        }
    }
    conn_close(&own, 0);
    int all = c->filled == s->n;
    printf("%s took %s%zu bytes%s\n", c->name, all ? "all " : "", c->filled, all ? "" : ", then stopped");
}

static void step_blocked(struct step *s) {
    if (s->conn->filled == s->conn->noise.length)
        fail(s->conn, NULL, NULL, 0, "the server read on: it must keep all these bytes somewhere");
}

static void step_drain(struct step *s) {
    conn_expect(s->conn, (struct bytes){s->conn->noise.data, s->conn->filled, 0});
}

/* Waits until one of the crowd is served or refused. Returns whether it is. */
static int crowd_wait(struct step *s, struct conn *m, long long deadline) {
    for (;;) {
        m->served = (size_t)has_at(&m->inbox, 0, &s->pong);
        m->refused = !m->served && m->end;
        if (m->served || m->refused)
            return 1;
        if (m->inbox.length > BYTES_MAX || (conn_more(m, deadline) && !m->end))
            return 0;
    }
}

/* Nobody is let in before the last one is served, so that a short listen queue does: until somebody hangs.
 * Then nobody is waited for, so that all who hang can be counted. */
static void step_crowd(struct step *s) {
    struct conn *c = s->conn, *m = c->members = check_memory(calloc(s->n + 1, sizeof *m)), *hanging = NULL;
    c->state = CROWD;
    c->served = c->refused = 0;
    speaker = NULL;
    for (c->size = 0; c->size < s->n; c->size++, m++) {
        memcpy(m->name, c->name, NAME_SIZE);
        int error = conn_connect(m, 0);
        if (error == ETIMEDOUT)
            break; /* as will all the others */
        if (error && error != ECONNREFUSED && error != ECONNRESET)
            fail(c, NULL, NULL, 0, "connection %zu of %zu failed: %s", c->size + 1, s->n, strerror(error));
        if (error)
            m->end = rst;
        else
            exchange(m, s->ping, nothing, 1);
        if (!hanging && !crowd_wait(s, m, after(patience)))
            hanging = m;
    }
    long long deadline = after(patience);
    for (m = c->members; m < c->members + c->size; m++) {
        crowd_wait(s, m, deadline);
        c->served += m->served;
        c->refused += m->refused;
    }
    size_t hang = s->n - c->served - c->refused;
    if (hang > 0)
        fail(c, &s->pong, hanging ? &hanging->inbox : &nothing, 0,
             "%zu of %zu hang: neither served nor refused for %d ms (%zu served, %zu refused)", hang, s->n,
             patience, c->served, c->refused);
    printf("%s: %zu served, %zu refused\n", c->name, c->served, c->refused);
}

static void check_count(struct step *s, size_t count) {
    if (count < s->n || count > s->max)
        fail(s->conn, NULL, NULL, 0, "%zu were %s; it should have been %zu to %zu", count, s->verb->name,
             s->n, s->max);
}

static void step_served(struct step *s) { check_count(s, s->conn->served); }
static void step_refused(struct step *s) { check_count(s, s->conn->refused); }

static const struct verb verbs[] = {
    {"open", "", ABSENT | CLOSED, step_open},
    {"deaf", "o", ABSENT | CLOSED, step_deaf},
    {">", "obv", OPEN, step_send},
    {">?", "b", OPEN, step_try},
    {"<", "b", OPEN, step_expect},
    {"<*", "b", OPEN, step_skip},
    {"eof", "", OPEN, step_eof},
    {"gone", "", OPEN, step_gone},
    {"shut", "", OPEN, step_shut},
    {"close", "", OPEN | CROWD, step_close},
    {"reset", "", OPEN | CROWD, step_reset},
    {"echo", "n", OPEN, step_echo},
    {"fill", "nfv", OPEN, step_fill},
    {"blocked", "", OPEN, step_blocked},
    {"drain", "", OPEN, step_drain},
    {"crowd", "np", ABSENT | CLOSED, step_crowd},
    {"served", "nm", CROWD, step_served},
    {"refused", "nm", CROWD, step_refused},
    {"hold", "n", OPEN | CROWD, step_hold},
    {0},
};

/* ---- datagrams ---- */

/* Writes an address in digits. */
static void name_peer(const struct sockaddr_storage *address, socklen_t len, char name[64]) {
    char host[56] = "?", port[6] = "?";
    getnameinfo((const struct sockaddr *)address, len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, 64, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* Binds a new socket, to be used under c's name, to a local address. */
static void socket_open(struct conn *c, const struct addrinfo *own) {
    struct conn fresh = {.state = OPEN};
    memcpy(fresh.name, c->name, NAME_SIZE);
    fresh.fd = socket(own->ai_family, SOCK_DGRAM, 0);
    if (fresh.fd < 0 || bind(fresh.fd, own->ai_addr, own->ai_addrlen) < 0)
        fail(c, NULL, NULL, 0, "%s cannot be bound: %s", c->name, strerror(errno));
    fcntl(fresh.fd, F_SETFL, O_NONBLOCK);
    setsockopt(fresh.fd, SOL_SOCKET, SO_RCVBUF, &(int){4 << 20}, sizeof(int)); /* for all that may come */
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    getsockname(fresh.fd, (struct sockaddr *)&bound, &len);
    getnameinfo((struct sockaddr *)&bound, len, NULL, 0, fresh.port, sizeof fresh.port, NI_NUMERICSERV);
    if (server) {
        memcpy(&fresh.peer, server->ai_addr, server->ai_addrlen);
        fresh.peer_len = server->ai_addrlen;
    }
    *c = fresh;
}

/* Binds a socket to HOST PORT; NULL: to any address, of the family that the server has. */
static void socket_bind(struct conn *c, const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE}, *own;
    hints.ai_family = server ? server->ai_family : AF_INET;
    int error = getaddrinfo(host, port, &hints, &own);
    if (error)
        script_error("cannot find %s: %s", host, gai_strerror(error));
    socket_open(c, own);
    freeaddrinfo(own);
}

static void datagram_open(struct step *s) { socket_bind(s->conn, NULL, "0"); }
static void datagram_follow(struct step *s) { s->conn->follow = 1; }

static void datagram_at(struct step *s) {
    bytes_add(&s->bytes, "", 1);
    char *host = (char *)s->bytes.data, *colon = strrchr(host, ':');
    if (colon == NULL)
        script_error("this is no HOST:PORT: %s", host);
    *colon = '\0';
    socket_bind(s->conn, host, colon + 1);
}

static void datagram_as(struct step *s) {
    s->conn->peer = s->via->peer;
    s->conn->peer_len = s->via->peer_len;
}

static void datagram_send(struct step *s) {
    struct conn *c = speaker = s->conn;
    if (sendto(c->fd, s->bytes.data, s->bytes.length, 0, (struct sockaddr *)&c->peer, c->peer_len) < 0)
        fail(c, NULL, NULL, 0, "%s cannot send: %s", c->name, strerror(errno));
    size_t last = s->bytes.length < TAIL ? s->bytes.length : TAIL;
    memmove(c->tail, c->tail + last, TAIL - last);
    if (last > 0)
        memcpy(c->tail + TAIL - last, s->bytes.data + s->bytes.length - last, last);
    c->sent += s->bytes.length;
}

/* Takes the next datagram into the inbox, and where it is from. Returns 0 if none has come by the deadline. */
static int datagram_take(struct conn *c, struct sockaddr_storage *from, socklen_t *from_len,
                         long long deadline) {
    ssize_t n = -1;
    c->inbox.length = 0;
    bytes_reserve(&c->inbox, 65536);
    while (n < 0 && conn_wait(c, POLLIN, deadline)) {
        *from_len = sizeof *from;
        n = recvfrom(c->fd, c->inbox.data, 65536, 0, (struct sockaddr *)from, from_len);
    }
    c->inbox.length = n < 0 ? 0 : (size_t)n;
    return n >= 0;
}

/* Takes the next datagram, which must be from the one that c sends to, unless c follows. */
static int datagram_next(struct conn *c, long long deadline) {
    struct sockaddr_storage from;
    socklen_t len;
    char name[64], peer[64];
    if (!datagram_take(c, &from, &len, deadline))
        return 0;
    if (c->follow) {
        c->peer = from;
        c->peer_len = len;
        c->follow = 0;
    }
    name_peer(&from, len, name);
    name_peer(&c->peer, c->peer_len, peer);
    if (strcmp(name, peer) != 0)
        fail(c, NULL, &c->inbox, 0, "this datagram came from %s, it should have come from %s", name, peer);
    return 1;
}

/* The next datagram must be this; or, if `more` says so, may have more behind it. */
static void datagram_compare(struct step *s, int more) {
    struct bytes *inbox = &s->conn->inbox, *want = &s->bytes;
    size_t at = 0;
    if (!datagram_next(s->conn, after(patience)))
        fail(s->conn, want, NULL, 0, "no datagram came for %d ms", patience);
    while (at < want->length && at < inbox->length && inbox->data[at] == want->data[at])
        at++;
    if (at < want->length && at < inbox->length)
        fail(s->conn, want, inbox, at, "byte %zu differs", at);
    if (at < want->length || (!more && at < inbox->length))
        fail(s->conn, want, inbox, at, "a datagram of %zu bytes should have come, this one has %zu",
             want->length, inbox->length);
}

static void datagram_expect(struct step *s) { datagram_compare(s, 0); }
static void datagram_begins(struct step *s) { datagram_compare(s, 1); }

static void datagram_skip(struct step *s) {
    struct bytes *inbox = &s->conn->inbox;
    struct sockaddr_storage from;
    socklen_t len;
    long long deadline = after(patience);
    do
        if (!datagram_take(s->conn, &from, &len, deadline))
            fail(s->conn, &s->bytes, NULL, 0, "this datagram did not come in %d ms", patience);
    while (inbox->length != s->bytes.length || !has_at(inbox, 0, &s->bytes));
}

static void datagram_quiet(struct step *s) {
    struct sockaddr_storage from;
    socklen_t len;
    if (datagram_take(s->conn, &from, &len, after((long long)s->n)))
        fail(s->conn, NULL, &s->conn->inbox, 0, "nothing should have come here");
}

static const struct verb datagram_verbs[] = {
    {"open", "", ABSENT | CLOSED, datagram_open},
    {"at", "b", ABSENT | CLOSED, datagram_at},
    {"close", "", OPEN, step_close},
    {">", "b", OPEN, datagram_send},
    {"<", "b", OPEN, datagram_expect},
    {"<+", "b", OPEN, datagram_begins},
    {"<*", "b", OPEN, datagram_skip},
    {"follow", "", OPEN, datagram_follow},
    {"as", "c", OPEN, datagram_as},
    {"quiet", "n", OPEN, datagram_quiet},
    {"hold", "n", OPEN, step_hold},
    {0},
};

/* ---- the script ---- */

static void skip_blanks(void) { cursor += strspn(cursor, " \t\r"); }

/* What comes next in the line is not what belongs here. */
static _Noreturn void what_is(const char *wanted) {
    size_t len = *cursor ? strcspn(cursor + 1, " \t") + 1 : 0;
    if (len == 0)
        script_error("the line ends where there should be %s", wanted);
    script_error("what is \"%.*s\"? There should be %s", (int)len, cursor, wanted);
}

static size_t parse_number(void) {
    char *end;
    unsigned long value = strtoul(cursor, &end, 10);
    if (*cursor < '0' || *cursor > '9' || value > NUMBER_MAX)
        what_is("a number, up to 1000000000");
    cursor = end;
    return value;
}

/* Returns the connection whose name comes next; if nobody has it, a new one. */
static struct conn *parse_conn(void) {
    struct conn *c = conns;
    size_t len = strspn(cursor, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (len == 0 || len >= NAME_SIZE)
        what_is("a NAME (letters, digits, _ and -, 31 at most)");
    while (*c->name && (strncmp(c->name, cursor, len) != 0 || c->name[len]))
        if (++c == conns + CONNS_MAX)
            script_error("%d names are enough", CONNS_MAX);
    c->state = *c->name ? c->state : ABSENT;
    memcpy(c->name, cursor, len);
    cursor += len;
    return c;
}

/* Opens a connection at its first mention, and checks that it is what a step needs. */
static void prepare(struct conn *c, int states) {
    if (c->state == ABSENT && states & OPEN && !rehearsal)
        datagrams ? socket_bind(c, NULL, "0") : conn_open(c, 0);
    const char *other = c->state == CROWD ? "a crowd" : "not open";
    if (!(c->state & states) && !rehearsal)
        script_error("%s is %s", c->name, c->state == OPEN ? "an open connection" : other);
}

/* Appends what an escape stands for. */
static void parse_escape(struct bytes *b) {
    static const char letters[] = "nrt0\\\"{", meanings[] = "\n\r\t\0\\\"{";
    const char *letter = cursor[1] ? strchr(letters, cursor[1]) : NULL;
    if (letter) {
        bytes_add(b, &meanings[letter - letters], 1);
        cursor += 2;
    } else if (cursor[1] == 'x' && strspn(cursor + 2, "0123456789abcdefABCDEF") >= 2) {
        char hex[] = {cursor[2], cursor[3], '\0'};
        bytes_add(b, &(unsigned char){(unsigned char)strtoul(hex, NULL, 16)}, 1);
        cursor += 4;
    } else {
        what_is("one of \\n \\r \\t \\0 \\\\ \\\" \\{ \\xHH");
    }
}

/* Appends what {NAME} stands for: a port. */
static void parse_port(struct bytes *b) {
    cursor++;
    struct conn *c = parse_conn();
    if (*cursor++ != '}')
        script_error("{%s has no } (the brace itself is \\{)", c->name);
    prepare(c, OPEN | CLOSED);
    bytes_add(b, c->port, strlen(c->port));
}

/* Appends a string in quotes, as often as the *N after it says. */
static void parse_string(struct bytes *b) {
    const char *begin = cursor;
    size_t start = b->length, times = 1;
    if (*cursor != '"')
        what_is("a \"string\"");
    for (cursor++; *cursor != '"';) {
        if (*cursor == '\0')
            script_error("this string has no end: %s", begin);
        if (*cursor == '\\')
            parse_escape(b);
        else if (*cursor == '{')
            parse_port(b);
        else
            bytes_add(b, cursor++, 1);
    }
    if (*++cursor == '*') {
        cursor++;
        times = parse_number();
    }
    size_t len = b->length - start;
    if (len > 0 && times > BYTES_MAX / len)
        script_error("this string is over %d bytes long", BYTES_MAX);
    bytes_reserve(b, len * times + 1);
    for (size_t i = 1; len > 0 && i < times; i++)
        bytes_add(b, b->data + start, len);
    b->length = start + len * times;
}

/* Appends strings in quotes that touch, or, if `apart`, that stand side by side. */
static void parse_strings(struct bytes *b, int apart) {
    do {
        parse_string(b);
        if (apart)
            skip_blanks();
    } while (*cursor == '"');
}

/* Parses one argument of a step, of the kind that struct verb explains. */
static void parse_argument(struct step *s, char kind) {
    skip_blanks();
    if (kind == 'n' || (kind == 'o' && *cursor >= '0' && *cursor <= '9')) {
        s->n = parse_number();
    } else if (kind == 'm') {
        s->max = parse_number();
    } else if (kind == 'b' || (kind == 'f' && *cursor == '"')) {
        parse_strings(&s->bytes, 1);
    } else if (kind == 'p') {
        parse_strings(&s->ping, 0);
        skip_blanks();
        parse_strings(&s->pong, 0);
    } else if (kind == 'v' && strncmp(cursor, "via ", 4) == 0) {
        cursor += 4;
        skip_blanks();
        s->via = parse_conn();
        if (s->via == s->conn)
            script_error("%s must go via another connection", s->conn->name);
        prepare(s->via, OPEN);
        parse_argument(s, 'p');
    } else if (kind == 'c') {
        s->via = parse_conn();
        prepare(s->via, OPEN);
    }
}

static void parse_step(struct step *s) {
    s->conn = parse_conn();
    s->via = NULL;
    s->n = s->max = s->bytes.length = s->ping.length = s->pong.length = 0;
    skip_blanks();
    size_t len = strcspn(cursor, " \t\r\"#0123456789");
    s->verb = datagrams ? datagram_verbs : verbs;
    for (; s->verb->name && (strncmp(s->verb->name, cursor, len) != 0 || s->verb->name[len]); s->verb++)
        continue;
    if (!s->verb->name)
        what_is("a step (poke -h lists them)");
    cursor += len;
    prepare(s->conn, s->verb->states);
    for (const char *kind = s->verb->arguments; *kind; kind++)
        parse_argument(s, *kind);
    skip_blanks();
    if (*cursor && *cursor != '#')
        what_is("the end of the line");
}

/* Runs a script, whose lines each end in NUL; or, in a rehearsal, only parses it. */
static void run_script(struct bytes script) {
    struct step s = {.n = 0};
    line_number = 0;
    for (line = (char *)script.data; line < (char *)script.data + script.length; line += strlen(line) + 1) {
        line_number++;
        cursor = line;
        skip_blanks();
        if (strncmp(cursor, "say ", 4) == 0) {
            if (!rehearsal)
                puts(rule = cursor + 4);
        } else if (*cursor && *cursor != '#') {
            parse_step(&s);
            if (!rehearsal)
                s.verb->run(&s);
        }
    }
    free(s.bytes.data);
    free(s.ping.data);
    free(s.pong.data);
}

/* Reads all of stdin, and ends each of its lines in NUL. */
static void read_script(struct bytes *script) {
    while (!feof(stdin) && !ferror(stdin)) {
        bytes_reserve(script, BUFSIZ);
        script->length += fread(script->data + script->length, 1, BUFSIZ, stdin);
    }
    bytes_add(script, "\n", 1);
    line_number = 1;
    for (unsigned char *p = script->data; p < script->data + script->length; p++) {
        if (*p == '\0')
            script_error("a NUL byte (write \\0)");
        if (*p == '\n') {
            *p = '\0';
            line_number++;
        }
    }
}

/* ---- start ---- */

/* Returns the number from min to max that an argument stands for; anything else ends the program. */
static int argument_number(const char *text, int min, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value >= min && value <= max)
        return (int)value;
    fprintf(stderr, "poke: '%s' is not a number from %d to %d\n%s", text, min, max, usage);
    exit(2);
}

/* Finds the addresses of HOST PORT, or, if `port` is NULL, of HOST:PORT. */
static void find_server(char *host, char *port) {
    struct addrinfo hints = {.ai_socktype = datagrams ? SOCK_DGRAM : SOCK_STREAM};
    char *colon = strrchr(host, ':');
    if (port == NULL && colon) {
        *colon = '\0';
        port = colon + 1;
    }
    argument_number(port ? port : "", 1, 65535);
    size_t len = strlen(host);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        host++;
    }
    int error = getaddrinfo(host, port, &hints, &server);
    if (error) {
        fprintf(stderr, "poke: cannot find %s: %s\n", host, gai_strerror(error));
        exit(2);
    }
}

/* -p: binds the first socket, and says where. */
static void be_server(const char *port) {
    memcpy(conns->name, "server", sizeof "server");
    argument_number(port, 0, 65535);
    socket_bind(conns, "127.0.0.1", port);
    conns->follow = 1;
    fprintf(stderr, "poke: listening on 127.0.0.1:%s\n", conns->port);
}

int main(int argc, char **argv) {
    struct bytes script = nothing;
    struct rlimit files;
    const char *ms = getenv("POKE_MS"), *port = NULL;
    int option;
    while ((option = getopt(argc, argv, "huw:f:p:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0 || fputs(usage_datagrams, stdout) < 0;
        case 'w': ms = optarg; break;
        case 'u': datagrams = 1; break;
        case 'p': port = optarg; break;
        case 'f':
            if (freopen(optarg, "r", stdin) == NULL) {
                fprintf(stderr, "poke: cannot read %s: %s\n", optarg, strerror(errno));
                return 2;
            }
            break;
        default: return fputs(usage, stderr), 2;
        }
    int words = argc - optind;
    if (port ? !datagrams || words != 0 : words != 1 && words != 2)
        return fputs(usage, stderr), 2;
    if (ms)
        patience = argument_number(ms, 0, NUMBER_MAX);
    if (!port)
        find_server(argv[optind], argv[optind + 1]);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* a dead peer must not kill us */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max; /* for a crowd */
        setrlimit(RLIMIT_NOFILE, &files);
    }
    read_script(&script);
    if (port)
        be_server(port);
    for (rehearsal = 1; rehearsal >= 0; rehearsal--)
        run_script(script);
    for (struct conn *c = conns; c < conns + CONNS_MAX; c++)
        conn_close(c, 0);
    freeaddrinfo(server);
    free(script.data);
    return 0;
}
