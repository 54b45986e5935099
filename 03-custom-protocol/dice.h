/* dice.h - bytes that nobody can foresee: for what others must not guess. */
#ifndef DICE_H
#define DICE_H

#include <stddef.h>

/* Writes random bytes. The first call opens /dev/urandom, which stays open: POSIX.1-2008 has no call for this. Where there
 * is none, it ends the program with exit code 1 and a line on stderr. */
void roll_dice(void *bytes, size_t len);

/* Writes random bytes as 2 * `len` hex digits, and a NUL. */
void roll_hex(char *text, size_t len);

#endif
