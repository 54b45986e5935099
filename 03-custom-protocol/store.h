/* store.h - files in a folder, each under a random name: it is there whole, or not at all.
 *
 *     store_create   0123456789abcdef0123456789abcdef.part      nobody can open it
 *     store_keep     0123456789abcdef0123456789abcdef           the disk has it, and its name
 *
 * The names are ours: none that a client has chosen ever gets near the disk. Knows files, and no sockets.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>

#define STORE_NAME 32 /* hexadecimal digits: 16 random bytes, which nobody guesses */
#define STORE_PART ".part"

struct upload {                                     /* a file that is not complete */
    int file;                                       /* its descriptor */
    char name[STORE_NAME + 1];                      /* which it will get */
    char part_name[STORE_NAME + sizeof STORE_PART]; /* which it has until then */
};

/* Opens the folder for this server alone; NULL: a temporary one, which is removed with all its files when the program
 * ends. What uploads have left behind that never came to their end is removed. Ends the program, with a line that says
 * why, if that cannot be. */
void store_open(const char *folder);

/* Is this a name as we make them? */
int store_is_name(const char *text);

/* Opens a file to read from it. Returns its descriptor, or -1 with errno. Like the loop, it leaves a descriptor free. */
int store_find(const char *name);

/* Begins a file. Returns 0, or -1 with errno. */
int store_create(struct upload *u);

/* Adds bytes. Returns 0, or -1 with errno. */
int store_write(struct upload *u, const char *data, size_t len);

/* The file is complete: makes sure that the disk has its bytes, and then its name. From here on no power failure takes
 * it away. Returns 0, or -1 with errno. */
int store_keep(struct upload *u);

/* Ends an upload. If it was not kept, nothing stays of it. */
void store_end(struct upload *u);

#endif
