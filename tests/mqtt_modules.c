/* mqtt_modules.c - the modules of the wing mqtt, for 04-mqtt-modules.bats. Prints what is wrong; nothing: all is right.
 *
 *     mqtt_modules packets    every kind of packet is read as it was made, and not before it is whole
 *     mqtt_modules lengths    the remaining length, at every number of bytes
 *     mqtt_modules rules      stdin: "e0 01 00: it is too long", "e0 00: right", a line each; "needs more" is an answer, too
 *     mqtt_modules filters    stdin: "a/# yes", a line each: is it a filter?
 *     mqtt_modules topics     stdin: "a/# a/b yes": does it match, for a subscription and for a retained message?
 *     mqtt_modules random 7   the tree against a comparison of each filter with the topic, from this seed on
 *     mqtt_modules numbers    the numbers of what is under way; likewise: again, received, bounds (see mqtt_sessions.c)
 */
#include "mqtt_modules.h"

#include <stdlib.h>

const char program[] = "mqtt_modules", usage[] = "";

int wrong_lines; /* printed */

/* ---- Packets that are made and read ---- */

static const struct packet samples[] = {
    {.type = CONNECT, .level = 4, .clean = 1},
    {.type = CONNECT, .level = 4, .client_id = {"thermometer", 11}, .keep_alive = 65535},
    {.type = CONNECT,
     .level = 4,
     .clean = 1,
     .keep_alive = 258,
     .client_id = {"\xc3\xa4", 2},
     .has_will = 1,
     .will_qos = 2,
     .will_retain = 1,
     .will_topic = {"a/b", 3},
     .will_payload = {"\0\xff", 2}},
    {.type = CONNECT, .level = 4, .has_will = 1, .will_qos = 1, .will_topic = {"/", 1}},
    {.type = CONNACK},
    {.type = CONNACK, .session_present = 1},
    {.type = CONNACK, .code = NOT_AUTHORIZED},
    {.type = PUBLISH, .topic = {"a", 1}},
    {.type = PUBLISH, .topic = {"$SYS/x", 6}, .retain = 1, .payload = {"\0\xc0", 2}},
    {.type = PUBLISH, .qos = 1, .id = 1, .topic = {"a/b", 3}, .payload = {"x", 1}},
    {.type = PUBLISH, .qos = 2, .dup = 1, .retain = 1, .id = 65535, .topic = {"//", 2}},
    {.type = PUBACK, .id = 1},
    {.type = PUBREC, .id = 258},
    {.type = PUBREL, .id = 255},
    {.type = PUBCOMP, .id = 65535},
    {.type = SUBSCRIBE, .id = 256, .list = {"\0\3a/+\1\0\1#\2\0\1a\0", 14}},
    {.type = SUBACK, .id = 2, .list = {"\0\1\2\x80", 4}},
    {.type = UNSUBSCRIBE, .id = 3, .list = {"\0\3a/+\0\1#", 8}},
    {.type = UNSUBACK, .id = 4},
    {.type = PINGREQ},
    {.type = PINGRESP},
    {.type = DISCONNECT},
};
#define SAMPLES (sizeof samples / sizeof samples[0])

static int same(struct bytes a, struct bytes b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static int is_same_packet(const struct packet *a, const struct packet *b) {
    return a->type == b->type && a->id == b->id && a->qos == b->qos && a->dup == b->dup &&
           a->retain == b->retain && same(a->topic, b->topic) && same(a->payload, b->payload) &&
           same(a->list, b->list) && a->level == b->level && a->clean == b->clean &&
           a->keep_alive == b->keep_alive && same(a->client_id, b->client_id) && a->has_will == b->has_will &&
           a->will_qos == b->will_qos && a->will_retain == b->will_retain &&
           same(a->will_topic, b->will_topic) && same(a->will_payload, b->will_payload) &&
           a->session_present == b->session_present && a->code == b->code;
}

/* Reads from an allocation of just that size, so that valgrind and the sanitizer see a byte too many. What was read lies in
 * it, until the next one is. */
static long read_copy(struct packet *p, const char *data, size_t len, size_t max, const char **why) {
    static char *copy;
    free(copy);
    copy = malloc(len + 1); /* one more: malloc(0) may return NULL */
    *why = NULL;
    if (copy == NULL)
        return -2;
    memcpy(copy + 1, data, len);
    return packet_read(p, copy + 1, len, max, why);
}

static void check_sample(const struct packet *p) {
    static char data[200], behind[200 + 200];
    struct packet got;
    const char *why;
    size_t size = packet_write(p, data);
    CHECK(size <= packet_room(p), "packet of type %d: more bytes than room", (int)p->type);
    for (size_t n = 0; n < size; n++)
        CHECK(read_copy(&got, data, n, PACKET_MAX, &why) == 0, "type %d: %zu of %zu bytes are taken for all",
              (int)p->type, n, size);
    CHECK(read_copy(&got, data, size, size - 2, &why) == (long)size && is_same_packet(p, &got),
          "type %d is not read as it was made", (int)p->type);
    for (size_t i = 0; i < SAMPLES; i++) {
        memcpy(behind, data, size);
        size_t more = packet_write(&samples[i], behind + size);
        CHECK(read_copy(&got, behind, size + more, PACKET_MAX, &why) == (long)size && is_same_packet(p, &got),
              "type %d with type %d behind it is read as something else", (int)p->type, (int)samples[i].type);
    }
    if (size > 2) /* all these have a head of two bytes */
        CHECK(read_copy(&got, data, 2, size - 3, &why) == -1 && why, "type %d may be longer than allowed",
              (int)p->type);
}

static void check_filters(void) {
    static const struct bytes filters[] = {{"a/+", 3}, {"#", 1}, {"a", 1}};
    static const int levels[] = {1, 2, 0};
    char data[200];
    for (size_t i = 0; i < SAMPLES; i++) {
        const char *why;
        struct packet p;
        struct bytes filter;
        int qos, n = 0, subscribe = samples[i].type == SUBSCRIBE;
        if (!subscribe && samples[i].type != UNSUBSCRIBE)
            continue;
        packet_read(&p, data, packet_write(&samples[i], data), PACKET_MAX, &why);
        for (; next_filter(&p, &filter, &qos) && n < 3; n++)
            CHECK(same(filter, filters[n]) && qos == (subscribe ? levels[n] : 0), "filter %d is wrong", n);
        CHECK(n == (subscribe ? 3 : 2), "there are %d filters", n);
    }
}

static void check_packets(void) {
    for (size_t i = 0; i < SAMPLES; i++)
        check_sample(&samples[i]);
    check_filters();
}

/* ---- The remaining length ---- */

/* A PUBLISH with that remaining length is made and read, or only read: 256 MiB of zeros cost nothing until somebody
 * touches them. */
static void check_length(size_t rest, size_t head, int make) {
    char *data = calloc(1, rest + PACKET_HEAD + 100), *payload = calloc(1, rest + 1);
    struct packet p = {.type = PUBLISH, .topic = {"a", 1}, .payload = {payload, rest - 3}}, got;
    const char *why = NULL;
    size_t size = head + rest;
    if (data == NULL || payload == NULL) {
        CHECK(0, "no memory for %zu bytes", rest);
    } else if (make) {
        CHECK(packet_write(&p, data) == size, "length %zu has another head than %zu bytes", rest, head);
    } else {
        memcpy(data, "\x30\xff\xff\xff\x7f\0\1a", 8); /* the longest */
    }
    if (data && payload) {
        CHECK(packet_read(&got, data, size, rest, &why) == (long)size && got.payload.length == rest - 3,
              "length %zu is not read as it was made", rest);
        for (size_t n = 0; n <= head; n++)
            CHECK(packet_read(&got, data, n, rest, &why) == 0, "length %zu: read from %zu bytes", rest, n);
        CHECK(packet_read(&got, data, size - 1, rest, &why) == 0, "length %zu: one byte less is enough",
              rest);
        CHECK(packet_read(&got, data, head, rest - 1, &why) == -1 && why, "length %zu: max + 1 is taken",
              rest);
    }
    free(data);
    free(payload);
}

static void check_lengths(void) {
    static const struct {
        size_t rest, head;
    } lengths[] = {{3, 2}, {127, 2}, {128, 3}, {16383, 3}, {16384, 4}, {2097151, 4}, {2097152, 5}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        check_length(lengths[i].rest, lengths[i].head, 1);
    check_length(PACKET_MAX, 5, 0);
}

/* ---- Lines from stdin ---- */

/* Reads bytes in hex, up to a colon. Returns how many they are, and where the words begin. */
static size_t read_hex(const char *line, char *data, const char **words) {
    size_t n = 0;
    char *end;
    for (;; line = end) {
        long byte = strtol(line, &end, 16);
        if (end == line)
            break;
        data[n++] = (char)byte;
    }
    *words = line + strspn(line, ": ");
    return n;
}

/* What packet_read() says of these bytes has to be what the line says. What is wrong in the end is not known before all
 * is there, but for the first byte, and the length. */
static void check_rule(char *line) {
    char data[512];
    const char *why, *words, *answer;
    struct packet p;
    size_t len = read_hex(line, data, &words);
    long n = read_copy(&p, data, len, 1000, &why);
    answer = n == (long)len ? "right" : n == 0 ? "needs more" : why;
    CHECK(n > 0 || n == 0 || n == -1, "%s: returns %ld", line, n);
    CHECK(answer && strcmp(answer, words) == 0, "%s; not: %s", line, answer ? answer : "no words");
    for (size_t less = 0; less < len && less < 2; less++) {
        n = read_copy(&p, data, less, 1000, &why);
        CHECK(n == 0 || (less == 1 && strcmp(why, words) == 0), "%s: %zu bytes are enough", line, less);
    }
}

/* Takes "yes" or "no" off the end of a line. Returns which. */
static int take_answer(char *line) {
    char *answer = strrchr(line, ' ');
    if (answer == NULL)
        return -1;
    *answer = '\0';
    return strcmp(answer + 1, "yes") == 0;
}

static void check_filter(char *line) {
    int expected = take_answer(line);
    CHECK(filter_is_valid(bytes_of(line)) == expected, "%s: %s a filter", line, expected ? "is" : "is not");
}

static void check_topic(char *line) {
    int expected = take_answer(line);
    char *topic = strchr(line, ' ');
    CHECK(expected >= 0 && topic, "%s: not a line of the table", line);
    if (topic == NULL)
        return;
    *topic++ = '\0';
    topics_check_pair(line, topic, expected);
}

static void each_line(void (*check)(char *line)) {
    char line[1024];
    int lines = 0;
    for (; fgets(line, sizeof line, stdin); lines++) {
        line[strcspn(line, "\n")] = '\0';
        check(line);
    }
    CHECK(lines > 0, "no lines on stdin");
}

int main(int argc, char **argv) {
    static const struct {
        const char *what;
        void (*check)(void);
        void (*check_line)(char *line);
    } parts[] = {{"packets", check_packets, NULL},
                 {"lengths", check_lengths, NULL},
                 {"rules", NULL, check_rule},
                 {"filters", NULL, check_filter},
                 {"topics", NULL, check_topic},
                 {"numbers", sessions_check_numbers, NULL},
                 {"again", sessions_check_again, NULL},
                 {"received", sessions_check_received, NULL},
                 {"bounds", sessions_check_bounds, NULL}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && argc == 2; i++)
        if (strcmp(parts[i].what, argv[1]) == 0) {
            if (parts[i].check)
                parts[i].check();
            else
                each_line(parts[i].check_line);
            return wrong_lines > 0;
        }
    if (argc == 3 && strcmp(argv[1], "random") == 0) {
        topics_check_random((unsigned)strtoul(argv[2], NULL, 10));
        return wrong_lines > 0;
    }
    fprintf(stderr, "mqtt_modules: see the head of tests/mqtt_modules.c\n");
    return 2;
}
