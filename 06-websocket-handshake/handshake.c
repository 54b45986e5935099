/* handshake.c - the opening handshake of a WebSocket (RFC 6455, section 4), from both sides. */
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

int handshake_check(const struct head *h, const char *origin, const char **why) {
    unsigned char bytes[18]; /* that the 24 characters of a key may stand for; 16 is right */
    int hosts, keys, versions, origins;
    struct span key = head_field(h, "Sec-WebSocket-Key", &keys), from = head_field(h, "Origin", &origins);
    struct span version = head_field(h, "Sec-WebSocket-Version", &versions);
    struct span length = head_field(h, "Content-Length", NULL);
    head_field(h, "Host", &hosts);
    const struct {
        int broken, status;
        const char *why;
    } rules[] = {
        {!span_is(h->start[0], "GET"), 405, "a handshake is a GET"},
        {!head_has(h, "Upgrade", "websocket", span_is_nocase), 426,
         "only WebSocket is spoken here: Upgrade: websocket"},
        {span_is(h->start[2], "HTTP/1.0"), 400, "a handshake takes HTTP/1.1"},
        {!head_has(h, "Connection", "upgrade", span_is_nocase), 400, "Connection: Upgrade is missing"},
        {hosts != 1, 400, "there has to be one Host"},
        {versions != 1 || !span_is(version, "13"), 426, "only Sec-WebSocket-Version: 13 is spoken here"},
        {keys != 1 || key.length != KEY_SIZE - 1 || base64_decode(bytes, key.at, key.length) != 16, 400,
         "there has to be one Sec-WebSocket-Key, 16 bytes in base64"},
        {head_field(h, "Transfer-Encoding", NULL).at || (length.at && !span_is(length, "0")), 400,
         "a handshake has no body"},
        {origin && origins > 0 && (origins > 1 || !span_is_nocase(from, origin)), 403,
         "pages of that Origin are not welcome here"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].broken)
            return *why = rules[i].why, rules[i].status;
    return 101;
}

size_t handshake_answer(char answer[ANSWER_MAX], const struct head *h, const char *subprotocol) {
    char accept[ACCEPT_SIZE];
    int chosen = head_has(h, "Sec-WebSocket-Protocol", subprotocol, span_is);
    struct span key = head_field(h, "Sec-WebSocket-Key", NULL);
    handshake_accept(accept, key.at, key.length);
    return (size_t)snprintf(
        answer, ANSWER_MAX,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
        accept, chosen ? "Sec-WebSocket-Protocol: " : "", chosen ? subprotocol : "", chosen ? "\r\n" : "");
}

/* ---- client ---- */

void handshake_key(char key[KEY_SIZE], const unsigned char random[16]) { base64_encode(key, random, 16); }

size_t handshake_request(char *request, size_t size, const char *host, const char *target, const char *key,
                         const char *subprotocols, const char *origin) {
    int n = snprintf(request, size,
                     "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s%s%s%s%s%s\r\n",
                     target, host, key, subprotocols ? "Sec-WebSocket-Protocol: " : "",
                     subprotocols ? subprotocols : "", subprotocols ? "\r\n" : "", origin ? "Origin: " : "",
                     origin ? origin : "", origin ? "\r\n" : "");
    return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

int handshake_verify(const struct head *h, const char *key, const char *subprotocols, const char **why) {
    char accept[ACCEPT_SIZE];
    int accepts, chosen;
    struct span given = head_field(h, "Sec-WebSocket-Accept", &accepts);
    struct span protocol = head_field(h, "Sec-WebSocket-Protocol", &chosen);
    struct span offered = {subprotocols, subprotocols ? strlen(subprotocols) : 0};
    int known = chosen == 0;
    while (offered.length > 0) {
        struct span one = span_trim(span_cut(&offered, ','));
        known |= chosen == 1 && one.length == protocol.length && memcmp(one.at, protocol.at, one.length) == 0;
    }
    handshake_accept(accept, key, strlen(key));
    if (!span_is(h->start[0], "HTTP/1.1") || !span_is(h->start[1], "101"))
        *why = "the server does not switch to WebSocket (its status is not 101)";
    else if (!head_has(h, "Upgrade", "websocket", span_is_nocase))
        *why = "Upgrade: websocket is missing";
    else if (!head_has(h, "Connection", "upgrade", span_is_nocase))
        *why = "Connection: Upgrade is missing";
    else if (accepts != 1 || !span_is(given, accept))
        *why = "Sec-WebSocket-Accept does not belong to the key that was sent";
    else if (head_field(h, "Sec-WebSocket-Extensions", NULL).length > 0)
        *why = "the server uses an extension that was not asked for";
    else if (!known)
        *why = "the server chose a subprotocol that was not offered";
    else
        return 1;
    return 0;
}
