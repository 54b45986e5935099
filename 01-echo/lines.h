/* lines.h - bytes become lines, however they are cut; what telnet says beside the text is answered.
 *
 *     a line ends with CR LF (telnet, nc -C), LF (nc) or CR NUL (some telnets; RFC 1123, section 3.3.1); a CR alone is
 *             thrown away
 *     FF ...  is a command of telnet (RFC 854); UTF-8 has no byte FF, so no text is mistaken for one
 *     04      is Ctrl-D, which telnet sends as a byte: at the beginning of a line it means "that was all"
 *
 * Takes bytes, gives values; knows no sockets.
 */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>

#define LINE_SIZE 1024 /* bytes in a line, without its end; a longer one is refused as a whole */
#define REFUSAL   3    /* bytes in the answer to a telnet command */

struct line {
    size_t length;            /* bytes of text so far */
    int too_long;             /* there were more than LINE_SIZE */
    int cr;                   /* the latest byte was a CR */
    unsigned char telnet;     /* 0, or how much of a telnet command has come */
    char text[LINE_SIZE + 1]; /* at LINE: the line, without its end, with a NUL, clean (text_clean) */
    char refusal[REFUSAL];    /* at LINE_TELNET: to be sent back */
};

enum line_event {
    LINE_MORE,     /* all bytes are used, and there is no line yet */
    LINE,          /* line->text is a line */
    LINE_TOO_LONG, /* one that was too long has ended, and is thrown away */
    LINE_TELNET, /* send line->refusal: telnet waits for it, and after Ctrl-C shows nothing before it comes */
    LINE_END     /* Ctrl-D: that was all */
};

/* Takes bytes up to the next event, which it returns; *used is then how many bytes it took. 0 bytes mean that the input
 * has ended: an unfinished line counts as a line then. A new struct line is zeros. */
enum line_event line_take(struct line *l, const char *data, size_t len, size_t *used);

#endif
