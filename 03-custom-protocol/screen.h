/* screen.h - what the client shows: lines on stdout, and notes about the program on stderr. Both are made harmless,
 * whatever a server or another person has put into them (text_clean).
 *
 * A terminal or a pipe may stand still for hours; meanwhile lines wait here, and the caller takes no more from the
 * server than there is room for.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include "frame.h"

#define SCREEN_LINE (FRAME_MAX + 256)         /* bytes in a line: a message, and all about it */
#define SCREEN_SIZE ((size_t)4 * SCREEN_LINE) /* bytes that wait to be printed */

struct screen {
    size_t length; /* bytes that are not yet printed */
    char text[SCREEN_SIZE];
};

/* Is there room for one more line? */
int screen_has_room(const struct screen *s);

/* Adds a line; callers have seen to it that there is room. A longer line is cut. */
void screen_say(struct screen *s, const char *format, ...);

/* Writes once to stdout. Returns 0, or -1 with errno. */
int screen_write(struct screen *s);

/* Says something about the program, in one line on stderr, at once. */
void note(const char *format, ...);

/* Draws on a terminal, in a line that the next note replaces, how far `done` is of `size` bytes. */
void note_progress(long long done, long long size);

#endif
