/* journal.h - records on a disk, each whole and in order, or not there at all.
 *
 * A journal only grows at its end. Each record is a line with checksums (record.h), so `cat DIR/journal` can be read.
 * What may stand behind the last whole record:
 *
 *     the beginning of a record    the server was killed while it wrote
 *     zeros, to the very end       the power failed: the file had grown already, but the disk did not have its bytes yet
 *
 * Nobody was told that this is stored, and so it is cut off. Everything else is damage. Knows files, and no sockets. If
 * journal_open() was not called, the other functions do nothing, and succeed.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "message.h"

/* Opens DIR/journal, or makes it, keeps other servers out of DIR, and hands each record to `replay`, which returns 0; or
 * -1, and in *why what is wrong with it. What a crash has left behind the last whole record is removed, and a line on
 * stderr says so. Returns 0; or -1, and in *why what is wrong, in words, and at which byte: then the journal is as it
 * was. */
int journal_open(const char *dir, int (*replay)(const struct message *m, const char **why), const char **why);

/* Adds a record behind the others. It counts after the next journal_commit(). */
void journal_add(const struct message *m);

/* Writes what was added; with `sync`, waits until the disk has it. Returns 0, or -1 with errno: then none of it is
 * there. */
int journal_commit(int sync);

/* ---- A journal of what still counts, to take the place of the old one ----
 *
 * It is written in slices, one in a turn of the server, so that nobody has to wait for all of it. Meanwhile the old one
 * goes on growing, and it is the one that counts. What is added to the old one is added to the new one, too, unless it gets
 * there later anyway. A new one that was not completed is removed: by rewrite_stop(), or at the next start. */

/* May most of the journal be old, so that to rewrite it is worth the time? */
int journal_has_grown(void);

/* Begins a new one. Returns 0, or -1 with errno. */
int rewrite_begin(void);

/* Is the slice of this turn shorter than it may be? */
int rewrite_has_room(void);

/* Adds a record to the slice. If there is no new journal it does nothing. */
void rewrite_add(const struct message *m);

/* Ends a slice: waits until the disk has it. If it was the last one, the new journal takes the place of the old one.
 * Returns 0; or -1 with errno: then there is no new journal any more, and the old one stays. */
int rewrite_commit(int is_last);

/* Gives it up. */
void rewrite_stop(void);

/* Gives the room of a journal that was replaced back to the disk, a slice of it. Returns 1 as long as there is more. */
int journal_free_slice(void);

#endif
