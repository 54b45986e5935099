/* xml_token.c - see xml_token.h. */
#include "xml_token.h"

#include "text.h"

#include <ctype.h>
#include <string.h>

#define ATTRIBUTES_MAX 64 /* in one tag */

const char xml_more[] = "", xml_malformed[] = "not-well-formed", xml_restricted[] = "restricted-xml";
const char xml_too_much[] = "policy-violation";

struct reader { /* reads a token */
    const char *at, *end;
    xml_error error; /* why the last function has failed */
};

static int fail(struct reader *r, xml_error why) {
    r->error = why;
    return -1;
}

/* Passes a word. If another byte is here, fails with that error. */
static int pass(struct reader *r, const char *word, xml_error otherwise) {
    for (; *word; word++, r->at++)
        if (r->at == r->end || *r->at != *word)
            return fail(r, r->at == r->end ? xml_more : otherwise);
    return 0;
}

int xml_is_word(const char *text, size_t len, const char *word) {
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

/* ---- Characters (XML 1.0, 2.2, 2.3) ---- */

int xml_is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void skip_blanks(struct reader *r) {
    while (r->at < r->end && xml_is_blank(*r->at))
        r->at++;
}

static int is_character(int code) {
    if (code < ' ')
        return code == '\t' || code == '\n' || code == '\r';
    return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && code != 0xfffe && code != 0xffff;
}

/* Reads a character. Returns its code point, -1: there is none. */
static int read_character(struct reader *r) {
    if (r->at == r->end)
        return fail(r, xml_more);
    unsigned first = (unsigned char)*r->at;
    size_t left = (size_t)(r->end - r->at), length = first < 0x80 ? 1 : utf8_length(r->at, left);
    if (length == 0) {
        size_t wanted = 2u + (first >= 0xe0) + (first >= 0xf0);
        return fail(r, first >= 0xc2 && first < 0xf5 && left < wanted ? xml_more : xml_malformed);
    }

    int code = (int)(length == 1 ? first : first & (0xffu >> (length + 1)));
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)r->at[i] & 0x3f);
    if (!is_character(code))
        return fail(r, xml_malformed);
    r->at += length;
    return code;
}

/* ---- Names (Namespaces in XML 1.0, 4) ---- */

/* May a name begin with it? */
static int begins_name(int code) {
    static const int ranges[][2] = {
        {'A', 'Z'},       {'_', '_'},       {'a', 'z'},       {0xc0, 0xd6},     {0xd8, 0xf6},
        {0xf8, 0x2ff},    {0x370, 0x37d},   {0x37f, 0x1fff},  {0x200c, 0x200d}, {0x2070, 0x218f},
        {0x2c00, 0x2fef}, {0x3001, 0xd7ff}, {0xf900, 0xfdcf}, {0xfdf0, 0xfffd}, {0x10000, 0xeffff},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return 1;
    return 0;
}

static int continues_name(int code) {
    return begins_name(code) || code == '-' || code == '.' || (code >= '0' && code <= '9') || code == 0xb7 ||
           (code >= 0x300 && code <= 0x36f) || code == 0x203f || code == 0x2040;
}

/* Reads a name, which may have a prefix: one colon, with something before and behind it. */
static int read_name(struct reader *r) {
    const char *start = r->at, *colon = NULL;
    int begins = 1;
    for (;;) {
        const char *before = r->at;
        int code = read_character(r);
        if (code < 0)
            return -1;
        if (begins ? !begins_name(code) : !continues_name(code) && (code != ':' || colon)) {
            r->at = before; /* it is what comes behind the name */
            return begins || code == ':' ? fail(r, xml_malformed) : 0;
        }
        if (r->at - start > XML_NAME_MAX)
            return fail(r, xml_too_much);
        begins = code == ':';
        if (begins)
            colon = before;
    }
}

/* ---- References (XML 1.0, 4.1) ---- */

/* Reads "#8230;" or "#x2026;". */
static int read_number(struct reader *r) {
    int base = 10, code = 0;
    r->at++;
    if (r->at < r->end && *r->at == 'x') {
        base = 16;
        r->at++;
    }
    const char *first = r->at;
    for (; r->at < r->end && *r->at != ';'; r->at++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, tolower((unsigned char)*r->at), (size_t)base);
        if (digit == NULL || r->at - first == XML_NAME_MAX)
            return fail(r, digit ? xml_too_much : xml_malformed);
        if (code <= 0x10ffff)
            code = code * base + (int)(digit - digits);
    }
    if (r->at < r->end && (r->at == first || !is_character(code)))
        return fail(r, xml_malformed);
    return pass(r, ";", xml_malformed) < 0 ? -1 : code;
}

/* Reads "&...;". Returns the code point that it stands for, -1: none. */
static int read_reference(struct reader *r) {
    static const char *const names[] = {"lt", "gt", "amp", "quot", "apos"};
    const char *name = ++r->at;
    if (r->at < r->end && *r->at == '#')
        return read_number(r);
    if (read_name(r) < 0)
        return -1;
    size_t length = (size_t)(r->at - name);
    if (pass(r, ";", xml_malformed) < 0)
        return -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (xml_is_word(name, length, names[i]))
            return "<>&\"'"[i];
    return fail(r, xml_restricted);
}

/* Reads a character as it stands in text and in values. */
static int read_escaped(struct reader *r) {
    if (r->at < r->end && *r->at == '<')
        return fail(r, xml_malformed);
    return r->at < r->end && *r->at == '&' ? read_reference(r) : read_character(r);
}

/* ---- Tags ---- */

/* Reads a value in quotes, and tells where it is. */
static int read_value(struct reader *r, struct xml_attribute *a, const char *start) {
    if (r->at == r->end)
        return fail(r, xml_more);
    char quote = *r->at++;
    if (quote != '"' && quote != '\'')
        return fail(r, xml_malformed);
    a->value = (size_t)(r->at - start);
    while (r->at == r->end || *r->at != quote)
        if (read_escaped(r) < 0)
            return -1;
    a->value_length = (size_t)(r->at++ - start) - a->value;
    return 0;
}

size_t xml_attribute_read(struct xml_attribute *a, const char *data, size_t len, xml_error *error) {
    struct reader r = {data, data + len, NULL};
    *error = NULL;
    skip_blanks(&r);
    if (r.at == r.end || *r.at == '/' || *r.at == '>' || *r.at == '?')
        return 0;

    a->name = (size_t)(r.at - data);
    int result =
        a->name > 0 ? read_name(&r) : fail(&r, xml_malformed); /* there has to be a blank before it */
    a->name_length = (size_t)(r.at - data) - a->name;
    skip_blanks(&r);
    if (result == 0)
        result = pass(&r, "=", xml_malformed);
    skip_blanks(&r);
    if (result == 0)
        result = read_value(&r, a, data);
    *error = r.error;
    return result < 0 ? 0 : (size_t)(r.at - data);
}

static int read_attributes(struct reader *r, struct xml_token *t, const char *start) {
    struct xml_attribute a;
    size_t n = 1;
    t->text = (size_t)(r->at - start);
    for (int count = 0; n > 0; count++) {
        if (count > ATTRIBUTES_MAX)
            return fail(r, xml_too_much);
        n = xml_attribute_read(&a, r->at, (size_t)(r->end - r->at), &r->error);
        r->at += n;
    }
    t->text_length = (size_t)(r->at - start) - t->text;
    return r->error ? -1 : 0;
}

static int read_tag(struct reader *r, struct xml_token *t) {
    const char *start = r->at++;
    int is_end = r->at < r->end && *r->at == '/';
    t->kind = is_end ? XML_TOKEN_ENDS : XML_TOKEN_START;
    r->at += is_end;
    t->name = (size_t)(r->at - start);
    if (read_name(r) < 0)
        return -1;
    t->name_length = (size_t)(r->at - start) - t->name;
    if (!is_end && read_attributes(r, t, start) < 0)
        return -1;
    skip_blanks(r);
    t->is_empty = !is_end && r->at < r->end && *r->at == '/';
    return pass(r, t->is_empty ? "/>" : ">", xml_malformed);
}

/* <?xml ...?>: the only one of its kind that there may be. */
static int read_declaration(struct reader *r, struct xml_token *t) {
    const char *start = r->at;
    t->kind = XML_TOKEN_DECLARATION;
    if (pass(r, "<?xml", xml_restricted) < 0)
        return -1;
    if (r->at < r->end && !xml_is_blank(*r->at))
        return fail(r, xml_restricted);
    if (read_attributes(r, t, start) < 0)
        return -1;
    skip_blanks(r);
    return pass(r, "?>", xml_malformed);
}

/* ---- Text ---- */

/* Is "]]>" here, which ends CDATA, and must not be in other text? -1: more bytes are needed to tell. */
static int is_cdata_end(struct reader *r) {
    size_t left = (size_t)(r->end - r->at), length = left < 3 ? left : 3;
    if (memcmp(r->at, "]]>", length) != 0)
        return 0;
    return length == 3 ? 1 : fail(r, xml_more);
}

/* Reads text up to its end, or as much of it as is there. Returns 1: to its end. */
static int read_characters(struct reader *r, const char *start, int in_cdata) {
    for (;;) {
        const char *before = r->at;
        int result = is_cdata_end(r);
        if (result > 0 || (result == 0 && !in_cdata && *r->at == '<'))
            return 1;
        if (result == 0)
            result = in_cdata ? read_character(r) : read_escaped(r);
        if (result < 0) {
            r->at = before;
            return before > start ? 0 : -1; /* what came before is text, and is returned now */
        }
    }
}

static int read_text(struct reader *r, struct xml_token *t) {
    const char *start = r->at;
    int result = read_characters(r, start, 0);
    t->text_length = (size_t)(r->at - start);
    return result > 0 && r->at == start ? fail(r, xml_malformed) : result;
}

/* <![CDATA[...]]>: text in which "<" and "&" are nothing special. */
static int read_cdata(struct reader *r, struct xml_token *t) {
    const char *start = r->at;
    t->kind = XML_TOKEN_CDATA;
    if (!t->in_cdata && pass(r, "<![CDATA[", xml_restricted) < 0)
        return -1;
    t->text = (size_t)(r->at - start);
    int result = read_characters(r, start, 1);
    t->text_length = (size_t)(r->at - start) - t->text;
    t->in_cdata = result == 0;
    r->at += result > 0 ? 3 : 0;
    return result;
}

size_t xml_token_read(struct xml_token *t, const char *data, size_t len, xml_error *error) {
    struct reader r = {data, data + len, NULL};
    int result;
    *t = (struct xml_token){.kind = XML_TOKEN_TEXT, .in_cdata = t->in_cdata};
    if (!t->in_cdata && *data != '<')
        result = read_text(&r, t);
    else if (!t->in_cdata && len == 1)
        result = fail(&r, xml_more);
    else if (t->in_cdata || data[1] == '!')
        result = read_cdata(&r, t);
    else
        result = data[1] == '?' ? read_declaration(&r, t) : read_tag(&r, t);
    *error = result < 0 ? r.error : NULL;
    return result < 0 ? 0 : (size_t)(r.at - data);
}

/* Writes a character in UTF-8. Returns behind it. */
static char *put_character(char *at, int code) {
    static const int first[] = {0, 0xc0, 0xe0, 0xf0};
    int more = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000);
    *at++ = (char)(first[more] | code >> 6 * more);
    while (more-- > 0)
        *at++ = (char)(0x80 | (code >> 6 * more & 0x3f));
    return at;
}

size_t xml_decode(char *text, size_t len, enum xml_token_kind in) {
    struct reader r = {text, text + len, NULL};
    char *to = text;
    while (r.at < r.end) {
        if (*r.at == '&' && in != XML_TOKEN_CDATA) {
            to = put_character(to, read_reference(&r));
            continue;
        }
        char c = *r.at++;
        if (c == '\r' && r.at < r.end && *r.at == '\n')
            r.at++;
        if (c == '\r')
            c = '\n';
        *to++ = (char)(in == XML_TOKEN_START && xml_is_blank(c) ? ' ' : c);
    }
    return (size_t)(to - text);
}
