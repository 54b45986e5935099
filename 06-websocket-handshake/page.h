/* page.h - the page at /: a file, which is found beside the program, whatever folder the program was started from. */
#ifndef PAGE_H
#define PAGE_H

#include <stddef.h>

#define PAGE_MAX 262144 /* bytes of the page */

/* Notes where the page is: in `file`; or, if that is NULL, in index.html beside the program that was started as `argv0`:
 * from its folder or another one, through PATH, or through a symbolic link. If the page cannot be read, says so on
 * stderr. */
void page_find(const char *file, const char *argv0);

/* Reads the page, as it is in its file now. Returns its bytes, until the next call; or NULL with errno, EFBIG if it has
 * more than PAGE_MAX. */
const char *page_read(size_t *length);

#endif
