/* text.h - text is UTF-8 (RFC 3629): what a character is, what a name may be, what may reach a terminal. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

#define WORD_MAX 32 /* bytes in the name of a person or a room */

/* Returns the length in bytes, 1 to 4, of the character at s, or 0 if there is none within `len` bytes (1 at least). */
size_t utf8_length(const char *s, size_t len);

/* Makes text safe to print on somebody's terminal, as a part of a line. These become question marks, one a byte: what
 * is not UTF-8; control characters, because a terminal's commands begin with one (ESC, or U+0080 to U+009F); and marks
 * that end the line, turn its direction, or hide what stands there (U+200B, U+2028 to U+202E, U+2060 to U+206F, U+FEFF,
 * U+FFF9 to U+FFFB, U+E0000 to U+E007F), because people would read something else. A tab stays, and so do the joiners
 * that emoji and some scripts need, and U+200E and U+200F, which turn nothing but the sign beside them. */
void text_clean(char *text, size_t len);

/* Does the same to a stream, as much of it as has come, and keeps the ends of lines, LF and CR LF. Returns how many
 * bytes are safe now. The rest, 3 bytes at most, is the beginning of a character or of CR LF, to be given again with
 * what comes behind it; if this is all (is_all), there is no rest. */
size_t text_clean_stream(char *text, size_t len, int is_all);

/* May a person or a room be called that? 1 to WORD_MAX bytes of UTF-8: letters, digits, - and _. Beyond ASCII all
 * passes for a letter but signs and punctuation (U+0080 to U+00BF, U+2000 to U+206F), and what nobody can see: other
 * blanks and invisible characters would make two names look alike. */
#define NAME_RULE "a name is 1 to 32 bytes of letters, digits, - and _"
int name_is_valid(const char *name);

#endif
