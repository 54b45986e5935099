/* message_json.c - messages as JSON (RFC 8259): {"type":"...","name":"value"}, flat. See PROTOCOL.md, section 2.2. */
#include "message_parts.h"

#include <string.h>

static unsigned long hex4_read(struct reader *r, size_t at) {
    size_t count;
    unsigned long value = digits_read(r, 16, 4, &count);
    if (count < 4)
        reader_fail(r, at, "\\u takes four hexadecimal digits");
    return value;
}

/* A character beyond U+FFFF is two escapes, a surrogate pair (RFC 8259, section 7). */
void unicode_read(struct reader *r, size_t at) {
    unsigned long code = hex4_read(r, at);
    if (code >= 0xD800 && code < 0xDC00 && reader_skip(r, "\\u")) {
        unsigned long low = hex4_read(r, at);
        if (low >= 0xDC00 && low < 0xE000)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    code_read(r, code, at); /* a surrogate alone is no character */
}

/* Reads the value of a member: a string, or a number that is whole and not negative. */
static const char *json_value_read(struct reader *r) {
    const char *value = r->out;
    if (!is_digit(reader_peek(r)))
        return string_read(r, JSON);

    int zero = reader_peek(r) == '0'; /* 0 is a number, 01 is none */
    do
        character_read(r);
    while (is_digit(reader_peek(r)) && !zero);
    return value_end(r, value);
}

/* Reads "name": value. *typed: whether the type has come. */
static void json_member_read(struct reader *r, struct message *m, int *typed) {
    struct name name = {.at = r->at};
    name.text = string_read(r, JSON);
    if (r->error)
        return;
    name.len = strlen(name.text);
    int is_type = strcmp(name.text, "type") == 0;
    if (is_type && *typed)
        reader_fail(r, name.at, "this field comes twice");
    enum message_field field = field_of(r, m, JSON, name);
    r->out -= name.len + 1; /* the name is not needed any more: the value goes to its place */

    reader_skip_blanks(r);
    reader_expect(r, ":", "expected a colon");
    reader_skip_blanks(r);
    const char *value = json_value_read(r);
    if (r->error)
        return;
    field_set(m, field, value);
    if (is_type) {
        m->type = type_find(JSON, value, strlen(value));
        *typed = 1;
    }
}

void json_read(struct reader *r, struct message *m) {
    int typed = 0;
    reader_skip_blanks(r);
    reader_expect(r, "{", "an object should begin here, with {");
    reader_skip_blanks(r);
    for (int first = 1; !r->error && !reader_skip(r, "}"); first = 0) {
        if (!first)
            reader_expect(r, ",", "expected a comma or }");
        reader_skip_blanks(r);
        json_member_read(r, m, &typed);
        reader_skip_blanks(r);
    }
    if (!typed)
        reader_fail(r, 0, "the type is missing");
    reader_skip_blanks(r);
}

/* Shall a value stand without quotes? 007 is no number in JSON. */
static int is_json_number(const struct message *m, enum message_field field) {
    const char *value = m->field[field];
    int padded = value[0] == '0' && value[1] != '\0';
    return field_is_number(field) && message_number(m, field) >= 0 && !padded;
}

void json_write(struct writer *w, const struct message *m) {
    put_text(w, "{\"type\":\"");
    put_text(w, type_name(JSON, m->type));
    put_text(w, "\"");
    for (int i = 0; i < FIELDS; i++) {
        enum message_field field = (enum message_field)i;
        if (m->field[field] == NULL)
            continue;
        const char *quote = is_json_number(m, field) ? "" : "\"";
        put_text(w, ",\"");
        put_text(w, field_name(JSON, field));
        put_text(w, "\":");
        put_text(w, quote);
        put_value(w, JSON, m->field[field]);
        put_text(w, quote);
    }
    put_text(w, "}");
}
