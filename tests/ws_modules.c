/* ws_modules.c - the modules of lesson 06 with bytes from stdin, for 06-modules.bats.
 *
 *     printf abc | ws_modules sha1 1          hashed in pieces of 1 byte: a9993e36...
 *     ws_modules lengths 131 7                0 to 130 times an x, each hashed in pieces of 7 bytes, a line each
 *     printf foo | ws_modules encode          base64
 *     printf Zm9v | ws_modules decode         and back, "refused" if it is none
 *     printf '\344\275\240' | ws_modules utf8 1   in pieces of 1 byte: yes, unfinished, or no
 *     ws_modules mask                         by words as by bytes, at every offset and alignment
 *     ws_modules header                       what is encoded is decoded, at every length that matters
 *     printf 'HTTP/1.1 101 ...' | ws_modules verify KEY [SUBPROTOCOLS]   is this the answer to that request?
 */
#include "../06-websocket-handshake/base64.h"
#include "../06-websocket-handshake/frame.h"
#include "../06-websocket-handshake/handshake.h"
#include "../06-websocket-handshake/sha1.h"
#include "../06-websocket-handshake/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char data[1 << 21];
static char text[1 << 22];
static size_t len;

static int do_sha1(size_t piece) {
    struct sha1 s;
    unsigned char digest[SHA1_SIZE];
    sha1_begin(&s);
    for (size_t i = 0; i < len; i += piece)
        sha1_add(&s, data + i, len - i < piece ? len - i : piece);
    sha1_end(&s, digest);
    for (int i = 0; i < SHA1_SIZE; i++)
        printf("%02x", digest[i]);
    return puts("") < 0;
}

static int do_lengths(size_t lengths, size_t piece) {
    int failed = 0;
    memset(data, 'x', sizeof data);
    for (len = 0; len < lengths && len < sizeof data && !failed; len++)
        failed = do_sha1(piece);
    return failed;
}

static int do_decode(void) {
    static unsigned char out[sizeof data];
    long n = base64_decode(out, (const char *)data, len);
    if (n < 0)
        return puts("refused") < 0;
    return fwrite(out, 1, (size_t)n, stdout) != (size_t)n;
}

static int do_utf8(size_t piece) {
    struct utf8 u = {0};
    for (size_t i = 0; i < len; i += piece)
        if (utf8_check(&u, data + i, len - i < piece ? len - i : piece) < 0)
            return printf("no, after %zu\n", i) < 0;
    return puts(u.left ? "unfinished" : "yes") < 0;
}

/* Masks `n` bytes in the middle of others. Returns 0, or 1 after a line if a byte is not what it has to be. */
static int check_mask(size_t start, size_t n, uint64_t offset) {
    static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};
    unsigned char bytes[200], before[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        before[i] = bytes[i] = (unsigned char)(i * 7);
    frame_mask(bytes + start, n, key, offset);
    for (size_t i = 0; i < sizeof bytes; i++) {
        int in = i >= start && i < start + n;
        if (bytes[i] == (in ? before[i] ^ key[(i - start + offset) % 4] : before[i]))
            continue;
        printf("byte %zu of %zu, offset %d, is wrong\n", i - start, n, (int)offset);
        return 1;
    }
    return 0;
}

static int do_mask(void) {
    for (size_t start = 0; start < 8; start++)
        for (size_t n = 0; n < 100; n++)
            for (uint64_t offset = 0; offset < 9; offset++)
                if (check_mask(start, n, offset))
                    return 1;
    return puts("right") < 0;
}

/* Writes a header and reads it back, at every length that is too short, too. */
static int check_header(const struct frame *f) {
    struct frame g;
    unsigned char header[FRAME_HEADER_MAX];
    size_t size = frame_encode(header, f);
    for (size_t n = 0; n < size; n++)
        if (frame_decode(&g, header, n) != 0) {
            printf("%zu of %zu bytes are taken for a header\n", n, size);
            return 1;
        }
    if (frame_decode(&g, header, size) == (int)size && g.fin == f->fin && g.rsv == f->rsv &&
        g.opcode == f->opcode && g.masked == f->masked && g.length == f->length &&
        (!f->masked || memcmp(g.key, f->key, 4) == 0))
        return 0;
    printf("a header of length %llu is not read as it was written\n", (unsigned long long)f->length);
    return 1;
}

static int do_header(void) {
    const uint64_t lengths[] = {
        0, 1, 125, 126, 127, 255, 256, 65535, 65536, 1 << 20, UINT64_C(1) << 40, INT64_MAX};
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof lengths[0]; i++)
        for (int first = 0; first < 256; first++) {
            struct frame f = {.fin = first >> 7, .rsv = first >> 4 & 7, .opcode = first & 15};
            f.masked = (int)i % 2;
            memcpy(f.key, "\1\2\3\4", 4);
            f.length = lengths[i / 2];
            if (check_header(&f))
                return 1;
        }
    return puts("right") < 0;
}

static int do_verify(const char *key, const char *subprotocols) {
    struct head h;
    const char *why = "the head is wrong or incomplete";
    int good = head_parse(&h, (const char *)data, len) > 0 && handshake_verify(&h, key, subprotocols, &why);
    return puts(good ? "yes" : why) < 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";
    size_t piece = strtoul(argument, NULL, 10) > 0 ? strtoul(argument, NULL, 10) : sizeof data;
    if (strcmp(what, "mask") == 0)
        return do_mask();
    if (strcmp(what, "header") == 0)
        return do_header();
    if (strcmp(what, "lengths") == 0 && argc == 4)
        return do_lengths(piece, strtoul(argv[3], NULL, 10));
    len = fread(data, 1, sizeof data, stdin);
    if (strcmp(what, "sha1") == 0)
        return do_sha1(piece);
    if (strcmp(what, "encode") == 0)
        return base64_encode(text, data, len) != strlen(text) || puts(text) < 0;
    if (strcmp(what, "decode") == 0)
        return do_decode();
    if (strcmp(what, "utf8") == 0)
        return do_utf8(piece);
    if (strcmp(what, "verify") == 0)
        return do_verify(argument, argc > 3 ? argv[3] : NULL);
    fprintf(stderr, "ws_modules: see the head of tests/ws_modules.c\n");
    return 2;
}
