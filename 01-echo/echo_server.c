/* echo_server.c - sends every byte back to the client it came from, for hundreds of clients at once.
 *
 *     terminal 1:  cc -o echo_server echo_server.c loop.c buffer.c listen.c signals.c wire.c && ./echo_server -v
 *     terminal 2:  telnet 127.0.0.1 3200           type a line; Ctrl-] and "quit" to leave
 *     terminal 3:  nc 127.0.0.1 3200               both are served, neither waits
 *
 * Watch terminal 1: who comes, who goes, and every byte that passes. All that is not echo is in loop.c:
 *     client_read -> on_data -> client_send -> one write a turn
 * Left out: encryption, and more clients than select() can watch (FD_SETSIZE, often 1024).
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "loop.h"

#include <unistd.h>

#define IN_MAX 65536 /* bytes: as much as on_data gets at once, and so as much as a client is ever owed */

const char program[] = "echo_server";
const char usage[] = "usage: echo_server [-hv] [-a ADDRESS] [-p PORT]\n"
                     "  -h          print this help\n"
                     "  -v          show every read and write on stderr, in hex and text\n"
                     "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
                     "  -p PORT     0 to 65535, 0 takes any free one (default 3200)\n";

/* A message, for an echo server, is whatever has come. */
static size_t on_data(struct client *c, char *data, size_t len) {
    client_send(c, data, len);
    return len;
}

/* out_low 0: while a client is owed anything, nothing more is taken from it. Who sends without reading has to wait. */
static const struct server echo = {.in_max = IN_MAX, .out_low = 0, .out_max = IN_MAX, .on_data = on_data};

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "3200";
    int option;
    while ((option = getopt(argc, argv, "hva:p:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);
    return serve(&echo, address, port);
}
