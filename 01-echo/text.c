/* text.c - see text.h. */
#include "text.h"

#include <string.h>

/* Returns how many bytes a character has that begins with this one, 0: none begins with it. */
static size_t utf8_size(unsigned char first) {
    if (first < 0x80)
        return 1;
    if (first < 0xC2) /* 80 to BF go on, C0 and C1 would begin a longer form than needed */
        return 0;
    if (first < 0xE0)
        return 2;
    if (first < 0xF0)
        return 3;
    return first < 0xF5 ? 4 : 0; /* F5 would be beyond U+10FFFF */
}

size_t utf8_length(const char *s, size_t len) {
    const unsigned char *byte = (const unsigned char *)s;
    size_t size = utf8_size(byte[0]);
    if (size > len)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((byte[i] & 0xC0) != 0x80)
            return 0;

    int overlong = (byte[0] == 0xE0 && byte[1] < 0xA0) || (byte[0] == 0xF0 && byte[1] < 0x90);
    int surrogate =
        byte[0] == 0xED && byte[1] > 0x9F; /* U+D800 to U+DFFF are half a character each, in UTF-16 */
    int beyond = byte[0] == 0xF4 && byte[1] > 0x8F; /* U+10FFFF is the last */
    return overlong || surrogate || beyond ? 0 : size;
}

/* Is this character, of `size` bytes, one that could begin a command to a terminal? */
static int is_control(const char *s, size_t size) {
    const unsigned char *byte = (const unsigned char *)s;
    if (size == 1)
        return (byte[0] < ' ' && byte[0] != '\t') || byte[0] == 127;
    return size == 2 && byte[0] == 0xC2 && byte[1] < 0xA0; /* U+0080 to U+009F */
}

void text_clean(char *text, size_t len) {
    for (size_t i = 0, size; i < len; i += size) {
        size = utf8_length(text + i, len - i);
        if (size == 0) {
            text[i] = '?';
            size = 1;
        } else if (is_control(text + i, size)) {
            memset(text + i, '?', size);
        }
    }
}

/* Is this character, of `size` bytes, one that a name may be made of? */
static int is_name_character(const char *s, size_t size) {
    static const char *const hidden[] = {"\xe2\x80", "\xe2\x81", "\xe3\x80\x80", "\xef\xbb\xbf"};
    if (size == 1)
        return (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
               *s == '-' || *s == '_';
    if (size == 2)
        return (unsigned char)*s != 0xC2; /* U+0080 to U+00BF */
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (strncmp(s, hidden[i], strlen(hidden[i])) == 0)
            return 0;
    return size > 0;
}

int name_is_valid(const char *name) {
    size_t len = strlen(name);
    if (len == 0 || len > WORD_MAX)
        return 0;
    for (size_t i = 0, size; i < len; i += size) {
        size = utf8_length(name + i, len - i);
        if (!is_name_character(name + i, size))
            return 0;
    }
    return 1;
}
