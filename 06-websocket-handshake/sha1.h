/* sha1.h - SHA-1 (FIPS 180-4), of bytes that may come in pieces. Good for a WebSocket handshake, where it
 * only proves that the server has understood; no longer good for signatures: two texts with the same SHA-1
 * have been found. */
#ifndef SHA1_H
#define SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_SIZE 20 /* bytes of a digest */

struct sha1 {
    uint32_t state[5];
    uint64_t length;         /* bytes so far */
    unsigned char block[64]; /* the last length % 64 of them, which fill no block yet */
};

void sha1_begin(struct sha1 *s);
void sha1_add(struct sha1 *s, const void *data, size_t len); /* as often as there are pieces */
void sha1_end(struct sha1 *s, unsigned char digest[SHA1_SIZE]);

#endif
