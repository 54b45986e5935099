/* tftp.c - a fuzzer for what 05-udp/tftp makes of packets: requests, options, netascii; and of a file on a terminal.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_tftp tests/fuzz/tftp.c && ./fuzz_tftp -max_total_time=10
 *
 * Whatever bytes come: nothing is read behind their end, an option that is granted is within its rule, and a request that
 * is written and read again is the same. Any bytes that become netascii in blocks of any size come back as they were.
 * However a file is cut, what is printed of it has no control characters but line feeds and tabs.
 */
#include "../../05-udp/tftp/netascii.c"
#include "../../05-udp/tftp/packet.c"
#include "../../05-udp/tftp/text.c"
#include "../../05-udp/tftp/wire.c"

const char program[] = "fuzz_tftp", usage[] = "";

/* Is what was read written as it was, as far as it was valid? */
static void check_written(const struct request *r) {
    char written[REQUEST_MAX];
    struct request again;
    const char *why;
    size_t len = request_make(written, r);
    if (len == 0) /* a short mode has become a long one */
        return;
    if (request_parse(written, len, &again, &why) < 0 || strcmp(again.path, r->path) != 0 ||
        again.opcode != r->opcode || again.netascii != r->netascii)
        abort();
    for (int i = 0; i < OPTIONS; i++)
        if (again.options[i] != (r->options[i] < 0 ? NOT_THERE : r->options[i]))
            abort();
}

/* Reads bytes as a request, from memory that ends where they end. */
static void check_request(const char *data, size_t size) {
    char *p = malloc(size > 0 ? size : 1), shown[64];
    struct request r;
    const char *why;
    memcpy(p, data, size);
    packet_explain(p, size);
    if (request_parse(p, size, &r, &why) == 0) {
        if (strlen(r.path) >= REQUEST_MAX)
            abort();
        for (int i = 0; i < OPTIONS; i++)
            if (r.options[i] < NO_NUMBER || r.options[i] > option_rules[i].max)
                abort();
        check_written(&r);
        text_copy(r.path, strlen(r.path), shown, sizeof shown);
        if (strlen(shown) >= sizeof shown)
            abort();
    } else if (*why == '\0') {
        abort();
    }
    free(p);
}

/* Text becomes netascii block by block, as block_read() does it, and text again, as block_write() does. */
static void check_netascii(const char *data, size_t size, size_t blksize) {
    static char block[256], text[256 + 1], back[65536 + 256];
    size_t taken = 0, came = 0, n, used;
    int half = NO_HALF, cr = 0;
    do {
        size_t offered = size - taken < blksize ? size - taken : blksize;
        n = netascii_encode(data + taken, offered, &used, block, blksize, &half);
        taken += used;
        size_t len = netascii_decode(block, n, text, &cr);
        if (n > blksize || len > n + 1 || came + len > sizeof back)
            abort();
        memcpy(back + came, text, len);
        came += len;
    } while (n == blksize);
    if (cr || came != size || memcmp(back, data, size) != 0)
        abort();
}

/* Is a file harmless on a terminal, though it comes in pieces of that size, and what may be half of a character again? */
static void check_printed(const char *data, size_t size, size_t piece) {
    char *p = malloc(piece);
    for (size_t at = 0, len; at < size; at += len) {
        len = size - at < piece ? size - at : piece;
        memcpy(p, data + at, len);
        size_t n = text_clean_stream(p, len, 0);
        if (n > len || len - n > 3)
            abort();
        len = n > 0 ? n : 1; /* no other half comes */
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)p[i] == 0x7F || ((unsigned char)p[i] < ' ' && p[i] != '\n' && p[i] != '\t' &&
                                                (p[i] != '\r' || p[i + 1] != '\n')))
                abort();
        for (size_t i = 0; i < n; i += utf8_length(p + i, n - i))
            if (utf8_length(p + i, n - i) == 0)
                abort();
    }
    free(p);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    verbose = size % 64 == 0; /* now and then, for packet_explain() prints */
    check_request((const char *)data, size);
    if (size > 0 && size < 65536)
        check_netascii((const char *)data + 1, size - 1, 8 + data[0] % 248);
    if (size > 0)
        check_printed((const char *)data + 1, size - 1, 4 + data[0]);
    return 0;
}
