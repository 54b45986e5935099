/* handshake.h - the opening handshake of a WebSocket (RFC 6455, section 4), for a server and for a client.
 * It takes heads of HTTP and gives values, and knows no sockets. */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include "http.h"

#include <stddef.h>

#define KEY_SIZE    25   /* Sec-WebSocket-Key: 16 bytes in base64, and a NUL */
#define ACCEPT_SIZE 29   /* Sec-WebSocket-Accept: 20 bytes in base64, and a NUL */
#define ANSWER_MAX  1024 /* bytes that handshake_answer() writes at most */

/* Writes the Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key (section 4.2.2, step 5.4). */
void handshake_accept(char accept[ACCEPT_SIZE], const char *key, size_t len);

/* ---- server ---- */

/* Returns 101 if a request is a proper opening handshake. Else the status to answer: 426 if it asks for no
 * WebSocket, or another version; 405, 400, or 403 if it comes from a page of another origin than `origin`
 * (NULL: all are welcome); and *why says why. Whether there is something at its path the caller knows. */
int handshake_check(const struct head *h, const char *origin, const char **why);

/* Writes the answer that opens a WebSocket. The server has one subprotocol, which is chosen if it is offered.
 * Returns its length in bytes. */
size_t handshake_answer(char answer[ANSWER_MAX], const struct head *h, const char *subprotocol);

/* ---- client ---- */

/* Writes the Sec-WebSocket-Key for 16 bytes, which have to be random. */
void handshake_key(char key[KEY_SIZE], const unsigned char random[16]);

/* Writes a request for ws://HOST/TARGET; host is "NAME" or "NAME:PORT", target begins with a slash. A
 * subprotocol list or an origin of NULL is left out. Returns its length in bytes; 0 if `size` is too small. */
size_t handshake_request(char *request, size_t size, const char *host, const char *target, const char *key,
                         const char *subprotocols, const char *origin);

/* Returns 1 if a response is the proper answer to the request with that key and list of subprotocols (NULL:
 * none). Else 0, and *why says why. */
int handshake_verify(const struct head *h, const char *key, const char *subprotocols, const char **why);

#endif
