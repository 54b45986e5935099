/* chat_client.c - a chat in the terminal: the line that you type stays at the bottom while messages arrive.
 *
 *     terminal 1:  ./chat_server
 *     terminal 2:  cc -o chat_client chat_client.c queue.c editor.c width.c lines.c text.c terminal.c connect.c \
 *                      signals.c wire.c
 *                  ./chat_client -n zhangsan        type something, no Enter
 *     terminal 3:  ./chat_client -n lisi            say 吃饭了吗: it arrives above what zhangsan types
 *                  printf '%s\n' hello /who | ./chat_client -n bot
 *
 * Keys: those of editor.h; Ctrl-L clears the screen, Ctrl-Z suspends; Ctrl-C leaves, and so does Ctrl-D on an empty line.
 * Watch: `stty -a < /dev/pts/N` of the terminal that this runs in, before, meanwhile, and after a `kill`. In a pipe bytes
 * pass as they are; what goes to a terminal is made harmless, because a server may be anybody's. The way of a byte:
 *     keyboard -> typed -> editor_feed -> chat_enter -> to_server -> the server
 *     the server -> heard -> chat_tell -> chat_print -> to_screen -> the screen
 * Left out: completion, a search in the history, text from right to left, Esc as a key of its own.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "connect.h"
#include "editor.h"
#include "lines.h"
#include "queue.h"
#include "signals.h"
#include "terminal.h"
#include "text.h"
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_SIZE 2048 /* bytes in a line of the server; a longer one is shown in pieces */
#define READ_SIZE    4096 /* bytes read at once */
#define LEAVE_MS     1000 /* ms: how long we listen to the server after Ctrl-C */
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

const char program[] = "chat_client";
const char usage[] = "usage: chat_client [-hv] [-n NICK] [-r ROOM] [HOST [PORT]]\n"
                     "  -h       print this help\n"
                     "  -v       show every read and write on stderr, in hex and text\n"
                     "  -n NICK  be called this, as with /nick NICK (default: what the server calls you)\n"
                     "  -r ROOM  go to this room, as with /join ROOM (default: where the server puts you)\n"
                     "  HOST     name or address (default 127.0.0.1)\n"
                     "  PORT     0 to 65535 (default 5228)\n";

/* ---- The conversation ---- */

struct chat {
    struct server_name server;
    int fd;          /* the connection */
    int screen;      /* the descriptor that we print to */
    int signals;     /* the descriptor that is readable after a signal */
    int to_terminal; /* what we print goes to a terminal */
    int editing;     /* and what is typed comes from it: the editor has it */
    int prompt;      /* the line being typed is on the screen */

    int input_ended; /* we have no more to say */
    int finished;    /* all is said, and our FIN is sent */
    int quit;        /* we have asked the server to hang up */
    int hung_up;     /* nothing more comes from the server */
    long long until; /* ms: the end of our wait after the user has left, or 0 */
    long long now;   /* ms: when this turn began */
    long long known; /* ms: when the last one began: all that had come by then is read and printed */

    const char *failed; /* what we could not do, or NULL */
    int error;          /* errno: why; or why the server hung up; or 0 */

    struct queue typed;     /* keys that the editor has not taken yet; only while editing */
    struct queue heard;     /* what the server has said, for a terminal */
    struct queue to_server; /* lines for the server; in a pipe, all input */
    struct queue to_screen; /* what is to be printed; in a pipe, all that the server says */
    struct line sent;       /* the line that the server has got a part of */
    struct editor editor;
};

static void chat_fail(struct chat *c, const char *what) {
    c->failed = what;
    c->error = errno;
}

/* Shows bytes with -v; on the same terminal, where the line being typed is. */
static void chat_wire(struct chat *c, const char *arrow, const char *data, size_t len) {
    if (verbose && c->editing && isatty(STDERR_FILENO)) {
        fputs("\r\033[J", stderr);
        c->prompt = 0;
    }
    show_wire(c->server.text, arrow, data, len);
}

/* ---- The screen ---- */

/* Takes the line being typed off the screen. */
static void chat_hide(struct chat *c) {
    if (c->prompt)
        queue_add(&c->to_screen, "\r\033[J", 4);
    c->prompt = 0;
}

/* Puts it back, below all that has been printed meanwhile. */
static void chat_show(struct chat *c) {
    char picture[PICTURE_SIZE];
    int is_end = c->input_ended || c->hung_up || stop;
    if (!c->editing || c->prompt || is_end || !queue_has_room(&c->to_screen))
        return;
    queue_add(&c->to_screen, picture, editor_draw(&c->editor, terminal_columns(), picture));
    c->prompt = 1;
}

/* Prints a line where the one being typed is. */
static void chat_print(struct chat *c, const char *first, const char *rest, size_t len) {
    chat_hide(c);
    queue_line(&c->to_screen, first, rest, len);
}

/* Returns where text that is longer than MESSAGE_SIZE is cut: not within a character, which goes on with 10xxxxxx. */
static size_t message_cut(const char *text) {
    size_t len = MESSAGE_SIZE;
    while (len > MESSAGE_SIZE - 4 && (text[len] & 0xC0) == 0x80)
        len--;
    return len;
}

/* Looks for a line at the head of what has come. Returns its length, without its end, or the length of a piece if it is
 * too long; *used is how many bytes that takes away. If the line may still go on, *used is 0. */
static size_t message_find(const char *text, size_t len, int is_all, size_t *used) {
    const char *end = memchr(text, '\n', len);
    size_t length = end ? (size_t)(end - text) : len;
    *used = 0;
    if (length > MESSAGE_SIZE) {
        *used = message_cut(text);
        return *used;
    }
    if (end == NULL && !is_all)
        return 0;
    *used = length + (end != NULL);
    int has_cr = end && length > 0 && end[-1] == '\r';
    return length - (size_t)has_cr;
}

/* Prints the lines that have come for a terminal. None before its end: only then it is certain which bytes are
 * characters. */
static void chat_tell(struct chat *c) {
    size_t done = 0, used = 1;
    while (used > 0 && queue_has_room(&c->to_screen)) {
        char *text = c->heard.data + done;
        size_t len = message_find(text, c->heard.length - done, c->hung_up, &used);
        if (used > 0) {
            text_clean(text, len);
            chat_print(c, "", text, len);
        }
        done += used;
    }
    queue_take(&c->heard, done);
}

/* ---- The keyboard ---- */

/* Does this line ask the server to hang up? It does so whatever stands behind the word. */
static int is_quit(const char *line) {
    return strncmp(line, "/quit", 5) == 0 && (line[5] == '\0' || line[5] == ' ');
}

/* Says goodbye, and gives the server LEAVE_MS to say something, too. */
static void chat_leave(struct chat *c, const char *goodbye) {
    chat_hide(c);
    queue_line(&c->to_server, goodbye, "", 0);
    c->input_ended = 1;
    c->until = now_ms() + LEAVE_MS;
}

/* Sends the line that was typed, and leaves it on the screen, because the server does not say it back. */
static void chat_enter(struct chat *c) {
    const char *line = editor_line(&c->editor);
    chat_print(c, PROMPT, line, strlen(line));
    if (is_quit(line))
        chat_leave(c, line);
    else
        queue_line(&c->to_server, line, "", 0);
}

static void chat_key(struct chat *c, unsigned char byte) {
    switch (editor_feed(&c->editor, byte)) {
    case EDIT_NOTHING: break;
    case EDIT_CHANGED: chat_hide(c); break;
    case EDIT_LINE: chat_enter(c); break;
    case EDIT_LEAVE: chat_leave(c, "/quit"); break;
    case EDIT_SUSPEND:
        terminal_suspend(); /* returns when we go on */
        c->prompt = 0;
        break;
    case EDIT_CLEAR:
        queue_add(&c->to_screen, "\033[H\033[2J", 7);
        chat_hide(c);
        break;
    case EDIT_REFUSED: queue_add(&c->to_screen, "\a", 1); break;
    }
}

/* Gives the editor what was typed, for as long as there is room for all that can come of it. */
static void chat_edit(struct chat *c) {
    size_t used = 0;
    while (used < c->typed.length && !c->input_ended && queue_has_room(&c->to_server) &&
           queue_has_room(&c->to_screen)) {
        chat_key(c, (unsigned char)c->typed.data[used]);
        used++;
    }
    queue_take(&c->typed, used);
}

/* ---- Reading and writing ---- */

/* Reads once. Returns 1, 0 at the end, or -1 with errno. */
static int chat_read(struct chat *c, int fd, struct queue *q) {
    ssize_t n = read(fd, q->data + q->length, READ_SIZE);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 1 : -1;
    if (n > 0 && fd == c->fd)
        chat_wire(c, "->", q->data + q->length, (size_t)n);
    q->length += (size_t)n;
    return n > 0;
}

/* Notices in what is sent that the server is asked to hang up: by a line, or by a Ctrl-D that begins one. */
static void chat_notice(struct chat *c, const char *data, size_t len) {
    for (size_t at = 0, used; at < len; at += used) {
        enum line_event event = line_take(&c->sent, data + at, len - at, &used);
        if (event == LINE_END || (event == LINE && is_quit(c->sent.text)))
            c->quit = 1;
    }
}

/* Writes once, no more than a pipe takes without blocking. Returns 0, or -1 with errno. */
static int chat_write(struct chat *c, int fd, struct queue *q) {
    ssize_t n = write(fd, q->data, q->length < PIPE_BUF ? q->length : PIPE_BUF);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (fd == c->fd) {
        chat_notice(c, q->data, (size_t)n);
        chat_wire(c, "<-", q->data, (size_t)n);
    }
    queue_take(q, (size_t)n);
    return 0;
}

static void chat_read_input(struct chat *c) {
    int n = chat_read(c, STDIN_FILENO, c->editing ? &c->typed : &c->to_server);
    if (n > 0)
        return;
    if (c->editing)
        chat_leave(c, "/quit"); /* the terminal is gone */
    else if (n < 0)
        chat_fail(c, "cannot read the input");
    c->input_ended = 1;
}

static void chat_read_server(struct chat *c) {
    int n = chat_read(c, c->fd, c->to_terminal ? &c->heard : &c->to_screen);
    if (n > 0)
        return;
    c->hung_up = 1;
    if (n < 0)
        c->error = errno;
}

static void chat_write_server(struct chat *c) {
    if (chat_write(c, c->fd, &c->to_server) == 0)
        return;
    c->error = errno; /* what the server has said before it went is still to be read */
    c->input_ended = 1;
    c->to_server.length = 0;
}

/* ---- The loop ---- */

/* Waits for what is worth waiting for. Returns 0 if none of that has come. */
static int chat_wait(struct chat *c, fd_set *readable, fd_set *writable) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_SET(c->signals, readable);
    if (!c->input_ended && queue_has_room(&c->to_server) && queue_has_room(&c->typed))
        FD_SET(STDIN_FILENO, readable);
    if (!c->hung_up && queue_has_room(&c->to_screen) && queue_has_room(&c->heard))
        FD_SET(c->fd, readable);
    if (!c->hung_up && c->to_server.length > 0)
        FD_SET(c->fd, writable);
    if (c->to_screen.length > 0)
        FD_SET(c->screen, writable);

    c->known = c->now;
    c->now = now_ms();
    long long left = c->until > c->now ? c->until - c->now : 0;
    struct timeval timeout = {.tv_sec = (time_t)(left / 1000), .tv_usec = (suseconds_t)(left % 1000 * 1000)};
    return select(FD_SETSIZE, readable, writable, NULL, c->until ? &timeout : NULL) > 0;
}

/* A turn of the conversation: wait, read, write. */
static void chat_turn(struct chat *c) {
    fd_set readable, writable;
    if (!chat_wait(c, &readable, &writable))
        return;
    if (FD_ISSET(c->signals, &readable))
        signal_forget(); /* `stop` and terminal_changed() say which it was */
    if (FD_ISSET(STDIN_FILENO, &readable))
        chat_read_input(c);
    if (FD_ISSET(c->fd, &readable))
        chat_read_server(c);
    if (FD_ISSET(c->fd, &writable))
        chat_write_server(c);
    if (FD_ISSET(c->screen, &writable) && chat_write(c, c->screen, &c->to_screen) < 0)
        chat_fail(c, "cannot write the output");
}

/* Is there nothing more to carry? */
static int chat_is_over(const struct chat *c) {
    int all_printed = c->heard.length + c->to_screen.length == 0;
    int waited_enough = c->until > 0 && c->known >= c->until;
    return stop || c->failed || waited_enough || (c->hung_up && all_printed);
}

/* Says why it has ended, on a terminal that is in order again. Returns 0, or -1 after a line on stderr. */
static int chat_end(const struct chat *c) {
    terminal_restore();
    if (c->failed)
        return complain(c->failed, strerror(c->error));
    int we_left = stop || c->quit || c->until > 0 || (c->finished && c->error == 0);
    if (we_left)
        return 0;

    const char *why = c->error ? strerror(c->error) : "";
    fprintf(stderr, "%s: %s hung up%s%s\n", program, c->server.text, *why ? ": " : "", why);
    return -1;
}

/* Carries on until one side ends it. Returns 0, or -1 after a line on stderr. */
static int converse(struct chat *c) {
    c->screen = terminal_screen();
    c->to_terminal = isatty(STDOUT_FILENO);
    c->editing = terminal_take();
    while (!chat_is_over(c)) {
        if (c->editing && terminal_changed()) {
            terminal_grab();
            chat_hide(c);
        }
        chat_edit(c);
        chat_tell(c);
        chat_show(c);
        if (c->input_ended && c->to_server.length == 0 && !c->finished)
            c->finished = shutdown(c->fd, SHUT_WR) == 0;
        chat_turn(c);
    }
    return chat_end(c);
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    static struct chat c;
    const char *nick = NULL, *room = NULL;
    int option;
    while ((option = getopt(argc, argv, "hvn:r:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'n': nick = optarg; break;
        case 'r': room = optarg; break;
        default: return show_usage();
        }
    c.server = parse_server(argc, argv, "5228");
    struct addrinfo *addresses = resolve(&c.server, SOCK_STREAM);
    c.signals = catch_signals();

    if (nick)
        queue_line(&c.to_server, "/nick ", nick, strlen(nick));
    if (room)
        queue_line(&c.to_server, "/join ", room, strlen(room));

    int result = 0;
    c.fd = connect_to(addresses, c.signals);
    if (c.fd >= 0)
        result = converse(&c);
    else if (!stop)
        result = complain(c.server.text, strerror(errno));
    close(c.fd);
    freeaddrinfo(addresses);
    return result < 0;
}
