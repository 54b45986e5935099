/* utf8.c - a fuzzer for 06-websocket-handshake/utf8.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_utf8 tests/fuzz/utf8.c
 *     ./fuzz_utf8 -max_total_time=10
 *
 * It says the same as a slow check that decodes each character as RFC 3629 has it, however it is cut, and so does
 * utf8_length() of text.h.
 */
#include "../../06-websocket-handshake/utf8.c"
#include "../../01-echo/text.c"

#include <stdlib.h>

/* Returns the length of the character at s by its value, 0 if there is none. */
static size_t character(const unsigned char *s, size_t len) {
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    if (n == 0 || n > len)
        return 0;
    unsigned long value = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (s[i] >> 6 != 2)
            return 0;
        value = value << 6 | (s[i] & 63);
    }
    return value >= least[n] && value <= 0x10ffff && !(value >= 0xd800 && value <= 0xdfff) ? n : 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct utf8 whole = {0}, bytes = {0};
    size_t i = 0, n = 1, taken = 0;
    while (i < size && n > 0) {
        n = character(data + i, size - i);
        if (n != utf8_length((const char *)data + i, size - i))
            abort();
        i += n;
    }
    int good = utf8_check(&whole, data, size) == 0;
    while (taken < size && utf8_check(&bytes, data + taken, 1) == 0)
        taken++;
    if ((good && whole.left == 0) != (i == size) || good != (taken == size) ||
        (good && whole.left != bytes.left))
        abort();
    if (taken < i) /* it may fail within a bad character, and not before it */
        abort();
    return 0;
}
