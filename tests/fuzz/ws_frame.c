/* ws_frame.c - a fuzzer for 06-websocket-handshake/frame.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_ws_frame tests/fuzz/ws_frame.c
 *     ./fuzz_ws_frame -max_total_time=10
 *
 * The first byte chooses the role and the cut. The same events come out of the bytes at once and in pieces;
 * no message is over its bound, or a text that is not UTF-8; nothing comes after an error or a close.
 */
#include "../../06-websocket-handshake/frame.c"
#include "../../06-websocket-handshake/utf8.c"

#define LARGEST 300 /* bytes of a message */

struct log { /* of what has come out: opcode or event, length, bytes */
    unsigned char data[65536];
    size_t length;
};

static void log_add(struct log *log, int event, const struct frame_reader *r) {
    size_t n = event == FRAME_ERROR ? 0 : r->length;
    if (log->length + n + 8 > sizeof log->data)
        return;
    log->data[log->length++] = (unsigned char)event;
    log->data[log->length++] =
        (unsigned char)(event == FRAME_CLOSE || event == FRAME_ERROR ? r->code % 251 : 0);
    log->data[log->length++] = (unsigned char)n;
    if (n > 0)
        memcpy(log->data + log->length, r->payload, n);
    log->length += n;
}

static void check(const struct frame_reader *r, int event) {
    struct utf8 u = {0};
    size_t code = event == FRAME_CLOSE && r->length > 0 ? 2 : 0; /* bytes in front of the reason of a close */
    if (event <= FRAME_BINARY && r->length > LARGEST)
        abort();
    if (event >= FRAME_CLOSE && event <= FRAME_PONG && r->length > FRAME_CONTROL_MAX)
        abort();
    if ((event == FRAME_TEXT || event == FRAME_CLOSE) &&
        (utf8_check(&u, r->payload + code, r->length - code) < 0 || u.left > 0))
        abort();
    if (r->message.size > 2 * LARGEST + BUFFER_MIN)
        abort();
}

/* Reads all, as much as `piece` bytes more at a time, as the server does: what is not used is given again. */
static void read_all(struct log *log, int masked, const unsigned char *data, size_t size, size_t piece) {
    struct frame_reader r = {.masked = masked, .max = LARGEST};
    unsigned char *kept = malloc(size + 1);
    size_t have = 0, used;
    int event = FRAME_MORE;
    for (size_t i = 0; i < size && event == FRAME_MORE; i += piece) {
        size_t n = size - i < piece ? size - i : piece;
        unsigned char *exact = malloc(have + n + 1), *at = exact;
        memcpy(exact, kept, have);
        memcpy(exact + have, data + i, n);
        for (have += n; (event = frame_read(&r, at, have, &used)) != FRAME_MORE; at += used, have -= used) {
            check(&r, event);
            if (event < FRAME_MORE || event == FRAME_ERROR)
                log_add(log, event, &r);
            if (event == FRAME_CLOSE || event == FRAME_ERROR)
                break;
        }
        at += event == FRAME_MORE ? used : 0;
        have -= event == FRAME_MORE ? used : 0;
        memcpy(kept, at, have);
        free(exact);
    }
    frame_reader_free(&r);
    free(kept);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static struct log whole, pieces;
    static FILE *nowhere;
    struct frame f;
    if (size == 0)
        return 0;
    whole.length = pieces.length = 0;
    read_all(&whole, data[0] & 1, data + 1, size - 1, size);
    read_all(&pieces, data[0] & 1, data + 1, size - 1, 1 + data[0] / 16);
    if (whole.length != pieces.length || memcmp(whole.data, pieces.data, whole.length) != 0)
        abort();
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    int n = frame_decode(&f, data, size);
    unsigned char again[FRAME_HEADER_MAX];
    if (n > 0 && (frame_encode(again, &f) != (size_t)n || memcmp(again, data, (size_t)n) != 0))
        abort();
    if (n > 0)
        frame_explain(nowhere, "peer", "->", &f);
    return 0;
}
