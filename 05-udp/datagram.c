/* datagram.c - see datagram.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "datagram.h"

#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- Addresses ---- */

int address_port(const struct address *a) {
    if (a->ip.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&a->ip)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&a->ip)->sin_port);
}

int address_same_host(const struct address *a, const struct address *b) {
    if (a->ip.ss_family != b->ip.ss_family)
        return 0;
    if (a->ip.ss_family == AF_INET6)
        return memcmp(&((const struct sockaddr_in6 *)&a->ip)->sin6_addr,
                      &((const struct sockaddr_in6 *)&b->ip)->sin6_addr, sizeof(struct in6_addr)) == 0;
    return ((const struct sockaddr_in *)&a->ip)->sin_addr.s_addr ==
           ((const struct sockaddr_in *)&b->ip)->sin_addr.s_addr;
}

int address_same(const struct address *a, const struct address *b) {
    return address_same_host(a, b) && address_port(a) == address_port(b);
}

/* ---- Sockets ---- */

int datagram_socket(int family) {
    int fd = socket(family, SOCK_DGRAM, 0), size = 0;
    socklen_t len = sizeof size;
    if (fd < 0)
        return -1;
    if (fd >= FD_SETSIZE) { /* select() cannot watch it */
        errno = EMFILE;
        return datagram_socket_failed(fd);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK); /* a datagram with a wrong checksum wakes select(), and is gone */

    getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len);
    if (size < DATAGRAM_MAX) { /* macOS sends no datagram that is longer than this buffer, of 9,216 bytes */
        size = DATAGRAM_MAX;
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    return fd;
}

int datagram_socket_failed(int fd) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Binds a socket to an address. Returns it, or -1 with errno. There is no SO_REUSEADDR: UDP has no old connections to
 * wait for, and with it two servers could have the same port. */
static int bind_to(const struct addrinfo *a) {
    int fd = datagram_socket(a->ai_family);
    if (fd < 0 || bind(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    return datagram_socket_failed(fd);
}

int bind_on(const char *host, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_DGRAM}, *found = NULL;
    struct address own = {.len = sizeof own.ip};
    char name[ADDRESS_TEXT];
    snprintf(name, sizeof name, "%s:%s", host, port);

    int error = getaddrinfo(host, port, &hints, &found), fd = -1;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        address_text(a->ai_addr, a->ai_addrlen, name);
        fd = bind_to(a);
    }
    if (fd < 0) {
        const char *why = error ? gai_strerror(error) : strerror(errno);
        fprintf(stderr, "%s: cannot listen on %s: %s\n", program, name, why);
        exit(1);
    }
    freeaddrinfo(found);

    getsockname(fd, (struct sockaddr *)&own.ip, &own.len); /* with port 0: the one that it has become */
    address_text(&own.ip, own.len, name);
    fprintf(stderr, "%s: listening on %s\n", program, name);
    return fd;
}

/* ---- Datagrams ---- */

static void show_datagram(const struct address *peer, const char *arrow, const char *data, size_t len) {
    char name[ADDRESS_TEXT];
    if (!verbose)
        return;
    address_text(&peer->ip, peer->len, name);
    show_wire(name, arrow, data, len);
}

/* recvmsg() says what recvfrom() keeps to itself: MSG_TRUNC, there was no room for all of it. */
ssize_t datagram_receive(int fd, char *data, size_t size, struct address *from, int *cut) {
    struct iovec room = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1};
    message.msg_name = &from->ip;
    message.msg_namelen = sizeof from->ip;

    ssize_t n = recvmsg(fd, &message, 0);
    if (n < 0)
        return -1;
    from->len = message.msg_namelen;
    *cut = (message.msg_flags & MSG_TRUNC) != 0;
    show_datagram(from, "->", data, (size_t)n);
    return n;
}

int datagram_send(int fd, const struct address *to, const char *data, size_t len) {
    if (sendto(fd, data, len, 0, (const struct sockaddr *)&to->ip, to->len) < 0)
        return -1;
    show_datagram(to, "<-", data, len);
    return 0;
}

void datagram_log(const struct address *peer, size_t len, const char *what) {
    char name[ADDRESS_TEXT];
    address_text(&peer->ip, peer->len, name);
    fprintf(stderr, "%s %zu byte%s %s\n", name, len, len == 1 ? "" : "s", what);
}

/* ---- The sleep ---- */

long long wait_until(long long until, int signals, fd_set *readable, fd_set *writable) {
    long long now = now_us(), wait = until > now ? until - now : 0;
    struct timeval timeout = {.tv_sec = (time_t)(wait / 1000000), .tv_usec = (suseconds_t)(wait % 1000000)};
    FD_SET(signals, readable);

    int n = select(FD_SETSIZE, readable, writable, NULL, until == NEVER ? NULL : &timeout);
    if (n <= 0) { /* a signal, or the time is up: the sets say nothing */
        FD_ZERO(readable);
        if (writable)
            FD_ZERO(writable);
    }
    return n == 0 ? now + wait : now;
}
