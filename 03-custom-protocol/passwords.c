/* passwords.c - see passwords.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "passwords.h"

#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int adder(const char *name, const char *password, const char **why);

const char *password_fault(const char *name, const char *password) {
    size_t length = strlen(password);
    if (!name_is_valid(name))
        return NAME_RULE;
    if (length < 1 || length > PASSWORD_MAX)
        return "a password is 1 to 64 bytes";
    return NULL;
}

/* Adds what a line says, as fgets() has put it into `size` bytes. */
static int add_line(char *text, size_t size, adder *add, const char **why) {
    size_t len = strcspn(text, "\n");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ') {
            *why = "there is a control character in it";
            return -1;
        }

    char *colon = strchr(text, ':');
    *why = NULL;
    if (colon == NULL)
        *why = "this is not NAME:PASSWORD";
    else if (text[len] == '\0' && len == size - 1)
        *why = "the line is too long";
    if (*why)
        return -1;

    text[len] = *colon = '\0';
    return add(text, colon + 1, why);
}

/* Adds all lines of a file. Returns 0; or -1, and in *why what is wrong, in words, and in *line where. */
static int add_file(const char *path, adder *add, int *line, const char **why) {
    char text[WORD_MAX + PASSWORD_MAX + 8];
    int result = 0;
    FILE *file = fopen(path, "r");
    *line = 0;
    if (file == NULL) {
        *why = strerror(errno);
        return -1;
    }

    while (result == 0 && fgets(text, sizeof text, file)) {
        ++*line;
        result = add_line(text, sizeof text, add, why);
    }
    if (result == 0 && ferror(file)) {
        *why = strerror(errno);
        result = -1;
    } else if (result == 0 && *line == 0) {
        *why = "there is no account in it";
        result = -1;
    }
    fclose(file);
    return result;
}

void passwords_load(const char *file, adder *add) {
    static const char *const demo[] = {"zhangsan", "lisi", "wangwu"};
    const char *why;
    int line = 0;
    if (file && add_file(file, add, &line, &why) < 0) {
        fprintf(stderr, "%s: %s:%d: %s\n", program, file, line, why);
        exit(1);
    }
    for (size_t i = 0; file == NULL && i < sizeof demo / sizeof *demo; i++)
        add(demo[i], "123456", &why);
}
