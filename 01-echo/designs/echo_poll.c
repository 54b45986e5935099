/* echo_poll.c - an echo server with one loop for all clients, by poll(): as many as there are descriptors.
 *
 *     terminal 1:  cc -o echo_poll echo_poll.c options.c echo.c listen.c signals.c wire.c && ./echo_poll
 *     terminal 2:  telnet 127.0.0.1 3200           type a line
 *     terminal 3:  nc 127.0.0.1 3200               both are served, neither waits
 *
 * The loop of echo_select.c, with an array of what to wait for in place of sets of bits: it is as long as we want, and
 * a descriptor may have any number. Nothing but poll() waits; so what takes CPU time (-w) makes all the others wait.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "echo.h"
#include "listen.h"
#include "options.h"
#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE 16384 /* bytes on their way back to one client */
#define FIRST       2     /* place of the first client, behind the signals and the listener */
#define NEWCOMERS   64    /* taken in at most a turn: to look at all clients costs more than one newcomer */

const char program[] = "echo_poll";
const char usage[] =
    "usage: echo_poll " OPTIONS_USAGE "  -n WORKERS  1 to 30000 clients (default 5000); more are refused\n";

struct client {
    int eof;       /* nothing more comes from it, but what is in the buffer still goes back */
    size_t length; /* bytes in the buffer */
    struct line_start at;
    char name[ADDRESS_TEXT];
    char data[BUFFER_SIZE];
};

static struct pollfd *events;  /* poll() leaves out those whose descriptor is -1: these places are free */
static struct client *clients; /* by the same place; memory that nobody has touched is not there yet */
static int places = FIRST;     /* behind the last one that was ever taken */

static void client_read(struct client *c, int fd, int work_ms) {
    ssize_t n = read(fd, c->data + c->length, BUFFER_SIZE - c->length);
    if (n > 0) {
        show_wire(c->name, "->", c->data + c->length, (size_t)n);
        int ms = work_ms > 0 ? work_ms * work_lines(&c->at, c->data + c->length, (size_t)n) : 0;
        for (; ms > 0 && !stop; ms--)
            work_burn(1);
        c->length += (size_t)n;
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        c->eof = 1;
    }
}

static void client_write(struct client *c, int fd) {
    ssize_t n = write(fd, c->data, c->length);
    if (n >= 0) {
        show_wire(c->name, "<-", c->data, (size_t)n);
        c->length -= (size_t)n;
        memmove(c->data, c->data + n, c->length);
    } else if (errno != EAGAIN && errno != EINTR) {
        c->eof = 1;
        c->length = 0;
    }
}

/* Lets a client read and write what it can, and says what to wait for next. */
static void client_step(struct client *c, struct pollfd *event, int work_ms) {
    int can_read = event->revents & ~POLLOUT; /* POLLERR and POLLHUP, which come unasked, are read, too */
    if (can_read && !c->eof && c->length < BUFFER_SIZE)
        client_read(c, event->fd, work_ms);
    if (c->length > 0)
        client_write(c, event->fd);
    event->events = 0;
    if (!c->eof && c->length < BUFFER_SIZE)
        event->events = POLLIN; /* while its buffer is full, TCP makes the client wait */
    if (c->length > 0)
        event->events |= POLLOUT;
    if (c->eof && c->length == 0) {
        fprintf(stderr, "%s disconnected\n", c->name);
        close(event->fd);
        event->fd = -1;
    }
}

/* Takes a newcomer in, or refuses it. Returns its place, or -1. */
static int accept_newcomer(int listener, int limit) {
    int place = FIRST;
    while (place < places && events[place].fd >= 0)
        place++;
    char name[ADDRESS_TEXT];
    int fd = listen_accept_if(place < FIRST + limit, listener, name);
    if (fd < 0)
        return -1;
    if (place == places)
        places++;
    struct client *c = &clients[place];
    c->eof = 0;
    c->length = 0;
    c->at = (struct line_start){0};
    memcpy(c->name, name, sizeof name);
    events[place] = (struct pollfd){.fd = fd, .events = POLLIN};
    return place;
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    struct options o = {.address = "127.0.0.1", .port = "3200", .workers = 5000};
    int code = options_read(&o, argc, argv);
    if (code >= 0)
        return code;
    events = calloc((size_t)o.workers + FIRST, sizeof *events);
    clients = calloc((size_t)o.workers + FIRST, sizeof *clients);
    if (events == NULL || clients == NULL)
        return -complain("cannot serve", strerror(errno));

    events[0] = (struct pollfd){.fd = catch_signals(), .events = POLLIN};
    events[1] = (struct pollfd){.fd = listen_on(o.address, o.port), .events = POLLIN};
    while (!stop) {
        if (poll(events, (nfds_t)places, -1) <= 0)
            continue;
        for (int i = FIRST; i < places && !stop; i++)
            if (events[i].fd >= 0 && events[i].revents)
                client_step(&clients[i], &events[i], o.work_ms);
        int newcomers = events[1].revents ? NEWCOMERS : 0;
        while (newcomers > 0 && accept_newcomer(events[1].fd, o.workers) >= 0)
            newcomers--;
    }
    return 0;
}
