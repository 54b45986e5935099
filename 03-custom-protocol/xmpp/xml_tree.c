/* xml_tree.c - see xml_tree.h. */
#include "xml_tree.h"

#include <stdio.h>
#include <string.h>

static const char xml_namespace[] = "http://www.w3.org/XML/1998/namespace";
static const char xmlns_namespace[] = "http://www.w3.org/2000/xmlns/";
static const char bad_prefix[] = "bad-namespace-prefix";

/* ---- Bytes to nodes: names and values are not ended with a NUL yet ---- */

static struct xml_node *new_node(struct xml_tree *tree, enum xml_kind kind, struct xml_node *parent) {
    if (tree->count == XML_NODES_MAX)
        return NULL;
    struct xml_node *node = &tree->nodes[tree->count++];
    *node = (struct xml_node){.kind = kind, .parent = parent, .ns = "", .prefix = "", .name = ""};
    return node;
}

/* Adds an element or text behind what is in its parent. */
static struct xml_node *new_child(struct xml_tree *tree, enum xml_kind kind, struct xml_node *parent) {
    struct xml_node *node = new_node(tree, kind, parent);
    if (node && parent && parent->last)
        parent->last->next = node;
    else if (node && parent)
        parent->children = node;
    if (node && parent)
        parent->last = node;
    return node;
}

static void set_name(struct xml_node *node, char *name, size_t len) {
    node->name = name;
    node->name_length = len;
}

static xml_error add_attributes(struct xml_tree *tree, struct xml_node *e, char *at, size_t len) {
    struct xml_attribute a;
    struct xml_node **end = &e->attributes;
    xml_error none;
    for (size_t n; (n = xml_attribute_read(&a, at, len, &none)) > 0; at += n, len -= n) {
        struct xml_node *node = new_node(tree, XML_ATTRIBUTE, e);
        if (node == NULL)
            return xml_too_much;
        set_name(node, at + a.name, a.name_length);
        node->value = at + a.value;
        node->length = xml_decode(node->value, a.value_length, XML_TOKEN_START);
        *end = node;
        end = &node->next;
    }
    return NULL;
}

/* Adds text, to the text before it, if there is some. */
static xml_error add_text(struct xml_tree *tree, struct xml_node *e, char *text, size_t len) {
    struct xml_node *last = e->last;
    if (last && last->kind == XML_TEXT) {
        memmove(last->value + last->length, text, len);
        last->length += len;
        return NULL;
    }
    if (len == 0)
        return NULL;
    struct xml_node *node = new_child(tree, XML_TEXT, e);
    if (node == NULL)
        return xml_too_much;
    node->value = text;
    node->length = len;
    return NULL;
}

/* Adds what a token says. *e is the element that is open, and changes with a tag. */
static xml_error add_token(struct xml_tree *tree, struct xml_node **e, char *data,
                           const struct xml_token *t) {
    char *text = data + t->text;
    size_t len = t->text_length;
    xml_error why = NULL;
    switch (t->kind) {
    case XML_TOKEN_TEXT:
    case XML_TOKEN_CDATA: return *e ? add_text(tree, *e, text, xml_decode(text, len, t->kind)) : NULL;
    case XML_TOKEN_START:
        *e = new_child(tree, XML_ELEMENT, *e);
        if (*e == NULL)
            return xml_too_much;
        set_name(*e, data + t->name, t->name_length);
        why = add_attributes(tree, *e, text, len);
        break;
    default: break;
    }
    if (*e && (t->kind == XML_TOKEN_ENDS || t->is_empty))
        *e = (*e)->parent;
    return why;
}

/* ---- Prefixes to namespaces ---- */

/* Ends all strings, and cuts names into prefix and name. */
static void end_strings(struct xml_node *node) {
    char *name = (char *)node->name, *colon = NULL;
    if (node->kind != XML_TEXT) {
        name[node->name_length] = '\0';
        colon = strchr(name, ':');
    }
    if (colon) {
        *colon = '\0';
        node->prefix = name;
        node->name = colon + 1;
    }
    if (node->value)
        node->value[node->length] = '\0';
    if (node->kind == XML_ATTRIBUTE && strcmp(node->prefix, "xmlns") == 0)
        node->kind = XML_DECLARES;
    if (node->kind == XML_ATTRIBUTE && !colon && strcmp(name, "xmlns") == 0) {
        node->kind = XML_DECLARES;
        node->name = "";
    }
}

/* Returns the namespace that a prefix stands for in an element, NULL: none. */
static const char *find_namespace(const struct xml_stream *x, const struct xml_node *e, const char *prefix) {
    if (strcmp(prefix, "xml") == 0)
        return xml_namespace;
    for (; e; e = e->parent)
        for (const struct xml_node *a = e->attributes; a; a = a->next)
            if (a->kind == XML_DECLARES && strcmp(a->name, prefix) == 0)
                return a->value;
    const char *end = x->root + x->root_length;
    for (const char *at = x->root + strlen(x->root) + 1; at < end; at += strlen(at) + 1) {
        int is_it = strcmp(at, prefix) == 0;
        at += strlen(at) + 1;
        if (is_it)
            return at;
    }
    return *prefix ? NULL : "";
}

/* Is a declaration one that may be (Namespaces in XML 1.0, 3)? */
static int may_declare(const struct xml_node *a) {
    int is_xml = strcmp(a->name, "xml") == 0, is_its = strcmp(a->value, xml_namespace) == 0;
    int is_xmlns = strcmp(a->name, "xmlns") == 0 || strcmp(a->value, xmlns_namespace) == 0;
    return is_xml == is_its && !is_xmlns && (*a->value || !*a->name);
}

/* Is there another attribute of its name behind it? */
static int is_twice(const struct xml_node *a) {
    for (const struct xml_node *other = a->next; other; other = other->next)
        if (other->kind == a->kind && strcmp(other->name, a->name) == 0 && strcmp(other->ns, a->ns) == 0)
            return 1;
    return 0;
}

static xml_error resolve(const struct xml_stream *x, struct xml_node *e) {
    e->ns = find_namespace(x, e, e->prefix);
    if (e->ns == NULL)
        return bad_prefix;
    for (struct xml_node *a = e->attributes; a; a = a->next) {
        if (a->kind == XML_DECLARES && !may_declare(a))
            return bad_prefix;
        if (a->kind == XML_ATTRIBUTE && *a->prefix)
            a->ns = find_namespace(x, e, a->prefix);
        if (a->ns == NULL)
            return bad_prefix;
    }
    for (const struct xml_node *a = e->attributes; a; a = a->next)
        if (is_twice(a))
            return xml_malformed;
    return NULL;
}

/* Keeps what the stream's own tag declares, for all elements in it. */
static xml_error keep_namespaces(struct xml_stream *x, const struct xml_node *e) {
    for (const struct xml_node *a = e->attributes; a; a = a->next) {
        size_t name = strlen(a->name) + 1, value = a->length + 1;
        if (a->kind != XML_DECLARES)
            continue;
        if (x->root_length + name + value > sizeof x->root)
            return xml_too_much;
        memcpy(x->root + x->root_length, a->name, name);
        memcpy(x->root + x->root_length + name, a->value, value);
        x->root_length += name + value;
    }
    return NULL;
}

xml_error xml_parse(struct xml_tree *tree, struct xml_stream *x, char *data, size_t len) {
    struct xml_node *open = NULL;
    xml_error why = NULL;
    tree->count = 0;
    while (len > 0 && why == NULL) {
        struct xml_token t = {.in_cdata = 0};
        size_t n = xml_token_read(&t, data, len, &why);
        if (why == NULL)
            why = add_token(tree, &open, data, &t);
        data += n;
        len -= n;
    }

    for (int i = 0; i < tree->count; i++)
        end_strings(&tree->nodes[i]);
    for (int i = 0; i < tree->count && why == NULL; i++)
        if (tree->nodes[i].kind == XML_ELEMENT)
            why = resolve(x, &tree->nodes[i]);
    if (x->kind == XML_HEADER && why == NULL)
        why = keep_namespaces(x, tree->nodes);
    return why;
}

/* ---- What is in a tree ---- */

int xml_is(const struct xml_node *e, const char *ns, const char *name) {
    return e && e->kind == XML_ELEMENT && (!ns || strcmp(e->ns, ns) == 0) &&
           (!name || strcmp(e->name, name) == 0);
}

struct xml_node *xml_child(const struct xml_node *e, const char *ns, const char *name) {
    struct xml_node *child = e->children;
    while (child && !xml_is(child, ns, name))
        child = child->next;
    return child;
}

static struct xml_node *find_attribute(const struct xml_node *e, const char *name) {
    struct xml_node *a = e->attributes;
    while (a && (a->kind != XML_ATTRIBUTE || *a->ns || strcmp(a->name, name) != 0))
        a = a->next;
    return a;
}

const char *xml_attribute(const struct xml_node *e, const char *name) {
    const struct xml_node *a = find_attribute(e, name);
    return a ? a->value : NULL;
}

const char *xml_text(const struct xml_node *e) {
    const struct xml_node *text = e->children;
    return text && text->kind == XML_TEXT && text->next == NULL ? text->value : "";
}

int xml_set(struct xml_tree *tree, struct xml_node *e, const char *name, const char *value) {
    struct xml_node *a = find_attribute(e, name);
    if (a == NULL) {
        a = new_node(tree, XML_ATTRIBUTE, e);
        if (a == NULL)
            return -1;
        a->name = name;
        a->next = e->attributes;
        e->attributes = a;
    }
    a->value = (char *)value;
    a->length = strlen(value);
    return 0;
}

/* ---- Nodes to bytes ---- */

struct writer {
    struct buffer *out;
    size_t max;
    int failed;
};

static void put(struct writer *w, const char *text, size_t len) {
    if (!w->failed && len > 0)
        w->failed = buffer_append(w->out, text, len, w->max) < 0;
}

static void put_string(struct writer *w, const char *text) { put(w, text, strlen(text)); }

/* Writes text, with references for what would be markup, and for blanks that would not stay what they are. */
static void put_escaped(struct writer *w, const char *text, size_t len, const char *special) {
    static const char *const references[128] = {
        ['&'] = "&amp;", ['<'] = "&lt;",   ['>'] = "&gt;",   ['\''] = "&apos;",
        ['\t'] = "&#9;", ['\n'] = "&#10;", ['\r'] = "&#13;",
    };
    const char *end = text + len;
    while (text < end) {
        size_t plain = strcspn(text, special);
        put(w, text, plain);
        text += plain;
        if (text < end)
            put_string(w, references[(unsigned char)*text++]);
    }
}

static void put_value(struct writer *w, const char *name, const char *value) {
    put_string(w, " ");
    put_string(w, name);
    put_string(w, "='");
    put_escaped(w, value, strlen(value), "&<'\t\n\r");
    put_string(w, "'");
}

static int is_in_xml(const struct xml_node *e) { return strcmp(e->ns, xml_namespace) == 0; }

/* Writes an attribute. One with a namespace has its prefix, declared beside it. */
static void put_attribute(struct writer *w, const struct xml_node *a, int number) {
    char prefixed[XML_NAME_MAX + 16], declaration[16];
    if (*a->ns == '\0') {
        put_value(w, a->name, a->value);
        return;
    }
    snprintf(prefixed, sizeof prefixed, "xml:%s", a->name);
    if (!is_in_xml(a)) {
        snprintf(declaration, sizeof declaration, "xmlns:a%d", number);
        snprintf(prefixed, sizeof prefixed, "a%d:%s", number, a->name);
        put_value(w, declaration, a->ns);
    }
    put_value(w, prefixed, a->value);
}

/* Writes the name of an element, which needs a prefix in one namespace: that cannot be declared without one. */
static void put_name(struct writer *w, const struct xml_node *e) {
    put_string(w, is_in_xml(e) ? "xml:" : "");
    put_string(w, e->name);
}

static void put_element(struct writer *w, const struct xml_node *e, const char *ns) {
    const char *inside = is_in_xml(e) ? ns : e->ns; /* what has no prefix */
    int number = 0;
    put_string(w, "<");
    put_name(w, e);
    if (strcmp(inside, ns) != 0)
        put_value(w, "xmlns", inside);
    for (const struct xml_node *a = e->attributes; a; a = a->next)
        if (a->kind == XML_ATTRIBUTE)
            put_attribute(w, a, number++);
    if (e->children == NULL) {
        put_string(w, "/>");
        return;
    }

    put_string(w, ">");
    for (const struct xml_node *child = e->children; child && !w->failed; child = child->next)
        if (child->kind == XML_ELEMENT)
            put_element(w, child, inside);
        else
            put_escaped(w, child->value, child->length, "&<>\r");
    put_string(w, "</");
    put_name(w, e);
    put_string(w, ">");
}

int xml_write(struct buffer *out, const struct xml_node *e, const char *ns, size_t max) {
    struct writer w = {out, max, 0};
    put_element(&w, e, ns);
    return w.failed ? -1 : 0;
}

int xml_write_attribute(struct buffer *out, const char *name, const char *value, size_t max) {
    struct writer w = {out, max, 0};
    put_value(&w, name, value);
    return w.failed ? -1 : 0;
}
