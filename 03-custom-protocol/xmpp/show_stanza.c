/* show_stanza.c - see show_stanza.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "show_stanza.h"

#include "text.h"
#include "wire.h"
#include "xml_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints a name of the attributes' list, if it is there: " type='get'". */
static void show_attribute(const char *tag, const struct xml_token *t, const char *name) {
    struct xml_attribute a;
    xml_error none;
    const char *at = tag + t->text, *end = at + t->text_length;
    for (size_t n; (n = xml_attribute_read(&a, at, (size_t)(end - at), &none)) > 0; at += n)
        if (a.name_length == strlen(name) && memcmp(at + a.name, name, a.name_length) == 0)
            fprintf(stderr, " %.*s", (int)a.value_length, at + a.value);
}

/* Prints what a stanza is in a word: its name, its type, and the first element in it with its namespace. */
static void show_word(const char *data, size_t len) {
    struct xml_token t = {.in_cdata = 0};
    xml_error none;
    int tags = 0;
    for (size_t n; len > 0 && tags < 2 && (n = xml_token_read(&t, data, len, &none)) > 0; data += n, len -= n)
        if (t.kind == XML_TOKEN_START) {
            fprintf(stderr, "%s%.*s", tags ? ": " : " ", (int)t.name_length, data + t.name);
            show_attribute(data, &t, tags++ ? "xmlns" : "type");
        }
}

/* Prints tags and text, each on a line of its own, deeper by what is open. */
static void show_tokens(const char *data, size_t len) {
    struct xml_token t = {.in_cdata = 0};
    xml_error none;
    int depth = 1;
    for (size_t n; len > 0 && (n = xml_token_read(&t, data, len, &none)) > 0; data += n, len -= n) {
        depth -= t.kind == XML_TOKEN_ENDS;
        fprintf(stderr, "    %*s%.*s\n", 2 * (depth > 0 ? depth - 1 : 0), "", (int)n, data);
        depth += t.kind == XML_TOKEN_START && !t.is_empty;
    }
}

void show_stanza(const char *peer, const char *arrow, const char *data, size_t len) {
    char *copy = verbose ? malloc(len) : NULL;
    if (copy == NULL)
        return;
    memcpy(copy, data, len);
    text_clean(copy, len);
    fprintf(stderr, "%s %s", peer, arrow);
    show_word(copy, len);
    fprintf(stderr, "\n");
    show_tokens(copy, len);
    free(copy);
}
