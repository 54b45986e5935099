/* connect.h - a client's side of connecting: [HOST [PORT]], the addresses of a name, a connection to one of them. */
#ifndef CONNECT_H
#define CONNECT_H

#include <netdb.h>

#define SERVER_TEXT 300  /* bytes: "host:port" and its NUL */
#define CONNECT_MS  3000 /* ms for an address while another is left: a lost SYN comes again after 1 s */

struct server_name {
    const char *host, *port; /* as they were typed, or the defaults */
    char text[SERVER_TEXT];  /* "127.0.0.1:3200", for messages */
};

/* Reads what stands behind the options: [HOST [PORT]]; the defaults are 127.0.0.1 and `port`. If there is more, or PORT
 * is no port, ends the program with exit code 2. */
struct server_name parse_server(int argc, char **argv, const char *port);

/* Returns the addresses that a server's name stands for now, IPv6 and IPv4, for sockets of that type (SOCK_STREAM,
 * SOCK_DGRAM); the caller frees them with freeaddrinfo(). NULL: there are none, and *why says why. It waits for the
 * answer of a name server, if one has to be asked. */
struct addrinfo *look_up(const struct server_name *server, int type, const char **why);

/* Does the same, but if there are none, ends the program with exit code 1 after a line on stderr. */
struct addrinfo *resolve(const struct server_name *server, int type);

/* Returns a non-blocking socket that begins to connect to an address, or -1 with errno. It is connected, or has failed,
 * when select() says "writable"; ask connect_result(). */
int connect_begin(const struct addrinfo *a);

/* Returns 0 if the socket is connected, or the errno with which it failed. */
int connect_result(int fd);

/* Returns a non-blocking socket connected to the first of the addresses that answers; or -1 with errno. Waits
 * CONNECT_MS for each, and for the last one as long as the system lets it (minutes); but a signal ends it: then -1, and
 * `stop` is set. `signals` is from catch_signals(). */
int connect_to(const struct addrinfo *a, int signals);

#endif
