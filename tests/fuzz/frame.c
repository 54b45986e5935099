/* frame.c - a fuzzer for the reader of frames, 03-custom-protocol/frame.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_frame tests/fuzz/frame.c
 *     mkdir -p new && ./fuzz_frame -max_total_time=10 new tests/fuzz/corpus/frame
 *
 * A stream says the same however it was cut: a frame that is there does not change when more comes, "too few" only
 * ends with more bytes, "never" stays never. And a frame that is written again has the same bytes.
 */
#include "../../03-custom-protocol/frame.c"

#include <stdlib.h>
#include <string.h>

static void check(int right) {
    if (!right)
        abort();
}

/* Decodes from an allocation of just that size, so that the sanitizer sees a byte too many. */
static long decode(struct frame *f, const unsigned char *data, size_t len) {
    char *copy = malloc(len + 1);
    check(copy != NULL);
    memcpy(copy + 1, data, len);
    long used = frame_decode(f, copy + 1, len);
    if (used > 0)
        check(f->payload == copy + 1 + FRAME_HEADER && FRAME_HEADER + f->length == (size_t)used);
    free(copy);
    return used;
}

/* Looks at the first frame as it comes, byte by byte. */
static void check_cuts(const unsigned char *data, size_t len, long right) {
    struct frame f;
    for (size_t n = 0; n <= len; n++) {
        size_t needed = right > 0 ? (size_t)right : right < 0 ? FRAME_HEADER : len + 1;
        check(decode(&f, data, n) == (n < needed ? 0 : right));
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct frame f;
    char header[FRAME_HEADER];
    long used = 0;
    for (size_t at = 0; at <= size; at += (size_t)used) {
        used = decode(&f, data + at, size - at);
        check_cuts(data + at, size - at, used);
        if (used <= 0)
            break;
        check(f.format >= FRAME_TEXT && f.format <= FRAME_BYTES && f.length <= FRAME_MAX);
        frame_header(header, f.format, f.length);
        check(memcmp(header, data + at, FRAME_HEADER) == 0);
    }
    return 0;
}
