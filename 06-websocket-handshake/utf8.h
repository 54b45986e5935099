/* utf8.h - is this text UTF-8 (RFC 3629)? Asked while it arrives, whatever its cut. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

struct utf8 {                /* zeros: at the beginning of a character */
    unsigned char left;      /* bytes of a character that are to come */
    unsigned char low, high; /* the range that the next of them has to be in */
};

/* Takes the next bytes of a text. Returns 0, or -1 at the first byte with which it can no longer become
 * UTF-8. A text may end where u->left is 0. */
int utf8_check(struct utf8 *u, const unsigned char *data, size_t len);

/* Turns the control characters of a text that is UTF-8, line ends, too, into blanks: with them begin commands
 * to a terminal. */
void utf8_blank_controls(unsigned char *text, size_t len);

#endif
