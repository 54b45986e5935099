/* request.h - what a client may ask an im_server, and what that has to bring along (PROTOCOL.md, section 3). */
#ifndef REQUEST_H
#define REQUEST_H

#include "message.h"

/* Returns the code of the error, "type" or "field", that a message is as a request, and in *why the same in words; or
 * NULL: each field that the server will look at is there, and is what it should be. */
const char *request_check(const struct message *m, const char **why);

/* Returns the id of a request, or NULL if there is none that may be repeated in an answer. */
const char *request_id(const struct message *m);

#endif
