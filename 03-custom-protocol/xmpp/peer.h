/* peer.h - a connection of the XMPP server: how far its login is, whose it is, and what everybody may know of it. */
#ifndef PEER_H
#define PEER_H

#include "loop.h"
#include "people.h"
#include "xml_tree.h"

#define STANZA_MAX   65536   /* bytes of the longest stanza */
#define NEWCOMER_MAX 10000   /* bytes, before the login: the fewest that RFC 6120, 13.12, allows */
#define OUT_LOW      65536   /* bytes: a client that is owed more is not read */
#define OUT_MAX      1048576 /* bytes: a client that is owed more is dropped; the longest roster is 383 KB */
#define SPEECH_MAX   4096    /* bytes that say() writes at once, with a NUL */
#define RESOURCE_MAX 64      /* bytes of a resource: for a longer one, the server makes up another */
#define DOMAIN_MAX   255     /* bytes of the server's name */
#define FULL_MAX     (WORD_MAX + 1 + DOMAIN_MAX + 1 + RESOURCE_MAX) /* bytes of a full address */

enum stage {
    AT_THE_DOOR, /* its stream is not open, or it has not logged in */
    LOGGED_IN,   /* we know whose it is; its second stream has begun, or is about to */
    BOUND,       /* it has a resource: it may send stanzas, and gets them */
    LEFT,        /* we have ended the stream: it gets what it is owed, and no more is read */
};

struct peer {
    struct client *client;
    struct xml_stream xml;
    int is_open; /* we have sent the head of our stream */
    enum stage stage;
    long long since;     /* ms: when it connected */
    long long asked;     /* ms: when it was sent a ping, because it was silent; 0: it was not */
    long long left;      /* ms: since when it is LEFT */
    int tries;           /* wrong passwords */
    struct login *login; /* see login.h; NULL: none under way */

    struct person *person;   /* from LOGGED_IN on */
    char full[FULL_MAX + 1]; /* its address: zhangsan@localhost, from BOUND on with /resource */
    const char *resource;    /* in it, behind the slash; NULL: none */
    struct peer *next;       /* of the same person */

    char *presence; /* what it has told everybody, as it is passed on; NULL: nothing, so it is away */
    size_t presence_length;
    int priority; /* -128 to 127: messages for the person go to the highest; below 0: it gets none of them */
    int shown;    /* it has been sent the presence of all clients with lower descriptors */
};

extern char domain[DOMAIN_MAX + 1]; /* of this server */

extern struct peer peers[]; /* by descriptor */

/* Returns what is known of a connection. */
struct peer *peer_of(const struct client *c);

/* Begins a new connection. */
void peer_begin(struct client *c);

/* Gives a peer its resource, and makes it one of its person's. */
void peer_bind(struct peer *p, const char *resource);

/* Returns the peer of a person that has this resource; NULL: none. */
struct peer *peer_find(const struct person *person, const char *resource);

/* Forgets all that was known of it, but not the connection, and tells everybody who is there that it is away. */
void peer_end(struct peer *p);

/* Send bytes: to one peer; to all peers that have sent a presence, when the bytes are about the peer `of`. */
void peer_send(struct peer *p, const char *data, size_t len);
void peer_tell_everybody(const struct peer *of, const char *data, size_t len);

/* Returns the address that a stanza is for; NULL: it has none, or an empty one, and is for the server or its sender. */
const char *stanza_to(const struct xml_node *stanza);

/* Sends text, made as printf() makes it: at most SPEECH_MAX - 1 bytes. What is put in must not contain markup. */
void say(struct peer *p, const char *format, ...);

/* Sends a stream error (RFC 6120, 4.9), and hangs up; logs it. */
void say_stream_error(struct peer *p, const char *condition);

/* Ends our stream, and hangs up. */
void say_end(struct peer *p);

/* Opens our stream, if it is not open. */
void say_header(struct peer *p);

/* Answers a stanza with one of the same name, whose `from` is the `to` of that stanza. `inside` is XML, written by this
 * program: it goes into the answer as it is. */
void say_answer(struct peer *p, const struct xml_node *stanza, const char *type, const char *inside);

/* Answers with an error (RFC 6120, 8.3), unless the stanza is an error or an answer itself: `type` is "cancel", "modify",
 * "auth" or "wait", `text` for people, or NULL. */
void say_error(struct peer *p, const struct xml_node *stanza, const char *type, const char *condition,
               const char *text);

#endif
