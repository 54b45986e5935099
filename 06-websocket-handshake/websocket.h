/* websocket.h - a client's end of a WebSocket (RFC 6455), with the states that a browser shows its page.
 *
 * Bytes in, events out; what it has to say waits in `out`. It knows no sockets, and prints readyState where it changes.
 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "frame.h"
#include "handshake.h"
#include "queue.h"

enum ready_state { CONNECTING, OPEN, CLOSING, CLOSED }; /* with the browser's numbers */

struct websocket {
    const char *server;       /* set by the user: "127.0.0.1:9090" */
    const char *subprotocols; /* set by the user: those that are offered, or NULL */
    int wait_ms; /* set by the user: how long the server has for its part of a handshake; 0: for ever */
    enum ready_state state;     /* readyState */
    long long deadline;         /* ms: the end of that time; 0: there is none */
    char key[KEY_SIZE];         /* the Sec-WebSocket-Key that was sent */
    int interim;                /* how many answers came before the one that counts */
    int server_closed;          /* its close frame has come */
    int failed;                 /* it broke a rule: no more of what it says is read */
    int code;                   /* how it has closed, or had to be closed */
    char reason[128];           /* the same in words, harmless on a terminal */
    struct frame_reader reader; /* what comes */
    struct queue out;           /* what goes */
};

/* Prepares a WebSocket, whose server and so on are set, for messages of at most `max` bytes. */
void websocket_begin(struct websocket *w, size_t max);

/* Gives the server so many ms for its part of a handshake; 0: all the time in the world. */
void websocket_wait(struct websocket *w, int ms);

/* Changes readyState, and prints it, with something behind it, on stderr. */
void websocket_state(struct websocket *w, enum ready_state state, const char *more);

/* Queues the request for ws://SERVER/TARGET, from a page of `origin` (NULL: from none). Returns 0, or -1 after a line
 * on stderr. */
int websocket_request(struct websocket *w, const char *target, const char *origin);

/* Reads an answer to it, once it is there as a whole; `last`: no more bytes come. Returns its size in bytes; the state is
 * OPEN then, or still CONNECTING, if another answer follows. 0: more bytes are needed; -1, after a line on stderr: it is
 * wrong. */
int websocket_answer(struct websocket *w, const char *data, size_t len, int last);

/* Queues a frame, masked. fin 0: more fragments of its message follow. */
void websocket_send(struct websocket *w, int fin, int opcode, const void *payload, size_t len);

/* Queues a close frame, after which nothing more is sent; the state is CLOSING then. */
void websocket_close(struct websocket *w, int code, const char *reason);

/* Takes bytes up to the next event of frame.h, which it returns, and does what it asks for: answers a ping, a close,
 * a broken rule. Sets *used to how many bytes it took. A message, in w->reader, is for the caller. When the server
 * has closed or broken a rule, what follows does not count: it is all taken. */
int websocket_read(struct websocket *w, unsigned char *data, size_t len, size_t *used);

#endif
