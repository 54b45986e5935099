/* im_server.c - instant messaging: A says it to the server, the server to B, now or when B comes back.
 *
 *     terminal 1:  make -C .. && ./im_server -d mail
 *     terminal 2:  ./im_client -u zhangsan -w 123456 -f json      type "lisi: hello", though lisi is not there
 *     terminal 1:  kill it, even with kill -9, and start it again
 *     terminal 3:  ./im_client -u lisi -w 123456 -f xml           what was said while she was away comes first
 *
 *     cc -o im_server im_server.c session.c batch.c journal.c record.c crc32.c post.c accounts.c passwords.c \
 *         secret.c letter.c request.c say.c show_frame.c frame.c message.c message_text.c message_json.c message_xml.c \
 *         message_parts.c text.c loop.c buffer.c listen.c signals.c wire.c
 *
 * Watch: with -v each frame is shown in bytes and in words; and mail/journal can be read with cat. New here: bytes
 * become frames and messages (frame.c, message.c), and "ok" is a promise (batch.c). The way of a message:
 *     client_read -> on_data -> hear -> do_msg -> batch_add;
 *     on_turn: batch_commit -> "ok" to its sender; deliver -> say -> client_send -> one write a turn
 * Left out: TLS and hashed passwords, so use it on your own machine only; groups; more than one server.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "batch.h"
#include "frame.h"
#include "loop.h"
#include "message.h"
#include "passwords.h"
#include "post.h"
#include "request.h"
#include "say.h"
#include "session.h"
#include "signals.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_MAX        (FRAME_HEADER + FRAME_MAX) /* bytes that wait for on_data: the longest frame */
#define OUT_MAX       524288                     /* bytes that wait for the kernel */
#define OUT_LOW       (OUT_MAX / 2)              /* owed more than this, a client is asked to read first */
#define HISTORY_MAX   100                        /* messages in an answer to `history` */
#define HISTORY_BYTES 131072                     /* bytes in it */
#define WINDOW        32  /* messages on their way to a client without its acknowledgement */
#define TRIES_MAX     3   /* wrong passwords on one connection */
#define PRESENCE_MAX  200 /* bytes in the longest `presence`; in an answer to `who` is one for each account */
_Static_assert(HISTORY_BYTES <= OUT_MAX - OUT_LOW && ACCOUNTS_MAX * PRESENCE_MAX <= OUT_MAX - OUT_LOW,
               "there has to be room for an answer");

const char program[] = "im_server";
const char usage[] =
    "usage: im_server [-hv] [-a ADDRESS] [-p PORT] [-u FILE] [-d DIR]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text, and what each frame says\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 5288)\n"
    "  -u FILE     who has an account: lines of NAME:PASSWORD (default: zhangsan, lisi and wangwu,\n"
    "              with the password 123456)\n"
    "  -d DIR      keep messages on the disk, in DIR/journal (default: in memory only)\n";

/* ---- What the server says ---- */

static void say_ok(struct client *c, const char *id, size_t count) {
    char text[24];
    struct message m = {OK, {[ID] = id, [COUNT] = text}};
    snprintf(text, sizeof text, "%zu", count);
    say(c, &m);
}

/* "It is stored." */
static void say_stored(struct client *c, const struct message *stored) {
    const char *const *field = stored->field;
    struct message m = {OK, {[ID] = field[ID], [NUMBER] = field[NUMBER], [TIME] = field[TIME]}};
    say(c, &m);
}

static void say_unknown(struct client *c, const char *id) {
    say_error(c, id, "unknown", "there is nobody of that name");
}

/* ---- login ---- */

static void do_login(struct client *c, const struct message *m) {
    struct session *session = session_of(c);
    const char *id = m->field[ID];
    struct account *a = account_login(m->field[NAME], m->field[PASSWORD]);
    if (a == NULL) {
        say_error(c, id, "login", "wrong name or password");
        if (++session->tries == TRIES_MAX)
            say_bye(c, "login", "too many wrong tries");
        return;
    }

    session_login(c, a);
    say_ok(c, id, a->mail.count);
}

/* ---- msg and ack ---- */

/* Takes a message that has not come before. */
static void accept_letter(struct client *c, const struct message *m, struct account *to) {
    struct letter *l = post_new_letter(m, account_of(c), to);
    if (l == NULL) {
        say_error(c, m->field[ID], "storage", strerror(ENOMEM));
    } else if (post_is_full(to, l->bytes)) {
        say_error(c, m->field[ID], "full", "too much waits for this person already");
        free(l);
    } else {
        batch_add(c, l);
        session_of(c)->pending++;
    }
}

/* A message becomes a letter in the batch, and nobody is told yet. One that has come before is the same, once. */
static void do_msg(struct client *c, const struct message *m) {
    const char *id = m->field[ID];
    struct account *from = account_of(c), *to = account_find(m->field[TO]);
    unsigned hash = letter_hash(id);
    struct letter *stored = ring_find(&from->sent, id, hash);
    struct letter *same = stored ? stored : batch_find(from, id, hash);

    if (to == NULL) {
        say_unknown(c, id);
    } else if (same == NULL) {
        accept_letter(c, m, to);
    } else if (!letter_is_same(same, m)) {
        say_error(c, id, "duplicate", "this id was used for another message");
    } else if (stored) {
        say_stored(c, &stored->message);
    } else {
        batch_add_retry(c, same);
        session_of(c)->pending++;
    }
}

/* The disk has a letter; or it has not, for that reason. */
static void pending_answer(struct client *c, const struct letter *l, int error) {
    session_of(c)->pending = 0;
    if (error)
        say_error(c, l->message.field[ID], "storage", strerror(error));
    else
        say_stored(c, &l->message);
}

static void do_ack(struct client *c, const struct message *m) {
    struct session *session = session_of(c);
    size_t count = post_acknowledge(session->account, message_number(m, NUMBER));
    session->under_way -= count < session->under_way ? count : session->under_way;
    if (count > 0)
        batch_add_receipt(session->account);
}

/* Gives somebody what waits, as much as may be under way, and as there is room for. */
static void deliver(struct client *c) {
    struct session *session = session_of(c);
    const struct account *a = session->account;
    if (a == NULL)
        return;

    while (session->under_way < WINDOW && session->under_way < a->mail.count && c->out.length < OUT_LOW) {
        struct message m = ring_at(&a->mail, session->under_way)->message;
        m.field[ID] = NULL; /* it is the sender's own affair */
        say(c, &m);
        session->under_way++;
    }
}

/* ---- who and history ---- */

static void do_who(struct client *c, const struct message *m) {
    const struct account *me = account_of(c);
    size_t count = 0;
    for (const struct account *a = accounts; a < accounts + accounts_count; a++)
        if (a != me && (a->client || post_are_friends(a, me))) {
            say_presence(c, m->field[ID], a);
            count++;
        }
    say_ok(c, m->field[ID], count);
}

static struct message as_history(const struct letter *l, const char *id) {
    struct message m = l->message;
    m.type = PAST;
    m.field[ID] = id;
    return m;
}

/* Returns how many of the letters, beginning with the first, an answer has room for. */
static size_t history_fit(const struct client *c, struct letter *const *found, size_t count, const char *id) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct message past = as_history(found[i], id);
        bytes += say_size(c, &past);
        if (bytes > HISTORY_BYTES)
            return i;
    }
    return count;
}

static void do_history(struct client *c, const struct message *m) {
    struct letter *found[HISTORY_MAX]; /* the latest comes first */
    const char *id = m->field[ID];
    const struct account *other = account_find(m->field[NAME]);
    long long wanted = message_number(m, COUNT);
    if (other == NULL) {
        say_unknown(c, id);
        return;
    }

    size_t max = wanted < HISTORY_MAX ? (size_t)wanted : HISTORY_MAX;
    size_t there = post_history(account_of(c), other, found, max);
    size_t count = history_fit(c, found, there, id);
    for (size_t i = count; i > 0; i--) {
        struct message past = as_history(found[i - 1], id);
        say(c, &past);
    }
    say_ok(c, id, count);
}

/* ---- Requests ---- */

static void (*const commands[TYPES])(struct client *c, const struct message *m) = {
    [LOGIN] = do_login, [MSG] = do_msg, [ACK] = do_ack, [HISTORY] = do_history, [WHO] = do_who,
};

/* Does what a client asks for, or says why not. */
static void obey(struct client *c, const struct message *m) {
    const char *id = request_id(m), *why;
    const char *code = request_check(m, &why);
    if (code)
        say_error(c, id, code, why);
    else if (account_of(c) == NULL && m->type != LOGIN)
        say_error(c, id, "not_logged_in", "log in first");
    else if (account_of(c) && m->type == LOGIN)
        say_error(c, id, "logged_in", "you are logged in already");
    else
        commands[m->type](c, m);
}

/* Messages and receipts are taken at once, as many as have room in the batch. Everything else waits until this client's
 * messages are stored and its output is sent: an answer may tell of these messages, and it costs us more than the
 * request costs the client. The loop offers the request again when output was sent. */
static int must_wait(const struct client *c, enum message_type type) {
    int pending = session_of(c)->pending;
    if (type == ACK)
        return 0;
    if (type == MSG)
        return pending == BATCH_SHARE;
    return pending > 0 || c->out.length > 0;
}

/* Nothing behind such bytes can be trusted. */
static void refuse_frame(struct client *c) {
    say_error(c, NULL, "frame", "no frame begins like this");
    client_close(c);
}

/* ---- The four events ---- */

static void on_connect(struct client *c) { session_begin(c); }

/* Takes one frame. */
static size_t on_data(struct client *c, char *data, size_t len) {
    struct frame f = {0};
    struct message m = {.type = TYPES};
    long size = frame_decode(&f, data, len);
    if (size == 0)
        return 0;
    int is_message = size > 0 && f.format != FRAME_BYTES && hear(&f, &m) == 0;
    if (must_wait(c, m.type))
        return 0;

    if (size < 0) {
        refuse_frame(c);
        return len;
    }
    heard(c, &f, is_message ? &m : NULL);
    if (f.format == FRAME_BYTES)
        say_error(c, NULL, "type", "files go to the file server");
    else if (is_message)
        obey(c, &m);
    else
        say(c, &m);
    return (size_t)size;
}

/* All have been heard. What came is stored, and only then is it promised to the senders with `ok`, and given to the
 * receivers. As long as the journal is being rewritten, the next turn follows at once. */
static int on_turn(long long now) {
    (void)now;
    batch_commit(pending_answer);
    for (struct client *c = client_next(NULL); c; c = client_next(c))
        deliver(c);
    return batch_rewrite() ? 0 : -1;
}

/* What it sent in this turn is stored by now. */
static void on_disconnect(struct client *c) { session_end(c); }

static const struct server im = {
    .in_max = IN_MAX,
    .out_low = OUT_LOW,
    .out_max = OUT_MAX,
    .on_connect = on_connect,
    .on_data = on_data,
    .on_disconnect = on_disconnect,
    .on_turn = on_turn,
    .on_stop = batch_stop,
};

/* ---- The start ---- */

/* Reads what was kept, or ends the program. It may take some seconds, and a signal ends that, too. */
static void open_folder(const char *dir) {
    const char *why;
    catch_signals();
    if (batch_open(dir, &why) < 0) {
        fprintf(stderr, "%s: cannot use %s: %s\n", program, dir, why);
        exit(stop ? 0 : 1);
    }
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "5288", *file = NULL, *dir = NULL;
    int option;
    while ((option = getopt(argc, argv, "hva:p:u:d:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        case 'u': file = optarg; break;
        case 'd': dir = optarg; break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);

    passwords_load(file, account_add);
    if (dir)
        open_folder(dir);
    return serve(&im, address, port);
}
