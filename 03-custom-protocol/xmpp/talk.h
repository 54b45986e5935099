/* talk.h - what people tell each other: messages and presence (RFC 6121, 4, 5 and 8), and iq that is for a client. */
#ifndef TALK_H
#define TALK_H

#include "peer.h"

/* Take a stanza from a peer that is BOUND. The tree is changed. */
void talk_message(struct peer *p, struct xml_tree *tree);
void talk_presence(struct peer *p, struct xml_tree *tree);

/* Passes an iq on to a client, with its true sender. */
void talk_pass_iq(struct peer *p, struct xml_tree *tree, struct peer *to);

/* Sends a peer some more of what it has missed, as long as it reads: who is there, and the messages that were kept. Call it
 * once a turn for each client. Returns whether it wants to be called again at once. */
int talk_catch_up(struct peer *p);

#endif
