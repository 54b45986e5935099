/* handshake.c - a fuzzer for the requests and responses of lesson 06: http.c, room.c and handshake.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_handshake tests/fuzz/handshake.c
 *     ./fuzz_handshake -max_total_time=10
 *
 * A head is taken at its last byte and not before, the same in every cut; what is answered can be read again,
 * and belongs to the key; a name has only what a name may have.
 */
#include "../../06-websocket-handshake/handshake.c"
#include "../../01-echo/text.c"
#include "../../06-websocket-handshake/base64.c"
#include "../../06-websocket-handshake/http.c"
#include "../../06-websocket-handshake/room.c"
#include "../../06-websocket-handshake/sha1.c"

#include <stdlib.h>

/* Answers a request as the server does, and checks the answer as a client does. */
static void check_answer(const struct head *h) {
    char answer[ANSWER_MAX], key[KEY_SIZE] = "";
    const char *why = NULL;
    struct head back;
    int status = handshake_check(h, "http://a", &why);
    if ((status == 101) != (why == NULL))
        abort();
    if (status != 101)
        return;
    struct span span = head_field(h, "Sec-WebSocket-Key", NULL);
    memcpy(key, span.at, KEY_SIZE - 1);
    int chat = head_has_exactly(h, "Sec-WebSocket-Protocol", "chat");
    size_t len = handshake_answer(answer, h, "chat");
    if (head_parse(&back, answer, len) != (int)len ||
        !handshake_verify(&back, key, chat ? "chat" : NULL, &why))
        abort();
}

static void check_room(struct span query) {
    const char *why = NULL;
    int entered = room_enter(0, query, "1.2.3.4:5", &why);
    const char *word = room_person(0);
    if (entered == (why != NULL) || (entered && (strlen(word) == 0 || strpbrk(word, "\r\n\x1b :/%"))))
        abort();
    room_leave(0);
}

/* What a target asks for is a path, whatever form it has; only OPTIONS and CONNECT may ask for none. */
static void check_target(const struct head *h) {
    struct span rest = h->start[1];
    if (h->path.at == NULL)
        return;
    if (h->path.length == 0 || memchr(h->path.at, '?', h->path.length) ||
        (h->path.at[0] != '/' && !span_is(h->start[0], "OPTIONS") && !span_is(h->start[0], "CONNECT")))
        abort();
    if (rest.at[0] == '/' && h->path.at != rest.at)
        abort();
    if (h->query.length > 0 && h->query.at + h->query.length != rest.at + rest.length)
        abort();
}

/* A request to which only a detail is missing, for every second input to complete. */
static const char start[] = "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static FILE *nowhere;
    struct head h, part;
    size_t before = size % 2 ? sizeof start - 1 : 0;
    char *copy = malloc(before + size); /* of exactly this size, so that one byte too far is found */
    if (copy == NULL)
        return 0;
    memcpy(copy, start, before);
    memcpy(copy + before, data, size);
    size += before;
    int whole = head_parse(&h, copy, size);
    size_t end = whole > 0 ? (size_t)whole : size;
    if (whole > (int)size || (whole < 0 && ((h.status != 400 && h.status != 431) || h.why == NULL)))
        abort();
    for (size_t n = 0; n < end; n += 1 + end / 64)
        if (head_parse(&part, copy, n) > 0 || (whole > 0 && head_parse(&part, copy, n) != 0))
            abort();
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (whole > 0) {
        const char *why;
        head_explain(nowhere, &h);
        check_answer(&h);
        check_target(&h);
        if (span_is(h.start[0], "HEAD") != http_is_head(copy, size))
            abort();
        check_room(h.query);
        handshake_verify(&h, "dGhlIHNhbXBsZSBub25jZQ==", "a, b", &why);
    }
    check_room((struct span){copy, size});
    free(copy);
    return 0;
}
