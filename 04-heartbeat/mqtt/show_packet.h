/* show_packet.h - a packet of MQTT in words, for -v. */
#ifndef SHOW_PACKET_H
#define SHOW_PACKET_H

#include "packet.h"

/* With -v: prints on stderr what a packet says, in one line: "127.0.0.1:53412 -> PUBLISH, QoS 1, not retained, packet 7,
 * topic sensors/temp, 5 bytes". The arrow as in show_wire(). */
void show_packet(const char *peer, const char *arrow, const struct packet *p);

#endif
