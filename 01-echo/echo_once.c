/* echo_once.c - the calls of a TCP server, one after another: socket, bind, listen, accept, recv and send.
 *
 *     terminal 1:  cc -o echo_once echo_once.c && ./echo_once
 *     terminal 2:  telnet 127.0.0.1 3200           type a line, and it comes back
 *     terminal 3:  telnet 127.0.0.1 3200           connects, but gets no answer. Why?
 *
 * The program can wait in one place only, and it waits in recv() for terminal 2. Terminal 3 is connected, but only to
 * the kernel: accept() takes it when terminal 2 has left. echo_select.c, which comes next, waits for all at once.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char usage[] =
    "usage: echo_once [-hv] [-a ADDRESS] [-p PORT]     -h: this help, -v: show bytes\n"
    "  -a ADDRESS  default 127.0.0.1       -p PORT  default 3200, 0 takes any free one\n";

/* Prints an address, 127.0.0.1:3200 or [::1]:3200, and what has happened there. */
static void print_event(const char *what, const struct sockaddr_storage *address, socklen_t len) {
    char host[50] = "?";
    char port[6] = "?";
    getnameinfo((const struct sockaddr *)address, len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    fprintf(stderr, strchr(host, ':') ? "%s[%s]:%s" : "%s%s:%s", what, host, port);
}

/* Ends the program: the server cannot listen. */
static void fail(const char *address, const char *port, const char *why) {
    fprintf(stderr, "echo_once: cannot listen on %s:%s: %s\n", address, port, why);
    exit(1);
}

/* Returns a socket that listens on an address and a port. */
static int listen_on(const char *address, const char *port) {
    struct addrinfo hints = {0};
    struct addrinfo *found;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    int error = getaddrinfo(address, port, &hints, &found);
    if (error != 0)
        fail(address, port, gai_strerror(error));

    int on = 1;
    int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* or a restart has to wait a minute */
    if (bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
        fail(address, port, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

/* Sends back what comes, until the client has finished or is gone. There are two loops, because recv() may return any
 * part of what was sent to us, and send() may take any part of what we give it. */
static void echo(int fd, int verbose) {
    char data[4096];
    ssize_t got;
    while ((got = recv(fd, data, sizeof data, 0)) > 0) {
        for (ssize_t i = 0; verbose && i < got; i++)
            fprintf(stderr, i + 1 < got ? "%02x " : "%02x\n", (unsigned char)data[i]);
        ssize_t sent = 0;
        while (sent < got) {
            ssize_t n = send(fd, data + sent, (size_t)(got - sent), 0);
            if (n < 0)
                return;
            sent += n;
        }
    }
}

/* A signal handler may call few functions; _exit() is one of them. */
static void on_signal(int number) { _exit(number == 0); }

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *port = "3200";
    int option, verbose = 0, wrong = 0;
    /* If stdin, stdout or stderr is closed, a client would get its number, and our log. So it is filled, with what can
     * only be written to (0) or only be read from (1, 2). */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);

    while ((option = getopt(argc, argv, "hva:p:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0 || fflush(stdout) != 0;
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': port = optarg; break;
        default: wrong = 1;
        }
    char *end;
    long number = strtol(port, &end, 10);
    if (wrong || optind < argc || *port < '0' || *port > '9' || *end != '\0' || number > 65535) {
        fprintf(stderr, "echo_once: wrong option, or not a port from 0 to 65535\n%s", usage);
        return 2;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (signal(SIGHUP, on_signal) == SIG_IGN)
        signal(SIGHUP, SIG_IGN); /* it was ignored at the start: nohup */
    signal(SIGPIPE, SIG_IGN);    /* send() to a client that is gone shall fail, and not end the program */

    int listener = listen_on(address, port);
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    getsockname(listener, (struct sockaddr *)&peer, &len); /* with port 0: the one that it has become */
    print_event("echo_once: listening on ", &peer, len);
    fprintf(stderr, "\n");

    for (;;) {
        len = sizeof peer;
        int fd = accept(listener, (struct sockaddr *)&peer, &len);
        print_event("", &peer, len);
        fprintf(stderr, " connected\n");
        echo(fd, verbose);
        close(fd);
        print_event("", &peer, len);
        fprintf(stderr, " disconnected\n");
    }
}
