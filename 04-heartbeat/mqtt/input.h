/* input.h - lines from stdin, which is read when select() says "readable". A line ends with LF or CR LF, the last one
 * of all may lack its end; what is in it may be any bytes.
 */
#ifndef INPUT_H
#define INPUT_H

#include "packet.h"
#include "queue.h"

/* Bytes in a line, without its end; a longer one is refused as a whole. With a long topic it is a packet that mqtt_broker
 * takes. */
#define LINE_LIMIT 131072

struct input { /* a new one is zeros */
    struct queue read;
    size_t searched; /* bytes at its front that hold no end of a line */
    int skipping;    /* what comes is the rest of a line that is too long */
    int eof;         /* no more will be read */
};

enum input_event {
    INPUT_MORE, /* there is no line yet */
    INPUT_LINE,
    INPUT_TOO_LONG /* one that is too long has begun; what it goes on with is thrown away */
};

/* Reads once. Returns what read() does: the bytes that came, 0 at the end, or -1 with errno. When it cannot be read any
 * more, the lines that came before are there, and the beginning of one is none. */
ssize_t input_read(struct input *in, int fd);

/* Takes the next line. Its bytes stay where they are until the next input_read(). */
enum input_event input_take(struct input *in, struct bytes *line);

/* Is there a line, or a part of one? */
int input_has_rest(const struct input *in);

#endif
