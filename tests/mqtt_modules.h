/* mqtt_modules.h - the parts of mqtt_modules: packets, topics (mqtt_topics.c), and sessions (mqtt_sessions.c). */
#ifndef MQTT_MODULES_H
#define MQTT_MODULES_H

#include "../04-heartbeat/mqtt/session.h"

#include <stdio.h>
#include <string.h>

extern int wrong_lines; /* printed by CHECK */

/* Prints a line, as printf() does, if something is not so; after 20 lines it is enough. */
#define CHECK(right, ...)                                                                                    \
    do {                                                                                                     \
        if (!(right) && wrong_lines++ < 20) {                                                                \
            printf(__VA_ARGS__);                                                                             \
            puts("");                                                                                        \
        }                                                                                                    \
    } while (0)

static inline struct bytes bytes_of(const char *text) { return (struct bytes){text, strlen(text)}; }

/* Returns a message that wants to be retained, with one holder. */
static inline struct message *make_message(const char *topic, struct bytes payload, int qos) {
    return message_new(&(struct packet){
        .type = PUBLISH, .qos = qos, .retain = 1, .topic = bytes_of(topic), .payload = payload});
}

/* Does a filter match a topic, or not, as expected: for a subscription, for a retained message, and by the comparison that
 * the random check trusts? */
void topics_check_pair(const char *filter, const char *topic, int expected);

/* Subscribes, unsubscribes, publishes, and retains at random, some ten thousand times. */
void topics_check_random(unsigned seed);

/* What sessions promise: the numbers of what is under way, what is sent again, and what a client sends twice. */
void sessions_check_numbers(void);
void sessions_check_again(void);
void sessions_check_received(void);

/* The bounds of queues, sessions, and retained messages. */
void sessions_check_bounds(void);

#endif
