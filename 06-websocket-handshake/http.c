/* http.c - see http.h. Of HTTP it knows as much as a handshake needs. */
#include "http.h"

#include <string.h>

#define HEAD_MARGIN "         "

/* ---- spans of text ---- */

static int lower(int c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }
static int is_blank(char c) { return c == ' ' || c == '\t'; }

int span_is(struct span s, const char *text) {
    return s.at && s.length == strlen(text) && memcmp(s.at, text, s.length) == 0;
}

int span_is_nocase(struct span s, const char *text) {
    size_t i = 0;
    while (i < s.length && text[i] && lower(s.at[i]) == lower(text[i]))
        i++;
    return s.at && i == s.length && text[i] == '\0';
}

struct span span_trim(struct span s) {
    while (s.length > 0 && is_blank(s.at[0])) {
        s.at++;
        s.length--;
    }
    while (s.length > 0 && is_blank(s.at[s.length - 1]))
        s.length--;
    return s;
}

struct span span_cut(struct span *rest, char end) {
    const char *at = rest->length > 0 ? memchr(rest->at, end, rest->length) : NULL;
    struct span s = {rest->at, at ? (size_t)(at - rest->at) : rest->length};
    size_t taken = s.length + (at ? 1 : 0);
    rest->at += taken;
    rest->length -= taken;
    return s;
}

/* Takes a line, without its end. */
static struct span cut_line(struct span *rest) {
    struct span line = span_cut(rest, '\n');
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* Takes a field apart into name and value. Returns 0 if the line is none. */
static int cut_field(struct span line, struct span *name, struct span *value) {
    *name = span_cut(&line, ':');
    *value = span_trim(line);
    return name->length > 0 && name->at + name->length < line.at;
}

/* Is this a token: a method, a field's name (RFC 9110, section 5.6.2)? */
static int is_token(struct span s) {
    for (size_t i = 0; i < s.length; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' || strchr("\"(),/:;<=>?@[\\]{}", s.at[i]))
            return 0;
    return s.length > 0;
}

static int has_control(struct span s) {
    for (size_t i = 0; i < s.length; i++)
        if (((unsigned char)s.at[i] < ' ' && s.at[i] != '\t') || s.at[i] == 127)
            return 1;
    return 0;
}

/* ---- heads ---- */

static int is_version(struct span s) {
    return s.length == 8 && memcmp(s.at, "HTTP/1.", 7) == 0 && s.at[7] >= '0' && s.at[7] <= '9';
}

static void skip(struct span *s, size_t len) {
    s->at += len;
    s->length -= len;
}

/* Takes the target of a request apart: /PATH?QUERY, as usual; http://HOST/PATH?QUERY, which is meant for a proxy, but
 * which every server has to take (RFC 9112, section 3.2.2). OPTIONS * and CONNECT HOST:PORT name no path, and no path is
 * called so. Returns whether it is one of these. */
static int cut_target(struct head *h) {
    static const char http[] = "http://";
    struct span rest = h->start[1], scheme = {rest.at, sizeof http - 1};
    int absolute = rest.length > scheme.length && span_is_nocase(scheme, http);
    if (absolute) {
        skip(&rest, scheme.length);
        size_t host = 0;
        while (host < rest.length && !strchr("/?#@", rest.at[host]))
            host++;
        skip(&rest, host);
        if (host == 0 || (rest.length > 0 && rest.at[0] == '@'))
            return 0;
    }

    h->query = rest;
    h->path = span_cut(&h->query, '?');
    if (absolute && h->path.length == 0)
        h->path = (struct span){"/", 1};
    return h->path.at[0] == '/' || (span_is(h->start[0], "OPTIONS") && span_is(h->start[1], "*")) ||
           (span_is(h->start[0], "CONNECT") && memchr(rest.at, ':', rest.length));
}

/* Takes the first line apart. Returns whether it is that of a request or a response. */
static int cut_start(struct head *h, struct span line) {
    h->start[0] = span_cut(&line, ' ');
    h->start[1] = span_cut(&line, ' ');
    h->start[2] = line; /* the reason of a response may have blanks in it */
    if (has_control(h->start[1]) || has_control(h->start[2]))
        return 0;

    if (is_version(h->start[0])) /* a response */
        return h->start[1].length == 3;
    return is_token(h->start[0]) && h->start[1].length > 0 && is_version(h->start[2]) && cut_target(h);
}

/* Returns what is wrong with a field; NULL: nothing. */
static const char *field_fault(struct span line) {
    struct span name, value;
    if (is_blank(line.at[0]))
        return "a field on several lines is obsolete, and refused";
    if (!cut_field(line, &name, &value) || !is_token(name))
        return "a field has to be like: Host: 127.0.0.1 (no blank before the colon)";
    if (has_control(value))
        return "a field's value must not have control characters";
    return NULL;
}

static int head_fail(struct head *h, int status, const char *why) {
    h->status = status;
    h->why = why;
    return -1;
}

int head_parse(struct head *h, const char *data, size_t len) {
    struct span rest = {data, len < HEAD_MAX ? len : HEAD_MAX};
    *h = (struct head){.why = NULL};
    while (rest.length > 0 && memchr(rest.at, '\n', rest.length)) {
        struct span line = cut_line(&rest);
        int first = h->fields.at == NULL;
        if (line.length == 0 && first)
            continue; /* an empty line before a request is forgiven (RFC 9112, section 2.2) */
        if (line.length == 0) {
            h->fields.length = (size_t)(line.at - h->fields.at);
            return (int)(rest.at - data);
        }

        if (first && !cut_start(h, line))
            return head_fail(h, 400, "the first line has to be like: GET /echo HTTP/1.1");
        const char *fault = first ? NULL : field_fault(line);
        if (fault)
            return head_fail(h, 400, fault);
        if (first)
            h->fields.at = rest.at;
    }
    return len < HEAD_MAX ? 0 : head_fail(h, 431, "a head has at most 8192 bytes");
}

struct span head_field(const struct head *h, const char *name, int *count) {
    struct span rest = h->fields, found = {NULL, 0}, this, value;
    int n = 0;
    while (rest.length > 0) {
        if (!cut_field(cut_line(&rest), &this, &value) || !span_is_nocase(this, name))
            continue;
        if (n == 0)
            found = value;
        n++;
    }
    if (count)
        *count = n;
    return found;
}

static int list_has(struct span list, const char *element, int exactly) {
    while (list.length > 0) {
        struct span one = span_trim(span_cut(&list, ','));
        if (exactly ? span_is(one, element) : span_is_nocase(one, element))
            return 1;
    }
    return 0;
}

/* Looks through all fields of that name. */
static int fields_have(struct span rest, const char *name, const char *element, int exactly) {
    struct span this, list;
    while (rest.length > 0)
        if (cut_field(cut_line(&rest), &this, &list) && span_is_nocase(this, name) &&
            list_has(list, element, exactly))
            return 1;
    return 0;
}

int head_has(const struct head *h, const char *name, const char *element) {
    return fields_have(h->fields, name, element, 0);
}

int head_has_exactly(const struct head *h, const char *name, const char *element) {
    return fields_have(h->fields, name, element, 1);
}

/* ---- for the microscope ---- */

/* What is not plain ASCII becomes a question mark: it may be a command to the terminal. */
static void print_span(FILE *to, const char *before, struct span s) {
    fputs(before, to);
    for (size_t i = 0; i < s.length; i++)
        fputc(s.at[i] >= ' ' && s.at[i] <= '~' ? s.at[i] : '?', to);
}

/* Returns what a field of a handshake is for; NULL: it is none of those. */
static const char *field_meaning(struct span name) {
    static const struct {
        const char *name, *meaning;
    } known[] = {
        {"Upgrade", "change the protocol of this connection"},
        {"Connection", "the Upgrade is meant for the next hop: no proxy passes it on"},
        {"Sec-WebSocket-Version", "13 is RFC 6455; the versions before it were drafts"},
        {"Sec-WebSocket-Key", "16 random bytes in base64; the answer proves that it was read"},
        {"Sec-WebSocket-Accept", "base64 of the SHA-1 of the key and a GUID"},
        {"Sec-WebSocket-Protocol", "what the messages mean: offered as a list, one is chosen"},
        {"Sec-WebSocket-Extensions", "what frames may have in addition; none here, so not answered"},
        {"Origin", "whose page opens this; a browser does not let the page lie"},
        {"Host", "the name that was asked for"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (span_is_nocase(name, known[i].name))
            return known[i].meaning;
    return NULL;
}

void head_explain(FILE *to, const struct head *h) {
    struct span rest = h->fields, name, value;
    for (int i = 0; i < 3; i++)
        print_span(to, i == 0 ? HEAD_MARGIN : " ", h->start[i]);
    while (rest.length > 0 && cut_field(cut_line(&rest), &name, &value)) {
        const char *meaning = field_meaning(name);
        fputc('\n', to);
        print_span(to, HEAD_MARGIN, name);
        print_span(to, ": ", value);
        if (meaning)
            fprintf(to, "\n%s    ^ %s", HEAD_MARGIN, meaning);
    }
    fputc('\n', to);
}

/* ---- answers ---- */

int http_is_head(const char *data, size_t len) {
    static const char head[] = "HEAD ";
    while (len > 0 && (*data == '\r' || *data == '\n')) { /* as head_parse() does */
        data++;
        len--;
    }
    return len >= sizeof head - 1 && memcmp(data, head, sizeof head - 1) == 0;
}

int http_method(struct span method) {
    static const char *const others[] = {"POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    if (span_is(method, "GET") || span_is(method, "HEAD"))
        return 200;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (span_is(method, others[i]))
            return 405;
    return 501;
}

size_t http_head(char head[HTTP_MAX], int status, const char *type, size_t length) {
    static const struct {
        int status;
        const char *reason, *fields;
    } table[] = {
        {200, "OK", "Connection: close\r\n"},
        {400, "Bad Request", "Connection: close\r\n"},
        {403, "Forbidden", "Connection: close\r\n"},
        {404, "Not Found", "Connection: close\r\n"},
        {405, "Method Not Allowed", "Connection: close\r\nAllow: GET, HEAD\r\n"},
        {408, "Request Timeout", "Connection: close\r\n"},
        {426, "Upgrade Required",
         "Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"},
        {431, "Request Header Fields Too Large", "Connection: close\r\n"},
        {501, "Not Implemented", "Connection: close\r\n"},
    };
    size_t i = 0;
    while (table[i].status != status)
        i++;
    return (size_t)snprintf(
        head, HTTP_MAX, "HTTP/1.1 %d %s\r\n%sContent-Type: %s; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
        status, table[i].reason, table[i].fields, type, length);
}
