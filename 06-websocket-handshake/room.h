/* room.h - who is in which room of the chat: names and rooms come in a URL (RFC 3986), such as
 * /chat?room=kitchen&name=%E5%BC%A0%E4%B8%89. A name, of a person or a room, is 1 to 32 bytes of letters,
 * digits, - and _; beyond ASCII all of UTF-8 passes for a letter but U+0080 to U+00BF (signs), U+2000 to
 * U+207F (blanks, invisible marks, marks that turn the direction), U+3000 and U+FEFF (two more blanks). */
#ifndef ROOM_H
#define ROOM_H

#include "http.h"

#define WORD_MAX 32 /* bytes in a name */

/* Lets somebody into the room that a query (what stands behind the question mark) names, under the name in
 * it; without them, into the lobby, and as guest53412 if `peer` is "127.0.0.1:53412". A place, 0 to
 * FD_SETSIZE - 1, is the caller's: a descriptor. Returns NULL, or why not. */
const char *room_enter(int place, struct span query, const char *peer);

void room_leave(int place);

/* Returns whether two are in the same room. */
int room_same(int place, int other);

/* The names of somebody who is in a room, and of that room. */
const char *room_person(int place);
const char *room_title(int place);

#endif
