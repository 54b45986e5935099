/* lines.c - a fuzzer for the parser of lines and telnet commands in 01-echo/menu_server.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_lines tests/fuzz/lines.c && ./fuzz_lines
 * -max_total_time=10
 *
 * Whatever bytes come, a line that comes out has at most LINE_SIZE bytes and is clean: UTF-8 without a
 * control character. And telnet commands leave no trace: the same text comes out of a stream without them.
 */
#define main menu_server_main
#include "../../01-echo/menu_server.c"
#undef main

static void check_clean(const char *text) {
    size_t len = strlen(text);
    if (len > LINE_SIZE)
        abort();
    for (size_t i = 0, n; i < len; i += n) {
        const unsigned char *s = (const unsigned char *)text + i;
        n = utf8_length(s, len - i);
        if (n == 0 || (*s < ' ' && *s != '\t') || *s == 127 || (*s == 0xC2 && s[1] < 0xA0))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static struct line with, without; /* fed with all bytes, and with all but the telnet commands */
    with = without = (struct line){0};
    for (size_t i = 0; i < size; i++) {
        enum event event, plain = NOTHING;
        struct line before = with;
        int telnet = telnet_feed(&before, data[i], &event);
        event = line_feed(&with, data[i]);
        if (!telnet)
            plain = line_feed(&without, data[i]);
        if ((event == ANSWER ? NOTHING : event) != plain || with.length != without.length)
            abort();
        if (event == LINE) {
            check_clean(with.text);
            if (strcmp(with.text, without.text) != 0)
                abort();
        }
    }
    return 0;
}
