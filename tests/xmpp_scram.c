/* xmpp_scram.c - see xmpp_modules.h. Here is a client, too: it makes proofs, right ones and wrong ones. */
#include "xmpp_modules.h"

#include "../03-custom-protocol/xmpp/scram.h"

#include <stdlib.h>
#include <time.h>

/* The example of RFC 5802, section 5. */
#define BARE         "n=user,r=fyko+d2lbbFgONRv9qkxdawL"
#define FIRST        "n,," BARE
#define SERVER_NONCE "3rfcNHYJY1ZVvWVs7j"
#define NONCES       "fyko+d2lbbFgONRv9qkxdawL" SERVER_NONCE
#define CHALLENGE    "r=" NONCES ",s=QSXCR+Q6sek8bf92,i=4096"
#define FINAL        "c=biws,r=" NONCES ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
#define ANSWER       "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="

/* ---- HMAC and PBKDF2 ---- */

static void check_digest(const char *what, const unsigned char digest[SHA1_SIZE], const char *hex,
                         size_t len) {
    char got[2 * SHA1_SIZE + 1];
    for (size_t i = 0; i < SHA1_SIZE; i++)
        snprintf(got + 2 * i, 3, "%02x", digest[i]);
    CHECK(strncmp(got, hex, 2 * len) == 0, "%s: %s, not %s", what, got, hex);
}

/* The vectors of RFC 2202, section 3, and keys of about a block. A key or a text of one byte is repeated. */
static const struct {
    const char *key;
    size_t key_len;
    const char *text;
    size_t len;
    const char *hex;
} hmacs[] = {
    {"\x0b", 20, "Hi There", 8, "b617318655057264e28bc0b6fb378c8ef146be00"},
    {"Jefe", 4, "what do ya want for nothing?", 28, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {"\xaa", 20, "\xdd", 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
    {"\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31", 25, "\xcd", 50,
     "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
    {"\x0c", 20, "Test With Truncation", 20, "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
    {"\xaa", 80, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
     "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {"\xaa", 80, "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data", 73,
     "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    {"k", 63, "x", 1, "79fca1b8e8c32e6ebcaa5383a7ac8adde648122f"},
    {"k", 64, "x", 1, "2c31eadf68d9ba971ad29339d28ce725b03c11f6"},
    {"k", 65, "x", 1, "7209aca75ec680871725fd309aa689746677dbd4"},
};

static void repeat(char bytes[100], const char *text, size_t len) {
    if (strlen(text) == 1)
        memset(bytes, *text, len);
    else
        memcpy(bytes, text, len);
}

void scram_check_hmac(void) {
    for (size_t i = 0; i < sizeof hmacs / sizeof hmacs[0]; i++) {
        unsigned char digest[SHA1_SIZE];
        char key[100], text[100], what[20];
        repeat(key, hmacs[i].key, hmacs[i].key_len);
        repeat(text, hmacs[i].text, hmacs[i].len);
        hmac_sha1(key, hmacs[i].key_len, text, hmacs[i].len, digest);
        snprintf(what, sizeof what, "vector %zu", i + 1);
        check_digest(what, digest, hmacs[i].hex, SHA1_SIZE);
    }
}

void scram_check_pbkdf2(void) {
    unsigned char key[SHA1_SIZE];
    pbkdf2_sha1("password", 8, "salt", 4, 1, key);
    check_digest("1 round", key, "0c60c80f961f0e71f3a9b524af6012062fe037a6", SHA1_SIZE);
    pbkdf2_sha1("password", 8, "salt", 4, 2, key);
    check_digest("2 rounds", key, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957", SHA1_SIZE);
    pbkdf2_sha1("password", 8, "salt", 4, 4096, key);
    check_digest("4096 rounds", key, "4b007901b765489abead49d926f721d065a429c1", SHA1_SIZE);
    pbkdf2_sha1("passwordPASSWORDpassword", 24, "saltSALTsaltSALTsaltSALTsaltSALTsalt", 36, 4096, key);
    check_digest("the long one", key, "3d2eec4fe41c849b80c8d83662c0e44a8b291a96", SHA1_SIZE); /* of 25 */
    pbkdf2_sha1("pass\0word", 9, "sa\0lt", 5, 4096, key);
    check_digest("with NULs", key, "56fa6aa75548099dcc37d7f03425e0c3", 16);
}

/* ---- A server and a client ---- */

static const struct scram_keys *keys(void) {
    static struct scram_keys k;
    static int made;
    if (!made) {
        base64_decode(k.salt, "QSXCR+Q6sek8bf92", 16);
        scram_derive(&k, "pencil");
        made = 1;
    }
    return &k;
}

/* Each message is read from an allocation of just its size, so that valgrind and the sanitizer see a byte too many. */
static char *exactly(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    if (copy == NULL)
        exit(2);
    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

static int read_first(struct scram *s, const char *message) {
    char *copy = exactly(message);
    int result = scram_first(s, copy);
    free(copy);
    return result;
}

static enum scram_result read_final(const struct scram *s, const char *message) {
    char *copy = exactly(message), *answer = malloc(SCRAM_ANSWER);
    enum scram_result result = answer ? scram_final(s, keys(), copy, answer) : SCRAM_MALFORMED;
    CHECK(result != SCRAM_OK || strlen(answer) == SCRAM_ANSWER - 1, "%s: a short answer", message);
    free(copy);
    free(answer);
    return result;
}

/* The client's proof, in base64, that it knows the password pencil: it is good for these messages only. */
static void prove(char text[BASE64_SIZE(SHA1_SIZE)], const char *bare, const char *challenge,
                  const char *final) {
    static unsigned char client[SHA1_SIZE], stored[SHA1_SIZE];
    static int made;
    unsigned char proof[SHA1_SIZE];
    char message[3000];
    if (!made) {
        struct sha1 h;
        pbkdf2_sha1("pencil", 6, keys()->salt, SCRAM_SALT, SCRAM_ROUNDS, proof);
        hmac_sha1(proof, SHA1_SIZE, "Client Key", 10, client);
        sha1_begin(&h);
        sha1_add(&h, client, SHA1_SIZE);
        sha1_end(&h, stored);
        made = 1;
    }
    snprintf(message, sizeof message, "%s,%s,%s", bare, challenge, final);
    hmac_sha1(stored, SHA1_SIZE, message, strlen(message), proof);
    for (size_t i = 0; i < SHA1_SIZE; i++)
        proof[i] ^= client[i];
    base64_encode(text, proof, SHA1_SIZE);
}

/* Begins the login of the example, and has the client end it: with a text, its proof, and what is behind that. */
static enum scram_result end_login(const char *final, const char *behind) {
    struct scram s;
    char proof[BASE64_SIZE(SHA1_SIZE)], message[1000];
    CHECK(read_first(&s, FIRST) == 0, "the first message is refused");
    prove(proof, BARE, scram_challenge(&s, keys(), SERVER_NONCE), final);
    snprintf(message, sizeof message, "%s,p=%s%s", final, proof, behind);
    return read_final(&s, message);
}

void scram_check_example(void) {
    struct scram s;
    char answer[SCRAM_ANSWER];
    CHECK(scram_first(&s, FIRST) == 0, "client-first is refused");
    CHECK(strcmp(s.name, "user") == 0 && *s.authzid == '\0', "the name is %s, not user", s.name);
    const char *challenge = scram_challenge(&s, keys(), SERVER_NONCE);
    CHECK(strcmp(challenge, CHALLENGE) == 0, "server-first is %s", challenge);
    CHECK(scram_final(&s, keys(), FINAL, answer) == SCRAM_OK, "client-final is refused");
    CHECK(strcmp(answer, ANSWER) == 0, "server-final is %s", answer);
}

/* ---- client-first ---- */

static const char *const first_taken[] = {
    "n,,n=user,r=abc",       "y,,n=user,r=abc",           "n,,n=user,r==",
    "n,,n=user,r=a=b\"!~",   "n,,n=user,r=abc,x=1",       "n,,n=user,r=abc,x=1,Y=a=b,k=\xe4\xb8\x89",
    "n,a=u,n=user,r=abc",    "y,a=u,n=user,r=abc,X=\x7f", "n,,n=user,r=abc,x=1,x=1",
    "n,,n=user,r=abc,d=n=x", "n,,n=user,r=r=abc",
};

static const char *const first_refused[] = {
    /* the GS2 header */
    "", "n", "n,", "n,,", "n=user,r=abc", ",,n=user,r=abc", "n,n=user,r=abc", "n,,,n=user,r=abc",
    "p=tls-unique,,n=user,r=abc", "p=,,n=user,r=abc", "p,,n=user,r=abc", "N,,n=user,r=abc", "x,,n=user,r=abc",
    "nn,,n=user,r=abc", " n,,n=user,r=abc", "n ,,n=user,r=abc", "n=,,n=user,r=abc", "n,a=,n=user,r=abc",
    "n,a,n=user,r=abc", "n,u,n=user,r=abc", "n,b=u,n=user,r=abc", "n,a=u,,n=user,r=abc",
    "n,a=u,a=u,n=user,r=abc", "n,,a=u,n=user,r=abc", "n,A=u,n=user,r=abc",
    /* a field that is not there, empty, there twice, or out of its place */
    "n,,n", "n,,n=", "n,,n=user", "n,,n=user,", "n,,n=user,r", "n,,n=user,r=", "n,,r=abc", "n,,n=,r=abc",
    "n,,r=abc,n=user", "n,,n=user,n=user,r=abc", "n,,n=user,r=abc,r=abc", "n,,n=user,r=abc,n=user",
    "n,,N=user,r=abc", "n,,n=user,R=abc", "n,, n=user,r=abc", "n,,n=user, r=abc", "n,,n=user,,r=abc",
    "n,,n=user;r=abc", "n,,user,r=abc",
    /* nonces */
    "n,,n=user,r=a b", "n,,n=user,r=abc ", "n,,n=user,r=a\tb", "n,,n=user,r=abc\n", "n,,n=user,r=\x7f",
    "n,,n=user,r=\xc3\xa4", "n,,n=user,r=\x01",
    /* extensions */
    "n,,n=user,x=1,r=abc", "n,,x=1,n=user,r=abc", "n,,m=1,n=user,r=abc", "n,,n=user,m=1,r=abc",
    "n,,n=user,r=abc,", "n,,n=user,r=abc,x", "n,,n=user,r=abc,x=", "n,,n=user,r=abc,,x=1",
    "n,,n=user,r=abc,x=1,", "n,,n=user,r=abc,x=1,y", "n,,n=user,r=abc,1=2", "n,,n=user,r=abc,xy=1",
    "n,,n=user,r=abc,=1", "n,,n=user,r=abc, x=1", "n,,n=user,r=abc,x=,y=1", "n,,n=user,r=abc,\xe4=1"};

void scram_check_first(void) {
    static const char own[] = "acimnprsve"; /* letters that are no extension's */
    struct scram s;
    char message[] = "n,,n=user,r=abc,?=1";
    for (size_t i = 0; i < sizeof first_taken / sizeof first_taken[0]; i++) {
        CHECK(read_first(&s, first_taken[i]) == 0, "%s: is refused", first_taken[i]);
        CHECK(strcmp(s.name, "user") == 0, "%s: the name is %s", first_taken[i], s.name);
        CHECK(strcmp(s.authzid, first_taken[i][2] == ',' ? "" : "u") == 0, "%s: authzid %s", first_taken[i],
              s.authzid);
    }
    for (size_t i = 0; i < sizeof first_refused / sizeof first_refused[0]; i++)
        CHECK(read_first(&s, first_refused[i]) == -1, "\"%s\": is taken", first_refused[i]);
    for (int c = 1; c < 256; c++) {
        int letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        message[strlen("n,,n=user,r=abc,")] = (char)c;
        CHECK(read_first(&s, message) == (letter && !strchr(own, c) ? 0 : -1), "extension %d", c);
    }
}

/* A name, as it is sent and as it is meant; NULL: it is refused. */
static const struct {
    const char *sent, *meant;
} names[] = {{"zhangsan", "zhangsan"},
             {"\xe5\xbc\xa0\xe4\xb8\x89", "\xe5\xbc\xa0\xe4\xb8\x89"},
             {"a b", "a b"},
             {"a@b/c", "a@b/c"},
             {"=2C", ","},
             {"=3D", "="},
             {"a=2Cb", "a,b"},
             {"=3D2C", "=2C"},
             {"=3D=2C=2C=3D", "=,,="},
             {"=3D3D", "=3D"},
             {"=", NULL},
             {"==", NULL},
             {"a=", NULL},
             {"a=b", NULL},
             {"=2", NULL},
             {"=3", NULL},
             {"=2c", NULL},
             {"=3d", NULL},
             {"=2D", NULL},
             {"=3C", NULL},
             {"=20", NULL},
             {"==3D", NULL},
             {"=3D=", NULL},
             {"=2C=2", NULL}};

void scram_check_names(void) {
    static const char *const forms[] = {"n,,n=%s,r=abc", "n,a=%s,n=user,r=abc"};
    struct scram s;
    char message[100];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int authzid = 0; authzid < 2; authzid++) {
            snprintf(message, sizeof message, forms[authzid], names[i].sent);
            int result = read_first(&s, message);
            CHECK(result == (names[i].meant ? 0 : -1), "%s: returns %d", message, result);
            if (result < 0 || names[i].meant == NULL)
                continue;
            CHECK(strcmp(authzid ? s.authzid : s.name, names[i].meant) == 0, "%s: is not %s", message,
                  names[i].meant);
            CHECK(strcmp(authzid ? s.name : s.authzid, authzid ? "user" : "") == 0, "%s: the other name",
                  message);
        }
}

/* A text of `n` times the same. */
static char *times(char *text, const char *part, size_t n) {
    char *end = text;
    for (; n > 0; n--)
        end += snprintf(end, 4, "%s", part);
    *end = '\0';
    return text;
}

/* Makes client-first of names and a nonce so long, and fills it up to `length` by an extension, unless that is 0. */
static void make_long(char *message, size_t authzid, size_t name, size_t nonce, size_t length) {
    char a[600], n[600], r[600];
    sprintf(message, "n,a=%s,n=%s,r=%s", times(a, "a", authzid), times(n, "n", name), times(r, "r", nonce));
    size_t filled = strlen(message);
    if (length > 0)
        sprintf(message + filled, ",x=%s", times(a, "x", length - filled - 3));
}

void scram_check_longest(void) {
    static char message[4000], nonce[600], final[4000], proof[BASE64_SIZE(SHA1_SIZE)], name[600];
    const size_t most = SCRAM_TEXT - 1;
    struct scram s;
    make_long(message, most + 1, 1, 1, 0);
    CHECK(read_first(&s, message) == -1, "an authzid that is too long is taken");
    make_long(message, 1, most + 1, 1, 0);
    CHECK(read_first(&s, message) == -1, "a name that is too long is taken");
    make_long(message, 1, 1, most + 1, 0);
    CHECK(read_first(&s, message) == -1, "a nonce that is too long is taken");
    sprintf(message, "n,,n=%s,r=r", times(name, "=2C", most + 1));
    CHECK(read_first(&s, message) == -1, "a name of too many commas is taken");
    sprintf(message, "n,,n=%s,r=r", times(name, "=2C", most));
    CHECK(read_first(&s, message) == 0 && strcmp(s.name, times(name, ",", most)) == 0, "%zu commas", most);
    make_long(message, most, most, most, SCRAM_FIRST);
    CHECK(read_first(&s, message) == -1, "a message that is too long is taken");

    make_long(message, most, most, most, SCRAM_FIRST - 1);
    CHECK(read_first(&s, message) == 0, "the longest message is refused");
    const char *challenge = scram_challenge(&s, keys(), times(nonce, "s", most));
    CHECK(strcmp(challenge + strlen(challenge) - 7, ",i=4096") == 0, "the longest challenge is %s",
          challenge);
    char *end = final + sprintf(final, "c=");
    end += base64_encode(end, message, strlen("n,a=,") + most);
    sprintf(end, ",r=%s%s", times(name, "r", most), nonce);
    prove(proof, message + strlen("n,a=,") + most, challenge, final);
    sprintf(final + strlen(final), ",p=%s", proof);
    CHECK(read_final(&s, final) == SCRAM_OK, "the longest login fails");
}

/* ---- client-final ---- */

/* What the client signs, what stands behind its proof, and the result. */
static const struct {
    const char *final, *behind;
    enum scram_result result;
} finals[] = {
    {"c=biws,r=" NONCES, "", SCRAM_OK},
    {"c=biws,r=" NONCES ",x=1", "", SCRAM_OK},
    {"c=biws,r=" NONCES ",x=1,Y=a=b,k=\xe4\xb8\x89", "", SCRAM_OK},
    /* a field that is not there, empty, there twice, or out of its place */
    {"", "", SCRAM_MALFORMED},
    {"c=biws", "", SCRAM_MALFORMED},
    {"r=" NONCES, "", SCRAM_MALFORMED},
    {"c=,r=" NONCES, "", SCRAM_MALFORMED},
    {"c,r=" NONCES, "", SCRAM_MALFORMED},
    {"c=biws,r=", "", SCRAM_MALFORMED},
    {"c=biws,r", "", SCRAM_MALFORMED},
    {"r=" NONCES ",c=biws", "", SCRAM_MALFORMED},
    {"c=biws,c=biws,r=" NONCES, "", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES ",r=" NONCES, "", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES ",c=biws", "", SCRAM_MALFORMED},
    {"C=biws,r=" NONCES, "", SCRAM_MALFORMED},
    {" c=biws,r=" NONCES, "", SCRAM_MALFORMED},
    {"c=biws,,r=" NONCES, "", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES ",", "", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "", SCRAM_MALFORMED},
    /* extensions out of their place, and the one that may not be ignored */
    {"x=1,c=biws,r=" NONCES, "", SCRAM_MALFORMED},
    {"c=biws,x=1,r=" NONCES, "", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES ",m=1", "", SCRAM_MALFORMED},
    {"m=1,c=biws,r=" NONCES, "", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES ",x=", "", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES ",x", "", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES ",1=1", "", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES, ",x=1", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES, ",", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES, ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES, "=", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES, " ", SCRAM_MALFORMED},
    {"c=biws,r=" NONCES, "\n", SCRAM_MALFORMED},
    /* another GS2 header, or another form of it: the proof is right, but for another login */
    {"c=eSws,r=" NONCES, "", SCRAM_WRONG},
    {"c=biw,r=" NONCES, "", SCRAM_WRONG},
    {"c=biws=,r=" NONCES, "", SCRAM_WRONG},
    {"c=biwsbiws,r=" NONCES, "", SCRAM_WRONG},
    {"c=Biws,r=" NONCES, "", SCRAM_WRONG},
    {"c=n,r=" NONCES, "", SCRAM_WRONG},
    {"c=bixhPXUs,r=" NONCES, "", SCRAM_WRONG},
    /* other nonces */
    {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL", "", SCRAM_WRONG},
    {"c=biws,r=" SERVER_NONCE, "", SCRAM_WRONG},
    {"c=biws,r=" NONCES "x", "", SCRAM_WRONG},
    {"c=biws,r=x" NONCES, "", SCRAM_WRONG},
    {"c=biws,r=" NONCES " ", "", SCRAM_WRONG},
    {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7J", "", SCRAM_WRONG},
    {"c=biws,r=x", "", SCRAM_WRONG},
};

void scram_check_final(void) {
    struct scram s;
    for (size_t i = 0; i < sizeof finals / sizeof finals[0]; i++) {
        enum scram_result result = end_login(finals[i].final, finals[i].behind);
        CHECK(result == finals[i].result, "%s,p=...%s: %d", finals[i].final, finals[i].behind, (int)result);
    }
    CHECK(read_first(&s, FIRST) == 0 && scram_challenge(&s, keys(), SERVER_NONCE), "no challenge");
    CHECK(read_final(&s, "") == SCRAM_MALFORMED, "nothing is a last message");
    CHECK(read_final(&s, FINAL) == SCRAM_OK, "what was refused before has changed the login");
}

void scram_check_proof(void) {
    static const char *const malformed[] = {
        "",
        ",p",
        ",p=",
        ",p==",
        ",p=====",
        ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts",      /* no padding */
        ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts==",    /* too much of it */
        ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Tt=",     /* a bit behind the last byte */
        ",p=v0X8v3Bz2T0CJGbJQyF0X+HI",         /* 18 bytes */
        ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4A==",     /* 19 */
        ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4TsA",     /* 21 */
        ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4TsAAAA=", /* 23 */
        ",p=v0X8v3Bz2T0CJGbJQyF0X-HI4Ts=",     /* not of the alphabet */
        ",p=v0X8v3Bz2T0CJGbJQyF0X HI4Ts=",
        ",p=v0X8v3Bz2T0CJG=JQyF0X+HI4Ts=",
        ",P=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        ",,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    };
    struct scram s;
    char message[200];
    CHECK(read_first(&s, FIRST) == 0 && scram_challenge(&s, keys(), SERVER_NONCE), "no challenge");
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        snprintf(message, sizeof message, "c=biws,r=" NONCES "%s", malformed[i]);
        CHECK(read_final(&s, message) == SCRAM_MALFORMED, "%s: is not malformed", message);
    }
    CHECK(read_final(&s, "c=biws,r=" NONCES ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=") == SCRAM_WRONG, "20 NULs");
    CHECK(read_final(&s, "c=biws,r=" NONCES ",p=////////////////////////////") == SCRAM_MALFORMED,
          "21 bytes");
    CHECK(read_final(&s, "c=biws,r=" NONCES ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Tw=") == SCRAM_WRONG,
          "the last byte");
}

/* ---- Whole logins ---- */

/* The client answers to what it has sent and received; the server got, or had sent, something else. */
static int is_ok(const char *got, const char *sent, const char *challenge, const char *final,
                 const char *nonce) {
    struct scram s;
    char proof[BASE64_SIZE(SHA1_SIZE)], message[500];
    if (read_first(&s, got) < 0)
        return 0;
    const char *made = scram_challenge(&s, keys(), nonce);
    prove(proof, sent + strlen("n,,"), challenge ? challenge : made, final);
    snprintf(message, sizeof message, "%s,p=%s", final, proof);
    return read_final(&s, message) == SCRAM_OK;
}

void scram_check_changed(void) {
    static const char first[] = FIRST ",x=1", final[] = "c=biws,r=" NONCES ",x=1";
    char text[200];
    struct scram s;
    CHECK(is_ok(first, first, NULL, final, SERVER_NONCE), "a right login fails");
    for (size_t i = 0; i < strlen(first); i++) /* also with a NUL, which cuts it off */
        for (int other = 1; other < 256; other++) {
            memcpy(text, first, sizeof first);
            text[i] = (char)(text[i] ^ other);
            CHECK(!is_ok(text, first, NULL, final, SERVER_NONCE), "client-first changed to %s", text);
        }
    for (size_t i = 0; i < strlen(CHALLENGE); i++)
        for (int other = 1; other < 256; other++) {
            memcpy(text, CHALLENGE, sizeof CHALLENGE);
            text[i] = (char)(text[i] ^ other);
            CHECK(!is_ok(first, first, text, final, SERVER_NONCE), "server-first changed to %s", text);
        }
    CHECK(read_first(&s, FIRST) == 0 && scram_challenge(&s, keys(), SERVER_NONCE), "no challenge");
    for (size_t i = 0; i < strlen(FINAL); i++)
        for (int other = 1; other < 256; other++) {
            memcpy(text, FINAL, sizeof FINAL);
            text[i] = (char)(text[i] ^ other);
            CHECK(read_final(&s, text) != SCRAM_OK, "client-final changed to %s", text);
        }
    CHECK(read_final(&s, FINAL) == SCRAM_OK, "a right login fails, in the end");
}

void scram_check_other(void) {
    struct scram s;
    struct scram_keys other = *keys();
    char answer[SCRAM_ANSWER] = "";
    static const char final[] = "c=biws,r=" NONCES;
    CHECK(!is_ok(FIRST, FIRST, CHALLENGE, final, "3rfcNHYJY1ZVvWVs7k"), "a recorded login is good once more");
    CHECK(read_first(&s, FIRST) == 0 && scram_challenge(&s, keys(), SERVER_NONCE), "no challenge");
    scram_derive(&other, "pencils");
    CHECK(scram_final(&s, &other, FINAL, answer) == SCRAM_WRONG, "another password is right");
    other.salt[0] ^= 1;
    scram_derive(&other, "pencil");
    CHECK(scram_final(&s, &other, FINAL, answer) == SCRAM_WRONG, "another salt is right");
    memset(&other, 0, sizeof other); /* as for an unknown name */
    CHECK(scram_final(&s, &other, FINAL, answer) == SCRAM_WRONG, "no password is right");
    CHECK(*answer == '\0', "a wrong login is answered: %s", answer);
}

void scram_time(void) {
    struct scram_keys k = *keys();
    clock_t start = clock();
    for (int i = 0; i < 50; i++)
        scram_derive(&k, "pencil");
    printf("%.2f ms\n", (double)(clock() - start) * 1000 / CLOCKS_PER_SEC / 50);
}
