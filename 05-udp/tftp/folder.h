/* folder.h - the folder of the files that a server hands out and takes: no name leads out of it, and a file that is put
 * there appears when it is complete.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include "draft.h"

#include <sys/types.h>

/* Opens the folder; nothing outside of it will be touched. `overwriting`: a file that is put may replace another one.
 * Returns 0, or -1 with errno. */
int folder_open(const char *path, int overwriting);

/* Removes what servers that were killed have left behind, see draft.h. */
void folder_sweep(void);

/* Opens a file to be read, and tells its size. Returns it, or -1 with errno. */
int file_to_get(const char *path, off_t *size);

/* Opens a new file, which is a draft until file_keep(). `size` is how many bytes it will have, negative: not known.
 * Returns it, or -1 with errno. Whether the file may stand there is asked now, or the client would hear it only after
 * the last block. */
int file_to_put(const char *path, long long size, struct draft *d);

/* Gives the file its name, when all of it is on the disk. Returns 0, or -1 with errno: it is a draft still. */
int file_keep(int file, const char *path, struct draft *d);

#endif
