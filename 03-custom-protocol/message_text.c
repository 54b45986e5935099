/* message_text.c - messages as text: type://name="value",name="value". See PROTOCOL.md, section 2.1. */
#include "message_parts.h"

/* Reads name="value". */
static void text_field_read(struct reader *r, struct message *m) {
    struct name name = name_read(r);
    enum message_field field = field_of(r, m, TEXT, name);
    reader_expect(r, "=", "expected =");
    const char *value = string_read(r, TEXT);
    field_set(m, field, value);
}

void text_read(struct reader *r, struct message *m) {
    struct name type = name_read(r);
    m->type = type_find(TEXT, type.text, type.len);
    reader_expect(r, "://", "expected ://");
    for (int first = 1; r->at < r->len; first = 0) {
        if (!first)
            reader_expect(r, ",", "expected a comma, or the end");
        text_field_read(r, m);
    }
}

void text_write(struct writer *w, const struct message *m) {
    const char *separator = "";
    put_text(w, type_name(TEXT, m->type));
    put_text(w, "://");
    for (int i = 0; i < FIELDS; i++) {
        if (m->field[i] == NULL)
            continue;
        put_text(w, separator);
        put_text(w, field_name(TEXT, (enum message_field)i));
        put_text(w, "=\"");
        put_value(w, TEXT, m->field[i]);
        put_text(w, "\"");
        separator = ",";
    }
}
