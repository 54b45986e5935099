/* poke_bytes.c - see poke_bytes.h. */
#include "poke_bytes.h"

#include "poke_report.h"

#include <stdlib.h>
#include <string.h>

void *check_memory(void *memory) {
    if (memory == NULL)
        script_error("out of memory");
    return memory;
}

void bytes_reserve(struct bytes *b, size_t more) {
    if (b->length + more <= b->size)
        return;
    b->size = 2 * (b->length + more);
    b->data = check_memory(realloc(b->data, b->size));
}

void bytes_add(struct bytes *b, const void *data, size_t len) {
    bytes_reserve(b, len + 1);
    if (len > 0)
        memcpy(b->data + b->length, data, len);
    b->length += len;
}

void bytes_take(struct bytes *b, size_t len) {
    b->length -= len;
    if (len > 0 && b->length > 0)
        memmove(b->data, b->data + len, b->length);
}

int bytes_have(const struct bytes *b, size_t at, const struct bytes *want) {
    if (at + want->length > b->length)
        return 0;
    return want->length == 0 || memcmp(b->data + at, want->data, want->length) == 0;
}

size_t bytes_equal(const struct bytes *b, const struct bytes *want, size_t from) {
    size_t same = 0;
    while (same < b->length && from + same < want->length && b->data[same] == want->data[from + same])
        same++;
    return same;
}
