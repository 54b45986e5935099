/* xml_token.h - XML in its smallest parts: tags, the attributes in a tag, text.
 *
 * The rules are those of XML 1.0 and Namespaces in XML 1.0, but for what RFC 6120, 11.1, forbids: comments, processing
 * instructions, DOCTYPE, and all entities but the five that XML itself has. It takes bytes, and keeps nothing.
 */
#ifndef XML_TOKEN_H
#define XML_TOKEN_H

#include <stddef.h>

#define XML_NAME_MAX 256 /* bytes in a name, prefix included */

/* What is wrong, as a condition of RFC 6120, 4.9.3; NULL: nothing. xml_more is compared as a pointer. */
typedef const char *xml_error;
extern const char xml_more[]; /* "": more bytes are needed to tell */
extern const char xml_malformed[], xml_restricted[], xml_too_much[];

enum xml_token_kind {
    XML_TOKEN_TEXT,
    XML_TOKEN_CDATA,
    XML_TOKEN_START,
    XML_TOKEN_ENDS,
    XML_TOKEN_DECLARATION
};

struct xml_token {
    enum xml_token_kind kind;
    size_t name, name_length; /* of a tag: where its name is, in bytes from the token's beginning */
    size_t text, text_length; /* what is in it: text as it stands there; in a tag, its attributes */
    int is_empty;             /* <start/>, which is an end tag, too */
    int in_cdata;             /* CDATA that has not ended: the next token goes on with it */
};

/* Reads one token from `len` bytes, 1 at least: a tag; or text or CDATA up to its end, or as much of it as is there. Before
 * the call, *t is the token in front of it, or zeros. Returns its length in bytes; or 0, and in *error what is wrong:
 * xml_more if it may still become right. */
size_t xml_token_read(struct xml_token *t, const char *data, size_t len, xml_error *error);

/* Reads an attribute. Returns its length in bytes, with the blanks before it; or 0, and in *error what is wrong, or NULL if
 * there are no more attributes. */
struct xml_attribute {
    size_t name, name_length, value,
        value_length; /* in bytes from where it was read; the value as it stands there */
};
size_t xml_attribute_read(struct xml_attribute *a, const char *data, size_t len, xml_error *error);

/* Replaces the references in text (&lt; &#8230; ...) by what they stand for, and the ends of lines by LF; in CDATA,
 * only these; in a start tag, where it is the value of an attribute, blanks by spaces, too. The text has to be one that
 * xml_token_read() or xml_attribute_read() has found to be right. Returns its new length in bytes, which is never more. */
size_t xml_decode(char *text, size_t len, enum xml_token_kind in);

/* Space, tab, LF or CR. */
int xml_is_blank(char c);

/* Is text of this length the same as a word? */
int xml_is_word(const char *text, size_t len, const char *word);

#endif
