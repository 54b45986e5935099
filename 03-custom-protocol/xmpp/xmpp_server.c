/* xmpp_server.c - instant messaging by a standard: XML elements in an XML document that stays open.
 *
 *     cc -o xmpp_server xmpp_server.c query.c talk.c login.c scram.c sha1.c base64.c peer.c people.c passwords.c \
 *         secret.c jid.c dice.c show_stanza.c xml_tree.c xml_stream.c xml_token.c text.c loop.c buffer.c listen.c signals.c wire.c
 *
 *     terminal 1:  ./xmpp_server -v
 *     terminal 2:  profanity, and there: /connect zhangsan@localhost server 127.0.0.1 port 5222 tls disable
 *     terminal 3:  echo hello | sendxmpp -u lisi -p 123456 -j localhost:5222 zhangsan@localhost
 *
 * XMPP of RFC 6120 and RFC 6121, for the clients of one server. The way of a message:
 *     client_read -> on_data -> xml_read, xml_parse -> on_stanza -> talk_message -> xml_write -> client_send
 * Left out: TLS, so use it on your own machine only; other servers; rooms; a roster of one's own. All is in memory.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "jid.h"
#include "login.h"
#include "loop.h"
#include "passwords.h"
#include "peer.h"
#include "people.h"
#include "query.h"
#include "show_stanza.h"
#include "talk.h"
#include "xml_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUIET_MS 50 /* ms: when nobody has said anything for so long, there is time to prepare logins */
#define SILENT_MS                                                                                            \
    60000 /* ms: a client that is silent for so long is asked whether it is there; for twice as long, dropped */

#define STREAMS "http://etherx.jabber.org/streams"

const char program[] = "xmpp_server";
const char usage[] =
    "usage: xmpp_server [-hv] [-a ADDRESS] [-p PORT] [-n DOMAIN] [-u FILE] [-t MS]\n"
    "  -h          print this help\n"
    "  -v          show every read and write on stderr, in hex and text, and each stanza indented\n"
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
    "  -p PORT     0 to 65535, 0 takes any free one (default 5222)\n"
    "  -n DOMAIN   the server's name, behind the @ of all addresses (default localhost)\n"
    "  -u FILE     who has an account: lines of NAME:PASSWORD (default: zhangsan, lisi and wangwu,\n"
    "              with the password 123456)\n"
    "  -t MS       10 to 86400000: ping a client that has been silent for so long, and drop it after twice\n"
    "              that time; to log in, it has that time, too (default 60000)\n";

static int silent_ms = SILENT_MS;
static long long heard; /* ms: when any client has last said something */

/* ---- The stream (RFC 6120, 4) ---- */

/* What a client may do now. */
static void say_features(struct peer *p) {
    if (p->stage == AT_THE_DOOR)
        say(p, "<stream:features><mechanisms xmlns='" SASL "'><mechanism>SCRAM-SHA-1</mechanism>"
               "<mechanism>PLAIN</mechanism></mechanisms></stream:features>");
    else
        say(p,
            "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
            "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session></stream:features>");
}

/* Returns the namespace that a stream's head declares for all in it that has no prefix. */
static const char *content_namespace(const struct xml_node *e) {
    for (const struct xml_node *a = e->attributes; a; a = a->next)
        if (a->kind == XML_DECLARES && *a->name == '\0')
            return a->value;
    return "";
}

static void on_header(struct peer *p, const struct xml_node *e) {
    const char *to = xml_attribute(e, "to"), *version = xml_attribute(e, "version");
    struct jid j;
    const char *why = NULL;
    if (strcmp(e->ns, STREAMS) != 0 || strcmp(content_namespace(e), "jabber:client") != 0)
        why = "invalid-namespace";
    else if (strcmp(e->name, "stream") != 0)
        why = "bad-format";
    else if (to && (jid_read(&j, to) < 0 || j.local || j.resource || !jid_is_in(&j, domain)))
        why = "host-unknown";
    else if (version == NULL || strtol(version, NULL, 10) < 1)
        why = "unsupported-version";
    if (why) {
        say_stream_error(p, why);
        return;
    }
    say_header(p);
    say_features(p);
}

/* A client that does not encrypt is all right here; one that wants to cannot be served (RFC 6120, 5.4.2.2). */
static void refuse_tls(struct peer *p) {
    say(p, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    say_end(p);
}

static void on_stanza(struct peer *p, struct xml_tree *tree) {
    static const char *const names[] = {"message", "presence", "iq"};
    static void (*const take[])(struct peer * p, struct xml_tree * tree) = {talk_message, talk_presence,
                                                                            query_read};
    const struct xml_node *e = tree->nodes;
    size_t i = 0;
    while (i < 3 && strcmp(e->name, names[i]) != 0)
        i++;

    if (p->stage == AT_THE_DOOR && strcmp(e->ns, SASL) == 0)
        login_read(p, e);
    else if (xml_is(e, "urn:ietf:params:xml:ns:xmpp-tls", "starttls"))
        refuse_tls(p);
    else if (i < 3 && strcmp(e->ns, "jabber:client") != 0)
        say_stream_error(p, "invalid-namespace");
    else if (i == 3)
        say_stream_error(p, "unsupported-stanza-type");
    else if (p->stage == BOUND)
        take[i](p, tree);
    else if (p->stage != LOGGED_IN || query_bind(p, tree) < 0)
        say_stream_error(p, "not-authorized");
}

/* ---- The events ---- */

static void on_connect(struct client *c) { peer_begin(c); }

/* Makes a tree of a piece, and does what it says. */
static void on_piece(struct peer *p, char *data, size_t len) {
    static struct xml_tree tree;
    enum xml_piece kind = p->xml.kind;
    if (kind == XML_SPACE)
        return;
    show_stanza(p->client->name, "->", data, len);
    if (kind == XML_END) {
        say_header(p);
        say_end(p);
        return;
    }
    xml_error why = xml_parse(&tree, &p->xml, data, len);
    if (why)
        say_stream_error(p, why);
    else if (kind == XML_HEADER)
        on_header(p, tree.nodes);
    else
        on_stanza(p, &tree);
}

/* Takes one piece of a client's stream. */
static size_t on_data(struct client *c, char *data, size_t len) {
    struct peer *p = peer_of(c);
    heard = c->heard;
    long n = xml_read(&p->xml, data, len);
    if (n > 0) {
        on_piece(p, data, (size_t)n);
        return (size_t)n;
    }
    if (n == 0 && len < (p->stage == AT_THE_DOOR ? NEWCOMER_MAX : STANZA_MAX))
        return 0;
    say_stream_error(p, n < 0 ? p->xml.error : xml_too_much);
    return len;
}

static void on_disconnect(struct client *c) { peer_end(peer_of(c)); }

/* Asks a client that has been silent whether it is there, and ends its stream if it does not answer, or does not log in.
 * One whose stream has ended, and that does not read how, is dropped: or it would keep its place for ever. */
static void check_silence(struct peer *p, long long now) {
    if (now - p->client->heard < silent_ms)
        p->asked = 0;
    if (p->stage == LEFT && now - p->left >= silent_ms) {
        client_drop(p->client, "it does not read our last words");
    } else if (p->stage < BOUND ? now - p->since >= silent_ms : p->asked && now - p->asked >= silent_ms) {
        say_stream_error(p, "connection-timeout");
    } else if (p->stage == BOUND && !p->asked && now - p->client->heard >= silent_ms) {
        say(p, "<iq type='get' id='ping' from='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", domain,
            p->full);
        p->asked = now_ms();
    }
}

/* Returns in how many ms check_silence() is wanted again. */
static int time_left(const struct peer *p, long long now) {
    long long from = p->asked ? p->asked : p->client->heard;
    if (p->stage != BOUND)
        from = p->stage == LEFT ? p->left : p->since;
    return from + silent_ms > now ? (int)(from + silent_ms - now) : 0;
}

static int on_turn(long long now) {
    int is_idle = now - heard >= QUIET_MS, wait = silent_ms;
    if (login_prepare(is_idle))
        wait = is_idle ? 0 : QUIET_MS;
    for (struct client *c = client_next(NULL); c; c = client_next(c)) {
        struct peer *p = peer_of(c);
        if (talk_catch_up(p))
            wait = 0;
        check_silence(p, now);
        int left = time_left(p, now);
        wait = left < wait ? left : wait;
    }
    return wait;
}

static void on_stop(void) {
    for (struct client *c = client_next(NULL); c; c = client_next(c))
        if (peer_of(c)->is_open)
            say_stream_error(peer_of(c), "system-shutdown");
}

static const struct server xmpp = {
    .in_max = STANZA_MAX,
    .out_low = OUT_LOW,
    .out_max = OUT_MAX,
    .on_connect = on_connect,
    .on_data = on_data,
    .on_disconnect = on_disconnect,
    .on_turn = on_turn,
    .on_stop = on_stop,
};

/* ---- The start ---- */

/* Takes the name of the server: letters, digits, dots and hyphens, as host names have. */
static void set_domain(const char *name) {
    size_t length = strlen(name);
    if (length == 0 || length > DOMAIN_MAX ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") != length) {
        complain("-n", "a domain is 1 to 255 letters, digits, dots and hyphens");
        exit(2);
    }
    jid_fold(domain, name, length);
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "5222", *file = NULL;
    int option;
    while ((option = getopt(argc, argv, "hva:p:n:u:t:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        case 'n': set_domain(optarg); break;
        case 'u': file = optarg; break;
        case 't': silent_ms = parse_number(optarg, 10, 86400000); break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);

    passwords_load(file, person_add);
    login_begin();
    return serve(&xmpp, address, port);
}
