/* lines.c - a fuzzer for the parser of lines and telnet commands, 01-echo/lines.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_lines tests/fuzz/lines.c && ./fuzz_lines -max_total_time=10
 *
 * Whatever bytes come, a line that comes out has at most LINE_SIZE bytes and is clean: UTF-8 without a control
 * character. Telnet commands leave no trace: the same text comes out of a stream without them. And it makes no
 * difference how the bytes are cut.
 */
#include "../../01-echo/text.c"

#include "../../01-echo/lines.c"

#include <stdlib.h>

static void check_clean(const char *text) {
    size_t len = strlen(text);
    if (len > LINE_SIZE)
        abort();
    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_length(text + i, len - i);
        if (n == 0 || is_control(text + i, n))
            abort();
    }
}

/* Takes a byte, by the function that takes many. */
static enum line_event feed(struct line *l, char byte) {
    size_t used;
    enum line_event event = line_take(l, &byte, 1, &used);
    if (used != 1)
        abort();
    return event;
}

/* Gives the same bytes in one piece to another parser, and compares the events. */
static void check_whole(const unsigned char *data, size_t size, const enum line_event *events) {
    static struct line l;
    l = (struct line){0};
    for (size_t at = 0, used; at < size; at += used) {
        enum line_event event = line_take(&l, (const char *)data + at, size - at, &used);
        if (used == 0)
            abort();
        for (size_t i = at; i + 1 < at + used; i++)
            if (events[i] != LINE_MORE)
                abort();
        if (events[at + used - 1] != event)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static struct line with, without; /* fed with all bytes, and with all but the telnet commands */
    static enum line_event events[1 << 16];
    with = without = (struct line){0};
    for (size_t i = 0; i < size && i < sizeof events / sizeof *events; i++) {
        int telnet = with.telnet || data[i] == IAC;
        enum line_event event = events[i] = feed(&with, (char)data[i]);
        enum line_event plain = telnet ? LINE_MORE : feed(&without, (char)data[i]);
        if ((event == LINE_TELNET ? LINE_MORE : event) != plain || with.length != without.length)
            abort();
        if (event == LINE) {
            check_clean(with.text);
            if (strcmp(with.text, without.text) != 0)
                abort();
        }
    }
    if (size < sizeof events / sizeof *events)
        check_whole(data, size, events);
    return 0;
}
