/* record.c - see record.h. */
#include "record.h"

#include "crc32.h"

#include <string.h>

#define LENGTH_DIGITS 5
#define LENGTH_PART   (LENGTH_DIGITS + 1 + 8 + 1) /* bytes of a header that are about the length */

/* Writes a checksum, and a blank: 9 bytes. (snprintf() takes longer than all the rest.) */
static void checksum_write(uint32_t crc, char *out) {
    for (int shift = 28; shift >= 0; shift -= 4)
        *out++ = "0123456789abcdef"[crc >> shift & 0xF];
    *out = ' ';
}

/* Writes a length and its checksum: LENGTH_PART bytes. */
static void length_write(size_t length, char *out) {
    size_t rest = length;
    for (size_t i = LENGTH_DIGITS; i > 0; i--) {
        out[i - 1] = (char)('0' + rest % 10);
        rest /= 10;
    }
    out[LENGTH_DIGITS] = ' ';
    checksum_write(crc32(0, out, LENGTH_DIGITS), out + LENGTH_DIGITS + 1);
}

size_t record_encode(const struct message *m, char out[RECORD_MAX]) {
    char *line = out + RECORD_HEADER;
    size_t length = message_encode(m, JSON, line, FRAME_MAX);
    if (length == 0)
        return 0;
    line[length++] = '\n';
    length_write(length, out);
    checksum_write(crc32(0, line, length), out + LENGTH_PART);
    return RECORD_HEADER + length;
}

/* Reads the length. What is there has to be just what we would write; of the beginning of a record it may be less.
 * Returns 0, or -1. */
static int length_read(size_t *length, const char *data, size_t len) {
    char expected[LENGTH_PART];
    *length = 0;
    for (size_t i = 0; i < len && i < LENGTH_DIGITS; i++) {
        if (data[i] < '0' || data[i] > '9')
            return -1;
        *length = *length * 10 + (size_t)(data[i] - '0');
    }
    if (len <= LENGTH_DIGITS)
        return 0;
    length_write(*length, expected);
    return memcmp(data, expected, len < LENGTH_PART ? len : LENGTH_PART) == 0 ? 0 : -1;
}

long record_decode(struct message *m, const char *data, size_t len, const char **why) {
    static char store[FRAME_MAX + 1];
    char expected[RECORD_HEADER - LENGTH_PART];
    size_t length, at;

    *why = "no record begins like this";
    if (length_read(&length, data, len) < 0 || length > FRAME_MAX + 1)
        return -1;
    if (len < RECORD_HEADER)
        return 0;
    const char *line = data + RECORD_HEADER;
    *why = "this record is shorter than it was written";
    /* A record has one line feed, its last byte: if it is there, bytes are missing before it. */
    if (len - RECORD_HEADER < length)
        return memchr(line, '\n', len - RECORD_HEADER) ? -1 : 0;

    *why = "this record is not what was written: its checksum is another";
    checksum_write(crc32(0, line, length), expected);
    if (memcmp(data + LENGTH_PART, expected, sizeof expected) != 0)
        return -1;

    *why = "there is no message in this record";
    if (length == 0 || line[length - 1] != '\n' ||
        message_decode(m, JSON, line, length - 1, store, &at) != NULL)
        return -1;
    return (long)(RECORD_HEADER + length);
}
