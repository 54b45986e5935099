/* stand_in.c - a server that a test plays: it says what is written into a FIFO, to its latest client, and keeps what it
 * hears in a file. When its client has sent FIN it notes "(the end)", and does nothing; "(hang up)" makes it close.
 *
 *     cc -o stand_in stand_in.c
 *     stand_in SAYS HEARD     the FIFO and the file
 *     stand_in full           one that nobody can connect to, for its queue is full: SYNs get no answer
 *     stand_in liar           one that reads nothing and acknowledges all
 *
 * It says on stderr where it listens. A third argument, -p 0, is for tests/helpers.bash and says nothing new.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENER, SAYS, PEER, ALL };

static struct pollfd polls[ALL] = {
    {.fd = -1, .events = POLLIN}, {.fd = -1, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
static int peer = -1; /* the client; after its FIN it is here, and no longer in polls */
static int heard;     /* the file */

/* Connects to itself until its queue is full. */
static int stay_full(const struct sockaddr_in *address) {
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        connect(fd, (const struct sockaddr *)address, sizeof *address);
    }
    return pause();
}

static int lie(void) {
    peer = accept(polls[LISTENER].fd, NULL, NULL);
    dprintf(peer, "WELCOME 0\n");
    while (dprintf(peer, "ACK 999999\n") > 0)
        poll(NULL, 0, 1);
    return 0;
}

static void meet(void) {
    close(peer);
    peer = accept(polls[LISTENER].fd, NULL, NULL);
    polls[PEER].fd = peer;
    dprintf(heard, "(connected)\n");
}

/* Says what the test says; "(hang up)" may come in one read with what is before it. */
static int say(void) {
    static const char hang_up[] = "(hang up)\n";
    static char data[65536];
    ssize_t n = read(polls[SAYS].fd, data, sizeof data), rest = n - (ssize_t)strlen(hang_up);
    int last = rest >= 0 && memcmp(data + rest, hang_up, strlen(hang_up)) == 0;
    if (n > 0 && write(peer, data, (size_t)(last ? rest : n)) < 0)
        return -1;
    if (last) {
        close(peer);
        peer = -1;
        polls[PEER].fd = -1;
    }
    return 0;
}

static int hear(void) {
    static char data[65536];
    ssize_t n = read(peer, data, sizeof data);
    if (n <= 0) {
        n = snprintf(data, sizeof data, "(the end)\n");
        polls[PEER].fd = -1;
    }
    return write(heard, data, (size_t)n) < 0 ? -1 : 0;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.1")};
    socklen_t len = sizeof address;
    int full = argc > 1 && strcmp(argv[1], "full") == 0, listener = socket(AF_INET, SOCK_STREAM, 0);
    if (argc < 2 || bind(listener, (struct sockaddr *)&address, len) < 0 ||
        listen(listener, full ? 0 : 9) < 0)
        return 1;
    polls[LISTENER].fd = listener;
    getsockname(listener, (struct sockaddr *)&address, &len);
    fprintf(stderr, "stand_in: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    if (full)
        return stay_full(&address);
    if (strcmp(argv[1], "liar") == 0)
        return lie();

    heard = open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600);
    polls[SAYS].fd = open(argv[1], O_RDWR);
    int result = 0;
    while (result == 0 && poll(polls, ALL, -1) > 0) {
        if (polls[LISTENER].revents)
            meet();
        else if (polls[SAYS].revents)
            result = say();
        else
            result = hear();
    }
    return 1;
}
