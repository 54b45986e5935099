/* room.h - which clients are in which room of the chat. Names and rooms come in a URL (RFC 3986), such as
 * /chat?room=kitchen&name=%E5%BC%A0%E4%B8%89; what a name may be, says text.h.
 */
#ifndef ROOM_H
#define ROOM_H

#include "http.h"
#include "text.h"

/* Lets a client into the room that a query (what stands behind the question mark) names, under the name in it;
 * without them, into the lobby, and as guest53412 if `peer` is "127.0.0.1:53412". A place, 0 to FD_SETSIZE - 1, is
 * the caller's: a descriptor. Returns whether it is in; if not, *why says why not. */
int room_enter(int place, struct span query, const char *peer, const char **why);

/* Takes a client out of its room. One that is in none may be given, too. */
void room_leave(int place);

/* Returns whether two are in the same room. */
int room_same(int place, int other);

/* Return the name of a client that is in a room, and the name of that room. */
const char *room_person(int place);
const char *room_title(int place);

#endif
