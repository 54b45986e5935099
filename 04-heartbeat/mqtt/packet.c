/* packet.c - see packet.h. */
#include "packet.h"

#include "text.h"

#include <string.h>

/* ---- Reading ---- */

struct cursor { /* of what is left of a packet */
    const char *at, *end;
    const char *wrong; /* what was wrong first; NULL: nothing yet */
};

static void fail(struct cursor *r, const char *why) {
    if (r->wrong == NULL)
        r->wrong = why;
    r->at = r->end;
}

static int take_byte(struct cursor *r) {
    if (r->at == r->end) {
        fail(r, "it ends too early");
        return 0;
    }
    return (unsigned char)*r->at++;
}

static int take_number(struct cursor *r) {
    int high = take_byte(r);
    return high * 256 + take_byte(r);
}

/* Takes bytes that have their length in front. */
static struct bytes take_bytes(struct cursor *r) {
    size_t length = (size_t)take_number(r);
    if (length > (size_t)(r->end - r->at)) {
        fail(r, "a string goes on behind its end");
        length = 0;
    }
    struct bytes s = {r->at, length};
    r->at += length;
    return s;
}

static struct bytes take_string(struct cursor *r) {
    struct bytes s = take_bytes(r);
    if (!is_utf8(s))
        fail(r, "a string is not UTF-8");
    return s;
}

static struct bytes take_topic(struct cursor *r) {
    struct bytes s = take_string(r);
    if (s.length == 0)
        fail(r, "the name of a topic is empty");
    for (size_t i = 0; i < s.length; i++)
        if (s.data[i] == '+' || s.data[i] == '#')
            fail(r, "the name of a topic has a wildcard");
    return s;
}

static void take_id(struct cursor *r, struct packet *p) {
    p->id = take_number(r);
    if (p->id == 0)
        fail(r, "the packet identifier is 0");
}

static int is_equal(struct bytes s, const char *text) {
    return s.length == strlen(text) && memcmp(s.data, text, s.length) == 0;
}

int is_utf8(struct bytes s) {
    size_t n = 1;
    for (size_t i = 0; i < s.length && n > 0; i += n)
        n = s.data[i] == '\0' ? 0 : utf8_length(s.data + i, s.length - i);
    return n > 0;
}

/* Section 3.1.2.3: the flags of a CONNECT. */
#define HAS_USER     0x80
#define HAS_PASSWORD 0x40
#define WILL_RETAIN  0x20
#define HAS_WILL     0x04
#define CLEAN        0x02
#define RESERVED     0x01

static void read_connect(struct cursor *r, struct packet *p) {
    struct bytes name = take_string(r);
    p->level = take_byte(r);
    if (!is_equal(name, "MQTT") && !is_equal(name, "MQIsdp")) /* the latter was that of 3.1 */
        fail(r, "the protocol is not MQTT");
    if (p->level != 4) {
        r->at = r->end; /* in another version other things follow */
        return;
    }
    int flags = take_byte(r);
    p->keep_alive = take_number(r);
    p->clean = (flags & CLEAN) != 0;
    p->has_will = (flags & HAS_WILL) != 0;
    p->will_qos = flags >> 3 & 3;
    p->will_retain = (flags & WILL_RETAIN) != 0;
    if (flags & RESERVED)
        fail(r, "a reserved flag is set");
    if (p->will_qos > 2 || (!p->has_will && (p->will_qos || p->will_retain)))
        fail(r, "the flags of the will are wrong");
    if ((flags & HAS_PASSWORD) && !(flags & HAS_USER))
        fail(r, "there is a password and no user");

    p->client_id = take_string(r);
    if (p->has_will) {
        p->will_topic = take_topic(r);
        p->will_payload = take_bytes(r);
    }
    if (flags & HAS_USER)
        take_string(r);
    if (flags & HAS_PASSWORD)
        take_bytes(r);
}

static void read_publish(struct cursor *r, struct packet *p, int flags) {
    p->dup = flags >> 3;
    p->qos = flags >> 1 & 3;
    p->retain = flags & 1;
    if (p->qos > 2 || (p->qos == 0 && p->dup))
        fail(r, "the QoS is wrong");
    p->topic = take_topic(r);
    if (p->qos > 0)
        take_id(r, p);
    p->payload = (struct bytes){r->at, (size_t)(r->end - r->at)};
    r->at = r->end;
}

/* Takes the identifier, and all behind it as the list, which must have something in it. */
static void take_list(struct cursor *r, struct packet *p) {
    take_id(r, p);
    p->list = (struct bytes){r->at, (size_t)(r->end - r->at)};
    if (p->list.length == 0)
        fail(r, "it has an empty list");
}

/* Checks that each filter is a string and has its QoS. */
static void read_filters(struct cursor *r, struct packet *p) {
    take_list(r, p);
    while (r->at < r->end) {
        if (take_string(r).length == 0)
            fail(r, "a filter is empty");
        if (p->type == SUBSCRIBE && take_byte(r) > 2)
            fail(r, "the QoS is wrong");
    }
}

static void read_suback(struct cursor *r, struct packet *p) {
    take_list(r, p);
    while (r->at < r->end) {
        int code = take_byte(r);
        if (code > 2 && code != REFUSED)
            fail(r, "the QoS is wrong");
    }
}

/* Returns the flags that a packet has to have; a PUBLISH has others. */
static int fixed_flags(enum packet_type type) {
    return type == PUBREL || type == SUBSCRIBE || type == UNSUBSCRIBE ? 2 : 0;
}

/* Returns what is wrong with the first byte of a packet, or NULL. */
static const char *first_byte_fault(enum packet_type type, int flags) {
    if (type < CONNECT || type > DISCONNECT)
        return "there is no packet of that type";
    return type != PUBLISH && flags != fixed_flags(type) ? "the flags are wrong" : NULL;
}

static void read_rest(struct cursor *r, struct packet *p, int flags) {
    switch (p->type) {
    case CONNECT: read_connect(r, p); break;
    case CONNACK:
        p->session_present = take_byte(r);
        p->code = take_byte(r);
        if (p->session_present > 1 || (p->session_present && p->code != ACCEPTED))
            fail(r, "the flags are wrong");
        break;
    case PUBLISH: read_publish(r, p, flags); break;
    case SUBSCRIBE:
    case UNSUBSCRIBE: read_filters(r, p); break;
    case SUBACK: read_suback(r, p); break;
    case PINGREQ:
    case PINGRESP:
    case DISCONNECT: break;
    default: take_id(r, p);
    }
    if (r->at < r->end)
        fail(r, "it is too long");
}

/* Reads the remaining length. Returns the bytes that it takes; 0: more are needed; -1: it has more than four. */
static int read_length(const char *data, size_t len, size_t *rest) {
    *rest = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i == len)
            return 0;
        *rest |= (size_t)(data[i] & 0x7f) << (7 * i);
        if ((data[i] & 0x80) == 0)
            return (int)i + 1;
    }
    return -1;
}

long packet_read(struct packet *p, const char *data, size_t len, size_t max, const char **why) {
    size_t rest;
    *p = (struct packet){.type = 0};
    if (len == 0)
        return 0;
    enum packet_type type = (enum packet_type)((unsigned char)data[0] >> 4);
    *why = first_byte_fault(type, data[0] & 0x0f);
    if (*why)
        return -1;
    int n = read_length(data + 1, len - 1, &rest);
    if (n == 0)
        return 0;
    *why = n < 0 ? "the length has more than four bytes" : "it is too large";
    if (n < 0 || rest > max)
        return -1;
    size_t head = 1 + (size_t)n;
    if (len < head + rest)
        return 0;

    struct cursor r = {.at = data + head, .end = data + head + rest};
    p->type = type;
    read_rest(&r, p, data[0] & 0x0f);
    *why = r.wrong;
    return r.wrong ? -1 : (long)(head + rest);
}

int next_filter(struct packet *p, struct bytes *filter, int *qos) {
    if (p->list.length == 0)
        return 0;
    struct cursor r = {.at = p->list.data, .end = p->list.data + p->list.length};
    *filter = take_bytes(&r);
    *qos = p->type == SUBSCRIBE ? take_byte(&r) : 0;
    p->list = (struct bytes){r.at, (size_t)(r.end - r.at)};
    return 1;
}

/* ---- Writing ---- */

static char *put_byte(char *out, int byte) {
    *out = (char)byte;
    return out + 1;
}

static char *put_number(char *out, int number) { return put_byte(put_byte(out, number >> 8), number & 0xff); }

static char *put_raw(char *out, struct bytes s) {
    if (s.length > 0)
        memcpy(out, s.data, s.length);
    return out + s.length;
}

static char *put_bytes(char *out, struct bytes s) { return put_raw(put_number(out, (int)s.length), s); }

static char *put_connect(char *out, const struct packet *p) {
    int flags = p->clean ? CLEAN : 0;
    if (p->has_will)
        flags |= HAS_WILL | p->will_qos << 3 | (p->will_retain ? WILL_RETAIN : 0);
    out = put_bytes(out, (struct bytes){"MQTT", 4});
    out = put_byte(put_byte(out, p->level), flags);
    out = put_number(out, p->keep_alive);
    out = put_bytes(out, p->client_id);
    if (p->has_will)
        out = put_bytes(put_bytes(out, p->will_topic), p->will_payload);
    return out;
}

/* Writes what stands behind the head. Returns where it ends. */
static char *put_rest(char *out, const struct packet *p) {
    switch (p->type) {
    case CONNECT: return put_connect(out, p);
    case CONNACK: return put_byte(put_byte(out, p->session_present), p->code);
    case PUBLISH:
        out = put_bytes(out, p->topic);
        return put_raw(p->qos > 0 ? put_number(out, p->id) : out, p->payload);
    case SUBSCRIBE:
    case SUBACK:
    case UNSUBSCRIBE: return put_raw(put_number(out, p->id), p->list);
    case PINGREQ:
    case PINGRESP:
    case DISCONNECT: return out;
    default: return put_number(out, p->id);
    }
}

size_t packet_room(const struct packet *p) {
    return PACKET_HEAD + 64 + p->topic.length + p->payload.length + p->list.length + p->client_id.length +
           p->will_topic.length + p->will_payload.length;
}

/* The rest is written where it stands behind the longest head, and moved up to the real one. */
size_t packet_write(const struct packet *p, char *out) {
    size_t rest = (size_t)(put_rest(out + PACKET_HEAD, p) - (out + PACKET_HEAD)), left = rest;
    int flags = p->type == PUBLISH ? p->dup << 3 | p->qos << 1 | p->retain : fixed_flags(p->type);
    char *at = put_byte(out, (int)p->type << 4 | flags);
    do {
        at = put_byte(at, (int)(left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left > 0);
    memmove(at, out + PACKET_HEAD, rest);
    return (size_t)(at - out) + rest;
}
