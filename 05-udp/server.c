/* server.c - see server.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "server.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int server_fd = -1;
struct address server;
char server_text[ADDRESS_TEXT];

static struct addrinfo *candidates; /* all addresses of the server's name ... */
static struct addrinfo *candidate;  /* ... and the one that we are trying */
static int untried;                 /* there are others behind it that we have not tried */
static int only_server;             /* the socket is connected */

/* Returns a socket that can send to an address, or -1 with errno. connect() sends nothing: it only tells the kernel who
 * the peer is. */
static int socket_to(const struct addrinfo *a) {
    int fd = datagram_socket(a->ai_family);
    if (fd < 0 || !only_server || connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    return datagram_socket_failed(fd);
}

/* Turns to the first of the addresses from `a` up to `end`. Returns 0, or -1 with errno. */
static int server_turn_to(struct addrinfo *a, const struct addrinfo *end) {
    int fd = -1;
    while (a != end && (fd = socket_to(a)) < 0)
        a = a->ai_next;
    if (fd < 0)
        return -1;

    server_close();
    server_fd = fd;
    candidate = a;
    memcpy(&server.ip, a->ai_addr, a->ai_addrlen);
    server.len = a->ai_addrlen;
    address_text(&server.ip, server.len, server_text);
    return 0;
}

int server_open(struct addrinfo *addresses, int connected) {
    candidates = addresses;
    only_server = connected;
    int result = server_turn_to(candidates, NULL);
    untried = result == 0 && candidate->ai_next != NULL;
    return result;
}

int server_next(int again) {
    int result = server_turn_to(candidate->ai_next, NULL);
    if (result < 0 && again)
        result = server_turn_to(candidates, candidate);
    if (candidate->ai_next == NULL)
        untried = 0;
    return result == 0;
}

int server_has_untried(void) { return untried; }

int server_send(const char *data, size_t len) {
    if (!only_server)
        return datagram_send(server_fd, &server, data, len);
    /* sendto() would tell the address once more, which some systems refuse (EISCONN). */
    if (send(server_fd, data, len, 0) < 0)
        return -1;
    show_wire(server_text, "<-", data, len);
    return 0;
}

void server_close(void) {
    if (server_fd >= 0)
        close(server_fd);
    server_fd = -1;
}
