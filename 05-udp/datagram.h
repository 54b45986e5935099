/* datagram.h - what every UDP program needs: the address of a peer, a socket to receive at, one datagram in, one out,
 * and the sleep in between. Times are in us, by now_us().
 */
#ifndef DATAGRAM_H
#define DATAGRAM_H

#include <stddef.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>

#define DATAGRAM_MAX 65535  /* bytes: the length field of UDP has 16 bits, and counts the header of 8, too */
#define MS           1000LL /* us in a millisecond */
#define NEVER        -1LL   /* a time that does not come */

struct address {                /* of a peer: IPv4 or IPv6, and the port */
    struct sockaddr_storage ip; /* as the kernel writes it */
    socklen_t len;              /* bytes of it */
};

/* Returns the port. */
int address_port(const struct address *a);

/* Are these two the same host? And do they have the same port, too? */
int address_same_host(const struct address *a, const struct address *b);
int address_same(const struct address *a, const struct address *b);

/* Returns a non-blocking UDP socket for addresses of this family, or -1 with errno. */
int datagram_socket(int family);

/* Closes a socket of which something has failed. Returns -1, with the errno of that. */
int datagram_socket_failed(int fd);

/* Returns a non-blocking socket that receives what is sent to this address, after the line "program: listening on
 * 127.0.0.1:3205" on stderr. With port "0" the system takes a free one. Ends the program, with a line that says why, if
 * that cannot be. */
int bind_on(const char *host, const char *port);

/* Takes one datagram, and the address that it came from. Returns its length, which may be 0, or -1 with errno (EAGAIN:
 * there is none). The kernel throws away what `data` has no room for: then *cut is set. Shows it with -v. */
ssize_t datagram_receive(int fd, char *data, size_t size, struct address *from, int *cut);

/* Sends one datagram. Returns 0; or -1 with errno if the kernel does not take it. Shows it with -v. */
int datagram_send(int fd, const struct address *to, const char *data, size_t len);

/* Prints one line of the log: "127.0.0.1:53412 6 bytes lost". */
void datagram_log(const struct address *peer, size_t len, const char *what);

/* Sleeps until a descriptor is ready, a signal has come (then `stop` is set), or it is `until`. The sets then hold what
 * is ready; `writable` may be NULL. `signals` is from catch_signals(). Returns a time by which all that had come can be
 * read now: the time before the sleep, or that until which it has slept in vain. Judge by it who was silent, not by the
 * time at which we come to look: we may have been stopped in between. */
long long wait_until(long long until, int signals, fd_set *readable, fd_set *writable);

#endif
