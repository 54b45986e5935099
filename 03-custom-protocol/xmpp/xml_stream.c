/* xml_stream.c - see xml_stream.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "xml_stream.h"

#include <string.h>
#include <strings.h>

static int note_error(struct xml_stream *x, xml_error why) {
    x->error = why;
    return -1;
}

/* Returns what is wrong with the attributes of <?xml version='1.0' encoding='utf-8' standalone='yes'?>. */
static xml_error check_declaration(const char *at, size_t len) {
    static const char *const names[] = {"version", "encoding", "standalone"};
    struct xml_attribute a;
    xml_error none;
    size_t next = 0; /* the first of them that may still come: they have an order */
    for (size_t n; (n = xml_attribute_read(&a, at, len, &none)) > 0; at += n, len -= n) {
        const char *value = at + a.value;
        size_t i = next;
        while (i < 3 && !xml_is_word(at + a.name, a.name_length, names[i]))
            i++;
        if (i == 3 || (i > 0 && next == 0))
            return xml_malformed;
        if (i == 0 && (a.value_length < 3 || memcmp(value, "1.", 2) != 0 ||
                       strspn(value + 2, "0123456789") != a.value_length - 2))
            return xml_malformed;
        if (i == 1 && (a.value_length != 5 || strncasecmp(value, "utf-8", 5) != 0))
            return "unsupported-encoding";
        if (i == 2 && !xml_is_word(value, a.value_length, "yes") && !xml_is_word(value, a.value_length, "no"))
            return xml_malformed;
        next = i + 1;
    }
    return next == 0 ? xml_malformed : NULL;
}

/* Is the name in an end tag that of the element that is open? */
static int is_innermost(const struct xml_stream *x, const char *data, const char *name, size_t len) {
    if (x->depth == 1)
        return xml_is_word(name, len, x->root);
    return x->open[x->depth - 1].length == len && memcmp(data + x->open[x->depth - 1].start, name, len) == 0;
}

/* Takes note of a tag. Returns 1 if a piece ends with it, 0 if not, -1 if it must not be here. */
static int note_tag(struct xml_stream *x, const char *data, const struct xml_token *t) {
    const char *name = data + x->seen + t->name;
    int is_start = t->kind == XML_TOKEN_START, is_root = x->depth == 0;
    if (!is_start && (is_root || !is_innermost(x, data, name, t->name_length)))
        return note_error(x, xml_malformed);
    if (is_start && x->depth == XML_DEPTH_MAX)
        return note_error(x, xml_too_much);
    if (is_root && t->is_empty)
        return note_error(x, "bad-format");

    if (is_root) {
        memcpy(x->root, name, t->name_length);
        x->root[t->name_length] = '\0';
        x->root_length = t->name_length + 1;
    }
    if (is_start) {
        x->open[x->depth].start = (unsigned)(name - data);
        x->open[x->depth++].length = (unsigned)t->name_length;
    }
    x->depth -= !is_start || t->is_empty;
    x->kind = is_root ? XML_HEADER : XML_STANZA;
    if (x->depth == 0)
        x->kind = XML_END;
    return x->depth <= 1;
}

static int is_blank_text(const char *text, size_t len) {
    size_t i = 0;
    while (i < len && xml_is_blank(text[i]))
        i++;
    return i == len;
}

/* Takes note of a token. Returns the same as note_tag(). */
static int note_token(struct xml_stream *x, const char *data, const struct xml_token *t) {
    const char *text = data + x->seen + t->text;
    if (t->kind == XML_TOKEN_START || t->kind == XML_TOKEN_ENDS)
        return note_tag(x, data, t);
    if (t->kind == XML_TOKEN_DECLARATION) {
        xml_error why =
            x->depth > 0 || x->seen > 0 ? xml_restricted : check_declaration(text, t->text_length);
        return why ? note_error(x, why) : 0;
    }
    if (x->depth > 1)
        return 0;
    if (t->kind == XML_TOKEN_CDATA || !is_blank_text(text, t->text_length))
        return note_error(x, x->depth == 0 ? xml_malformed : "bad-format");
    x->kind = XML_SPACE;
    return x->seen == 0;
}

long xml_read(struct xml_stream *x, const char *data, size_t len) {
    x->error = NULL;
    while (x->seen < len) {
        struct xml_token t = {.in_cdata = x->in_cdata};
        size_t n = xml_token_read(&t, data + x->seen, len - x->seen, &x->error);
        if (n == 0)
            return x->error == xml_more ? 0 : -1;
        int ends = note_token(x, data, &t);
        if (ends < 0)
            return -1;
        x->seen += n;
        x->in_cdata = t.in_cdata;
        if (ends) {
            n = x->seen;
            x->seen = 0;
            return (long)n;
        }
    }
    return 0;
}
