/* packet.h - the control packets of MQTT 3.1.1, made and read: OASIS Standard, 29 October 2014, chapters 2 and 3. Takes
 * bytes, gives values; knows no sockets.
 *
 *     byte 1     type (high half), flags (low half)
 *     then       the remaining length: 7 bits a byte, the low ones first, 1 to 4 bytes
 *     the rest   numbers of 16 bits, the high byte first; strings: a length of 16 bits, and UTF-8
 */
#ifndef PACKET_H
#define PACKET_H

#include <stddef.h>

#define PACKET_HEAD 5         /* bytes before the rest, at most */
#define PACKET_MAX  268435455 /* bytes of the rest: what four bytes of 7 bits can say */
#define STRING_MAX  65535     /* bytes of a string */
#define REFUSED     0x80      /* in a SUBACK, in place of a QoS */

enum packet_type {
    CONNECT = 1, /* client to server: it says who it is */
    CONNACK,
    PUBLISH, /* either way: a message */
    PUBACK,  /* QoS 1: we have it */
    PUBREC,  /* QoS 2: we have it ... */
    PUBREL,  /* ... we know that you have it: its number is free again ... */
    PUBCOMP, /* ... and here, too */
    SUBSCRIBE,
    SUBACK,
    UNSUBSCRIBE,
    UNSUBACK,
    PINGREQ,
    PINGRESP,
    DISCONNECT /* client to server: no will, please */
};

enum connack_code { ACCEPTED, BAD_LEVEL, BAD_CLIENT_ID, NOT_AVAILABLE, BAD_PASSWORD, NOT_AUTHORIZED };

struct bytes { /* in somebody else's memory */
    const char *data;
    size_t length;
};

/* All that a packet can say. What its type has not is zero; strings lie within the packet that was read. */
struct packet {
    enum packet_type type;
    int id;               /* 1 to 65535: packet identifier */
    int qos, dup, retain; /* PUBLISH */
    struct bytes topic, payload;

    struct bytes list; /* the filters, for next_filter(); SUBACK: a byte for each of them */

    int level;              /* CONNECT: 4 is MQTT 3.1.1; of another level, nothing else is read */
    int clean;              /* no session from earlier, and none to keep */
    int keep_alive;         /* s; 0: off */
    struct bytes client_id; /* may be empty */
    int has_will;
    int will_qos, will_retain;
    struct bytes will_topic, will_payload;

    int session_present; /* CONNACK */
    int code;            /* CONNACK: enum connack_code */
};

/* Reads the packet at the beginning of `len` bytes. Returns the bytes that it has; 0: it is not complete; -1: it breaks a
 * rule, or has more than `max` bytes behind its head, and *why says which in words; a wrong
 * first byte or length is noticed before the rest has come. The rules include the UTF-8 of all
 * strings, and that a name of a topic has no wildcard; not whether a filter is one (see topic.h). */
long packet_read(struct packet *p, const char *data, size_t len, size_t max, const char **why);

/* Takes the next filter of a SUBSCRIBE (with its QoS) or an UNSUBSCRIBE from p->list. Returns 0: there is none left. */
int next_filter(struct packet *p, struct bytes *filter, int *qos);

/* Returns how many bytes a packet has at most when it is made. */
size_t packet_room(const struct packet *p);

/* Makes a packet from the fields. `out` must have packet_room() bytes. Returns the bytes of the packet. */
size_t packet_write(const struct packet *p, char *out);

/* Is that UTF-8 of MQTT (section 1.5.3): no surrogates, no U+0000, nothing that is longer than it has to be? */
int is_utf8(struct bytes s);

#endif
