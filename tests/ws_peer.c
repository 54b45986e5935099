/* ws_peer.c - a server that says to one WebSocket client what a test wants, right or wrong. For tests/06-client.bats.
 *
 *     ws_peer SAYS [-p 0]
 *
 * It listens on any free port of 127.0.0.1. What is written into the FIFO that SAYS names goes to the client, a segment
 * for each write; @ACCEPT@ stands for the Sec-WebSocket-Accept of its key, and @HANGUP@ at the end hangs up. On stderr:
 * the client's request, line by line, then a line for each of its frames.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "../06-websocket-handshake/frame.h"
#include "../06-websocket-handshake/handshake.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAID_MAX 8192 /* bytes in one thing to say */

static char accept_text[ACCEPT_SIZE];
static unsigned char heard[1 << 20]; /* from the client, not yet shown */
static size_t heard_length;
static int upgraded; /* its request is done */

/* Takes a request, if it is there as a whole. Returns its size, else 0. */
static size_t show_request(void) {
    struct head h;
    int size = head_parse(&h, (char *)heard, heard_length);
    if (size <= 0)
        return 0;
    struct span rest = {(char *)heard, (size_t)size - 2}, key = head_field(&h, "Sec-WebSocket-Key", NULL);
    while (rest.length > 0) {
        struct span line = span_cut(&rest, '\n');
        fprintf(stderr, "%.*s\n", (int)line.length - 1, line.at);
    }
    handshake_accept(accept_text, key.at ? key.at : "", key.length);
    fprintf(stderr, "end of request\n");
    upgraded = 1;
    return (size_t)size;
}

/* Takes a frame, if it is there as a whole: "FIN text, 5 bytes, key 37fa213d: hello". Returns its size, else 0. */
static size_t show_frame(void) {
    static const char *const names[16] = {"continuation", "text", "binary", [8] = "close", "ping", "pong"};
    struct frame f;
    int size = frame_decode(&f, heard, heard_length);
    if (size <= 0 || heard_length - (size_t)size < f.length)
        return 0;
    frame_mask(heard + size, (size_t)f.length, f.key, 0);
    fprintf(stderr, "%s%s, %llu bytes", f.fin ? "FIN " : "", names[f.opcode] ? names[f.opcode] : "reserved",
            (unsigned long long)f.length);
    if (f.masked)
        fprintf(stderr, ", key %02x%02x%02x%02x", f.key[0], f.key[1], f.key[2], f.key[3]);
    fprintf(stderr, ": ");
    for (size_t i = 0; i < f.length; i++) {
        int byte = heard[(size_t)size + i];
        fprintf(stderr, byte >= ' ' && byte <= '~' ? "%c" : "\\x%02x", byte);
    }
    fprintf(stderr, "\n");
    return (size_t)size + (size_t)f.length;
}

/* Returns 0 at the end of what the client sends. */
static int hear(int peer) {
    ssize_t n = read(peer, heard + heard_length, sizeof heard - heard_length);
    size_t used = 1;
    heard_length += n > 0 ? (size_t)n : 0;
    while (used > 0 && heard_length > 0) {
        used = upgraded ? show_frame() : show_request();
        heard_length -= used;
        memmove(heard, heard + used, heard_length);
    }
    if (n <= 0)
        fprintf(stderr, n < 0 ? "reset\n" : "the end\n");
    return n > 0;
}

/* Says what has come from the FIFO. Returns 0 if it was the last. */
static int say(int peer, int fifo) {
    char said[SAID_MAX + 1];
    ssize_t n = read(fifo, said, SAID_MAX), written = 0;
    if (n <= 0)
        return 0;
    int last = n >= 8 && memcmp(said + n - 8, "@HANGUP@", 8) == 0;
    n -= last ? 8 : 0;
    said[n] = '\0';
    char *at = strstr(said, "@ACCEPT@");
    if (at) {
        written = write(peer, said, (size_t)(at - said)) + write(peer, accept_text, strlen(accept_text));
        n -= at + 8 - said;
        memmove(said, at + 8, (size_t)n);
    }
    return written >= 0 && write(peer, said, (size_t)n) == n && !last;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.1")};
    socklen_t len = sizeof address;
    static const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (argc < 2 || bind(listener, (struct sockaddr *)&address, len) < 0 || listen(listener, 1) < 0)
        return 1;
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    signal(SIGPIPE, SIG_IGN);
    getsockname(listener, (struct sockaddr *)&address, &len);
    fprintf(stderr, "ws_peer: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    int peer = accept(listener, NULL, NULL);
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct pollfd p[] = {{open(argv[1], O_RDWR), POLLIN, 0}, {peer, POLLIN, 0}};
    while (p[0].fd >= 0 && poll(p, 2, -1) > 0) {
        if (p[0].revents && !say(peer, p[0].fd))
            break;
        if (p[1].revents && !hear(peer))
            p[1].fd = -1;
    }
    shutdown(peer, SHUT_WR);
    while (p[1].fd >= 0 && hear(peer))
        continue;
    return 0;
}
