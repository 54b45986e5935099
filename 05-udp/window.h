/* window.h - the lines under way: each has a number in front, a copy that is kept until the answer is there, and a
 * timer. That is what makes UDP reliable. Takes bytes, gives values; knows no sockets and no clock. All times are in
 * us.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stddef.h>

#define WINDOW_MAX 256 /* lines under way at once */

enum line_state { WAITING, ANSWERED, GIVEN_UP };

struct line {
    long long number;      /* from 1 up; 0: this place was never taken */
    enum line_state state; /* what has become of it */
    char *datagram;        /* "7 hello\n"; NULL when it was printed or given up */
    size_t length;         /* bytes of the datagram */
    size_t header;         /* bytes of its "7 " */
    int sends;             /* how often it was sent */
    int answers;           /* how many answers have come */
    long long first;       /* when it was sent first */
    long long last;        /* when it was sent last */
    long long timeout;     /* when its timer fires */
};

/* Makes the next line of `len` bytes of text, for the caller to send. The caller sees to it that there are never more than
 * WINDOW_MAX. Returns NULL if memory is out. */
struct line *window_add(const char *text, size_t len);

/* Returns how many lines were added and not yet printed. */
int window_count(void);

/* Visits all lines that wait for their answer, oldest first: window_next(NULL) is the first, window_next(l) the one
 * after l, NULL: no more. */
struct line *window_next(const struct line *l);

/* Returns the line that a datagram answers, or NULL if it answers none: what comes back must be what went out. Of a line
 * that was printed or given up only the number is left to compare; of one from long ago not even that, so it is none. */
struct line *window_find(const char *data, size_t len);

/* Gives up a line that has had no answer: sets its state, and forgets its copy. */
void window_give_up(struct line *l);

/* Returns when the first timer fires, or NEVER (datagram.h). */
long long window_timeout(void);

/* Takes the text of the lines that were answered, in order, up to the first that still waits or that `out` has no room
 * for. Returns how many bytes. */
size_t window_take(char *out, size_t size);

/* Frees all copies. */
void window_free(void);

#endif
