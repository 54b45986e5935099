/* epoll_chat.c - the least that relays lines, with Linux's epoll: what the comparison in 02-chat.md is with.
 *
 *     terminal 1:  cc -O2 -o epoll_chat epoll_chat.c && ./epoll_chat -p 3202
 *     terminal 2:  ../crowd -c 900 127.0.0.1 3202
 *
 * Linux only. One room, no commands, no news of who comes and goes: every line goes to all others as
 * "guestPORT: text". A turn collects what it has for each client and writes it at once; a client with 64 KiB
 * waiting is dropped. Left out: cleaning what people type.
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

#define CHUNK_SIZE  65536 /* bytes read at once */
#define LINE_SIZE   1025  /* bytes in a line, with its end; who sends a longer one is dropped */
#define NAME_SIZE   24    /* bytes: "guestPORT: " and its NUL */
#define OUT_MAX     65536 /* bytes that wait for a client */
#define EVENTS_MAX  1024  /* handled in one turn */
#define CLIENTS_MAX 65536

struct client {
    int fd, place;       /* room[place] */
    int listed;          /* in the list of those to be settled at the end of this turn */
    int blocked;         /* the kernel took less than we had: wait for EPOLLOUT */
    int gone;            /* to be freed at the end of this turn */
    size_t length, size; /* of what waits for it, and room for how much */
    char *out;
    size_t in_length;
    char in[LINE_SIZE]; /* the beginning of a line */
    char name[NAME_SIZE];
};

static struct client *room[CLIENTS_MAX], *list[CLIENTS_MAX];
static int heads, listed, epoll;

/* Ends the program with one line that says why. */
static void die(const char *what) {
    fprintf(stderr, "epoll_chat: %s: %s\n", what, strerror(errno));
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
    fprintf(stderr, "epoll_chat: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    return fd;
}

/* Has a client settled at the end of this turn; and freed, if it is gone. */
static void client_list(struct client *c, int gone) {
    if (!c->listed)
        list[listed++] = c;
    c->listed = 1;
    c->gone |= gone;
}

/* Writes what waits, once. What the kernel refuses waits for EPOLLOUT. */
static void client_flush(struct client *c) {
    ssize_t n = write(c->fd, c->out, c->length);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        client_list(c, 1);
    if (n > 0 && (c->length -= (size_t)n) > 0)
        memmove(c->out, c->out + n, c->length);
    int blocked = c->length > 0;
    struct epoll_event event = {.events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
    if (c->blocked != blocked)
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    c->blocked = blocked;
}

/* Adds to what waits for a client. */
static void client_send(struct client *c, const char *text, size_t len) {
    if (c->length > OUT_MAX / 2 && !c->blocked && !c->gone)
        client_flush(c); /* or much talk in one turn would make a fast reader look slow */
    size_t size = 2 * (c->length + len) < OUT_MAX ? 2 * (c->length + len) : OUT_MAX;
    char *bigger = size > c->size ? realloc(c->out, size) : NULL;
    if (bigger)
        c->out = bigger, c->size = size;
    int full = c->length + len > c->size; /* it is too slow, or there is no memory */
    if (!full)
        memcpy(c->out + c->length, text, len), c->length += len;
    if (full || !c->blocked)
        client_list(c, full);
}

/* Takes in all who wait. */
static void client_accept(int listener) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    for (int fd; (fd = accept(listener, (struct sockaddr *)&address, &size)) >= 0;) {
        struct client *c = calloc(1, sizeof *c);
        char text[80];
        if (c == NULL || heads == CLIENTS_MAX)
            die("no room for a client");
        c->fd = fd;
        snprintf(c->name, sizeof c->name, "guest%d: ", ntohs(address.sin_port));
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            die("cannot watch a client");
        room[c->place = heads++] = c;
        client_send(c, text, (size_t)sprintf(text, "* welcome, %.*s\n", (int)strlen(c->name) - 2, c->name));
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
        die("cannot accept");
}

/* Sends the line in c->in to all others. */
static void client_say(struct client *c) {
    char text[NAME_SIZE + LINE_SIZE];
    size_t head = (size_t)sprintf(text, "%s", c->name);
    memcpy(text + head, c->in, c->in_length);
    for (int i = 0; i < heads; i++)
        if (room[i] != c && !room[i]->gone)
            client_send(room[i], text, head + c->in_length);
    c->in_length = 0;
}

/* Reads once, and cuts what has come into lines. */
static void client_read(struct client *c) {
    static char chunk[CHUNK_SIZE];
    ssize_t n = read(c->fd, chunk, sizeof chunk);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        client_list(c, 1);
    n = n < 0 ? 0 : n;
    for (const char *from = chunk, *stop = chunk + n, *end; from < stop && !c->gone; from = end) {
        const char *newline = memchr(from, '\n', (size_t)(stop - from));
        end = newline ? newline + 1 : stop;
        size_t len = (size_t)(end - from);
        if (c->in_length + len > LINE_SIZE)
            client_list(c, 1);
        else
            memcpy(c->in + c->in_length, from, len), c->in_length += len;
        if (newline && !c->gone)
            client_say(c);
    }
}

/* Ends the turn: writes what it brought, and frees who is gone. */
static void settle(void) {
    for (int i = 0; i < listed; i++) {
        struct client *c = list[i];
        if (!c->gone && !c->blocked && c->length > 0)
            client_flush(c); /* c->listed is still set, so this cannot make the list longer */
        c->listed = 0;
        if (c->gone) {
            room[c->place] = room[--heads];
            room[c->place]->place = c->place;
            close(c->fd); /* which also ends epoll's watch */
            free(c->out);
            free(c);
        }
    }
    listed = 0;
}

int main(int argc, char **argv) {
    const char *port = "3202";
    for (int option; (option = getopt(argc, argv, "p:")) != -1; port = optarg)
        if (option != 'p')
            return fputs("usage: epoll_chat [-p PORT]\n", stderr), 2;
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
            else if (events[i].events & EPOLLOUT)
                client_flush(c);
            if (c && !c->gone && events[i].events & ~(unsigned)EPOLLOUT)
                client_read(c);
        }
        settle();
    }
}
