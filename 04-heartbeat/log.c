/* log.c - see log.h. */
#include "log.h"

#include "wire.h"

#include <stdarg.h>
#include <stdio.h>

static long long log_began; /* ms */

void log_start(void) { log_began = now_ms(); }

void log_line(const char *format, ...) {
    va_list arguments;
    fprintf(stderr, "%s: %lld ms ", program, now_ms() - log_began);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}
