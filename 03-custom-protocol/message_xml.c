/* message_xml.c - messages as XML 1.0: <type><name>value</name></type>. See PROTOCOL.md, section 2.3. */
#include "message_parts.h"

#include <string.h>

/* Reads a predefined entity (XML 1.0, section 4.6). Returns 0 if there is none. */
static int entity_read(struct reader *r) {
    static const struct {
        const char *text;
        char character;
    } entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (reader_skip(r, entities[i].text)) {
            *r->out++ = entities[i].character;
            return 1;
        }
    return 0;
}

/* Reads what begins with &: an entity, or the number of a character (XML 1.0, section 4.1). Each is undone once, from
 * the left: &amp;lt; is the text &lt;. */
static void reference_read(struct reader *r) {
    size_t at = r->at, count = 0;
    unsigned long code = 0;
    if (entity_read(r))
        return;
    if (reader_skip(r, "&#x"))
        code = digits_read(r, 16, r->len, &count);
    else if (reader_skip(r, "&#"))
        code = digits_read(r, 10, r->len, &count);

    if (count > 0 && reader_skip(r, ";"))
        code_read(r, code, at);
    else
        reader_fail(r, at,
                    "an & that is neither &lt; &gt; &amp; &quot; &apos; nor the number of a character");
}

/* Reads the text in an element, up to the next tag. */
static const char *xml_value_read(struct reader *r) {
    const char *value = r->out;
    plain_read(r);
    while (!r->error && reader_peek(r) != '<') {
        if (reader_peek(r) == '&')
            reference_read(r);
        else if (reader_skip(r, "\r\n") || reader_skip(r, "\r"))
            *r->out++ = '\n'; /* XML 1.0, section 2.11 */
        else if (reader_skip(r, "]]>"))
            reader_fail(r, r->at - 1, "]]> ends what has not begun"); /* section 2.4 */
        else
            character_read(r);
        plain_read(r);
    }
    return value_end(r, value);
}

/* Reads <name> or <name/>. *empty: it was the latter. */
static struct name xml_open_read(struct reader *r, int *empty) {
    reader_expect(r, "<", "an element should begin here, with <");
    struct name name = name_read(r);
    reader_skip_blanks(r);
    *empty = reader_skip(r, "/>");
    if (!*empty)
        reader_expect(r, ">", "expected >, for there are no attributes here");
    return name;
}

static void xml_close_read(struct reader *r, struct name open) {
    reader_expect(r, "</", "expected the end of the element, for there is nothing in it but text");
    struct name close = name_read(r);
    if (close.len != open.len || memcmp(close.text, open.text, open.len) != 0)
        reader_fail(r, close.at, "the end of another element than the last that has begun");
    reader_skip_blanks(r);
    reader_expect(r, ">", "expected >");
}

static void xml_field_read(struct reader *r, struct message *m) {
    int empty;
    struct name name = xml_open_read(r, &empty);
    enum message_field field = field_of(r, m, XML, name);
    if (empty) {
        field_set(m, field, value_end(r, r->out));
        return;
    }
    const char *value = xml_value_read(r);
    field_set(m, field, value);
    xml_close_read(r, name);
}

/* Steps over an XML declaration, as the libraries write it. */
static void xml_declaration_skip(struct reader *r) {
    static const char *const declarations[] = {
        "<?xml version=\"1.0\"?>",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
        "<?xml version='1.0'?>",
        "<?xml version='1.0' encoding='UTF-8'?>",
        "<?xml version='1.0' encoding='utf-8'?>",
    };
    for (size_t i = 0; i < sizeof declarations / sizeof *declarations; i++)
        if (reader_skip(r, declarations[i]))
            return;
}

static int xml_close_follows(const struct reader *r) {
    return r->len - r->at >= 2 && memcmp(r->data + r->at, "</", 2) == 0;
}

void xml_read(struct reader *r, struct message *m) {
    int empty;
    xml_declaration_skip(r);
    reader_skip_blanks(r);
    struct name root = xml_open_read(r, &empty);
    m->type = type_find(XML, root.text, root.len);
    reader_skip_blanks(r);
    if (empty)
        return;

    while (!r->error && !xml_close_follows(r)) {
        xml_field_read(r, m);
        reader_skip_blanks(r);
    }
    xml_close_read(r, root);
    reader_skip_blanks(r);
}

const char *xml_escape(char c) {
    switch (c) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '\r': return "&#13;";
    default: return NULL;
    }
}

static void put_tag(struct writer *w, const char *begin, const char *name) {
    put_text(w, begin);
    put_text(w, name);
    put_text(w, ">");
}

void xml_write(struct writer *w, const struct message *m) {
    const char *type = type_name(XML, m->type);
    put_tag(w, "<", type);
    for (int i = 0; i < FIELDS; i++) {
        if (m->field[i] == NULL)
            continue;
        const char *name = field_name(XML, (enum message_field)i);
        put_tag(w, "<", name);
        put_value(w, XML, m->field[i]);
        put_tag(w, "</", name);
    }
    put_tag(w, "</", type);
}
