/* arguments.c - see arguments.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "arguments.h"

#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MAX 86400000 /* ms: the longest time that -b and -m take, a day */

static struct queue asked; /* the filters, as they stand in a SUBSCRIBE */

/* ---- Strings. ---- */

/* Ends the program, because an argument is not what it should be. */
static void refuse_text(const char *text, const char *rule) {
    fprintf(stderr, "%s: '%.100s' %s\n", program, text, rule);
    exit(show_usage());
}

/* Returns an argument that is a string of MQTT. */
static struct bytes string_of(const char *text, size_t length) {
    struct bytes s = {text, length};
    if (length > STRING_MAX)
        refuse_text(text, "... has more than 65535 bytes");
    if (!is_utf8(s))
        refuse_text(text, "is not UTF-8");
    return s;
}

/* Returns an argument that is the name of a topic. */
static struct bytes topic_of(const char *text, size_t length) {
    struct bytes s = string_of(text, length);
    if (length == 0 || memchr(text, '+', length) || memchr(text, '#', length))
        refuse_text(text, "is no topic: one is not empty, and has no + and no #");
    return s;
}

/* Is a wildcard at that place alone in its level, and a # in the last one? */
static int wildcard_is_alone(const char *text, size_t at) {
    int begins = at == 0 || text[at - 1] == '/', ends = text[at + 1] == '\0';
    return begins && (ends || (text[at] == '+' && text[at + 1] == '/'));
}

/* Adds a filter to those that are asked for; its QoS is put in when that is known. */
static void add_filter(const char *text) {
    struct bytes s = string_of(text, strlen(text));
    int valid = s.length > 0;
    for (size_t i = 0; i < s.length; i++)
        if ((text[i] == '+' || text[i] == '#') && !wildcard_is_alone(text, i))
            valid = 0;
    if (!valid)
        refuse_text(text, "is no filter: + stands alone in its level, # alone in the last one");
    char length[2] = {(char)(s.length >> 8), (char)(s.length & 0xff)};
    queue_add(&asked, length, sizeof length);
    queue_add(&asked, text, s.length);
    queue_add(&asked, "", 1);
}

/* ---- Options. ---- */

/* TOPIC=TEXT */
static void set_will(struct talk *t, const char *text) {
    const char *sign = strchr(text, '=');
    if (sign == NULL)
        refuse_text(text, "is no TOPIC=TEXT");
    t->connect.has_will = 1;
    t->connect.will_topic = topic_of(text, (size_t)(sign - text));
    t->connect.will_payload = (struct bytes){sign + 1, strlen(sign + 1)};
    if (t->connect.will_payload.length > STRING_MAX)
        refuse_text(text, "... is more than a will can hold, which is 65535 bytes");
}

static void parse_options(struct talk *t, int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "hvi:k:cq:rt:s:w:b:m:")) != -1)
        switch (option) {
        case 'h': exit(show_help());
        case 'v': verbose = 1; break;
        case 'i': t->connect.client_id = string_of(optarg, strlen(optarg)); break;
        case 'k': t->connect.keep_alive = parse_number(optarg, 0, 65535); break;
        case 'c': t->connect.clean = 0; break;
        case 'q': t->outbox.qos = parse_number(optarg, 0, 2); break;
        case 'r': t->retain = 1; break;
        case 't': t->topic = topic_of(optarg, strlen(optarg)); break;
        case 's': add_filter(optarg); break;
        case 'w': set_will(t, optarg); break;
        case 'b': t->first_wait = parse_number(optarg, 1, WAIT_MAX); break;
        case 'm': t->longest_wait = parse_number(optarg, 1, WAIT_MAX); break;
        default: exit(show_usage());
        }
}

/* Puts in the QoS, which may have come behind the filters that it is for. */
static void complete_filters(struct talk *t) {
    struct packet list = {.type = SUBSCRIBE, .list = {(const char *)asked.data, queue_length(&asked)}};
    struct bytes filter;
    int any;
    if (queue_length(&asked) == 0)
        return;
    t->filters = list.list;
    while (next_filter(&list, &filter, &any))
        asked.data[(size_t)(filter.data - t->filters.data) + filter.length] = (unsigned char)t->outbox.qos;
}

void read_arguments(struct talk *t, int argc, char **argv) {
    static char own_id[32]; /* letters and digits: no broker may refuse them (section 3.1.3.1) */
    parse_options(t, argc, argv);
    if (!t->connect.clean && t->connect.client_id.length == 0) {
        fprintf(stderr, "%s: a session is kept for a client id: -c needs -i\n", program);
        exit(show_usage());
    }
    if (t->connect.client_id.data == NULL) {
        int n = snprintf(own_id, sizeof own_id, "mqttclient%ld", (long)getpid());
        t->connect.client_id = (struct bytes){own_id, (size_t)n};
    }
    complete_filters(t);
    if (t->connect.has_will)
        t->connect.will_qos = t->outbox.qos;
}
