/* outgoing.h - what a broker sends: packets, messages to all that have subscribed to them, what waits in a queue. */
#ifndef OUTGOING_H
#define OUTGOING_H

#include "loop.h"
#include "session.h"

#define OWED_MAX 1048576 /* bytes: a client that is owed more gets no messages of QoS 0 */

/* To be called first: no packet that is sent has more than `rest` bytes behind its head. Returns 0, or -1: out of
 * memory. */
int outgoing_begin(size_t rest);

/* Sends a packet; one that has nothing but an id. */
void send_packet(struct client *c, const struct packet *p);
void send_answer(struct client *c, enum packet_type type, int id);

/* Gives a session a message. One of QoS 0 is sent at once or, if the client is away or does not read, never; the others
 * are queued, and sent as soon as the client may get more; so are those `as_retained`, with RETAIN set, because they were
 * there before the subscription. */
void deliver(struct session *s, struct message *m, int qos, int as_retained);

/* Passes a message on to all that have subscribed, to each once, and keeps it if it is to be retained. */
void publish(struct message *m);

/* Sends what waits in a session's queue, as long as its client reads. */
void send_queue(struct session *s, struct client *c);

/* Sends the retained messages of the subscriptions that are fresh, as far as this turn has time for it: each may cost a
 * walk through all that are retained, and one packet can ask for a thousand. */
void send_retained(struct session *s);

/* Does both, as far as there is time. Returns whether there is more to be done at once. To be called once a turn for each
 * client, after outgoing_turn(). */
int send_waiting(struct session *s, struct client *c);
void outgoing_turn(void);

/* Logs something about a session, by the id of its client; how many messages it has lost, if any, since the last time. */
void note(const struct session *s, const char *what);
void note_lost(struct session *s);

#endif
