/* jid.h - addresses (RFC 7622): zhangsan@localhost/phone is a person, "@", a domain, "/", and one of the places where the
 * person is at this moment. Without the last part it is a bare address, with it a full one; a domain alone is a server.
 */
#ifndef JID_H
#define JID_H

#include <stddef.h>

#define JID_PART_MAX 1023 /* bytes in each part */

struct jid {                            /* pointers into the text that it was read from */
    const char *local, *domain;         /* they do not end with a NUL; local is NULL: not there */
    const char *resource;               /* ends with a NUL; NULL: not there */
    size_t local_length, domain_length; /* bytes */
};

/* Reads an address, which ends with a NUL. Returns 0, or -1: it is no address, because a part is empty or too long. */
int jid_read(struct jid *j, const char *text);

/* Is it in this domain? Case does not count in ASCII, and other characters have no case here. */
int jid_is_in(const struct jid *j, const char *domain);

/* Writes `len` bytes of text with the capitals of ASCII as small letters, and a NUL: `to` has room for len + 1 bytes. */
void jid_fold(char *to, const char *text, size_t len);

#endif
