/* frame.c - see frame.h. */
#include "frame.h"

long frame_decode(struct frame *f, const char *data, size_t len) {
    const unsigned char *h = (const unsigned char *)data;
    if (len < FRAME_HEADER)
        return 0;
    unsigned long length =
        (unsigned long)h[0] << 24 | (unsigned long)h[1] << 16 | (unsigned long)h[2] << 8 | h[3];
    if (length > FRAME_MAX || h[4] < FRAME_TEXT || h[4] > FRAME_BYTES)
        return -1; /* now, not when the payload is there: nobody should wait for it, or make room */
    if (len - FRAME_HEADER < length)
        return 0;

    f->format = (enum frame_format)h[4];
    f->payload = data + FRAME_HEADER;
    f->length = length;
    return (long)(FRAME_HEADER + length);
}

void frame_header(char header[FRAME_HEADER], enum frame_format format, size_t length) {
    for (int i = 0; i < 4; i++)
        header[i] = (char)(length >> (24 - 8 * i) & 0xFF);
    header[4] = (char)format;
}
