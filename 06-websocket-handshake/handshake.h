/* handshake.h - the opening handshake of a WebSocket (RFC 6455, section 4), for a server and for a client. It takes
 * heads of HTTP and gives values, and knows no sockets.
 */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include "http.h"

#include <stddef.h>

#define KEY_SIZE    25   /* bytes of a Sec-WebSocket-Key: 16 bytes in base64, and a NUL */
#define ACCEPT_SIZE 29   /* bytes of a Sec-WebSocket-Accept: 20 bytes in base64, and a NUL */
#define ANSWER_MAX  1024 /* bytes that handshake_answer() writes at most */

/* Writes the Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key (section 4.2.2, step 5.4). */
void handshake_accept(char accept[ACCEPT_SIZE], const char *key, size_t len);

/* ---- server ---- */

/* Returns the status to answer a request with: 101 if it is a proper opening handshake. Else *why says why not, and the
 * status is 426 if it asks for no WebSocket (as a HEAD does), or for another version; 403 if it comes from a page of
 * another origin than `origin` (NULL: all are welcome); 405 or 400. Whether there is something at its path, the caller
 * knows. */
int handshake_check(const struct head *h, const char *origin, const char **why);

/* Writes the answer that opens a WebSocket. The server has one subprotocol, which is chosen if it is offered. Returns
 * the answer's length in bytes. */
size_t handshake_answer(char answer[ANSWER_MAX], const struct head *h, const char *subprotocol);

/* ---- client ---- */

/* Writes the Sec-WebSocket-Key for 16 bytes, which have to be random. */
void handshake_key(char key[KEY_SIZE], const unsigned char random[16]);

/* What a client asks for: ws://HOST/TARGET. */
struct handshake {
    const char *host;         /* "NAME" or "NAME:PORT" */
    const char *target;       /* begins with a slash */
    const char *key;          /* from handshake_key() */
    const char *subprotocols; /* a list of those that are offered, "chat, echo"; NULL: none */
    const char *origin;       /* whose page asks; NULL: nobody's */
};

/* Writes the request, at most `size` bytes. Returns its length in bytes, or -1: it is longer. */
int handshake_request(char *request, size_t size, const struct handshake *wish);

/* Returns whether a response is the proper answer to a request with that key and list of subprotocols (NULL: none). If
 * not, *why says why not. */
int handshake_verify(const struct head *h, const char *key, const char *subprotocols, const char **why);

#endif
