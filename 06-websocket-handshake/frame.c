/* frame.c - WebSocket frames (RFC 6455, section 5): headers, masks, UTF-8, and messages made of them. */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_MIN 4096 /* bytes: the first size of a buffer for a message; then it doubles */

/* ---- one header ---- */

size_t frame_encode(unsigned char header[FRAME_HEADER_MAX], const struct frame *f) {
    size_t extra = f->length < 126 ? 0 : f->length <= 0xffff ? 2 : 8, size = 2 + extra;
    unsigned length = extra == 0 ? (unsigned)f->length : extra == 2 ? 126 : 127;
    header[0] = (unsigned char)((f->fin ? 0x80 : 0) | f->rsv << 4 | f->opcode);
    header[1] = (unsigned char)((f->masked ? 0x80 : 0) | length);
    for (size_t i = 0; i < extra; i++) /* in network byte order: the highest first */
        header[2 + i] = (unsigned char)(f->length >> 8 * (extra - 1 - i));
    if (f->masked) {
        memcpy(header + size, f->key, 4);
        size += 4;
    }
    return size;
}

int frame_decode(struct frame *f, const unsigned char *data, size_t len) {
    if (len < 2)
        return 0;
    *f = (struct frame){data[0] >> 7, data[0] >> 4 & 7, data[0] & 15, data[1] >> 7, {0}, data[1] & 127};
    size_t extra = f->length == 126 ? 2 : f->length == 127 ? 8 : 0, size = 2 + extra + (f->masked ? 4 : 0);
    if (len < 2 + extra)
        return 0;
    if (extra > 0)
        f->length = 0;
    for (size_t i = 0; i < extra; i++)
        f->length = f->length << 8 | data[2 + i];
    if ((extra == 2 && f->length < 126) || (extra == 8 && (f->length <= 0xffff || f->length >> 63)))
        return -1;
    if (len < size)
        return 0;
    if (f->masked)
        memcpy(f->key, data + size - 4, 4);
    return (int)size;
}

/* Eight bytes at a time, through memcpy() because data may lie anywhere; a compiler makes one instruction of it. */
void frame_mask(unsigned char *data, size_t len, const unsigned char key[4], uint64_t offset) {
    unsigned char keys[8];
    uint64_t mask, word;
    for (size_t i = 0; i < sizeof keys; i++)
        keys[i] = key[(offset + i) % 4];
    memcpy(&mask, keys, sizeof mask);
    for (; len >= sizeof word; len -= sizeof word, data += sizeof word) {
        memcpy(&word, data, sizeof word);
        word ^= mask;
        memcpy(data, &word, sizeof word);
    }
    for (size_t i = 0; i < len; i++)
        data[i] ^= keys[i];
}

size_t frame_close(unsigned char payload[FRAME_CONTROL_MAX], int code, const char *reason) {
    size_t len = 0;
    if (code == CLOSE_NO_CODE)
        return 0;
    while (len < FRAME_CONTROL_MAX - 2 && reason[len])
        len++;
    while (len > 0 && ((unsigned char)reason[len] & 0xc0) == 0x80)
        len--; /* not within a character */
    payload[0] = (unsigned char)(code >> 8);
    payload[1] = (unsigned char)code;
    memcpy(payload + 2, reason, len);
    return 2 + len;
}

int frame_code_allowed(int code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static void print_bits(FILE *to, const char *margin, int byte, int from, int count) {
    fputs(margin, to);
    for (int bit = 7; bit >= 0; bit--)
        fputc(bit > from || bit <= from - count ? '.' : (byte >> bit & 1) + '0', to);
}

void frame_explain(FILE *to, const char *margin, const struct frame *f) {
    static const char *const names[16] = {"continuation", "text", "binary", [8] = "close", "ping", "pong"};
    unsigned char header[FRAME_HEADER_MAX];
    size_t size = frame_encode(header, f);
    print_bits(to, margin, header[0], 7, 1);
    fprintf(to, "  FIN: %s\n", f->fin ? "the last fragment of its message" : "more fragments follow");
    print_bits(to, margin, header[0], 6, 3);
    fprintf(to, "  RSV1 to RSV3: %s\n", f->rsv ? "of an extension that nobody asked for" : "no extension");
    print_bits(to, margin, header[0], 3, 4);
    fprintf(to, "  opcode %d: %s\n", f->opcode, names[f->opcode] ? names[f->opcode] : "reserved");
    print_bits(to, margin, header[1], 7, 1);
    fprintf(to, "  MASK: %s\n",
            f->masked ? "masked, as a client's frames are" : "not masked, as a server's frames are");
    print_bits(to, margin, header[1], 6, 7);
    const char *where = f->length < 126       ? ""
                        : f->length <= 0xffff ? ", in the next 2 bytes"
                                              : ", in the next 8 bytes";
    fprintf(to, "  length: %llu byte%s%s\n", (unsigned long long)f->length, f->length == 1 ? "" : "s", where);
    for (size_t i = 2; i < size; i++)
        fprintf(to, "%s%02x", i == 2 ? margin : " ", header[i]);
    if (size > 2)
        fprintf(to, "  %s%s\n", f->length < 126 ? "" : "the length",
                f->masked ? f->length < 126 ? "the key" : ", the key" : "");
}

/* ---- messages ---- */

static int is_control(int opcode) { return opcode >= FRAME_CLOSE; }

static int fail(struct frame_reader *r, int code, const char *why) {
    r->code = code;
    r->why = why;
    return FRAME_ERROR;
}

/* Returns which rule the first two bytes of a header break; NULL: none. */
static const char *broken_rule(const struct frame_reader *r, const struct frame *f) {
    int known = f->opcode <= FRAME_BINARY || (f->opcode >= FRAME_CLOSE && f->opcode <= FRAME_PONG);
    if (f->rsv != 0)
        return "a reserved bit is set, and there is no extension";
    if (!known)
        return "this opcode is reserved";
    if (f->masked != r->masked)
        return r->masked ? "a client has to mask its frames" : "a server must not mask its frames";
    if (is_control(f->opcode) && !f->fin)
        return "a control frame cannot be fragmented";
    if (is_control(f->opcode) && f->length > FRAME_CONTROL_MAX)
        return "a control frame has at most 125 bytes of payload";
    if (f->opcode == FRAME_CONTINUATION && r->opcode == 0)
        return "there is no message to continue";
    if ((f->opcode == FRAME_TEXT || f->opcode == FRAME_BINARY) && r->opcode != 0)
        return "a new message begins before the last fragment of the one before";
    return NULL;
}

static int read_header(struct frame_reader *r, const unsigned char *data, size_t len, size_t *used) {
    struct frame f;
    int size = frame_decode(&f, data, len);
    const char *why = len < 2 ? NULL : broken_rule(r, &f);
    if (len >= 2)
        r->frame = f;
    if (why || size < 0)
        return fail(r, CLOSE_PROTOCOL, why ? why : "a length has to be in its shortest form");
    if (size == 0)
        return FRAME_MORE;
    *used = (size_t)size;
    r->inside = 1;
    r->done = 0;
    if (f.opcode == FRAME_TEXT || f.opcode == FRAME_BINARY)
        r->opcode = f.opcode;
    if (!is_control(f.opcode) && f.length > r->max - r->message.length)
        return fail(r, CLOSE_TOO_BIG, "this message is too big");
    return FRAME_HEADER;
}

/* Reads a control frame, once it is there as a whole: it is short. */
static int read_control(struct frame_reader *r, unsigned char *data, size_t len, size_t *used) {
    size_t n = (size_t)r->frame.length;
    if (len < n)
        return FRAME_MORE;
    if (r->masked)
        frame_mask(data, n, r->frame.key, 0);
    *used = n;
    r->inside = 0;
    r->payload = data;
    r->length = n;
    if (r->frame.opcode != FRAME_CLOSE)
        return r->frame.opcode;
    r->code = n >= 2 ? data[0] << 8 | data[1] : CLOSE_NO_CODE;
    if (n == 1 || (n >= 2 && !frame_code_allowed(r->code)))
        return fail(r, CLOSE_PROTOCOL,
                    "a close code is two bytes, 1000 to 1003, 1007 to 1014 or 3000 to 4999");
    struct utf8 u = {0};
    r->payload += n < 2 ? n : 2;
    r->length -= n < 2 ? n : 2;
    if (utf8_check(&u, r->payload, r->length) < 0 || u.left > 0)
        return fail(r, CLOSE_NOT_UTF8, "the reason of a close has to be UTF-8");
    return FRAME_CLOSE;
}

/* Keeps a piece of a message. The buffer grows with what has come, not with what a header promises. */
static int keep(struct frame_reader *r, const unsigned char *data, size_t len) {
    size_t needed = r->message.length + len, size = r->message.size ? r->message.size : BUFFER_MIN;
    while (size < needed)
        size *= 2;
    if (size > r->message.size) {
        unsigned char *bigger = realloc(r->message.data, size);
        if (bigger == NULL)
            return -1;
        r->message.data = bigger;
        r->message.size = size;
    }
    memcpy(r->message.data + r->message.length, data, len);
    r->message.length = needed;
    return 0;
}

/* Reads as much of a data frame as is there. A message that is there as a whole stays where it lies. */
static int read_data(struct frame_reader *r, unsigned char *data, size_t len, size_t *used) {
    uint64_t left = r->frame.length - r->done;
    size_t n = left < len ? (size_t)left : len;
    if (r->masked)
        frame_mask(data, n, r->frame.key, r->done);
    *used = n;
    r->done += n;
    r->inside = n < left;
    int end = !r->inside && r->frame.fin, opcode = r->opcode;
    if (opcode == FRAME_TEXT && (utf8_check(&r->utf8, data, n) < 0 || (end && r->utf8.left > 0)))
        return fail(r, CLOSE_NOT_UTF8, "a text has to be UTF-8");
    r->payload = data;
    r->length = n;
    if (r->message.length > 0 || !end) {
        if (n > 0 && keep(r, data, n) < 0)
            return fail(r, CLOSE_INTERNAL, "out of memory");
        r->payload = r->message.data;
        r->length = r->message.length;
    }
    if (end)
        r->opcode = 0;
    return end ? opcode : r->inside ? FRAME_MORE : FRAME_FRAGMENT;
}

int frame_read(struct frame_reader *r, unsigned char *data, size_t len, size_t *used) {
    *used = 0;
    if (r->opcode == 0 && r->message.length > 0)
        frame_reader_free(r); /* the caller has used the last message */
    if (!r->inside)
        return read_header(r, data, len, used);
    return is_control(r->frame.opcode) ? read_control(r, data, len, used) : read_data(r, data, len, used);
}

void frame_reader_free(struct frame_reader *r) {
    free(r->message.data);
    r->message.data = NULL;
    r->message.length = r->message.size = 0;
}
