/* server.h - the server that the client talks to: one address of its name after the other, until somebody answers. */
#ifndef SERVER_H
#define SERVER_H

#include "connect.h"
#include "datagram.h"
#include "wire.h"

extern int server_fd;                  /* our socket, non-blocking */
extern struct address server;          /* where it sends to */
extern char server_text[ADDRESS_TEXT]; /* the same as text */

/* Turns to the first of these addresses that the system can send to; they stay the caller's, and have to outlive the
 * server. `connected`: the kernel lets no other address in, and tells of "connection refused". Returns 0, or -1 with
 * errno. */
int server_open(struct addrinfo *addresses, int connected);

/* Turns to the next address; if `again` says so, after the last one to the first. Returns 0 if there is no other, and
 * then nothing has changed. */
int server_next(int again);

/* Is there an address that we have not turned to yet? */
int server_has_untried(void);

/* Sends a datagram. Returns 0, or -1 with errno. Shows it with -v. */
int server_send(const char *data, size_t len);

/* Closes the socket. */
void server_close(void);

#endif
