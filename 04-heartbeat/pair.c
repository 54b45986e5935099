/* pair.c - see pair.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK_MS 500 /* ms: how often a socket that we do not read from is asked whether it was reset */

/* ---- How a pair ends. ---- */

static void pair_close(struct pair *p) {
    close(p->client);
    if (p->server >= 0)
        close(p->server);
    attempt_end(&p->attempt);
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

/* There is no server: sends FIN to the client, and throws away what it says. */
static void pair_give_up(struct pair *p, const char *what, const char *whom, const char *why) {
    fprintf(stderr, "%s: cannot %s %s: %s\n", p->name, what, whom, why);
    attempt_end(&p->attempt);
    flow_discard(&p->up);
    p->down.eof = 1;
    flow_finish(&p->down, 0);
}

/* ---- How it begins. ---- */

/* Begins to connect to the server's next address. `error`: why the one before it has failed, an errno. */
static void pair_try(struct pair *p, int error) {
    if (p->server >= 0)
        close(p->server);
    p->server = attempt_next(&p->attempt, error);
    p->trying = p->server >= 0;
    p->next_try = p->attempt.next ? now_ms() + CONNECT_MS : NEVER;
    if (!p->trying)
        pair_give_up(p, "connect to", p->to->text, strerror(errno));
}

/* Looks the server up, and begins to connect. Meanwhile all others wait, if a name server has to be asked. */
static void pair_connect(struct pair *p) {
    const char *why;
    struct addrinfo *found = look_up(p->to, SOCK_STREAM, &why);
    if (found == NULL) {
        pair_give_up(p, "find", p->to->host, why);
        return;
    }
    attempt_start(&p->attempt, found);
    pair_try(p, 0);
}

/* select() says "writable": connecting has ended, well or not. */
static void pair_connected(struct pair *p) {
    int error = connect_result(p->server);
    if (error != 0) {
        pair_try(p, error);
        return;
    }
    p->trying = 0;
    attempt_end(&p->attempt);
    p->up.to = p->server;
    p->down.from = p->server;
}

struct pair *pair_new(int client, const char *name, const struct server_name *to, struct network *network) {
    struct pair *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    snprintf(p->name, sizeof p->name, "%s", name);
    p->client = client;
    p->server = -1;
    p->to = to;

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

    pair_connect(p);
    return p;
}

/* ---- What happens in between. ---- */

/* Is this a socket that we do not read from? Then select() does not tell us that it was reset. */
static int is_unwatched(const struct flow *f) { return f->from >= 0 && !flow_wants_more(f); }

long long pair_watch(const struct pair *p, fd_set *readable, fd_set *writable, long long now) {
    long long due[] = {flow_watch(&p->up, readable, writable, now),
                       flow_watch(&p->down, readable, writable, now), p->trying ? p->next_try : NEVER};
    long long nearest = is_unwatched(&p->up) || is_unwatched(&p->down) ? now + CHECK_MS : NEVER;
    for (size_t i = 0; i < sizeof due / sizeof *due; i++)
        if (due[i] < nearest)
            nearest = due[i];
    if (p->trying)
        FD_SET(p->server, writable);
    return nearest;
}

/* Passes on in one direction. Writing comes first, or a reset could overtake what can be passed on before it. A peer
 * that has sent FIN can still send RST: of a socket that we do not read from, we ask whether it has an error. */
static void pair_pass(struct pair *p, struct flow *f, const struct look *look) {
    if (p->gone)
        return;
    int fd = f->from, error = 0;
    if (f->to >= 0 && FD_ISSET(f->to, &look->writable)) {
        fd = f->to;
        error = flow_write(f, p->name, look->now, look->share) < 0 ? errno : 0;
    } else if (f->from >= 0 && FD_ISSET(f->from, &look->readable)) {
        error = flow_read(f, p->name, look->now) < 0 ? errno : 0;
    } else if (is_unwatched(f)) {
        error = connect_result(f->from);
    }
    if (error != 0)
        pair_reset(p, fd == p->server ? "the server: " : "", strerror(error));
}

void pair_turn(struct pair *p, const struct look *look) {
    if (!p->gone && p->trying && FD_ISSET(p->server, &look->writable))
        pair_connected(p);
    else if (!p->gone && p->trying && look->began >= p->next_try)
        pair_try(p, ETIMEDOUT);
    pair_pass(p, &p->up, look);
    pair_pass(p, &p->down, look);

    if (!p->gone && flow_is_over(&p->up) && flow_is_over(&p->down)) {
        fprintf(stderr, "%s disconnected\n", p->name);
        pair_close(p);
    }
}
