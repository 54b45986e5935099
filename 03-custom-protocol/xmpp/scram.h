/* scram.h - the server's side of the login SCRAM-SHA-1 (RFC 5802). The password never crosses the wire: the client
 * proves that it has it, the server proves that it has what was made of it, and a proof is good for one login only.
 *
 *     client-first   n,,n=user,r=CLIENTNONCE
 *     server-first   r=CLIENTNONCESERVERNONCE,s=SALT,i=4096
 *     client-final   c=biws,r=CLIENTNONCESERVERNONCE,p=PROOF
 *     server-final   v=SIGNATURE
 *
 * A login is scram_first(), scram_challenge() and scram_final(), once each. Messages are text: no base64 around them,
 * and a NUL at the end. An unknown name is answered like a known one: the caller gives it keys that no password fits,
 * and the same salt at each login.
 */
#ifndef SCRAM_H
#define SCRAM_H

#include "base64.h"
#include "sha1.h"

#define SCRAM_ROUNDS 4096 /* the least that section 5.1 advises */
#define SCRAM_SALT   12   /* bytes, as in the RFC's example; RFC 8018 wants at least 8 */
#define SCRAM_FIRST  512  /* bytes of client-first, with its NUL */
#define SCRAM_TEXT   128  /* bytes of a name or a nonce, with its NUL */
#define SCRAM_ANSWER (2 + BASE64_SIZE(SHA1_SIZE)) /* bytes of server-final, with its NUL */

/* What a server keeps instead of a password. A thief of it cannot log in, but can try passwords. */
struct scram_keys {
    unsigned char salt[SCRAM_SALT];  /* another one for each account */
    unsigned char stored[SHA1_SIZE]; /* the SHA-1 of the client's key, which only the password gives */
    unsigned char server[SHA1_SIZE]; /* the key that the server proves itself with */
};

/* One login. */
struct scram {
    char name[SCRAM_TEXT];    /* of the account: any bytes, it need not be UTF-8 */
    char authzid[SCRAM_TEXT]; /* the identity to act as, likewise; "": that of the account */
    char text[SCRAM_FIRST + 2 * SCRAM_TEXT + 32]; /* client-first, a comma, and server-first */
    size_t header;    /* bytes that its GS2 header has, "n,,": AuthMessage begins behind it */
    size_t challenge; /* where server-first begins */
};

enum scram_result { SCRAM_OK, SCRAM_MALFORMED, SCRAM_WRONG };

/* Makes the keys of a password, with the salt in *k. This takes SCRAM_ROUNDS rounds: do it once for each account, not
 * at each login. SASLprep is left out: a password of ASCII does not need it. */
void scram_derive(struct scram_keys *k, const char *password);

/* Reads client-first. Returns 0, or -1: it is malformed or too long, or wants channel binding (p=) or an extension that
 * may not be ignored (m=). */
int scram_first(struct scram *s, const char *message);

/* Makes server-first, which lives in *s. The server's nonce is new and cannot be guessed: printable ASCII without
 * commas, less than SCRAM_TEXT bytes, such as 18 random bytes in base64. */
const char *scram_challenge(struct scram *s, const struct scram_keys *k, const char *nonce);

/* Checks client-final. SCRAM_OK: the client has the password, and `answer` is server-final. SCRAM_WRONG: the proof, the
 * nonce, or the GS2 header is not the right one. */
enum scram_result scram_final(const struct scram *s, const struct scram_keys *k, const char *message,
                              char answer[SCRAM_ANSWER]);

/* HMAC-SHA-1 (RFC 2104): the digest of a text that only somebody with the key can make. */
void hmac_sha1(const void *key, size_t key_len, const void *text, size_t len,
               unsigned char digest[SHA1_SIZE]);

/* PBKDF2 with HMAC-SHA-1 (RFC 8018, section 5.2), the first block: Hi() in RFC 5802. */
void pbkdf2_sha1(const void *password, size_t len, const void *salt, size_t salt_len, int rounds,
                 unsigned char key[SHA1_SIZE]);

#endif
