/* listen.h - a server's side of connecting: a socket that listens, and a newcomer accepted or refused. */
#ifndef LISTEN_H
#define LISTEN_H

#include "wire.h"

/* Returns a non-blocking socket that listens, after the line "program: listening on 127.0.0.1:3200" on stderr. Address
 * and port are text, for getaddrinfo(); with port "0" the system takes a free one. Ends the program, with a line that
 * says why, if that cannot be. */
int listen_on(const char *address, const char *port);

/* Takes one newcomer in: returns its socket, below FD_SETSIZE, non-blocking and with TCP_NODELAY, and writes its
 * address. Returns -1 if nobody waits, or if there is no room: then the newcomer is refused, for one that is left in the
 * queue would make select() say "readable" for ever. Logs who connects and who is refused. */
int listen_accept(int listener, char name[ADDRESS_TEXT]);

/* The same for a program that does not use select(), and knows by itself whether it has room: any descriptor will do. */
int listen_accept_if(int room, int listener, char name[ADDRESS_TEXT]);

#endif
