/* local.h - the file on this side of a client: it appears when all of it is here, and if it is a pipe or a device,
 * what comes or goes is kept in a file in between, because a block may have to be read again. On a terminal it is made
 * harmless. All print why they fail.
 */
#ifndef LOCAL_H
#define LOCAL_H

/* Opens a file to be sent; name "-" is stdin. Sets *size in bytes: it ends there, even if it grows. Returns it, or -1.
 * A signal ends the wait. */
int source_open(const char *name, int signals, long long *size);

/* Opens a file for what will come, a draft (draft.h); name "-" is stdout. Returns it, or -1. */
int target_open(const char *name);

/* All is here: gives it its name. Returns 0, or -1 with errno (and prints nothing: transfer_keep() does not,
 * either). */
int target_keep(int file);

/* The end: copies what has come to where it belongs, if that is no plain file and `complete`; removes what was not
 * kept. Returns 0, or -1. */
int target_close(int file, int complete, int signals);

#endif
