/* listen.c - see listen.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Newcomers that may wait for accept(). SOMAXCONN is 128 on some systems, too few for a crowd. */
#define BACKLOG 4096

/* Binds a socket to an address and listens. Returns it, or -1 with errno. */
static int listen_at(const struct addrinfo *a) {
    static const int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* or a restart has to wait a minute */
    int error = bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ? errno : 0;
    if (error == 0 && fd < FD_SETSIZE)
        return fd;

    close(fd);
    errno = error ? error : EMFILE; /* select() watches none from FD_SETSIZE on */
    return -1;
}

int listen_on(const char *address, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int error = getaddrinfo(address, port, &hints, &found), fd = -1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = listen_at(a);
    if (fd < 0) {
        fprintf(stderr,
                strchr(address, ':') ? "%s: cannot listen on [%s]:%s: %s\n"
                                     : "%s: cannot listen on %s:%s: %s\n",
                program, address, port, error ? gai_strerror(error) : strerror(errno));
        exit(1);
    }
    freeaddrinfo(found);

    struct sockaddr_storage own; /* with port 0: the one that it has become */
    socklen_t len = sizeof own;
    char name[ADDRESS_TEXT];
    getsockname(fd, (struct sockaddr *)&own, &len);
    address_text(&own, len, name);
    fprintf(stderr, "%s: listening on %s\n", program, name);
    fcntl(fd, F_SETFL, O_NONBLOCK); /* a newcomer may be gone again before accept() gets to it */
    return fd;
}

/* Returns whether one more client may be taken in after `fd`. dup() asks: is there one more descriptor? If so, the next
 * accept() cannot fail with EMFILE, and a newcomer can always be taken out of the queue, if only to be refused. */
static int has_room(int fd, int below) {
    int next = dup(fd);
    close(next);
    return next >= 0 && next < below;
}

/* listen_accept() for a client whose descriptor, and the next one, have to be below `below`; 0 refuses everybody. */
static int accept_below(int below, int listener, char name[ADDRESS_TEXT]) {
    static const int on = 1;
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int fd = accept(listener, (struct sockaddr *)&address, &len);
    if (fd < 0) {
        struct timespec pause = {.tv_nsec = 10000000};
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            nanosleep(&pause, NULL); /* the whole system is out of descriptors or memory: do not spin */
        return -1;
    }

    address_text(&address, len, name);
    if (!has_room(fd, below)) {
        fprintf(stderr, "%s refused: no room\n", name);
        close(fd);
        return -1;
    }
    fprintf(stderr, "%s connected\n", name);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* send at once: do not wait to fill a packet */
    return fd;
}

int listen_accept(int listener, char name[ADDRESS_TEXT]) { return accept_below(FD_SETSIZE, listener, name); }

int listen_accept_if(int room, int listener, char name[ADDRESS_TEXT]) {
    return accept_below(room ? INT_MAX : 0, listener, name);
}
