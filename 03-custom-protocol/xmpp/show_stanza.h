/* show_stanza.h - XML as people like to read it, for -v. */
#ifndef SHOW_STANZA_H
#define SHOW_STANZA_H

#include <stddef.h>

/* With -v: prints a piece of a stream on stderr, a tag a line, indented. The line before says what
 * it is: the peer, the arrow, its name and type. */
void show_stanza(const char *peer, const char *arrow, const char *data, size_t len);

#endif
