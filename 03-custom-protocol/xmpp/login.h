/* login.h - how a client proves who it is, before anything else: SASL (RFC 4422) in XMPP (RFC 6120, 6). */
#ifndef LOGIN_H
#define LOGIN_H

#include "peer.h"

#define SASL "urn:ietf:params:xml:ns:xmpp-sasl"

/* Call this first: it draws the secret that the salts are made from. */
void login_begin(void);

/* Makes the keys of one more account, if there is nothing else to do, because it takes some ms; without them, the first login
 * of that account takes so much longer. Returns whether there are more. To be called once a turn. */
int login_prepare(int is_idle);

/* Takes an element of the namespace SASL, and answers it. After the last one of a right login the
 * peer is LOGGED_IN. */
void login_read(struct peer *p, const struct xml_node *e);

#endif
