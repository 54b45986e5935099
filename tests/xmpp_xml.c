/* xmpp_xml.c - the checks of XML and of addresses for xmpp_modules.
 *
 * What a stream means is told in words, a piece after the other: "<message>...</message>", as it is written anew; "end";
 * an error; "more": what is left is no whole piece. Blanks between stanzas are nothing. It has to be the same at each cut.
 */
#include "../03-custom-protocol/xmpp/jid.h"
#include "../03-custom-protocol/xmpp/xml_tree.h"
#include "xmpp_modules.h"

#include <stdlib.h>

#define HEAD "<stream:stream xmlns='jabber:client' xmlns:stream='s' xmlns:p='urn:p'>" /* around a stanza */

static const struct buffer nothing;

static void add(struct buffer *b, const char *text, size_t len) {
    if (len > 0 && buffer_append(b, text, len, 1 << 24) < 0)
        abort();
}

static void add_text(struct buffer *b, const char *text) { add(b, text, strlen(text)); }

/* ---- Are two trees the same? ---- */

static int is_same_node(const struct xml_node *a, const struct xml_node *b);

static const struct xml_node *skip_declarations(const struct xml_node *a) {
    while (a && a->kind == XML_DECLARES)
        a = a->next;
    return a;
}

static int is_same_list(const struct xml_node *a, const struct xml_node *b) {
    a = skip_declarations(a);
    b = skip_declarations(b);
    while (a && b && is_same_node(a, b)) {
        a = skip_declarations(a->next);
        b = skip_declarations(b->next);
    }
    return a == NULL && b == NULL;
}

static int is_same_node(const struct xml_node *a, const struct xml_node *b) {
    return a->kind == b->kind && strcmp(a->ns, b->ns) == 0 && strcmp(a->name, b->name) == 0 &&
           a->length == b->length && (a->value == NULL) == (b->value == NULL) &&
           (a->value == NULL || memcmp(a->value, b->value, a->length) == 0) &&
           is_same_list(a->attributes, b->attributes) && is_same_list(a->children, b->children);
}

/* ---- A stream, at some cut ---- */

/* Returns bytes behind which memory ends, so that valgrind sees each one that is read too many; free(copy - 1). */
static char *copy_of(const char *data, size_t len) {
    char *copy = malloc(len + 1);
    if (copy == NULL)
        abort();
    if (len > 0)
        memcpy(copy + 1, data, len);
    return copy + 1;
}

/* Writes a tree, reads that, and tells whether it is the same tree. */
static void check_written(struct xml_stream x, const struct xml_tree *tree, const struct buffer *written) {
    static struct xml_tree again;
    struct xml_stream inner = {.depth = 1, .root = "r", .root_length = 2};
    char *copy = copy_of(written->data, written->length);
    CHECK(x.kind == XML_HEADER || xml_read(&inner, copy, written->length) == (long)written->length,
          "is no piece: %.*s", (int)written->length, written->data);
    memcpy(inner.root, "r\0\0jabber:client", sizeof "r\0\0jabber:client"); /* what xml_write() was told */
    inner.root_length = sizeof "r\0\0jabber:client";
    if (x.kind != XML_HEADER)
        CHECK(xml_parse(&again, &inner, copy, written->length) == NULL &&
                  is_same_node(tree->nodes, again.nodes),
              "is another tree: %.*s", (int)written->length, written->data);
    for (size_t i = 0; i < written->length; i++)
        CHECK((unsigned char)written->data[i] >= ' ' || strchr("\t\n", written->data[i]),
              "has control characters in it");
    free(copy - 1);
}

/* Tells what a piece is. Returns 0 if it is wrong. */
static int tell_piece(struct buffer *told, struct xml_stream *x, const char *data, size_t len) {
    static struct xml_tree tree;
    struct buffer written = nothing;
    if (x->kind == XML_SPACE)
        return 1;
    if (x->kind == XML_END) {
        add_text(told, "end ");
        return 0;
    }
    char *copy = copy_of(data, len);
    const char *why = xml_parse(&tree, x, copy, len);
    if (why == NULL && xml_write(&written, tree.nodes, "jabber:client", 1 << 22) < 0)
        abort();
    if (why == NULL)
        check_written(*x, &tree, &written);
    add(told, why ? why : written.data, why ? strlen(why) : written.length);
    add_text(told, " ");
    buffer_free(&written);
    free(copy - 1);
    return why == NULL;
}

static int has_logins; /* the client begins a new stream after it */

static void begin_anew(struct xml_stream *x, const char *data, size_t len) {
    const char *heads[] = {"<?xml", "<stream:stream "};
    for (size_t i = 0; i < 2; i++)
        if (has_logins && x->depth == 1 && x->seen == 0 && len > strlen(heads[i]) &&
            memcmp(data, heads[i], strlen(heads[i])) == 0)
            *x = (struct xml_stream){.depth = 0};
}

/* Tells what a stream means of which `first` bytes come at first, and then `step` at a time. */
static void tell_stream(struct buffer *told, const char *data, size_t len, size_t first, size_t step) {
    struct xml_stream x = {.depth = 0};
    size_t at = 0, until = first;
    for (;;) {
        char *copy = copy_of(data + at, until - at);
        begin_anew(&x, copy, until - at);
        long n = xml_read(&x, copy, until - at);
        int goes_on = n > 0 ? tell_piece(told, &x, copy, (size_t)n) : n == 0;
        free(copy - 1);
        if (n < 0) {
            add_text(told, x.error);
            add_text(told, " ");
        }
        if (!goes_on)
            return;
        at += (size_t)n;
        if (n == 0 && until == len)
            break;
        if (n == 0)
            until = until + step < len ? until + step : len;
    }
    add_text(told, at < len ? "more " : "");
}

/* Tells what it means; says so if that depends on the cut. */
static void tell_at_each_cut(struct buffer *told, const char *data, size_t len) {
    tell_stream(told, data, len, len, 1);
    for (size_t cut = 0; cut < len; cut++) {
        struct buffer other = nothing;
        tell_stream(&other, data, len, cut, cut == 0 ? 1 : len);
        CHECK(other.length == told->length && memcmp(other.data, told->data, told->length) == 0,
              "%.*s: cut at %zu (0: everywhere) it is %.*s, not %.*s", (int)len, data, cut, (int)other.length,
              other.data ? other.data : "", (int)told->length, told->data);
        buffer_free(&other);
    }
}

void xml_check_recording(void) {
    static char data[65536];
    struct buffer told = nothing;
    has_logins = 1;
    size_t len = fread(data, 1, sizeof data, stdin);
    tell_at_each_cut(&told, data, len);
    CHECK(len > 0 && told.length > 4, "nothing is in it");
    CHECK(told.length > 4 && memcmp(told.data + told.length - 4, "end ", 4) == 0, "it ends in this way: %.*s",
          told.length > 300 ? 300 : (int)told.length,
          told.data + (told.length > 300 ? told.length - 300 : 0));
    buffer_free(&told);
}

/* ---- Lines of a table ---- */

/* Replaces \n, \r, \t and \xNN by what they mean. Returns the length. */
static size_t unescape(char *text) {
    char *to = text;
    for (const char *at = text; *at; at++) {
        static const char letters[] = "nrt", meant[] = "\n\r\t";
        char digits[3] = "";
        const char *letter = at[0] == '\\' ? strchr(letters, at[1]) : NULL;
        if (at[0] != '\\') {
            *to++ = *at;
        } else if (letter) {
            *to++ = meant[letter - letters];
            at++;
        } else {
            memcpy(digits, at + 2, 2);
            *to++ = (char)strtol(digits, NULL, 16);
            at += 3;
        }
    }
    return (size_t)(to - text);
}

/* Cuts a line at its last " => ". Returns what is behind it. */
static const char *outcome_of(char *line) {
    char *arrow = strstr(line, " => ");
    if (arrow == NULL) {
        CHECK(0, "a line has no => in it: %s", line);
        return line + strlen(line);
    }
    *arrow = '\0';
    return arrow + 4;
}

/* Does a stream mean what the line says, behind the meaning of its head? */
static void check_line(char *line, const char *head) {
    const char *outcome = outcome_of(line);
    struct buffer told = nothing, data = nothing, before = nothing;
    char expected[4096];
    snprintf(expected, sizeof expected, "%s", outcome);
    size_t length = unescape(expected);
    add_text(&data, head);
    tell_stream(&before, data.data, data.length, data.length, 1);
    add(&data, line, unescape(line));
    tell_at_each_cut(&told, data.data, data.length);
    const char *meant = told.data + before.length;
    CHECK(told.length == before.length + length + 1 && memcmp(meant, expected, length) == 0,
          "%.*s => %.*s, not %s", (int)(data.length - strlen(head)), data.data + strlen(head),
          (int)(told.length - before.length), meant, outcome);
    buffer_free(&told);
    buffer_free(&data);
    buffer_free(&before);
}

void xml_check_stanza(char *line) { check_line(line, HEAD); }

void xml_check_stream(char *line) { check_line(line, ""); }

void xml_check_address(char *line) {
    const char *outcome = outcome_of(line);
    char told[4096] = "none";
    struct jid j;
    if (jid_read(&j, line) == 0)
        snprintf(told, sizeof told, "%.*s|%.*s|%s", (int)j.local_length, j.local ? j.local : "",
                 (int)j.domain_length, j.domain, j.resource ? j.resource : "");
    CHECK(strcmp(told, outcome) == 0, "%s => %s, not %s", line, told, outcome);
}

/* ---- Bounds ---- */

static void add_times(struct buffer *b, const char *text, int times) {
    while (times-- > 0)
        add_text(b, text);
}

/* Does it end like that? */
static void check_end(const char *what, int size, struct buffer *data, const char *end) {
    struct buffer told = nothing;
    size_t length = strlen(end);
    tell_stream(&told, data->data, data->length, data->length, 1);
    CHECK(told.length >= length && memcmp(told.data + told.length - length, end, length) == 0,
          "%s, %d: does not end with %s", what, size, end);
    buffer_free(&told);
    buffer_free(data);
}

static void add_name(struct buffer *b, int size) {
    add_text(b, "<");
    add_times(b, "n", size);
    add_text(b, "/></stream:stream>");
}

static void add_attributes(struct buffer *b, int count) {
    add_text(b, "<a");
    for (int i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof text, " a%d='%d'", i, i);
        add_text(b, text);
    }
    add_text(b, "/></stream:stream>");
}

static void add_depth(struct buffer *b, int depth) {
    add_times(b, "<a>", depth);
    add_times(b, "</a>", depth);
    add_text(b, "</stream:stream>");
}

static void add_nodes(struct buffer *b, int count) {
    add_text(b, "<a>");
    add_times(b, "<b/>", (count - 1) % 4);
    add_times(b, "<b c='d'>e</b>t", (count - 1) / 4);
    add_text(b, "</a></stream:stream>");
}

static void add_digits(struct buffer *b, int count) {
    add_text(b, "<a>&#");
    add_times(b, "0", count - 2);
    add_text(b, "65;</a></stream:stream>");
}

void xml_check_bounds(void) {
    static const struct {
        const char *what;
        void (*add)(struct buffer *b, int size);
        int max;
    } bounds[] = {{"a name", add_name, XML_NAME_MAX},
                  {"attributes", add_attributes, 64},
                  {"depth", add_depth, XML_DEPTH_MAX - 1},
                  {"nodes", add_nodes, XML_NODES_MAX},
                  {"digits", add_digits, XML_NAME_MAX}};
    struct buffer data = nothing;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
        for (int more = 0; more < 2; more++) {
            add_text(&data, HEAD);
            bounds[i].add(&data, bounds[i].max + more);
            check_end(bounds[i].what, bounds[i].max + more, &data,
                      more     ? "policy-violation "
                      : i == 0 ? "n/> end "
                               : "> end ");
        }
    for (int more = 0; more < 2;
         more++) { /* "s:s", "s", "s", "p": each with a NUL behind it, and the namespace's */
        add_text(&data, "<s:s xmlns:s='s' xmlns:p='");
        add_times(&data, "n", XML_ROOT_MAX - 11 + more);
        add_text(&data, "'></s:s>");
        check_end("the stream's tag", XML_ROOT_MAX + more, &data, more ? "policy-violation " : "> end ");
    }
}

/* ---- What a tree says, and what is changed in it ---- */

void xml_check_changes(void) {
    static struct xml_tree tree;
    struct xml_stream x = {.depth = 1, .root = "r", .root_length = 2};
    char text[] = "<m x:to='1' to='2' xmlns:x='u'><a>t<b/></a><a xmlns='v'>a&lt;<![CDATA[<]]></a></m>";
    struct buffer out = nothing;
    CHECK(xml_read(&x, text, sizeof text - 1) == (long)sizeof text - 1, "is not read");
    CHECK(xml_parse(&tree, &x, text, sizeof text - 1) == NULL, "is not parsed");
    struct xml_node *e = tree.nodes;
    CHECK(strcmp(xml_attribute(e, "to"), "2") == 0 && xml_attribute(e, "from") == NULL, "xml_attribute");
    CHECK(xml_child(e, "v", "a") == e->children->next && xml_child(e, NULL, "a") == e->children &&
              xml_child(e, "w", "a") == NULL && xml_child(e, NULL, NULL) == e->children,
          "xml_child");
    CHECK(strcmp(xml_text(e->children->next), "a<<") == 0 && *xml_text(e->children) == '\0', "xml_text");
    CHECK(!xml_is(NULL, NULL, NULL) && !xml_is(e->children->children, NULL, NULL), "xml_is");

    CHECK(xml_set(&tree, e, "to", "3'") == 0 && xml_set(&tree, e, "from", "\n") == 0, "xml_set");
    CHECK(xml_write(&out, e, "", 1000) == 0, "xml_write");
    const char *expected = "<m from='&#10;' xmlns:a1='u' a1:to='1' to='3&apos;'><a>t<b/></a>"
                           "<a xmlns='v'>a&lt;&lt;</a></m>";
    CHECK(out.length == strlen(expected) && memcmp(out.data, expected, out.length) == 0, "%.*s, not %s",
          (int)out.length, out.data, expected);
    buffer_free(&out);
    CHECK(xml_write(&out, e, "", strlen(expected)) == 0, "xml_write, as long as it may be");
    buffer_free(&out);
    CHECK(xml_write(&out, e, "", strlen(expected) - 1) == -1, "xml_write, one byte too many");
    buffer_free(&out);
    tree.count = XML_NODES_MAX;
    CHECK(xml_set(&tree, e, "from", "x") == 0 && xml_set(&tree, e, "id", "x") == -1, "xml_set, full");
}
