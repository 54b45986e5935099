/* mqtt_sessions.c - see mqtt_modules.h. */
#include "mqtt_modules.h"

#include <stdlib.h>

/* Queues a message of that payload. Returns what session_queue() does. */
static int queue_as(struct session *s, const char *payload, int qos, int retain) {
    struct message *m = make_message("t", bytes_of(payload), qos);
    int result = m ? session_queue(s, m, qos, retain) : -2;
    message_release(m);
    return result;
}

static int queue(struct session *s, const char *payload, int qos) { return queue_as(s, payload, qos, 0); }

/* What is to be sent next has to be that; type 0: nothing. */
static void expect_next(struct session *s, int type, int id, int dup) {
    struct packet p = {.type = 0};
    int got = session_next(s, &p);
    CHECK(got == (type != 0), "there is %s to send (expected: type %d, number %d)",
          got ? "something" : "nothing", type, id);
    CHECK(!got || ((int)p.type == type && p.id == id && p.dup == dup),
          "expected type %d, number %d, DUP %d; came type %d, number %d, DUP %d", type, id, dup, (int)p.type,
          p.id, p.dup);
}

/* ---- Numbers ---- */

void sessions_check_numbers(void) {
    static const int kept[] = {1, 2, 7}; /* never acknowledged in the first round */
    struct session *s = session_new(bytes_of("one"));
    for (int id = 1; id <= 65535; id++) {
        queue(s, "x", 1);
        expect_next(s, PUBLISH, id, 0);
        if (id != kept[0] && id != kept[1] && id != kept[2])
            session_done(s, id, 1);
    }
    CHECK(s->under_way == 3 && s->queued == 3, "%d of %d are under way", s->under_way, s->queued);
    for (int id = 3; id <= 9; id++) { /* the next round: those in use are passed over */
        if (id == 7)
            continue;
        queue(s, "x", 1);
        expect_next(s, PUBLISH, id, 0);
    }
    session_done(s, 7, 1);
    session_done(s, 70, 1);
    queue(s, "x", 1);
    expect_next(s, PUBLISH, 10, 0);
    CHECK(s->under_way == 9 && s->queued == 9, "%d of %d are under way", s->under_way, s->queued);
    session_free(s);
}

/* ---- What is sent again ---- */

/* Two of QoS 1 and two of QoS 2 are under way; one is done, one received, and then the connection breaks. */
static void check_states(void) {
    static const int qos[] = {1, 2, 2, 1};
    struct session *s = session_new(bytes_of("one"));
    for (int i = 0; i < 4; i++)
        queue(s, "x", qos[i]);
    expect_next(s, PUBLISH, 1, 0);
    expect_next(s, PUBLISH, 2, 0);
    session_resume(s);
    expect_next(s, PUBLISH, 1, 1);
    expect_next(s, PUBLISH, 2, 1);
    expect_next(s, PUBLISH, 3, 0);
    expect_next(s, PUBLISH, 4, 0);
    expect_next(s, 0, 0, 0);
    session_done(s, 1, 2); /* a PUBCOMP for QoS 1 says nothing */
    session_done(s, 2, 1); /* nor does a PUBACK for QoS 2 */
    session_done(s, 1, 1);
    session_received(s, 2);
    session_received(s, 2);  /* once more */
    session_received(s, 4);  /* QoS 1 has no PUBREC */
    session_received(s, 99); /* is not under way */
    expect_next(s, 0, 0, 0);

    session_resume(s);
    queue(s, "new", 1);
    expect_next(s, PUBREL, 2, 0);
    expect_next(s, PUBLISH, 3, 1);
    session_done(s, 4, 1); /* sent on an earlier connection, not yet on this one */
    expect_next(s, PUBLISH, 5, 0);
    session_received(s, 3);
    session_done(s, 2, 2);
    session_done(s, 3, 2);
    session_done(s, 3, 2);
    session_done(s, 5, 1);
    expect_next(s, 0, 0, 0);
    CHECK(s->queued == 0 && s->share[0].bytes == 0 && s->under_way == 0 && s->sent == 0 && !s->queue &&
              s->queue_end == &s->queue,
          "something is left in the queue");
    session_free(s);
}

/* Of many, UNDER_WAY_MAX are under way, in their order, on each connection. */
static void check_window(void) {
    struct session *s = session_new(bytes_of("one"));
    for (int i = 0; i < 2 * UNDER_WAY_MAX; i++)
        queue(s, "x", 1);
    for (int id = 1; id <= UNDER_WAY_MAX; id++)
        expect_next(s, PUBLISH, id, 0);
    expect_next(s, 0, 0, 0);
    session_done(s, 5, 1);
    expect_next(s, PUBLISH, UNDER_WAY_MAX + 1, 0);
    expect_next(s, 0, 0, 0);
    session_resume(s);
    for (int id = 1; id <= UNDER_WAY_MAX + 1; id++)
        if (id != 5)
            expect_next(s, PUBLISH, id, 1);
    expect_next(s, 0, 0, 0);
    session_done(s, UNDER_WAY_MAX + 1, 1); /* the last one */
    expect_next(s, PUBLISH, UNDER_WAY_MAX + 2, 0);
    session_free(s);
}

void sessions_check_again(void) {
    check_states();
    check_window();
}

/* ---- What a client sends twice ---- */

void sessions_check_received(void) {
    struct session *s = session_new(bytes_of("one"));
    for (int round = 0; round < 2; round++) {
        for (int id = 1; id <= 65535; id++)
            CHECK(session_takes(s, id) == 1, "%d is not new", id);
        for (int id = 1; id <= 65535; id++)
            CHECK(session_takes(s, id) == 0, "%d is new again", id);
        for (int id = 1; id <= 65535; id += 2)
            session_forgets(s, id);
        for (int id = 1; id <= 65535; id++)
            CHECK(session_takes(s, id) == id % 2, "%d: is it new, now that odd ones are forgotten?", id);
        for (int id = 65535; id > 0; id--) {
            session_forgets(s, id);
            session_forgets(s, id);
        }
        CHECK(s->received_count == 0 && s->received == NULL, "%d are left", s->received_count);
    }
    session_free(s);
}

/* ---- Bounds ---- */

static void check_queue_bounds(void) {
    static char large[QUEUE_BYTES + 1];
    struct session *s = session_new(bytes_of("one"));
    for (int i = 0; i < QUEUE_MAX; i++)
        CHECK(queue(s, "x", 1) == 0, "message %d has no room", i);
    CHECK(queue(s, "x", 1) == -1, "one more than QUEUE_MAX has room");
    expect_next(s, PUBLISH, 1, 0);
    CHECK(queue(s, "x", 1) == -1, "one that is under way still takes room");
    session_done(s, 1, 1);
    CHECK(queue(s, "x", 1) == 0, "one is done, and there is no room for one");
    CHECK(queue(s, "x", 1) == -1, "one is done, and there is room for two");
    session_free(s);

    memset(large, 'x', sizeof large - 1);
    s = session_new(bytes_of("one"));
    CHECK(queue(s, large, 2) == 0, "a large one alone has no room");
    CHECK(queue(s, "x", 1) == -1, "more than QUEUE_BYTES have room");
    expect_next(s, PUBLISH, 1, 0);
    session_received(s, 1);
    CHECK(s->share[0].bytes == 0, "a message that the client has still takes room");
    CHECK(queue(s, "x", 1) == 0 && queue(s, large, 1) == -1, "is there room for a small one alone?");
    session_free(s);

    s = session_new(bytes_of("one"));
    for (int i = 0; i < RETAINED_MAX; i++)
        CHECK(queue_as(s, "x", 1, 1) == 0, "retained message %d has no room", i);
    CHECK(queue_as(s, "x", 1, 1) == -1, "one more than RETAINED_MAX has room");
    for (int i = 0; i < QUEUE_MAX; i++)
        CHECK(queue(s, "x", 1) == 0, "behind those that are retained, message %d has no room", i);
    CHECK(queue(s, "x", 1) == -1, "behind those that are retained, one more than QUEUE_MAX has room");
    session_free(s);
}

static struct session *numbered_session(int number) {
    char name[20];
    snprintf(name, sizeof name, "%d", number);
    return session_new(bytes_of(name));
}

/* If there are SESSIONS_MAX, the one that is away for longest makes room, and those that are here do not. */
static void check_session_bounds(void) {
    static struct client *const here = (struct client *)&wrong_lines; /* only whether there is one counts */
    struct session **all = calloc(SESSIONS_MAX, sizeof(struct session *));
    for (int i = 0; i < SESSIONS_MAX; i++) {
        all[i] = numbered_session(i);
        all[i]->client = here;
    }
    CHECK(numbered_session(SESSIONS_MAX) == NULL, "there is one more than SESSIONS_MAX");
    all[5000]->client = all[7000]->client = NULL;
    all[5000]->left = 2;
    all[7000]->left = 1;
    all[7000] = numbered_session(SESSIONS_MAX);
    CHECK(all[7000] && !session_find(bytes_of("7000")), "the one that is away for longest did not make room");
    all[7000]->client = here;
    all[5000] = numbered_session(SESSIONS_MAX + 1);
    CHECK(all[5000] && !session_find(bytes_of("5000")) && session_find(bytes_of("10000")),
          "which one has gone?");
    CHECK(session_find(bytes_of("10001")) == all[5000] && session_find(bytes_of("77")) == all[77],
          "a session is not found by its name");
    for (int i = 0; i < SESSIONS_MAX; i++)
        session_free(all[i]);
    free(all);
}

static int retain_sized(int number, size_t size, char *payload) {
    char topic[20];
    snprintf(topic, sizeof topic, "a/%d", number);
    struct message *m = make_message(topic, (struct bytes){payload, size}, 0);
    int result = retain(m);
    message_release(m);
    return result;
}

static void check_retained_bounds(void) {
    const size_t part = RETAINED_BYTES / 16;
    char *payload = calloc(1, part);
    for (int i = 0; i < RETAINED_MAX; i++)
        CHECK(retain_sized(i, 1, payload) == 0, "retained message %d has no room", i);
    CHECK(retain_sized(RETAINED_MAX, 1, payload) == -1, "one more than RETAINED_MAX has room");
    CHECK(retain_sized(RETAINED_MAX - 1, 2, payload) == 0, "another one for the same topic has no room");
    CHECK(retain_sized(RETAINED_MAX, 0, payload) == 0 && retain_sized(77, 0, payload) == 0,
          "an empty one fails");
    CHECK(retain_sized(RETAINED_MAX, 1, payload) == 0, "one was taken away, and there is no room");
    for (int i = 0; i <= RETAINED_MAX; i++)
        retain_sized(i, 0, payload);

    for (int i = 0; i < 15; i++)
        CHECK(retain_sized(i, part, payload) == 0, "large retained message %d has no room", i);
    CHECK(retain_sized(15, part, payload) == -1, "more than RETAINED_BYTES have room");
    CHECK(retain_sized(15, part / 2, payload) == 0, "half of it has no room");
    CHECK(retain_sized(15, part, payload) == -1 && retain_sized(14, part, payload) == 0, "who has room now?");
    for (int i = 0; i < 16; i++)
        retain_sized(i, 0, payload);
    free(payload);
}

static void check_levels(void) {
    char path[TOPIC_LEVELS + 1];
    memset(path, '/', sizeof path);
    CHECK(topic_is_shallow((struct bytes){path, TOPIC_LEVELS - 1}), "%d levels are too many", TOPIC_LEVELS);
    CHECK(!topic_is_shallow((struct bytes){path, TOPIC_LEVELS}), "%d levels are not too many",
          TOPIC_LEVELS + 1);
}

void sessions_check_bounds(void) {
    check_levels();
    check_queue_bounds();
    check_session_bounds();
    check_retained_bounds();
}
