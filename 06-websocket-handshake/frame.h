/* frame.h - the frames of a WebSocket (RFC 6455, section 5), for a server and for a client. Bytes in, messages out; it
 * knows no sockets.
 *
 *  byte 0              byte 1              then, as far as needed
 * +-+-+-+-+-+-+-+-+   +-+-+-+-+-+-+-+-+   +----------------+----------------+----------------- - -
 * |F|R|R|R| opcode|   |M| length      |   | length, 2 or 8 | masking key, 4 | payload
 * +-+-+-+-+-+-+-+-+   +-+-+-+-+-+-+-+-+   +----------------+----------------+----------------- - -
 *  FIN, RSV1 to 3      MASK; 0 to 125,     if 126 or 127     if MASK
 *                      126, 127
 */
#ifndef FRAME_H
#define FRAME_H

#include "utf8.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FRAME_HEADER_MAX  14  /* bytes of a header: 2, a length of 8, a key of 4 */
#define FRAME_CONTROL_MAX 125 /* bytes of payload in a close, ping or pong (section 5.5) */

/* Opcodes (section 5.2) */
enum {
    FRAME_CONTINUATION = 0,
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10
};

/* Close codes (section 7.4.1) */
enum {
    CLOSE_NORMAL = 1000,
    CLOSE_GOING_AWAY = 1001,
    CLOSE_PROTOCOL = 1002,    /* a rule of frames is broken */
    CLOSE_UNSUPPORTED = 1003, /* this kind of data is not wanted here */
    CLOSE_NO_CODE = 1005,     /* never sent: the other side gave none */
    CLOSE_ABNORMAL = 1006,    /* never sent: the connection broke without a close frame */
    CLOSE_NOT_UTF8 = 1007,
    CLOSE_TOO_BIG = 1009,
    CLOSE_INTERNAL = 1011
};

/* ---- one header ---- */

struct frame {
    int fin;              /* 1: the last fragment of its message */
    int rsv;              /* 0 to 7: RSV1 (4), RSV2, RSV3 (1); an extension would use them */
    int opcode;           /* 0 to 15 */
    int masked;           /* 1: the payload has been masked with the key */
    unsigned char key[4]; /* the masking key */
    uint64_t length;      /* bytes of payload */
};

/* Writes the header of f, its length in the shortest form. Returns its size, 2 to 14 bytes. */
size_t frame_encode(unsigned char header[FRAME_HEADER_MAX], const struct frame *f);

/* Reads a header. Returns its size in bytes; 0: more bytes are needed (what the first two say is in f if they are
 * there); -1: the length is not in its shortest form, or has the highest bit set. */
int frame_decode(struct frame *f, const unsigned char *data, size_t len);

/* Masks bytes, or unmasks them: it is the same. data[0] is byte `offset` of its frame's payload. */
void frame_mask(unsigned char *data, size_t len, const unsigned char key[4], uint64_t offset);

/* Writes the payload of a close frame: code and reason, of which at most 123 bytes are used, and no half character.
 * Returns its length in bytes; 0 for CLOSE_NO_CODE. */
size_t frame_close(unsigned char payload[FRAME_CONTROL_MAX], int code, const char *reason);

/* Returns whether a close frame may have this code: 1000 to 1003, 1007 to 1014, 3000 to 4999. */
int frame_code_allowed(int code);

/* Prints a line "PEER -> frame", with that arrow, and what each bit of the header says, a line for each field. */
void frame_explain(FILE *to, const char *peer, const char *arrow, const struct frame *f);

/* ---- messages ---- */

/* What has come: one of the opcodes TEXT, BINARY, CLOSE, PING, PONG, if that is now whole; or else: */
enum frame_event {
    FRAME_MORE = 16, /* nothing, before more bytes come */
    FRAME_BEGINS, /* a header, in r->frame: to be shown, or ignored; it may break a rule, then FRAME_ERROR is next */
    FRAME_FRAGMENT, /* the end of a frame that is not the end of its message; nothing to be done */
    FRAME_ERROR     /* a broken rule: send a close with r->code, and read no more */
};

struct frame_reader {
    int masked; /* set by the user: 1 on a server, all frames to which are masked; 0 on a client: none is */
    size_t max; /* set by the user: bytes in the largest message it takes */

    /* What has come. Valid until the next frame_read() or frame_reader_free(). */
    unsigned char
        *payload;    /* of a message, ping or pong; of a close: its code, if it has one, and its reason */
    size_t length;   /* bytes of it */
    int code;        /* of a close: its code, CLOSE_NO_CODE if it has none; of an error: the code to send */
    const char *why; /* of an error: the rule, in words */

    /* The reader's own. */
    struct frame frame; /* the latest header */
    int broken;         /* 1: it breaks a rule */
    int inside;         /* 1: not all of its payload has been taken */
    uint64_t done;      /* bytes of its payload that have been taken */
    int opcode;         /* of the message under way, TEXT or BINARY; 0: none is */
    struct utf8 utf8;   /* the check of that message */
    struct {            /* a message that did not come at once, as far as it is here */
        unsigned char *data;
        size_t length, size;
    } message;
};

/* Takes bytes, however they are cut, up to the next event, and sets *used to how many. It unmasks in place, so what
 * it has used is changed. What it has not used has to be given again, more behind it. After FRAME_BEGINS it has to be
 * called again, even with no byte left: a payload may be empty.
 *
 *     struct frame_reader r = {.masked = 1, .max = 1 << 20};
 *     while ((event = frame_read(&r, data, len, &used)) != FRAME_MORE) { ...; data += used; len -= used; }
 */
int frame_read(struct frame_reader *r, unsigned char *data, size_t len, size_t *used);

/* Frees the memory of a message that came in pieces: when it has been used (else the next frame_read() does that), or
 * at the end of a connection. */
void frame_reader_free(struct frame_reader *r);

#endif
