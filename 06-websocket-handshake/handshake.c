/* handshake.c - see handshake.h. */
#include "handshake.h"

#include "base64.h"
#include "sha1.h"

#include <string.h>

/* Section 1.3: exactly so, in capitals. */
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

void handshake_accept(char accept[ACCEPT_SIZE], const char *key, size_t len) {
    struct sha1 sha1;
    unsigned char digest[SHA1_SIZE];
    sha1_begin(&sha1);
    sha1_add(&sha1, key, len);
    sha1_add(&sha1, guid, sizeof guid - 1);
    sha1_end(&sha1, digest);
    base64_encode(accept, digest, sizeof digest);
}

/* ---- server ---- */

static int is_key(struct span s) {
    unsigned char bytes[18]; /* that 24 characters may stand for; 16 is right */
    return s.length == KEY_SIZE - 1 && base64_decode(bytes, s.at, s.length) == 16;
}

int handshake_check(const struct head *h, const char *origin, const char **why) {
    int hosts, keys, versions, origins, get = span_is(h->start[0], "GET");
    struct span key = head_field(h, "Sec-WebSocket-Key", &keys), from = head_field(h, "Origin", &origins);
    struct span version = head_field(h, "Sec-WebSocket-Version", &versions);
    struct span length = head_field(h, "Content-Length", NULL);
    int chunked = head_field(h, "Transfer-Encoding", NULL).at != NULL;
    head_field(h, "Host", &hosts);

    const struct {
        int broken, status;
        const char *why;
    } rules[] = {
        {!get && !span_is(h->start[0], "HEAD"), 405, "a handshake is a GET"},
        {!get || !head_has(h, "Upgrade", "websocket"), 426,
         "only WebSocket is spoken here: Upgrade: websocket"},
        {span_is(h->start[2], "HTTP/1.0"), 400, "a handshake takes HTTP/1.1"},
        {!head_has(h, "Connection", "upgrade"), 400, "Connection: Upgrade is missing"},
        {hosts != 1, 400, "there has to be one Host"},
        {versions != 1 || !span_is(version, "13"), 426, "only Sec-WebSocket-Version: 13 is spoken here"},
        {keys != 1 || !is_key(key), 400, "there has to be one Sec-WebSocket-Key, 16 bytes in base64"},
        {chunked || (length.at && !span_is(length, "0")), 400, "a handshake has no body"},
        {origin && origins > 0 && (origins > 1 || !span_is_nocase(from, origin)), 403,
         "pages of that Origin are not welcome here"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].broken) {
            *why = rules[i].why;
            return rules[i].status;
        }
    return 101;
}

size_t handshake_answer(char answer[ANSWER_MAX], const struct head *h, const char *subprotocol) {
    char accept[ACCEPT_SIZE], chosen[128] = "";
    struct span key = head_field(h, "Sec-WebSocket-Key", NULL);
    handshake_accept(accept, key.at, key.length);
    if (head_has_exactly(h, "Sec-WebSocket-Protocol", subprotocol))
        snprintf(chosen, sizeof chosen, "Sec-WebSocket-Protocol: %s\r\n", subprotocol);
    return (size_t)snprintf(
        answer, ANSWER_MAX,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n%s\r\n",
        accept, chosen);
}

/* ---- client ---- */

void handshake_key(char key[KEY_SIZE], const unsigned char random[16]) { base64_encode(key, random, 16); }

/* Adds a field to a request of `len` bytes, unless its value is NULL. Returns the length with it, even if that is more
 * than `size`, as snprintf() does. */
static size_t add_field(char *request, size_t size, size_t len, const char *name, const char *value) {
    if (value == NULL || len >= size)
        return len;
    return len + (size_t)snprintf(request + len, size - len, "%s: %s\r\n", name, value);
}

int handshake_request(char *request, size_t size, const struct handshake *wish) {
    size_t len =
        (size_t)snprintf(request, size,
                         "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
                         wish->target, wish->host, wish->key);
    len = add_field(request, size, len, "Sec-WebSocket-Protocol", wish->subprotocols);
    len = add_field(request, size, len, "Origin", wish->origin);
    if (len + 2 >= size)
        return -1;
    memcpy(request + len, "\r\n", 3);
    return (int)(len + 2);
}

/* Returns whether a list of subprotocols has that one, exactly. */
static int offers(const char *subprotocols, struct span chosen) {
    struct span rest = {subprotocols, subprotocols ? strlen(subprotocols) : 0};
    while (rest.length > 0) {
        struct span one = span_trim(span_cut(&rest, ','));
        if (one.length == chosen.length && memcmp(one.at, chosen.at, one.length) == 0)
            return 1;
    }
    return 0;
}

int handshake_verify(const struct head *h, const char *key, const char *subprotocols, const char **why) {
    char accept[ACCEPT_SIZE];
    int accepts, choices;
    struct span given = head_field(h, "Sec-WebSocket-Accept", &accepts);
    struct span chosen = head_field(h, "Sec-WebSocket-Protocol", &choices);
    handshake_accept(accept, key, strlen(key));

    *why = NULL;
    if (!span_is(h->start[0], "HTTP/1.1") || !span_is(h->start[1], "101"))
        *why = "the server does not switch to WebSocket (its status is not 101)";
    else if (!head_has(h, "Upgrade", "websocket"))
        *why = "Upgrade: websocket is missing";
    else if (!head_has(h, "Connection", "upgrade"))
        *why = "Connection: Upgrade is missing";
    else if (accepts != 1 || !span_is(given, accept))
        *why = "Sec-WebSocket-Accept does not belong to the key that was sent";
    else if (head_field(h, "Sec-WebSocket-Extensions", NULL).length > 0)
        *why = "the server uses an extension that was not asked for";
    else if (choices > 1 || (choices == 1 && !offers(subprotocols, chosen)))
        *why = "the server chose a subprotocol that was not offered";
    return *why == NULL;
}
