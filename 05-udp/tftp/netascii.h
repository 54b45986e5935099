/* netascii.h - text on the wire (RFC 764): LF becomes CR LF, and CR becomes CR NUL. The end of a block may tear such a
 * pair apart: its second half comes in the next block. Takes bytes, gives values.
 */
#ifndef NETASCII_H
#define NETASCII_H

#include <stddef.h>

#define NO_HALF -1 /* nothing is left of a pair */

/* Translates text for the wire until `out`, of `room` bytes, is full or the text ends. *half is the second half of a
 * pair that is still to come, or NO_HALF; the text begins with NO_HALF, each block with what the one before has left.
 * Returns how many bytes were made; *used is how many of `in` they took. */
size_t netascii_encode(const char *in, size_t len, size_t *used, char *out, size_t room, int *half);

/* Translates a block from the wire. *cr: it ended with a CR, whose second half comes in the next block; the text begins
 * with 0. `out` has room for len + 1 bytes. Returns how many bytes were made. A CR without a second half is kept; at
 * the end of the text that is the caller's work. */
size_t netascii_decode(const char *in, size_t len, char *out, int *cr);

#endif
