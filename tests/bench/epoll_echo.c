/* epoll_echo.c - the same service as echo_server with Linux's epoll: what the comparison in 01-echo.md is
 * with.
 *
 *     terminal 1:  cc -O2 -o epoll_echo epoll_echo.c && ./epoll_echo -p 3201
 *     terminal 2:  ../../01-echo/echo_bench -c 50 127.0.0.1 3201
 *
 * Linux only. The kernel keeps the set of descriptors, so silent ones cost nothing: that is the whole
 * difference. Level-triggered, which is faster here: edge-triggered has to read again after each message,
 * only to hear EAGAIN. Each client gets its bytes back straight from one shared buffer; what the kernel
 * refuses is kept for it.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_SIZE 65536 /* bytes read at once, and so the most that is ever kept for a client */
#define EVENTS_MAX 1024  /* handled in one turn */

struct client {
    int fd;
    char *unsent;         /* what the kernel refused, or NULL; until it is gone we read no more */
    size_t start, length; /* of it, still to go: unsent[start] to unsent[length - 1] */
};

static int epoll;

/* Ends the program with one line that says why. */
static void die(const char *what) {
    fprintf(stderr, "epoll_echo: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Returns a socket that listens on 127.0.0.1, after saying so. */
static int listen_on(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, SOMAXCONN) < 0)
        die("cannot listen");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    getsockname(fd, (struct sockaddr *)&address, &size);
    fprintf(stderr, "epoll_echo: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    return fd;
}

/* Takes in all who wait. */
static void client_accept(int listener) {
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        struct client *c = calloc(1, sizeof *c);
        if (c == NULL)
            die("no memory for a client");
        c->fd = fd;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            die("cannot watch a client");
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
        die("cannot accept");
}

static void client_free(struct client *c) {
    close(c->fd); /* which also ends epoll's watch */
    free(c->unsent);
    free(c);
}

/* Waits for either of EPOLLIN and EPOLLOUT. */
static void client_watch(struct client *c, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

/* Reads once and writes it back. Returns -1 if the client is finished. */
static int client_echo(struct client *c) {
    static char chunk[CHUNK_SIZE];
    ssize_t n = read(c->fd, chunk, sizeof chunk);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    ssize_t written = write(c->fd, chunk, (size_t)n);
    if (written < 0 && errno != EAGAIN)
        return -1;
    c->start = 0;
    c->length = (size_t)(written < 0 ? n : n - written);
    if (c->length == 0)
        return 0;
    if ((c->unsent = malloc(c->length)) == NULL)
        return -1;
    memcpy(c->unsent, chunk + n - c->length, c->length);
    client_watch(c, EPOLLOUT);
    return 0;
}

/* Writes what was refused before. Returns -1 if the client is finished. */
static int client_flush(struct client *c) {
    ssize_t n = write(c->fd, c->unsent + c->start, c->length - c->start);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    c->start += (size_t)n;
    if (c->start == c->length) {
        free(c->unsent);
        c->unsent = NULL;
        client_watch(c, EPOLLIN);
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *port = "3201";
    for (int option; (option = getopt(argc, argv, "p:")) != -1;)
        if (option != 'p')
            return fputs("usage: epoll_echo [-p PORT]\n", stderr), 2;
        else
            port = optarg;
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    int listener = listen_on(port);
    struct epoll_event events[EVENTS_MAX] = {{.events = EPOLLIN, .data.ptr = NULL}};
    if ((epoll = epoll_create1(0)) < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, events) < 0)
        die("cannot watch");
    for (;;) { /* SIGTERM ends it, as it is */
        int n = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (c == NULL)
                client_accept(listener);
            else if ((c->unsent ? client_flush(c) : client_echo(c)) < 0)
                client_free(c);
        }
    }
}
