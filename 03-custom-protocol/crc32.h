/* crc32.h - a checksum that tells whether bytes are still what they were: CRC-32, as gzip, PNG and Ethernet have it (RFC
 * 1952, section 8).
 *
 * It notices one bit that has flipped, wherever it is, and every damage that is not longer than 32 bits; of all others it
 * misses one in 4 billion. It is made for accidents: somebody who alters bytes on purpose can compute it, too.
 */
#ifndef CRC32_H
#define CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Returns the checksum of some bytes. `before` is 0, or the checksum of the bytes before them: so pieces give the same as
 * the whole. */
uint32_t crc32(uint32_t before, const void *data, size_t len);

#endif
