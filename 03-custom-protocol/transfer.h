/* transfer.h - a file on its way to a file_server or from it: what to say, and what to do with what is answered.
 *
 * A download grows under another name beside its own, and goes on there if it was interrupted; only complete it gets
 * its name, and never that of another file. Takes and gives frames; knows files, and no sockets. See PROTOCOL.md,
 * section 6.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "frame.h"
#include "message.h"

#define TRANSFER_PATH 32    /* hexadecimal digits in a file server's path */
#define TRANSFER_NAME 1024  /* bytes in a file's name here, with its NUL */
#define TRANSFER_MAX  33000 /* bytes that transfer_next() may need */

struct transfer {
    int upload, asked, answered; /* the request is out; download: the size has come */
    int file;                    /* descriptor, -1: none */
    long long size, done;        /* bytes of the file, and those of them that are here or there */
    char path[TRANSFER_PATH + 1];
    char local[TRANSFER_NAME], part[TRANSFER_NAME + TRANSFER_PATH + 8]; /* its name; until it is complete */
    char why[512]; /* what has failed; may be what the server has said, so clean it before it is shown */
};

/* Is this a path as file servers make them? */
int transfer_is_path(const char *text);

/* Begins to bring a file; or to fetch one, which gets the name `local`. Returns 0, or -1 with t->why. */
int transfer_put(struct transfer *t, const char *local);
int transfer_get(struct transfer *t, const char *path, const char *local);

/* Writes the frame that is to be sent next, the request in the format given. Returns its length; 0: there is none
 * until something is answered; -1 with t->why. */
long transfer_next(struct transfer *t, enum message_format format, char out[TRANSFER_MAX]);

/* Takes a frame that has come. Returns 1 when the file is there (of one that was brought, t->path is the path), 0
 * if it goes on, -1 with t->why. */
int transfer_take(struct transfer *t, const struct frame *f);

/* Ends it, at whatever point. What is here of a download stays for the next try. */
void transfer_close(struct transfer *t);

#endif
