/* sha1.h - SHA-1 (FIPS 180-4) of bytes that may come in pieces. It is good for a WebSocket handshake, where it only
 * proves that the server has understood, and no longer for signatures: two texts with the same SHA-1 have been found.
 *
 *     sha1_begin(&s); sha1_add(&s, data, len); ... sha1_end(&s, digest);
 */
#ifndef SHA1_H
#define SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_SIZE 20 /* bytes of a digest */

struct sha1 {
    uint32_t state[5];       /* of all whole blocks so far */
    uint64_t length;         /* bytes so far */
    unsigned char block[64]; /* the last length % 64 of them, which do not fill a block yet */
};

void sha1_begin(struct sha1 *s);

/* Adds bytes: as often as there are pieces. */
void sha1_add(struct sha1 *s, const void *data, size_t len);

/* Writes the digest. After that only sha1_begin() may follow. */
void sha1_end(struct sha1 *s, unsigned char digest[SHA1_SIZE]);

#endif
