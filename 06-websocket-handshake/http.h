/* http.h - the head of an HTTP/1.1 request or response (RFC 9112): bytes in, fields out. It knows no sockets. */
#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>
#include <stdio.h>

#define HEAD_MAX 8192 /* bytes of a head; no browser's is half as long */
#define HTTP_MAX 512  /* bytes that http_head() writes at most */

/* ---- spans of text ---- */

struct span {       /* some text within what was given to head_parse() */
    const char *at; /* no NUL at its end; NULL: there is none */
    size_t length;  /* bytes */
};

/* Return whether a span is that text: exactly; or with upper and lower case as one. */
int span_is(struct span s, const char *text);
int span_is_nocase(struct span s, const char *text);

/* Returns a span without the white space around it. */
struct span span_trim(struct span s);

/* Takes what stands before the first `end` off the front of `rest`, and `end` with it; or all that is left. */
struct span span_cut(struct span *rest, char end);

/* ---- heads ---- */

struct head {             /* of a request or a response; its spans point into the bytes that were parsed */
    struct span start[3]; /* method, target, version; or version, status, reason */
    struct span path;     /* of a request: /chat, also if its target is http://HOST/chat?x=y */
    struct span query;    /* of a request: what stands behind the question mark */
    struct span fields;   /* all lines after the first, each with its end */
    int status;           /* if it is wrong: the status to answer with, 400, or 431 if it is over HEAD_MAX */
    const char *why;      /* if it is wrong: what is wrong with it, in words */
};

/* Reads a head. Returns its size in bytes, with the empty line at its end; 0: more bytes are needed; -1: it is wrong,
 * and h->status and h->why say how. Lines end with CR LF, or with LF, as typed into nc. */
int head_parse(struct head *h, const char *data, size_t len);

/* Returns the value of the field of that name, without the white space around it, and sets *count (unless it is NULL)
 * to how many fields have the name. */
struct span head_field(const struct head *h, const char *name, int *count);

/* Return whether a field that is a list, such as "Connection: keep-alive, Upgrade", has that element: with upper and
 * lower case as one; or exactly. The field may be there more than once. */
int head_has(const struct head *h, const char *name, const char *element);
int head_has_exactly(const struct head *h, const char *name, const char *element);

/* Prints a head line by line, and behind the lines of a handshake what they are for. */
void head_explain(FILE *to, const struct head *h);

/* ---- answers ---- */

/* Is this, as far as it has come, a HEAD request? Its answer has the head of the answer to a GET, and no body (RFC 9110,
 * section 9.3.2). */
int http_is_head(const char *data, size_t len);

/* Returns the status for a method, 200 for GET and HEAD. Others get 405 if there are resources somewhere that know it,
 * 501 if it is known nowhere (RFC 9110, section 9.1). */
int http_method(struct span method);

/* Writes the head of the last answer on a connection; a body of `length` bytes follows, unless it is for a HEAD. `type` is
 * the media type of that text, without a charset ("text/plain"): "; charset=utf-8" is written behind it. The status is one
 * of 200, 400, 403, 404, 405 (with the methods that are allowed), 408, 426 (with the version that is
 * spoken, RFC 6455, section 4.4), 431 and 501. Returns its size in bytes, under HTTP_MAX. */
size_t http_head(char head[HTTP_MAX], int status, const char *type, size_t length);

#endif
