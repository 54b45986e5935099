/* ws_cases.c - plays a table of WebSocket conversations to a server that echoes, and checks what comes back.
 *
 *     ws_cases 127.0.0.1 9090 < 06-cases.txt          each case at once
 *     ws_cases -m splits 127.0.0.1 9090 < 06-cases.txt   each case cut in two, at every point
 *
 * It sees nothing but the wire, and shares no code with the lesson. After each piece it makes a round trip on a second
 * connection: then the server has read the piece, and it alone. Start reading at play(); the words of the table are in
 * ws_words.c.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "ws_words.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SHORT 600 /* bytes: longer cases are cut near their ends only, and not into single bytes */
#define EDGE  16  /* bytes that are near an end: a header has 14 at most */

static const char usage[] =
    "usage: ws_cases [-h] [-m MODE] [-w MS] HOST PORT < TABLE\n"
    "  -h       print this help\n"
    "  -m MODE  how the bytes are cut: whole, joined (with the request before them), bytes (one at a time),\n"
    "           splits (in two, at every point) (default whole)\n"
    "  -w MS    how long to wait for what shall come (default $POKE_MS, else 5000)\n"
    "A case is a line: NAME | FRAMES THAT ARE SENT | FRAMES THAT SHALL COME BACK\n"
    "A frame is: text binary cont close ping pong or op=N; with a dash (text-) it is not the last of its "
    "message;\n"
    "  behind it, for a close, a code; then bytes: \"\\xHH\\n\" \"a\"*5, joined. In front of it may stand "
    "rsv=N, unmasked,\n"
    "  claims=N (the length that the header says), len=16 or len=64 (a length in a longer form than "
    "needed).\n"
    "Of a close that shall come the reason may be left out.\n"
    "After a case whose answers have no close, a close is sent and has to come back. Then the stream has to "
    "end.\n"
    "Exit: 0 all is as it shall be, 1 it is not, 2 bad usage or table.\n";

static const char request[] =
    "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char accepted[] = "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

static struct addrinfo *server;
static int patience = 5000; /* ms */

/* ---- the wire ---- */

struct conn {
    int fd;
    int ended;       /* nothing more comes from the server */
    struct bytes in; /* what has come */
    size_t taken;    /* bytes of it that are used */
};

static struct conn conn_open(void) {
    static const int on = 1;
    struct conn c = {.fd = -1};
    for (struct addrinfo *a = server; a && c.fd < 0; a = a->ai_next) {
        c.fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (c.fd >= 0 && connect(c.fd, a->ai_addr, a->ai_addrlen) < 0) {
            close(c.fd);
            c.fd = -1;
        }
    }
    if (c.fd < 0) {
        perror("ws_cases: cannot connect");
        exit(2);
    }
    fcntl(c.fd, F_SETFL, O_NONBLOCK);
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return c;
}

static void conn_close(struct conn *c) {
    close(c->fd);
    free(c->in.data);
}

/* Reads once, when there is something to read. */
static void receive(struct conn *c) {
    unsigned char chunk[65536];
    ssize_t n = read(c->fd, chunk, sizeof chunk);
    if (n > 0)
        bytes_add(&c->in, chunk, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        c->ended = 1;
}

/* Sends, and meanwhile reads. With nothing to send it waits for something to come. Returns 0 if nothing happened. */
static int exchange(struct conn *c, const unsigned char *data, size_t len) {
    size_t sent = 0;
    int waiting = len == 0;
    while (sent < len || waiting) {
        struct pollfd p = {.fd = c->fd, .events = c->ended ? 0 : POLLIN};
        if (sent < len)
            p.events |= POLLOUT;
        if (poll(&p, 1, patience) <= 0)
            return 0;
        if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
            if (!c->ended)
                receive(c);
            waiting = 0;
        }
        if (p.revents & POLLOUT) {
            ssize_t n = write(c->fd, data + sent, len - sent);
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                return 1; /* the server has hung up: what it said before is still to be read */
            sent += n > 0 ? (size_t)n : 0;
        }
    }
    return 1;
}

/* Takes the answer to the handshake. Returns 0 if it is wrong. */
static int shake(struct conn *c) {
    for (;;) {
        bytes_add(&c->in, "", 1); /* a NUL behind it, for strstr() */
        c->in.length--;
        const char *text = (const char *)c->in.data, *end = strstr(text, "\r\n\r\n");
        if (end) {
            c->taken = (size_t)(end + 4 - text);
            return strncmp(text, "HTTP/1.1 101 ", 13) == 0 && strstr(text, accepted);
        }
        if (c->ended || !exchange(c, NULL, 0))
            return 0;
    }
}

/* Understands the frame that `have` bytes begin with. Returns its size, 0 if it is not there as a whole. */
static size_t parse_frame(struct frame *f, const unsigned char *d, size_t have) {
    if (have < 2)
        return 0;
    uint64_t length = d[1] & 127;
    size_t extra = length < 126 ? 0 : 2;
    if (length == 127)
        extra = 8;
    if (have < 2 + extra)
        return 0;
    if (extra > 0)
        length = 0;
    for (size_t i = 0; i < extra; i++)
        length = length << 8 | d[2 + i];

    size_t size = 2 + extra;
    if (have - size < length)
        return 0;
    *f = (struct frame){.fin = d[0] >> 7,
                        .rsv = d[0] >> 4 & 7,
                        .opcode = d[0] & 15,
                        .masked = d[1] >> 7,
                        .extra = (int)extra};
    bytes_add(&f->payload, d + size, (size_t)length);
    return size + (size_t)length;
}

/* Takes the next frame from the server. Returns 0 if there is none. */
static int next_frame(struct conn *c, struct frame *f) {
    for (;;) {
        size_t size = parse_frame(f, c->in.data + c->taken, c->in.length - c->taken);
        c->taken += size;
        if (size > 0)
            return 1;
        if (c->ended || !exchange(c, NULL, 0))
            return 0;
    }
}

/* A round trip on a second connection: when it is back, the server has read what was sent before on the first. */
static void turn(void) {
    static struct conn other = {.fd = -1};
    struct frame ping = {.fin = 1, .opcode = 9, .masked = 1, .claims = -1}, pong;
    struct bytes out = {0};
    if (other.fd < 0) {
        other = conn_open();
        exchange(&other, (const unsigned char *)request, sizeof request - 1);
        if (!shake(&other))
            exit(2);
    }
    write_frame(&out, &ping);
    exchange(&other, out.data, out.length);
    if (next_frame(&other, &pong))
        free(pong.payload.data);
    free(out.data);
    other.in.length = 0;
    other.taken = 0;
}

/* ---- cases ---- */

static void show(const char *what, const struct frame *f) {
    fprintf(stderr, "    %s: %s%s", what, frame_names[f->opcode] ? frame_names[f->opcode] : "reserved",
            f->fin ? "" : "-");
    size_t from = 0;
    if (f->opcode == 8 && f->payload.length >= 2) {
        fprintf(stderr, " %d", f->payload.data[0] << 8 | f->payload.data[1]);
        from = 2;
    }
    fprintf(stderr, " \"");
    for (size_t i = from; i < f->payload.length && i < 40; i++)
        if (f->payload.data[i] >= ' ' && f->payload.data[i] < 127)
            fputc(f->payload.data[i], stderr);
        else
            fprintf(stderr, "\\x%02x", f->payload.data[i]);
    fprintf(stderr, "\"%s, %zu bytes\n", f->payload.length > 40 ? "..." : "", f->payload.length);
}

/* Is this what shall come? A frame of a server has no mask, and its length the shortest form. */
static int same(const struct frame *want, const struct frame *got) {
    size_t length = got->payload.length, least = length < 65536 ? 2 : 8;
    if (length < 126)
        least = 0;
    int as_long = want->any_reason ? length >= 2 : length == want->payload.length;
    return got->fin == want->fin && got->rsv == 0 && got->opcode == want->opcode && !got->masked &&
           (size_t)got->extra == least && as_long &&
           (want->payload.length == 0 ||
            memcmp(got->payload.data, want->payload.data, want->payload.length) == 0);
}

/* Checks one frame that shall come. Returns whether it did. */
static int expect(struct conn *c, const struct frame *want) {
    struct frame got;
    if (!next_frame(c, &got)) {
        show("expected", want);
        fprintf(stderr, "    received: %s\n", c->ended ? "the end" : "nothing more");
        return 0;
    }
    int good = same(want, &got);
    if (!good) {
        show("expected", want);
        show("received", &got);
    }
    free(got.payload.data);
    return good;
}

/* Closes, and expects the same back. Returns whether it came. */
static int say_goodbye(struct conn *c) {
    const char *bye = "close 1000";
    struct bytes out = {0};
    struct frame f;
    read_frame(&bye, strchr(bye, '\0'), &f);
    write_frame(&out, &f);
    exchange(c, out.data, out.length);
    int good = expect(c, &f);
    free(f.payload.data);
    free(out.data);
    return good;
}

/* Takes the answers, then closes, unless the server has. Returns whether all was right. */
static int check_answers(struct conn *c, const char *answers) {
    struct frame want;
    int closed = 0, good = 1;
    while (good && read_frame(&answers, strchr(answers, '\0'), &want)) {
        good = expect(c, &want);
        closed = want.opcode == 8;
        free(want.payload.data);
    }
    if (good && !closed)
        good = say_goodbye(c);

    while (good && !c->ended)
        if (!exchange(c, NULL, 0)) {
            fprintf(stderr, "    the connection does not end\n");
            return 0;
        }
    if (good && c->taken < c->in.length) {
        fprintf(stderr, "    %zu bytes came after the last answer\n", c->in.length - c->taken);
        return 0;
    }
    return good;
}

enum mode { WHOLE, JOINED, BYTES, SPLITS };

/* Sends bytes: the first `split` at once, if there are any, then the rest at once, or each by itself. After each piece
 * comes a round trip. Returns whether the server has taken them. */
static int send_cut(struct conn *c, const struct bytes *all, size_t split, int single) {
    size_t n;
    for (size_t i = 0; i < all->length; i += n) {
        n = split > i ? split - i : all->length - i;
        if (single && i >= split)
            n = 1;
        if (!exchange(c, all->data + i, n)) {
            fprintf(stderr, "    the server takes no more after %zu bytes\n", i);
            return 0;
        }
        if (i + n < all->length)
            turn();
    }
    return 1;
}

/* Plays a case once; `split` bytes go first, 0: none do. Returns whether all was right. */
static int play(enum mode mode, const struct bytes *out, size_t split, const char *answers) {
    struct conn c = conn_open();
    struct bytes all = {0};
    int good = 1, together = mode == JOINED || mode == BYTES;
    if (together) {
        bytes_add(&all, request, sizeof request - 1);
    } else {
        exchange(&c, (const unsigned char *)request, sizeof request - 1);
        good = shake(&c);
    }
    bytes_add(&all, out->data, out->length);
    good = good && send_cut(&c, &all, split, mode == BYTES);
    if (good && together)
        good = shake(&c);
    if (!good)
        fprintf(stderr, "    the handshake fails\n");

    good = good && check_answers(&c, answers);
    conn_close(&c);
    free(all.data);
    return good;
}

/* Plays a case in every way that the mode has. Returns whether all went well. */
static int run_case(enum mode mode, const char *name, const char *frames, const char *answers) {
    struct bytes out = {0};
    struct frame f;
    static int seen; /* the request is the same in each case, so only the first has it byte by byte */
    int good = 1;
    while (read_frame(&frames, strchr(frames, '|'), &f)) {
        write_frame(&out, &f);
        free(f.payload.data);
    }

    if (mode != SPLITS && !(mode == BYTES && out.length > SHORT))
        good = play(mode, &out, mode == BYTES && seen++ ? sizeof request - 5 : 0, answers);
    for (size_t split = 1; good && mode == SPLITS && split < out.length; split++) {
        if (out.length > SHORT && split > EDGE && split < out.length - EDGE)
            split = out.length - EDGE;
        good = play(mode, &out, split, answers);
        if (!good)
            fprintf(stderr, "    when it was cut after byte %zu of %zu\n", split, out.length);
    }
    if (!good)
        fprintf(stderr, "rule broken: %s\n", name);
    free(out.data);
    return good;
}

/* Takes a line of the table apart, in place, and plays it. Returns whether all went well. */
static int run_line(enum mode mode, char *line) {
    char *frames = strchr(line, '|'), *answers = frames ? strchr(frames + 1, '|') : NULL;
    line[strcspn(line, "\n")] = '\0';
    if (!answers)
        table_error("a case is NAME | FRAMES | FRAMES", line);
    *frames = '\0';
    return run_case(mode, line, frames + 1, answers + 1);
}

int main(int argc, char **argv) {
    static const char *const modes[] = {"whole", "joined", "bytes", "splits", NULL};
    static char line[4096];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int option, failed = 0, count = 0, mode = WHOLE;
    if (getenv("POKE_MS"))
        patience = atoi(getenv("POKE_MS"));
    while ((option = getopt(argc, argv, "hm:w:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'w': patience = atoi(optarg); break;
        case 'm':
            mode = 0;
            while (modes[mode] && strcmp(modes[mode], optarg) != 0)
                mode++;
            break;
        default: fputs(usage, stderr); return 2;
        }
    if (optind + 2 != argc || !modes[mode] ||
        getaddrinfo(argv[optind], argv[optind + 1], &hints, &server) != 0) {
        fputs(usage, stderr);
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);
    while (fgets(line, sizeof line, stdin)) {
        line_number++;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        failed += !run_line((enum mode)mode, line);
        count++;
    }
    fprintf(stderr, "%d of %d cases went well\n", count - failed, count);
    return failed > 0 || count == 0;
}
