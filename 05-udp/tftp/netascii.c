/* netascii.c - see netascii.h. */
#include "netascii.h"

/* Returns the second half of the pair that a byte of the text becomes, or NO_HALF if it stays as it is. */
static int second_half(char byte) {
    switch (byte) {
    case '\n': return '\n'; /* behind CR */
    case '\r': return '\0'; /* behind CR */
    default: return NO_HALF;
    }
}

size_t netascii_encode(const char *in, size_t len, size_t *used, char *out, size_t room, int *half) {
    size_t made = 0;
    *used = 0;
    while (made < room && (*half != NO_HALF || *used < len)) {
        if (*half != NO_HALF) {
            out[made++] = (char)*half;
            *half = NO_HALF;
            continue;
        }
        char byte = in[(*used)++];
        *half = second_half(byte);
        out[made++] = *half == NO_HALF ? byte : '\r';
    }
    return made;
}

/*     *cr   byte    gives                    *cr becomes
 *      0    CR      nothing yet               1
 *      0    other   the byte                  0
 *      1    LF      LF: a line end            0
 *      1    NUL     CR                        0
 *      1    CR      the CR before             1
 *      1    other   the CR before, the byte   0
 */
size_t netascii_decode(const char *in, size_t len, char *out, int *cr) {
    size_t made = 0;
    for (size_t i = 0; i < len; i++) {
        char byte = in[i];
        if (*cr && (byte == '\n' || byte == '\0')) {
            out[made++] = byte == '\n' ? '\n' : '\r';
            *cr = 0;
            continue;
        }
        if (*cr)
            out[made++] = '\r';
        *cr = byte == '\r';
        if (!*cr)
            out[made++] = byte;
    }
    return made;
}
