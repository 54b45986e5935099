/* request.h - what a client may ask an im_server, and what that has to bring along (PROTOCOL.md, section 3). */
#ifndef REQUEST_H
#define REQUEST_H

#include "message.h"

#define ID_MAX 64 /* bytes in an id */

/* Returns NULL if the message is a request, and every field that the server reads is valid; else the code of the error,
 * "type" or "field", and in *why the same in words. */
const char *request_check(const struct message *m, const char **why);

/* Returns the id of a request, of a file_server, too; NULL: there is none that may be repeated in an answer. */
const char *request_id(const struct message *m);

#endif
