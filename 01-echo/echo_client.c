/* echo_client.c - sends its standard input to a TCP server, and prints what comes back.
 *
 *     terminal 1:  ./echo_server -v
 *     terminal 2:  cc -o echo_client echo_client.c text.c connect.c signals.c wire.c && ./echo_client
 *                                                                type lines; Ctrl-D ends
 *                  printf 'one\ntwo\n' | ./echo_client -s        a connection for each line
 *                  head -c 50000000 /dev/urandom >sent; ./echo_client <sent | cmp - sent && echo same
 *
 * Watch the end: it half-closes ("I have no more to say") and still reads to the end. It always waits for all four ends
 * at once; a client that first sends all and then reads all deadlocks as soon as all is large:
 *     stdin -> channel_fill -> up -> channel_drain -> server -> channel_fill -> down -> channel_drain -> stdout
 * In a pipe bytes stay as they are; for a terminal they are made harmless, because a server may be anybody's.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connect.h"
#include "signals.h"
#include "text.h"
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHANNEL_SIZE 65536 /* bytes under way in each direction; then we stop reading */
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

const char program[] = "echo_client";
const char usage[] = "usage: echo_client [-hsv] [HOST [PORT]]\n"
                     "  -h    print this help\n"
                     "  -s    a short connection for each line, not one persistent connection for all\n"
                     "  -v    show every read and write on stderr, in hex and text\n"
                     "  HOST  name or address (default 127.0.0.1)\n"
                     "  PORT  0 to 65535 (default 3200)\n";

struct channel {     /* one direction */
    int from, to;    /* descriptors */
    int eof;         /* nothing more comes from `from` */
    size_t length;   /* bytes under way */
    size_t ready;    /* of these: may be printed now; only of `down` */
    long long total; /* bytes that have passed */
    char data[CHANNEL_SIZE];
};

static struct channel up = {.from = STDIN_FILENO}, down = {.to = STDOUT_FILENO};
static int one_line;    /* -s: a connection is for one line */
static int to_terminal; /* what we print goes to a terminal */
static struct server_name server;
static int signals; /* readable when a signal has come */

/* Reads once. Returns 0, or -1 with errno. */
static int channel_fill(struct channel *ch) {
    ssize_t n = read(ch->from, ch->data + ch->length, CHANNEL_SIZE - ch->length);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (ch == &down && n > 0)
        show_wire(server.text, "->", ch->data + ch->length, (size_t)n);
    ch->eof = n == 0;
    ch->length += (size_t)n;
    return 0;
}

/* Writes the first bytes, `len` at most, in one call. Returns how many it wrote, or -1 with errno. */
static ssize_t channel_drain(struct channel *ch, size_t len) {
    ssize_t n = write(ch->to, ch->data, len);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (ch == &up)
        show_wire(server.text, "<-", ch->data, (size_t)n);
    ch->total += n;
    ch->length -= (size_t)n;
    memmove(ch->data, ch->data + n, ch->length);
    return n;
}

/* Returns how many bytes this connection may send now. With -s: up to the end of the line. */
static size_t sendable(void) {
    const char *newline = memchr(up.data, '\n', up.length);
    return one_line && newline ? (size_t)(newline - up.data) + 1 : up.length;
}

/* Finds out how many bytes may be printed now. A terminal gets them clean, and a character as a whole. */
static void prepare_printing(void) {
    if (to_terminal)
        down.ready += text_clean_stream(down.data + down.ready, down.length - down.ready, down.eof);
    else
        down.ready = down.length;
}

/* Waits for what is worth waiting for; fd -1: there is no connection. Returns 0 if nothing can be read or written, as
 * when a signal has come: then the sets say nothing. */
static int wait_for(int fd, size_t to_send, fd_set *readable, fd_set *writable) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(signals, readable);
    if (!up.eof && up.length < CHANNEL_SIZE)
        FD_SET(up.from, readable);
    if (fd >= 0 && to_send > 0)
        FD_SET(fd, writable);
    if (fd >= 0 && !down.eof && down.length < CHANNEL_SIZE)
        FD_SET(fd, readable);
    if (down.ready > 0)
        FD_SET(down.to, writable);
    return select(FD_SETSIZE, readable, writable, NULL, NULL) > 0;
}

struct conversation {
    int fd;
    int finished; /* our FIN is sent, or we can send no more */
    int error;    /* the errno with which it broke, or 0 */
};

/* Sends what may be sent, and our FIN behind the last of it. */
static void send_some(struct conversation *c, size_t to_send) {
    int is_line = one_line && to_send > 0 && up.data[to_send - 1] == '\n';
    ssize_t n = channel_drain(&up, to_send);
    if (n < 0) { /* but what the server said before it went is still to be read */
        c->error = errno;
        c->finished = 1;
    } else if (is_line && (size_t)n == to_send) {
        c->finished = shutdown(c->fd, SHUT_WR) == 0;
    }
}

/* Prints what may be printed, no more than a pipe takes without blocking. Returns 0, or -1 with errno. */
static int print_some(void) {
    ssize_t n = channel_drain(&down, down.ready < PIPE_BUF ? down.ready : PIPE_BUF);
    if (n < 0)
        return -1;
    down.ready -= (size_t)n;
    return 0;
}

/* Moves bytes wherever they can be moved now. Returns 0, or -1 if the input or the output fails, after saying so. */
static int move_bytes(struct conversation *c) {
    size_t to_send = c->finished ? 0 : sendable();
    fd_set readable, writable;
    prepare_printing();
    if (!wait_for(c->fd, to_send, &readable, &writable))
        return 0;

    if (FD_ISSET(up.from, &readable) && channel_fill(&up) < 0)
        return complain("cannot read the input", strerror(errno));
    if (FD_ISSET(down.to, &writable) && print_some() < 0)
        return complain("cannot write the output", strerror(errno));

    if (FD_ISSET(c->fd, &readable) && channel_fill(&down) < 0) {
        c->error = errno;
        down.eof = c->finished = 1;
    } else if (FD_ISSET(c->fd, &writable)) {
        send_some(c, to_send);
    }
    return 0;
}

/* Carries bytes both ways until the server has finished, too. Returns 0, or -1 after a line on stderr. */
static int converse(int fd) {
    struct conversation c = {.fd = fd};
    up.to = down.from = fd;
    down.eof = 0;
    while (!stop && (!down.eof || down.length > 0)) {
        if (up.eof && up.length == 0 && !c.finished)
            c.finished = shutdown(fd, SHUT_WR) == 0;
        if (move_bytes(&c) < 0)
            return -1;
    }
    if (c.error != 0)
        return complain(server.text, strerror(c.error));
    if (!c.finished && !stop)
        return complain(server.text, "hung up before the end of our input");
    return 0;
}

/* Waits until there is something to say. Returns 1; 0 if there will be nothing; -1 after a line on stderr. */
static int has_input(void) {
    fd_set readable, writable;
    while (!stop && !up.eof && up.length == 0)
        if (wait_for(-1, 0, &readable, &writable) && FD_ISSET(up.from, &readable) && channel_fill(&up) < 0)
            return complain("cannot read the input", strerror(errno));
    return !stop && up.length > 0;
}

/* Makes one connection and talks over it. Returns 0, or -1 after a line on stderr. */
static int talk(const struct addrinfo *addresses, int *connections) {
    int fd = connect_to(addresses, signals);
    if (fd < 0)
        return stop ? 0 : complain(server.text, strerror(errno));
    ++*connections;
    int result = converse(fd);
    close(fd);
    return result;
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    int option;
    while ((option = getopt(argc, argv, "hsv")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 's': one_line = 1; break;
        case 'v': verbose = 1; break;
        default: return show_usage();
        }
    server = parse_server(argc, argv, "3200");
    struct addrinfo *addresses = resolve(&server, SOCK_STREAM);
    signals = catch_signals();
    to_terminal = isatty(STDOUT_FILENO);

    int connections = 0, result = 0;
    long long began = now_ms();
    if (one_line)
        while (result == 0 && (result = has_input()) > 0)
            result = talk(addresses, &connections);
    else
        result = talk(addresses, &connections);

    if (connections > 0)
        fprintf(stderr, "%s: %d connection%s, %lld bytes sent, %lld received, %lld ms\n", program,
                connections, connections == 1 ? "" : "s", up.total, down.total, now_ms() - began);
    freeaddrinfo(addresses);
    return result < 0;
}
