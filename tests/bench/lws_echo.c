/* lws_echo.c - an echo server on libwebsockets, for comparison: cc -O2 -o lws_echo lws_echo.c -lwebsockets
 *
 * One thread, its own loop on poll(), no extensions, messages echoed as a whole, as ws_server does it.
 */
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session { /* what has come of a message, behind LWS_PRE bytes of room for the header */
    unsigned char *data;
    size_t length, size;
    int binary, ready;
};

static struct lws_context *context;
static volatile sig_atomic_t stop;

static void on_signal(int number) {
    stop = number;
    lws_cancel_service(context);
}

static int keep(struct session *s, const void *in, size_t len) {
    if (s->length + len > s->size) {
        s->size = 2 * (s->length + len);
        s->data = realloc(s->data, LWS_PRE + s->size);
        if (s->data == NULL)
            return -1;
    }
    memcpy(s->data + LWS_PRE + s->length, in, len);
    s->length += len;
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
    struct session *s = user;
    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
        if (lws_is_first_fragment(wsi))
            s->length = 0;
        s->binary = lws_frame_is_binary(wsi);
        if (keep(s, in, len) < 0)
            return -1;
        if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0) {
            s->ready = 1;
            lws_callback_on_writable(wsi);
        }
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (s->ready &&
            lws_write(wsi, s->data + LWS_PRE, s->length, s->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) < 0)
            return -1;
        s->ready = 0;
        break;
    case LWS_CALLBACK_CLOSED: free(s->data); break;
    default: break;
    }
    return 0;
}

int main(int argc, char **argv) {
    static const struct lws_protocols protocols[] = {
        {"echo", on_event, sizeof(struct session), 131072, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = argc > 1 ? atoi(argv[1]) : 9091;
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.gid = info.uid = (gid_t)-1;
    info.pt_serv_buf_size = 131072;
    lws_set_log_level(LLL_ERR, NULL);
    context = lws_create_context(&info);
    if (context == NULL)
        return 1;
    signal(SIGTERM, on_signal);
    fprintf(stderr, "lws_echo: listening on 127.0.0.1:%d\n", info.port);
    while (!stop && lws_service(context, 0) >= 0)
        continue;
    lws_context_destroy(context);
    return 0;
}
