/* sha1.c - see sha1.h; the names are those of FIPS 180-4, section 6.1. */
#include "sha1.h"

#include <string.h>

static uint32_t rotate_left(uint32_t x, int n) { return x << n | x >> (32 - n); }

/* The 80 rounds are four groups of 20, each with a function and a constant of its own (sections 4.1.1 and 4.2.1). */
static uint32_t round_function(int t, uint32_t b, uint32_t c, uint32_t d) {
    switch (t / 20) {
    case 0: return (b & c) ^ (~b & d);
    case 2: return (b & c) ^ (b & d) ^ (c & d);
    default: return b ^ c ^ d;
    }
}

/* Takes one block of 64 bytes into the state. */
static void add_block(uint32_t state[5], const unsigned char *block) {
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    for (int t = 0; t < 16; t++) { /* big-endian, whatever this machine is */
        w[t] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
        block += 4;
    }
    for (int t = 16; t < 80; t++)
        w[t] = rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

    for (int t = 0; t < 80; t++) {
        uint32_t next = rotate_left(a, 5) + round_function(t, b, c, d) + e + constants[t / 20] + w[t];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }

    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1_begin(struct sha1 *s) {
    *s = (struct sha1){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void sha1_add(struct sha1 *s, const void *data, size_t len) {
    const unsigned char *bytes = data;
    while (len > 0) {
        size_t start = s->length % 64, room = 64 - start;
        size_t n = len < room ? len : room;
        memcpy(s->block + start, bytes, n);
        s->length += n;
        bytes += n;
        len -= n;
        if (s->length % 64 == 0)
            add_block(s->state, s->block);
    }
}

/* Adds the padding (section 5.1.1): a one bit, zeros until only 8 bytes are missing in a block, the length in bits. */
void sha1_end(struct sha1 *s, unsigned char digest[SHA1_SIZE]) {
    static const unsigned char padding[64] = {0x80};
    unsigned char bits[8];
    for (int i = 0; i < 8; i++)
        bits[i] = (unsigned char)(s->length * 8 >> (56 - 8 * i));
    sha1_add(s, padding, 1 + (119 - s->length % 64) % 64);
    sha1_add(s, bits, sizeof bits);

    for (int i = 0; i < SHA1_SIZE; i++)
        digest[i] = (unsigned char)(s->state[i / 4] >> (24 - i % 4 * 8));
}
