/* ws_words.c - see ws_words.h; what a line may say, tells ws_cases -h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "ws_words.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const frame_names[16] = {"cont", "text", "binary", [8] = "close", "ping", "pong"};
long line_number;

static void bytes_reserve(struct bytes *b, size_t len) {
    if (b->length + len <= b->size)
        return;
    b->size = 2 * (b->length + len);
    b->data = realloc(b->data, b->size);
    if (b->data == NULL)
        exit(2);
}

void bytes_add(struct bytes *b, const void *data, size_t len) {
    bytes_reserve(b, len);
    if (len > 0)
        memcpy(b->data + b->length, data, len);
    b->length += len;
}

/* Adds a piece so many times. What is there already is copied, so a million times is twenty steps. */
static void bytes_repeat(struct bytes *b, const struct bytes *piece, size_t times) {
    size_t start = b->length, all = piece->length * times;
    bytes_reserve(b, all);
    if (all > 0)
        bytes_add(b, piece->data, piece->length);
    for (size_t done = piece->length; done < all; done = b->length - start)
        bytes_add(b, b->data + start, done < all - done ? done : all - done);
}

void table_error(const char *what, const char *where) {
    fprintf(stderr, "ws_cases: line %ld: %s at: %s\n", line_number, what, where);
    exit(2);
}

/* Reads a character of a string, perhaps an escape; moves *at behind it. */
static unsigned char read_character(const char **at) {
    const char *s = *at;
    unsigned hex;
    *at = s + 1;
    if (*s != '\\')
        return (unsigned char)*s;
    if (sscanf(s, "\\x%2x", &hex) == 1) {
        *at = s + 4;
        return (unsigned char)hex;
    }
    *at = s + 2;
    switch (s[1]) {
    case 'n': return '\n';
    case '0': return 0;
    default: return (unsigned char)s[1];
    }
}

/* Reads one "string", with its *N, from *at on. */
static void read_string(const char **at, struct bytes *into) {
    struct bytes piece = {0};
    const char *s = *at + 1;
    while (*s && *s != '"') {
        unsigned char byte = read_character(&s);
        bytes_add(&piece, &byte, 1);
    }
    if (*s != '"')
        table_error("a string without an end", *at);

    char *end = (char *)s + 1;
    unsigned long times = *end == '*' ? strtoul(end + 1, &end, 10) : 1;
    bytes_repeat(into, &piece, times);
    *at = end;
    free(piece.data);
}

static int opcode_of(const char *word) {
    int i = 0;
    while (i < 16 && (frame_names[i] == NULL || strcmp(frame_names[i], word) != 0))
        i++;
    if (i == 16)
        table_error("an unknown word", word);
    return i;
}

/* Understands a word. Returns 1 if it was an opcode, the last word in front of the payload. */
static int read_word(struct frame *f, const char *word) {
    if (sscanf(word, "op=%d", &f->opcode) == 1)
        return 1;
    if (sscanf(word, "rsv=%d", &f->rsv) == 1 || sscanf(word, "claims=%lld", &f->claims) == 1)
        return 0;
    if (sscanf(word, "len=%d", &f->extra) == 1) {
        f->extra /= 8; /* bits */
        return 0;
    }
    if (strcmp(word, "unmasked") == 0) {
        f->masked = 0;
        return 0;
    }
    f->opcode = opcode_of(word);
    return 1;
}

/* Reads the code of a close, if there is one. */
static void read_code(const char **at, struct frame *f) {
    char *end;
    long code = strtol(*at, &end, 10);
    unsigned char bytes[2] = {(unsigned char)(code >> 8), (unsigned char)code};
    if (end != *at)
        bytes_add(&f->payload, bytes, 2);
    f->any_reason = end != *at;
    *at = end;
}

int read_frame(const char **at, const char *end, struct frame *f) {
    char word[32];
    int size, found = 0;
    *f = (struct frame){.fin = 1, .masked = 1, .claims = -1};
    while (!found && *at < end && sscanf(*at, " %31[^ |\n]%n", word, &size) == 1) {
        size_t len = strlen(word);
        *at += size;
        if (len > 1 && word[len - 1] == '-') {
            f->fin = 0;
            word[len - 1] = '\0';
        }
        found = read_word(f, word);
    }

    if (found && f->opcode == 8)
        read_code(at, f);
    while (found && *at < end && (**at == ' ' || **at == '"')) {
        if (**at == ' ') {
            ++*at;
        } else {
            read_string(at, &f->payload);
            f->any_reason = 0;
        }
    }
    return found;
}

/* Returns how many bytes a length takes behind the first two of a header. */
static size_t extra_for(uint64_t length) {
    if (length < 126)
        return 0;
    return length < 65536 ? 2 : 8;
}

void write_frame(struct bytes *out, const struct frame *f) {
    static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint64_t length = f->claims != -1 ? (uint64_t)f->claims : f->payload.length;
    size_t extra = f->extra ? (size_t)f->extra : extra_for(length);
    unsigned second = extra == 2 ? 126 : 127;
    if (extra == 0)
        second = (unsigned)length;

    unsigned char head[10] = {(unsigned char)(f->fin << 7 | f->rsv << 4 | f->opcode),
                              (unsigned char)((f->masked ? 128 : 0) | second)};
    for (size_t i = 0; i < extra; i++)
        head[2 + i] = (unsigned char)(length >> 8 * (extra - 1 - i));
    bytes_add(out, head, 2 + extra);
    if (f->masked)
        bytes_add(out, key, 4);
    size_t start = out->length;
    bytes_add(out, f->payload.data, f->payload.length);
    for (size_t i = 0; f->masked && i < f->payload.length; i++)
        out->data[start + i] ^= key[i % 4];
}
