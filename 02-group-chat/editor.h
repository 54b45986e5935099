/* editor.h - a line editor: bytes from the keyboard go in, events and a picture of the line come out.
 *
 * Keys: arrows, Home, End, Delete, Backspace; Ctrl-A, -E, -B, -F, -P, -N as in a shell; Ctrl-U, -K and -W erase. A
 * character has several bytes and several columns, and each key takes it as one. It knows no sockets and no terminal:
 * whoever uses it brings the bytes, in raw mode, and prints the picture.
 */
#ifndef EDITOR_H
#define EDITOR_H

#include <stddef.h>

#define PROMPT       "> "
#define EDITOR_LINE  1024 /* bytes in a line and its NUL; what would be more is refused */
#define PICTURE_SIZE 1088 /* bytes in the picture of such a line: its prompt, and commands to the terminal */
#define HISTORY_MAX  50   /* lines that the up arrow finds again */

struct editor {
    size_t length;          /* bytes of the line */
    size_t cursor;          /* bytes before the cursor, which stands between characters */
    char text[EDITOR_LINE]; /* the line: clean (text_clean), with a NUL behind it */

    char character[4]; /* the bytes that have come of a character ... */
    size_t part;       /* ... and how many they are */
    int escape;        /* how much of an escape sequence has come */
    int number;        /* the number in it */

    int lines;                                  /* how many the history has */
    int shown;                                  /* which of them is shown; `lines`: the new one */
    char history[HISTORY_MAX + 1][EDITOR_LINE]; /* the oldest first; behind the last, the new one meanwhile */
};

enum edit_event {
    EDIT_NOTHING, /* the byte has changed nothing that can be seen */
    EDIT_CHANGED, /* draw again */
    EDIT_LINE,    /* Enter: editor_line() is a line, and a new one begins */
    EDIT_LEAVE,   /* Ctrl-C, or Ctrl-D on an empty line */
    EDIT_SUSPEND, /* Ctrl-Z */
    EDIT_CLEAR,   /* Ctrl-L: clear the screen */
    EDIT_REFUSED  /* what the key is for cannot be done: ring the bell */
};

/* Takes a byte from the keyboard, or from a paste, and returns what has come of it. A new struct editor is zeros. */
enum edit_event editor_feed(struct editor *e, unsigned char byte);

/* Returns the line that was entered last. It stays as it is until the next byte. */
const char *editor_line(const struct editor *e);

/* Draws the line for a terminal that has this many columns, 10 at least: prompt and text in one row, from the first
 * column on, and the cursor in its place. Returns the length of the picture in bytes. */
size_t editor_draw(const struct editor *e, int columns, char picture[PICTURE_SIZE]);

#endif
