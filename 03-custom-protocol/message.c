/* message.c - see message.h. First the names, then the three readers, then the three writers. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* What a type is called in which format; in the order of enum message_type. */
static const char *const type_names[][TYPES] = {
    [TEXT] = {"Login", "msg", "ack", "history", "who", "ok", "error", "past", "presence", "bye", "put",
              "get"},
    [JSON] = {"login", "msg", "ack", "history", "who", "ok", "error", "past", "presence", "bye", "put",
              "get"},
    [XML] = {"login", "message", "ack", "history", "who", "ok", "error", "past", "presence", "bye", "put",
             "get"},
};

/* And a field; in the order of enum message_field. */
static const char *const field_names[][FIELDS] = {
    [TEXT] = {"id", "username", "password", "from", "friendName", "text", "number", "time", "count", "code",
              "at", "state", "path", "size", "offset"},
    [JSON] = {"id", "name", "password", "from", "to", "body", "number", "time", "count", "code", "at",
              "state", "path", "size", "offset"},
    [XML] = {"id", "name", "password", "from", "to", "body", "number", "time", "count", "code", "at", "state",
             "path", "size", "offset"},
};

/* Returns the place of a name among `count` of them, or `count`: it is not there. */
static int name_find(const char *const *names, int count, const char *name, size_t len) {
    int i = 0;
    while (i < count && (strlen(names[i]) != len || memcmp(names[i], name, len) != 0))
        i++;
    return i;
}

/* The characters that a value may have: those of XML 1.0 (section 2.2, Char), for the other two have room for them. */
static int code_allowed(unsigned long code) {
    return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code <= 0xD7FF) ||
           (code >= 0xE000 && code <= 0xFFFD) || (code >= 0x10000 && code <= 0x10FFFF);
}

/* Returns the length in bytes, 1 to 4, of the UTF-8 character (RFC 3629) at `text`; or 0 if there is none, or one
 * that no value may have. */
static size_t character_length(const char *text, size_t len) {
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000}; /* less takes fewer bytes */
    const unsigned char *s = (const unsigned char *)text;
    if (len == 0)
        return 0;
    size_t n = *s < 0x80 ? 1 : *s < 0xC0 ? 0 : *s < 0xE0 ? 2 : *s < 0xF0 ? 3 : *s < 0xF8 ? 4 : 0;
    unsigned long code = n == 1 ? *s : *s & (0x7FU >> n);
    for (size_t i = 1; i < n; i++) {
        if (i == len || (s[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3F);
    }
    return code >= least[n] && code_allowed(code) ? n : 0;
}

/* What the readers share: a cursor over the bytes. After an error it stands at the end, so that all loops end. */
struct reader {
    const char *data;
    size_t at, len;
    char *out;         /* where a value grows; it is never longer than what was read for it */
    const char *error; /* the first thing that is wrong, in words, or NULL; and its offset: */
    size_t error_at;
};

static void fail(struct reader *r, size_t at, const char *error) {
    if (r->error == NULL) {
        r->error = at < r->len ? error : "the message ends too early";
        r->error_at = at;
    }
    r->at = r->len;
}

static int peek(const struct reader *r) { return r->at < r->len ? (unsigned char)r->data[r->at] : -1; }

/* Steps over these bytes and returns 1; or returns 0, for others come. */
static int skip(struct reader *r, const char *bytes) {
    size_t len = strlen(bytes);
    if (r->len - r->at < len || memcmp(r->data + r->at, bytes, len) != 0)
        return 0;
    r->at += len;
    return 1;
}

static void expect(struct reader *r, const char *bytes, const char *error) {
    if (!skip(r, bytes))
        fail(r, r->at, error);
}

static void blanks_skip(struct reader *r) {
    while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\n' || peek(r) == '\r')
        r->at++;
}

static int is_letter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static int is_digit(int c) { return c >= '0' && c <= '9'; }

struct name { /* of a type or a field: where it stands */
    const char *text;
    size_t at, len;
};

static struct name name_read(struct reader *r) {
    struct name n = {r->data + r->at, r->at, 0};
    while (is_letter(peek(r)) || (r->at > n.at && (is_digit(peek(r)) || peek(r) == '-' || peek(r) == '_')))
        r->at++;
    n.len = r->at - n.at;
    if (n.len == 0)
        fail(r, r->at, "a name should stand here");
    return n;
}

/* Takes a character as it stands into the value. */
static void character_read(struct reader *r) {
    size_t n = character_length(r->data + r->at, r->len - r->at);
    if (n == 0)
        fail(r, r->at, "not UTF-8, or a character that no value may have");
    memcpy(r->out, r->data + r->at, n);
    r->out += n;
    r->at += n;
}

/* Takes into the value the character of a number, which was written as an escape at the offset `at`. */
static void code_read(struct reader *r, unsigned long code, size_t at) {
    if (!code_allowed(code)) {
        fail(r, at, "this number is no character, or one that no value may have");
        return;
    }
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    char s[4];
    s[0] = (char)(lead[n] | code >> 6 * (n - 1));
    for (size_t i = 1; i < n; i++)
        s[i] = (char)(0x80 | (code >> 6 * (n - 1 - i) & 0x3F));
    memcpy(r->out, s, n);
    r->out += n;
}

/* Returns the value of a decimal or hexadecimal digit, 16: it is none. */
static int digit_value(int c) {
    if (is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* Reads up to `most` digits of a base, 10 or 16. Returns their value, over 0x10FFFF if it is; *count: how many. */
static unsigned long digits_read(struct reader *r, int base, size_t most, size_t *count) {
    unsigned long value = 0;
    for (*count = 0; *count < most && digit_value(peek(r)) < base; ++*count, r->at++)
        if (value <= 0x10FFFF)
            value = value * (unsigned long)base + (unsigned long)digit_value(peek(r));
    return value;
}

static unsigned long hex4_read(struct reader *r, size_t at) {
    size_t count;
    unsigned long value = digits_read(r, 16, 4, &count);
    if (count < 4)
        fail(r, at, "\\u takes four hexadecimal digits");
    return value;
}

/* Reads the XXXX of \uXXXX; a character beyond U+FFFF is two of them, a surrogate pair (RFC 8259, section 7). */
static void unicode_read(struct reader *r, size_t at) {
    unsigned long code = hex4_read(r, at);
    if (code >= 0xD800 && code < 0xDC00 && skip(r, "\\u")) {
        unsigned long low = hex4_read(r, at);
        if (low >= 0xDC00 && low < 0xE000)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    code_read(r, code, at); /* a surrogate alone is no character */
}

/* Reads what begins with a backslash. `letters`: those of "\"nrt/u" that may follow, in this order. */
static void escape_read(struct reader *r, const char *letters) {
    size_t at = r->at++;
    const char *found = peek(r) > 0 ? strchr(letters, peek(r)) : NULL;
    r->at++;
    if (found == NULL)
        fail(r, at, "there is no such escape");
    else if (*found == 'u')
        unicode_read(r, at);
    else
        *r->out++ = "\\\"\n\r\t/"[found - letters];
}

/* Ends a value, which began at `value`, and returns it. */
static const char *value_end(struct reader *r, const char *value) {
    if (r->error == NULL)
        *r->out++ = '\0';
    return value;
}

/* Reads a string in quotes, for text and JSON. */
static const char *string_read(struct reader *r, const char *letters) {
    const char *value = r->out;
    expect(r, "\"", "a string should begin here, with a quote");
    while (!r->error && !skip(r, "\"")) {
        if (peek(r) == '\\')
            escape_read(r, letters);
        else if (peek(r) < ' ')
            fail(r, r->at, "a control character stands here, and not as an escape");
        else
            character_read(r);
    }
    return value_end(r, value);
}

/* Returns which field that is, FIELDS: an unknown one. Fails if the message has it already. */
static int field_find(struct reader *r, const struct message *m, enum message_format format,
                      struct name name) {
    int field = name_find(field_names[format], FIELDS, name.text, name.len);
    if (field < FIELDS && m->field[field])
        fail(r, name.at, "this field comes twice");
    return field;
}

static void field_set(struct message *m, int field, const char *value) {
    if (field < FIELDS)
        m->field[field] = value;
}

/* type://name="value",name="value" */
static void text_read(struct reader *r, struct message *m) {
    struct name type = name_read(r);
    m->type = (enum message_type)name_find(type_names[TEXT], TYPES, type.text, type.len);
    expect(r, "://", "expected ://");
    for (int first = 1; r->at < r->len; first = 0) {
        if (!first)
            expect(r, ",", "expected a comma, or the end");
        int field = field_find(r, m, TEXT, name_read(r));
        expect(r, "=", "expected =");
        field_set(m, field, string_read(r, "\\\"nrt"));
    }
}

/* Reads the value of a member: a string, or a number that is whole and not negative. */
static const char *json_value_read(struct reader *r) {
    const char *value = r->out;
    if (!is_digit(peek(r)))
        return string_read(r, "\\\"nrt/u");
    int zero = peek(r) == '0';
    do
        character_read(r);
    while (is_digit(peek(r)) && !zero);
    return value_end(r, value);
}

/* "name": value. *typed: whether the type has come. */
static void json_member_read(struct reader *r, struct message *m, int *typed) {
    size_t at = r->at;
    const char *text = string_read(r, "\\\"nrt/u");
    struct name name = {text, at, r->error ? 0 : strlen(text)};
    int is_type = name.len == 4 && memcmp(text, "type", 4) == 0, field = field_find(r, m, JSON, name);
    if (is_type && *typed)
        fail(r, at, "this field comes twice");
    r->out -= r->error ? 0 : name.len + 1; /* the name is not needed any more */
    blanks_skip(r);
    expect(r, ":", "expected a colon");
    blanks_skip(r);
    const char *value = json_value_read(r);
    field_set(m, field, value);
    if (is_type && !r->error)
        m->type = (enum message_type)name_find(type_names[JSON], TYPES, value, strlen(value));
    *typed |= is_type;
}

/* {"type": "...", "name": "value"} */
static void json_read(struct reader *r, struct message *m) {
    int typed = 0;
    blanks_skip(r);
    expect(r, "{", "an object should begin here, with {");
    blanks_skip(r);
    for (int first = 1; !r->error && !skip(r, "}"); first = 0) {
        if (!first)
            expect(r, ",", "expected a comma or }");
        blanks_skip(r);
        json_member_read(r, m, &typed);
        blanks_skip(r);
    }
    if (!typed)
        fail(r, 0, "the type is missing");
    blanks_skip(r);
}

/* Reads what begins with &: a predefined entity, or the number of a character (XML 1.0, sections 4.1 and 4.6). */
static void reference_read(struct reader *r) {
    static const char *const entities[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"};
    size_t at = r->at, count = 0;
    for (int i = 0; i < 5; i++)
        if (skip(r, entities[i])) {
            *r->out++ = "<>&\"'"[i];
            return;
        }
    int base = skip(r, "&#x") ? 16 : 10;
    unsigned long code = base == 16 || skip(r, "&#") ? digits_read(r, base, r->len, &count) : 0;
    if (count == 0 || !skip(r, ";"))
        fail(r, at, "an & that is neither &lt; &gt; &amp; &quot; &apos; nor the number of a character");
    else
        code_read(r, code, at);
}

/* Reads the text in an element, up to the next tag. */
static const char *xml_value_read(struct reader *r) {
    const char *value = r->out;
    while (!r->error && peek(r) != '<') {
        if (peek(r) == '&')
            reference_read(r);
        else if (skip(r, "\r\n") || skip(r, "\r"))
            *r->out++ = '\n'; /* XML 1.0, section 2.11 */
        else if (peek(r) == '>' && memcmp(r->data + r->at - 2, "]]", 2) == 0)
            fail(r, r->at, "]]> ends what has not begun"); /* section 2.4 */
        else
            character_read(r);
    }
    return value_end(r, value);
}

/* Reads <name> or <name/>. *empty: it was the latter. */
static struct name xml_open_read(struct reader *r, int *empty) {
    expect(r, "<", "an element should begin here, with <");
    struct name name = name_read(r);
    blanks_skip(r);
    *empty = skip(r, "/>");
    if (!*empty)
        expect(r, ">", "expected >, for there are no attributes here");
    return name;
}

static void xml_close_read(struct reader *r, struct name open) {
    expect(r, "</", "expected the end of the element, for there is nothing in it but text");
    struct name close = name_read(r);
    if (close.len != open.len || memcmp(close.text, open.text, open.len) != 0)
        fail(r, close.at, "the end of another element than the last that has begun");
    blanks_skip(r);
    expect(r, ">", "expected >");
}

static void xml_field_read(struct reader *r, struct message *m) {
    int empty;
    struct name name = xml_open_read(r, &empty);
    int field = field_find(r, m, XML, name);
    field_set(m, field, empty ? value_end(r, r->out) : xml_value_read(r));
    if (!empty)
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
    for (size_t i = 0; i < sizeof declarations / sizeof *declarations && r->at == 0; i++)
        skip(r, declarations[i]);
}

/* <type><name>value</name></type> */
static void xml_read(struct reader *r, struct message *m) {
    int empty;
    xml_declaration_skip(r);
    blanks_skip(r);
    struct name root = xml_open_read(r, &empty);
    m->type = (enum message_type)name_find(type_names[XML], TYPES, root.text, root.len);
    blanks_skip(r);
    while (!empty && !r->error && !(peek(r) == '<' && r->at + 1 < r->len && r->data[r->at + 1] == '/')) {
        xml_field_read(r, m);
        blanks_skip(r);
    }
    if (!empty)
        xml_close_read(r, root);
    blanks_skip(r);
}

const char *message_decode(struct message *m, enum message_format format, const char *data, size_t len,
                           char *store, size_t *at) {
    struct reader r = {.data = data, .len = len, .out = store};
    *m = (struct message){.type = TYPES};
    switch (format) {
    case TEXT: text_read(&r, m); break;
    case JSON: json_read(&r, m); break;
    case XML: xml_read(&r, m); break;
    }
    if (r.at < r.len)
        fail(&r, r.at, "something stands behind the message");
    if (r.error)
        *m = (struct message){.type = TYPES}; /* a value in it might have no end */
    *at = r.error_at;
    return r.error;
}

/* The writers share a cursor, too. */
struct writer {
    char *out;
    size_t len, size;
    int failed; /* no room, or a value that cannot be written */
};

static void put_bytes(struct writer *w, const char *bytes, size_t len) {
    w->failed |= len > w->size - w->len;
    if (w->failed)
        return;
    memcpy(w->out + w->len, bytes, len);
    w->len += len;
}

static void put(struct writer *w, const char *text) { put_bytes(w, text, strlen(text)); }

/* Returns how a character has to be written in a value, or NULL: as it stands. */
static const char *escape_for(enum message_format format, char c) {
    int xml = format == XML;
    switch (c) {
    case '"': return xml ? NULL : "\\\"";
    case '\\': return xml ? NULL : "\\\\";
    case '\n': return xml ? NULL : "\\n";
    case '\t': return xml ? NULL : "\\t";
    case '\r': return xml ? "&#13;" : "\\r";
    case '<': return xml ? "&lt;" : NULL;
    case '>': return xml ? "&gt;" : NULL;
    case '&': return xml ? "&amp;" : NULL;
    default: return NULL;
    }
}

static void put_value(struct writer *w, enum message_format format, const char *value) {
    for (size_t len = strlen(value), n; len > 0 && !w->failed; value += n, len -= n) {
        const char *escape = escape_for(format, *value);
        n = character_length(value, len);
        w->failed |= n == 0;
        if (escape)
            put(w, escape);
        else
            put_bytes(w, value, n);
    }
}

static void text_write(struct writer *w, const struct message *m) {
    const char *separator = "";
    put(w, type_names[TEXT][m->type]);
    put(w, "://");
    for (int i = 0; i < FIELDS; i++) {
        if (m->field[i] == NULL)
            continue;
        put(w, separator);
        put(w, field_names[TEXT][i]);
        put(w, "=\"");
        put_value(w, TEXT, m->field[i]);
        put(w, "\"");
        separator = ",";
    }
}

/* Whether JSON shall have a field as a number. 007 is none there. */
static int is_number(const struct message *m, int field) {
    const char *value = m->field[field];
    int numeric =
        field == NUMBER || field == TIME || field == COUNT || field == AT || field == SIZE || field == OFFSET;
    return numeric && message_number(m, (enum message_field)field) >= 0 &&
           (*value != '0' || value[1] == '\0');
}

static void json_write(struct writer *w, const struct message *m) {
    put(w, "{\"type\":\"");
    put(w, type_names[JSON][m->type]);
    put(w, "\"");
    for (int i = 0; i < FIELDS; i++) {
        if (m->field[i] == NULL)
            continue;
        const char *quote = is_number(m, i) ? "" : "\"";
        put(w, ",\"");
        put(w, field_names[JSON][i]);
        put(w, "\":");
        put(w, quote);
        put_value(w, JSON, m->field[i]);
        put(w, quote);
    }
    put(w, "}");
}

static void put_tag(struct writer *w, const char *begin, const char *name) {
    put(w, begin);
    put(w, name);
    put(w, ">");
}

static void xml_write(struct writer *w, const struct message *m) {
    put_tag(w, "<", type_names[XML][m->type]);
    for (int i = 0; i < FIELDS; i++) {
        if (m->field[i] == NULL)
            continue;
        put_tag(w, "<", field_names[XML][i]);
        put_value(w, XML, m->field[i]);
        put_tag(w, "</", field_names[XML][i]);
    }
    put_tag(w, "</", type_names[XML][m->type]);
}

size_t message_encode(const struct message *m, enum message_format format, char *out, size_t size) {
    struct writer w = {.out = out, .size = size};
    if (m->type >= TYPES)
        return 0;
    switch (format) {
    case TEXT: text_write(&w, m); break;
    case JSON: json_write(&w, m); break;
    case XML: xml_write(&w, m); break;
    }
    return w.failed ? 0 : w.len;
}

long long message_number(const struct message *m, enum message_field field) {
    const char *value = m->field[field];
    size_t len = value ? strspn(value, "0123456789") : 0;
    return len >= 1 && len <= 18 && value[len] == '\0' ? strtoll(value, NULL, 10) : -1;
}

/* The same for a value that a terminal will show: a control character, or what is no UTF-8, becomes a question mark. */
static void put_shown(struct writer *w, const char *value) {
    for (size_t len = strlen(value), n; len > 0 && !w->failed; value += n, len -= n) {
        const unsigned char *s = (const unsigned char *)value;
        n = character_length(value, len);
        int control =
            *s < ' ' || *s == 127 || (*s == 0xC2 && n == 2 && s[1] < 0xA0); /* U+0080 to U+009F, too */
        if (n == 0 || control)
            put(w, "?");
        else
            put_bytes(w, value, n);
        n += n == 0;
    }
}

void message_show(const struct message *m, char *out, size_t size) {
    static const char dots[] = "...";
    struct writer w = {.out = out, .size = size - sizeof dots};
    put(&w, m->type < TYPES ? type_names[JSON][m->type] : "unknown type");
    for (int i = 0; i < FIELDS; i++) {
        if (m->field[i] == NULL)
            continue;
        put(&w, " ");
        put(&w, field_names[JSON][i]);
        put(&w, "=");
        put_shown(&w, m->field[i]);
    }
    memcpy(out + w.len, w.failed ? dots : "", w.failed ? sizeof dots : 1);
}
