/* say.h - both servers of this lesson hear and say messages: each client is answered in the format in which it spoke last.
 *
 *     bytes -> frame_decode -> hear -> the server -> say -> client_send -> bytes
 */
#ifndef SAY_H
#define SAY_H

#include "frame.h"
#include "loop.h"
#include "message.h"

#include <stddef.h>

/* A newcomer is spoken to in text, until it has said something. Call it in on_connect. */
void say_begin(struct client *c);

/* Reads the message in a frame of text, JSON or XML. Returns 0; or -1 if there is none: m is then the `error` to be
 * answered with. Its fields stay until the next hear(). */
int hear(const struct frame *f, struct message *m);

/* Notes the format of a frame that is taken, and shows it with -v. m: what it said, or NULL. */
void heard(struct client *c, const struct frame *f, const struct message *m);

/* Sends a message. */
void say(struct client *c, const struct message *m);

/* Returns how many bytes say() would send. */
size_t say_size(const struct client *c, const struct message *m);

/* Sends an error: its id is that of the request, or NULL. */
void say_error(struct client *c, const char *id, const char *code, const char *why);

#endif
