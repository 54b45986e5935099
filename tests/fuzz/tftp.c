/* tftp.c - a fuzzer for what 05-udp/tftp_server.c makes of packets: requests, options, netascii.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_tftp tests/fuzz/tftp.c && ./fuzz_tftp -max_total_time=10
 *
 * Whatever bytes come: nothing is read behind their end, an option that is granted is within its rule, and options
 * written and read again are the same. Any bytes that become netascii in blocks of any size come back as they were.
 */
#define main tftp_server_main
#include "../../05-udp/tftp_server.c"
#undef main

/* Reads bytes as a request, from memory that ends where they end. */
static void check_request(const char *data, size_t size) {
    char *p = malloc(size + 1), written[REQUEST_MAX];
    struct request r;
    memcpy(p, data, size);
    p = realloc(p, size > 0 ? size : 1);
    long long again[OPTIONS];
    if (request_parse(p, size, &r) == NULL) {
        if (strlen(r.path) >= REQUEST_MAX)
            abort();
        for (int i = 0; i < OPTIONS; i++)
            if (r.options[i] < -2 || r.options[i] > option_rules[i].max)
                abort();
        for (int i = 0; i < OPTIONS; i++)
            r.options[i] = r.options[i] == -2 ? -1 : r.options[i];
        size_t len = options_add(written, 0, r.options);
        if (options_parse(written, written + len, again) < 0 || memcmp(again, r.options, sizeof again) != 0)
            abort();
        char shown[64];
        text_clean(r.path, strlen(r.path), shown, sizeof shown);
        if (strlen(shown) >= sizeof shown)
            abort();
    }
    free(p);
}

/* Text becomes netascii block by block, as block_read() does it, and text again, as block_write() does. */
static void check_netascii(const char *data, size_t size, size_t blksize) {
    static char block[256], text[256 + 1], back[65536 + 256];
    size_t taken = 0, came = 0, n, used;
    int half = -1, cr = 0;
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

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    check_request((const char *)data, size);
    if (size > 0 && size < 65536)
        check_netascii((const char *)data + 1, size - 1, 8 + data[0] % 248);
    return 0;
}
