/* lines.c - a fuzzer for the parser of lines and telnet commands, 01-echo/lines.c, and for text_clean_stream in text.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_lines tests/fuzz/lines.c && ./fuzz_lines -max_total_time=10
 *
 * Whatever bytes come, a line that comes out has at most LINE_SIZE bytes and is clean: UTF-8 without a harmful
 * character. Telnet commands leave no trace: the same text comes out of a stream without them. And it makes no
 * difference how the bytes are cut, for lines and for a stream.
 */
#include "../../01-echo/text.c"

#include "../../01-echo/lines.c"

#include <stdlib.h>

static void check_clean(const char *text, size_t len) {
    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_length(text + i, len - i);
        if (n == 0 || is_harmful(text + i, n))
            abort();
    }
}

/* Cleans a stream as a whole, and cut into pieces whose lengths are its own bytes: the same has to come out, and each of
 * its lines has to be clean. */
static void check_stream(const unsigned char *data, size_t size) {
    static char whole[1 << 16], pieces[1 << 16];
    if (size > sizeof whole)
        return;
    memcpy(whole, data, size);
    memcpy(pieces, data, size);
    if (text_clean_stream(whole, size, 1) != size)
        abort();

    size_t clean = 0;
    for (size_t end = 0, step = 0; end < size; step++) {
        end += 1 + data[step] % 8;
        end = end < size ? end : size;
        clean += text_clean_stream(pieces + clean, end - clean, end == size);
        if (end - clean > (end < size ? 3 : 0))
            abort();
    }
    if (memcmp(whole, pieces, size) != 0)
        abort();

    for (size_t i = 0, next; i < size; i = next + 1) {
        const char *newline = memchr(whole + i, '\n', size - i);
        next = newline ? (size_t)(newline - whole) : size;
        check_clean(whole + i, newline && next > i && whole[next - 1] == '\r' ? next - 1 - i : next - i);
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

/* At the end of the input a line that is not complete counts, whatever stands behind it. */
static void check_end(struct line *l) {
    size_t begun = l->length, used;
    enum line_event event = line_take(l, "", 0, &used);
    if (used != 0 || (event == LINE || event == LINE_TOO_LONG) != (begun > 0))
        abort();
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
            if (strlen(with.text) > LINE_SIZE)
                abort();
            check_clean(with.text, strlen(with.text));
            if (strcmp(with.text, without.text) != 0)
                abort();
        }
    }
    check_end(&with);
    if (size < sizeof events / sizeof *events)
        check_whole(data, size, events);
    check_stream(data, size);
    return 0;
}
