/* crc32.c - see crc32.h. */
#include "crc32.h"

#define CRC32_POLYNOMIAL 0xEDB88320 /* of CRC-32, lowest power first */

/* For each value of a byte, what shifting it out does to the rest of a checksum: computed once, so that a byte costs one
 * step and not eight. */
static uint32_t crc32_table[256];

static void crc32_table_fill(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? CRC32_POLYNOMIAL ^ crc >> 1 : crc >> 1;
        crc32_table[byte] = crc;
    }
}

uint32_t crc32(uint32_t before, const void *data, size_t len) {
    const unsigned char *bytes = data;
    uint32_t crc = ~before; /* not 0, so that zeros in front are noticed, too */
    if (crc32_table[1] == 0)
        crc32_table_fill();
    for (size_t i = 0; i < len; i++)
        crc = crc32_table[(crc ^ bytes[i]) & 0xFF] ^ crc >> 8;
    return ~crc;
}
