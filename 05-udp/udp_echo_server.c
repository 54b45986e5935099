/* udp_echo_server.c - sends every datagram back to where it came from; and, if told so, over a bad link.
 *
 *     terminal 1:  cc -o udp_echo_server udp_echo_server.c link.c datagram.c signals.c wire.c && ./udp_echo_server -v
 *     terminal 2:  nc -u 127.0.0.1 3205            type a line: a line is a datagram here
 *     terminal 3:  ./udp_echo_client               a client that notices what is lost
 *
 * Now ./udp_echo_server -l 20 -d 10 -o 10, and both again. Watch what is not here: no listen(), no accept(), no
 * table of clients, no end. The way of a datagram:
 *     wait_until -> answer_all -> answer_one -> datagram_receive -> link_send -> datagram_send
 * Left out: the address that a datagram was sent to, where one socket has several (-a 0.0.0.0). POSIX does not tell it,
 * so the kernel chooses the address that the answer comes from. Give -a once for each address instead.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "datagram.h"
#include "link.h"
#include "signals.h"
#include "wire.h"

#include <stdio.h>
#include <unistd.h>

#define SOCKETS_MAX 16    /* addresses to be bound to */
#define TURN_US     10000 /* us: a turn, shared by all sockets at which something has come */

const char program[] = "udp_echo_server";
const char usage[] =
    "usage: udp_echo_server [-hv] [-a ADDRESS]... [-p PORT] [-b BYTES] [-l PERCENT] [-d PERCENT]\n"
    "                       [-o PERCENT] [-w MS] [-s SEED]\n"
    "  -h          print this help\n"
    "  -v          show every datagram on stderr, in hex and text\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1); several: a socket for each. With\n"
    "              0.0.0.0 or :: (all) the kernel chooses the address that an answer comes from\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 3205)\n"
    "  -b BYTES    room for a datagram, 0 to 65535 (default 65535); a longer one is not answered\n"
    "A bad link to learn on, for the answers:\n"
    "  -l PERCENT  are lost (default 0)\n"
    "  -d PERCENT  are duplicated (default 0)\n"
    "  -o PERCENT  are out of order: the next one overtakes it, if one comes within 100 ms (default 0)\n"
    "  -w MS       each is so late, 0 to 60000 (default 0)\n"
    "  -s SEED     the same seed, 0 to 1000000000, throws the same dice (default: another each time)\n";

static struct listener {
    int fd;   /* a socket */
    int port; /* that it is bound to */
} listeners[SOCKETS_MAX];
static int listener_count;
static int room = DATAGRAM_MAX; /* bytes: -b */

/* Is this a port on which a server answers everybody: one of the old ones, below 1024, or one of our own? */
static int is_server_port(int port) {
    for (int i = 0; i < listener_count; i++)
        if (port == listeners[i].port)
            return 1;
    return port < 1024;
}

/* Answers one datagram from the socket that it came to, so from the address that was asked. Returns 0 if there was
 * none. Servers get no answer: a lie about the sender could make two of them answer each other for ever. */
static int answer_one(int fd) {
    static char data[DATAGRAM_MAX];
    struct address peer;
    int cut;
    ssize_t n = datagram_receive(fd, data, (size_t)room, &peer, &cut);
    if (n < 0)
        return 0;

    size_t len = (size_t)n; /* 0 is a datagram, too: there is no end of file */
    if (cut)
        datagram_log(&peer, len, "and more, which are cut off: not answered");
    else if (is_server_port(address_port(&peer)))
        datagram_log(&peer, len, "from a port of servers: not answered");
    else
        link_send(fd, &peer, data, len);
    return 1;
}

/* Answers what has come to these sockets; each has its share of the turn, and one datagram at least. */
static void answer_all(const fd_set *readable) {
    int count = 0;
    for (int i = 0; i < listener_count; i++)
        count += FD_ISSET(listeners[i].fd, readable) != 0;

    for (int i = 0; i < listener_count; i++) {
        long long end = now_us() + (count > 0 ? TURN_US / count : 0);
        while (FD_ISSET(listeners[i].fd, readable) && answer_one(listeners[i].fd) && now_us() < end)
            continue;
    }
}

/* The loop: wait, answer. Returns when a signal has come. */
static void serve(int signals) {
    while (!stop) {
        fd_set readable;
        FD_ZERO(&readable);
        for (int i = 0; i < listener_count; i++)
            FD_SET(listeners[i].fd, &readable);
        wait_until(link_due(), signals, &readable, NULL);

        answer_all(&readable);
        link_deliver();
    }
}

/* Binds one more socket, or ends the program. */
static void add_listener(const char *address, const char *port) {
    struct address own = {.len = sizeof own.ip};
    struct listener *l = &listeners[listener_count++];
    l->fd = bind_on(address, port);
    getsockname(l->fd, (struct sockaddr *)&own.ip, &own.len);
    l->port = address_port(&own);
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *addresses[SOCKETS_MAX] = {"127.0.0.1"}, *port = "3205";
    struct link_faults f = {.seed = (int)(now_us() % 1000000)};
    int option, count = 0;
    while ((option = getopt(argc, argv, "hva:p:b:l:d:o:w:s:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a':
            if (count == SOCKETS_MAX) {
                fprintf(stderr, "%s: %d addresses are enough\n", program, SOCKETS_MAX);
                return show_usage();
            }
            addresses[count++] = optarg;
            break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        case 'b': room = parse_number(optarg, 0, DATAGRAM_MAX); break;
        case 'l': f.lost = parse_number(optarg, 0, 100); break;
        case 'd': f.duplicated = parse_number(optarg, 0, 100); break;
        case 'o': f.reordered = parse_number(optarg, 0, 100); break;
        case 'w': f.late = parse_number(optarg, 0, 60000); break;
        case 's': f.seed = parse_number(optarg, 0, 1000000000); break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);

    int signals = catch_signals();
    if (f.lost || f.duplicated || f.reordered || f.late)
        fprintf(stderr, "%s: a bad link, of seed %d\n", program, f.seed);
    link_open(&f);
    for (int i = 0; i == 0 || i < count; i++)
        add_listener(addresses[i], port);
    serve(signals);
    return 0;
}
