/* query.h - iq: what a client asks the server, or another client (RFC 6120, 8.2.3). */
#ifndef QUERY_H
#define QUERY_H

#include "peer.h"

/* Takes an iq from a peer that is BOUND. The tree is changed. */
void query_read(struct peer *p, struct xml_tree *tree);

/* Takes the iq with which a peer that is LOGGED_IN asks for a resource. Returns 0, or -1: the stanza is
 * something else. */
int query_bind(struct peer *p, struct xml_tree *tree);

#endif
