/* heartbeat_client.c - sends lines to a server that may be away at times: each arrives once, and in order.
 *
 *     terminal 1:  ./heartbeat_server
 *     terminal 2:  cc -o heartbeat_client heartbeat_client.c && ./heartbeat_client     type lines; Ctrl-D ends
 *                  seq 100 | ./heartbeat_client -n counter
 *     terminal 3:  kill -STOP the server; wait; type a line in terminal 2; kill -CONT the server
 *
 * Watch terminal 2: a server that is stopped sends no FIN, so only a probe without an answer shows that it is
 * away. Then the client waits, 2, 4, 8 ... seconds, tries again, and sends what was not acknowledged once more.
 * Start reading at main(), then fire_timers(). Left out: the name of the server is looked up only once.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WORD_MAX   32       /* bytes in a name */
#define TEXT_MAX   1000     /* bytes in a message: with "MSG ", 18 digits and a blank it fits into a line */
#define QUEUE_MAX  1000     /* messages that wait for their ACK */
#define WINDOW     32       /* of which so many are under way: a PING behind them must not wait for long */
#define PROBES_MAX 16       /* probes under way */
#define CHUNK      4096     /* bytes read at once */
#define OUT_MAX    65536    /* bytes that wait for the kernel to take them: HELLO, a window, the probes */
#define MSG_ROOM   2048     /* of those, bytes for a message and some probes behind it */
#define LEAVE_MS   500      /* how long we wait for the server's FIN after ours */
#define DAY_MS     86400000 /* the longest time that an option takes */

static const char program[] = "heartbeat_client";
static const char usage[] =
    "usage: heartbeat_client [-hvkj] [-n NAME] [-i MS] [-t MS] [-c MS] [-b MS] [-m MS] [HOST [PORT]]\n"
    "  -h       print this help\n"
    "  -v       show every read and write on stderr, in hex and text\n"
    "  -n NAME  1 to 32 bytes, no blanks: who the messages are from (default client and the process number)\n"
    "  -i MS    send a probe so often (default 5000)\n"
    "  -t MS    an answer that takes longer means: the server is dead (default 2000)\n"
    "  -c MS    a connection that takes longer to open has failed (default 3000)\n"
    "  -b MS    the first wait before a new try, doubled with each failure (default 2000)\n"
    "  -m MS    the longest wait; when it was in vain, too, give up (default 64000)\n"
    "  -k       keep trying at the longest wait\n"
    "  -j       wait not so long but any time up to that, by dice (full jitter)\n"
    "  HOST     name or address (default 127.0.0.1)\n"
    "  PORT     0 to 65535 (default 5204)\n"
    "Each line of the input is a message. Exit: 0 all are acknowledged, 1 not all.\n";

/* ---- backoff: the same in both programs of 04-heartbeat that wait (see 04-heartbeat/backoff.c) ---- */

/* Returns how many ms to wait after so many failures in a row: `first`, twice that, four times that, and so on
 * up to `longest`. Returns -1 when the longest wait was in vain, too: time to give up, unless `keep`. */
static long long backoff_ms(long long failures, long long first, long long longest, int keep) {
    long long wait = first < longest ? first : longest;
    while (--failures > 0 && wait < longest)
        wait = wait > longest / 2 ? longest : 2 * wait;
    return failures > 0 && !keep ? -1 : wait;
}

/* Full jitter: returns 0 to `wait` ms, each as likely as any other. The dice are splitmix64, with `*state` as
 * their memory: any number to begin with, and not the same for two clients. */
static long long backoff_jitter(long long wait, uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (long long)((z ^ z >> 31) % ((uint64_t)wait + 1));
}
/* ---- end of backoff ---- */

/* ---- lines: the same in every line server of this course (see 01-echo/menu_server.c) ---- */

#define LINE_SIZE 1024 /* bytes in a line, without its end; a longer one is refused as a whole */

/* Bytes that are no text. IAC begins a telnet command (RFC 854); no UTF-8 text contains it. */
enum { CTRL_D = 4, SE = 240, SB = 250, WILL, WONT, DO, DONT, IAC };

struct line {
    unsigned char telnet, answer[3]; /* what of a telnet command has come; a refusal to be sent */
    int too_long;
    size_t length;
    char text[LINE_SIZE + 1];
};

enum event { NOTHING, LINE, TOO_LONG, ANSWER, END };

/* Returns the length in bytes, 1 to 4, of the UTF-8 character (RFC 3629) at s, or 0 if there is none. */
static size_t utf8_length(const unsigned char *s, size_t len) {
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
    if (n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    int overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    int surrogate = s[0] == 0xED && s[1] > 0x9F, beyond = s[0] == 0xF4 && s[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : n;
}

/* Makes text safe to print on somebody's terminal: what is not UTF-8 becomes question marks, and so does
 * every control character, for with one (ESC, or U+0080 to U+009F) the commands to a terminal begin. */
static void text_clean(char *text, size_t len) {
    unsigned char *s = (unsigned char *)text;
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = utf8_length(s + i, len - i);
        int c0 = n == 1 && ((s[i] < ' ' && s[i] != '\t') || s[i] == 127);
        int c1 = n == 2 && s[i] == 0xC2 && s[i + 1] < 0xA0;
        if (n == 0 || c0 || c1)
            memset(s + i, '?', n ? n : 1);
    }
}

/* Takes a byte of a telnet command and returns 1; or returns 0, for the byte is text. */
static int telnet_feed(struct line *l, unsigned char byte, enum event *event) {
    switch (l->telnet) {
    case 0: l->telnet = byte == IAC ? IAC : 0; return byte == IAC;
    case IAC: l->telnet = byte >= SB && byte < IAC ? byte : 0; return 1;
    case SB: l->telnet = byte == IAC ? SE : SB; return 1;
    case SE: l->telnet = byte == SE ? 0 : SB; return 1;
    case WILL:
    case DO: /* "I will", "Do you": "No" to all of it, or telnet waits (after Ctrl-C it even shows nothing) */
        memcpy(l->answer, (unsigned char[]){IAC, l->telnet == DO ? WONT : DONT, byte}, 3);
        *event = ANSWER;
    }
    l->telnet = 0;
    return 1;
}

/* Takes the next byte. Returns LINE when l->text is a line, clean and without its end; TOO_LONG at the end of
 * one that was; ANSWER when l->answer is to be sent; END for Ctrl-D, which telnet sends as a byte. */
static enum event line_feed(struct line *l, unsigned char byte) {
    enum event event = NOTHING;
    if (telnet_feed(l, byte, &event) || byte == '\r') /* a CR is half of CR LF, or would move the cursor */
        return event;
    if (byte == '\n') {
        event = l->too_long ? TOO_LONG : LINE;
        text_clean(l->text, l->length);
        l->text[l->length] = '\0';
        l->length = 0;
        l->too_long = 0;
    } else if (byte == CTRL_D && l->length == 0) {
        event = END;
    } else if (l->length < LINE_SIZE) {
        l->text[l->length++] = (char)byte;
    } else {
        l->too_long = 1;
    }
    return event;
}
/* ---- end of lines ---- */

enum state { CONNECTING, OPEN, CLOSING, CLOSED };
static const char *const state_names[] = {"CONNECTING", "OPEN", "CLOSING", "CLOSED"};

struct probe {                  /* number 7 has its place at 7 % PROBES_MAX */
    long long number, deadline; /* ms: when its timer fires; 0: it is not under way */
};

static enum state state = CONNECTING;
static int fd = -1;                     /* the connection, or the one we try; -1: none */
static int connected;                   /* its handshake is over; OPEN it is only with WELCOME */
static const struct addrinfo *address;  /* CONNECTING: the one that we try */
static long long until;                 /* ms: CONNECTING, CLOSING: too long; CLOSED: time for a new try */
static long long next_probe;            /* ms: OPEN */
static struct probe probes[PROBES_MAX]; /* OPEN */
static struct line incoming;            /* the line that the server is about to complete */
static char out[OUT_MAX];               /* bytes for the server */
static size_t out_length;

static char queue[QUEUE_MAX][TEXT_MAX + 1]; /* a ring of messages without ACK, the oldest at queue[head] */
static int head, waiting, under_way;        /* so many wait, of which so many are sent on this connection */
static long long head_seq;                  /* the number of the oldest; 0: not known before WELCOME */
static long long highest;                   /* the highest number that we have sent */
static char input[CHUNK];                   /* input[input_start] to input[input_end - 1] is not yet used */
static size_t input_start, input_end;
static int input_eof;
static struct line typed;           /* the line that the input is about to complete */
static long long failures, refused; /* failures in a row; lines that were not taken */

static char name[WORD_MAX + 1], server[300];
static const struct addrinfo *addresses;
static int interval = 5000, timeout = 2000, patience = 3000; /* ms: -i, -t, -c */
static int first = 2000, longest = 64000, keep, jitter;      /* -b, -m, -k, -j */
static uint64_t dice;
static long long began;
static int finished, result; /* result: the exit code */

static int verbose;                /* -v */
static volatile sig_atomic_t stop; /* SIGINT or SIGTERM has come */
static void on_signal(int number) { stop = number; }

/* Milliseconds, by a clock that nobody can set: with the time of day a timer would fire when somebody does. */
static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Returns the number, 0 to max, that an argument stands for; anything else ends the program. */
static int parse_number(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value <= max)
        return (int)value;
    fprintf(stderr, "%s: '%s' is not a number from 0 to %d\n%s", program, text, max, usage);
    exit(2);
}

/* Returns the ms, 1 to a day, that an argument stands for; anything else ends the program. */
static int parse_ms(const char *text) {
    int ms = parse_number(text, DAY_MS);
    if (ms > 0)
        return ms;
    fprintf(stderr, "%s: 0 ms is too short\n%s", program, usage);
    exit(2);
}

/* Returns the addresses that a name stands for, IPv6 and IPv4; none ends the program. */
static struct addrinfo *resolve(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error == 0)
        return found;
    fprintf(stderr, "%s: cannot find %s: %s\n", program, host, gai_strerror(error));
    exit(1);
}

/* The microscope of -v: "->" came from the peer, "<-" went to it; 16 bytes a row. */
static void show_wire(const char *peer, const char *arrow, const char *data, size_t len) {
    if (verbose)
        fprintf(stderr, "%s %s %zu byte%s\n", peer, arrow, len, len == 1 ? "" : "s");
    for (size_t row = 0; verbose && row < len; row += 16) {
        char hex[16 * 3 + 1], text[16 + 1] = "";
        for (size_t i = 0; i < 16 && row + i < len; i++) {
            unsigned char byte = (unsigned char)data[row + i];
            snprintf(hex + 3 * i, 4, " %02x", byte);
            text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
        }
        fprintf(stderr, "%8zu %-48s  %s\n", row, hex, text);
    }
}

/* ---- The log: every line begins with the ms since the start. ---- */

/* Says what has happened, put as for printf(). */
static void note(const char *format, ...) {
    va_list arguments;
    fprintf(stderr, "%s: %lld ms ", program, now_ms() - began);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* Goes to another state, and says why. */
static void change(enum state next, const char *why, const char *what_now) {
    note("%s -> %s: %s%s", state_names[state], state_names[next], why, what_now);
    state = next;
}

/* ---- The connection: how it comes about, and how it ends. ---- */

/* Is there nothing to be delivered, now or later? */
static int is_done(void) { return input_eof && input_start == input_end && waiting == 0; }

static void finish(int code) {
    finished = 1;
    result = code;
}

/* The connection has ended, or none came about. Says why, and when there will be a new try, if any. */
static void lose(const char *why) {
    char what_now[64] = "";
    close(fd);
    fd = -1;
    long long wait = backoff_ms(++failures, first, longest, keep);
    if (state == CLOSING) {
        finish(0);
    } else if (is_done()) {
        finish(head_seq == 0);
    } else if (wait < 0) {
        snprintf(what_now, sizeof what_now, "; giving up");
        finish(1);
    } else {
        wait = jitter ? backoff_jitter(wait, &dice) : wait;
        snprintf(what_now, sizeof what_now, "; next try in %lld ms", wait);
        until = now_ms() + wait;
    }
    change(CLOSED, why, what_now);
}

/* The server does not want us, or is none of ours: to try again would not help. */
static void give_up(const char *why) {
    change(CLOSED, why, "; giving up");
    close(fd);
    fd = -1;
    finish(!is_done() || head_seq == 0);
}

/* Begins to connect to the first of these addresses that does not fail at once. ERROR: what is to be told if
 * there is none, an errno. The connection itself comes later, when select() says "writable". */
static void connect_to(const struct addrinfo *a, int error) {
    for (; a; a = a->ai_next) {
        close(fd);
        if ((fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) >= FD_SETSIZE || fd < 0) {
            error = fd < 0 ? errno : EMFILE;
            continue;
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* no waiting to fill a packet */
        address = a;
        connected = 0;
        until = now_ms() + patience; /* a connect that hangs is a failure, too */
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)
            return;
        error = errno;
    }
    char why[400];
    snprintf(why, sizeof why, "%s: %s", server, strerror(error));
    lose(why);
}

/* Queues a line for the server, put as for printf(). Callers see to it that there is room for it: a server that
 * acknowledges what it has not read would else make `out` grow. */
static void send_line(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    out_length += (size_t)vsnprintf(out + out_length, OUT_MAX - out_length, format, arguments);
    va_end(arguments);
}
static int has_room(size_t bytes) { return OUT_MAX - out_length > bytes; }

/* select() says "writable": the handshake is over, well or not. */
static void on_connected(void) {
    int error = 0;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
    if (error != 0) {
        connect_to(address->ai_next, error);
        return;
    }
    connected = 1;
    incoming = (struct line){0};
    under_way = 0; /* whatever was not acknowledged is to be sent again */
    out_length = 0;
    send_line("HELLO %s\n", name);
}

/* Ends an open connection politely: sends FIN, and waits for the server's. */
static void leave(const char *why) {
    if (state == OPEN) {
        change(CLOSING, why, "");
        shutdown(fd, SHUT_WR);
        until = now_ms() + LEAVE_MS;
    } else if (state != CLOSING) {
        finish(0);
    }
}

/* ---- Messages: they are queued until acknowledged. ---- */

/* Takes a line of the input. While the server is known to be away and the queue is full, it is refused. */
static void take_line(enum event event, const char *text) {
    if (event == TOO_LONG || strlen(text) > TEXT_MAX) {
        note("refused, for it is over %d bytes: a line of the input", TEXT_MAX);
        refused++;
    } else if (waiting == QUEUE_MAX) {
        note("refused, for %d messages wait already: %s", QUEUE_MAX, text);
        refused++;
    } else {
        snprintf(queue[(head + waiting++) % QUEUE_MAX], TEXT_MAX + 1, "%s", text);
    }
}

/* Uses what was read of the input. With a full queue the rest has to wait, unless the server is away. */
static void take_input(void) {
    while (input_start < input_end && (waiting < QUEUE_MAX || state == CLOSED)) {
        unsigned char byte = (unsigned char)input[input_start++];
        enum event event = line_feed(&typed, byte == IAC ? '?' : byte); /* the input is no telnet */
        if (event == LINE || event == TOO_LONG)
            take_line(event, typed.text);
    }
}

static void read_input(void) {
    ssize_t n = read(STDIN_FILENO, input, CHUNK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    input_start = 0;
    input_end = n > 0 ? (size_t)n : 0;
    if (n <= 0) {
        input_eof = 1;
        if (typed.length > 0 || typed.too_long) /* the last line may lack its end */
            input[input_end++] = '\n';
    }
}

/* Sends what has not been sent on this connection, as far as the window is open. */
static void send_messages(void) {
    for (; under_way < waiting && under_way < WINDOW && has_room(MSG_ROOM); under_way++) {
        long long seq = head_seq + under_way;
        send_line("MSG %lld %s\n", seq, queue[(head + under_way) % QUEUE_MAX]);
        highest = seq > highest ? seq : highest;
    }
}

/* The server has all messages up to this one. */
static void on_ack(long long seq) {
    int before = waiting;
    for (; under_way > 0 && head_seq <= seq; head_seq++, under_way--, waiting--)
        head = (head + 1) % QUEUE_MAX;
    if (waiting == 0 && before > 0)
        note("all acknowledged, up to %lld", head_seq - 1);
}

/* ---- What the server says. ---- */

/* WELCOME and the number of the last message that the server has from us, maybe from an earlier run. */
static void on_welcome(long long last) {
    if (head_seq > 0 && last > highest) {
        give_up("somebody else has used our name");
        return;
    }
    head_seq = head_seq > 0 ? head_seq : last + 1;
    failures = 0;
    memset(probes, 0, sizeof probes);
    next_probe = now_ms() + interval;
    char why[64];
    snprintf(why, sizeof why, "WELCOME %lld, and %d wait", last, waiting);
    change(OPEN, why, "");
}

/* Returns the number, from 0 on, in a line that consists of a word, a blank and a number; else -1. */
static long long number(const char *line, const char *word) {
    size_t len = strlen(word), digits;
    if (strncmp(line, word, len) != 0 || line[len] != ' ')
        return -1;
    digits = strspn(line + len + 1, "0123456789");
    return digits > 0 && digits <= 18 && line[len + 1 + digits] == '\0' ? strtoll(line + len, NULL, 10) : -1;
}

static void on_line(const char *text) {
    long long n = 0;
    char why[LINE_SIZE + 32];
    snprintf(why, sizeof why, "the server says %s", text);
    if ((n = number(text, "WELCOME")) >= 0 && state == CONNECTING)
        on_welcome(n);
    else if ((n = number(text, "ACK")) >= 0 && state != CONNECTING)
        on_ack(n);
    else if ((n = number(text, "PONG")) >= 0 && state != CONNECTING) {
        if (probes[n % PROBES_MAX].number == n)
            probes[n % PROBES_MAX].deadline = 0; /* its answer cancels its timer */
    } else if (strncmp(text, "ERROR", 5) == 0)
        give_up(why);
    else
        lose(why);
}

static void read_server(void) {
    char chunk[CHUNK];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n > 0)
        show_wire(server, "->", chunk, (size_t)n);
    else if (n == 0)
        lose("the server hung up");
    else if (errno != EAGAIN && errno != EINTR)
        lose(strerror(errno));
    for (ssize_t i = 0; i < n && fd >= 0; i++) {
        enum event event = line_feed(&incoming, (unsigned char)chunk[i]);
        if (event == LINE)
            on_line(incoming.text);
        else if (event == TOO_LONG)
            lose("the server says too much in one line");
    }
}

/* Writes what waits for the server, once. */
static void flush_out(void) {
    ssize_t n = write(fd, out, out_length);
    if (n > 0) {
        show_wire(server, "<-", out, (size_t)n);
        out_length -= (size_t)n;
        memmove(out, out + n, out_length);
    } else if (errno != EAGAIN && errno != EINTR) {
        lose(strerror(errno));
    }
}

/* ---- Time. ---- */

/* Sends a probe, and starts its timer. With all timers running it is left out. */
static void send_probe(long long now) {
    static long long number;
    struct probe *p = &probes[(number + 1) % PROBES_MAX];
    next_probe = next_probe + interval > now ? next_probe + interval : now + interval;
    if (p->deadline > 0)
        return;
    p->number = ++number;
    p->deadline = now_ms() + timeout + 1; /* now_ms() rounds down */
    if (has_room(LINE_SIZE))              /* if not, the server reads nothing, and the timer will tell */
        send_line("PING %lld\n", number);
}

/* Returns the probe whose timer fires next, or NULL. */
static const struct probe *first_probe(void) {
    const struct probe *found = NULL;
    for (const struct probe *p = probes; p < probes + PROBES_MAX; p++)
        if (p->deadline > 0 && (found == NULL || p->deadline < found->deadline))
            found = p;
    return found;
}

/* Returns in how many ms the next timer fires. */
static long long time_left(long long now) {
    long long next = state == OPEN ? next_probe : until;
    if (state == OPEN && first_probe() && first_probe()->deadline < next)
        next = first_probe()->deadline;
    return next > now ? next - now : 0;
}

/* Does what is due. NOW is from before the last look at the socket: an answer that was there in time has been
 * read, even if it was us who were away (stopped, or asleep with the lid closed). */
static void fire_timers(long long now) {
    char why[64];
    if (state == CONNECTING && now >= until) {
        if (!connected) {
            connect_to(address->ai_next, ETIMEDOUT);
        } else {
            snprintf(why, sizeof why, "no WELCOME within %d ms", patience);
            lose(why);
        }
    } else if (state == OPEN && first_probe() && now >= first_probe()->deadline) {
        snprintf(why, sizeof why, "no PONG %lld within %d ms", first_probe()->number, timeout);
        lose(why);
    } else if (state == OPEN && now >= next_probe) {
        send_probe(now);
    } else if (state == CLOSING && now >= until) {
        lose("no FIN from the server");
    } else if (state == CLOSED && !finished && now >= until) {
        change(CONNECTING, server, "");
        connect_to(addresses, 0);
    }
}

/* ---- The loop. ---- */

/* Waits for what is worth waiting for. Returns 0, and the sets say nothing, if a signal came first. */
static int wait_for(long long ms, fd_set *readable, fd_set *writable) {
    static sigset_t all, none;
    FD_ZERO(readable);
    FD_ZERO(writable);
    if (!input_eof && input_start == input_end && (waiting < QUEUE_MAX || state == CLOSED))
        FD_SET(STDIN_FILENO, readable);
    if (fd >= 0 && connected)
        FD_SET(fd, readable);
    if (fd >= 0 && (!connected || (out_length > 0 && state != CLOSING)))
        FD_SET(fd, writable);
    sigfillset(&all);
    sigemptyset(&none);
    struct timespec limit = {(time_t)(ms / 1000), (long)(ms % 1000 * 1000000)};
    int n = pselect(FD_SETSIZE, readable, writable, NULL, &limit, &none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* pselect() may let no signal in while there are bytes to */
    sigprocmask(SIG_SETMASK, &all, NULL);  /* carry: so that a busy client hears it, open the door */
    return n >= 0;
}

/* One turn: waits, reads, and does what has become possible or due. */
static void turn(void) {
    fd_set readable, writable;
    long long now = now_ms();
    if (!wait_for(time_left(now), &readable, &writable))
        return;
    int tried = fd; /* this one was looked at */
    if (FD_ISSET(STDIN_FILENO, &readable))
        read_input();
    if (tried >= 0 && FD_ISSET(tried, &writable)) {
        if (!connected)
            on_connected();
        else
            flush_out();
    }
    if (tried >= 0 && fd == tried && connected && FD_ISSET(tried, &readable))
        read_server();
    fire_timers(now);
    take_input();
    if (state == OPEN)
        send_messages();
    if (state == OPEN && is_done())
        leave("the input has ended, and all is acknowledged");
    if (state == CLOSED && is_done())
        finish(result || head_seq == 0);
    if (fd >= 0 && connected && out_length > 0 && state != CLOSING)
        flush_out();
}

static void catch_signals(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* only pselect() lets signals in: none is lost before it sleeps */
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EPIPE instead */
}

/* Sets the name that the messages are from. */
static void set_name(const char *text) {
    if (*text && strlen(text) <= WORD_MAX && !strpbrk(text, " \t\r\n")) {
        snprintf(name, sizeof name, "%s", text);
        text_clean(name, strlen(name));
        return;
    }
    fprintf(stderr, "%s: '%s' is no name of 1 to %d bytes without blanks\n%s", program, text, WORD_MAX,
            usage);
    exit(2);
}

static void parse_options(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "hvkjn:i:t:c:b:m:")) != -1)
        switch (option) {
        case 'h': exit(fputs(usage, stdout) < 0);
        case 'v': verbose = 1; break;
        case 'k': keep = 1; break;
        case 'j': jitter = 1; break;
        case 'n': set_name(optarg); break;
        case 'i': interval = parse_ms(optarg); break;
        case 't': timeout = parse_ms(optarg); break;
        case 'c': patience = parse_ms(optarg); break;
        case 'b': first = parse_ms(optarg); break;
        case 'm': longest = parse_ms(optarg); break;
        default: fputs(usage, stderr), exit(2);
        }
}

int main(int argc, char **argv) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    dice = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec + (uint64_t)getpid() * 1000003u;
    snprintf(name, sizeof name, "client%ld", (long)getpid());
    parse_options(argc, argv);
    const char *host = optind < argc ? argv[optind++] : "127.0.0.1";
    const char *port = optind < argc ? argv[optind++] : "5204";
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage);
        return 2;
    }
    parse_number(port, 65535);
    snprintf(server, sizeof server, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    struct addrinfo *found = resolve(host, port);
    catch_signals();
    began = now_ms();
    connect_to(addresses = found, 0);
    while (!finished) {
        turn();
        if (stop)
            leave("a signal");
    }
    close(fd);
    freeaddrinfo(found);
    if (waiting > 0)
        note("%d not acknowledged", waiting);
    return stop ? 0 : result || refused > 0;
}
