/* message.c - see message.h. Here are the names; how each format is read and written is in message_text.c,
 * message_json.c and message_xml.c, and what these share in message_parts.c.
 */
#include "message.h"

#include "message_parts.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define FORMATS 3

/* What a type is called in text, in JSON and in XML. */
static const char *const type_names[][FORMATS] = {
    [LOGIN] = {"Login", "login", "login"},
    [MSG] = {"msg", "msg", "message"},
    [ACK] = {"ack", "ack", "ack"},
    [HISTORY] = {"history", "history", "history"},
    [WHO] = {"who", "who", "who"},
    [OK] = {"ok", "ok", "ok"},
    [ERROR] = {"error", "error", "error"},
    [PAST] = {"past", "past", "past"},
    [PRESENCE] = {"presence", "presence", "presence"},
    [BYE] = {"bye", "bye", "bye"},
    [PUT] = {"put", "put", "put"},
    [GET] = {"get", "get", "get"},
};
_Static_assert(sizeof type_names / sizeof *type_names == TYPES, "each type has a row");

/* What a field is called in text, in JSON and in XML, and whether JSON has it as a number. */
static const struct {
    const char *in[FORMATS];
    int is_number;
} field_names[] = {
    [ID] = {{"id", "id", "id"}, 0},
    [NAME] = {{"username", "name", "name"}, 0},
    [PASSWORD] = {{"password", "password", "password"}, 0},
    [FROM] = {{"from", "from", "from"}, 0},
    [TO] = {{"friendName", "to", "to"}, 0},
    [BODY] = {{"text", "body", "body"}, 0},
    [NUMBER] = {{"number", "number", "number"}, 1},
    [TIME] = {{"time", "time", "time"}, 1},
    [COUNT] = {{"count", "count", "count"}, 1},
    [CODE] = {{"code", "code", "code"}, 0},
    [AT] = {{"at", "at", "at"}, 1},
    [STATE] = {{"state", "state", "state"}, 0},
    [PATH] = {{"path", "path", "path"}, 0},
    [SIZE] = {{"size", "size", "size"}, 1},
    [OFFSET] = {{"offset", "offset", "offset"}, 1},
};
_Static_assert(sizeof field_names / sizeof *field_names == FIELDS, "each field has a row");

/* The number of the first format is 1. */
const char *type_name(enum message_format format, enum message_type type) {
    return type_names[type][format - TEXT];
}

const char *field_name(enum message_format format, enum message_field field) {
    return field_names[field].in[format - TEXT];
}

static int name_is(const char *known, const char *name, size_t len) {
    if (len == 0 || *known != *name) /* mostly this is all, which makes a message of 10,000 fields cheaper */
        return 0;
    return strlen(known) == len && memcmp(known, name, len) == 0;
}

enum message_type type_find(enum message_format format, const char *name, size_t len) {
    int type = 0;
    while (type < TYPES && !name_is(type_names[type][format - TEXT], name, len))
        type++;
    return (enum message_type)type;
}

enum message_field field_find(enum message_format format, const char *name, size_t len) {
    int field = 0;
    while (field < FIELDS && !name_is(field_names[field].in[format - TEXT], name, len))
        field++;
    return (enum message_field)field;
}

int field_is_number(enum message_field field) { return field_names[field].is_number; }

const char *message_decode(struct message *m, enum message_format format, const char *data, size_t len,
                           char *store, size_t *at) {
    static const struct message nothing = {.type = TYPES};
    struct reader r = {.data = data, .len = len, .out = store};
    *m = nothing;
    switch (format) {
    case TEXT: text_read(&r, m); break;
    case JSON: json_read(&r, m); break;
    case XML: xml_read(&r, m); break;
    }
    if (r.at < r.len)
        reader_fail(&r, r.at, "something stands behind the message");
    if (r.error)
        *m = nothing; /* a value in it might have no end */
    *at = r.error_at;
    return r.error;
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
    if (len < 1 || len > 18 || value[len] != '\0')
        return -1;
    return strtoll(value, NULL, 10);
}

/* Writes a value for a terminal. What text_clean() replaces becomes one question mark for each character, and so does a
 * tab. */
static void put_shown(struct writer *w, const char *value) {
    for (size_t left = strlen(value), n; left > 0; value += n, left -= n) {
        char c[5] = "";
        n = utf8_length(value, left);
        if (n == 0)
            n = 1; /* a byte that is no character is replaced, too */
        memcpy(c, value, n);
        text_clean(c, n);

        if (*c == '?' || *c == '\t')
            put_text(w, "?");
        else
            put_bytes(w, c, n);
    }
}

void message_show(const struct message *m, char *out, size_t size) {
    static const char dots[] = "...";
    struct writer w = {.out = out, .size = size - sizeof dots};
    put_text(&w, m->type < TYPES ? type_name(JSON, m->type) : "unknown type");
    for (int i = 0; i < FIELDS; i++) {
        if (m->field[i] == NULL)
            continue;
        put_text(&w, " ");
        put_text(&w, field_name(JSON, (enum message_field)i));
        put_text(&w, "=");
        put_shown(&w, m->field[i]);
    }

    if (w.failed)
        memcpy(out + w.len, dots, sizeof dots);
    else
        out[w.len] = '\0';
}
