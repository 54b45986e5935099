/* dice.c - see dice.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "dice.h"

#include "wire.h"

#include <stdio.h>
#include <stdlib.h>

void roll_dice(void *bytes, size_t len) {
    static FILE *dice;
    if (dice == NULL)
        dice = fopen("/dev/urandom", "rb");
    if (dice == NULL || fread(bytes, 1, len, dice) < len)
        exit(-complain("/dev/urandom", "gives no random bytes"));
}

void roll_hex(char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char byte;
        roll_dice(&byte, 1);
        snprintf(text + 2 * i, 3, "%02x", byte);
    }
}
