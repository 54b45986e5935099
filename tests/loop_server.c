/* loop_server.c - a server on 01-echo/loop.c that does what no lesson does, to try the contract of loop.h.
 *
 *     terminal 1:  tests/loop_server -p 3200
 *     terminal 2:  nc 127.0.0.1 3200       a message is four bytes; what is left at the end is told as "rest N";
 *                                          "long" gets an answer in pieces, each when the one before is written
 *     terminal 3:  nc 127.0.0.1 3200       the client before is dropped: from on_connect, while no client says anything
 *
 * At the end every client hears "bye".
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "../01-echo/loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define MESSAGE 4     /* bytes */
#define PIECE   40000 /* bytes; so many are written at once, where the kernel takes them */
#define PIECES  10    /* in the answer to "long" */

const char program[] = "loop_server";
const char usage[] = "usage: loop_server [-chv] [-p PORT]\n"
                     "  -c  hang up on each newcomer at once\n";

static int closes;             /* -c */
static int pieces[FD_SETSIZE]; /* of the answer to "long" that a client has been sent */

static void say(struct client *c, const char *word, size_t number) {
    char text[64];
    client_send(c, text, (size_t)snprintf(text, sizeof text, "%s %zu\n", word, number));
}

static void on_connect(struct client *c) {
    pieces[c->fd] = 0;
    if (closes)
        client_close(c);
    int alone = 1;
    for (struct client *other = client_next(NULL); other; other = client_next(other))
        if (other != c) {
            client_drop(other, "another has come");
            alone = 0;
        }
    if (alone) /* else nothing more happens after this, so nothing but the drop can wake the loop */
        say(c, "hello", 0);
}

/* Sends the next piece, and lets the message wait until it is written. Behind the last one the message is done. */
static size_t say_piece(struct client *c) {
    static char piece[PIECE];
    if (pieces[c->fd] == PIECES) {
        pieces[c->fd] = 0;
        return MESSAGE;
    }
    memset(piece, 'a' + pieces[c->fd], sizeof piece);
    pieces[c->fd]++;
    client_send(c, piece, sizeof piece);
    return 0;
}

static size_t on_data(struct client *c, char *data, size_t len) {
    if (len >= MESSAGE && memcmp(data, "long", MESSAGE) == 0)
        return say_piece(c);
    if (len >= MESSAGE) {
        say(c, memcmp(data, "next", MESSAGE) == 0 ? "next" : "message", len);
        return MESSAGE;
    }
    if (c->eof) {
        say(c, "rest", len);
        client_close(c);
    }
    return 0;
}

static void on_disconnect(struct client *c) { fprintf(stderr, "%s is gone\n", c->name); }

static void on_stop(void) {
    for (struct client *c = client_next(NULL); c; c = client_next(c))
        client_send(c, "bye\n", 4);
}

static const struct server contract = {
    .in_max = 65536,
    .out_low = 4096,
    .out_max = 65536,
    .on_connect = on_connect,
    .on_data = on_data,
    .on_disconnect = on_disconnect,
    .on_stop = on_stop,
};

int main(int argc, char **argv) {
    const char *port = "3200";
    int option;
    while ((option = getopt(argc, argv, "chvp:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'c': closes = 1; break;
        case 'v': verbose = 1; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        default: return show_usage();
        }
    return serve(&contract, "127.0.0.1", port);
}
