/* commands.h - what the user types: lines, "NAME: TEXT" or a command. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "delivery.h"
#include "message.h"
#include "talk.h"

#define INPUT_LINE (VALUE_MAX + 1024) /* bytes in a line: a message, and to whom */

struct input {
    struct talk *talk;        /* where messages and questions go */
    struct deliveries *files; /* and files */
    int ended;                /* stdin has ended, or /quit was typed */
    int too_long;             /* the beginning of a line that is too long was thrown away, the rest follows */
    size_t length;            /* bytes that are typed and not yet handled */
    char text[INPUT_LINE + 1];
};

int input_has_room(const struct input *in);

/* Reads stdin once. Returns 0, or -1 with errno. */
int input_read(struct input *in);

/* Handles the lines that are complete, as far as that can be done now. At the end of the input the last line needs no
 * LF. */
void input_handle(struct input *in);

#endif
