/* mqtt_packet.c - a fuzzer for the reader of MQTT's packets, 04-heartbeat/mqtt/packet.c, and for what -v shows of them.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_mqtt_packet tests/fuzz/mqtt_packet.c
 *     mkdir -p new && ./fuzz_mqtt_packet -max_total_time=10 new tests/fuzz/corpus/mqtt_packet
 *
 * Whatever bytes come: none too many is read, a packet that is taken keeps all its rules, no beginning of it is taken for
 * the whole, whatever is behind it changes nothing, and when it is made and read once more, it says the same.
 */
#include "../../04-heartbeat/mqtt/packet.c"
#include "../../04-heartbeat/mqtt/show_packet.c"
#include "../../04-heartbeat/mqtt/text.c"
#include "../../04-heartbeat/mqtt/wire.c"

const char program[] = "fuzz_mqtt_packet", usage[] = "";

static void check(int right) {
    if (!right)
        abort();
}

static int same(struct bytes a, struct bytes b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static void check_same(const struct packet *a, const struct packet *b) {
    check(a->type == b->type && a->id == b->id && a->qos == b->qos && a->dup == b->dup);
    check(a->retain == b->retain && a->level == b->level && a->clean == b->clean);
    check(a->keep_alive == b->keep_alive && a->has_will == b->has_will && a->will_qos == b->will_qos);
    check(a->will_retain == b->will_retain && a->session_present == b->session_present);
    check(a->code == b->code && same(a->topic, b->topic) && same(a->payload, b->payload));
    check(same(a->list, b->list) && same(a->client_id, b->client_id));
    check(same(a->will_topic, b->will_topic) && same(a->will_payload, b->will_payload));
}

/* Does that lie within what was read? */
static void check_within(struct bytes s, const char *data, size_t len) {
    check(s.length == 0 || (s.data >= data && s.length <= len && s.data + s.length <= data + len));
}

static void check_topic(struct bytes topic) {
    check(topic.length > 0 && topic.length <= STRING_MAX && is_utf8(topic));
    check(!memchr(topic.data, '\0', topic.length) && !memchr(topic.data, '+', topic.length));
    check(!memchr(topic.data, '#', topic.length));
}

static void check_fields(const struct packet *p, const char *data, size_t len) {
    struct bytes all[] = {p->topic, p->payload, p->list, p->client_id, p->will_topic, p->will_payload};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        check_within(all[i], data, len);
    check(p->type >= CONNECT && p->type <= DISCONNECT && p->id >= 0 && p->id <= 65535);
    check(p->qos >= 0 && p->qos <= 2 && p->will_qos >= 0 && p->will_qos <= 2);
    check(p->type == PUBLISH || (!p->qos && !p->dup && !p->retain && !p->topic.length));
    check(p->qos > 0 || !p->dup);
    if (p->type == PUBLISH)
        check_topic(p->topic);
    if (p->type == PUBLISH ? p->qos > 0 : p->type > CONNACK && p->type < PINGREQ)
        check(p->id > 0);
    if (p->has_will)
        check_topic(p->will_topic);
}

static void check_filters(const struct packet *p) {
    struct packet rest = *p;
    struct bytes filter;
    size_t used = 0;
    int qos;
    while (next_filter(&rest, &filter, &qos)) {
        check(filter.length > 0 && is_utf8(filter) && qos >= 0 && qos <= 2);
        used += 2 + filter.length + (p->type == SUBSCRIBE);
    }
    check(used == p->list.length && used > 0);
}

/* Makes it and reads it again. The bytes are the same, too, but for a longer form of the length, and for user names. */
static void check_made(const struct packet *p, const char *data, size_t len) {
    struct packet again;
    const char *why = NULL;
    char *made = malloc(packet_room(p));
    size_t size = packet_write(p, made);
    check(size <= packet_room(p));
    check(packet_read(&again, made, size, len, &why) == (long)size);
    check_same(p, &again);
    if (p->type != CONNECT && size == len)
        check(memcmp(made, data, len) == 0);
    free(made);
}

static long read_exactly(struct packet *p, const char *data, size_t len, size_t max) {
    const char *why = NULL;
    long n = packet_read(p, data, len, max, &why);
    check(n >= -1 && n <= (long)len);
    check(n >= 0 || (why && *why));
    return n;
}

static void check_taken(const struct packet *p, const char *data, size_t len, size_t behind) {
    struct packet other;
    const char *why = NULL;
    size_t rest = len - 2;
    check_fields(p, data, len);
    if (p->type == SUBSCRIBE || p->type == UNSUBSCRIBE)
        check_filters(p);
    if (p->type != CONNECT || p->level == 4)
        check_made(p, data, len);
    for (size_t n = 0; n < len; n += 1 + n / 64)
        check(read_exactly(&other, data, n, PACKET_MAX) == 0);
    check(read_exactly(&other, data, len + behind, PACKET_MAX) == (long)len);
    check_same(p, &other);
    while (rest > 0 && packet_read(&other, data, len, rest, &why) > 0)
        rest--;
    check(rest == 0 || why);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    char *data = malloc(size + 1); /* it ends where the bytes end */
    struct packet p;
    memcpy(data + 1, bytes, size);
    long n = read_exactly(&p, data + 1, size, PACKET_MAX);
    if (n > 0) {
        verbose = size % 64 == 0; /* now and then, for it prints */
        show_packet("peer", "->", &p);
        check_taken(&p, data + 1, (size_t)n, size - (size_t)n);
    }
    free(data);
    return 0;
}
