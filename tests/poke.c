/* poke.c - speaks bytes to a TCP or UDP peer and checks what comes back. It sees nothing but the wire, so it can
 * test a server in any language.
 *
 *     cc -o poke poke.c poke_script.c poke_words.c poke_stream.c poke_load.c poke_datagram.c poke_exchange.c \
 *         poke_conn.c poke_report.c poke_xml.c poke_bytes.c ../01-echo/wire.c
 *     terminal 1:  ../01-echo/echo_server
 *     terminal 2:  printf '%s\n' 'a > "hello\n"' 'a < "hello\n"' | ./poke 127.0.0.1 3200 && echo well done
 *
 * Now expect "jello\n" instead, and read the report. The language of the scripts is described by `poke -h`: that text
 * stands below. Each file has one idea:
 *     poke_script    a line of the script becomes a step, and is run
 *     poke_words     the words of a line: names, numbers, BYTES
 *     poke_stream    the verbs for TCP
 *     poke_load      the verbs for much at once: many bytes, or many connections
 *     poke_datagram  the verbs for UDP
 *     poke_exchange  sends, and checks what comes back, at the same time
 *     poke_conn      connections, and waiting
 *     poke_report    what is said when something is wrong, and the end of the program
 *     poke_xml       XML elements in one form
 *     poke_bytes     a string of bytes
 * Start reading at the table of verbs in poke_stream.c, and at exchange(). The way of the bytes:
 *     stdin -> script_read -> take_step -> step_send, step_expect -> exchange -> conn_write -> the server
 *     the server -> conn_read -> inbox -> exchange, which compares -> the next step; or fail_bytes, and the end
 * Nothing here sleeps and hopes: a step ends with its event, and the clock only ends a wait that has failed.
 * Left out: encryption, and strings of more than BYTES_MAX.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "../01-echo/wire.h"
#include "descriptors.h"
#include "poke_conn.h"
#include "poke_datagram.h"
#include "poke_script.h"
#include "poke_words.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MAX 1000000000 /* ms */

const char program[] = "poke";
const char usage[] =
    "usage: poke [-hu] [-w MS] HOST PORT < SCRIPT      (or HOST:PORT, [::1]:3200)\n"
    "       poke -u [-w MS] [-f FILE] -p PORT < SCRIPT  play a server on 127.0.0.1 (0: any free port)\n"
    "  -h     print this help\n"
    "  -w MS  how long a step waits for its event, in ms (default $POKE_MS, else 5000)\n"
    "  -u     speak datagrams\n"
    "  -f FILE, -p PORT  with -u: the script, if not stdin; the port of the socket `server`\n"
    "Exit: 0 all went well, 1 a step failed, 2 bad usage or script, 77 too few descriptors.\n"
    "A script has one step a line. NAME is a connection, opened when first mentioned.\n"
    "  NAME open                 just connect (again, after a close)\n"
    "  NAME deaf [N]             connect with a small receive buffer (default 4096 bytes)\n"
    "  NAME > BYTES              send\n"
    "  NAME >N BYTES [VIA]       send in pieces of N bytes\n"
    "  NAME >? BYTES             send; the server may hang up meanwhile\n"
    "  NAME < BYTES              exactly these bytes come next\n"
    "  NAME <* BYTES             skip everything up to the end of these\n"
    "  NAME <x BYTES             these XML elements come next, in any order, however they are written:\n"
    "                            see poke_xml.h; a * in them stands for any text\n"
    "  NAME eof                  the end of the stream comes next\n"
    "  NAME gone                 the end or a reset comes, whatever comes before it\n"
    "  NAME shut | close | reset send FIN and go on reading | close | abort with RST\n"
    "  NAME echo N               send N pseudo-random bytes and meanwhile get the same back\n"
    "  NAME fill N [BYTES] [VIA] send up to N (BYTES again and again, or pseudo-random ones), read\n"
    "                            nothing, until the server has stopped reading\n"
    "  NAME blocked              that fill was stopped before its N\n"
    "  NAME drain                get back what that fill sent\n"
    "  NAME crowd N BYTES BYTES  N connections send the first; each gets the second or is refused\n"
    "  NAME served MIN MAX       so many of the crowd got their answer\n"
    "  NAME refused MIN MAX      so many were hung up on\n"
    "  NAME hold MS              keep everything open for so long\n"
    "  say TEXT                  print it, and again when a later step fails: the rule under test\n"
    "VIA is: via NAME BYTES BYTES, a round trip (send, expect) on another connection after\n"
    "each piece, or whenever fill gets no further: proof that the server's loop has turned.\n"
    "BYTES is \"text\" with \\n \\r \\t \\0 \\\\ \\\" \\{ \\xHH and {NAME}, that connection's local port;\n"
    "\"text\"*N is N times that. Strings are joined; where two BYTES are asked for, if they touch.\n"
    "A # begins a comment. Where a step gets its bytes one by one, -w counts from the latest.\n";

static const char usage_datagrams[] =
    "With -u NAME is a socket, and the steps are those below. A datagram is wrong if it is too long, too\n"
    "short, or from somebody else than the one that NAME sends to (at first HOST PORT).\n"
    "  NAME open | close         bind it to any free port | close it\n"
    "  NAME at \"HOST:PORT\"       bind it to this, in digits\n"
    "  NAME > BYTES              send a datagram\n"
    "  NAME < BYTES              exactly this one comes next\n"
    "  NAME <+ BYTES             the next one begins with these\n"
    "  NAME <* BYTES             skip all datagrams up to this one, whoever they are from\n"
    "  NAME <*+ BYTES            skip all up to one that begins with these\n"
    "  NAME follow               take the next one from anybody, and from now on send to there\n"
    "  NAME as NAME2             send to where NAME2 sends to\n"
    "  NAME quiet MS             nothing comes for so long\n"
    "  NAME hold MS              keep everything open for so long\n"
    "With -p the socket is named `server`, and follows whoever speaks first; other sockets, strangers,\n"
    "begin with `as server`.\n";

static int show_all_help(void) { return show_help() || fputs(usage_datagrams, stdout) < 0; }

/* Finds the addresses of HOST PORT, or, if `port` is NULL, of HOST:PORT. */
static void find_server(char *host, char *port) {
    char *colon = strrchr(host, ':');
    if (port == NULL && colon) {
        *colon = '\0';
        port = colon + 1;
    }
    parse_number(port ? port : "", 1, 65535);

    size_t len = strlen(host);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        host++;
    }
    struct addrinfo hints = {.ai_socktype = datagrams ? SOCK_DGRAM : SOCK_STREAM};
    int error = getaddrinfo(host, port, &hints, &server);
    if (error) {
        fprintf(stderr, "poke: cannot find %s: %s\n", host, gai_strerror(error));
        exit(2);
    }
}

/* -p: binds the first socket, and says where. */
static void be_server(const char *port) {
    struct conn *own = conn_named("server", strlen("server"));
    parse_number(port, 0, 65535);
    socket_bind(own, "127.0.0.1", port);
    own->follow = 1;
    fprintf(stderr, "poke: listening on 127.0.0.1:%s\n", own->port);
}

static void ignore_broken_pipes(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* a dead peer must not kill us */
}

int main(int argc, char **argv) {
    const char *ms = getenv("POKE_MS"), *port = NULL;
    int option;
    while ((option = getopt(argc, argv, "huw:f:p:")) != -1)
        switch (option) {
        case 'h': return show_all_help();
        case 'w': ms = optarg; break;
        case 'u': datagrams = 1; break;
        case 'p': port = optarg; break;
        case 'f':
            if (freopen(optarg, "r", stdin) == NULL) {
                fprintf(stderr, "poke: cannot read %s: %s\n", optarg, strerror(errno));
                return 2;
            }
            break;
        default: return show_usage();
        }
    int words = argc - optind;
    int fits = port ? datagrams && words == 0 : words == 1 || words == 2;
    if (!fits)
        return show_usage();

    if (ms)
        patience = parse_number(ms, 0, PATIENCE_MAX);
    if (!port)
        find_server(argv[optind], argv[optind + 1]);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    ignore_broken_pipes();
    allow_descriptors(10000); /* a crowd needs many */

    struct bytes script = {0};
    script_read(&script);
    if (port)
        be_server(port);
    script_run(&script);

    conn_close_all();
    freeaddrinfo(server);
    free(script.data);
    return 0;
}
