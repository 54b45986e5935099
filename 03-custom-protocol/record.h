/* record.h - a message as a line of a file, with checksums (crc32.h) that tell a line that is damaged from one that is not
 * finished.
 *
 *      0     6        15       24                              24 + length
 *     +-----+--------+--------+------------------------------------+
 *     |00062 42f2a7d5 3c1c1c4b {"type":"ack","name":"lisi", ...} LF|
 *     +-----+--------+--------+------------------------------------+
 *      length        |         the message as JSON, and a line feed
 *            of the length     of what follows, with the line feed: CRC-32, eight digits, 0 to f
 *
 * The length has a checksum of its own, because it says where the record ends: without it a length that is damaged would
 * look like a record whose end is missing. Takes bytes, gives values; knows no files.
 */
#ifndef RECORD_H
#define RECORD_H

#include "frame.h"
#include "message.h"

#include <stddef.h>

#define RECORD_HEADER 24                              /* bytes in front of the message */
#define RECORD_MAX    (RECORD_HEADER + FRAME_MAX + 1) /* bytes in the longest record */

/* Writes a record. Returns its bytes; or 0 if the message cannot be written. */
size_t record_encode(const struct message *m, char out[RECORD_MAX]);

/* Reads the record at the start of some bytes. Returns how many of them it is; 0: they are the beginning of one whose
 * end is missing; -1: they are neither, and *why says in words what is wrong. The fields of the message are valid until
 * the next call. */
long record_decode(struct message *m, const char *data, size_t len, const char **why);

#endif
