/* echo_once.c - the calls of a TCP server in a row: socket, bind, listen, accept, recv and send.
 *     terminal 1:  cc -o echo_once echo_once.c && ./echo_once
 *     terminal 2:  telnet 127.0.0.1 3200           type a line, and it comes back
 *     terminal 3:  telnet 127.0.0.1 3200           connects, but gets no answer. What is wrong?
 * We can wait in one place only, and that is recv() for terminal 2. Terminal 3 waits in the kernel's queue,
 * and accept() gets to it when terminal 2 has left. Next: echo_server.c waits for all at once. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char usage[] = "usage: echo_once [-hv] [-a ADDRESS] [-p PORT]    -h: this help, -v: show bytes\n"
                            "       ADDRESS: default 127.0.0.1    PORT: default 3200, 0 takes any free one\n";

/* Writes "host:port" of one end of a socket: ours by getsockname, the peer's by getpeername. */
static void name_end(int fd, int end(int, struct sockaddr *, socklen_t *), char name[64]) {
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof a;
    char host[50] = "?", port[6] = "?";
    end(fd, (struct sockaddr *)&a, &len);
    getnameinfo((void *)&a, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, 64, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* Sends back what comes until the peer has finished. Two loops, because recv() may return any part of what
 * was sent to us, and send() may take any part of what we have. */
static void echo(int fd, int verbose) {
    char data[4096];
    ssize_t got, n;
    while ((got = recv(fd, data, sizeof data, 0)) > 0) {
        for (ssize_t i = 0; verbose && i < got; i++)
            fprintf(stderr, i + 1 < got ? "%02x " : "%02x\n", (unsigned char)data[i]);
        for (ssize_t sent = 0; sent < got; sent += n)
            if ((n = send(fd, data + sent, (size_t)(got - sent), 0)) < 0)
                return;
    }
}

static void quit(int number) { _exit(number == 0); }
int main(int argc, char **argv) {
    char *address = "127.0.0.1", *port = "3200", *end, name[64];
    int option, verbose = 0, wrong = 0;
    while ((option = getopt(argc, argv, "hva:p:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': port = optarg; break;
        default: wrong = 1;
        }
    if (wrong || optind < argc || *port < '0' || *port > '9' || strtoul(port, &end, 10) > 65535 ||
        *end != '\0')
        return fprintf(stderr, "echo_once: wrong option, or not a port from 0 to 65535\n%s", usage), 2;
    signal(SIGINT, quit);
    signal(SIGTERM, quit);
    signal(SIGPIPE, SIG_IGN); /* send() to a peer that has left shall fail, not kill us */
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *a;
    int error = getaddrinfo(address, port, &hints, &a);
    int listener = error ? -1 : socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)); /* restart at once */
    if (error || bind(listener, a->ai_addr, a->ai_addrlen) < 0 || listen(listener, SOMAXCONN) < 0) {
        const char *why = error ? gai_strerror(error) : strerror(errno);
        return fprintf(stderr, "echo_once: cannot listen on %s:%s: %s\n", address, port, why), 1;
    }
    name_end(listener, getsockname, name);
    fprintf(stderr, "echo_once: listening on %s\n", name);
    for (int fd;; close(fd)) {
        fd = accept(listener, NULL, NULL);
        name_end(fd, getpeername, name);
        fprintf(stderr, "%s connected\n", name);
        echo(fd, verbose);
        fprintf(stderr, "%s disconnected\n", name);
    }
}
