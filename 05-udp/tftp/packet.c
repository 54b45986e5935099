/* packet.c - see packet.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "packet.h"

#include "text.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    long long min, max;
} option_rules[OPTIONS] = {
    {"blksize", 8, 65464}, {"timeout", 1, 255}, {"tsize", 0, 999999999999999999}, {"windowsize", 1, 65535}};

unsigned get16(const char *p) { return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1]; }

void put16(char *p, long long number) {
    p[0] = (char)(number >> 8 & 0xFF);
    p[1] = (char)(number & 0xFF);
}

enum opcode packet_opcode(const char *p, size_t len) {
    return len >= HEADER && get16(p) <= OACK ? (enum opcode)get16(p) : NO_PACKET;
}

/* ---- Reading ---- */

/* Takes the next string, with its NUL, off a packet. Returns NULL if no NUL comes before the end. */
static const char *string_next(const char **at, const char *end) {
    const char *text = *at, *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
    *at = nul ? nul + 1 : end;
    return nul ? text : NULL;
}

/* Returns the number that the value of an option stands for, or NO_NUMBER. */
static long long option_value(enum option i, const char *value) {
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 18 || value[digits] != '\0')
        return NO_NUMBER;
    long long number = strtoll(value, NULL, 10);
    return number < option_rules[i].min || number > option_rules[i].max ? NO_NUMBER : number;
}

int options_parse(const char *at, const char *end, long long options[OPTIONS]) {
    for (int i = 0; i < OPTIONS; i++)
        options[i] = NOT_THERE;

    while (at < end) {
        const char *name = string_next(&at, end), *value = string_next(&at, end);
        if (value == NULL)
            return -1;
        for (int i = 0; i < OPTIONS; i++)
            if (strcasecmp(name, option_rules[i].name) == 0)
                options[i] = option_value((enum option)i, value);
    }
    return 0;
}

/* Returns NULL, or what is wrong. */
static const char *request_fault(const char *p, size_t len, struct request *r) {
    if (len < 2 || (get16(p) != RRQ && get16(p) != WRQ))
        return "a transfer begins with RRQ or WRQ";

    const char *at = p + 2, *end = p + len;
    r->opcode = (enum opcode)get16(p);
    r->path = string_next(&at, end);
    const char *mode = string_next(&at, end);
    if (mode == NULL || options_parse(at, end, r->options) < 0)
        return "a request has a name, a mode and pairs of options, each with a NUL at its end";
    if (len > REQUEST_MAX)
        return "a request has 512 bytes at most";

    r->netascii = strcasecmp(mode, "netascii") == 0;
    return r->netascii || strcasecmp(mode, "octet") == 0 ? NULL : "the mode is netascii or octet";
}

int request_parse(const char *p, size_t len, struct request *r, const char **why) {
    *why = request_fault(p, len, r);
    return *why ? -1 : 0;
}

/* ---- Writing ---- */

/* Adds a string with its NUL to a packet of REQUEST_MAX bytes. Returns the new length; 0 if it does not fit, or the
 * length is 0: something before it did not. */
static size_t string_add(char *p, size_t len, const char *text) {
    size_t n = strlen(text) + 1;
    if (len == 0 || n > REQUEST_MAX - len)
        return 0;
    memcpy(p + len, text, n);
    return len + n;
}

static size_t options_add(char *p, size_t len, const long long options[OPTIONS]) {
    for (int i = 0; i < OPTIONS; i++) {
        char number[24];
        if (options[i] < 0)
            continue;
        snprintf(number, sizeof number, "%lld", options[i]);
        len = string_add(p, len, option_rules[i].name);
        len = string_add(p, len, number);
    }
    return len;
}

size_t request_make(char p[REQUEST_MAX], const struct request *r) {
    put16(p, r->opcode);
    size_t len = string_add(p, 2, r->path);
    len = string_add(p, len, r->netascii ? "netascii" : "octet");
    return options_add(p, len, r->options);
}

size_t oack_make(char p[REQUEST_MAX], const long long options[OPTIONS]) {
    put16(p, OACK);
    return options_add(p, 2, options);
}

size_t error_make(char p[ERROR_MAX], enum error_code code, const char *words) {
    put16(p, ERROR);
    put16(p + 2, code);
    int len = snprintf(p + HEADER, ERROR_MAX - HEADER, "%.120s", words);
    return HEADER + (size_t)len + 1;
}

enum error_code code_of(int number) {
    switch (number) {
    case ENOENT: return NOT_FOUND;
    case EACCES:
    case EPERM:
    case ELOOP: /* a link where O_NOFOLLOW allows none; on FreeBSD EMLINK, on NetBSD EFTYPE */
    case EMLINK:
#ifdef EFTYPE
    case EFTYPE:
#endif
    case EISDIR:
    case ENOTDIR: return ACCESS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return DISK_FULL;
    case EEXIST: return EXISTS;
    default: return OTHER;
    }
}

/* ---- Showing ---- */

void text_copy(const char *text, size_t len, char *out, size_t size) {
    if (len > size - 1)
        len = size - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = text[i] == '\0' ? ' ' : text[i];
    text_clean(out, len);
    out[len] = '\0';
}

/* Prints the words of a packet, which begin at `at`, without the NUL at the end. */
static void explain_text(const char *what, const char *p, size_t len, size_t at) {
    char words[REQUEST_MAX];
    size_t end = len > at && p[len - 1] == '\0' ? len - 1 : len;
    text_copy(p + at, end - at, words, sizeof words);
    fprintf(stderr, "         %s%s%s\n", what, *words ? ": " : "", words);
}

void packet_explain(const char *p, size_t len) {
    char error[24];
    if (!verbose)
        return;
    switch (packet_opcode(p, len)) {
    case NO_PACKET: fputs("         no packet\n", stderr); break;
    case RRQ: explain_text("RRQ", p, len, 2); break;
    case WRQ: explain_text("WRQ", p, len, 2); break;
    case OACK: explain_text("OACK", p, len, 2); break;
    case DATA: fprintf(stderr, "         DATA %u: %zu bytes\n", get16(p + 2), len - HEADER); break;
    case ACK: fprintf(stderr, "         ACK %u\n", get16(p + 2)); break;
    case ERROR:
        snprintf(error, sizeof error, "ERROR %u", get16(p + 2));
        explain_text(error, p, len, HEADER);
        break;
    }
}
