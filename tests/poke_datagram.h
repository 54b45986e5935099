/* poke_datagram.h - with -u a NAME is a socket for datagrams. Its verbs are datagram_verbs (poke_step.h). */
#ifndef POKE_DATAGRAM_H
#define POKE_DATAGRAM_H

#include "poke_conn.h"

/* Makes c a new socket, OPEN, bound to HOST PORT; host NULL: to any address, of the family that the server has. The
 * socket sends to the server's first address, if there is one. A failure ends the program. */
void socket_bind(struct conn *c, const char *host, const char *port);

#endif
