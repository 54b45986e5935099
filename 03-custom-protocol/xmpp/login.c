/* login.c - see login.h.
 *
 * PLAIN (RFC 4616) is one message with the password in it. In SCRAM-SHA-1 (RFC 5802) the client proves that it knows the
 * password, and the server that it knows it, too, and nobody on the way learns it: see scram.h.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "login.h"

#include "base64.h"
#include "dice.h"
#include "jid.h"
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1024 /* bytes of a message of a login, out of its base64 */
#define TRIES_MAX   3    /* wrong passwords on one connection */
#define SECRET_SIZE 20   /* bytes */

struct login {
    int is_scram;
    int is_begun; /* the client has said who it is */
    struct scram scram;
    struct scram_keys keys; /* the salt; the rest is zeros, which no password fits */
    struct person *person;  /* NULL: there is none of that name */
};

static unsigned char secret[SECRET_SIZE];

void login_begin(void) { roll_dice(secret, sizeof secret); }

/* ---- The end of a login ---- */

static void end_login(struct peer *p) {
    free(p->login);
    p->login = NULL;
}

/* Refuses a login, with a condition. The stream stays open for another try. */
static void refuse(struct peer *p, const char *condition) {
    end_login(p);
    say(p, "<failure xmlns='" SASL "'><%s/></failure>", condition);
}

/* A third wrong password ends the connection. */
static void refuse_password(struct peer *p) {
    fprintf(stderr, "%s wrong name or password\n", p->client->name);
    refuse(p, "not-authorized");
    if (++p->tries == TRIES_MAX)
        say_stream_error(p, "policy-violation");
}

/* Welcomes somebody. The client begins a new stream now, and so do we. */
static void welcome(struct peer *p, struct person *person, const char *last_word) {
    char text[BASE64_SIZE(MESSAGE_MAX)];
    end_login(p);
    p->person = person;
    p->stage = LOGGED_IN;
    snprintf(p->full, sizeof p->full, "%s@%s", person->name, domain);
    fprintf(stderr, "%s logged in as %s\n", p->client->name, p->full);
    base64_encode(text, last_word, strlen(last_word));
    say(p, "<success xmlns='" SASL "'>%s</success>", text);
    p->xml = (struct xml_stream){.depth = 0};
    p->is_open = 0;
}

/* May this person act for that address? Only for its own. */
static int may_be(const struct person *person, const char *address) {
    struct jid j;
    if (*address == '\0')
        return 1;
    return jid_read(&j, address) == 0 && j.local && jid_is_in(&j, domain) && j.resource == NULL &&
           person_find(j.local, j.local_length) == person;
}

/* ---- PLAIN ---- */

/* Takes "address NUL name NUL password", where the address is mostly empty. */
static void read_plain(struct peer *p, const char *message, size_t len) {
    char guess[PASSWORD_MAX + 1] = "";
    const char *name = memchr(message, '\0', len), *end = message + len;
    const char *password = name ? memchr(name + 1, '\0', (size_t)(end - name - 1)) : NULL;
    if (password == NULL || memchr(password + 1, '\0', (size_t)(end - password - 1))) {
        refuse(p, "malformed-request");
        return;
    }
    name++;
    password++;

    size_t length = (size_t)(end - password);
    struct person *person = person_find(name, strlen(name));
    memcpy(guess, password, length < PASSWORD_MAX ? length : PASSWORD_MAX);
    if (person == NULL || length > PASSWORD_MAX || secrets_differ(guess, person->password, sizeof guess))
        refuse_password(p);
    else if (!may_be(person, message))
        refuse(p, "invalid-authzid");
    else
        welcome(p, person, "");
}

/* ---- SCRAM-SHA-1 ---- */

/* A name has always the same salt, also a name that nobody has: the answer must not tell which names there are. */
static void make_salt(struct scram_keys *k, const char *name) {
    unsigned char digest[SHA1_SIZE];
    hmac_sha1(secret, sizeof secret, name, strlen(name), digest);
    memcpy(k->salt, digest, sizeof k->salt);
}

static void make_keys(struct person *person) {
    make_salt(&person->keys, person->name);
    scram_derive(&person->keys, person->password);
    person->has_keys = 1;
}

int login_prepare(int is_idle) {
    static int ready; /* so many of the people have keys */
    while (ready < people_count && people[ready].has_keys)
        ready++;
    if (is_idle && ready < people_count)
        make_keys(&people[ready]);
    return ready < people_count;
}

static void read_scram_first(struct peer *p, const char *message) {
    unsigned char random[18];
    char nonce[BASE64_SIZE(sizeof random)], text[BASE64_SIZE(MESSAGE_MAX)], name[SCRAM_TEXT];
    struct login *l = p->login;
    if (scram_first(&l->scram, message) < 0) {
        refuse(p, "malformed-request");
        return;
    }
    jid_fold(name, l->scram.name, strlen(l->scram.name));
    l->person = person_find(name, strlen(name));
    make_salt(&l->keys, name);
    roll_dice(random, sizeof random);
    base64_encode(nonce, random, sizeof random);
    const char *challenge = scram_challenge(&l->scram, &l->keys, nonce);
    base64_encode(text, challenge, strlen(challenge));
    say(p, "<challenge xmlns='" SASL "'>%s</challenge>", text);
    l->is_begun = 1;
}

static void read_scram_final(struct peer *p, const char *message) {
    char last_word[SCRAM_ANSWER];
    struct login *l = p->login;
    if (l->person && !l->person->has_keys)
        make_keys(l->person);
    const struct scram_keys *keys = l->person ? &l->person->keys : &l->keys;
    enum scram_result result = scram_final(&l->scram, keys, message, last_word);
    if (result == SCRAM_MALFORMED)
        refuse(p, "malformed-request");
    else if (result == SCRAM_WRONG || l->person == NULL)
        refuse_password(p);
    else if (!may_be(l->person, l->scram.authzid))
        refuse(p, "invalid-authzid");
    else
        welcome(p, l->person, last_word);
}

/* ---- Elements ---- */

/* Takes a message of a login, in base64; "=" is an empty one (RFC 6120, 6.4.2). */
static void read_message(struct peer *p, const char *text) {
    char message[MESSAGE_MAX + 3]; /* a NUL, and what base64 may have beside its last byte */
    size_t length = strcmp(text, "=") == 0 ? 0 : strlen(text);
    int is_long = length >= BASE64_SIZE(MESSAGE_MAX);
    long len = is_long ? 0 : base64_decode((unsigned char *)message, text, length);
    if (is_long || len < 0) {
        refuse(p, is_long ? "malformed-request" : "incorrect-encoding");
        return;
    }
    message[len] = '\0';
    if (!p->login->is_scram)
        read_plain(p, message, (size_t)len);
    else if (strlen(message) != (size_t)len)
        refuse(p, "malformed-request");
    else if (!p->login->is_begun)
        read_scram_first(p, message);
    else
        read_scram_final(p, message);
}

/* Begins a login. The client's first message may be in it, or it waits to be asked. */
static void begin_login(struct peer *p, const struct xml_node *e) {
    const char *mechanism = xml_attribute(e, "mechanism"), *text = xml_text(e);
    int is_scram = mechanism && strcmp(mechanism, "SCRAM-SHA-1") == 0;
    end_login(p);
    if (!is_scram && (mechanism == NULL || strcmp(mechanism, "PLAIN") != 0)) {
        refuse(p, "invalid-mechanism");
        return;
    }
    p->login = calloc(1, sizeof *p->login);
    if (p->login == NULL) {
        refuse(p, "temporary-auth-failure");
        return;
    }
    p->login->is_scram = is_scram;
    if (*text)
        read_message(p, text);
    else
        say(p, "<challenge xmlns='" SASL "'/>");
}

void login_read(struct peer *p, const struct xml_node *e) {
    if (strcmp(e->name, "auth") == 0)
        begin_login(p, e);
    else if (strcmp(e->name, "response") == 0 && p->login)
        read_message(p, xml_text(e));
    else if (strcmp(e->name, "abort") == 0)
        refuse(p, "aborted");
    else
        refuse(p, "malformed-request");
}
