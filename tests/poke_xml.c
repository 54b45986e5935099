/* poke_xml.c - see poke_xml.h. */
#include "poke_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES_MAX 70 /* in a tag; more are no XML here */
#define DEPTH_MAX      100

enum state { FINE, SHORT, WRONG };

struct reader {
    const unsigned char *at, *end;
    enum state state;
    int depth;
};

struct attribute {
    struct bytes name;  /* as it stands there, then with its namespace; ends with a NUL */
    struct bytes value; /* as it is written, without quotes; ends with a NUL */
};

struct tag {
    const struct tag *outer;
    struct bytes name;
    struct attribute attributes[ATTRIBUTES_MAX];
    size_t count;
};

static void put(struct bytes *b, const char *text) { bytes_add(b, text, strlen(text)); }
static const char *text_of(const struct bytes *b) { return (const char *)b->data; }

/* ---- Characters ---- */

/* Returns the next byte, 0 if there is none. A NUL is never XML. */
static int peek(struct reader *r) {
    if (r->state == FINE && r->at == r->end)
        r->state = SHORT;
    else if (r->state == FINE && *r->at == '\0')
        r->state = WRONG;
    return r->state == FINE ? *r->at : 0;
}

/* Takes this text, if it comes next. */
static int take(struct reader *r, const char *text) {
    size_t len = strlen(text), left = (size_t)(r->end - r->at), n = len < left ? len : left;
    if (r->state != FINE || memcmp(r->at, text, n) != 0)
        return 0;
    if (n < len) {
        r->state = SHORT;
        return 0;
    }
    r->at += len;
    return 1;
}

static void must(struct reader *r, const char *text) {
    if (!take(r, text) && r->state == FINE)
        r->state = WRONG;
}

static int is_blank(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void skip_space(struct reader *r) {
    while (is_blank(peek(r)))
        r->at++;
}

/* Writes a character as itself, or as a reference where it would be markup, or lost. */
static void put_character(struct bytes *out, int c) {
    char text[16];
    if (c == '<' || c == '>' || c == '&' || c == '\'' || c == '\r' || c == '\n' || c == '\t') {
        snprintf(text, sizeof text, "&#%d;", c);
        put(out, text);
    } else {
        unsigned char byte = (unsigned char)c;
        bytes_add(out, &byte, 1);
    }
}

static void put_code(struct bytes *out, unsigned long code) {
    if (code < 0x80) {
        put_character(out, (int)code);
        return;
    }
    int more = 3;
    if (code < 0x10000)
        more = code < 0x800 ? 1 : 2;
    static const unsigned heads[] = {0, 0xc0, 0xe0, 0xf0};
    put_character(out, (int)(heads[more] | code >> 6 * more));
    while (more-- > 0)
        put_character(out, (int)(0x80 | (code >> 6 * more & 0x3f)));
}

/* Takes a reference, behind its &. */
static void take_reference(struct reader *r, struct bytes *out) {
    static const char *const names[] = {"amp;", "lt;", "gt;", "apos;", "quot;"};
    static const char meanings[] = "&<>'\"";
    for (size_t i = 0; i < 5; i++)
        if (take(r, names[i])) {
            put_character(out, meanings[i]);
            return;
        }
    must(r, "#");
    int is_hex = take(r, "x");
    unsigned long code = 0;
    while (peek(r) && peek(r) != ';' && code < 0x110000) {
        const char digit[] = {(char)*r->at++, '\0'};
        char *end;
        code = code * (is_hex ? 16 : 10) + strtoul(digit, &end, 16);
        if (*end)
            r->state = WRONG;
    }
    must(r, ";");
    put_code(out, code);
}

/* Takes text up to one of two bytes. Line ends are one \n, in a value blanks. */
static void take_text(struct reader *r, struct bytes *out, int end, int is_value) {
    while (peek(r) && peek(r) != end && (is_value || peek(r) != '<')) {
        int c = *r->at++;
        if (c == '&') {
            take_reference(r, out);
        } else if (is_blank(c) && is_value) {
            put_character(out, ' ');
        } else {
            if (c == '\r' && peek(r) == '\n')
                r->at++;
            put_character(out, c == '\r' ? '\n' : c);
        }
    }
}

static void take_cdata(struct reader *r, struct bytes *out) {
    while (peek(r) && !take(r, "]]>"))
        if (r->state == FINE)
            put_character(out, *r->at++);
}

/* ---- Tags ---- */

static void take_name(struct reader *r, struct bytes *name) {
    while (peek(r) && !is_blank(*r->at) && !strchr("/>=<'\"", *r->at))
        bytes_add(name, r->at++, 1);
    bytes_add(name, "", 1);
    if (name->length == 1 && r->state == FINE)
        r->state = WRONG;
}

static void take_attribute(struct reader *r, struct tag *tag) {
    if (tag->count == ATTRIBUTES_MAX) {
        r->state = WRONG;
        return;
    }
    struct attribute *a = &tag->attributes[tag->count++];
    *a = (struct attribute){.name = {0}};
    take_name(r, &a->name);
    skip_space(r);
    must(r, "=");
    skip_space(r);
    const char quote[] = {peek(r) == '"' ? '"' : '\'', '\0'};
    must(r, quote);
    take_text(r, &a->value, *quote, 1);
    must(r, quote);
    bytes_add(&a->value, "", 1);
}

/* Returns the namespace of a prefix, NULL: none. */
static const char *namespace_of(const struct tag *tag, const char *prefix, size_t len) {
    for (; tag; tag = tag->outer)
        for (size_t i = 0; i < tag->count; i++) {
            const char *name = text_of(&tag->attributes[i].name);
            int is_it = len == 0 ? strcmp(name, "xmlns") == 0
                                 : strncmp(name, "xmlns:", 6) == 0 && strlen(name + 6) == len &&
                                       memcmp(name + 6, prefix, len) == 0;
            if (is_it)
                return text_of(&tag->attributes[i].value);
        }
    if (len == 0)
        return "jabber:client";
    if (len == 6 && memcmp(prefix, "stream", 6) == 0)
        return "http://etherx.jabber.org/streams";
    return len == 3 && memcmp(prefix, "xml", 3) == 0 ? "xml" : NULL;
}

static const char *namespace_of_tag(const struct tag *tag) {
    const char *name = tag ? text_of(&tag->name) : "", *colon = strchr(name, ':');
    return namespace_of(tag, name, colon ? (size_t)(colon - name) : 0);
}

static const char *local_name(const char *name) {
    const char *colon = strchr(name, ':');
    return colon ? colon + 1 : name;
}

static int by_name(const void *a, const void *b) {
    return strcmp(text_of(&((const struct attribute *)a)->name),
                  text_of(&((const struct attribute *)b)->name));
}

/* May a server add this attribute as it likes? */
static int is_free(const struct tag *tag, const char *name) {
    const char *element = local_name(text_of(&tag->name));
    int is_presence = strcmp(element, "presence") == 0, is_iq = strcmp(element, "iq") == 0;
    if (tag->outer)
        return strcmp(element, "error") == 0 && strcmp(name, "by") == 0;
    return strcmp(name, "xml:lang") == 0 || ((is_presence || is_iq) && strcmp(name, "to") == 0);
}

/* Gives the names with a prefix their namespace, and writes all in the order of their names. Declarations are done with. */
static void put_attributes(struct reader *r, struct tag *tag, struct bytes *out) {
    struct attribute sorted[ATTRIBUTES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < tag->count; i++) {
        const char *name = text_of(&tag->attributes[i].name), *colon = strchr(name, ':');
        if (strcmp(name, "xmlns") == 0 || strncmp(name, "xmlns:", 6) == 0 || is_free(tag, name))
            continue;
        struct attribute *a = &sorted[count++];
        *a = (struct attribute){.value = tag->attributes[i].value};
        const char *ns = colon ? namespace_of(tag, name, (size_t)(colon - name)) : "";
        if (ns == NULL)
            r->state = WRONG;
        if (colon && ns) {
            put(&a->name, ns);
            put(&a->name, ":");
        }
        bytes_add(&a->name, local_name(name), strlen(local_name(name)) + 1);
    }
    if (count > 1)
        qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 0; i < count; i++) {
        put(out, " ");
        put(out, text_of(&sorted[i].name));
        put(out, "='");
        put(out, text_of(&sorted[i].value));
        put(out, "'");
        if (i > 0 && by_name(&sorted[i - 1], &sorted[i]) == 0)
            r->state = WRONG;
    }
    for (size_t i = 0; i < count; i++)
        free(sorted[i].name.data);
}

static void free_tag(struct tag *tag) {
    for (size_t i = 0; i < tag->count; i++) {
        free(tag->attributes[i].name.data);
        free(tag->attributes[i].value.data);
    }
    free(tag->name.data);
}

/* ---- Elements ---- */

static void take_element(struct reader *r, const struct tag *outer, struct bytes *out);

/* Takes a child. The words of an error, which are a server's own, are left out. */
static void take_child(struct reader *r, const struct tag *tag, struct bytes *out) {
    static const char *const errors[] = {"<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'",
                                         "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'"};
    size_t start = out->length;
    take_element(r, tag, out);
    for (size_t i = 0; i < 2; i++)
        if (out->length - start > strlen(errors[i]) &&
            memcmp(out->data + start, errors[i], strlen(errors[i])) == 0)
            out->length = start;
}

static void take_content(struct reader *r, const struct tag *tag, struct bytes *out) {
    while (r->state == FINE && !take(r, "</") && r->state == FINE)
        if (take(r, "<![CDATA["))
            take_cdata(r, out);
        else if (peek(r) == '<')
            take_child(r, tag, out);
        else
            take_text(r, out, '<', 0);
    must(r, text_of(&tag->name));
    skip_space(r);
    must(r, ">");
}

static void take_element(struct reader *r, const struct tag *outer, struct bytes *out) {
    struct tag tag = {.outer = outer};
    must(r, "<");
    take_name(r, &tag.name);
    skip_space(r);
    while (peek(r) && *r->at != '/' && *r->at != '>') {
        take_attribute(r, &tag);
        skip_space(r);
    }
    const char *name = local_name(text_of(&tag.name)), *ns = namespace_of_tag(&tag);
    if (r->state == FINE && (ns == NULL || ++r->depth > DEPTH_MAX))
        r->state = WRONG;
    if (r->state == FINE) {
        put(out, "<");
        put(out, name);
        if (strcmp(ns, namespace_of_tag(outer)) != 0) {
            put(out, " xmlns='");
            put(out, ns);
            put(out, "'");
        }
        put_attributes(r, &tag, out);
        put(out, ">");
        if (!take(r, "/>")) {
            must(r, ">");
            take_content(r, &tag, out);
        }
        put(out, "</");
        put(out, name);
        put(out, ">");
        r->depth--;
    }
    free_tag(&tag);
}

long xml_read_element(const unsigned char *data, size_t len, struct bytes *out) {
    struct reader r = {.at = data, .end = data + len};
    skip_space(&r);
    if (r.state == FINE)
        take_element(&r, NULL, out);
    if (r.state == FINE)
        return (long)(r.at - data);
    return r.state == SHORT ? 0 : -1;
}

int xml_matches(const struct bytes *want, const struct bytes *got) {
    size_t w = 0, g = 0, star = 0, from = 0;
    int has_star = 0;
    while (g < got->length) {
        if (w < want->length && want->data[w] == '*') {
            star = ++w;
            from = g;
            has_star = 1;
        } else if (w < want->length && want->data[w] == got->data[g]) {
            w++;
            g++;
        } else if (has_star && !strchr("<>'", got->data[from])) {
            g = ++from;
            w = star;
        } else {
            return 0;
        }
    }
    while (w < want->length && want->data[w] == '*')
        w++;
    return w == want->length;
}
