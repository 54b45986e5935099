/* ws_cases.c - plays a table of WebSocket conversations to a server that echoes, and checks what comes back.
 *
 *     ws_cases 127.0.0.1 9090 < 06-cases.txt          each case at once
 *     ws_cases -m splits 127.0.0.1 9090 < 06-cases.txt   each case cut in two, at every point
 *
 * It sees nothing but the wire, and shares no code with the lesson. After each piece it makes a round trip on
 * a second connection: then the server has read the piece, and it alone. Start reading at play().
 */
#define _POSIX_C_SOURCE 200809L

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
#define EDGE  24  /* bytes that are near an end */

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

struct bytes {
    unsigned char *data;
    size_t length, size;
};

static const char *const names[16] = {"cont", "text", "binary", [8] = "close", "ping", "pong"};
static struct addrinfo *server;
static int patience = 5000;
static long line_number;

static void add(struct bytes *b, const void *data, size_t len) {
    if (b->length + len > b->size) {
        b->size = 2 * (b->length + len);
        b->data = realloc(b->data, b->size);
        if (b->data == NULL)
            exit(2);
    }
    memcpy(b->data + b->length, data, len);
    b->length += len;
}

static _Noreturn void table_error(const char *what, const char *where) {
    fprintf(stderr, "ws_cases: line %ld: %s at: %s\n", line_number, what, where);
    exit(2);
}

/* ---- the words of the table ---- */

/* Reads one "string", with its *N, from *at on. */
static void read_string(const char **at, struct bytes *into) {
    struct bytes piece = {NULL, 0, 0};
    const char *s = *at + 1;
    for (; *s && *s != '"'; s++) {
        unsigned char byte = (unsigned char)*s;
        unsigned hex;
        if (*s == '\\' && sscanf(s, "\\x%2x", &hex) == 1)
            byte = (unsigned char)hex, s += 3;
        else if (*s == '\\')
            s++, byte = *s == 'n' ? '\n' : *s == '0' ? 0 : (unsigned char)*s;
        add(&piece, &byte, 1);
    }
    if (*s != '"')
        table_error("a string without an end", *at);
    unsigned long times = 1;
    *at = s + 1;
    if (**at == '*')
        times = strtoul(*at + 1, (char **)at, 10);
    for (unsigned long i = 0; i < times; i++)
        add(into, piece.data, piece.length);
    free(piece.data);
}

struct frame {
    int fin, rsv, opcode, masked, extra; /* extra: bytes of length, 0: as few as needed */
    long long claims;                    /* the length that the header says; -1: that of the payload */
    struct bytes payload;
    int any_reason; /* of a close that shall come: only its code is given */
};

/* Reads what stands between two bars. Returns 0 if there is no frame left before the end. */
static int read_frame(const char **at, const char *end, struct frame *f) {
    char word[32];
    int size, found = 0;
    struct bytes none = {NULL, 0, 0};
    *f = (struct frame){1, 0, 0, 1, 0, -1, none, 0};
    while (!found && *at < end && sscanf(*at, " %31[^ |\n]%n", word, &size) == 1) {
        size_t len = strlen(word);
        *at += size;
        if (len > 1 && word[len - 1] == '-')
            f->fin = 0, word[len - 1] = '\0';
        if (strcmp(word, "unmasked") == 0)
            f->masked = 0;
        else if (sscanf(word, "rsv=%d", &f->rsv) == 1 || sscanf(word, "claims=%lld", &f->claims) == 1)
            continue;
        else if (sscanf(word, "len=%d", &f->extra) == 1)
            f->extra /= 8;
        else if (sscanf(word, "op=%d", &f->opcode) == 1)
            found = 1;
        else
            for (f->opcode = 0; !found; f->opcode += !found)
                if (f->opcode == 16)
                    table_error("an unknown word", word);
                else
                    found = names[f->opcode] && strcmp(names[f->opcode], word) == 0;
    }
    long code = found && f->opcode == 8 ? strtol(*at, (char **)at, 10) : 0;
    if (code > 0 || (found && f->opcode == 8 && (*at)[-1] == '0'))
        add(&f->payload, (unsigned char[]){(unsigned char)(code >> 8), (unsigned char)code}, 2);
    f->any_reason = code > 0;
    while (found && *at < end && (**at == ' ' || **at == '"'))
        if (**at == '"')
            read_string(at, &f->payload), f->any_reason = 0;
        else
            ++*at;
    return found;
}

static void write_frame(struct bytes *out, const struct frame *f) {
    uint64_t length = f->claims != -1 ? (uint64_t)f->claims : f->payload.length;
    size_t extra = f->extra ? (size_t)f->extra : length < 126 ? 0 : length < 65536 ? 2 : 8;
    static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};
    unsigned second = extra == 0 ? (unsigned)length : extra == 2 ? 126 : 127;
    unsigned char head[10] = {(unsigned char)(f->fin << 7 | f->rsv << 4 | f->opcode),
                              (unsigned char)((f->masked ? 128 : 0) | second)};
    for (size_t i = 0; i < extra; i++)
        head[2 + i] = (unsigned char)(length >> 8 * (extra - 1 - i));
    add(out, head, 2 + extra);
    if (f->masked)
        add(out, key, 4);
    size_t start = out->length;
    if (f->payload.length > 0)
        add(out, f->payload.data, f->payload.length);
    for (size_t i = 0; f->masked && i < f->payload.length; i++)
        out->data[start + i] ^= key[i % 4];
}

/* ---- the wire ---- */

struct conn {
    int fd, ended; /* ended: its stream from the server has */
    struct bytes in;
    size_t taken;
};

static struct conn conn_open(void) {
    struct conn c = {-1, 0, {NULL, 0, 0}, 0};
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
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return c;
}

static void conn_close(struct conn *c) {
    close(c->fd);
    free(c->in.data);
}

/* Sends, and meanwhile reads. With nothing to send it waits for something to come. Returns 0 if nothing
 * happened. */
static int exchange(struct conn *c, const unsigned char *data, size_t len) {
    size_t sent = 0;
    int waiting = len == 0;
    while (sent < len || waiting) {
        struct pollfd p = {c->fd, (short)((sent < len ? POLLOUT : 0) | (c->ended ? 0 : POLLIN)), 0};
        if (poll(&p, 1, patience) <= 0)
            return 0;
        if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
            unsigned char chunk[65536];
            ssize_t n = c->ended ? 0 : read(c->fd, chunk, sizeof chunk);
            if (n > 0)
                add(&c->in, chunk, (size_t)n);
            else if (n == 0 || (errno != EAGAIN && errno != EINTR))
                c->ended = 1;
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
        add(&c->in, "", 1);
        c->in.length--;
        const char *text = (const char *)c->in.data, *end = strstr(text, "\r\n\r\n");
        if (end)
            return c->taken = (size_t)(end + 4 - text),
                   strncmp(text, "HTTP/1.1 101 ", 13) == 0 && strstr(text, accepted);
        if (c->ended || !exchange(c, NULL, 0))
            return 0;
    }
}

/* Takes the next frame from the server. Returns 0 if there is none. */
static int next_frame(struct conn *c, struct frame *f) {
    for (;;) {
        const unsigned char *d = c->in.data + c->taken;
        size_t have = c->in.length - c->taken, size = 2;
        if (have >= 2) {
            uint64_t length = d[1] & 127;
            size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
            size += extra;
            if (extra && have >= size)
                for (size_t i = length = 0; i < extra; i++)
                    length = length << 8 | d[2 + i];
            if (have >= size && have - size >= length) {
                *f = (struct frame){d[0] >> 7, d[0] >> 4 & 7, d[0] & 15, d[1] >> 7, (int)extra,
                                    -1,        {NULL, 0, 0},  0};
                add(&f->payload, d + size, (size_t)length);
                c->taken += size + (size_t)length;
                return 1;
            }
        }
        if (c->ended || !exchange(c, NULL, 0))
            return 0;
    }
}

/* A round trip on a second connection: when it is back, the server has read what was sent before on the
 * first. */
static void turn(void) {
    static struct conn other = {-1, 0, {NULL, 0, 0}, 0};
    struct frame ping = {1, 0, 9, 1, 0, -1, {NULL, 0, 0}, 0}, pong;
    struct bytes out = {NULL, 0, 0};
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
    other.in.length = other.taken = 0;
}

/* ---- cases ---- */

static void show(const char *what, const struct frame *f) {
    fprintf(stderr, "    %s: %s%s", what, names[f->opcode] ? names[f->opcode] : "reserved",
            f->fin ? "" : "-");
    size_t from = 0;
    if (f->opcode == 8 && f->payload.length >= 2)
        fprintf(stderr, " %d", f->payload.data[0] << 8 | f->payload.data[1]), from = 2;
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
    size_t length = got->payload.length, least = length < 126 ? 0 : length < 65536 ? 2 : 8;
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

/* Takes the answers, then closes, unless the server has. Returns whether all was right. */
static int check_answers(struct conn *c, const char *answers) {
    struct frame want = {0};
    int closed = 0, good = 1;
    while (good && read_frame(&answers, strchr(answers, '\0'), &want)) {
        good = expect(c, &want);
        closed = want.opcode == 8;
        free(want.payload.data);
    }
    if (good && !closed) {
        const char *bye = "close 1000";
        struct bytes out = {NULL, 0, 0};
        read_frame(&bye, strchr(bye, '\0'), &want);
        write_frame(&out, &want);
        exchange(c, out.data, out.length);
        good = expect(c, &want);
        free(want.payload.data);
        free(out.data);
    }
    while (good && !c->ended)
        if (!exchange(c, NULL, 0))
            return fprintf(stderr, "    the connection does not end\n"), 0;
    if (good && c->taken < c->in.length)
        return fprintf(stderr, "    %zu bytes came after the last answer\n", c->in.length - c->taken), 0;
    return good;
}

enum mode { WHOLE, JOINED, BYTES, SPLITS };

/* Plays a case once; it is cut in two at `split`, 0: not; or, if that is its length, into single bytes. */
static int play(enum mode mode, const struct bytes *out, size_t split, const char *answers) {
    struct conn c = conn_open();
    struct bytes all = {NULL, 0, 0};
    int good = 1;
    if (mode == JOINED || mode == BYTES)
        add(&all, request, sizeof request - 1);
    else {
        exchange(&c, (const unsigned char *)request, sizeof request - 1);
        good = shake(&c);
    }
    add(&all, out->data, out->length);
    for (size_t i = 0, n; good && i < all.length; i += n) {
        n = mode == BYTES ? 1 : split > i ? split - i : all.length - i;
        if (!exchange(&c, all.data + i, n))
            good = 0, fprintf(stderr, "    the server takes no more after %zu bytes\n", i);
        if (i + n < all.length)
            turn();
    }
    if (good && c.taken == 0)
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
    struct bytes out = {NULL, 0, 0};
    struct frame f;
    int good = 1;
    add(&out, "", 0);
    while (read_frame(&frames, strchr(frames, '|'), &f)) {
        write_frame(&out, &f);
        free(f.payload.data);
    }
    size_t last = mode == SPLITS && out.length > 1 ? out.length - 1 : 1;
    for (size_t split = 1; good && split <= last; split++) {
        if (out.length > SHORT && split > EDGE && split < out.length - EDGE)
            split = out.length - EDGE;
        if (mode == BYTES && out.length > SHORT)
            break;
        good = play(mode, &out, mode == SPLITS ? split : 0, answers);
        if (!good && mode == SPLITS)
            fprintf(stderr, "    when it was cut after byte %zu of %zu\n", split, out.length);
    }
    if (!good)
        fprintf(stderr, "rule broken: %s\n", name);
    free(out.data);
    return good;
}

int main(int argc, char **argv) {
    static const char *const modes[] = {"whole", "joined", "bytes", "splits", NULL};
    static char line[4096];
    int option, failed = 0, count = 0, mode = WHOLE;
    if (getenv("POKE_MS"))
        patience = atoi(getenv("POKE_MS"));
    while ((option = getopt(argc, argv, "hm:w:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'w': patience = atoi(optarg); break;
        case 'm':
            for (mode = 0; modes[mode] && strcmp(modes[mode], optarg) != 0;)
                mode++;
            break;
        default: return fputs(usage, stderr), 2;
        }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (optind + 2 != argc || !modes[mode] ||
        getaddrinfo(argv[optind], argv[optind + 1], &hints, &server) != 0)
        return fputs(usage, stderr), 2;
    signal(SIGPIPE, SIG_IGN);
    while (fgets(line, sizeof line, stdin)) {
        char *frames = strchr(line, '|'), *answers = frames ? strchr(frames + 1, '|') : NULL;
        line_number++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (!answers)
            table_error("a case is NAME | FRAMES | FRAMES", line);
        *frames = '\0';
        failed += !run_case((enum mode)mode, line, frames + 1, answers + 1);
        count++;
    }
    fprintf(stderr, "%d of %d cases went well\n", count - failed, count);
    return failed > 0 || count == 0;
}
