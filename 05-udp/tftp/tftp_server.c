/* tftp_server.c - hands out the files of a folder, and takes new ones, over UDP: TFTP, for many clients at once.
 *
 *     cc -o tftp_server tftp_server.c job.c folder.c draft.c transfer.c netascii.c packet_io.c packet.c text.c \
 *        rtt.c datagram.c signals.c wire.c
 *
 *     terminal 1:  ./tftp_server -v -d ..
 *     terminal 2:  ./tftp_client -g README.md -l -            or: curl tftp://127.0.0.1:6969/README.md
 *     terminal 3:  ./tftp_server -p 6970 -w -d /tmp           takes files, too:
 *                  ./tftp_client -p demo.sh 127.0.0.1 6970
 *
 * Watch the ports: a request comes to 6969, each transfer gets a port of its own (its TID), and every block waits for
 * its ACK. The way of a packet:
 *     a request:   listener_turn -> request_parse -> request_take -> job_start -> transfer_start
 *     all others:  job_turn -> job_read -> transfer_take; transfer_send_blocks (transfer.c)
 * Left out: passwords, because TFTP has none; multicast (RFC 2090); and with -a 0.0.0.0 the address that was asked,
 * which POSIX does not tell: the kernel chooses the address that the answer comes from.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "datagram.h"
#include "folder.h"
#include "job.h"
#include "packet.h"
#include "packet_io.h"
#include "signals.h"
#include "transfer.h"
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SOCKETS_MAX 16    /* addresses to listen on */
#define TURN_US     10000 /* us: a turn, shared by all sockets at which something has come */

const char program[] = "tftp_server";
const char usage[] =
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

static int writing;                        /* -w */
static long long first_timeout = 250 * MS; /* us: -t */
static long long patience = 30000 * MS;    /* us: -q */

static int listeners[SOCKETS_MAX]; /* sockets that requests come to */
static int listener_count;

/* ---- Requests ---- */

/* Refuses a request, from the port that it came to: a transfer that is none needs no TID. */
static void refuse(int listener, const struct address *peer, const char *path, enum error_code code,
                   const char *why) {
    char name[ADDRESS_TEXT], shown[REQUEST_MAX];
    address_text(&peer->ip, peer->len, name);
    text_copy(path, strlen(path), shown, sizeof shown);
    fprintf(stderr, "%s %s: refused: %s\n", name, shown, why);
    error_send(listener, peer, code, why);
}

/* Returns a socket with a port of its own at the address of another one, or -1 with errno. */
static int socket_same_address(int listener) {
    struct address own = {.len = sizeof own.ip};
    getsockname(listener, (struct sockaddr *)&own.ip, &own.len);
    if (own.ip.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&own.ip)->sin6_port = 0;
    else
        ((struct sockaddr_in *)&own.ip)->sin_port = 0;

    int fd = datagram_socket(own.ip.ss_family);
    if (fd < 0 || bind(fd, (struct sockaddr *)&own.ip, own.len) == 0)
        return fd;
    return datagram_socket_failed(fd);
}

/* Opens a socket for a request, and the file that it asks for. Returns 0, or -1 with errno. */
static int job_open(struct job *j, int listener, const struct request *r) {
    struct transfer *t = &j->t;
    off_t size = -1;
    if (t->fd < 0)
        t->fd = socket_same_address(listener);
    if (t->fd < 0)
        return -1;
    if (t->sending)
        t->file = file_to_get(j->path, &size);
    else
        t->file = file_to_put(j->path, r->options[TSIZE], &j->draft);
    if (t->sending)
        t->size = size;
    else if (!t->netascii) /* else it is announced in bytes of the client's */
        t->size = r->options[TSIZE];
    return t->file < 0 ? -1 : 0;
}

/* Decides about the options: leaves in `options` what the OACK is to say. */
static void options_grant(struct transfer *t, long long options[OPTIONS]) {
    long long blksize = options[BLKSIZE] > 0 ? options[BLKSIZE] : BLOCK_SIZE;
    long long most = FLIGHT_MAX / blksize < WINDOW_MAX ? FLIGHT_MAX / blksize : WINDOW_MAX;
    if (options[WINDOWSIZE] > most)
        options[WINDOWSIZE] = most;
    if (options[TSIZE] >= 0 && t->sending) /* how many bytes it will be with CR LF is not known */
        options[TSIZE] = t->netascii ? NOT_THERE : t->size;

    long long windowsize = options[WINDOWSIZE] > 0 ? options[WINDOWSIZE] : 1;
    long long timeout = options[TIMEOUT] > 0 ? options[TIMEOUT] * 1000 * MS : 0;
    transfer_agree(t, blksize, windowsize, timeout);
}

/* Says the first word: an OACK, if an option is granted, else the first blocks or ACK 0. */
static void job_start(struct job *j, long long options[OPTIONS]) {
    struct transfer *t = &j->t;
    options_grant(t, options);
    fprintf(stderr, "%s %s %s, %s, blocks of %d, window of %d\n", j->peer, t->sending ? "get" : "put",
            j->shown, t->netascii ? "netascii" : "octet", t->blksize, t->windowsize);

    t->hello_length = oack_make(t->hello, options);
    if (t->hello_length == 2)
        t->hello_length = 0;
    transfer_start(t);
}

/* Takes a datagram that came to the port of a transfer. Returns 0 if there was none. */
static int job_read(struct job *j) {
    static char p[DATAGRAM_MAX];
    struct address peer;
    ssize_t n = packet_receive(j->t.fd, p, &peer);
    if (n < 0)
        return 0;

    if (address_same(&peer, &j->t.peer)) {
        j->heard = 1;
        transfer_take(&j->t, p, (size_t)n);
    } else {
        stranger_refuse(j->t.fd, &peer, p, (size_t)n);
    }
    return 1;
}

/* Reads what has come for a transfer, until there is no more or it is `end`, in us; one datagram at least. Returns
 * whether all is read. */
static int job_read_all(struct job *j, long long end) {
    while (j->t.state != FAILED) {
        if (!job_read(j))
            return 1;
        if (now_us() >= end)
            return 0;
    }
    return 1;
}

/* Has this client asked for this file before, and said nothing since? */
static int is_same_request(const struct job *j, const struct address *peer, const struct request *r) {
    return !j->heard && address_same(&j->t.peer, peer) && j->t.sending == (r->opcode == RRQ) &&
           strcmp(j->path, r->path) == 0;
}

/* Was this request sent again, because our first answer is still under way? If the client has ended that transfer (with
 * an ERROR) and asks anew, what it said lies perhaps unread in the other socket: so we look there first. */
static int request_is_repeated(const struct address *peer, const struct request *r) {
    for (struct job *j = job_next(NULL); j; j = job_next(j)) {
        if (is_same_request(j, peer, r))
            job_read_all(j, now_us() + TURN_US);
        if (is_same_request(j, peer, r))
            return 1;
    }
    return 0;
}

/* Begins the transfer that a request asks for, or says why not. */
static void request_take(int listener, const struct address *peer, struct request *r) {
    if (request_is_repeated(peer, r))
        return;
    if (r->opcode == WRQ && !writing) {
        refuse(listener, peer, r->path, ACCESS, "this server takes no files");
        return;
    }
    struct job *j = job_new();
    if (j == NULL) {
        refuse(listener, peer, r->path, OTHER, "no room, please come again");
        return;
    }

    transfer_init(&j->t, first_timeout);
    j->t.peer = *peer;
    j->t.sending = r->opcode == RRQ;
    j->t.netascii = r->netascii;
    address_text(&peer->ip, peer->len, j->peer);
    memcpy(j->path, r->path, strlen(r->path) + 1); /* a request is not longer */
    text_copy(r->path, strlen(r->path), j->shown, sizeof j->shown);

    int result = job_open(j, listener, r);
    if (result < 0 && errno == EMFILE && job_evict())
        result = job_open(j, listener, r);
    if (result < 0) {
        refuse(listener, peer, r->path, code_of(errno), strerror(errno));
        job_free(j);
        return;
    }
    job_start(j, r->options);
}

/* ---- The server ---- */

/* Takes a datagram that came to the port of the server. Returns 0 if there was none. */
static int listener_read(int listener) {
    static char p[DATAGRAM_MAX];
    struct address peer;
    struct request r;
    const char *why;
    ssize_t n = packet_receive(listener, p, &peer);
    if (n < 0)
        return 0;

    if (request_parse(p, (size_t)n, &r, &why) == 0)
        request_take(listener, &peer, &r);
    else if (n < 2 || get16(p) != ERROR) /* ERROR upon ERROR, and two servers could go on for ever */
        refuse(listener, &peer, "?", ILLEGAL, why);
    return 1;
}

/* Takes requests until there are no more, or it is `end`, in us; one at least. */
static void listener_turn(int listener, long long end) {
    while (listener_read(listener) && now_us() < end)
        continue;
}

/* Has this transfer something to do? */
static int job_is_busy(const struct job *j, const fd_set *readable) {
    return FD_ISSET(j->t.fd, readable) || transfer_has_blocks(&j->t);
}

/* Returns for how long each of those that have something to do has its turn, in us. */
static long long share_of_turn(const fd_set *readable) {
    int count = 0;
    for (int i = 0; i < listener_count; i++)
        count += FD_ISSET(listeners[i], readable) != 0;
    for (const struct job *j = job_next(NULL); j; j = job_next(j))
        count += job_is_busy(j, readable);
    return count > 0 ? TURN_US / count : 0;
}

/* Lets a transfer read what has come, and send blocks, until it is `end`. `now` is from wait_until(). */
static void job_turn(struct job *j, int can_read, long long now, long long end) {
    if (!can_read || job_read_all(j, end))
        j->read_by = now;
    transfer_send_blocks(&j->t, end);
}

/* Gives each socket its share of the turn: by time, because a datagram may cost much, as a file to be opened. Transfers
 * come first: newcomers are to find the room that these have made. */
static void turn(const fd_set *readable, long long now) {
    long long share = share_of_turn(readable);
    for (struct job *j = job_next(NULL); j; j = job_next(j))
        job_turn(j, FD_ISSET(j->t.fd, readable), now, now_us() + share);
    for (int i = 0; i < listener_count; i++)
        if (FD_ISSET(listeners[i], readable))
            listener_turn(listeners[i], now_us() + share);
    job_keep_one();
}

/* Does what is due for each transfer, and tells select() what to wait for. Returns when the next one is due, in us. */
static long long check_all(fd_set *readable) {
    long long until = NEVER;
    FD_ZERO(readable);
    for (int i = 0; i < listener_count; i++)
        FD_SET(listeners[i], readable);
    for (struct job *j = job_next(NULL); j; j = job_next(j)) {
        long long due = job_check(j, patience);
        if (!j->open)
            continue;
        FD_SET(j->t.fd, readable);
        if (until == NEVER || due < until)
            until = due;
    }
    return until;
}

/* The loop: wait, read and answer, then judge who was silent. Returns when a signal has come. */
static void serve(int signals) {
    while (!stop) {
        fd_set readable;
        long long until = check_all(&readable);
        long long now = wait_until(until, signals, &readable, NULL);
        turn(&readable, now);
    }

    for (struct job *j = job_next(NULL); j; j = job_next(j)) {
        if (!transfer_is_over(&j->t))
            transfer_fail(&j->t, OTHER, "the server is going down");
        job_free(j);
    }
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *addresses[SOCKETS_MAX] = {"127.0.0.1"}, *port = "6969", *folder = ".";
    int option, count = 0, overwriting = 0;
    while ((option = getopt(argc, argv, "hvwoa:p:d:t:q:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'w': writing = 1; break;
        case 'o': overwriting = 1; break;
        case 'a':
            if (count == SOCKETS_MAX) {
                fprintf(stderr, "%s: %d addresses are enough\n", program, SOCKETS_MAX);
                return show_usage();
            }
            addresses[count++] = optarg;
            break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        case 'd': folder = optarg; break;
        case 't': first_timeout = parse_number(optarg, 0, 60000) * MS; break;
        case 'q': patience = parse_number(optarg, 0, 3600000) * MS; break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);
    if (folder_open(folder, overwriting) < 0) {
        fprintf(stderr, "%s: cannot open the folder %s: %s\n", program, folder, strerror(errno));
        return 1;
    }

    if (writing)
        folder_sweep();

    int signals = catch_signals();
    catch_signal(SIGXFSZ, SIG_IGN); /* write() says EFBIG instead */
    listener_count = count > 0 ? count : 1;
    for (int i = 0; i < listener_count; i++)
        listeners[i] = bind_on(addresses[i], port);
    serve(signals);
    return 0;
}
