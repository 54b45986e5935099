/* say.c - see say.h. */
#include "say.h"

#include "show_frame.h"

#include <stdio.h>
#include <sys/select.h>

static enum message_format spoken[FD_SETSIZE]; /* the format in which each client spoke last */

void say_begin(struct client *c) { spoken[c->fd] = TEXT; }

int hear(const struct frame *f, struct message *m) {
    static char text[FRAME_MAX + 1];
    static char offset[24];
    size_t at;
    const char *wrong = message_decode(m, (enum message_format)f->format, f->payload, f->length, text, &at);
    if (wrong == NULL)
        return 0;

    snprintf(offset, sizeof offset, "%zu", at);
    *m = (struct message){ERROR, {[CODE] = "parse", [AT] = offset, [BODY] = wrong}};
    return -1;
}

void heard(struct client *c, const struct frame *f, const struct message *m) {
    show_frame(c->name, "->", f->format, f->length, m);
    if (f->format != FRAME_BYTES)
        spoken[c->fd] = (enum message_format)f->format;
}

/* Writes the frame of a message, for this client. Returns its bytes. */
static size_t write_frame(const struct client *c, const struct message *m, char *frame) {
    enum message_format format = spoken[c->fd];
    size_t length = message_encode(m, format, frame + FRAME_HEADER, FRAME_MAX);
    frame_header(frame, (enum frame_format)format, length);
    return FRAME_HEADER + length;
}

size_t say_size(const struct client *c, const struct message *m) {
    static char frame[FRAME_HEADER + FRAME_MAX];
    return write_frame(c, m, frame);
}

void say(struct client *c, const struct message *m) {
    static char frame[FRAME_HEADER + FRAME_MAX];
    size_t size = write_frame(c, m, frame);
    show_frame(c->name, "<-", (enum frame_format)spoken[c->fd], size - FRAME_HEADER, m);
    client_send(c, frame, size);
}

void say_error(struct client *c, const char *id, const char *code, const char *why) {
    struct message m = {ERROR, {[ID] = id, [CODE] = code, [BODY] = why}};
    say(c, &m);
}
