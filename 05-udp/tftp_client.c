/* tftp_client.c - gets a file from a TFTP server, or puts one there.
 *
 *     terminal 1:  ./tftp_server -v -d .. -w
 *     terminal 2:  cc -o tftp_client tftp_client.c && ./tftp_client -g README.md -l - | head
 *                  ./tftp_client -v -s -g README.md                    one block, one ACK: as in 1981
 *                  head -c 100000 /dev/urandom | ./tftp_client -p noise -l - && rm ../noise
 *
 * Watch what a window (-w) and larger blocks (-b) do to the number of ACKs. The file appears when all of it is here.
 * Start reading at converse(). What makes it reliable is the block `transfer`, the same as in the server.
 * Left out: asking the next address of a name while the first is still silent.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define DRAW_MS   100 /* between two looks of the progress bar */
#define BAR_WIDTH 30  /* columns */
#define FILE_MAX  400 /* bytes of a file name: it has to fit into the request */
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

static const char program[] = "tftp_client";
static const char usage[] =
    "usage: tftp_client [-hvns] [-b BYTES] [-w BLOCKS] [-t MS] [-q MS] -g FILE|-p FILE [-l LOCAL] [HOST "
    "[PORT]]\n"
    "  -h         print this help\n"
    "  -v         show every packet on stderr, in hex and text, and what it means\n"
    "  -g FILE    get this file from the server ...\n"
    "  -p FILE    ... or put it there\n"
    "  -l LOCAL   its name here (default: the last part of FILE); -: standard output or input\n"
    "  -n         netascii: line ends are translated (default: octet, byte for byte)\n"
    "  -s         simple: no options, so blocks of 512 and a window of 1, as in RFC 1350\n"
    "  -b BYTES   ask for blocks of this size, 8 to 65464 (default 1428, which Ethernet takes whole)\n"
    "  -w BLOCKS  ask for a window of so many blocks under way, 1 to 64 (default 8)\n"
    "  -t MS      how long to wait for the first answer until the request is sent again; 10 at least\n"
    "             (default 250)\n"
    "  -q MS      give the server up when it brings nothing new for so long (default 10000)\n"
    "  HOST       name or address (default 127.0.0.1)\n"
    "  PORT       0 to 65535 (default 6969)\n";

/* ---- datagrams: the same in every UDP program of this course (see 05-udp/udp_echo_server.c) ---- */

#define NAME_SIZE 64 /* bytes: "[address%interface]:port" and its NUL */

struct address { /* of a peer: IPv4 or IPv6, and the port */
    struct sockaddr_storage ip;
    socklen_t len;
};

static int verbose;                /* -v */
static volatile sig_atomic_t stop; /* SIGINT or SIGTERM has come */
static void on_signal(int number) { stop = number; }

/* Milliseconds and their fractions, by a clock that nobody can set. */
static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1000000;
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

/* Writes "host:port" in digits: to ask DNS for a name instead could stop everything for seconds. */
static void name_address(const struct address *a, char name[NAME_SIZE]) {
    char host[NAME_SIZE - 9] = "?", port[6] = "?";
    getnameinfo((const struct sockaddr *)&a->ip, a->len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, NAME_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* The microscope of -v: "->" came from the peer, "<-" went to it; 16 bytes a row. */
static void show_wire(const struct address *peer, const char *arrow, const char *data, size_t len) {
    char name[NAME_SIZE];
    if (!verbose)
        return;
    name_address(peer, name);
    fprintf(stderr, "%s %s %zu byte%s\n", name, arrow, len, len == 1 ? "" : "s");
    for (size_t row = 0; row < len; row += 16) {
        char hex[16 * 3 + 1], text[16 + 1] = "";
        for (size_t i = 0; i < 16 && row + i < len; i++) {
            unsigned char byte = (unsigned char)data[row + i];
            snprintf(hex + 3 * i, 4, " %02x", byte);
            text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
        }
        fprintf(stderr, "%8zu %-48s  %s\n", row, hex, text);
    }
}

/* Takes one datagram, and whose it is. Returns its length, which may be 0, or -1 with errno. What `data` has no
 * room for the kernel throws away: then *cut is set. */
static ssize_t receive(int fd, char *data, size_t size, struct address *from, int *cut) {
    struct iovec room = {data, size};
    struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1};
    message.msg_name = &from->ip;
    message.msg_namelen = sizeof from->ip;
    ssize_t n = recvmsg(fd, &message, 0);
    from->len = message.msg_namelen;
    *cut = n >= 0 && (message.msg_flags & MSG_TRUNC) != 0;
    return n;
}

/* From here on signals come only in wait_until(), so that none is lost just before it sleeps. */
static void catch_signals(sigset_t *none) {
    sigset_t ends;
    sigemptyset(none);
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_SETMASK, &ends, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EPIPE instead */
}

/* Sleeps until one of the descriptors (writable: or NULL) is ready, or it is `until` in ms; -1: for ever. Returns
 * 0 if none is, as when a signal has come: then the sets say nothing. */
static int wait_until(double until, fd_set *readable, fd_set *writable, const sigset_t *none) {
    double ms = until - now_ms();
    struct timespec timeout = {0, 0};
    if (ms > 0) {
        timeout.tv_sec = (time_t)(ms / 1000);
        timeout.tv_nsec = (long)((ms - (double)timeout.tv_sec * 1000) * 1000000);
    }
    int n = pselect(FD_SETSIZE, readable, writable, NULL, until < 0 ? NULL : &timeout, none);
    sigset_t come;
    sigpending(&come); /* pselect() may let none in while there are datagrams: a busy program has to ask */
    stop |= sigismember(&come, SIGINT) | sigismember(&come, SIGTERM);
    return n > 0;
}
/* ---- end of datagrams ---- */

/* ---- transfer: the same in the TFTP server and the client (see 05-udp/tftp_server.c) ---- */

#define PACKET_MAX  65536 /* bytes: no UDP datagram is longer */
#define REQUEST_MAX 512   /* bytes of an RRQ, WRQ, OACK: RFC 2347 */
#define BLKSIZE     512   /* bytes of a block, unless a blksize is agreed: RFC 1350 */
#define WINDOW_MAX  64    /* blocks under way at most; RFC 7440 lets us answer with less than was asked */
#define FLIGHT_MAX  65536 /* bytes under way at most: Linux keeps about 100 KiB for a socket that reads late */
#define RTO_MIN     10    /* ms: a shorter timeout would take a busy peer for a lost datagram */
#define RTO_MAX     5000  /* ms: backoff ends here */

enum opcode { RRQ = 1, WRQ, DATA, ACK, ERROR, OACK }; /* RFC 1350, section 5; RFC 2347 */
enum error { OTHER, NOT_FOUND, ACCESS, DISK_FULL, ILLEGAL, UNKNOWN_TID, EXISTS, NO_USER, OPTION };
enum option { BLKSIZE_OPTION, TIMEOUT, TSIZE, WINDOWSIZE, OPTIONS }; /* RFCs 2348, 2349 and 7440 */

static const struct {
    const char *name;
    long long min, max;
} option_rules[OPTIONS] = {
    {"blksize", 8, 65464}, {"timeout", 1, 255}, {"tsize", 0, 999999999999999999}, {"windowsize", 1, 65535}};

struct position { /* where a block begins in the file */
    off_t offset;
    int half; /* netascii: the second half of a pair whose first is in the block before, or -1 */
};

enum state { OPENING, RUNNING, FINISHED, FAILED }; /* OPENING: nobody has answered `hello` */

struct transfer {
    int fd, file; /* its socket, whose port is our TID (transfer identifier); the local file */
    struct address peer;
    enum state state;
    int sending, netascii;       /* the blocks go from us to the peer; line ends are translated */
    int blksize, windowsize;     /* bytes; blocks */
    char hello[REQUEST_MAX];     /* RRQ, WRQ, OACK: to be repeated until it is answered */
    size_t hello_length;         /* 0: none */
    long long acked, done, last; /* block numbers that never wrap: confirmed; sent (or got, in order); the
                                      last of all, -1 while unknown */
    int hole;                    /* receiving: we have said that the block after `done` is missing */
    int cr;                      /* receiving netascii: a CR is waiting for its second half */
    long long highest;           /* sending: no block after this one has been sent yet */
    int nak_pause;               /* sending: so many windows are to be confirmed before we hear a NAK again */
    long long bytes, resent;     /* of the file; packets that went out again */
    double sent_at, due, progress; /* ms: of the last packet; when to send it again; of the last news */
    double srtt, rttvar, rto;      /* ms: RFC 6298; srtt is -1 until a round trip has been measured */
    int measuring, fixed; /* what is under way was never sent before; the peer chose the timeout (RFC 2349) */
    struct position begin[WINDOW_MAX + 1]; /* block n + 1 begins at begin[n % (WINDOW_MAX + 1)] */
};

/* What the program adds: the file has come to its end, make it last. Returns 0, or -1 with errno. */
static int transfer_complete(struct transfer *t);
/* A transfer has FINISHED, or FAILED for this reason. */
static void transfer_report(const struct transfer *t, const char *why);

/* Returns the length of the UTF-8 character that begins at s, or 0 if none does. */
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

/* Copies text of a peer for somebody's terminal: a NUL becomes a blank, and what could be a command to the terminal
 * (a control character) or is not UTF-8 a question mark. What `out` has no room for is left out. */
static void text_clean(const char *text, size_t len, char *out, size_t room) {
    const unsigned char *s = (const unsigned char *)text;
    size_t made = 0;
    for (size_t i = 0, n; i < len && made + 4 < room; i += n ? n : 1) {
        n = utf8_length(s + i, len - i);
        int c0 = n == 1 && (s[i] < ' ' || s[i] == 127), c1 = n == 2 && s[i] == 0xC2 && s[i + 1] < 0xA0;
        if (n == 0 || c0 || c1)
            out[made++] = s[i] == '\0' ? ' ' : '?';
        else
            memcpy(out + made, text + i, n), made += n;
    }
    out[made] = '\0';
}

/* Numbers have 16 bits and go in network byte order: the high byte first. */
static unsigned get16(const char *p) { return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1]; }
static void put16(char *p, long long number) {
    p[0] = (char)(number >> 8 & 0xFF);
    p[1] = (char)(number & 0xFF);
}

/* Shows a packet with -v: its bytes, and what they mean. */
static void show_packet(const struct address *peer, const char *arrow, const char *p, size_t len) {
    static const char *const names[] = {"no packet", "RRQ", "WRQ", "DATA", "ACK", "ERROR", "OACK"};
    char words[REQUEST_MAX] = "", number[40] = "";
    if (!verbose)
        return;
    unsigned opcode = len >= 4 && get16(p) <= OACK ? get16(p) : 0;
    if (opcode >= DATA && opcode <= ERROR)
        snprintf(number, sizeof number, " %u", get16(p + 2));
    if (opcode == DATA)
        snprintf(words, sizeof words, "%zu bytes", len - 4);
    size_t head = opcode == ERROR ? 4 : 2, end = len > head && p[len - 1] == '\0' ? len - 1 : len;
    if (opcode != 0 && opcode != ACK && opcode != DATA)
        text_clean(p + head, end - head, words, sizeof words);
    show_wire(peer, arrow, p, len);
    fprintf(stderr, "         %s%s%s%s\n", names[opcode], number, *words ? ": " : "", words);
}

/* Sends a packet. One that the kernel does not take is lost, as any may be: it will be sent again. */
static void packet_send(int fd, const struct address *to, const char *p, size_t len) {
    if (sendto(fd, p, len, 0, (const struct sockaddr *)&to->ip, to->len) >= 0)
        show_packet(to, "<-", p, len);
}

/* Sends an ERROR: its code, and words for people. It is sent once, nobody confirms it. */
static void error_send(int fd, const struct address *to, enum error code, const char *words) {
    char p[4 + 128];
    put16(p, ERROR);
    put16(p + 2, code);
    packet_send(fd, to, p, 5 + (size_t)snprintf(p + 4, sizeof p - 4, "%.120s", words));
}

/* Returns TFTP's code for an errno. */
static enum error error_code(int number) {
    switch (number) {
    case ENOENT: return NOT_FOUND;
    case EACCES:
    case EPERM:
    case ELOOP:
    case EISDIR:
    case ENOTDIR: return ACCESS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return DISK_FULL;
    case EEXIST: return EXISTS;
    default: return OTHER;
    }
}

/* Takes the next string, with its NUL, off a packet. Returns NULL if no NUL comes before the end. */
static const char *string_next(const char **at, const char *end) {
    const char *text = *at, *nul = at[0] < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
    *at = nul ? nul + 1 : end;
    return nul ? text : NULL;
}

/* Reads pairs of strings, name and value. An option that is missing gets -1, one whose value is none -2; those that
 * we do not know are passed over, as RFC 2347 wants it. Returns -1 if a string has no end or a name no value. */
static int options_parse(const char *at, const char *end, long long options[OPTIONS]) {
    for (int i = 0; i < OPTIONS; i++)
        options[i] = -1;
    while (at < end) {
        const char *name = string_next(&at, end), *value = string_next(&at, end);
        if (value == NULL)
            return -1;
        size_t digits = strspn(value, "0123456789");
        long long number = digits > 0 && digits < 19 && value[digits] == '\0' ? strtoll(value, NULL, 10) : -2;
        for (int i = 0; i < OPTIONS; i++)
            if (strcasecmp(name, option_rules[i].name) == 0)
                options[i] = number < option_rules[i].min || number > option_rules[i].max ? -2 : number;
    }
    return 0;
}

/* Adds a string with its NUL to a packet of REQUEST_MAX bytes. Returns the new length; the old one, if it is full. */
static size_t string_add(char *p, size_t len, const char *text) {
    size_t n = strlen(text) + 1;
    if (n > REQUEST_MAX - len)
        return len;
    memcpy(p + len, text, n);
    return len + n;
}

/* Adds the options that are not negative. */
static size_t options_add(char *p, size_t len, const long long options[OPTIONS]) {
    for (int i = 0; i < OPTIONS; i++)
        if (options[i] >= 0) {
            char number[24];
            snprintf(number, sizeof number, "%lld", options[i]);
            len = string_add(p, string_add(p, len, option_rules[i].name), number);
        }
    return len;
}

/* Text becomes netascii (RFC 764), until one of both is full: LF becomes CR LF, and CR becomes CR NUL. *half is the
 * second half of a pair that the end of the block has torn, or -1. Returns the bytes made, *used is what they took. */
static size_t netascii_encode(const char *in, size_t len, size_t *used, char *out, size_t room, int *half) {
    size_t made = 0, i = 0;
    while (made < room && (*half >= 0 || i < len)) {
        if (*half >= 0) {
            out[made++] = (char)*half;
            *half = -1;
        } else {
            char byte = in[i++];
            *half = byte == '\n' ? '\n' : byte == '\r' ? '\0' : -1;
            out[made++] = byte == '\n' ? '\r' : byte;
        }
    }
    *used = i;
    return made;
}

/* Netascii becomes text again. *cr: the block has ended with a CR, its second half comes in the next. `out` has room
 * for len + 1 bytes: a CR that stands alone is kept. Returns the bytes made. */
static size_t netascii_decode(const char *in, size_t len, char *out, int *cr) {
    size_t made = 0;
    for (size_t i = 0; i < len; i++) {
        int pair = *cr && (in[i] == '\n' || in[i] == '\0');
        if (*cr)
            out[made++] = in[i] == '\n' ? '\n' : '\r';
        *cr = !pair && in[i] == '\r';
        if (!pair && !*cr)
            out[made++] = in[i];
    }
    return made;
}

/* Takes blocks and a window as agreed; the timeout in ms, if the peer has chosen one, or 0. */
static void transfer_agree(struct transfer *t, long long blksize, long long windowsize, double timeout) {
    t->blksize = (int)blksize;
    t->windowsize = (int)windowsize;
    t->fixed = timeout > 0;
    t->rto = t->fixed ? timeout : t->rto;
}

/* Something has gone out, never before or once more: the clock for its answer starts. */
static void transfer_sent(struct transfer *t, int never_before) {
    t->sent_at = now_ms();
    t->due = t->sent_at + t->rto;
    t->measuring = never_before;
}

/* The peer has brought news: learns from the time that it took, unless it may be the answer to an older copy (Karn's
 * rule), and sets the timeout to the mean and four deviations: RFC 6298; RFC 1123, 4.2.3.2. */
static void transfer_news(struct transfer *t) {
    t->progress = now_ms();
    if (t->measuring) {
        double rtt = t->progress - t->sent_at, off = t->srtt < rtt ? rtt - t->srtt : t->srtt - rtt;
        t->rttvar = t->srtt < 0 ? rtt / 2 : t->rttvar * 3 / 4 + off / 4;
        t->srtt = t->srtt < 0 ? rtt : t->srtt * 7 / 8 + rtt / 8;
    }
    if (t->measuring && !t->fixed) {
        double rto = t->srtt + 4 * t->rttvar;
        t->rto = rto < RTO_MIN ? RTO_MIN : rto > RTO_MAX ? RTO_MAX : rto;
    }
    t->measuring = 0;
    t->due = t->progress + t->rto;
}

/* Ends a transfer, and tells the peer why. */
static void transfer_fail(struct transfer *t, enum error code, const char *why) {
    error_send(t->fd, &t->peer, code, why);
    t->state = FAILED;
    transfer_report(t, why);
}

/* Reads the block at *p, and moves *p to the one behind it. Returns its length, or -1 with errno. The last block
 * is the first that is not full, so of 0 bytes if the file ends with a full one. */
static ssize_t block_read(struct transfer *t, struct position *p, char *data) {
    static char text[PACKET_MAX];
    size_t size = (size_t)t->blksize, used;
    ssize_t n = pread(t->file, t->netascii ? text : data, size, p->offset);
    if (n >= 0 && t->netascii) {
        n = (ssize_t)netascii_encode(text, (size_t)n, &used, data, size, &p->half);
        p->offset += (off_t)used;
    } else if (n > 0) {
        p->offset += n;
    }
    return n;
}

/* Sends the block after `done`. Nothing is kept to send it again, for it can be read again. Returns -1 if not. */
static int block_send(struct transfer *t) {
    static char p[PACKET_MAX];
    struct position at = t->begin[t->done % (WINDOW_MAX + 1)];
    ssize_t n = block_read(t, &at, p + 4);
    if (n < 0) {
        transfer_fail(t, error_code(errno), strerror(errno));
        return -1;
    }
    t->begin[++t->done % (WINDOW_MAX + 1)] = at;
    if (n < t->blksize)
        t->last = t->done;
    if (t->done > t->highest)
        t->bytes += n;
    else
        t->resent++;
    put16(p, DATA);
    put16(p + 2, t->done);
    packet_send(t->fd, &t->peer, p, 4 + (size_t)n);
    return 0;
}

/* Sends what the window has room for. The answer to all of it measures a round trip if its last block is new. */
static void window_send(struct transfer *t) {
    while (t->done < t->acked + t->windowsize && t->done != t->last)
        if (block_send(t) < 0)
            return;
    transfer_sent(t, t->done > t->highest);
    t->highest = t->done > t->highest ? t->done : t->highest;
}

/* Confirms all that has come in order. */
static void ack_send(struct transfer *t, int again) {
    char p[4];
    put16(p, ACK);
    put16(p + 2, t->done);
    t->acked = t->done;
    packet_send(t->fd, &t->peer, p, sizeof p);
    t->resent += again;
    transfer_sent(t, !again);
}

/* The peer is there: the blocks begin, or the wait for them. */
static void transfer_run(struct transfer *t) {
    transfer_news(t);
    t->state = RUNNING;
    t->hello_length = 0;
    if (t->sending)
        window_send(t);
}

/* Sends the window again. Until it and the next one are confirmed no NAK is heard. */
static void window_again(struct transfer *t) {
    t->nak_pause = 2;
    t->done = t->acked;
    window_send(t);
}

/* Is an ACK that confirms nothing new a NAK: the first block of the window is missing (RFC 7440)? Or only a copy of the
 * ACK before? A copy comes too soon to be an answer to the window. And lest late copies make all go twice, the window
 * behind one that was sent again has no NAK. */
static int is_nak(const struct transfer *t) {
    return t->windowsize > 1 && t->nak_pause == 0 && t->srtt >= 0 && now_ms() - t->sent_at > t->srtt / 2;
}

/* Takes an ACK. One that confirms nothing new is not answered: if each copy of an ACK brought a copy of the DATA, and
 * that a copy of the ACK, all would go twice from then on (the Sorcerer's Apprentice, RFC 1123, 4.2.3.1). One from the
 * midst of a window says that the block behind it is missing: the window begins there (RFC 7440). */
static void ack_take(struct transfer *t, unsigned block) {
    long long fresh = (block - t->acked) & 0xFFFF;
    if (t->state == OPENING && block == 0)
        transfer_run(t);
    if (t->state != RUNNING || fresh > t->done - t->acked)
        return;
    if (fresh == 0) {
        if (is_nak(t))
            window_again(t);
        return;
    }
    t->measuring = t->measuring && fresh == t->done - t->acked;
    t->nak_pause -= t->nak_pause > 0;
    t->acked += fresh;
    t->done = t->acked;
    transfer_news(t);
    if (t->acked == t->last) {
        t->state = FINISHED;
        transfer_report(t, NULL);
    } else {
        window_send(t);
    }
}

/* Writes a block into the file. Returns -1 with errno. */
static int block_write(struct transfer *t, const char *data, size_t len) {
    static char text[PACKET_MAX + 1];
    int last = len < (size_t)t->blksize;
    if (t->netascii) {
        len = netascii_decode(data, len, text, &t->cr);
        if (last && t->cr)
            text[len++] = '\r';
        data = text;
    }
    t->bytes += (long long)len;
    for (ssize_t n; len > 0; data += n, len -= (size_t)n)
        if ((n = write(t->file, data, len)) < 0)
            return -1;
    return last ? transfer_complete(t) : 0;
}

/* Takes a block that is not the next one. One from further on tells of a hole: that is said once, and not for each
 * block behind it. One that we have confirmed already was sent again, so perhaps our ACK was lost. */
static void data_other(struct transfer *t, unsigned block, int behind) {
    if (!behind && t->windowsize > 1 && !t->hole) {
        t->hole = 1;
        ack_send(t, 0);
    } else if (behind && block == (t->done & 0xFFFF) && t->done == t->acked) {
        ack_send(t, 1);
    }
}

/* Takes DATA. Only the next block is used; a full window is confirmed, and so is the end, when the file is safe. */
static void data_take(struct transfer *t, unsigned block, const char *data, size_t len) {
    unsigned ahead = (block - (unsigned)(t->done & 0xFFFF) - 1) & 0xFFFF;
    if (t->state == OPENING && block == 1)
        transfer_run(t);
    if (len > (size_t)t->blksize) {
        transfer_fail(t, ILLEGAL, "that block is longer than agreed");
    } else if (ahead != 0 || t->state != RUNNING) {
        data_other(t, block, ahead > 0x8000);
    } else if (block_write(t, data, len) < 0) {
        transfer_fail(t, error_code(errno), strerror(errno));
    } else {
        t->done++;
        t->hole = 0;
        transfer_news(t);
        t->state = len < (size_t)t->blksize ? FINISHED : RUNNING;
        if (t->state == FINISHED || t->done - t->acked >= t->windowsize)
            ack_send(t, 0);
        if (t->state == FINISHED)
            transfer_report(t, NULL);
    }
}

/* Takes a packet of the peer. */
static void transfer_take(struct transfer *t, const char *p, size_t len) {
    unsigned opcode = len >= 4 ? get16(p) : 0;
    if (opcode == ERROR) {
        char words[160];
        int n = snprintf(words, sizeof words, "error %u: ", get16(p + 2));
        text_clean(p + 4, strnlen(p + 4, len - 4), words + n, sizeof words - (size_t)n);
        t->state = t->state == FINISHED ? FINISHED : FAILED;
        if (t->state == FAILED)
            transfer_report(t, words);
    } else if (opcode == DATA && !t->sending) {
        data_take(t, get16(p + 2), p + 4, len - 4);
    } else if (opcode == ACK && t->sending) {
        ack_take(t, get16(p + 2));
    } else if (t->state != FINISHED) {
        transfer_fail(t, ILLEGAL, "that packet makes no sense here");
    }
}

/* Sends again what has had no answer for too long, and waits twice as long for the next one. */
static void transfer_again(struct transfer *t) {
    if (!t->fixed)
        t->rto = t->rto * 2 < RTO_MAX ? t->rto * 2 : RTO_MAX;
    if (t->hello_length > 0) {
        packet_send(t->fd, &t->peer, t->hello, t->hello_length);
        t->resent++;
        transfer_sent(t, 0);
    } else if (t->sending) {
        window_again(t);
    } else {
        ack_send(t, t->done == t->acked); /* in the midst of a window the ACK is a new one */
    }
}

/* Are these the same host, and, if asked, the same port? */
static int address_same(const struct address *a, const struct address *b, int with_port) {
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)&a->ip,
                             *b4 = (const struct sockaddr_in *)&b->ip;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&a->ip,
                              *b6 = (const struct sockaddr_in6 *)&b->ip;
    if (a->ip.ss_family != b->ip.ss_family)
        return 0;
    if (a->ip.ss_family == AF_INET)
        return a4->sin_addr.s_addr == b4->sin_addr.s_addr && (!with_port || a4->sin_port == b4->sin_port);
    return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0 &&
           (!with_port || a6->sin6_port == b6->sin6_port);
}
/* ---- end of transfer ---- */

/* ---- the client ---- */

static const char *remote;       /* FILE */
static const char *local;        /* LOCAL */
static char server[300];         /* as the user has named it */
static char temporary[PATH_MAX]; /* what has come stands here until it is complete; "": none */
static int spooled;              /* LOCAL is no plain file: what comes is kept until the end */
static long long asked[OPTIONS]; /* the options of our request, -1: not asked for */
static long long total = -1;     /* bytes that the file has; -1: unknown */
static int first_timeout = 250, patience = 10000; /* -t, -q: ms */
static int heard;                                 /* the server has answered, be it with an ERROR */

/* Prints what failed, and why. Returns -1. */
static int complain(const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", program, what, why);
    return -1;
}

static void transfer_report(const struct transfer *t, const char *why) {
    char what[NAME_SIZE + 2 * REQUEST_MAX];
    (void)t;
    snprintf(what, sizeof what, "%s: %s", server, remote);
    if (why)
        complain(what, why);
}

/* All is here: gives the file its name, before the server is told so. */
static int transfer_complete(struct transfer *t) {
    (void)t;
    if (temporary[0] && rename(temporary, local) < 0)
        return -1;
    temporary[0] = '\0';
    return 0;
}

/* Copies all bytes from one descriptor to another; a signal ends that. Returns -1 after a line on stderr. */
static int copy_all(int from, int to, const char *name, const sigset_t *none) {
    static char data[PIPE_BUF];
    while (!stop) {
        fd_set ready;
        FD_ZERO(&ready);
        FD_SET(from, &ready);
        if (!wait_until(-1, &ready, NULL, none))
            continue;
        ssize_t n = read(from, data, sizeof data), put = 0;
        if (n < 0)
            return complain(name, strerror(errno));
        if (n == 0)
            return 0;
        for (ssize_t at = 0; at < n && !stop; at += put) {
            FD_ZERO(&ready);
            FD_SET(to, &ready);
            put = wait_until(-1, NULL, &ready, none) ? write(to, data + at, (size_t)(n - at)) : 0;
            if (put < 0)
                return complain(name, strerror(errno));
        }
    }
    return 0;
}

/* Returns a file without a name, which goes when it is closed. Ends the program if there is none. */
static int spool(void) {
    FILE *file = tmpfile();
    if (file != NULL)
        return fileno(file);
    complain("cannot make a temporary file", strerror(errno));
    exit(1);
}

/* Returns the file to put; or -1 after a line on stderr. What comes from a pipe is kept first, for a block may have
 * to be read again. */
static int open_source(const sigset_t *none) {
    struct stat status;
    int file = strcmp(local, "-") == 0 ? STDIN_FILENO : open(local, O_RDONLY);
    if (file < 0 || fstat(file, &status) < 0 || S_ISDIR(status.st_mode))
        return complain(local, strerror(file < 0 ? errno : EISDIR));
    if (!S_ISREG(status.st_mode) || file == STDIN_FILENO) {
        int kept = spool();
        if (copy_all(file, kept, local, none) < 0)
            return -1;
        file = kept;
    }
    if (fstat(file, &status) == 0)
        total = status.st_size;
    return file;
}

/* Returns where to put what comes: a new file beside LOCAL, that will get its name; or, if LOCAL is no plain file (a
 * pipe, /dev/null), one that is to be copied there. -1 after a line on stderr. */
static int open_target(void) {
    struct stat status;
    if (strcmp(local, "-") == 0 || (lstat(local, &status) == 0 && !S_ISREG(status.st_mode))) {
        spooled = 1;
        return spool();
    }
    mode_t mask = umask(0);
    umask(mask);
    int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", local);
    int file = n < (int)sizeof temporary ? mkstemp(temporary) : -1;
    if (file < 0) {
        temporary[0] = '\0';
        return complain(local, strerror(errno));
    }
    fchmod(file, 0666 & ~mask);
    return file;
}

/* Copies what has come to the LOCAL that is no plain file. Returns -1 after a line on stderr. */
static int copy_target(int kept, const sigset_t *none) {
    int to = strcmp(local, "-") == 0 ? STDOUT_FILENO : open(local, O_WRONLY | O_TRUNC);
    if (to < 0)
        return complain(local, strerror(errno));
    lseek(kept, 0, SEEK_SET);
    return copy_all(kept, to, "cannot write the output", none);
}

/* Draws the bar, on a terminal only. Returns when to draw it again, in ms; -1: never. */
static double draw(const struct transfer *t, double began) {
    static double next;
    double now = now_ms(), seconds = (now - began) / 1000, mib = (double)t->bytes / 1048576;
    char bar[BAR_WIDTH + 1];
    if (!isatty(STDERR_FILENO))
        return -1;
    if (now < next)
        return next;
    long long full = total > 0 && t->bytes < total ? t->bytes * BAR_WIDTH / total : BAR_WIDTH;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', total < 0 ? 0 : (size_t)full);
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %.1f MiB, %.1f MiB/s ", bar, mib, seconds > 0 ? mib / seconds : 0);
    return next = now + DRAW_MS;
}

/* Writes RRQ or WRQ: opcode, name, mode, options. Returns -1 if it does not fit. */
static int request_make(struct transfer *t) {
    put16(t->hello, t->sending ? WRQ : RRQ);
    size_t name_end = string_add(t->hello, 2, remote);
    t->hello_length = string_add(t->hello, name_end, t->netascii ? "netascii" : "octet");
    if (name_end == 2 || strlen(remote) > FILE_MAX)
        return complain(remote, "that name is too long");
    t->hello_length = options_add(t->hello, t->hello_length, asked);
    return 0;
}

/* Takes an OACK. Returns 0 if it grants only what we have asked for. */
static int oack_take(struct transfer *t, const char *p, size_t len) {
    long long granted[OPTIONS];
    if (options_parse(p + 2, p + len, granted) < 0)
        return -1;
    for (int i = 0; i < OPTIONS; i++)
        if (granted[i] != -1 && (asked[i] < 0 || granted[i] < 0 || (i != TSIZE && granted[i] > asked[i])))
            return -1;
    transfer_agree(t, granted[BLKSIZE_OPTION] > 0 ? granted[BLKSIZE_OPTION] : BLKSIZE,
                   granted[WINDOWSIZE] > 0 ? granted[WINDOWSIZE] : 1, 0);
    if (!t->sending)
        total = granted[TSIZE];
    transfer_run(t);
    return 0;
}

/* Takes the first answer, which tells the server's TID. Returns 0 if it is none. */
static int first_answer(struct transfer *t, const struct address *from, const char *p, size_t len) {
    unsigned opcode = len >= 4 ? get16(p) : 0;
    int plain =
        len >= 4 && (t->sending ? opcode == ACK && get16(p + 2) == 0 : opcode == DATA && get16(p + 2) == 1);
    if (!plain && opcode != OACK && opcode != ERROR)
        return 0;
    t->peer = *from;
    heard = 1;
    if (plain)
        transfer_agree(t, BLKSIZE, 1, 0); /* it knows no options, or we have asked for none */
    if (opcode != OACK)
        transfer_take(t, p, len);
    else if (oack_take(t, p, len) < 0)
        transfer_fail(t, OPTION, "those options were not asked for");
    else if (!t->sending)
        ack_send(t, 0);
    return 1;
}

/* Takes a datagram. Returns 0 if there was none. The server answers from a new port, its TID; what comes from another
 * host, or later from another port, is refused and changes nothing: anybody can send us something. */
static int client_read(struct transfer *t) {
    static char p[PACKET_MAX];
    struct address from;
    int cut;
    ssize_t n = receive(t->fd, p, sizeof p, &from, &cut);
    size_t len = n < 0 ? 0 : (size_t)n;
    if (n < 0)
        return 0;
    show_packet(&from, "->", p, len);
    int ours = address_same(&from, &t->peer, t->state != OPENING);
    if (t->state == OPENING && ours)
        ours = first_answer(t, &from, p, len);
    else if (ours && len >= 4 && get16(p) == OACK && !t->sending && t->done == 0)
        ack_send(t, 1); /* our ACK 0 was lost */
    else if (ours && (len < 4 || get16(p) != OACK))
        transfer_take(t, p, len);
    if (!ours && (len < 2 || get16(p) != ERROR))
        error_send(t->fd, &from, UNKNOWN_TID, "this port is for another transfer");
    return 1;
}

/* Does what is due: once more, or no more. */
static void client_tick(struct transfer *t) {
    char why[80];
    double now = now_ms();
    snprintf(why, sizeof why, "%s for %d ms, given up", heard ? "nothing new" : "no answer", patience);
    if (now >= t->progress + patience)
        transfer_fail(t, OTHER, why);
    else if (now >= t->due)
        transfer_again(t);
}

/* The loop: wait, read, answer. Returns when all is transferred, or nothing more will be. After the last ACK of a get
 * it stays for a moment: if that is lost, the last block comes again. */
static void converse(struct transfer *t, double began, const sigset_t *none) {
    while (!stop && t->state != FAILED) {
        double until = t->state == FINISHED ? t->progress + 2 * t->rto : t->due, bar = draw(t, began);
        if (t->state == FINISHED && (t->sending || now_ms() >= until))
            return;
        fd_set readable;
        FD_ZERO(&readable);
        FD_SET(t->fd, &readable);
        if (wait_until(bar >= 0 && bar < until ? bar : until, &readable, NULL, none))
            for (int n = 0; n < t->windowsize && t->state != FAILED && client_read(t); n++)
                continue;
        if (t->state == OPENING || t->state == RUNNING)
            client_tick(t);
    }
}

/* Asks the server at one address, and transfers the file. */
static void ask(struct transfer *t, const struct addrinfo *a, const sigset_t *none) {
    double began = now_ms();
    memcpy(&t->peer.ip, a->ai_addr, t->peer.len = a->ai_addrlen);
    if ((t->fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) < 0) {
        complain(server, strerror(errno));
        return;
    }
    fcntl(t->fd, F_SETFL, O_NONBLOCK);
    t->state = OPENING;
    t->rto = first_timeout < RTO_MIN ? RTO_MIN : first_timeout;
    t->progress = began;
    packet_send(t->fd, &t->peer, t->hello, t->hello_length);
    transfer_sent(t, 1);
    converse(t, began, none);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr); /* the bar goes */
    if (stop && t->state != FINISHED && t->state != FAILED)
        transfer_fail(t, OTHER, "interrupted");
    if (t->state == FINISHED)
        fprintf(stderr, "%s: %s: %lld bytes %s, %lld packets again, %.0f ms\n", program, remote, t->bytes,
                t->sending ? "sent" : "received", t->resent, t->progress - began);
    close(t->fd);
}

/* Returns the addresses that a name stands for, IPv6 and IPv4; none ends the program. */
static struct addrinfo *resolve(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error == 0)
        return found;
    fprintf(stderr, "%s: cannot find %s: %s\n", program, host, gai_strerror(error));
    exit(1);
}

/* Transfers the file, with the first address that answers. Returns -1 after a line on stderr. */
static int transfer_file(struct transfer *t, const struct addrinfo *addresses, int simple,
                         const sigset_t *none) {
    if ((t->file = t->sending ? open_source(none) : open_target()) < 0)
        return -1;
    asked[TSIZE] = simple || t->netascii ? -1 : t->sending ? total : 0;
    int result = request_make(t);
    for (const struct addrinfo *a = addresses; a && result == 0 && !heard && !stop; a = a->ai_next)
        ask(t, a, none);
    if (t->state == FINISHED && !t->sending && spooled)
        result = copy_target(t->file, none);
    if (temporary[0])
        unlink(temporary);
    return t->state == FINISHED || stop ? result : -1;
}

/* Prints what is wrong with the command, and the usage. Returns 2, the exit code for that. */
static int misused(const char *what, const char *why) {
    fprintf(stderr, "%s: %s%s\n%s", program, what, why, usage);
    return 2;
}

/* Returns the last part of a path. */
static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int argc, char **argv) {
    static struct transfer t = {.last = -1, .srtt = -1, .begin[0].half = -1, .windowsize = 1};
    int option, blksize = 1428, windowsize = 8, simple = 0, files = 0;
    while ((option = getopt(argc, argv, "hvnsb:w:t:q:g:p:l:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'n': t.netascii = 1; break;
        case 's': simple = 1; break;
        case 'b': blksize = parse_number(optarg, 65464); break;
        case 'w': windowsize = parse_number(optarg, WINDOW_MAX); break;
        case 't': first_timeout = parse_number(optarg, 60000); break;
        case 'q': patience = parse_number(optarg, 3600000); break;
        case 'g':
        case 'p':
            t.sending = option == 'p';
            remote = optarg;
            files++;
            break;
        case 'l': local = optarg; break;
        default: return fputs(usage, stderr), 2;
        }
    const char *host = optind < argc ? argv[optind++] : "127.0.0.1";
    const char *port = optind < argc ? argv[optind++] : "6969";
    if (optind < argc)
        return misused(argv[optind], " is one argument too many");
    parse_number(port, 65535);
    if (remote == NULL || files != 1)
        return misused("which file? ", "-g FILE gets one, -p FILE puts one");
    if (local == NULL)
        local = last_part(remote);
    if (*local == '\0' || blksize < 8 || windowsize < 1)
        return misused(*local == '\0' ? "a file has a name" : "a block has 8 bytes or more, a window a block",
                       "");
    asked[TIMEOUT] = -1;
    asked[BLKSIZE_OPTION] = simple ? -1 : blksize;
    asked[WINDOWSIZE] = simple ? -1 : windowsize;
    snprintf(server, sizeof server, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    struct addrinfo *addresses = resolve(host, port);
    sigset_t none;
    catch_signals(&none);
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EFBIG instead */
    int result = transfer_file(&t, addresses, simple, &none);
    freeaddrinfo(addresses);
    return result < 0;
}
