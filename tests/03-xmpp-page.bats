#!/usr/bin/env bats
# The numbers on the page of the wing xmpp: SCRAM, step by step, computed again.
# Grades: nothing but the course

load helpers

# shellcheck disable=SC2016 # the backticks are those of the page
@test "xmpp page: the steps of SCRAM are what scram.c computes" {
    local folder=$TOP/03-custom-protocol/xmpp
    awk '/^```/ { inside = 0 } inside { print } /^```scram$/ { inside = 1 }' "$folder/README.md" >"$TMP/page"
    cat >"$TMP/scram.c" <<'END'
#include "scram.h"

#include <stdio.h>
#include <string.h>

static void show(const char *step, const unsigned char *digest) {
    printf("%-58s", step);
    for (int i = 0; i < SHA1_SIZE; i++)
        printf("%02x", digest[i]);
    puts("");
}

int main(void) {
    static const char auth[] = "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
                               "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
                               "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
    static const unsigned char salt[] = "\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76";
    unsigned char salted[SHA1_SIZE], digest[SHA1_SIZE], key[SHA1_SIZE];
    struct sha1 s;
    pbkdf2_sha1("pencil", 6, salt, sizeof salt - 1, 4096, salted);
    show("SaltedPassword  = PBKDF2(pencil, QSXCR+Q6sek8bf92, 4096)", salted);
    hmac_sha1(salted, SHA1_SIZE, "Client Key", 10, key);
    show("ClientKey       = HMAC(SaltedPassword, \"Client Key\")", key);
    sha1_begin(&s);
    sha1_add(&s, key, SHA1_SIZE);
    sha1_end(&s, digest);
    show("StoredKey       = SHA1(ClientKey)", digest);
    hmac_sha1(digest, SHA1_SIZE, auth, strlen(auth), digest);
    show("ClientSignature = HMAC(StoredKey, AUTH)", digest);
    for (int k = 0; k < SHA1_SIZE; k++)
        digest[k] ^= key[k];
    show("ClientProof     = ClientKey XOR ClientSignature", digest);
    hmac_sha1(salted, SHA1_SIZE, "Server Key", 10, key);
    show("ServerKey       = HMAC(SaltedPassword, \"Server Key\")", key);
    hmac_sha1(key, SHA1_SIZE, auth, strlen(auth), digest);
    show("ServerSignature = HMAC(ServerKey, AUTH)", digest);
    return 0;
}
END
    (cd "$folder" && ${CC:-cc} -std=c11 -I. -o "$TMP/scram" "$TMP/scram.c" scram.c secret.c sha1.c base64.c)
    "$TMP/scram" >"$TMP/computed"
    diff "$TMP/page" "$TMP/computed"
}
