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

struct range {
    unsigned long first, last; /* code points */
};

/* Begin a command to a terminal, end the line, turn its direction, or hide text. */
static const struct range harmful[] = {
    {0x0000, 0x0008}, {0x000A, 0x001F}, {0x007F, 0x009F}, {0x200B, 0x200B},   {0x2028, 0x202E},
    {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F},
};

/* Not for names: what Unicode calls Default_Ignorable_Code_Point, Bidi_Control or White_Space, with all signs of ASCII
 * and Latin-1, the whole block of General Punctuation, U+2800 (a blank of braille), and U+FFF9 to U+FFFB (marks of
 * annotations). */
static const struct range unfit[] = {
    {0x0000, 0x002C},   {0x002E, 0x002F},   {0x003A, 0x0040},   {0x005B, 0x005E}, {0x0060, 0x0060},
    {0x007B, 0x00BF},   {0x034F, 0x034F},   {0x061C, 0x061C},   {0x115F, 0x1160}, {0x1680, 0x1680},
    {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x2000, 0x206F},   {0x2800, 0x2800}, {0x3000, 0x3000},
    {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB},
    {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

/* Returns the code point of a character of `size` bytes: the first has 7, 5, 4 or 3 bits of it, each other one 6. */
static unsigned long utf8_value(const char *s, size_t size) {
    unsigned long value = (unsigned char)*s & (size == 1 ? 0x7F : 0xFF >> (size + 1));
    for (size_t i = 1; i < size; i++)
        value = value << 6 | ((unsigned char)s[i] & 0x3F);
    return value;
}

/* Is this character, of `size` bytes, in one of these ranges? They are in order. */
static int is_one_of(const struct range *ranges, size_t count, const char *s, size_t size) {
    unsigned long value = utf8_value(s, size);
    size_t i = 0;
    while (i < count && ranges[i].last < value)
        i++;
    return i < count && ranges[i].first <= value;
}

static int is_harmful(const char *s, size_t size) {
    return is_one_of(harmful, sizeof harmful / sizeof *harmful, s, size);
}

static int is_unfit(const char *s, size_t size) {
    return is_one_of(unfit, sizeof unfit / sizeof *unfit, s, size);
}

void text_clean(char *text, size_t len) {
    for (size_t i = 0, size; i < len; i += size) {
        size = utf8_length(text + i, len - i);
        if (size == 0) {
            text[i] = '?';
            size = 1;
        } else if (is_harmful(text + i, size)) {
            memset(text + i, '?', size);
        }
    }
}

/* Returns how many bytes at the end of the text are the beginning of a character, or of CR LF. */
static size_t text_unfinished(const char *text, size_t len) {
    for (size_t n = 1; n <= 3 && n <= len; n++) {
        unsigned char byte = (unsigned char)text[len - n];
        if (utf8_size(byte) > n || (byte == '\r' && n == 1))
            return n;
        if ((byte & 0xC0) != 0x80) /* 10xxxxxx goes on with a character that has begun before */
            return 0;
    }
    return 0;
}

size_t text_clean_stream(char *text, size_t len, int is_all) {
    size_t end = is_all ? len : len - text_unfinished(text, len), size;
    for (size_t i = 0; i < end; i += size) {
        int is_crlf = text[i] == '\r' && i + 1 < end && text[i + 1] == '\n';
        size = utf8_length(text + i, end - i);
        if (size == 0)
            size = 1;
        if (text[i] != '\n' && !is_crlf)
            text_clean(text + i, size);
    }
    return end;
}

int name_is_valid(const char *name) {
    size_t len = strlen(name);
    if (len == 0 || len > WORD_MAX)
        return 0;
    for (size_t i = 0, size; i < len; i += size) {
        size = utf8_length(name + i, len - i);
        if (size == 0 || is_unfit(name + i, size))
            return 0;
    }
    return 1;
}
