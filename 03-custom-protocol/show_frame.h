/* show_frame.h - the microscope of -v, one step up: what a frame says, behind the bytes that show_wire() shows.
 *
 *     127.0.0.1:53412 -> frame: json, 57 bytes: msg id=7 to=lisi body=吃饭了吗
 */
#ifndef SHOW_FRAME_H
#define SHOW_FRAME_H

#include "frame.h"
#include "message.h"

#include <stddef.h>

/* With -v: prints the format and the length of a frame, and the message in it; NULL: bytes of a file, or what could not be
 * read. The arrow is that of show_wire(). */
void show_frame(const char *peer, const char *arrow, enum frame_format format, size_t length,
                const struct message *m);

#endif
