/* printable.h - bytes of a stranger on our terminal: an escape sequence among them could do there what it likes. */
#ifndef PRINTABLE_H
#define PRINTABLE_H

#include <stddef.h>

/* Makes bytes safe to print on a terminal, as text_clean() does, but line feeds stay. Returns how many of them can be
 * printed: of a character at the end that is not complete the rest may come next, so it is not touched. */
size_t make_printable(char *data, size_t len);

#endif
