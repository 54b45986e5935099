/* poke_report.h - what poke says, and how it ends, when the script is wrong (exit code 2) or the server (1). */
#ifndef POKE_REPORT_H
#define POKE_REPORT_H

#include "poke_bytes.h"

struct conn;

/* Where we are in the script: every report begins with it. */
extern const char *rule;     /* the text of the last `say`, the rule under test; "" before the first */
extern const char *line;     /* the line that is read or run, as it was written */
extern int line_number;      /* its number, from 1 */
extern struct conn *speaker; /* whose step was the last to send; NULL: none yet, or a crowd */

#define TAIL 64 /* bytes: how many of those last sent a report shows */

struct sent {                 /* what has been sent on a connection */
    size_t count;             /* bytes, in all */
    unsigned char tail[TAIL]; /* the last of them, at its right end */
};

/* Notes that `len` bytes have been sent. */
void sent_note(struct sent *s, const unsigned char *data, size_t len);

/* The script is wrong: prints the number of its line and the words of the format on stderr, and ends the program. */
void script_error(const char *format, ...);

/* The server is wrong: prints the rule, the line, what was sent last (by the speaker and on c) and the words of the
 * format, and ends the program. */
void fail(const struct conn *c, const char *format, ...);

/* The same, with the bytes that were expected and those that were received, around byte `at`. NULL: not to be shown. */
void fail_bytes(const struct conn *c, const struct bytes *want, const struct bytes *got, size_t at,
                const char *format, ...);

#endif
