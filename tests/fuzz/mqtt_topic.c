/* mqtt_topic.c - a fuzzer for the tree of subscriptions and retained messages, 04-heartbeat/mqtt/topic.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_mqtt_topic tests/fuzz/mqtt_topic.c
 *     mkdir -p new && ./fuzz_mqtt_topic -max_total_time=10 new tests/fuzz/corpus/mqtt_topic
 *
 * Each line is an order: a letter (a, b, c: that peer subscribes; A, B, C: it unsubscribes, x: from all; r: a message is
 * retained, e: an empty one), and a filter or topic. After each, what the tree finds is what a look at every filter finds.
 * In the end, when all have left, there is no node any more.
 */
#include "../../04-heartbeat/mqtt/message.c"
#include "../../04-heartbeat/mqtt/topic.c"
#include "../../04-heartbeat/mqtt/wire.c"

const char program[] = "fuzz_mqtt_topic", usage[] = "";

struct session { /* all that the tree knows of it is where it is */
    struct subscription *own;
};

#define PEERS   3
#define ENTRIES 64

/* The same as the tree has, in the plainest form. */
static struct session peers[PEERS];
static struct entry {
    int peer; /* PEERS: a retained message */
    struct bytes path;
    int found;
} entries[ENTRIES];
static int count;

static void check(int right) {
    if (!right)
        abort();
}

static int same(struct bytes a, struct bytes b) {
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* Does what is left of a filter match what is left of a topic? Both begin with a level. */
static int matches(const char *f, const char *f_end, const char *t, const char *t_end) {
    if (f < f_end && *f == '#')
        return 1;
    if (f < f_end && *f == '+') {
        f++;
        while (t < t_end && *t != '/')
            t++;
    }
    while (f < f_end && t < t_end && *f == *t && *f != '/') {
        f++;
        t++;
    }
    if (t == t_end) /* sport/# matches sport */
        return f == f_end || (f_end - f == 2 && f[0] == '/' && f[1] == '#');
    return f < f_end && *f == '/' && *t == '/' && matches(f + 1, f_end, t + 1, t_end);
}

static int matches_all(struct bytes filter, struct bytes topic) {
    if (topic.data[0] == '$' && (filter.data[0] == '+' || filter.data[0] == '#'))
        return 0;
    return matches(filter.data, filter.data + filter.length, topic.data, topic.data + topic.length);
}

static struct entry *find_entry(int peer, struct bytes path) {
    for (int i = 0; i < count; i++)
        if (entries[i].peer == peer && same(entries[i].path, path))
            return &entries[i];
    return NULL;
}

static void add_entry(int peer, struct bytes path) {
    if (!find_entry(peer, path))
        entries[count++] = (struct entry){.peer = peer, .path = path};
}

static int remove_entry(int peer, struct bytes path) {
    struct entry *e = find_entry(peer, path);
    if (e)
        *e = entries[--count];
    return e != NULL;
}

static void on_subscription(struct subscription *s) {
    for (int i = 0; i < count;
         i++) /* whose filter it is, the tree does not say: any of the peer's that matches */
        if (entries[i].peer == (int)(s->session - peers) && entries[i].found == 1) {
            entries[i].found = 0;
            return;
        }
    abort();
}

static int on_message(struct message *m) {
    struct entry *e = find_entry(PEERS, m->topic);
    check(e && e->found == 1);
    e->found = 0;
    return 1;
}

/* Sets `found` where something has to be found, the callbacks take it away. */
static void check_topic(struct bytes topic) {
    for (int i = 0; i < count; i++)
        entries[i].found = entries[i].peer < PEERS && matches_all(entries[i].path, topic);
    topic_match(topic, on_subscription);
    for (int i = 0; i < count; i++)
        check(!entries[i].found);
}

static void check_filter(struct bytes filter) {
    for (int i = 0; i < count; i++)
        entries[i].found = entries[i].peer == PEERS && matches_all(filter, entries[i].path);
    retained_match(filter, on_message);
    for (int i = 0; i < count; i++)
        check(!entries[i].found);
}

static int is_topic(struct bytes path) {
    return topic_is_shallow(path) && !memchr(path.data, '+', path.length) &&
           !memchr(path.data, '#', path.length);
}

static void keep(struct bytes topic, size_t length) {
    struct message *m = message_new(&(struct packet){.topic = topic, .payload = {"x", length}});
    check(retain(m) == 0);
    message_release(m);
}

static void do_filter(int order, struct bytes filter) {
    int peer = order >= 'a' ? order - 'a' : order - 'A';
    struct subscription **own = &peers[peer].own;
    int had = find_entry(peer, filter) != NULL;
    if (order >= 'a' && count < ENTRIES) {
        check(subscribe(&peers[peer], own, filter, 1) == !had);
        add_entry(peer, filter);
    } else if (order < 'a') {
        check(unsubscribe(own, filter) == had);
        remove_entry(peer, filter);
    }
}

static void leave(int peer) {
    unsubscribe_all(&peers[peer].own);
    for (int i = count - 1; i >= 0; i--)
        if (entries[i].peer == peer)
            entries[i] = entries[--count];
}

static void obey(int order, struct bytes path) {
    int filter = filter_is_valid(path) && topic_is_shallow(path), topic = is_topic(path);
    check(filter || !topic);
    if (filter && memchr("abcABC", order, 6))
        do_filter(order, path);
    if (order == 'x')
        leave((int)path.length % PEERS);
    if (topic && order == 'r' && count < ENTRIES) {
        keep(path, 1);
        add_entry(PEERS, path);
    } else if (topic && order == 'e') {
        keep(path, 0);
        remove_entry(PEERS, path);
    }
    if (topic)
        check_topic(path);
    if (filter)
        check_filter(path);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    const char *at = (const char *)bytes, *end = at + size;
    seed = 1; /* the same input does the same each time */
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (line == NULL)
            line = end;
        if (line - at > 1)
            obey(*at, (struct bytes){at + 1, (size_t)(line - at) - 1});
        at = line + 1;
    }
    for (int peer = 0; peer < PEERS; peer++)
        leave(peer);
    while (count > 0) {
        keep(entries[count - 1].path, 0);
        count--;
    }
    check(nodes == 0 && root.child == NULL && retained_count == 0 && retained_bytes == 0);
    return 0;
}
