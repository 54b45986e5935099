/* utf8.h - is this text UTF-8 (RFC 3629)? Asked while it arrives, however it is cut.
 *
 * The rule is that of utf8_length() in text.h, which is given a whole character and so cannot tell "unfinished"
 * from "wrong". Here a text is wrong at its first wrong byte, and unfinished until then. A fuzzer holds the two
 * together.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

struct utf8 {           /* zeros: at the beginning of a character */
    unsigned char left; /* bytes of a character that are to come */
    unsigned char low;  /* the next of them must not be less, ... */
    unsigned char high; /* ... nor more */
};

/* Takes the next bytes of a text. Returns 0, or -1 at the first byte with which it can no longer become UTF-8. A text
 * may end where u->left is 0. */
int utf8_check(struct utf8 *u, const unsigned char *data, size_t len);

#endif
