/* tftp_server.c - hands out the files of a folder, and takes new ones, over UDP: TFTP, for many clients at once.
 *
 *     terminal 1:  cc -o tftp_server tftp_server.c && ./tftp_server -v -d ..
 *     terminal 2:  ./tftp_client -g README.md -l -            or: curl tftp://127.0.0.1:6969/README.md
 *     terminal 3:  ./tftp_server -p 6970 -w -d /tmp           takes files, too:
 *                  ./tftp_client -p demo.sh 127.0.0.1 6970
 *
 * Watch the ports: a request comes to 6969, each transfer gets a port of its own (its TID), and every block waits for
 * its ACK. Start reading at serve(). What a name may be: folder_of(). What makes it reliable: the block `transfer`.
 * Left out: passwords, for TFTP has none; multicast (RFC 2090); and with -a 0.0.0.0 the address that was asked, which
 * POSIX does not tell: the kernel chooses from which one the answer goes.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
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
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX     ((FD_SETSIZE - 64) / 2) /* transfers at once: each has a socket and a file */
#define SOCKETS_MAX  16                      /* addresses to listen on */
#define TURN_MAX     64                      /* datagrams of one socket before the others have their turn */
#define HALF_OPEN_MS 1000 /* who has not said a word for so long gives way when there is no room */

static const char program[] = "tftp_server";
static const char usage[] =
    "usage: tftp_server [-hvwo] [-a ADDRESS]... [-p PORT] [-d DIR] [-t MS] [-q MS]\n"
    "  -h          print this help\n"
    "  -v          show every packet on stderr, in hex and text, and what it means\n"
    "  -w          take new files, too: let clients write (default: only hand out)\n"
    "  -o          let clients overwrite files that are there (only with -w)\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1); several: a socket for each. With\n"
    "              0.0.0.0 or :: (all) the kernel chooses the address that an answer comes from\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 6969)\n"
    "  -d DIR      the folder of the files (default: the current one); nothing outside of it is touched\n"
    "  -t MS       how long to wait for the first answer, before it has been measured how long that takes,\n"
    "              until it is sent again; 10 at least (default 250)\n"
    "  -q MS       give a client up that brings nothing new for so long (default 30000)\n";

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

/* ---- binding: the same in every UDP server of this course (see 05-udp/udp_echo_server.c) ---- */

/* Returns a socket that gets what is sent to this address, after saying which; or ends the program. There is no
 * SO_REUSEADDR: UDP has no old connections to wait for, and with it two servers could have the same port. */
static int bind_on(const char *host, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_DGRAM}, *found = NULL, *a;
    struct address own = {.len = sizeof own.ip};
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s:%s", host, port);
    int fd = -1, error = getaddrinfo(host, port, &hints, &found);
    for (a = found; a; a = a->ai_next) {
        memcpy(&own.ip, a->ai_addr, own.len = a->ai_addrlen);
        name_address(&own, name);
        if ((fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) < 0)
            continue;
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && fd < FD_SETSIZE)
            break;
        close(fd);
    }
    if (a == NULL) {
        const char *why = error ? gai_strerror(error) : strerror(errno);
        fprintf(stderr, "%s: cannot listen on %s: %s\n", program, name, why);
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&own.ip, &own.len); /* with -p 0: the port that it has become */
    name_address(&own, name);
    fprintf(stderr, "%s: listening on %s\n", program, name);
    fcntl(fd, F_SETFL, O_NONBLOCK); /* a datagram with a wrong checksum wakes select(), and is gone */
    freeaddrinfo(found);
    return fd;
}
/* ---- end of binding ---- */

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

/* ---- the folder: names stay inside ---- */

static int root;                 /* the folder of the files, -d */
static int writing, overwriting; /* -w, -o */

/* Closes a descriptor, and leaves errno to what has failed before. Returns -1. */
static int close_quietly(int fd) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Opens the folder that a file is in, and sets *base to the name of the file there. Returns -1 with errno. No part
 * of a path may begin with a dot: not "..", no hidden file, nor a put that is under way. No part may be empty: no
 * path begins at the root. And no part is followed if it is a symbolic link, which could lead out. */
static int folder_of(const char *path, const char **base) {
    int folder = dup(root);
    for (size_t len; folder >= 0; path += len + 1) {
        char part[REQUEST_MAX];
        len = strcspn(path, "/");
        if (len == 0 || *path == '.') {
            errno = EACCES;
            return close_quietly(folder);
        }
        *base = path;
        if (path[len] == '\0')
            return folder;
        snprintf(part, sizeof part, "%.*s", (int)len, path);
        int next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close_quietly(folder);
        folder = next;
    }
    return -1;
}

/* Opens a file to be read. Returns -1 with errno. A FIFO or a device is not opened: it could stop us all. */
static int file_to_get(const char *path, struct stat *status) {
    const char *base;
    int folder = folder_of(path, &base);
    if (folder < 0)
        return -1;
    int file = openat(folder, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    close_quietly(folder);
    if (file < 0 || (fstat(file, status) == 0 && S_ISREG(status->st_mode)))
        return file;
    errno = EACCES;
    return close_quietly(file);
}

/* Opens a file to be written, under a name that nobody can get, in the folder where it will stand. Returns -1 with
 * errno. Whether it may stand there is asked now, too, or the client would hear it only after the last block. */
static int file_to_put(const char *path, long long size, char *temporary, size_t room) {
    static unsigned number;
    struct stat there;
    struct statvfs disk;
    const char *base;
    int file = -1, folder = folder_of(path, &base);
    if (folder < 0)
        return -1;
    int exists = fstatat(folder, base, &there, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists && (!overwriting || !S_ISREG(there.st_mode)))
        errno = overwriting ? EACCES : EEXIST;
    else if (size > 0 && fstatvfs(folder, &disk) == 0 &&
             (unsigned long long)size / disk.f_frsize > disk.f_bavail)
        errno = ENOSPC;
    else
        do { /* an old one can be there, if a server was killed */
            snprintf(temporary, room, ".tftp-%ld-%u", (long)getpid(), ++number);
            file = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        } while (file < 0 && errno == EEXIST);
    close_quietly(folder);
    return file;
}

/* ---- jobs: the transfers under way ---- */

struct job {
    struct transfer t; /* the first member, so that a job can be found by its transfer */
    int open, heard;   /* in use; the client has said something since its request */
    char peer[NAME_SIZE], path[REQUEST_MAX], shown[REQUEST_MAX]; /* shown: the path, clean for the log */
    char temporary[40];                                          /* "": none */
    double began;                                                /* ms */
};

static struct job jobs[JOBS_MAX];
static int top;                                   /* no job from here on is open */
static int first_timeout = 250, patience = 30000; /* -t, -q: ms */

/* Gives a put its name, when all of it is on the disk. link() never overwrites, rename() does. */
static int transfer_complete(struct transfer *t) {
    struct job *j = (struct job *)t;
    const char *base;
    int folder = fsync(t->file) < 0 ? -1 : folder_of(j->path, &base), result = -1;
    if (folder < 0)
        return -1;
    if (overwriting)
        result = renameat(folder, j->temporary, folder, base);
    else if ((result = linkat(folder, j->temporary, folder, base, 0)) == 0)
        unlinkat(folder, j->temporary, 0);
    if (result == 0) {
        fsync(folder); /* the name is to outlast a power cut, too */
        j->temporary[0] = '\0';
    }
    close_quietly(folder);
    return result;
}

/* One line of the log. */
static void transfer_report(const struct transfer *t, const char *why) {
    const struct job *j = (const struct job *)t;
    fprintf(stderr, "%s %s %s: ", j->peer, t->sending ? "get" : "put", j->shown);
    if (why)
        fprintf(stderr, "%s\n", why);
    else
        fprintf(stderr, "%lld bytes, %lld packets again, %.0f ms\n", t->bytes, t->resent,
                now_ms() - j->began);
}

/* Frees what a transfer has, and of a put that is not complete every trace. */
static void job_end(struct job *j) {
    const char *base;
    int folder = j->temporary[0] ? folder_of(j->path, &base) : -1;
    if (folder >= 0) {
        unlinkat(folder, j->temporary, 0);
        close(folder);
    }
    close(j->t.fd);
    close(j->t.file);
    j->open = 0;
    while (top > 0 && !jobs[top - 1].open)
        top--;
}

/* Makes room, if it can: of the transfers that only dally, or of which nothing was heard since their request (such
 * requests are cheap to forge), the one that is silent for longest gives way. Returns its place, or NULL. */
static struct job *job_give_way(void) {
    struct job *oldest = NULL;
    for (struct job *j = jobs; j < jobs + top; j++)
        if (j->open && (!j->heard || j->t.state == FINISHED) &&
            (!oldest || j->t.progress < oldest->t.progress))
            oldest = j;
    if (oldest == NULL || now_ms() - oldest->t.progress < HALF_OPEN_MS)
        return NULL;
    if (oldest->t.state != FINISHED)
        transfer_fail(&oldest->t, OTHER, "no word from you, and no room");
    job_end(oldest);
    return oldest;
}

/* Returns a place for a transfer, or NULL. */
static struct job *job_place(void) {
    for (struct job *j = jobs; j < jobs + top; j++)
        if (!j->open)
            return j;
    return top < JOBS_MAX ? &jobs[top] : job_give_way();
}

/* ---- requests ---- */

struct request {
    enum opcode opcode;
    const char *path;
    int netascii;
    long long options[OPTIONS];
};

/* Reads an RRQ or WRQ: RFC 1350, section 5; RFC 2347. Returns NULL, or what is wrong with it. */
static const char *request_parse(const char *p, size_t len, struct request *r) {
    const char *end = p + len, *at = p + 2;
    if (len < 2 || (get16(p) != RRQ && get16(p) != WRQ))
        return "a transfer begins with RRQ or WRQ";
    r->opcode = (enum opcode)get16(p);
    r->path = string_next(&at, end);
    const char *mode = string_next(&at, end);
    if (mode == NULL || options_parse(at, end, r->options) < 0)
        return "a request has a name, a mode and pairs of options, each with a NUL at its end";
    if (len > REQUEST_MAX)
        return "a request has 512 bytes at most";
    r->netascii = strcasecmp(mode, "netascii") == 0;
    return r->netascii || strcasecmp(mode, "octet") == 0 ? NULL : "the mode is netascii or octet";
}

/* Decides about the options: leaves in `options` what the OACK says. */
static void options_grant(struct transfer *t, long long options[OPTIONS], off_t size) {
    long long blksize = options[BLKSIZE_OPTION] > 0 ? options[BLKSIZE_OPTION] : BLKSIZE;
    long long most = FLIGHT_MAX / blksize < WINDOW_MAX ? FLIGHT_MAX / blksize : WINDOW_MAX;
    if (options[WINDOWSIZE] > most)
        options[WINDOWSIZE] = most;
    if (options[TSIZE] >= 0 && t->sending) /* how many bytes it will be with CR LF is not known */
        options[TSIZE] = t->netascii ? -1 : (long long)size;
    transfer_agree(t, blksize, options[WINDOWSIZE] > 0 ? options[WINDOWSIZE] : 1,
                   (double)options[TIMEOUT] * 1000);
}

/* Says the first word: an OACK, if an option was granted, else the first blocks or ACK 0. */
static void job_start(struct job *j, long long options[OPTIONS], off_t size) {
    struct transfer *t = &j->t;
    options_grant(t, options, size);
    put16(t->hello, OACK);
    t->hello_length = options_add(t->hello, 2, options);
    fprintf(stderr, "%s %s %s, %s, blocks of %d, window of %d\n", j->peer, t->sending ? "get" : "put",
            j->shown, t->netascii ? "netascii" : "octet", t->blksize, t->windowsize);
    if (t->hello_length > 2) {
        packet_send(t->fd, &t->peer, t->hello, t->hello_length);
        transfer_sent(t, 1);
        return;
    }
    t->hello_length = 0;
    t->state = RUNNING;
    if (t->sending)
        window_send(t);
    else
        ack_send(t, 0);
}

/* Returns a socket with a port of its own at the address of another one, or -1 with errno. */
static int socket_beside(int listener) {
    struct address own = {.len = sizeof own.ip};
    getsockname(listener, (struct sockaddr *)&own.ip, &own.len);
    if (own.ip.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&own.ip)->sin6_port = 0;
    else
        ((struct sockaddr_in *)&own.ip)->sin_port = 0;
    int fd = socket(own.ip.ss_family, SOCK_DGRAM, 0);
    if (fd >= 0 && fd < FD_SETSIZE && bind(fd, (struct sockaddr *)&own.ip, own.len) == 0) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
        return fd;
    }
    if (fd >= FD_SETSIZE)
        errno = EMFILE;
    return close_quietly(fd);
}

/* Refuses a request, from the port that it came to: a transfer that is none needs no TID. */
static void refuse(int listener, const struct address *peer, const char *path, enum error code,
                   const char *why) {
    char name[NAME_SIZE], shown[REQUEST_MAX];
    name_address(peer, name);
    text_clean(path, strlen(path), shown, sizeof shown);
    fprintf(stderr, "%s %s: refused: %s\n", name, shown, why);
    error_send(listener, peer, code, why);
}

/* Opens a socket for a request, and what it asks for. Returns -1 with errno. */
static int job_open(struct job *j, int listener, const struct request *r, struct stat *status) {
    if ((j->t.fd = socket_beside(listener)) < 0)
        return -1;
    if (r->opcode == RRQ)
        j->t.file = file_to_get(r->path, status);
    else
        j->t.file = file_to_put(r->path, r->options[TSIZE], j->temporary, sizeof j->temporary);
    return j->t.file < 0 ? close_quietly(j->t.fd) : 0;
}

/* Was this request sent again, because our first answer is still under way? */
static int request_again(const struct address *peer, const struct request *r) {
    for (const struct job *j = jobs; j < jobs + top; j++)
        if (j->open && !j->heard && address_same(&j->t.peer, peer, 1) && strcmp(j->path, r->path) == 0)
            return 1;
    return 0;
}

/* Begins the transfer that a request asks for, or says why not. */
static void request_take(int listener, const struct address *peer, struct request *r) {
    struct stat status = {0};
    double now = now_ms();
    if (request_again(peer, r))
        return;
    if (r->opcode == WRQ && !writing) {
        refuse(listener, peer, r->path, ACCESS, "this server takes no files");
        return;
    }
    struct job *j = job_place();
    if (j == NULL) {
        refuse(listener, peer, r->path, OTHER, "no room, please come again");
        return;
    }
    *j = (struct job){.began = now, .t = {.peer = *peer, .last = -1, .srtt = -1, .begin[0].half = -1}};
    j->t.sending = r->opcode == RRQ;
    j->t.netascii = r->netascii;
    j->t.rto = first_timeout < RTO_MIN ? RTO_MIN : first_timeout;
    j->t.progress = now;
    name_address(peer, j->peer);
    memcpy(j->path, r->path, strlen(r->path) + 1); /* a request is not longer */
    text_clean(r->path, strlen(r->path), j->shown, sizeof j->shown);
    int result = job_open(j, listener, r, &status);
    if (result < 0 && errno == EMFILE && job_give_way() != NULL)
        result = job_open(j, listener, r, &status);
    if (result < 0) {
        refuse(listener, peer, r->path, error_code(errno), strerror(errno));
        return;
    }
    j->open = 1;
    top = j < jobs + top ? top : (int)(j - jobs) + 1;
    job_start(j, r->options, status.st_size);
}

/* ---- the server ---- */

/* Takes a datagram that came to the port of the server. Returns 0 if there was none. */
static int listener_read(int listener) {
    static char p[PACKET_MAX];
    struct address peer;
    struct request r;
    int cut;
    ssize_t n = receive(listener, p, sizeof p, &peer, &cut);
    if (n < 0)
        return 0;
    show_packet(&peer, "->", p, (size_t)n);
    const char *wrong = request_parse(p, (size_t)n, &r);
    if (wrong == NULL)
        request_take(listener, &peer, &r);
    else if (n < 2 || get16(p) != ERROR) /* ERROR upon ERROR, and two servers could go on for ever */
        refuse(listener, &peer, "?", ILLEGAL, wrong);
    return 1;
}

/* Takes a datagram that came to the port of a transfer. Returns 0 if there was none. Somebody else's is refused, and
 * changes nothing for the transfer. */
static int job_read(struct job *j) {
    static char p[PACKET_MAX];
    struct address peer;
    int cut;
    ssize_t n = receive(j->t.fd, p, sizeof p, &peer, &cut);
    if (n < 0)
        return 0;
    show_packet(&peer, "->", p, (size_t)n);
    if (address_same(&peer, &j->t.peer, 1)) {
        j->heard = 1;
        transfer_take(&j->t, p, (size_t)n);
    } else if (n < 2 || get16(p) != ERROR) {
        error_send(j->t.fd, &peer, UNKNOWN_TID, "this port is for another transfer");
    }
    return 1;
}

/* Does what is due for a transfer. Returns when the next is, in ms. A put that is over stays for a while, for if our
 * last ACK is lost the last DATA comes again ("dallying", RFC 1350, section 6). */
static double job_tick(struct job *j) {
    struct transfer *t = &j->t;
    double now = now_ms(), end = t->progress + patience;
    int over = t->state == FINISHED || t->state == FAILED;
    if (!over && now >= end)
        transfer_fail(t, OTHER, "no answer, given up");
    else if (!over && now >= t->due)
        transfer_again(t);
    if (t->state == FAILED || (t->state == FINISHED && (t->sending || now >= end)))
        job_end(j);
    return t->state == FINISHED || end < t->due ? end : t->due;
}

/* Waits until something comes, or is due. Returns 0 if nothing has come. */
static int wait_for_news(const int *listeners, int count, fd_set *readable, const sigset_t *none) {
    double until = -1;
    FD_ZERO(readable);
    for (int i = 0; i < count; i++)
        FD_SET(listeners[i], readable);
    for (struct job *j = jobs; j < jobs + top; j++) {
        double due = j->open ? job_tick(j) : -1;
        if (j->open)
            FD_SET(j->t.fd, readable);
        if (j->open && (until < 0 || due < until))
            until = due;
    }
    return wait_until(until, readable, NULL, none);
}

/* The loop: wait, read, answer. Returns when SIGINT or SIGTERM has come. */
static void serve(const int *listeners, int count, const sigset_t *none) {
    while (!stop) {
        fd_set readable;
        if (!wait_for_news(listeners, count, &readable, none))
            continue;
        for (struct job *j = jobs; j < jobs + top; j++)
            if (j->open && FD_ISSET(j->t.fd, &readable))
                for (int n = 0; n < j->t.windowsize && j->t.state != FAILED && job_read(j); n++)
                    continue; /* more than a window cannot be there */
        for (int i = 0; i < count; i++)
            if (FD_ISSET(listeners[i], &readable))
                for (int n = 0; n < TURN_MAX && listener_read(listeners[i]); n++)
                    continue;
    }
    for (struct job *j = jobs; j < jobs + top; j++)
        if (j->open) {
            if (j->t.state != FINISHED && j->t.state != FAILED)
                transfer_fail(&j->t, OTHER, "the server is going down");
            job_end(j);
        }
}

int main(int argc, char **argv) {
    const char *addresses[SOCKETS_MAX] = {"127.0.0.1"}, *port = "6969", *folder = ".";
    int option, count = 0, listeners[SOCKETS_MAX];
    while ((option = getopt(argc, argv, "hvwoa:p:d:t:q:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'w': writing = 1; break;
        case 'o': overwriting = 1; break;
        case 'a':
            if (count == SOCKETS_MAX) {
                fprintf(stderr, "%s: %d addresses are enough\n%s", program, SOCKETS_MAX, usage);
                return 2;
            }
            addresses[count++] = optarg;
            break;
        case 'p': parse_number(port = optarg, 65535); break;
        case 'd': folder = optarg; break;
        case 't': first_timeout = parse_number(optarg, 60000); break;
        case 'q': patience = parse_number(optarg, 3600000); break;
        default: return fputs(usage, stderr), 2;
        }
    if (optind < argc)
        return fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage), 2;
    if ((root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        fprintf(stderr, "%s: cannot open the folder %s: %s\n", program, folder, strerror(errno));
        return 1;
    }
    sigset_t none;
    catch_signals(&none);
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EFBIG instead */
    count = count > 0 ? count : 1;
    for (int i = 0; i < count; i++)
        listeners[i] = bind_on(addresses[i], port);
    serve(listeners, count, &none);
    return 0;
}
