/* topic.h - topics and filters (MQTT 3.1.1, section 4.7), the table of all subscriptions, and the retained messages.
 *
 * The table is a tree: a node for each level of a filter or of a topic with a retained message. All nodes are in one hash
 * table, by their parent and the text of their level. So a publication costs three looks into the table (the level, `+`,
 * `#`) for each node whose path matches the beginning of its topic, and nothing for all others, however many there are.
 */
#ifndef TOPIC_H
#define TOPIC_H

#include "message.h"

#define TOPIC_LEVELS 128 /* in a topic or a filter; with so many the walk through the tree is deep enough */

/* Nodes that one message visits at most. Each level may double them (its text, and `+`): so a topic of 15 levels never
 * has more, however many filters there are; one of 128 levels could visit millions, and hold everybody up. */
#define MATCH_NODES 65536

#define TREE_BYTES     268435456 /* of the tree, with all subscriptions */
#define RETAINED_MAX   10000     /* retained messages ... */
#define RETAINED_BYTES 16777216  /* ... and their bytes */

struct session;
struct node;

struct subscription {
    struct session *session;
    struct node *node;                    /* where its filter ends */
    int qos;                              /* granted: 0, 1 or 2 */
    int fresh;                            /* subscribe() sets it: the retained messages have not been sent */
    struct subscription *next, *previous; /* of the same filter */
    struct subscription *own_next;        /* of the same session */
};

/* Is that a filter? `+` and `#` stand alone in their level, `#` in the last one. */
int filter_is_valid(struct bytes filter);

/* Does a topic, or a filter, have TOPIC_LEVELS at most? */
int topic_is_shallow(struct bytes topic);

/* Subscribes; `*own` is the list of what the session has. A filter that it has already gets the new QoS. Returns 1: it is
 * new; 0: it was there; -1: no memory, or the tree has TREE_BYTES. The filter has to be valid, and shallow. */
int subscribe(struct session *s, struct subscription **own, struct bytes filter, int qos);

/* Ends a subscription. Returns 1, or 0: there was none. */
int unsubscribe(struct subscription **own, struct bytes filter);

/* Ends all that a session has. */
void unsubscribe_all(struct subscription **own);

/* Calls `found` for each subscription that matches a topic. It must not subscribe or unsubscribe. Returns 0; or -1: it
 * has given up after MATCH_NODES. */
int topic_match(struct bytes topic, void (*found)(struct subscription *s));

/* Keeps a message as the latest of its topic, in place of an earlier one; an empty one only takes the earlier one away.
 * Returns 0; or -1: there is no room (RETAINED_MAX, RETAINED_BYTES), or no memory. Becomes a holder of the message. */
int retain(struct message *m);

/* Returns the filter of a subscription, in memory that the next call uses again. */
struct bytes filter_of(const struct subscription *s);

/* Calls `found` for each retained message whose topic matches a filter, until it returns 0. */
void retained_match(struct bytes filter, int (*found)(struct message *m));

#endif
