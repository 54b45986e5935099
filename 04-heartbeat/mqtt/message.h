/* message.h - a published message, held by many at once: it is stored once, and counts its holders. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "packet.h"

struct message {
    int holders;
    int qos, retain; /* as it was published */
    struct bytes topic, payload;
    char data[]; /* both, one behind the other */
};

/* Returns a copy of what a PUBLISH says, with one holder; NULL: out of memory. */
struct message *message_new(const struct packet *publish);

/* One more holder. Returns the message. */
struct message *message_hold(struct message *m);

/* One holder less; the last one frees it. NULL is allowed. */
void message_release(struct message *m);

/* Return how many bytes it takes; and all of them together. */
size_t message_size(const struct message *m);
size_t message_total(void);

#endif
