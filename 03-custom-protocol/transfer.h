/* transfer.h - a file on its way to a file_server or from it: what to say, and what to do with what is answered.
 *
 * A download goes to a temporary file in the folder where it belongs, is resumed there if it was interrupted, gets its
 * name when it is complete, and never replaces another file. The temporary name, PATH.<8 digits>.part, has the same length
 * for all: a name that is valid itself must not become too long. The digits are the checksum of the name: so two downloads
 * of one file do not meet. The folder stays open, and may get another name meanwhile. Takes and gives frames; knows files, and no sockets. See PROTOCOL.md,
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
    int upload;                    /* it goes to the file server; 0: it comes from there */
    int asked;                     /* the request is written */
    int answered;                  /* the file server has said ok */
    int folder;                    /* descriptor of the folder that a download belongs to; -1: none */
    int file;                      /* descriptor; -1: none */
    long long size;                /* bytes of the file; of a download 0 until the answer has told */
    long long done;                /* bytes of it that are read (upload), or are here (download) */
    char path[TRANSFER_PATH + 1];  /* by which the file server knows it */
    char local[TRANSFER_NAME];     /* its name here */
    char part[TRANSFER_PATH + 16]; /* and that of a download, in its folder, until it is complete */
};

/* These functions return -1 if they fail. Then *why says it in words, which are valid until the next call; they may be
 * the server's own, so clean them before they are shown. */

/* Begins to bring a file; or to fetch one, which gets the name `local`. Return 0, or -1. To be closed in any case. */
int transfer_put(struct transfer *t, const char *local, const char **why);
int transfer_get(struct transfer *t, const char *path, const char *local, const char **why);

/* Writes the frame that is to be sent next, the request in the format given. Returns its length; 0: there is none
 * until something is answered; or -1. */
long transfer_next(struct transfer *t, enum message_format format, char out[TRANSFER_MAX], const char **why);

/* Takes a frame that has come. Returns 1 when the file is there (of one that was brought, t->path is the path then), 0
 * if it goes on, or -1. */
int transfer_take(struct transfer *t, const struct frame *f, const char **why);

/* Ends it, at whatever point. What is here of a download stays for the next try. */
void transfer_close(struct transfer *t);

#endif
