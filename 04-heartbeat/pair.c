/* pair.c - see pair.h. */
#define _POSIX_C_SOURCE 200809L

#include "pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- How a pair ends. ---- */

static void pair_close(struct pair *p) {
    close(p->client);
    if (p->server >= 0)
        close(p->server);
    p->gone = 1;
}

/* With a linger time of 0 close() sends RST. */
static void reset_at_close(int fd) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void pair_reset(struct pair *p, const char *whose, const char *why) {
    if (p->gone)
        return;
    fprintf(stderr, "%s disconnected: %s%s\n", p->name, whose, why);
    reset_at_close(p->client);
    reset_at_close(p->server);
    pair_close(p);
}

/* No address of the server answers: sends FIN to the client, and throws away what it says. */
static void pair_give_up(struct pair *p, int error) {
    fprintf(stderr, "%s: cannot connect to %s: %s\n", p->name, p->server_name, strerror(error));
    flow_discard(&p->up);
    p->down.eof = 1;
    flow_finish(&p->down, 0);
}

/* ---- How it begins. ---- */

/* Begins to connect to one of these addresses, the first that does not fail at once. `error`: what is told if there is
 * none, an errno. */
static void pair_connect(struct pair *p, const struct addrinfo *a, int error) {
    if (p->server >= 0)
        close(p->server);
    p->server = -1;
    for (; a && p->server < 0; a = a->ai_next) {
        p->server = connect_begin(a);
        p->trying = a;
        error = errno;
    }
    if (p->server < 0) {
        p->trying = NULL;
        pair_give_up(p, error);
    }
}

/* select() says "writable": connecting has ended, well or not. */
static void pair_connected(struct pair *p) {
    int error = connect_result(p->server);
    if (error != 0) {
        pair_connect(p, p->trying->ai_next, error);
        return;
    }
    p->trying = NULL;
    p->up.to = p->server;
    p->down.from = p->server;
}

struct pair *pair_new(int client, const char *name, const char *server, const struct addrinfo *addresses,
                      struct network *network) {
    struct pair *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    snprintf(p->name, sizeof p->name, "%s", name);
    p->client = client;
    p->server = -1;
    p->server_name = server;

    p->up.from = client;
    p->up.to = -1;
    p->up.came = "->";
    p->up.went = "=>";
    p->up.network = network;

    p->down.from = -1;
    p->down.to = client;
    p->down.came = "<=";
    p->down.went = "<-";
    p->down.network = network;

    pair_connect(p, addresses, 0);
    return p;
}

/* ---- What happens in between. ---- */

long long pair_watch(const struct pair *p, fd_set *readable, fd_set *writable, long long now) {
    if (p->trying)
        FD_SET(p->server, writable);
    long long up = flow_watch(&p->up, readable, writable, now);
    long long down = flow_watch(&p->down, readable, writable, now);
    return up < down ? up : down;
}

/* Passes on in one direction. Writing comes first, or a reset could overtake what can be passed on before it. */
static void pair_pass(struct pair *p, struct flow *f, fd_set *readable, fd_set *writable, long long now) {
    int failed = -1; /* the socket at which it did */
    if (f->to >= 0 && FD_ISSET(f->to, writable) && flow_write(f, p->name, now) < 0)
        failed = f->to;
    else if (f->from >= 0 && FD_ISSET(f->from, readable) && flow_read(f, p->name, now) < 0)
        failed = f->from;
    if (failed >= 0)
        pair_reset(p, failed == p->server ? "the server: " : "", strerror(errno));
}

void pair_turn(struct pair *p, fd_set *readable, fd_set *writable, long long now) {
    if (!p->gone && p->trying && FD_ISSET(p->server, writable))
        pair_connected(p);
    if (!p->gone)
        pair_pass(p, &p->up, readable, writable, now);
    if (!p->gone)
        pair_pass(p, &p->down, readable, writable, now);

    if (!p->gone && flow_is_over(&p->up) && flow_is_over(&p->down)) {
        fprintf(stderr, "%s disconnected\n", p->name);
        pair_close(p);
    }
}
