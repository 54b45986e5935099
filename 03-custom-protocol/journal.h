/* journal.h - records on a disk, each whole and in order, or not there at all.
 *
 * A journal only grows at its end. Its records are what goes over the wire: frames (PROTOCOL.md, section 1) with
 * JSON messages in them, so `cat DIR/journal` can be read. Knows files, and no sockets. Where journal_open() was not
 * called, the other functions do nothing, and succeed.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "message.h"

/* Opens DIR/journal, or makes it, keeps other servers out of DIR, and hands each record to `replay`, which returns 0; or
 * -1, and in *why what is wrong with it. A torn last record, or zeros at the end, were never acknowledged: they are
 * removed, and a line on stderr says so. Returns 0; or -1, and in *why what is wrong, in words: then the journal is as
 * it was. */
int journal_open(const char *dir, int (*replay)(const struct message *m, const char **why), const char **why);

/* Adds a record behind the others. It counts after the next journal_commit(). */
void journal_add(const struct message *m);

/* Writes what was added; with `sync`, waits until the disk has it. Returns 0, or -1 with errno: then none of it is
 * there. */
int journal_commit(int sync);

/* May most of the journal be old, so that journal_rewrite() is worth its time? */
int journal_grown(void);

/* Replaces all records by those that `add_all` adds; the old ones count until all new ones are on the disk. To be called
 * with nothing uncommitted. Returns 0, or -1 with errno: then the old ones stay. */
int journal_rewrite(void (*add_all)(void));

#endif
