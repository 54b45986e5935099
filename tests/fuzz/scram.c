/* scram.c - a fuzzer for the server's side of SCRAM, 03-custom-protocol/xmpp/scram.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_scram tests/fuzz/scram.c
 *     mkdir -p new && ./fuzz_scram -max_total_time=10 new tests/fuzz/corpus/scram
 *
 * The bytes are both messages of a client, with a NUL between them. In the last one, the byte 1 stands for the GS2 header
 * in base64, 2 for the nonces, and 3 for the right proof of what is before it. Whatever comes: none too many is read, the
 * parts of a first message that is taken are what it is made of, and a last message is right only if its proof is.
 */
#include "../../03-custom-protocol/xmpp/scram.c"
#include "../../03-custom-protocol/secret.c"
#include "../../03-custom-protocol/xmpp/base64.c"
#include "../../03-custom-protocol/xmpp/sha1.c"

#include <stdlib.h>

#define ROOM 16384 /* bytes for texts: each of at most 4096 bytes may stand for some more */

static struct scram_keys keys;
static unsigned char client_key[SHA1_SIZE];

static void check(int right) {
    if (!right)
        abort();
}

static void make_keys(void) {
    unsigned char salted[SHA1_SIZE];
    base64_decode(keys.salt, "QSXCR+Q6sek8bf92", 16);
    scram_derive(&keys, "pencil");
    pbkdf2_sha1("pencil", 6, keys.salt, SCRAM_SALT, SCRAM_ROUNDS, salted);
    hmac_sha1(salted, SHA1_SIZE, "Client Key", 10, client_key);
}

/* Returns a copy that ends where the text ends. */
static char *copy(const char *text, size_t len) {
    char *exact = malloc(len + 1);
    memcpy(exact, text, len);
    exact[len] = '\0';
    return exact;
}

/* Writes a name as a client sends it. Returns where it ends. */
static char *write_name(char *end, const char *name) {
    check(*name && strlen(name) < SCRAM_TEXT);
    for (; *name; name++)
        if (*name == ',' || *name == '=')
            end += sprintf(end, *name == ',' ? "=2C" : "=3D");
        else
            *end++ = *name;
    *end = '\0';
    return end;
}

/* Is the message that was taken made of these parts, in this order, and of extensions? */
static void check_first(const struct scram *s, const char *message) {
    static char text[ROOM];
    char *end = text + sprintf(text, "%c,", *message);
    if (*s->authzid) {
        end += sprintf(end, "a=");
        end = write_name(end, s->authzid);
    }
    *end++ = ',';
    check(s->header == (size_t)(end - text));
    end += sprintf(end, "n=");
    end = write_name(end, s->name);
    end += sprintf(end, ",%s", s->text + s->challenge); /* r= and the client's nonce */
    size_t n = (size_t)(end - text);
    check(strncmp(message, text, n) == 0 && (message[n] == '\0' || message[n] == ','));
    check((*message == 'n' || *message == 'y') && strlen(message) < SCRAM_FIRST);
    check(!strstr(message + n, ",m=") && !strstr(message + n, ",r=") && message[strlen(message) - 1] != ',');
}

static void write_proof(char *text, const struct scram *s, const char *final, size_t len) {
    static char message[2 * ROOM];
    unsigned char proof[SHA1_SIZE];
    int n = snprintf(message, sizeof message, "%s,%.*s", s->text + s->header, (int)len, final);
    hmac_sha1(keys.stored, SHA1_SIZE, message, (size_t)n, proof);
    for (size_t i = 0; i < SHA1_SIZE; i++)
        proof[i] ^= client_key[i];
    base64_encode(text, proof, SHA1_SIZE);
}

/* Writes the last message, with what its bytes 1, 2 and 3 stand for: once each, for others are only bytes. */
static char *write_final(const struct scram *s, const char *bytes) {
    static char text[ROOM];
    const char *nonces = s->text + s->challenge + 2;
    char *end = text, seen[4] = "";
    for (; *bytes; bytes++) {
        if (*bytes < 1 || *bytes > 3 || seen[(int)*bytes]++)
            *end++ = *bytes;
        else if (*bytes == 1)
            end += base64_encode(end, s->text, s->header);
        else if (*bytes == 2)
            end += sprintf(end, "%.*s", (int)strcspn(nonces, ","), nonces);
        else {
            *end = '\0';
            char *before = strstr(text, ",p=");
            write_proof(end, s, text, before ? (size_t)(before - text) : 0);
            end += strlen(end);
        }
    }
    *end = '\0';
    return copy(text, (size_t)(end - text));
}

/* A last message is right if it begins with the header and the nonces, and ends with the right proof; extensions may be
 * between them. */
static int is_right(const struct scram *s, const char *final) {
    static char text[ROOM];
    const char *nonces = s->text + s->challenge + 2, *end = strstr(final, ",p=");
    size_t n = (size_t)sprintf(text, "c=");
    n += base64_encode(text + n, s->text, s->header);
    n += (size_t)sprintf(text + n, ",r=%.*s", (int)strcspn(nonces, ","), nonces);
    if (strncmp(final, text, n) != 0 || end == NULL || end < final + n)
        return 0;
    const char *extensions = skip_extensions(final + n);
    write_proof(text, s, final, (size_t)(end - final));
    return extensions == end && strcmp(end + 3, text) == 0;
}

static void check_final(const struct scram *s, char *final) {
    char *answer = malloc(SCRAM_ANSWER);
    enum scram_result result = scram_final(s, &keys, final, answer);
    check((result == SCRAM_OK) == is_right(s, final));
    if (result == SCRAM_OK) {
        check(strlen(answer) == SCRAM_ANSWER - 1 && strncmp(answer, "v=", 2) == 0);
        size_t i = (unsigned char)answer[5] % strlen(final); /* one or another */
        final[i] ^= 1;
        check(scram_final(s, &keys, final, answer) != SCRAM_OK);
    }
    free(answer);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    struct scram s;
    if (keys.salt[0] == 0)
        make_keys();
    char *both = copy((const char *)bytes, size), *first = copy(both, strlen(both));
    int result = scram_first(&s, first);
    check(result == 0 || result == -1);
    if (result == 0) {
        check_first(&s, first);
        const char *challenge = scram_challenge(&s, &keys, "3rfcNHYJY1ZVvWVs7j");
        check(strcmp(strchr(challenge, ','), ",s=QSXCR+Q6sek8bf92,i=4096") == 0);
        char *final = write_final(&s, strlen(both) < size ? both + strlen(both) + 1 : "");
        check_final(&s, final);
        free(final);
    }
    free(first);
    free(both);
    return 0;
}
