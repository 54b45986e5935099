/* mqtt_broker.c - publish and subscribe: whoever publishes to a topic does not know who has subscribed to it.
 *
 *     cc -o mqtt_broker mqtt_broker.c outgoing.c session.c topic.c message.c show_packet.c packet.c text.c loop.c \
 *        buffer.c listen.c signals.c wire.c
 *
 *     terminal 1:  ./mqtt_broker -v
 *     terminal 2:  ./mqtt_client -s 'sensors/#'             or mosquitto_sub -t 'sensors/#'
 *     terminal 3:  ./mqtt_client -t sensors/temp            type a line; or mosquitto_pub -t sensors/temp -m 21
 *
 * MQTT 3.1.1 over TCP (OASIS Standard, 29 October 2014), with all three QoS, sessions, wills and retained messages.
 *     a PUBLISH:  on_data -> packet_read -> on_publish -> publish -> topic_match -> deliver, and then of QoS 0
 *                 send_packet, of QoS 1 and 2 session_queue -> send_queue -> session_next -> send_packet
 *     a queue goes on:  PUBACK or PUBCOMP makes room, and on_turn -> send_queue
 * Left out: users and passwords are taken, and not looked at. All is in memory, and lost when the broker ends.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "loop.h"
#include "outgoing.h"
#include "packet.h"
#include "session.h"
#include "show_packet.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define REST_MAX    262144    /* bytes of a packet behind its head; -m changes it */
#define OUT_LOW     2097152   /* bytes, and one packet more: a client that is owed more is not read */
#define OUT_MAX     4194304   /* bytes, and two packets more: a client that is owed more is dropped */
#define FIRST_MS    10000     /* ms: for the CONNECT of a newcomer, and for our last words to a client */
#define ID_MAX      1024      /* bytes of a client id */
#define NO_DEADLINE INT64_MAX /* ms */

const char program[] = "mqtt_broker";
const char usage[] =
    "usage: mqtt_broker [-hv] [-a ADDRESS] [-p PORT] [-m BYTES] [-n FILTER]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text, and each packet in words\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 1883)\n"
    "  -m BYTES    16 to 16777216: a packet with more behind its head ends the connection (default 262144)\n"
    "  -n FILTER   refuse subscriptions to this filter, to see what a refusal looks like\n";

static struct peer {         /* by descriptor */
    struct session *session; /* NULL: no CONNECT yet */
    int keep_alive;          /* s; 0: off */
    long long deadline;      /* ms: by then the next packet has to come */
} peers[FD_SETSIZE];

static size_t rest_max = REST_MAX;
static const char *refused_filter;
static char *codes; /* of a SUBACK: there are fewer filters than bytes in a SUBSCRIBE */

/* ---- Clients come and go ---- */

/* Detaches a connection from its session, and then publishes the will. (DISCONNECT has deleted the will before.) */
static void part(struct client *c) {
    struct session *s = peers[c->fd].session;
    if (s == NULL)
        return;
    struct message *will = s->will;
    peers[c->fd].session = NULL;
    s->client = NULL;
    s->left = now_ms();
    s->will = NULL;
    note_lost(s);
    if (s->clean)
        session_free(s);
    if (will)
        publish(will);
    message_release(will);
}

static void refuse(struct client *c, int code) {
    send_packet(c, &(struct packet){.type = CONNACK, .code = code});
    client_close(c);
}

/* Returns the session of a CONNECT: the one from earlier, or a new one. NULL: no memory, or no room for one more. */
static struct session *find_session(const struct packet *p, int *present) {
    static unsigned long long visitors;
    char made_up[32] = "";
    struct bytes id = p->client_id;
    if (id.length == 0) {
        do
            id = (struct bytes){made_up, (size_t)snprintf(made_up, sizeof made_up, "auto-%llu", ++visitors)};
        while (session_find(id));
    }

    struct session *s = session_find(id);
    if (s && s->client) {
        struct client *old = s->client;
        part(old);
        client_drop(old, "its client id has connected again");
        s = session_find(id); /* if it was a clean one, it is gone */
    }
    if (s && p->clean) {
        session_free(s);
        s = NULL;
    }
    *present = s != NULL;
    return s ? s : session_new(id);
}

static const char *on_connect_packet(struct client *c, const struct packet *p) {
    struct peer *peer = &peers[c->fd];
    struct packet answer = {.type = CONNACK};
    if (p->level != 4 || (p->client_id.length == 0 && !p->clean) || p->client_id.length > ID_MAX) {
        refuse(c, p->level != 4 ? BAD_LEVEL : BAD_CLIENT_ID);
        return NULL;
    }
    if (!topic_is_shallow(p->will_topic))
        return "the topic of the will has too many levels";
    struct packet will = {
        .qos = p->will_qos, .retain = p->will_retain, .topic = p->will_topic, .payload = p->will_payload};
    struct message *kept = p->has_will ? message_new(&will) : NULL;
    struct session *s = p->has_will && !kept ? NULL : find_session(p, &answer.session_present);
    if (s == NULL) { /* no memory */
        message_release(kept);
        refuse(c, NOT_AVAILABLE);
        return NULL;
    }
    s->will = kept;
    s->clean = p->clean;
    s->client = c;
    session_resume(s);
    peer->session = s;
    peer->keep_alive = p->keep_alive;
    note(s, answer.session_present ? "is back"
            : s->clean             ? "is here, with a clean session"
                                   : "is here, and its session will be kept");
    send_packet(c, &answer);
    return NULL;
}

/* ---- The packets of a client that has connected ---- */

static const char *on_publish(struct client *c, const struct packet *p) {
    struct session *s = peers[c->fd].session;
    if (!topic_is_shallow(p->topic))
        return "the topic has too many levels";
    int is_new = p->qos == 2 ? session_takes(s, p->id) : 1;
    struct message *m = is_new > 0 ? message_new(p) : NULL;
    if (is_new < 0 || (is_new && m == NULL))
        return "there is no memory for it";
    if (m)
        publish(m);
    message_release(m);
    if (p->qos > 0)
        send_answer(c, p->qos == 1 ? PUBACK : PUBREC, p->id);
    return NULL;
}

/* Returns what a SUBACK says of one filter. */
static int grant(struct session *s, struct bytes filter, int qos) {
    if (refused_filter && filter.length == strlen(refused_filter) &&
        memcmp(filter.data, refused_filter, filter.length) == 0)
        return REFUSED;
    int is_new = topic_is_shallow(filter) ? subscribe(s, &s->subscriptions, filter, qos) : -1;
    if (is_new > 0 && s->subscription_count == SUBSCRIPTIONS_MAX) {
        unsubscribe(&s->subscriptions, filter);
        return REFUSED;
    }
    s->subscription_count += is_new > 0;
    return is_new < 0 ? REFUSED : qos;
}

/* Answers a SUBSCRIBE, and sends the retained messages behind the answer. */
static const char *on_subscribe(struct client *c, const struct packet *p) {
    struct session *s = peers[c->fd].session;
    struct packet rest = *p, answer = {.type = SUBACK, .id = p->id};
    struct bytes filter;
    int qos;
    for (; next_filter(&rest, &filter, &qos); answer.list.length++) {
        if (!filter_is_valid(filter))
            return "that is no filter";
        codes[answer.list.length] = (char)grant(s, filter, qos);
    }
    answer.list.data = codes;
    send_packet(c, &answer);

    s->fresh = 1;
    send_retained(s);
    return NULL;
}

static const char *on_unsubscribe(struct client *c, const struct packet *p) {
    struct session *s = peers[c->fd].session;
    struct packet rest = *p;
    struct bytes filter;
    int qos, count = 0;
    while (next_filter(&rest, &filter, &qos)) {
        if (!filter_is_valid(filter) || ++count > SUBSCRIPTIONS_MAX) /* each is looked for among all */
            return "that is no filter, or one too many";
        s->subscription_count -= unsubscribe(&s->subscriptions, filter);
    }
    send_answer(c, UNSUBACK, p->id);
    return NULL;
}

static const char *on_disconnect_packet(struct client *c) {
    struct session *s = peers[c->fd].session;
    message_release(s->will);
    s->will = NULL;
    part(c);
    client_close(c);
    return NULL;
}

/* Does what a packet asks for. Returns NULL, or which rule it breaks. */
static const char *on_packet(struct client *c, const struct packet *p) {
    struct session *s = peers[c->fd].session;
    if (s == NULL)
        return on_connect_packet(c, p);
    switch (p->type) {
    case PUBLISH: return on_publish(c, p);
    case PUBACK: session_done(s, p->id, 1); return NULL;
    case PUBCOMP: session_done(s, p->id, 2); return NULL;
    case PUBREC:
        session_received(s, p->id);
        send_answer(c, PUBREL, p->id);
        return NULL;
    case PUBREL:
        session_forgets(s, p->id);
        send_answer(c, PUBCOMP, p->id);
        return NULL;
    case SUBSCRIBE: return on_subscribe(c, p);
    case UNSUBSCRIBE: return on_unsubscribe(c, p);
    case PINGREQ: send_answer(c, PINGRESP, 0); return NULL;
    case DISCONNECT: return on_disconnect_packet(c);
    case CONNECT: return "there was a CONNECT before";
    default: return "a client does not send that";
    }
}

/* ---- The callbacks of the loop ---- */

/* From now on a client may be silent for one and a half times its keep-alive (section 3.1.2.10). */
static void set_deadline(struct peer *peer) {
    long long may_last = peer->session ? 1500LL * peer->keep_alive : FIRST_MS;
    peer->deadline = may_last ? now_ms() + may_last : NO_DEADLINE;
}

static void on_connect(struct client *c) {
    peers[c->fd] = (struct peer){.session = NULL};
    set_deadline(&peers[c->fd]);
}

static size_t on_data(struct client *c, char *data, size_t len) {
    struct peer *peer = &peers[c->fd];
    struct packet p;
    int too_early = peer->session == NULL && len > 0 && (unsigned char)data[0] >> 4 != CONNECT;
    const char *wrong = "the first packet is not CONNECT";
    long n = too_early ? -1 : packet_read(&p, data, len, rest_max, &wrong);
    if (n == 0)
        return 0;
    if (n > 0) {
        show_packet(c->name, "->", &p);
        wrong = on_packet(c, &p);
    }
    if (wrong) {
        char text[120];
        snprintf(text, sizeof text, "breaks the protocol: %s", wrong);
        client_drop(c, text);
        return len;
    }
    set_deadline(peer);
    return (size_t)n;
}

static void on_deadline(struct client *c) {
    const char *why = peers[c->fd].session ? "silent for longer than its keep-alive" : "no CONNECT has come";
    client_drop(c, c->closing ? "it does not read our last words" : why);
}

/* Drops those that are silent for too long, and sends what waits. Returns in how many ms the next deadline is. */
static int on_turn(long long now) {
    long long next = NO_DEADLINE;
    outgoing_turn();
    for (struct client *c = client_next(NULL); c; c = client_next(c)) {
        struct peer *peer = &peers[c->fd];
        if (now >= peer->deadline)
            on_deadline(c);
        else if (peer->session && send_waiting(peer->session, c))
            next = now;
        if (!c->gone && peer->deadline < next)
            next = peer->deadline;
    }
    return next == NO_DEADLINE ? -1 : (int)(next - now);
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "1883";
    int option;
    while ((option = getopt(argc, argv, "hva:m:n:p:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'm': rest_max = (size_t)parse_number(optarg, 16, 16777216); break;
        case 'n': refused_filter = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);

    codes = malloc(rest_max);
    if (codes == NULL || outgoing_begin(rest_max) < 0)
        return -complain("cannot serve", strerror(errno));
    struct server mqtt = {
        .in_max = PACKET_HEAD + rest_max,
        .out_low = OUT_LOW + rest_max,
        .out_max = OUT_MAX + 2 * rest_max,
        .on_connect = on_connect,
        .on_data = on_data,
        .on_disconnect = part,
        .on_turn = on_turn,
    };
    return serve(&mqtt, address, port);
}
