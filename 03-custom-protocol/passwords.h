/* passwords.h - who may log in: lines of NAME:PASSWORD. Knows no accounts: what becomes of a line is its caller's affair.
 */
#ifndef PASSWORDS_H
#define PASSWORDS_H

#include "text.h"

#define PASSWORD_MAX 64 /* bytes in a password */

/* Gives each line of a file to `add`, which returns 0, or -1, and in *why the reason, in words. Without a file (NULL)
 * there are zhangsan, lisi and wangwu, with the password 123456. Ends the program with exit code 1 and a line on stderr
 * if the file cannot be read, has no line, or one that is wrong. */
void passwords_load(const char *file, int (*add)(const char *name, const char *password, const char **why));

/* Returns what is wrong with a name and a password, in words; NULL: nothing. */
const char *password_fault(const char *name, const char *password);

#endif
