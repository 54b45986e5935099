/* jid.c - see jid.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "jid.h"

#include <string.h>
#include <strings.h>

static int part_is_valid(const char *part, size_t len) {
    return part == NULL || (len > 0 && len <= JID_PART_MAX);
}

int jid_read(struct jid *j, const char *text) {
    size_t bare = strcspn(text, "/");
    const char *at = memchr(text, '@', bare);
    *j = (struct jid){.domain = text, .domain_length = bare};
    if (at) {
        j->local = text;
        j->local_length = (size_t)(at - text);
        j->domain = at + 1;
        j->domain_length = bare - j->local_length - 1;
    }
    if (text[bare] == '/')
        j->resource = text + bare + 1;
    int is_valid = part_is_valid(j->local, j->local_length) && part_is_valid(j->domain, j->domain_length) &&
                   part_is_valid(j->resource, j->resource ? strlen(j->resource) : 0);
    return is_valid && memchr(j->domain, '@', j->domain_length) == NULL ? 0 : -1;
}

int jid_is_in(const struct jid *j, const char *domain) {
    return strlen(domain) == j->domain_length && strncasecmp(j->domain, domain, j->domain_length) == 0;
}

void jid_fold(char *to, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        int is_capital = text[i] >= 'A' && text[i] <= 'Z';
        to[i] = (char)(is_capital ? text[i] + ('a' - 'A') : text[i]);
    }
    to[len] = '\0';
}
