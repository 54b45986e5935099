/* record.c - a fuzzer for the reader of records, 03-custom-protocol/record.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_record tests/fuzz/record.c
 *     mkdir -p new && ./fuzz_record -max_total_time=10 new tests/fuzz/corpus/record
 *
 * Whatever bytes come, the reader reads none too many. Nobody guesses a checksum, so what came is also made a record: all
 * its beginnings need more, it is read as it is whatever stands behind it, and not with one bit flipped.
 */
#include "../../03-custom-protocol/record.c"
#include "../../03-custom-protocol/crc32.c"
#include "../../03-custom-protocol/message.c"
#include "../../03-custom-protocol/message_json.c"
#include "../../03-custom-protocol/message_parts.c"
#include "../../03-custom-protocol/message_text.c"
#include "../../03-custom-protocol/message_xml.c"
#include "../../03-custom-protocol/text.c"

#include <stdlib.h>

static void check(int right) {
    if (!right)
        abort();
}

/* Decodes from an allocation of just that size, so that the sanitizer sees a byte too many. */
static long decode(struct message *m, const char *data, size_t len) {
    const char *why = NULL;
    char *copy = malloc(len + 1);
    check(copy != NULL);
    memcpy(copy + 1, data, len);
    long used = record_decode(m, copy + 1, len, &why);
    free(copy);
    check(used <= (long)len && (used >= 0 || why != NULL));
    return used;
}

/* Makes a record of a line, whatever is in it, and looks at it from all sides. */
static void check_record(const char *line, size_t length, size_t bit) {
    static char record[RECORD_MAX + 8], again[RECORD_MAX];
    size_t size = RECORD_HEADER + length + 1;
    struct message m;
    for (size_t i = 0; i < length; i++)
        record[RECORD_HEADER + i] = line[i] == '\n' ? ' ' : line[i]; /* only its last byte is a line feed */
    record[size - 1] = '\n';
    length_write(length + 1, record);
    checksum_write(crc32(0, record + RECORD_HEADER, length + 1), record + LENGTH_PART);
    memcpy(record + size, "behind it", 8);

    long used = decode(&m, record, size);
    check(used == -1 || used == (long)size);
    check(decode(&m, record, size + 8) == used);
    for (size_t n = 0; n < size; n += 1 + n / 64)
        check(decode(&m, record, n) == 0);

    if (used > 0 && record_encode(&m, again) > 0)
        check(decode(&m, again, RECORD_HEADER) == 0);

    bit %= 8 * size;
    record[bit / 8] = (char)(record[bit / 8] ^ 1 << bit % 8);
    check(decode(&m, record, size) == -1);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct message m;
    decode(&m, (const char *)data, size);
    if (size >= 2 && size <= FRAME_MAX)
        check_record((const char *)data + 2, size - 2, (size_t)data[0] << 8 | data[1]);
    return 0;
}
