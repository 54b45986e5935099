/* packet_io.h - packets of TFTP through a socket; with -v their bytes and what they mean. */
#ifndef PACKET_IO_H
#define PACKET_IO_H

#include "datagram.h"
#include "packet.h"

/* Send a packet. packet_send() returns 0, or -1 with errno if the kernel does not take it. An ERROR is sent once, and
 * nobody confirms it. */
int packet_send(int fd, const struct address *to, const char *p, size_t len);
void error_send(int fd, const struct address *to, enum error_code code, const char *words);

/* Takes one packet, of DATAGRAM_MAX bytes at most. Returns its length, or -1 if there is none. */
ssize_t packet_receive(int fd, char p[DATAGRAM_MAX], struct address *from);

/* A stranger has sent a packet to the port of a transfer: it gets error 5, and nothing else happens. */
void stranger_refuse(int fd, const struct address *from, const char *p, size_t len);

#endif
