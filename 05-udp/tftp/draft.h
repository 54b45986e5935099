/* draft.h - a file that is not complete yet: it stands in the folder where it belongs, under a temporary name. Nobody
 * sees half of a file, and the temporary name is short, however long the other one is.
 */
#ifndef DRAFT_H
#define DRAFT_H

#define DRAFT_NAME 40 /* bytes of a temporary name, its NUL included */

struct draft {
    int folder; /* its folder is kept open: if that is moved meanwhile, the file is found all the same */
    char name[DRAFT_NAME]; /* ".tftp-" and two numbers */
};

#define NO_DRAFT                                                                                             \
    { .folder = -1 }

/* Makes a new file in a folder. The folder's descriptor belongs to it from now on, also if it fails. Returns the file, or
 * -1 with errno. */
int draft_open(struct draft *d, int folder);

/* Gives the file its name when all of it is on the disk; `replace`: in the place of another one that may be there.
 * Returns 0; or -1 with errno, and it is a draft still. */
int draft_keep(struct draft *d, int file, const char *name, int replace);

/* The end, kept or not: removes what was not kept, and closes the folder. */
void draft_end(struct draft *d);

/* Removes from a folder, and from those in it down to that depth, the drafts that killed programs have left behind. A
 * file is such a draft if it has a name as above, belongs to our user, and is not locked: each program locks its drafts,
 * and the kernel takes the lock away when the program ends, however it ends. Where locks do not work nothing is
 * removed. */
void draft_sweep(int folder, int depth);

#endif
