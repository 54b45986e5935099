/* scram.c - see scram.h; the names are those of RFC 5802, section 3. */
#include "scram.h"

#include "secret.h"

#include <stdio.h>
#include <string.h>

/* ---- HMAC, and what is made of a password ---- */

/* HMAC is H(key ^ opad, H(key ^ ipad, text)). Both hashes have taken their key, a block; `inner` takes the text. */
struct hmac {
    struct sha1 inner, outer;
};

static void hash(const void *data, size_t len, unsigned char digest[SHA1_SIZE]) {
    struct sha1 h;
    sha1_begin(&h);
    sha1_add(&h, data, len);
    sha1_end(&h, digest);
}

static void hmac_begin(struct hmac *h, const void *key, size_t len) {
    unsigned char ipad[64] = {0}, opad[64];
    if (len > sizeof ipad)
        hash(key, len, ipad);
    else
        memcpy(ipad, key, len);
    for (size_t i = 0; i < sizeof ipad; i++) {
        opad[i] = ipad[i] ^ 0x5c;
        ipad[i] ^= 0x36;
    }
    sha1_begin(&h->inner);
    sha1_begin(&h->outer);
    sha1_add(&h->inner, ipad, sizeof ipad);
    sha1_add(&h->outer, opad, sizeof opad);
}

static void hmac_end(struct hmac *h, unsigned char digest[SHA1_SIZE]) {
    sha1_end(&h->inner, digest);
    sha1_add(&h->outer, digest, SHA1_SIZE);
    sha1_end(&h->outer, digest);
}

void hmac_sha1(const void *key, size_t key_len, const void *text, size_t len,
               unsigned char digest[SHA1_SIZE]) {
    struct hmac h;
    hmac_begin(&h, key, key_len);
    sha1_add(&h.inner, text, len);
    hmac_end(&h, digest);
}

void pbkdf2_sha1(const void *password, size_t len, const void *salt, size_t salt_len, int rounds,
                 unsigned char key[SHA1_SIZE]) {
    unsigned char u[SHA1_SIZE];
    struct hmac keyed, h;
    hmac_begin(&keyed, password, len); /* once, so that a round takes two blocks of SHA-1 and not four */
    h = keyed;
    sha1_add(&h.inner, salt, salt_len);
    sha1_add(&h.inner, "\0\0\0\1", 4); /* the number of this block */
    memset(key, 0, SHA1_SIZE);
    for (; rounds > 0; rounds--) {
        hmac_end(&h, u);
        for (int i = 0; i < SHA1_SIZE; i++)
            key[i] ^= u[i];
        h = keyed;
        sha1_add(&h.inner, u, SHA1_SIZE);
    }
}

void scram_derive(struct scram_keys *k, const char *password) {
    unsigned char salted[SHA1_SIZE], client[SHA1_SIZE];
    pbkdf2_sha1(password, strlen(password), k->salt, SCRAM_SALT, SCRAM_ROUNDS, salted);
    hmac_sha1(salted, SHA1_SIZE, "Client Key", 10, client);
    hash(client, SHA1_SIZE, k->stored);
    hmac_sha1(salted, SHA1_SIZE, "Server Key", 10, k->server);
}

/* ---- Messages: their grammar is in section 7 ---- */

/* Takes a letter, such as ",r=", and its value, up to a comma or the end. Returns the length of the value, which ends
 * at *at then; 0: it is empty, or another letter is there. */
static size_t take(const char **at, const char *letter) {
    size_t n = strlen(letter), length;
    if (strncmp(*at, letter, n) != 0)
        return 0;
    length = strcspn(*at + n, ",");
    *at += n + length;
    return length;
}

/* Takes a name, where =2C is a comma and =3D is =. Returns -1 if it is not there, has another =, or is too long. */
static int take_name(const char **at, const char *letter, char name[SCRAM_TEXT]) {
    size_t length = take(at, letter), n = 0;
    for (const char *p = *at - length; p < *at; p++) {
        char c = strncmp(p, "=2C", 3) == 0 ? ',' : *p;
        if (n == SCRAM_TEXT - 1 || (c == '=' && strncmp(p, "=3D", 3) != 0))
            return -1;
        if (*p == '=')
            p += 2;
        name[n++] = c;
    }
    name[n] = '\0';
    return n > 0 ? 0 : -1;
}

/* Returns where the extensions end. Their letters are not SCRAM's own: each of those has its one place, and m= is an
 * extension that may not be ignored. */
static const char *skip_extensions(const char *at) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZbdfghjkloqtuwxyz";
    while (at[0] == ',' && at[1] && strchr(letters, at[1]) && at[2] == '=' && strcspn(at + 3, ",") > 0)
        at += 1 + strcspn(at + 1, ",");
    return at;
}

static int is_nonce(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (text[i] < '!' || text[i] > '~')
            return 0;
    return len > 0 && len < SCRAM_TEXT;
}

int scram_first(struct scram *s, const char *message) {
    const char *at = message + 1;
    if ((*message != 'n' && *message != 'y') || strlen(message) >= SCRAM_FIRST)
        return -1;
    s->authzid[0] = '\0';
    if (strncmp(at, ",,", 2) == 0)
        at++;
    else if (take_name(&at, ",a=", s->authzid) < 0)
        return -1;
    s->header = (size_t)(at + 1 - message);
    if (take_name(&at, ",n=", s->name) < 0)
        return -1;
    size_t nonce = take(&at, ",r=");
    if (!is_nonce(at - nonce, nonce) || *skip_extensions(at) != '\0')
        return -1;
    s->challenge = strlen(message) + 1;
    snprintf(s->text, sizeof s->text, "%s,r=%.*s", message, (int)nonce, at - nonce);
    return 0;
}

const char *scram_challenge(struct scram *s, const struct scram_keys *k, const char *nonce) {
    char salt[BASE64_SIZE(SCRAM_SALT)];
    size_t n = strlen(s->text);
    base64_encode(salt, k->salt, SCRAM_SALT);
    snprintf(s->text + n, sizeof s->text - n, "%s,s=%s,i=%d", nonce, salt, SCRAM_ROUNDS);
    return s->text + s->challenge;
}

/* Does client-final begin with the GS2 header, in base64, and both nonces? If not, it belongs to another login. */
static int is_of_login(const struct scram *s, const char *message) {
    char start[2 + BASE64_SIZE(SCRAM_FIRST) + 2 + 2 * SCRAM_TEXT] = "c=";
    const char *nonces = s->text + s->challenge;
    size_t n = 2 + base64_encode(start + 2, s->text, s->header);
    snprintf(start + n, sizeof start - n, ",%.*s,", (int)strcspn(nonces, ","), nonces);
    return strncmp(message, start, strlen(start)) == 0;
}

/* Signs AuthMessage: client-first without its GS2 header, server-first, and client-final without its proof. */
static void sign(const struct scram *s, const unsigned char key[SHA1_SIZE], const char *final, size_t len,
                 unsigned char signature[SHA1_SIZE]) {
    struct hmac h;
    hmac_begin(&h, key, SHA1_SIZE);
    sha1_add(&h.inner, s->text + s->header, strlen(s->text + s->header));
    sha1_add(&h.inner, ",", 1);
    sha1_add(&h.inner, final, len);
    hmac_end(&h, signature);
}

enum scram_result scram_final(const struct scram *s, const struct scram_keys *k, const char *message,
                              char answer[SCRAM_ANSWER]) {
    unsigned char proof[BASE64_SIZE(SHA1_SIZE)], signature[SHA1_SIZE];
    const char *at = message;
    if (take(&at, "c=") == 0 || take(&at, ",r=") == 0)
        return SCRAM_MALFORMED;
    at = skip_extensions(at);
    size_t len = (size_t)(at - message); /* without the proof */
    size_t n = take(&at, ",p=");
    if (n != BASE64_SIZE(SHA1_SIZE) - 1 || base64_decode(proof, at - n, n) != SHA1_SIZE || *at != '\0')
        return SCRAM_MALFORMED;

    sign(s, k->stored, message, len, signature);
    for (int i = 0; i < SHA1_SIZE; i++)
        proof[i] ^= signature[i]; /* this makes the client's key of a right proof */
    hash(proof, SHA1_SIZE, signature);
    if (secrets_differ(signature, k->stored, SHA1_SIZE) || !is_of_login(s, message))
        return SCRAM_WRONG;

    sign(s, k->server, message, len, signature);
    base64_encode(answer + snprintf(answer, SCRAM_ANSWER, "v="), signature, SHA1_SIZE);
    return SCRAM_OK;
}
