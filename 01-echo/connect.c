/* connect.c - see connect.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connect.h"

#include "signals.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

struct server_name parse_server(int argc, char **argv, const char *port) {
    struct server_name s = {.host = "127.0.0.1", .port = port};
    if (optind < argc)
        s.host = argv[optind++];
    if (optind < argc)
        s.port = argv[optind++];
    if (optind < argc)
        exit(refuse_argument(argv[optind]));
    parse_number(s.port, 0, 65535);
    snprintf(s.text, sizeof s.text, strchr(s.host, ':') ? "[%s]:%s" : "%s:%s", s.host, s.port);
    return s;
}

struct addrinfo *look_up(const struct server_name *server, int type, const char **why) {
    struct addrinfo hints = {.ai_socktype = type}, *found = NULL;
    int error = getaddrinfo(server->host, server->port, &hints, &found);
    *why = error == 0 ? NULL : gai_strerror(error);
    return error == 0 ? found : NULL;
}

struct addrinfo *resolve(const struct server_name *server, int type) {
    const char *why;
    struct addrinfo *found = look_up(server, type, &why);
    if (found)
        return found;
    fprintf(stderr, "%s: cannot find %s: %s\n", program, server->host, why);
    exit(1);
}

int connect_begin(const struct addrinfo *a) {
    static const int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (fd < 0)
        return -1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* send at once: do not wait to fill a packet */
    int error = connect(fd, a->ai_addr, a->ai_addrlen) < 0 ? errno : 0;
    if (fd >= FD_SETSIZE)
        error = EMFILE; /* select() cannot watch it */
    if (error == 0 || error == EINPROGRESS || error == EINTR)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

int connect_result(int fd) {
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return errno;
    return error;
}

/* Waits until a socket is connected, CONNECT_MS at most unless it is the last chance. Returns 0, or an errno: EINTR if
 * a signal came first. When the time is up, it looks once more: we may have been stopped meanwhile. */
static int connect_wait(int fd, int signals, int is_last) {
    long long until = now_ms() + CONNECT_MS;
    while (!stop) {
        long long now = now_ms(), left = until > now ? until - now : 0;
        struct timeval limit = {.tv_sec = (time_t)(left / 1000),
                                .tv_usec = (suseconds_t)(left % 1000 * 1000)};
        fd_set readable, writable;
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        FD_SET(signals, &readable);
        FD_SET(fd, &writable);

        int n = select(FD_SETSIZE, &readable, &writable, NULL, is_last ? NULL : &limit);
        if (n > 0 && FD_ISSET(fd, &writable))
            return connect_result(fd);
        if (n >= 0 && left == 0 && !is_last)
            return ETIMEDOUT;
    }
    return EINTR;
}

int connect_to(const struct addrinfo *a, int signals) {
    int error = EINTR;
    for (; a && !stop; a = a->ai_next) {
        int fd = connect_begin(a);
        error = fd < 0 ? errno : connect_wait(fd, signals, a->ai_next == NULL);
        if (error == 0)
            return fd;
        if (fd >= 0)
            close(fd);
    }
    errno = error;
    return -1;
}
