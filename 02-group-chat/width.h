/* width.h - how many columns of a terminal text takes: a letter one, a Chinese character two, a mark on a letter none.
 *
 * Text is clean (text_clean) UTF-8, whatever the locale is. A character is here what people take for one: a code point
 * and the marks that stand on it.
 */
#ifndef WIDTH_H
#define WIDTH_H

#include <stddef.h>

/* Returns the length in bytes of the first character of the text, which has `len` bytes, 1 at least. Adds the columns
 * that it takes to *columns. */
size_t width_step(const char *text, size_t len, int *columns);

/* Returns how many bytes of the text, in whole characters, fit into `room` columns. *columns is how many they take. */
size_t width_fit(const char *text, size_t len, int room, int *columns);

#endif
