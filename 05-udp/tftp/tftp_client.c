/* tftp_client.c - gets a file from a TFTP server, or puts one there.
 *
 *     cc -o tftp_client tftp_client.c local.c draft.c transfer.c netascii.c packet_io.c packet.c text.c rtt.c \
 *        datagram.c connect.c signals.c wire.c
 *
 *     terminal 1:  ./tftp_server -v -d .. -w
 *     terminal 2:  ./tftp_client -g README.md -l - | head
 *                  ./tftp_client -v -s -g README.md -l /dev/null                    one block, one ACK: as in 1981
 *                  head -c 100000 /dev/urandom | ./tftp_client -p noise -l - && rm ../noise
 *
 * Watch what a window (-w) and larger blocks (-b) do to the number of ACKs. The file appears when all of it is here.
 * The way of a packet:
 *     the first:   client_read -> first_answer -> oack_take -> transfer_run
 *     all others:  client_read -> transfer_take (transfer.c)
 * Left out: asking two addresses of a name at once.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connect.h"
#include "datagram.h"
#include "local.h"
#include "packet.h"
#include "packet_io.h"
#include "signals.h"
#include "transfer.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DRAW_US   (100 * MS) /* between two looks of the progress bar */
#define BAR_WIDTH 30         /* columns */
#define TURN_US   (10 * MS)  /* of reading and sending, before we look at the timer and the bar again */

const char program[] = "tftp_client";
const char usage[] =
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

static struct server_name server;
static const char *remote;                 /* FILE, the name there */
static const char *local;                  /* LOCAL, the name here */
static struct request request;             /* what we ask for */
static struct transfer transfer;           /* the file on its way */
static long long began;                    /* us: when we asked */
static int heard;                          /* the server has answered, be it with an ERROR */
static int another_left;                   /* there is another address that we can ask */
static long long first_timeout = 250 * MS; /* us: -t */
static int patience_ms = 10000;            /* -q */

/* ---- What the transfer asks of the client, see transfer.h ---- */

int transfer_keep(struct transfer *t) { return target_keep(t->file); }

/* That one address is silent is nothing to tell as long as another is left. */
void transfer_report(const struct transfer *t, const char *why) {
    char what[SERVER_TEXT + REQUEST_MAX];
    (void)t;
    snprintf(what, sizeof what, "%s: %s", server.text, remote);
    if (why && (heard || stop || !another_left))
        complain(what, why);
}

/* ---- The progress bar ---- */

/* Draws the bar, on a terminal only. Returns when to draw it again, in us, or NEVER. */
static long long draw(const struct transfer *t) {
    static long long next;
    char bar[BAR_WIDTH + 1] = "";
    if (!isatty(STDERR_FILENO))
        return NEVER;
    long long now = now_us();
    if (now < next)
        return next;

    double seconds = (double)(now - began) / 1000000, mib = (double)t->bytes / 1048576;
    memset(bar, '.', BAR_WIDTH);
    if (t->size >= 0)
        memset(bar, '#', t->bytes < t->size ? (size_t)(t->bytes * BAR_WIDTH / t->size) : BAR_WIDTH);
    fprintf(stderr, "\r[%s] %.1f MiB, %.1f MiB/s ", bar, mib, seconds > 0 ? mib / seconds : 0);
    next = now + DRAW_US;
    return next;
}

static void erase_bar(void) {
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* ---- The first answer ---- */

/* Has the server granted only what we asked for, and no more of it? */
static int is_granted(const long long granted[OPTIONS]) {
    for (int i = 0; i < OPTIONS; i++) {
        if (granted[i] == NOT_THERE)
            continue;
        if (request.options[i] < 0 || granted[i] < 0)
            return 0;
        if (i != TSIZE && granted[i] > request.options[i])
            return 0;
    }
    return 1;
}

/* Takes the options that the server grants. */
static void oack_take(struct transfer *t, const char *p, size_t len) {
    long long granted[OPTIONS];
    if (options_parse(p + 2, p + len, granted) < 0 || !is_granted(granted)) {
        transfer_fail(t, BAD_OPTION, "those options were not asked for");
        return;
    }

    long long blksize = granted[BLKSIZE] > 0 ? granted[BLKSIZE] : BLOCK_SIZE;
    long long windowsize = granted[WINDOWSIZE] > 0 ? granted[WINDOWSIZE] : 1;
    transfer_agree(t, blksize, windowsize, 0);
    if (!t->sending)
        t->size = granted[TSIZE];
    transfer_run(t);
    if (!t->sending)
        ack_send(t, 0);
}

/* Takes the first answer, which tells the server's TID. Returns 0 if it is none. An answer without an OACK comes from a
 * server that knows no options, or we have asked for none. */
static int first_answer(struct transfer *t, const struct address *from, const char *p, size_t len) {
    enum opcode opcode = packet_opcode(p, len);
    int is_data_1 = opcode == DATA && get16(p + 2) == 1, is_ack_0 = opcode == ACK && get16(p + 2) == 0;
    int is_plain = t->sending ? is_ack_0 : is_data_1;
    if (!is_plain && opcode != OACK && opcode != ERROR)
        return 0;

    t->peer = *from;
    heard = 1;
    if (opcode == OACK)
        oack_take(t, p, len);
    else
        transfer_take(t, p, len);
    return 1;
}

/* ---- The client ---- */

/* Takes a packet of the server that is not the first. */
static void later_answer(struct transfer *t, const char *p, size_t len) {
    if (packet_opcode(p, len) != OACK)
        transfer_take(t, p, len);
    else if (!t->sending && t->got == 0)
        ack_send(t, 1); /* our ACK 0 was lost */
}

/* Takes a datagram. Returns 0 if there was none. The server answers from a new port, its TID; what comes from another
 * host, or later from another port, is refused and changes nothing: anybody can send us something. */
static int client_read(struct transfer *t) {
    static char p[DATAGRAM_MAX];
    struct address from;
    ssize_t n = packet_receive(t->fd, p, &from);
    if (n < 0)
        return 0;

    size_t len = (size_t)n;
    if (t->state == OPENING) {
        if (!address_same_host(&from, &t->peer) || !first_answer(t, &from, p, len))
            stranger_refuse(t->fd, &from, p, len);
    } else {
        if (address_same(&from, &t->peer))
            later_answer(t, p, len);
        else
            stranger_refuse(t->fd, &from, p, len);
    }
    return 1;
}

/* Reads what has come, and sends blocks: until there is no more, or it takes too long. */
static void client_turn(struct transfer *t, int can_read) {
    long long end = now_us() + TURN_US;
    while (can_read && t->state != FAILED && client_read(t) && now_us() < end)
        continue;
    transfer_send_blocks(t, end);
    if (t->state == COMPLETE)
        transfer_confirm(t);
}

/* Returns for how long the server may bring nothing new, in ms. An address of several has less time. */
static int patience(void) {
    return another_left && !heard && patience_ms > CONNECT_MS ? CONNECT_MS : patience_ms;
}

/* Does what is due: once more, or no more. */
static void client_check(struct transfer *t, long long now) {
    char why[80];
    snprintf(why, sizeof why, "%s for %d ms, given up", heard ? "nothing new" : "no answer", patience());
    transfer_check(t, now, patience() * MS, why);
}

/* Sleeps until something comes or is due, or the bar has to be drawn. Returns the time, see wait_until(). */
static long long wait_for_events(const struct transfer *t, long long until, int signals, fd_set *readable) {
    long long bar = draw(t);
    if (bar != NEVER && bar < until)
        until = bar;
    FD_ZERO(readable);
    FD_SET(t->fd, readable);
    return wait_until(until, signals, readable, NULL);
}

/* Returns when something is due. After the last ACK of a get we stay for a moment: if that is lost, the last block
 * comes again. */
static long long client_due(const struct transfer *t) {
    return t->state == FINISHED ? t->progress + 2 * t->rtt.rto : transfer_due(t, patience() * MS);
}

/* The loop: wait, read and answer, then look at the timer. Returns when all is transferred, or nothing more will be. */
static void converse(struct transfer *t, int signals) {
    long long now = t->progress;
    while (!stop && t->state != FAILED) {
        if (t->state == FINISHED && (t->sending || now >= client_due(t)))
            return;

        fd_set readable;
        now = wait_for_events(t, client_due(t), signals, &readable);
        client_turn(t, FD_ISSET(t->fd, &readable));
        client_check(t, now);
    }
}

/* Asks the server at one address, and transfers the file. */
static void ask(struct transfer *t, const struct addrinfo *a, int signals) {
    t->fd = datagram_socket(a->ai_family);
    if (t->fd < 0) {
        transfer_report(t, strerror(errno));
        return;
    }
    memcpy(&t->peer.ip, a->ai_addr, a->ai_addrlen);
    t->peer.len = a->ai_addrlen;
    t->hello_length = request_make(t->hello, &request);

    began = now_us();
    transfer_start(t);
    converse(t, signals);
    erase_bar();
    if (stop && !transfer_is_over(t))
        transfer_fail(t, OTHER, "interrupted");
    if (t->state == FINISHED)
        fprintf(stderr, "%s: %s: %lld bytes %s, %lld packets again, %lld ms\n", program, remote, t->bytes,
                t->sending ? "sent" : "received", t->resent, (t->progress - began) / MS);
    close(t->fd);
}

/* Makes the request, for a file of that size if it is to be sent. Returns 0, or -1 after a line on stderr. */
static int request_fill(int simple, long long size) {
    char p[REQUEST_MAX];
    request.path = remote;
    request.options[TIMEOUT] = NOT_THERE;
    if (simple)
        for (int i = 0; i < OPTIONS; i++)
            request.options[i] = NOT_THERE;
    else if (request.netascii) /* how many bytes it will be with CR LF is not known */
        request.options[TSIZE] = NOT_THERE;
    else
        request.options[TSIZE] = request.opcode == WRQ ? size : 0;
    return request_make(p, &request) > 0 ? 0 : complain(remote, "that name is too long");
}

/* Transfers the file, with the first address that answers. Returns 0, or -1 after a line on stderr. */
static int transfer_file(struct transfer *t, const struct addrinfo *addresses, int simple, int signals) {
    int sending = request.opcode == WRQ;
    long long size = -1;
    int file = sending ? source_open(local, signals, &size) : target_open(local);
    if (file < 0)
        return -1;

    int result = request_fill(simple, size);
    for (const struct addrinfo *a = addresses; a && result == 0 && !heard && !stop; a = a->ai_next) {
        transfer_init(t, first_timeout);
        another_left = a->ai_next != NULL;
        t->file = file;
        t->size = size;
        t->sending = sending;
        t->netascii = request.netascii;
        ask(t, a, signals);
    }
    if (!sending && target_close(file, t->state == FINISHED, signals) < 0)
        return -1;
    return t->state == FINISHED || stop ? result : -1;
}

/* Prints what is wrong with the command, and the usage. Returns 2, the exit code for that. */
static int misused(const char *what) {
    fprintf(stderr, "%s: %s\n", program, what);
    return show_usage();
}

/* Returns the last part of a path. */
static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    int option, simple = 0, files = 0;
    request.options[BLKSIZE] = 1428;
    request.options[WINDOWSIZE] = 8;
    while ((option = getopt(argc, argv, "hvnsb:w:t:q:g:p:l:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'n': request.netascii = 1; break;
        case 's': simple = 1; break;
        case 'b': request.options[BLKSIZE] = parse_number(optarg, 8, 65464); break;
        case 'w': request.options[WINDOWSIZE] = parse_number(optarg, 1, WINDOW_MAX); break;
        case 't': first_timeout = parse_number(optarg, 0, 60000) * MS; break;
        case 'q': patience_ms = parse_number(optarg, 0, 3600000); break;
        case 'g':
        case 'p':
            request.opcode = option == 'p' ? WRQ : RRQ;
            remote = optarg;
            files++;
            break;
        case 'l': local = optarg; break;
        default: return show_usage();
        }
    server = parse_server(argc, argv, "6969");
    if (files != 1)
        return misused("which file? -g FILE gets one, -p FILE puts one");
    if (local == NULL)
        local = last_part(remote);
    if (*local == '\0')
        return misused("a file has a name");

    struct addrinfo *addresses = resolve(&server, SOCK_DGRAM);
    int signals = catch_signals();
    catch_signal(SIGXFSZ, SIG_IGN); /* write() says EFBIG instead */
    int result = transfer_file(&transfer, addresses, simple, signals);
    freeaddrinfo(addresses);
    return result < 0;
}
