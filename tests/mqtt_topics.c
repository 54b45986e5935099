/* mqtt_topics.c - see mqtt_modules.h. */
#include "mqtt_modules.h"

#include <stdint.h>

/* ---- Filters and topics, compared level by level ---- */

/* As the standard tells it, for a filter that is valid: one level after another. */
static int matches(const char *filter, const char *topic) {
    if (*topic == '$' && (*filter == '+' || *filter == '#'))
        return 0;
    for (;;) {
        size_t f = strcspn(filter, "/"), t = strcspn(topic, "/");
        if (*filter == '#')
            return 1;
        if (*filter != '+' && (f != t || memcmp(filter, topic, f) != 0))
            return 0;
        if (topic[t] == '\0') /* a # behind it stands for this level, too */
            return filter[f] == '\0' || strcmp(filter + f, "/#") == 0;
        if (filter[f] == '\0')
            return 0;
        filter += f + 1;
        topic += t + 1;
    }
}

static void retain_text(const char *topic, const char *payload) {
    struct message *m = make_message(topic, bytes_of(payload), 1);
    CHECK(m && retain(m) == 0, "%s is not retained", topic);
    message_release(m);
}

static int found_count;

static void count_found(struct subscription *s) { found_count += s->session != NULL; }

static int count_retained(struct message *m) {
    found_count += m->payload.length > 0;
    return 1;
}

void topics_check_pair(const char *filter, const char *topic, int expected) {
    struct session *session = session_new(bytes_of("one"));
    CHECK(filter_is_valid(bytes_of(filter)), "%s is no filter", filter);
    CHECK(matches(filter, topic) == expected, "%s %s: the comparison says something else", filter, topic);
    found_count = 0;
    subscribe(session, &session->subscriptions, bytes_of(filter), 0);
    topic_match(bytes_of(topic), count_found);
    CHECK(found_count == expected, "%s %s: found %d, not %d", filter, topic, found_count, expected);
    session_free(session);

    found_count = 0;
    retain_text(topic, "x");
    retained_match(bytes_of(filter), count_retained);
    CHECK(found_count == expected, "%s %s, retained: found %d, not %d", filter, topic, found_count, expected);
    retain_text(topic, "");
}

/* ---- What it costs ---- */

/* Subscribes to all filters of so many levels that are `a` or `+`. */
static void subscribe_doubling(struct session *session, int levels) {
    char filter[2 * 32];
    for (unsigned bits = 0; bits < 1u << levels; bits++) {
        for (int i = 0; i < levels; i++)
            snprintf(filter + 2 * i, 3, "%c/", bits >> i & 1 ? '+' : 'a');
        filter[2 * levels - 1] = '\0';
        subscribe(session, &session->subscriptions, bytes_of(filter), 0);
    }
    struct bytes latest = filter_of(session->subscriptions);
    CHECK(latest.length == strlen(filter) && memcmp(latest.data, filter, latest.length) == 0,
          "not its filter");
}

/* A topic of 15 levels finds all that match, however many; one of 18 gives up. */
static void check_cost(void) {
    struct session *session = session_new(bytes_of("one"));
    subscribe_doubling(session, 15);
    found_count = 0;
    CHECK(topic_match(bytes_of("a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"), count_found) == 0, "15 levels are too many");
    CHECK(found_count == 1 << 15, "15 levels: found %d", found_count);
    unsubscribe_all(&session->subscriptions);
    subscribe_doubling(session, 18);
    CHECK(topic_match(bytes_of("a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"), count_found) < 0,
          "18 levels: all are visited");
    session_free(session);
}

/* ---- At random ---- */

#define PEERS   12
#define FILTERS 60 /* that may be subscribed to, so that many meet */
#define TOPICS  60
#define STEPS   20000

#define PATH_SIZE 40 /* bytes of a topic or filter, and its NUL */

static uint32_t state; /* xorshift */

static unsigned below(unsigned n) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % n;
}

/* The same as the broker has, in the plainest form. */
static char filters[FILTERS][PATH_SIZE], topics[TOPICS][PATH_SIZE];
static struct session *peers[PEERS];
static int subscribed[PEERS][FILTERS]; /* QoS + 1; 0: it is not */
static int found[PEERS][3];            /* how often, by QoS */
static int retained[TOPICS];           /* the payload's length; 0: there is none */
static int found_retained[TOPICS];

/* Makes a topic or, with wildcards, a filter. */
static void make_up(char path[PATH_SIZE], int wild) {
    static const char *const levels[] = {"a", "b", "", "ab", "$s", "$", "+", "#"};
    unsigned last = below(5);
    int length = 0;
    for (unsigned i = 0; i <= last; i++) {
        const char *level = levels[below(wild ? 8 : 6)];
        if (*level == '#')
            last = i;
        length += snprintf(path + length, (size_t)(PATH_SIZE - length), "%s%s", level, i < last ? "/" : "");
    }
    if (length == 0)
        snprintf(path, PATH_SIZE, "/");
}

static int is_double(char (*list)[PATH_SIZE], int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(list[i], list[n]) == 0)
            return 1;
    return 0;
}

static void note_found(struct subscription *s) {
    for (int i = 0; i < PEERS; i++)
        if (peers[i] == s->session)
            found[i][s->qos]++;
}

static int note_retained(struct message *m) {
    for (int i = 0; i < TOPICS; i++)
        if (m->topic.length == strlen(topics[i]) && memcmp(m->topic.data, topics[i], m->topic.length) == 0)
            found_retained[i] += (int)m->payload.length;
    return 1;
}

static void step_subscription(int peer, int filter) {
    struct subscription **own = &peers[peer]->subscriptions;
    int *had = &subscribed[peer][filter], qos = (int)below(3);
    if (below(3) > 0) {
        CHECK(subscribe(peers[peer], own, bytes_of(filters[filter]), qos) == (*had == 0),
              "subscribe to %s: new or not?", filters[filter]);
        *had = qos + 1;
    } else if (below(40) > 0) {
        CHECK(unsubscribe(own, bytes_of(filters[filter])) == (*had != 0),
              "unsubscribe from %s: there or not?", filters[filter]);
        *had = 0;
    } else {
        unsubscribe_all(own);
        memset(subscribed[peer], 0, sizeof subscribed[peer]);
    }
}

static void step_topic(const char *topic) {
    memset(found, 0, sizeof found);
    topic_match(bytes_of(topic), note_found);
    for (int peer = 0; peer < PEERS; peer++)
        for (int filter = 0; filter < FILTERS; filter++)
            if (subscribed[peer][filter] && matches(filters[filter], topic))
                found[peer][subscribed[peer][filter] - 1]--;
    for (int peer = 0; peer < PEERS; peer++)
        CHECK(!found[peer][0] && !found[peer][1] && !found[peer][2],
              "topic %s, session %d: found too often or too seldom", topic, peer);
}

static void step_retained(int topic, const char *filter) {
    static const char *const payloads[] = {"", "x", "xx"};
    retained[topic] = (int)below(3);
    retain_text(topics[topic], payloads[retained[topic]]);
    memset(found_retained, 0, sizeof found_retained);
    retained_match(bytes_of(filter), note_retained);
    for (int i = 0; i < TOPICS; i++)
        CHECK(found_retained[i] == (matches(filter, topics[i]) ? retained[i] : 0),
              "filter %s, retained %s: found %d bytes", filter, topics[i], found_retained[i]);
}

void topics_check_random(unsigned seed) {
    char name[] = "peer a";
    state = seed * 2654435761u | 1;
    for (int i = 0; i < PEERS; i++, name[5]++)
        peers[i] = session_new(bytes_of(name));
    for (int i = 0; i < FILTERS; i++)
        do
            make_up(filters[i], 1);
        while (is_double(filters, i) || !filter_is_valid(bytes_of(filters[i])));
    for (int i = 0; i < TOPICS; i++)
        do
            make_up(topics[i], 0);
        while (is_double(topics, i));
    for (int i = 0; i < STEPS; i++) {
        step_subscription((int)below(PEERS), (int)below(FILTERS));
        step_topic(topics[below(TOPICS)]);
        step_retained((int)below(TOPICS), filters[below(FILTERS)]);
    }
    for (int i = 0; i < PEERS; i++)
        session_free(peers[i]);
    check_cost();
    found_count = 0;
    topic_match(bytes_of("a"), count_found);
    for (int i = 0; i < TOPICS; i++)
        retain_text(topics[i], "");
    retained_match(bytes_of("#"), count_retained);
    CHECK(found_count == 0, "something is left at the end");
}
