/* xml_tree.h - a piece of an XML stream as a tree of elements, attributes and text; and back into bytes.
 *
 * All strings end with a NUL, and lie in the bytes that the tree was made of: it needs no memory of its own.
 */
#ifndef XML_TREE_H
#define XML_TREE_H

#include "buffer.h"
#include "xml_stream.h"

#define XML_NODES_MAX 2048 /* elements, attributes and pieces of text in a tree */

enum xml_kind { XML_ELEMENT, XML_ATTRIBUTE, XML_DECLARES, XML_TEXT };

struct xml_node {
    enum xml_kind kind;
    const char *ns;     /* of an element or attribute: its namespace; "": none */
    const char *prefix; /* the same: what stood before the colon; "": none */
    const char
        *name;   /* the same: what stood behind it; of a declaration, xmlns:NAME='VALUE': the prefix, or "" */
    char *value; /* of an attribute, a declaration, text */
    size_t length;           /* bytes in it */
    struct xml_node *parent; /* the element that it is in; NULL: none */
    struct xml_node *next;   /* the node behind it there; NULL: none */
    struct xml_node *attributes,
        *children; /* of an element: attributes and declarations; elements and text */

    /* xml_parse()'s own. */
    size_t name_length;
    struct xml_node *last; /* its last child */
};

struct xml_tree {
    int count;
    struct xml_node nodes[XML_NODES_MAX]; /* the first is the outermost element */
};

/* Makes a tree of a piece, XML_HEADER or XML_STANZA, that xml_read() has found, and changes its bytes. Returns NULL, or what
 * is wrong with it. */
xml_error xml_parse(struct xml_tree *tree, struct xml_stream *x, char *data, size_t len);

/* Is it an element of that namespace (NULL: of any) and name (NULL: any)? If e is NULL, it is not. */
int xml_is(const struct xml_node *e, const char *ns, const char *name);

/* Return the first child element of that namespace (NULL: of any) and name (NULL: any), or NULL; the value of an attribute
 * that has no prefix, or NULL; the text of an element that has nothing else, or "". */
struct xml_node *xml_child(const struct xml_node *e, const char *ns, const char *name);
const char *xml_attribute(const struct xml_node *e, const char *name);
const char *xml_text(const struct xml_node *e);

/* Gives an element an attribute, or its attribute another value, which has to live as long as the tree. Returns 0, or -1:
 * there is no node left. */
int xml_set(struct xml_tree *tree, struct xml_node *e, const char *name, const char *value);

/* Writes an element, with all that is in it, behind what is in a buffer; `ns` is the namespace of what surrounds it there.
 * Elements have no prefixes afterwards (but "xml"); an attribute that has a namespace gets a prefix of ours, a0, a1 ...,
 * declared beside it. Returns 0; or -1: it is longer than `max`, or memory is out. */
int xml_write(struct buffer *out, const struct xml_node *e, const char *ns, size_t max);

/* Writes an attribute that has no prefix, " name='value'". */
int xml_write_attribute(struct buffer *out, const char *name, const char *value, size_t max);

#endif
