/* im_server.c - instant messaging: A says it to the server, the server to B, now or when B comes back.
 *
 *     terminal 1:  cc -o im_server im_server.c post.c journal.c request.c frame.c message.c && ./im_server -d mail
 *     terminal 2:  ./im_client -u zhangsan -w 123456 -f json      type "lisi: hello", though lisi is not there
 *     terminal 1:  kill it, even with kill -9, and start it again
 *     terminal 3:  ./im_client -u lisi -w 123456 -f xml           what was said while away comes first
 *
 * Watch: with -v each frame is shown in bytes and in words; and mail/journal is made of frames, too. New here: bytes
 * become frames and messages (frame.c, message.c), and "ok" is a promise, see commit(). What waits for whom is kept
 * by post.c, and on the disk by journal.c. Start reading at on_data().
 * Left out: TLS and hashed passwords, so use it on your own machine only; groups; more than one server.
 */
#define _POSIX_C_SOURCE 200809L

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
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "journal.h"
#include "message.h"
#include "post.h"
#include "request.h"

#define IN_MAX        (FRAME_HEADER + FRAME_MAX) /* bytes per client that wait for on_data: the longest frame */
#define OUT_MAX       524288 /* bytes per client that wait for the kernel; half of them for the next answer */
#define HISTORY_MAX   100    /* messages in an answer to `history` */
#define HISTORY_BYTES 131072 /* bytes in it */
#define WINDOW        32     /* messages on their way to a client without its acknowledgement */
#define BATCH_MAX     512    /* messages that one write to the disk makes sure of */
#define TRIES_MAX     3      /* wrong passwords on one connection */
#define PRESENCE_MAX  200 /* bytes in the longest `presence`; in an answer to `who` is one for each account */
_Static_assert(HISTORY_BYTES <= OUT_MAX / 2 && ACCOUNTS_MAX * PRESENCE_MAX <= OUT_MAX / 2,
               "there has to be room for an answer");

static const char program[] = "im_server";
static const char usage[] =
    "usage: im_server [-hv] [-a ADDRESS] [-p PORT] [-u FILE] [-d DIR]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text, and what each frame says\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 5288)\n"
    "  -u FILE     who has an account: lines of NAME:PASSWORD (default: zhangsan, lisi and wangwu,\n"
    "              with the password 123456)\n"
    "  -d DIR      keep messages on the disk, in DIR/journal (default: in memory only)\n";

/* ---- plumbing: the same in every TCP server of this course (see 01-echo) ---- */

#define NAME_SIZE 64   /* bytes: "[address%interface]:port" and its NUL */
#define LINGER_MS 2000 /* how long we wait for a peer's FIN after we have sent ours */

struct buffer { /* a queue of `length` bytes, with room for `size` */
    char *data;
    size_t length, size;
};

struct client { /* its slot in the table is its descriptor: clients[fd] */
    int open, fd;
    char name[NAME_SIZE];   /* "127.0.0.1:53412" or "[::1]:53412" */
    struct buffer in, out;  /* received but not yet used by on_data; owed to the peer */
    int eof;                /* the peer has finished sending; it may still read */
    int closing;            /* set by a lesson to hang up: no more on_data, close when `out` is drained */
    int news;               /* on_data has not seen the latest of `in`, `eof` and the room in `out` */
    int blocked;            /* the kernel took less than we had: wait until select() says "writable" */
    int gone;               /* to be freed at the end of this turn */
    long long linger_until; /* ms: the end of our wait for the peer's FIN; 0 before we have sent ours */
};

/* What a lesson adds: the four events that the delegate of an asynchronous socket library gets, too. */
static void on_connect(struct client *c);
static size_t on_data(struct client *c, const char *data, size_t len); /* returns the bytes it used, gets */
static void on_disconnect(struct client *c);                           /* the rest again; also at eof */
static int on_tick(long long now); /* returns the ms until it wants the next tick, -1: never */

static struct client clients[FD_SETSIZE];
static int top;                    /* no slot from here on is open */
static int verbose;                /* -v */
static volatile sig_atomic_t stop; /* SIGINT or SIGTERM has come */
static void on_signal(int number) { stop = number; }

/* Milliseconds, by a clock that nobody can set. */
static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Returns the number, 0 to max, that an option's text stands for; anything else ends the program. */
static int parse_number(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value <= max)
        return (int)value;
    fprintf(stderr, "%s: '%s' is not a number from 0 to %d\n%s", program, text, max, usage);
    exit(2);
}

/* Writes "host:port" in digits: to ask DNS for a name instead could stop the whole server for seconds. */
static void name_address(const void *address, socklen_t len, char name[NAME_SIZE]) {
    char host[NAME_SIZE - 9] = "?", port[6] = "?";
    getnameinfo(address, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, NAME_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* The microscope of -v: "->" came from the peer, "<-" went to it; 16 bytes a row. */
static void show_wire(const char *name, const char *arrow, const char *data, size_t len) {
    if (verbose)
        fprintf(stderr, "%s %s %zu byte%s\n", name, arrow, len, len == 1 ? "" : "s");
    for (size_t row = 0; verbose && row < len; row += 16) {
        char hex[16 * 3 + 1], text[16 + 1] = "";
        for (size_t i = 0; i < 16 && row + i < len; i++) {
            unsigned char byte = (unsigned char)data[row + i];
            snprintf(hex + 3 * i, 4, " %02x", byte);
            text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
        }
        fprintf(stderr, "%8zu %-48s  %s\n", row, hex, text);
    }
}

/* Adds bytes at the end. Returns -1, and adds none, if that would make over `max` or memory is out. */
static int buffer_append(struct buffer *b, const char *data, size_t len, size_t max) {
    if (len > max - b->length)
        return -1;
    if (b->length + len > b->size) {
        size_t size = b->length + len < max / 2 ? 2 * (b->length + len) : max;
        char *bigger = realloc(b->data, size);
        if (bigger == NULL)
            return -1;
        b->data = bigger;
        b->size = size;
    }
    memcpy(b->data + b->length, data, len);
    b->length += len;
    return 0;
}

/* Takes bytes away from the front. */
static void buffer_take(struct buffer *b, size_t len) {
    b->length -= len;
    if (b->length > 0)
        memmove(b->data, b->data + len, b->length);
}

/* Ends a connection and logs why; NULL: as usual. Freed only at the end of the turn: callers may hold it. */
static void client_drop(struct client *c, const char *why) {
    if (!c->gone)
        fprintf(stderr, "%s disconnected%s%s\n", c->name, why ? ": " : "", why ? why : "");
    c->gone = 1;
}

/* Queues bytes for a client. One that lets OUT_MAX bytes pile up is too slow to keep. */
static void client_send(struct client *c, const char *data, size_t len) {
    if (len > 0 && !c->closing && !c->gone && buffer_append(&c->out, data, len, OUT_MAX) < 0)
        client_drop(c, "too slow, it does not read what it is sent");
}

static void client_read(struct client *c) {
    static char chunk[IN_MAX];
    ssize_t n = read(c->fd, chunk, IN_MAX - c->in.length);
    if (n > 0) {
        show_wire(c->name, "->", chunk, (size_t)n);
        size_t used = c->in.length > 0 || c->closing || c->gone ? 0 : on_data(c, chunk, (size_t)n);
        if (used < (size_t)n && buffer_append(&c->in, chunk + used, (size_t)n - used, IN_MAX) < 0)
            client_drop(c, "out of memory");
    } else if (n == 0) {
        c->eof = 1;
    } else if (errno != EAGAIN && errno != EINTR) {
        client_drop(c, strerror(errno));
    }
    c->news = c->in.length > 0 || c->eof;
}

/* Offers on_data what has come, for as long as it uses some of it. */
static void client_work(struct client *c) {
    while (c->news && !c->gone) {
        size_t used = c->closing ? c->in.length : on_data(c, c->in.data, c->in.length);
        buffer_take(&c->in, used);
        c->news = used > 0;
    }
}

/* Writes what is owed, once. The room that this makes in `out` may be what on_data was waiting for. */
static void client_flush(struct client *c) {
    ssize_t n = write(c->fd, c->out.data, c->out.length);
    c->blocked = n < (ssize_t)c->out.length;
    if (n > 0) {
        show_wire(c->name, "<-", c->out.data, (size_t)n);
        buffer_take(&c->out, (size_t)n);
        c->news = c->in.length > 0 || c->eof;
    } else if (errno != EAGAIN && errno != EINTR) {
        client_drop(c, strerror(errno));
    }
}

/* Ends a client's turn: sends what it brought, hangs up when all is said, frees. Hanging up takes a FIN and a
 * wait for the peer's: close() with bytes unread would send RST, which can destroy our last words. */
static void client_settle(struct client *c) {
    if (c->out.length > 0 && !c->blocked && !c->gone)
        client_flush(c);
    if (c->closing && c->out.length == 0 && c->linger_until == 0) {
        shutdown(c->fd, SHUT_WR);
        c->linger_until = now_ms() + LINGER_MS;
    }
    if (c->out.length == 0 && (c->eof ? !c->news : c->closing && now_ms() >= c->linger_until))
        client_drop(c, NULL);
    if (c->gone) {
        on_disconnect(c);
        close(c->fd);
        free(c->in.data);
        free(c->out.data);
        c->open = 0;
    }
}

/* Visits all clients: client_next(NULL) is the first, client_next(c) the one after c; NULL: no more. */
static struct client *client_next(const struct client *c) {
    for (int fd = c ? c->fd + 1 : 0; fd < top; fd++)
        if (clients[fd].open)
            return &clients[fd];
    return NULL;
}

/* Takes a newcomer in and returns 1. Returns 0 if there is none, or no room: to leave one in the queue would
 * make select() say "readable" for ever, so one descriptor is kept free to refuse people with. */
static int client_accept(int listener) {
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int fd = accept(listener, (struct sockaddr *)&address, &len);
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL); /* ENFILE, ENOMEM: do not spin */
    if (fd < 0)
        return 0;
    struct client newcomer = {.open = 1, .fd = fd};
    name_address(&address, len, newcomer.name);
    int spare = dup(fd), room = spare >= 0 && spare < FD_SETSIZE;
    close(spare);
    fprintf(stderr, "%s %s\n", newcomer.name, room ? "connected" : "refused: no room");
    if (!room) {
        close(fd);
        return 0;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* no waiting to fill a packet */
    clients[fd] = newcomer;
    top = fd < top ? top : fd + 1;
    on_connect(&clients[fd]);
    return 1;
}

/* Returns a socket that listens, after saying where; or ends the program. SOMAXCONN may be 128: too few. */
static int listen_on(const char *address, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found = NULL, *a;
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s:%s", address, port);
    int fd = -1, error = getaddrinfo(address, port, &hints, &found);
    for (a = found; a; a = a->ai_next) {
        name_address(a->ai_addr, a->ai_addrlen, name);
        if ((fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)); /* or a restart waits a minute */
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 4096) == 0 && fd < FD_SETSIZE)
            break;
        close(fd);
    }
    if (a == NULL) {
        const char *why = error ? gai_strerror(error) : strerror(errno);
        fprintf(stderr, "%s: cannot listen on %s: %s\n", program, name, why);
        exit(1);
    }
    getsockname(fd, a->ai_addr, &a->ai_addrlen); /* with -p 0: the port that it has become */
    name_address(a->ai_addr, a->ai_addrlen, name);
    fprintf(stderr, "%s: listening on %s\n", program, name);
    fcntl(fd, F_SETFL, O_NONBLOCK); /* a newcomer may be gone again before accept() gets to it */
    freeaddrinfo(found);
    return fd;
}

/* Tells select() what to wait for. Returns for how many ms at most, -1: for ever. */
static long long watch(int listener, fd_set *readable, fd_set *writable) {
    long long now = now_ms(), wait = on_tick(now);
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(listener, readable);
    for (struct client *c = client_next(NULL); c; c = client_next(c)) {
        if (!c->eof && c->in.length < IN_MAX) /* back-pressure: a full `in` makes the peer wait */
            FD_SET(c->fd, readable);
        if (c->out.length > 0)
            FD_SET(c->fd, writable);
        long long until = c->news || c->gone ? now : c->linger_until;
        if (until > 0 && (wait < 0 || wait > until - now))
            wait = until > now ? until - now : 0;
    }
    return wait;
}

/* The loop: wait, read, act, write, accept. Returns when SIGINT or SIGTERM has come. */
static void serve(const char *address, const char *port) {
    sigset_t none, ends, come;
    sigemptyset(&none);
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_SETMASK, &ends, NULL); /* only pselect() lets them in: none is lost before it sleeps */
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* a dead peer must not kill us */
    int listener = listen_on(address, port);
    while (!stop) {
        fd_set readable, writable;
        long long wait = watch(listener, &readable, &writable);
        struct timespec timeout = {(time_t)(wait / 1000), (long)(wait % 1000 * 1000000)};
        if (pselect(FD_SETSIZE, &readable, &writable, NULL, wait < 0 ? NULL : &timeout, &none) < 0)
            continue; /* a signal has come, and the sets say nothing */
        for (struct client *c = client_next(NULL); c; c = client_next(c)) {
            if (FD_ISSET(c->fd, &writable))
                client_flush(c);
            if (FD_ISSET(c->fd, &readable))
                client_read(c);
            client_work(c);
        }
        for (struct client *c = client_next(NULL); c; c = client_next(c))
            client_settle(c);
        while (top > 0 && !clients[top - 1].open)
            top--;
        sigpending(&come); /* pselect() may let none in while there are bytes to read: a busy server asks */
        stop |= sigismember(&come, SIGINT) | sigismember(&come, SIGTERM);
        for (int i = 0; FD_ISSET(listener, &readable) && i < 64 && client_accept(listener); i++)
            continue; /* newcomers come last, for those who left in this turn have made room */
    }
}
/* ---- end of plumbing ---- */

struct person {                 /* its place in the table is its client's descriptor */
    struct account *account;    /* NULL: not logged in */
    enum message_format format; /* in which it spoke last, and is spoken to */
    int tries;                  /* wrong passwords */
    int waiting;                /* messages of it in the batch */
};

struct mailbox {          /* its place in the table is its account's */
    struct client *owner; /* who is logged in; NULL: nobody */
    size_t under_way;     /* letters sent to the owner, and not yet acknowledged */
    size_t coming, bytes; /* letters for it in the batch */
    int acked;            /* it has acknowledged what the journal does not know of yet */
};

static struct person people[FD_SETSIZE];
static struct mailbox mailboxes[ACCOUNTS_MAX];

static struct request {    /* a `msg` that waits for the disk */
    struct client *client; /* who is to be told; NULL: it is gone */
    struct letter *letter;
    int again; /* the letter is that of an earlier request */
} batch[BATCH_MAX];
static int batch_length;
static int acks; /* some mailbox is `acked` */

static struct account *account_of(const struct client *c) { return people[c->fd].account; }
static struct mailbox *mailbox_of(const struct account *a) { return &mailboxes[a - accounts]; }

/* For -v: what a frame says, behind the bytes that show_wire() shows. */
static void show_frame(const struct client *c, const char *arrow, enum frame_format format, size_t len,
                       const struct message *m) {
    static const char *const formats[] = {[FRAME_TEXT] = "text", "json", "xml", "bytes"};
    char text[256] = "";
    if (!verbose)
        return;
    if (m)
        message_show(m, text, sizeof text);
    fprintf(stderr, "%s %s frame: %s, %zu byte%s%s%s\n", c->name, arrow, formats[format], len,
            len == 1 ? "" : "s", m ? ": " : "", text);
}

/* Sends a message, in the receiver's own format. */
static void say(struct client *c, const struct message *m) {
    static char frame[FRAME_HEADER + FRAME_MAX];
    enum message_format format = people[c->fd].format;
    size_t len = message_encode(m, format, frame + FRAME_HEADER, FRAME_MAX);
    frame_header(frame, (enum frame_format)format, len);
    show_frame(c, "<-", (enum frame_format)format, len, m);
    client_send(c, frame, FRAME_HEADER + len);
}

static void say_error(struct client *c, const char *id, const char *code, const char *body) {
    say(c, &(struct message){ERROR, {[ID] = id, [CODE] = code, [BODY] = body}});
}

static void say_ok(struct client *c, const char *id, size_t count) {
    char text[24];
    snprintf(text, sizeof text, "%zu", count);
    say(c, &(struct message){OK, {[ID] = id, [COUNT] = text}});
}

/* Last words before the connection ends. */
static void say_bye(struct client *c, const char *code, const char *body) {
    say(c, &(struct message){BYE, {[CODE] = code, [BODY] = body}});
    c->closing = 1;
}

static void say_presence(struct client *c, const char *id, const struct account *a) {
    const char *state = mailbox_of(a)->owner ? "online" : "away";
    say(c, &(struct message){PRESENCE, {[ID] = id, [NAME] = a->name, [STATE] = state}});
}

/* Tells those who have written with somebody that it came or went. */
static void announce(const struct account *a) {
    for (struct client *c = client_next(NULL); c; c = client_next(c))
        if (account_of(c) && account_of(c) != a && post_friends(account_of(c), a))
            say_presence(c, NULL, a);
}

/* "It is stored." */
static void say_stored(struct client *c, const struct message *m) {
    say(c,
        &(struct message){OK, {[ID] = m->field[ID], [NUMBER] = m->field[NUMBER], [TIME] = m->field[TIME]}});
}

/* Gives the journal what it has to know: first the receipts, which make room for the letters. */
static void write_records(void) {
    char text[24];
    for (int i = 0; acks && i < accounts_count; i++) {
        snprintf(text, sizeof text, "%lld", accounts[i].acked);
        if (mailboxes[i].acked)
            journal_add(&(struct message){ACK, {[NAME] = accounts[i].name, [NUMBER] = text}});
    }
    for (int i = 0; i < batch_length; i++)
        if (!batch[i].again)
            journal_add(&batch[i].letter->message);
}

/* Tells who has sent a letter what has become of it; in the first case it now waits for its receiver. */
static void request_answer(const struct request *r, int error) {
    struct mailbox *box = mailbox_of(r->letter->to);
    box->coming = box->bytes = 0;
    if (!error && !r->again)
        letter_keep(r->letter);
    if (r->client == NULL)
        return;
    people[r->client->fd].waiting = 0;
    if (error)
        say_error(r->client, r->letter->message.field[ID], "storage", strerror(error));
    else
        say_stored(r->client, &r->letter->message);
}

static void write_all(void) { post_records(journal_add); }

static void rewrite_journal(void) {
    int error = journal_rewrite(write_all);
    if (error)
        fprintf(stderr, "%s: cannot rewrite the journal: %s\n", program, strerror(error));
}

/* Makes sure that the disk has all that came in this turn, with one write and one wait for everybody. Only then it
 * is promised to the senders with `ok`, and given to the receivers. */
static void commit(void) {
    static int last_error;
    if (batch_length == 0 && !acks)
        return;
    write_records();
    int error = journal_commit(batch_length > 0); /* a receipt that is lost only means: send it again */
    if (error != last_error)
        fprintf(stderr, "%s: writing the journal: %s\n", program, error ? strerror(error) : "works again");
    last_error = error;
    for (int i = 0; acks && !error && i < accounts_count; i++)
        mailboxes[i].acked = 0;
    acks = acks && error;
    for (int i = 0; i < batch_length; i++)
        request_answer(&batch[i], error);
    for (int i = 0; i < batch_length; i++)
        if (error && !batch[i].again)
            free(batch[i].letter);
    batch_length = 0;
    if (journal_grown())
        rewrite_journal();
}

static void batch_add(struct client *c, struct letter *l, int again) {
    batch[batch_length++] = (struct request){c, l, again};
    people[c->fd].waiting++;
}

static struct letter *batch_find(const struct account *from, const char *id, unsigned hash) {
    for (int i = 0; i < batch_length; i++)
        if (batch[i].letter->hash == hash && batch[i].letter->from == from &&
            strcmp(batch[i].letter->message.field[ID], id) == 0)
            return batch[i].letter;
    return NULL;
}

static void accept_letter(struct client *c, const struct message *m, struct account *to) {
    const char *id = m->field[ID];
    struct mailbox *box = mailbox_of(to);
    struct letter *l = letter_new(m, account_of(c), to);
    if (l == NULL) {
        say_error(c, id, "storage", strerror(ENOMEM));
    } else if (post_full(to, box->coming + 1, box->bytes + l->bytes)) {
        say_error(c, id, "full", "too much waits for this person already");
        free(l);
    } else {
        box->coming++;
        box->bytes += l->bytes;
        batch_add(c, l, 0);
    }
}

static void do_msg(struct client *c, const struct message *m) {
    const char *id = m->field[ID];
    struct account *from = account_of(c), *to = account_find(m->field[TO]);
    if (batch_length == BATCH_MAX)
        commit();
    unsigned hash = letter_hash(id);
    struct letter *stored = post_find(from, id, hash), *same = stored ? stored : batch_find(from, id, hash);
    if (to == NULL)
        say_error(c, id, "unknown", "there is nobody of that name");
    else if (same && !letter_same(same, m))
        say_error(c, id, "duplicate", "this id was used for another message");
    else if (stored)
        say_stored(c, &stored->message);
    else if (same)
        batch_add(c, same, 1);
    else
        accept_letter(c, m, to);
}

static void do_ack(struct client *c, const struct message *m) {
    struct mailbox *box = mailbox_of(account_of(c));
    size_t count = post_acked(account_of(c), message_number(m, NUMBER));
    box->under_way -= count < box->under_way ? count : box->under_way;
    box->acked |= count > 0;
    acks |= count > 0;
}

static void do_login(struct client *c, const struct message *m) {
    struct person *person = &people[c->fd];
    const char *id = m->field[ID];
    struct account *a = account_login(m->field[NAME], m->field[PASSWORD]);
    if (a == NULL) {
        say_error(c, id, "login", "wrong name or password");
        if (++person->tries == TRIES_MAX)
            say_bye(c, "login", "too many wrong tries");
        return;
    }
    struct client *before = mailbox_of(a)->owner;
    if (before) {
        people[before->fd].account = NULL;
        say_bye(before, "taken_over", "somebody has logged in with your name");
    }
    fprintf(stderr, "%s logged in as %s\n", c->name, a->name);
    person->account = a;
    mailbox_of(a)->owner = c;
    mailbox_of(a)->under_way = 0; /* what the connection before got and did not acknowledge comes again */
    say_ok(c, id, a->mail.count);
    if (before == NULL)
        announce(a);
}

static void do_who(struct client *c, const struct message *m) {
    size_t count = 0;
    for (const struct account *a = accounts; a < accounts + accounts_count; a++)
        if (a != account_of(c) && (mailbox_of(a)->owner || post_friends(a, account_of(c)))) {
            say_presence(c, m->field[ID], a);
            count++;
        }
    say_ok(c, m->field[ID], count);
}

static struct message past(const struct letter *l, const char *id) {
    struct message m = l->message;
    m.type = PAST;
    m.field[ID] = id;
    return m;
}

static void do_history(struct client *c, const struct message *m) {
    static char space[FRAME_MAX];
    struct letter *found[HISTORY_MAX];
    const char *id = m->field[ID];
    const struct account *other = account_find(m->field[NAME]);
    long long wanted = message_number(m, COUNT);
    size_t count = 0, bytes = 0;
    if (other == NULL) {
        say_error(c, id, "unknown", "there is nobody of that name");
        return;
    }
    size_t there =
        post_history(account_of(c), other, found, (size_t)(wanted < HISTORY_MAX ? wanted : HISTORY_MAX));
    for (; count < there; count++) { /* the latest that fit */
        struct message next = past(found[count], id);
        bytes += FRAME_HEADER + message_encode(&next, people[c->fd].format, space, sizeof space);
        if (bytes > HISTORY_BYTES)
            break;
    }
    for (size_t i = count; i-- > 0;)
        say(c, &(const struct message[]){past(found[i], id)}[0]);
    say_ok(c, id, count);
}

static void (*const commands[TYPES])(struct client *c, const struct message *m) = {
    [LOGIN] = do_login, [MSG] = do_msg, [ACK] = do_ack, [HISTORY] = do_history, [WHO] = do_who,
};

/* Does what a client asks for, or says why not. */
static void obey(struct client *c, const struct message *m) {
    const char *id = request_id(m), *why, *code = request_check(m, &why);
    if (code)
        say_error(c, id, code, why);
    else if (account_of(c) == NULL && m->type != LOGIN)
        say_error(c, id, "not_logged_in", "log in first");
    else if (account_of(c) && m->type == LOGIN)
        say_error(c, id, "logged_in", "you are logged in already");
    else
        commands[m->type](c, m);
}

/* Takes a frame. Returns 0 if it has to wait: an answer that looks around may depend on what is not stored yet, and
 * takes more time than to ask for it, so that there is one a turn, when the one before is sent. */
static int take_frame(struct client *c, const struct frame *f) {
    static char text[FRAME_MAX + 1];
    char offset[24];
    struct message m;
    size_t at = 0;
    struct person *person = &people[c->fd];
    if (f->format == FRAME_BYTES) {
        show_frame(c, "->", f->format, f->length, NULL);
        say_error(c, NULL, "type", "files go to the file server");
        return 1;
    }
    const char *wrong = message_decode(&m, (enum message_format)f->format, f->payload, f->length, text, &at);
    if (!wrong && m.type != MSG && m.type != ACK && (person->waiting > 0 || c->out.length > 0))
        return 0;
    show_frame(c, "->", f->format, f->length, wrong ? NULL : &m);
    person->format = (enum message_format)f->format;
    snprintf(offset, sizeof offset, "%zu", at);
    if (wrong)
        say(c, &(struct message){ERROR, {[CODE] = "parse", [AT] = offset, [BODY] = wrong}});
    else
        obey(c, &m);
    return 1;
}

/* Gives somebody what waits, as much as may be under way. */
static void deliver(struct client *c) {
    const struct account *a = account_of(c);
    struct mailbox *box = a ? mailbox_of(a) : NULL;
    while (box && box->under_way < WINDOW && box->under_way < a->mail.count && c->out.length < OUT_MAX / 2) {
        struct message m = ring_at(&a->mail, box->under_way++)->message;
        m.field[ID] = NULL; /* it is the sender's own affair */
        say(c, &m);
    }
}

static void on_connect(struct client *c) { people[c->fd] = (struct person){.format = TEXT}; }

static void on_disconnect(struct client *c) {
    const struct account *a = account_of(c);
    for (int i = 0; i < batch_length; i++)
        if (batch[i].client == c)
            batch[i].client = NULL;
    people[c->fd].account = NULL;
    if (a == NULL)
        return;
    mailbox_of(a)->owner = NULL;
    announce(a);
}

/* The loop calls this once a turn, when everybody was heard. */
static int on_tick(long long now) {
    (void)now;
    commit();
    for (struct client *c = client_next(NULL); c; c = client_next(c))
        deliver(c);
    return -1;
}

/* Takes frames, while there is room for an answer. */
static size_t on_data(struct client *c, const char *data, size_t len) {
    struct frame f;
    size_t used = 0;
    long size = 0;
    while (!c->closing && c->out.length <= OUT_MAX / 2 &&
           (size = frame_decode(&f, data + used, len - used)) > 0 && take_frame(c, &f))
        used += (size_t)size;
    if (size < 0 && !c->closing) {
        say_error(c, NULL, "frame", "no frame begins like this");
        c->closing = 1;
    }
    if (used == 0 && c->eof)
        commit(); /* the loop hangs up on who has finished and is owed nothing: so now, not in on_tick() */
    return used;
}

/* Finds out who may log in, or ends the program. */
static void open_accounts(const char *file) {
    static const char *const demo[] = {"zhangsan", "lisi", "wangwu"};
    int line = 0;
    const char *wrong = file ? accounts_read(file, &line) : NULL;
    for (size_t i = 0; !file && i < sizeof demo / sizeof *demo; i++)
        account_add(demo[i], "123456");
    if (wrong) {
        fprintf(stderr, "%s: %s:%d: %s\n", program, file, line, wrong);
        exit(1);
    }
}

/* Reads what was kept, or ends the program. */
static void open_journal(const char *dir) {
    const char *wrong = journal_open(dir, post_replay);
    if (wrong) {
        fprintf(stderr, "%s: cannot use %s: %s\n", program, dir, wrong);
        exit(1);
    }
    rewrite_journal();
}

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *port = "5288", *file = NULL, *dir = NULL;
    int option;
    while ((option = getopt(argc, argv, "hva:p:u:d:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 65535); break;
        case 'u': file = optarg; break;
        case 'd': dir = optarg; break;
        default: return fputs(usage, stderr), 2;
        }
    if (optind < argc)
        return fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage), 2;
    open_accounts(file);
    if (dir)
        open_journal(dir);
    serve(address, port);
    return 0;
}
