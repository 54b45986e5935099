/* show_frame.c - see show_frame.h. */
#include "show_frame.h"

#include "wire.h"

#include <stdio.h>

#define MEANING_MAX 512 /* bytes of a message that are shown, with a NUL */

void show_frame(const char *peer, const char *arrow, enum frame_format format, size_t length,
                const struct message *m) {
    static const char *const formats[] = {[FRAME_TEXT] = "text", "json", "xml", "bytes"};
    char meaning[MEANING_MAX] = "";
    if (!verbose)
        return;
    if (m)
        message_show(m, meaning, sizeof meaning);
    fprintf(stderr, "%s %s frame: %s, %zu byte%s%s%s\n", peer, arrow, formats[format], length,
            length == 1 ? "" : "s", m ? ": " : "", meaning);
}
