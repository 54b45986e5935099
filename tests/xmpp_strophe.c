/* xmpp_strophe.c - a person who is at an XMPP server by libstrophe, for tests/03-xmpp-real.bats
 *
 *     cc -o xmpp_strophe xmpp_strophe.c -lstrophe
 *     ./xmpp_strophe HOST PORT ADDRESS [TO TEXT]
 *
 * It prints its roster, who comes and goes, and what it is told, with the time if the server has kept it. It answers pings, says TEXT
 * to TO when it has come, answers a question ("...吗") with "吃了", and goes when somebody tells it "再见".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>

struct person {
    xmpp_ctx_t *library;
    const char *to, *text; /* what it says when it has come; or NULL */
    int pings;             /* that the server has sent */
    int failed;            /* it could not log in, or the connection broke */
};

static void say(struct person *p, xmpp_conn_t *conn, const char *to, const char *text) {
    xmpp_stanza_t *message = xmpp_message_new(p->library, "chat", to, NULL);
    xmpp_message_set_body(message, text);
    xmpp_send(conn, message);
    xmpp_stanza_release(message);
}

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The stamp of a message that was kept, or "now". */
static const char *time_of(xmpp_stanza_t *message) {
    xmpp_stanza_t *delay = xmpp_stanza_get_child_by_name_and_ns(message, "delay", "urn:xmpp:delay");
    return delay ? xmpp_stanza_get_attribute(delay, "stamp") : "now";
}

static int told(xmpp_conn_t *conn, xmpp_stanza_t *message, void *person) {
    struct person *p = person;
    const char *from = xmpp_stanza_get_from(message);
    char *text = xmpp_message_get_body(message);
    if (!from || !text)
        return 1;
    printf("message %s %s %s\n", from, time_of(message), text);
    if (ends_with(text, "吗"))
        say(p, conn, from, "吃了");
    if (strcmp(text, "再见") == 0)
        xmpp_disconnect(conn);
    xmpp_free(p->library, text);
    return 1;
}

static int seen(xmpp_conn_t *conn, xmpp_stanza_t *presence, void *person) {
    const char *type = xmpp_stanza_get_type(presence);
    (void)conn;
    (void)person;
    printf("%s %s\n", type ? type : "available", xmpp_stanza_get_from(presence));
    return 1;
}

/* A server that hears nothing asks whether somebody is there. libstrophe leaves the answer to the program. */
static int pinged(xmpp_conn_t *conn, xmpp_stanza_t *iq, void *person) {
    struct person *p = person;
    xmpp_stanza_t *answer = xmpp_stanza_reply(iq);
    xmpp_stanza_set_type(answer, "result");
    xmpp_send(conn, answer);
    xmpp_stanza_release(answer);
    printf("ping %d\n", ++p->pings);
    return 1;
}

/* With the roster it has all that it needs: it says what it has to say, and then that it is there. */
static int roster(xmpp_conn_t *conn, xmpp_stanza_t *answer, void *person) {
    struct person *p = person;
    xmpp_stanza_t *query = xmpp_stanza_get_child_by_ns(answer, XMPP_NS_ROSTER),
                  *presence = xmpp_presence_new(p->library);
    xmpp_stanza_t *item = query ? xmpp_stanza_get_children(query) : NULL;
    for (; item; item = xmpp_stanza_get_next(item))
        printf("roster %s %s\n", xmpp_stanza_get_attribute(item, "jid"),
               xmpp_stanza_get_attribute(item, "subscription"));
    if (p->to)
        say(p, conn, p->to, p->text);
    xmpp_send(conn, presence);
    xmpp_stanza_release(presence);
    return 0;
}

static void ask_for_roster(struct person *p, xmpp_conn_t *conn) {
    xmpp_stanza_t *iq = xmpp_iq_new(p->library, "get", "roster"), *query = xmpp_stanza_new(p->library);
    xmpp_stanza_set_name(query, "query");
    xmpp_stanza_set_ns(query, XMPP_NS_ROSTER);
    xmpp_stanza_add_child(iq, query);
    xmpp_id_handler_add(conn, roster, "roster", p);
    xmpp_send(conn, iq);
    xmpp_stanza_release(query);
    xmpp_stanza_release(iq);
}

static void changed(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream,
                    void *person) {
    struct person *p = person;
    if (event == XMPP_CONN_CONNECT) {
        printf("logged in %s\n", xmpp_conn_get_bound_jid(conn));
        xmpp_handler_add(conn, told, NULL, "message", NULL, p);
        xmpp_handler_add(conn, seen, NULL, "presence", NULL, p);
        xmpp_handler_add(conn, pinged, "urn:xmpp:ping", "iq", "get", p);
        ask_for_roster(p, conn);
        return;
    }
    p->failed = error != 0 || stream != NULL;
    xmpp_stop(p->library);
}

int main(int argc, char **argv) {
    struct person p = {.to = argc > 5 ? argv[4] : NULL, .text = argc > 5 ? argv[5] : NULL};
    if (argc < 4)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    xmpp_initialize();
    p.library =
        xmpp_ctx_new(NULL, xmpp_get_default_logger(getenv("DEBUG") ? XMPP_LEVEL_DEBUG : XMPP_LEVEL_WARN));
    xmpp_conn_t *conn = xmpp_conn_new(p.library);
    xmpp_conn_set_flags(conn, XMPP_CONN_FLAG_DISABLE_TLS);
    xmpp_conn_set_jid(conn, argv[3]);
    xmpp_conn_set_pass(conn, "123456");
    if (xmpp_connect_client(conn, argv[1], (unsigned short)strtol(argv[2], NULL, 10), changed, &p) !=
        XMPP_EOK)
        return 1;
    xmpp_run(p.library);
    xmpp_conn_release(conn);
    xmpp_ctx_free(p.library);
    xmpp_shutdown();
    printf("gone\n");
    return p.failed;
}
