/* frame.h - messages with an edge, over a stream that has none: a length, a format, a payload.
 *
 *      0               4   5                    5 + length
 *     +---------------+---+------------------------+
 *     | length, bytes | f | payload                |     length: network order; f: what the payload is
 *     +---------------+---+------------------------+
 *
 * Takes bytes, gives values; knows no sockets. See PROTOCOL.md, section 1.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>

#define FRAME_HEADER 5     /* bytes before the payload */
#define FRAME_MAX    65536 /* bytes in the longest payload */

enum frame_format { FRAME_TEXT = 1, FRAME_JSON, FRAME_XML, FRAME_BYTES };

struct frame {
    enum frame_format format;
    const char *payload; /* in the bytes that were given to frame_decode */
    size_t length;       /* of the payload in bytes, 0 to FRAME_MAX */
};

/* Looks at the first bytes of a stream. Returns how many of them are the first frame; 0: more bytes are needed; -1: they
 * can never become a frame, because the length is over FRAME_MAX, or there is no such format. */
long frame_decode(struct frame *f, const char *data, size_t len);

/* Writes the header of a frame with `length` bytes of payload. */
void frame_header(char header[FRAME_HEADER], enum frame_format format, size_t length);

#endif
