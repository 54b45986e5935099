/* url.c - see url.h. */
#include "url.h"

#include "http.h"

#include <stdio.h>
#include <string.h>

/* Writes path and query as a request has them. Returns -1 if they are too long. */
static int encode_target(char target[TARGET_MAX], const char *path) {
    size_t n = 0;
    if (*path != '/')
        target[n++] = '/';
    for (const char *at = path; *at; at++) {
        int plain = *at > ' ' && *at <= '~';
        if (n + 3 >= TARGET_MAX)
            return -1;
        n += (size_t)snprintf(target + n, 4, plain ? "%c" : "%%%02X", (unsigned char)*at);
    }
    target[n] = '\0';
    return 0;
}

/* Takes HOST[:PORT] apart; an IPv6 address stands in brackets. */
static int parse_host(struct server_name *s, char *text, const char **why) {
    int brackets = *text == '[';
    char *end = brackets ? strchr(text, ']') : text + strcspn(text, ":");
    s->host = text + brackets;
    if (end == NULL || end == s->host) {
        *why = "names no host";
        return -1;
    }

    char *rest = end + brackets;
    if (*rest && *rest != ':') {
        *why = "has something behind its host that is no port";
        return -1;
    }
    s->port = "80"; /* also if nothing stands behind the colon (RFC 3986, section 3.2.3) */
    if (*rest && rest[1])
        s->port = rest + 1;
    *end = '\0';
    *rest = '\0';
    snprintf(s->text, sizeof s->text, brackets ? "[%s]:%s" : "%s:%s", s->host, s->port);
    return 0;
}

int url_parse(struct url *u, char *text, const char **why) {
    struct span scheme = {text, strcspn(text, ":")}; /* in upper or lower case (RFC 3986, section 3.1) */
    if (!span_is_nocase(scheme, "ws") || strncmp(text + scheme.length, "://", 3) != 0) {
        *why = "is no URL that begins with ws:// (encryption, wss://, is left out here)";
        return -1;
    }
    if (strchr(text, '#')) {
        *why = "has a #, which a WebSocket's URL cannot have";
        return -1;
    }
    char *host = text + 5, *path = host + strcspn(host, "/?");
    if (encode_target(u->target, path) < 0) {
        *why = "is too long";
        return -1;
    }
    *path = '\0';
    return parse_host(&u->server, host, why);
}
