/* page.c - see page.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "page.h"

#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4096 /* bytes of a path, with its NUL */

static const char *page_file;
static char beside[PATH_SIZE]; /* the path of index.html beside the program */

/* Looks for a program in the folders of PATH, as a shell does, and writes its path; the name alone if it is in none. */
static void search_path(char path[PATH_SIZE], const char *name) {
    const char *folder = getenv("PATH");
    while (folder) {
        size_t len = strcspn(folder, ":");
        snprintf(path, PATH_SIZE, "%.*s%s%s", (int)len, folder, len > 0 ? "/" : "", name);
        if (access(path, X_OK) == 0)
            return;
        folder = folder[len] ? folder + len + 1 : NULL;
    }
    snprintf(path, PATH_SIZE, "%s", name);
}

/* A link leads to the folder that the program is really in: only there is the page. */
static void look_beside(const char *argv0) {
    char path[PATH_SIZE];
    if (strchr(argv0, '/'))
        snprintf(path, sizeof path, "%s", argv0);
    else
        search_path(path, argv0);

    char *real = realpath(path, NULL);
    const char *from = real ? real : path, *slash = strrchr(from, '/');
    int folder = slash ? (int)(slash + 1 - from) : 0; /* bytes in front of the program's name */
    snprintf(beside, sizeof beside, "%.*sindex.html", folder, from);
    free(real);
}

void page_find(const char *file, const char *argv0) {
    size_t length;
    page_file = file;
    if (file == NULL) {
        look_beside(argv0);
        page_file = beside;
    }
    if (page_read(&length) == NULL)
        fprintf(stderr, "%s: no page: cannot read %s: %s (-f FILE)\n", program, page_file, strerror(errno));
}

const char *page_read(size_t *length) {
    static char page[PAGE_MAX + 1];
    FILE *file = fopen(page_file, "rb");
    if (file == NULL)
        return NULL;
    errno = EFBIG;
    *length = fread(page, 1, sizeof page, file);
    int error = ferror(file) || *length > PAGE_MAX ? errno : 0;
    fclose(file);
    errno = error;
    return error == 0 ? page : NULL;
}
