/* folder.h - the folder of the files that a server hands out and takes: no name leads out of it, and a file that is put
 * there appears when it is complete.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <sys/types.h>

#define TEMPORARY_MAX 40 /* bytes of a temporary name, its NUL included */

/* Opens the folder; nothing outside of it will be touched. `overwriting`: a file that is put may replace another one.
 * Returns 0, or -1 with errno. */
int folder_open(const char *path, int overwriting);

/* Opens a file to be read, and tells its size. Returns it, or -1 with errno. */
int file_to_get(const char *path, off_t *size);

/* Opens a new file, in the folder where `path` will stand, but under a temporary name that nobody can get. `size` is
 * how many bytes it will have, negative: not known. Returns it, or -1 with errno. Whether the file may stand there is
 * asked now, or the client would hear it only after the last block. */
int file_to_put(const char *path, long long size, char temporary[TEMPORARY_MAX]);

/* Gives the file its name, when all of it is on the disk. Returns 0, or -1 with errno: it keeps the temporary name. */
int file_keep(int file, const char *path, const char *temporary);

/* Removes a file that will not be complete. */
void file_forget(const char *path, const char *temporary);

#endif
