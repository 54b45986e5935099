/* menu_server.c - a self-service telephone line to talk to with telnet: press a number, get an answer.
 *
 *     terminal 1:  cc -o menu_server menu_server.c lines.c text.c loop.c buffer.c listen.c signals.c wire.c
 *                  ./menu_server
 *     terminal 2:  telnet 127.0.0.1 10086          try 1, 2, anything; 3 hangs up
 *
 * Watch: telnet ends a line with CR LF, nc with LF, and both are understood. New here: bytes become lines (lines.c), and
 * what people send becomes harmless text (text.c):
 *     client_read -> on_data -> line_take -> answer -> client_send -> one write a turn
 * Left out: whose balance it is.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "lines.h"
#include "loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define OWN_NAME_MAX 64   /* bytes in what the server calls itself */
#define REPLY_MAX    2048 /* bytes in the longest reply: the name, a line of 1024, and some to spare */
#define IN_MAX       4096
#define OUT_MAX      65536

const char program[] = "menu_server";
const char usage[] = "usage: menu_server [-hv] [-a ADDRESS] [-p PORT] [-n NAME]\n"
                     "  -h          print this help\n"
                     "  -v          show every read and write on stderr, in hex and text\n"
                     "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
                     "  -p PORT     0 to 65535, 0 takes any free one (default 10086)\n"
                     "  -n NAME     what the server calls itself, up to 64 bytes (default 10086)\n";

static const char *name = "10086";
static struct line lines[FD_SETSIZE]; /* the line that each client is about to complete */

static void reply(struct client *c, const char *text) {
    char line[REPLY_MAX];
    int len = snprintf(line, sizeof line, "%s: %s\n", name, text);
    client_send(c, line, (size_t)len);
}

static void on_connect(struct client *c) {
    lines[c->fd] = (struct line){0};
    reply(c, "您好! Welcome. Please press\n"
             "  1  话费 your balance\n"
             "  2  流量 your data\n"
             "  3  再见 to hang up\n"
             "Anything else I say back to you.");
}

static void hang_up(struct client *c) {
    reply(c, "再见! Goodbye!");
    client_close(c);
}

static void answer(struct client *c, const char *line) {
    if (strcmp(line, "1") == 0)
        reply(c, "话费余额 58.20 元。 Your balance is 58.20 yuan.");
    else if (strcmp(line, "2") == 0)
        reply(c, "剩余流量 3.2 GB。 You have 3.2 GB of data left.");
    else if (strcmp(line, "3") == 0)
        hang_up(c);
    else
        reply(c, line);
}

/* A message is a line. At the end of the input an unfinished one counts, too: with nc people often leave out Enter. */
static size_t on_data(struct client *c, char *data, size_t len) {
    struct line *line = &lines[c->fd];
    size_t used;
    switch (line_take(line, data, len, &used)) {
    case LINE_MORE: break;
    case LINE: answer(c, line->text); break;
    case LINE_TOO_LONG: reply(c, "太长了。 That line is over 1024 bytes."); break;
    case LINE_TELNET: client_send(c, line->refusal, REFUSAL); break;
    case LINE_END: hang_up(c); break;
    }
    return used;
}

static const struct server menu = {
    .in_max = IN_MAX,
    .out_low = OUT_MAX - REPLY_MAX, /* so there is always room for a reply */
    .out_max = OUT_MAX,
    .on_connect = on_connect,
    .on_data = on_data,
};

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "10086";
    int option;
    while ((option = getopt(argc, argv, "hva:p:n:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        case 'n': name = optarg; break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);
    if (strlen(name) > OWN_NAME_MAX) {
        fprintf(stderr, "%s: a name has at most %d bytes\n", program, OWN_NAME_MAX);
        return show_usage();
    }
    return serve(&menu, address, port);
}
