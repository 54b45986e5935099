/* ws_words.h - the words of 06-cases.txt: frames as text, and as bytes. It shares no code with the lesson. */
#ifndef WS_WORDS_H
#define WS_WORDS_H

#include <stddef.h>

struct bytes { /* zeros: none yet */
    unsigned char *data;
    size_t length, size;
};

/* Adds bytes at the end; ends the program if memory is out. */
void bytes_add(struct bytes *b, const void *data, size_t len);

struct frame {
    int fin, rsv, opcode, masked;
    int extra;            /* bytes of length behind the first two, 0: as few as needed */
    long long claims;     /* the length that the header says; -1: that of the payload */
    struct bytes payload; /* freed by the caller */
    int any_reason;       /* of a close that shall come: only its code is given */
};

extern const char *const frame_names[16]; /* by opcode; NULL: reserved */
extern long line_number;                  /* of the table, for table_error() */

void table_error(const char *what, const char *where);

/* Reads a frame from *at on, before `end`, and moves *at behind it. Returns 0 if there is none left. */
int read_frame(const char **at, const char *end, struct frame *f);

void write_frame(struct bytes *out, const struct frame *f);

#endif
