/* base64.c - a fuzzer for 06-websocket-handshake/base64.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_base64 tests/fuzz/base64.c
 *     ./fuzz_base64 -max_total_time=10
 *
 * What is encoded is decoded to the same; a text that is decoded is what its bytes are encoded to.
 */
#include "../../06-websocket-handshake/base64.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    char *text = malloc(BASE64_SIZE(size));
    unsigned char *back = malloc(BASE64_SIZE(size) / 4 * 3 + 1);
    size_t len = base64_encode(text, data, size);
    if (len != BASE64_SIZE(size) - 1 || strlen(text) != len)
        abort();
    if (base64_decode(back, text, len) != (long)size || (size > 0 && memcmp(back, data, size) != 0))
        abort();
    long n = base64_decode(back, (const char *)data, size);
    if (n >= 0 &&
        (base64_encode(text, back, (size_t)n) != size || (size > 0 && memcmp(text, data, size) != 0)))
        abort();
    free(text);
    free(back);
    return 0;
}
