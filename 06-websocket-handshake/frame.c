/* frame.c - see frame.h. The way of a byte: frame_read -> read_header -> read_control, or read_data and keep. */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_MARGIN "         "
#define BUFFER_MIN   4096 /* bytes: the first size of a buffer for a message; then it doubles */

/* ---- one header ---- */

/* Returns how many bytes a length takes behind the first two of a header. */
static size_t length_size(uint64_t length) {
    if (length < 126)
        return 0;
    return length <= 0xffff ? 2 : 8;
}

size_t frame_encode(unsigned char header[FRAME_HEADER_MAX], const struct frame *f) {
    size_t extra = length_size(f->length), size = 2 + extra;
    unsigned length = extra == 2 ? 126 : 127; /* "look in the next 2 bytes", "... 8 bytes" */
    if (extra == 0)
        length = (unsigned)f->length;
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

/* Reads a length of 2 or 8 bytes. Returns 0, or -1 if fewer bytes would have done, or the highest bit is set. */
static int read_length(uint64_t *length, const unsigned char *data, size_t size) {
    *length = 0;
    for (size_t i = 0; i < size; i++)
        *length = *length << 8 | data[i];
    return length_size(*length) < size || *length >> 63 ? -1 : 0;
}

int frame_decode(struct frame *f, const unsigned char *data, size_t len) {
    if (len < 2)
        return 0;
    *f = (struct frame){.fin = data[0] >> 7,
                        .rsv = data[0] >> 4 & 7,
                        .opcode = data[0] & 15,
                        .masked = data[1] >> 7,
                        .length = data[1] & 127};

    size_t extra = f->length < 126 ? 0 : 2, size;
    if (f->length == 127)
        extra = 8;
    size = 2 + extra + (f->masked ? 4 : 0);
    if (len < 2 + extra)
        return 0;
    if (extra > 0 && read_length(&f->length, data + 2, extra) < 0)
        return -1;

    if (len < size)
        return 0;
    if (f->masked)
        memcpy(f->key, data + 2 + extra, 4);
    return (int)size;
}

/* Eight bytes at a time, through memcpy() because data may lie anywhere; a compiler makes one instruction of it. */
void frame_mask(unsigned char *data, size_t len, const unsigned char key[4], uint64_t offset) {
    unsigned char keys[8]; /* the key, twice, from the byte on that data[0] is masked with */
    uint64_t mask, word;
    for (size_t i = 0; i < sizeof keys; i++)
        keys[i] = key[(offset + i) % 4];
    memcpy(&mask, keys, sizeof mask);

    while (len >= sizeof word) {
        memcpy(&word, data, sizeof word);
        word ^= mask;
        memcpy(data, &word, sizeof word);
        data += sizeof word;
        len -= sizeof word;
    }
    for (size_t i = 0; i < len;
         i++) /* fewer than eight are left; since 8 is 2 * 4, the key begins anew with them */
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

/* ---- for the microscope ---- */

/* Prints `count` bits of a byte from bit `from` downwards, the highest of all being 7, and dots for the others. */
static void print_bits(FILE *to, int byte, int from, int count) {
    fputs(FRAME_MARGIN, to);
    for (int bit = 7; bit >= 0; bit--)
        fputc(bit > from || bit <= from - count ? '.' : (byte >> bit & 1) + '0', to);
    fputs("  ", to);
}

static void print_length(FILE *to, uint64_t length) {
    size_t extra = length_size(length);
    fprintf(to, "length: %llu byte%s", (unsigned long long)length, length == 1 ? "" : "s");
    if (extra > 0)
        fprintf(to, ", in the next %zu bytes", extra);
    fputc('\n', to);
}

void frame_explain(FILE *to, const char *peer, const char *arrow, const struct frame *f) {
    static const char *const names[16] = {"continuation", "text", "binary", [8] = "close", "ping", "pong"};
    unsigned char header[FRAME_HEADER_MAX];
    size_t size = frame_encode(header, f);

    fprintf(to, "%s %s frame\n", peer, arrow);
    print_bits(to, header[0], 7, 1);
    fprintf(to, "FIN: %s\n", f->fin ? "the last fragment of its message" : "more fragments follow");
    print_bits(to, header[0], 6, 3);
    fprintf(to, "RSV1 to RSV3: %s\n", f->rsv ? "of an extension that nobody asked for" : "no extension");
    print_bits(to, header[0], 3, 4);
    fprintf(to, "opcode %d: %s\n", f->opcode, names[f->opcode] ? names[f->opcode] : "reserved");
    print_bits(to, header[1], 7, 1);
    fprintf(to, "MASK: %s\n",
            f->masked ? "masked, as a client's frames are" : "not masked, as a server's frames are");
    print_bits(to, header[1], 6, 7);
    print_length(to, f->length);

    if (size == 2)
        return;
    for (size_t i = 2; i < size; i++)
        fprintf(to, "%s%02x", i == 2 ? FRAME_MARGIN : " ", header[i]);
    fprintf(to, "  %s%s%s\n", f->length < 126 ? "" : "the length", f->masked && f->length >= 126 ? ", " : "",
            f->masked ? "the key" : "");
}

/* ---- messages ---- */

static int frame_is_control(const struct frame *f) { return f->opcode >= FRAME_CLOSE; }

static int fail(struct frame_reader *r, int code, const char *why) {
    r->code = code;
    r->why = why;
    return FRAME_ERROR;
}

/* Returns which rule the first two bytes of a header break; NULL: none. If no more of it is there yet, its length may
 * be 126 or 127, which stand for a longer one: for a control frame that is too long already. */
static const char *broken_rule(const struct frame_reader *r, const struct frame *f) {
    int begins = f->opcode == FRAME_TEXT || f->opcode == FRAME_BINARY;
    int control = f->opcode >= FRAME_CLOSE && f->opcode <= FRAME_PONG;
    if (f->rsv != 0)
        return "a reserved bit is set, and there is no extension";
    if (!begins && !control && f->opcode != FRAME_CONTINUATION)
        return "this opcode is reserved";
    if (f->masked != r->masked)
        return r->masked ? "a client has to mask its frames" : "a server must not mask its frames";
    if (control && !f->fin)
        return "a control frame cannot be fragmented";
    if (control && f->length > FRAME_CONTROL_MAX)
        return "a control frame has at most 125 bytes of payload";
    if (f->opcode == FRAME_CONTINUATION && r->opcode == 0)
        return "there is no message to continue";
    if (begins && r->opcode != 0)
        return "a new message begins before the last fragment of the one before";
    return NULL;
}

static int read_header(struct frame_reader *r, const unsigned char *data, size_t len, size_t *used) {
    if (len < 2)
        return FRAME_MORE;
    struct frame *f = &r->frame;
    int size = frame_decode(f, data, len), code = CLOSE_PROTOCOL;
    const char *why = broken_rule(r, f);
    if (why == NULL && size < 0)
        why = "a length has to be in its shortest form";
    if (why == NULL && size > 0 && !frame_is_control(f) && f->length > r->max - r->message.length) {
        code = CLOSE_TOO_BIG;
        why = "this message is too big";
    }
    if (why && size > 0 && !r->broken) { /* it can be shown; then the same bytes are given again */
        r->broken = 1;
        return FRAME_BEGINS;
    }
    if (why)
        return fail(r, code, why);
    if (size == 0)
        return FRAME_MORE;

    *used = (size_t)size;
    r->inside = 1;
    r->done = 0;
    if (!frame_is_control(f) && f->opcode != FRAME_CONTINUATION)
        r->opcode = f->opcode;
    return FRAME_BEGINS;
}

/* Understands the payload of a close: nothing; or a code of two bytes, and a reason. */
static int read_close(struct frame_reader *r) {
    struct utf8 u = {0};
    r->code = CLOSE_NO_CODE;
    if (r->length == 0)
        return FRAME_CLOSE;
    if (r->length >= 2)
        r->code = r->payload[0] << 8 | r->payload[1];
    if (r->length == 1 || !frame_code_allowed(r->code))
        return fail(r, CLOSE_PROTOCOL,
                    "a close code is two bytes, 1000 to 1003, 1007 to 1014 or 3000 to 4999");
    if (utf8_check(&u, r->payload + 2, r->length - 2) < 0 || u.left > 0)
        return fail(r, CLOSE_NOT_UTF8, "the reason of a close has to be UTF-8");
    return FRAME_CLOSE;
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
    return r->frame.opcode == FRAME_CLOSE ? read_close(r) : r->frame.opcode;
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

    int end = !r->inside && r->frame.fin, opcode = r->opcode; /* end: of the message */
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

    if (r->inside)
        return FRAME_MORE;
    if (!end)
        return FRAME_FRAGMENT;
    r->opcode = 0;
    return opcode;
}

int frame_read(struct frame_reader *r, unsigned char *data, size_t len, size_t *used) {
    *used = 0;
    if (r->opcode == 0)
        frame_reader_free(r); /* the caller has used the last message */
    if (!r->inside)
        return read_header(r, data, len, used);
    if (frame_is_control(&r->frame))
        return read_control(r, data, len, used);
    return read_data(r, data, len, used);
}

void frame_reader_free(struct frame_reader *r) {
    free(r->message.data);
    r->message.data = NULL;
    r->message.length = 0;
    r->message.size = 0;
}
