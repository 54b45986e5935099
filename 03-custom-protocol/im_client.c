/* im_client.c - messages to people by name, and files, over the protocol of PROTOCOL.md.
 *
 *     cc -o im_client im_client.c commands.c delivery.c transfer.c crc32.c talk.c conn.c screen.c dice.c show_frame.c \
 *        frame.c message.c message_text.c message_json.c message_xml.c message_parts.c text.c connect.c \
 *        signals.c wire.c
 *     terminal 1:  ./im_server -v
 *     terminal 2:  ./file_server
 *     terminal 3:  ./im_client -u zhangsan -w 123456 -f json       lisi: 吃饭了吗      /send lisi cat.png
 *     terminal 4:  ./im_client -u lisi -w 123456 -f xml            /get PATH
 *
 * Watch: with -v, each frame and what it means; in a pipe it ends when its input has ended and all is answered. New
 * here: a message is acknowledged when it is written to stdout, and not before, so none is lost on the way; and
 * a file goes over a connection of its own, in the same loop, so the talk goes on meanwhile.
 *     stdin -> input_read -> handle_line -> talk_request -> conn_send -> conn_write -> socket
 *     socket -> conn_read -> talk_take -> screen_say -> screen_write -> stdout, and then talk_ack
 * Left out: it does not reconnect (lesson 04), and does not remember from one start to the next which message it saw
 * last: one that was printed, but whose acknowledgement was lost, comes again. A line is edited by the terminal
 * itself, so what arrives goes through it (lesson 02 has an editor).
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "commands.h"
#include "connect.h"
#include "delivery.h"
#include "dice.h"
#include "screen.h"
#include "signals.h"
#include "talk.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEAVE_MS 2000 /* how long we wait at the end for the server to hang up, too */

const char program[] = "im_client";
const char usage[] =
    "usage: im_client [-hv] [-u NAME] [-w PASSWORD] [-f FORMAT] [-F PORT] [HOST [PORT]]\n"
    "  -h           print this help\n"
    "  -v           show every read and write on stderr, in hex and text, and what each frame means\n"
    "  -u NAME      who you are (default $USER)\n"
    "  -w PASSWORD  (default $IM_PASSWORD, which other users of this computer do not see)\n"
    "  -f FORMAT    text, json or xml: what you speak with the server (default text)\n"
    "  -F PORT      of the file server, on the same host (default 5289)\n"
    "  HOST         name or address (default 127.0.0.1)\n"
    "  PORT         0 to 65535 (default 5288)\n";

struct chat {
    int signals; /* readable when a signal has come */
    struct talk talk;
    struct deliveries files;
    struct input input;
    long long leave_at; /* ms: when we wait no longer for the server to hang up; 0: we are not leaving */
};

/* Is nothing under way any more? Then it is time to go. */
static int all_done(const struct chat *c) {
    const struct talk *t = &c->talk;
    int typing = !c->input.ended || c->input.length > 0;
    int talking = t->waiting > 0 || t->unacked > 0 || talk_is_pending(t);
    int unsent = t->screen.length > 0 || t->server.out_length > 0;
    return !typing && !talking && !unsent && !deliveries_active(&c->files);
}

/* Says our last word, and waits for the server's. */
static void leave(struct chat *c) {
    c->talk.leaving = 1;
    c->leave_at = now_ms() + LEAVE_MS;
    shutdown(c->talk.server.fd, SHUT_WR);
}

/* Waits for what is worth waiting for, from `now` on. Returns 0 if none of that has come. */
static int chat_wait(const struct chat *c, long long now, fd_set *readable, fd_set *writable) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(c->signals, readable);
    if (!c->input.ended && input_has_room(&c->input))
        FD_SET(STDIN_FILENO, readable);
    if (c->talk.screen.length > 0)
        FD_SET(STDOUT_FILENO, writable);
    conn_watch(&c->talk.server, readable, writable);
    deliveries_watch(&c->files, readable, writable);

    long long until =
        c->leave_at ? c->leave_at : deliveries_until(&c->files); /* nobody leaves while a file is under way */
    long long left = until > now ? until - now : 0;
    struct timeval timeout = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    return select(FD_SETSIZE, readable, writable, NULL, until ? &timeout : NULL) > 0;
}

/* Reads and writes what can be. Returns 0, or -1 after a note. */
static int chat_turn(struct chat *c, long long now) {
    fd_set readable, writable;
    if (!chat_wait(c, now, &readable, &writable))
        return 0;
    conn_turn(&c->talk.server, &readable, &writable);
    deliveries_turn(&c->files, &readable, &writable);

    const char *failed = NULL;
    if (FD_ISSET(STDIN_FILENO, &readable) && input_read(&c->input) < 0)
        failed = "cannot read the input";
    else if (FD_ISSET(STDOUT_FILENO, &writable) && screen_write(&c->talk.screen) < 0)
        failed = "cannot write the output";
    if (failed)
        note("%s: %s", failed, strerror(errno));
    return failed ? -1 : 0;
}

/* Carries on until all is said. Returns 0, or -1 after a note. */
static int converse(struct chat *c, const char *password) {
    struct talk *t = &c->talk;
    struct message login = {.type = LOGIN, .field = {[NAME] = t->name, [PASSWORD] = password}};
    if (talk_request(t, &login, "login") < 0)
        return -1;

    while (!stop && !t->failed) {
        long long now = now_ms(); /* what has come by now will have been read when it is judged who is late */
        if (chat_turn(c, now) < 0)
            return -1;
        talk_take(t);
        deliveries_work(&c->files, now);
        input_handle(&c->input);
        talk_ack(t);
        deliveries_show(&c->files, now_ms());

        if (!t->leaving && all_done(c))
            leave(c);
        if (t->leaving && (t->server.eof || now >= c->leave_at))
            return 0;
        if (t->server.eof && t->screen.length == 0) {
            note("%s hung up", t->server.name);
            return -1;
        }
    }
    return t->failed ? -1 : 0;
}

/* Connects to the server. Returns 0; or -1 after a note, or because a signal came before. */
static int chat_connect(struct chat *c, const struct server_name *name) {
    struct conn *server = &c->talk.server;
    snprintf(server->name, sizeof server->name, "%s", name->text);
    struct addrinfo *addresses = resolve(name, SOCK_STREAM);
    c->signals = catch_signals();
    catch_signal(SIGXFSZ, SIG_IGN); /* write() to a file that may not grow further shall fail with EFBIG */
    server->fd = connect_to(addresses, c->signals);
    if (server->fd < 0 && !stop)
        note("%s: %s", server->name, strerror(errno));
    freeaddrinfo(addresses);
    return server->fd < 0 ? -1 : 0;
}

/* Returns the format of that name; another one ends the program. */
static enum message_format parse_format(const char *name) {
    static const char *const names[] = {"text", "json", "xml"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0)
            return (enum message_format)(TEXT + i);
    fprintf(stderr, "%s: '%s' is not text, json or xml\n", program, name);
    exit(show_usage());
}

/* Returns the value of an environment variable, "": it is not set. */
static const char *environment(const char *variable) {
    const char *value = getenv(variable);
    return value ? value : "";
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    static struct chat c = {.talk = {.format = TEXT}};
    const char *password = environment("IM_PASSWORD");
    int files_port = 5289, option;
    c.talk.name = environment("USER");
    while ((option = getopt(argc, argv, "hvu:w:f:F:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'u': c.talk.name = optarg; break;
        case 'w': password = optarg; break;
        case 'f': c.talk.format = parse_format(optarg); break;
        case 'F': files_port = parse_number(optarg, 0, 65535); break;
        default: return show_usage();
        }
    struct server_name server = parse_server(argc, argv, "5288");
    roll_hex(c.talk.id_prefix, 8); /* what our ids begin with */
    if (chat_connect(&c, &server) < 0)
        return !stop;

    deliveries_begin(&c.files, &c.talk, files_port);
    c.input.talk = &c.talk;
    c.input.files = &c.files;
    int result = converse(&c, password);
    deliveries_close(&c.files);
    close(c.talk.server.fd);
    return result < 0;
}
