/* echo_select.c - an echo server for many clients at once, in one file: select(), and a buffer for each client.
 *
 *     terminal 1:  cc -o echo_select echo_select.c && ./echo_select
 *     terminals 2 and 3:  telnet 127.0.0.1 3200 and nc 127.0.0.1 3200: both are served, neither waits
 *
 * Nothing but select() ever waits, so a client that is silent, or does not read, keeps nobody else waiting. A byte's
 * way: client_read -> data -> client_write. Left to loop.c: -v, a fair share of time for each, deadlines, last words.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE 16384 /* bytes on their way back to one client */
static const char usage[] =
    "usage: echo_select [-h] [-a ADDRESS] [-p PORT]     -h: this help\n"
    "  -a ADDRESS  default 127.0.0.1       -p PORT  default 3200, 0 takes any free one\n";

static struct client { /* its place is its descriptor */
    int open;
    int eof;       /* nothing more comes from it, but what is in the buffer still goes back */
    size_t length; /* bytes in the buffer */
    char data[BUFFER_SIZE];
    char name[64]; /* "127.0.0.1:53412" */
} clients[FD_SETSIZE];

static void address_text(const struct sockaddr *a, socklen_t len, char text[64]) {
    char host[50] = "?", port[6] = "?";
    getnameinfo(a, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, 64, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static void client_read(struct client *c, int fd) {
    ssize_t n = read(fd, c->data + c->length, BUFFER_SIZE - c->length);
    if (n > 0)
        c->length += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        c->eof = 1; /* a FIN or a reset: both are the client's right, and no reason for the server to end */
}

/* Writes what the kernel takes now, which may be any part. If it can take no more for ever, there is no more to do. */
static void client_write(struct client *c, int fd) {
    ssize_t n = write(fd, c->data, c->length);
    if (n >= 0) {
        c->length -= (size_t)n;
        memmove(c->data, c->data + n, c->length);
    } else if (errno != EAGAIN && errno != EINTR) {
        c->eof = 1;
        c->length = 0;
    }
}

/* Takes a newcomer in, or refuses it: one that is left in the queue would make select() say "readable" for ever. dup()
 * asks whether there is one descriptor more, to accept the next one with, and whether select() could watch it. */
static void accept_newcomer(int listener) {
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int on = 1, fd = accept(listener, (struct sockaddr *)&address, &len);
    if (fd < 0)
        return;
    int next = dup(fd);
    close(next);
    if (next < 0 || next >= FD_SETSIZE) {
        fprintf(stderr, "a newcomer is refused: no room\n");
        close(fd);
        return;
    }
    clients[fd] = (struct client){.open = 1};
    address_text((struct sockaddr *)&address, len, clients[fd].name);
    fprintf(stderr, "%s connected\n", clients[fd].name);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* send at once: do not wait to fill a packet */
}

static void serve(int listener) {
    for (;;) {
        fd_set readable, writable;
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        FD_SET(listener, &readable);
        for (int fd = 0; fd < FD_SETSIZE; fd++) {
            if (clients[fd].open && !clients[fd].eof && clients[fd].length < BUFFER_SIZE)
                FD_SET(fd, &readable); /* while its buffer is full, TCP makes the client wait */
            if (clients[fd].open && clients[fd].length > 0)
                FD_SET(fd, &writable);
        }
        if (select(FD_SETSIZE, &readable, &writable, NULL, NULL) < 0)
            continue; /* the sets say nothing */
        for (int fd = 0; fd < FD_SETSIZE; fd++) {
            struct client *c = &clients[fd];
            if (c->open && FD_ISSET(fd, &readable))
                client_read(c, fd);
            if (c->open && c->length > 0)
                client_write(c, fd);
            if (c->open && c->eof && c->length == 0) {
                fprintf(stderr, "%s disconnected\n", c->name);
                c->open = 0;
                close(fd);
            }
        }
        if (FD_ISSET(listener, &readable))
            accept_newcomer(listener);
    }
}

static void on_signal(int number) { _exit(number == 0); } /* one of the few calls that a handler may make */
int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *port = "3200";
    int option, on = 1, wrong = 0;
    for (int fd = 0; fd <= 2; fd++) /* if one is closed, a client would get its number, and our log */
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY); /* so that to use it is an error */
    while ((option = getopt(argc, argv, "ha:p:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0 || fflush(stdout) != 0;
        case 'a': address = optarg; break;
        case 'p': port = optarg; break;
        default: wrong = 1;
        }
    char *end, name[64];
    long number = strtol(port, &end, 10);
    if (wrong || optind < argc || *port < '0' || *port > '9' || *end != '\0' || number > 65535) {
        fprintf(stderr, "echo_select: wrong option, or not a port from 0 to 65535\n%s", usage);
        return 2;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (signal(SIGHUP, on_signal) == SIG_IGN)
        signal(SIGHUP, SIG_IGN); /* it was ignored at the start: nohup */
    signal(SIGPIPE, SIG_IGN);    /* write() to a client that is gone shall fail, and not end the program */
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *a;
    int error = getaddrinfo(address, port, &hints, &a);
    int listener = error ? -1 : socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* or a restart has to wait a minute */
    if (error || bind(listener, a->ai_addr, a->ai_addrlen) < 0 || listen(listener, SOMAXCONN) < 0) {
        const char *why = error ? gai_strerror(error) : strerror(errno);
        fprintf(stderr, "echo_select: cannot listen on %s:%s: %s\n", address, port, why);
        return 1;
    }
    getsockname(listener, a->ai_addr, &a->ai_addrlen); /* with port 0: the one that it has become */
    address_text(a->ai_addr, a->ai_addrlen, name);
    fprintf(stderr, "echo_select: listening on %s\n", name);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    serve(listener);
}
