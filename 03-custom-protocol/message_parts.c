/* message_parts.c - see message_parts.h. */
#include "message_parts.h"

#include "text.h"

#include <string.h>

#define LAST_CODE 0x10FFFF /* the last character of Unicode */

void reader_fail(struct reader *r, size_t at, const char *error) {
    if (r->error == NULL) {
        r->error = at < r->len ? error : "the message ends too early";
        r->error_at = at;
    }
    r->at = r->len;
}

int reader_peek(const struct reader *r) { return r->at < r->len ? (unsigned char)r->data[r->at] : END; }

int reader_skip(struct reader *r, const char *bytes) {
    if (reader_peek(r) != *bytes) /* mostly it is another one, and then this is all */
        return 0;
    size_t len = strlen(bytes);
    if (r->len - r->at < len || memcmp(r->data + r->at, bytes, len) != 0)
        return 0;
    r->at += len;
    return 1;
}

void reader_expect(struct reader *r, const char *bytes, const char *error) {
    if (!reader_skip(r, bytes))
        reader_fail(r, r->at, error);
}

void reader_skip_blanks(struct reader *r) {
    int c = reader_peek(r);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        r->at++;
        c = reader_peek(r);
    }
}

int is_digit(int byte) { return byte >= '0' && byte <= '9'; }

static int is_letter(int byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

struct name name_read(struct reader *r) {
    struct name n = {.text = r->data + r->at, .at = r->at};
    int c = reader_peek(r);
    while (is_letter(c) || (r->at > n.at && (is_digit(c) || c == '-' || c == '_'))) {
        r->at++;
        c = reader_peek(r);
    }
    n.len = r->at - n.at;
    if (n.len == 0)
        reader_fail(r, r->at, "a name should stand here");
    return n;
}

/* Returns the value of a decimal or hexadecimal digit; 16: it is none. */
static unsigned digit_value(int c) {
    if (is_digit(c))
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A' + 10);
    return 16;
}

unsigned long digits_read(struct reader *r, unsigned base, size_t most, size_t *count) {
    unsigned long value = 0;
    *count = 0;
    while (*count < most && digit_value(reader_peek(r)) < base) {
        if (value <= LAST_CODE) /* more digits cannot make it right again, but could make it overflow */
            value = value * base + digit_value(reader_peek(r));
        r->at++;
        ++*count;
    }
    return value;
}

/* Returns the length in bytes, 1 to 4, of the character at `text`; 0: there is none, or one that no value may have. A
 * value may have the characters of XML 1.0 (section 2.2, Char), for the other two formats have room for them. */
static size_t character_length(const char *text, size_t len) {
    if (len == 0)
        return 0;
    size_t n = utf8_length(text, len);
    unsigned char first = (unsigned char)text[0];
    if (n == 1 && first < ' ' && first != '\t' && first != '\n' && first != '\r')
        return 0;
    if (n == 3 && (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0))
        return 0; /* U+FFFE and U+FFFF */
    return n;
}

/* Takes so many bytes into the value, as they stand. */
static void bytes_read(struct reader *r, size_t n) {
    memcpy(r->out, r->data + r->at, n);
    r->out += n;
    r->at += n;
}

void character_read(struct reader *r) {
    size_t n = character_length(r->data + r->at, r->len - r->at);
    if (n == 0)
        reader_fail(r, r->at, "not UTF-8, or a character that no value may have");
    bytes_read(r, n);
}

/* Writes a number up to LAST_CODE as UTF-8 (RFC 3629, section 3), be it a character or not. Returns the length. */
static size_t code_write(unsigned long code, char s[4]) {
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0}; /* of a character of that many bytes */
    size_t n = 4;
    if (code < 0x80)
        n = 1;
    else if (code < 0x800)
        n = 2;
    else if (code < 0x10000)
        n = 3;

    for (size_t i = n - 1; i > 0; i--) { /* from the end, six bits a byte */
        s[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    s[0] = (char)(leads[n] | code);
    return n;
}

void code_read(struct reader *r, unsigned long code, size_t at) {
    char s[4] = "";
    size_t n = code <= LAST_CODE ? code_write(code, s) : 0;
    if (character_length(s, n) == 0) {
        reader_fail(r, at, "this number is no character, or one that no value may have");
        return;
    }
    memcpy(r->out, s, n);
    r->out += n;
}

/* Returns what a backslash and this letter stand for, in text and in JSON; 0: nothing. */
static char escape_value(int letter) {
    switch (letter) {
    case '\\':
    case '"': return (char)letter;
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
    }
}

/* Reads what begins with a backslash. JSON has two more: \/ and \uXXXX. */
static void escape_read(struct reader *r, enum message_format format) {
    size_t at = r->at++;
    int letter = reader_peek(r);
    if (letter != END)
        r->at++;

    if (escape_value(letter))
        *r->out++ = escape_value(letter);
    else if (format == JSON && letter == '/')
        *r->out++ = '/';
    else if (format == JSON && letter == 'u')
        unicode_read(r, at);
    else
        reader_fail(r, at, "there is no such escape");
}

const char *value_end(struct reader *r, const char *value) {
    if (r->error == NULL)
        *r->out++ = '\0';
    return value;
}

/* Does it mean something else than itself, in one of the formats? */
static int is_special(char c) {
    return c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == ']';
}

/* Returns how many of the first bytes stand for themselves in every format, and need no closer look: most values are made
 * of nothing else. */
static size_t plain_length(const char *text, size_t len) {
    size_t n = 0;
    while (n < len && text[n] >= ' ' && text[n] <= '~' && !is_special(text[n]))
        n++;
    return n;
}

void plain_read(struct reader *r) { bytes_read(r, plain_length(r->data + r->at, r->len - r->at)); }

const char *string_read(struct reader *r, enum message_format format) {
    const char *value = r->out;
    reader_expect(r, "\"", "a string should begin here, with a quote");
    plain_read(r);
    while (!r->error && !reader_skip(r, "\"")) {
        int c = reader_peek(r);
        if (c == '\\')
            escape_read(r, format);
        else if (c != END && c < ' ')
            reader_fail(r, r->at, "a control character stands here, and not as an escape");
        else
            character_read(r);
        plain_read(r);
    }
    return value_end(r, value);
}

enum message_field field_of(struct reader *r, const struct message *m, enum message_format format,
                            struct name name) {
    enum message_field field = field_find(format, name.text, name.len);
    if (field < FIELDS && m->field[field])
        reader_fail(r, name.at, "this field comes twice");
    return field;
}

void field_set(struct message *m, enum message_field field, const char *value) {
    if (field < FIELDS)
        m->field[field] = value;
}

void put_bytes(struct writer *w, const char *bytes, size_t len) {
    if (len > w->size - w->len)
        w->failed = 1;
    if (w->failed)
        return;
    memcpy(w->out + w->len, bytes, len);
    w->len += len;
}

void put_text(struct writer *w, const char *text) { put_bytes(w, text, strlen(text)); }

/* Returns how text and JSON write a character in a value; NULL: as it stands. */
static const char *quoted_escape(char c) {
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return NULL;
    }
}

void put_value(struct writer *w, enum message_format format, const char *value) {
    size_t left = strlen(value);
    while (left > 0 && !w->failed) {
        size_t plain = plain_length(value, left);
        put_bytes(w, value, plain);
        value += plain;
        left -= plain;
        if (left == 0)
            break;
        const char *escape = format == XML ? xml_escape(*value) : quoted_escape(*value);
        size_t n = character_length(value, left);
        if (n == 0)
            w->failed = 1;
        if (escape)
            put_text(w, escape);
        else
            put_bytes(w, value, n);
        value += n;
        left -= n;
    }
}
