/* message.h - one message, three ways to write it: text, JSON and XML. See PROTOCOL.md, sections 2 and 3.
 *
 *     msg://id="7",friendName="lisi",text="吃饭了吗"
 *     {"type":"msg","id":"7","to":"lisi","body":"吃饭了吗"}
 *     <message><id>7</id><to>lisi</to><body>吃饭了吗</body></message>
 *
 * Takes bytes, gives values; knows no sockets.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stddef.h>

#define VALUE_MAX 4096 /* bytes in the longest value that a server takes; message_decode() has no limit */

enum message_format { TEXT = 1, JSON, XML }; /* the numbers are those of a frame's format */

/* A new type is a word here, in front of TYPES, and a row in message.c; so is a new field, in front of FIELDS. */
enum message_type { LOGIN, MSG, ACK, HISTORY, WHO, OK, ERROR, PAST, PRESENCE, BYE, PUT, GET, TYPES };

enum message_field {
    ID,   /* of a request, and of its answer */
    NAME, /* whose login, presence, history */
    PASSWORD,
    FROM,
    TO,
    BODY,   /* what was written; a file's name; an error in words */
    NUMBER, /* of a message, in the order in which the server took them */
    TIME,   /* in seconds since 1970 */
    COUNT,
    CODE,   /* of an error, for programs */
    AT,     /* offset in bytes of what could not be read */
    STATE,  /* online or away */
    PATH,   /* by which a file server knows a file */
    SIZE,   /* of a file, in bytes */
    OFFSET, /* from which on it is wanted */
    FIELDS
};

struct message {
    enum message_type type;    /* TYPES: one that is not known here */
    const char *field[FIELDS]; /* UTF-8 and its NUL; NULL: not there */
};

/* Reads a message. Its fields point into `store`, which needs len + 1 bytes. Returns NULL; or what is wrong, in words:
 * then m has no fields, and *at is the offset in bytes of the mistake, `len` if the end is missing. */
const char *message_decode(struct message *m, enum message_format format, const char *data, size_t len,
                           char *store, size_t *at);

/* Writes a message. Returns its length in bytes; or 0 if `size` bytes are too few, or if it cannot be written at
 * all: its type is TYPES, or a value is not made of the characters of section 2. */
size_t message_encode(const struct message *m, enum message_format format, char *out, size_t size);

/* Returns the number that a field holds; or -1 if it is missing or is not 1 to 18 digits. */
long long message_number(const struct message *m, enum message_field field);

/* Writes for people what a message says: msg id=7 to=lisi body=吃饭了吗. That is one line with its NUL, `size` bytes at
 * most (4 at least), and safe to print: control characters and what is not UTF-8 become question marks. */
void message_show(const struct message *m, char *out, size_t size);

#endif
