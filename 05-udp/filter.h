/* filter.h - the two ends of a program in a pipe: lines from stdin, bytes to stdout, and neither makes it wait. */
#ifndef FILTER_H
#define FILTER_H

#include <stddef.h>

/* Is it worth waiting for stdin: is there no whole line yet, and not the end? */
int input_wanted(void);

/* Reads once. Returns 0, or -1 with errno. */
int input_read(void);

/* Returns the length in bytes of the next line, with its newline, and takes it; 0: there is no whole one yet. *text is
 * valid until input_read(). The last line may have no newline; of one that is longer than 128 KiB only that much
 * comes. */
size_t input_take(const char **text);

/* Has all of the input been taken? */
int input_is_done(void);

/* Returns the free part of the output, to be filled with whole lines, and its size in bytes; then output_add() says how
 * many are. On a terminal they are made harmless. */
char *output_room(size_t *size);
void output_add(size_t len);

/* Is there something to be written? */
int output_waits(void);

/* Writes once. Returns 0, or -1 with errno. */
int output_write(void);

#endif
