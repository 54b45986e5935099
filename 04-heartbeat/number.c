/* number.c - see number.h. */
#include "number.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 18 /* what always fits into a long long */

long long number_read(const char *text, const char **rest) {
    size_t digits = strspn(text, "0123456789");
    char end = text[digits];
    if (digits == 0 || digits > DIGITS_MAX || (end != ' ' && end != '\0'))
        return -1;

    *rest = text + digits;
    if (end == ' ')
        (*rest)++;
    return strtoll(text, NULL, 10);
}
