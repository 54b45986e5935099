/* wire.c - see wire.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROW 16 /* bytes in a row of the microscope */

int verbose;

void fill_standard_descriptors(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            exit(-complain("cannot open /dev/null", strerror(errno)));
}

int finish_output(void) {
    errno = 0; /* if only the flag says that something failed, nobody knows any more why */
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    complain("cannot write the output", strerror(errno ? errno : EIO));
    return 1;
}

int show_help(void) {
    fputs(usage, stdout);
    return finish_output();
}

int show_usage(void) {
    fputs(usage, stderr);
    return 2;
}

int refuse_argument(const char *argument) {
    fprintf(stderr, "%s: '%s' is one argument too many\n", program, argument);
    return show_usage();
}

int complain(const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", program, what, why);
    return -1;
}

int parse_number(const char *text, int min, int max) {
    char *end;
    long value = strtol(text, &end, 10); /* it would also take blanks and signs: so look at the first byte */
    if (*text >= '0' && *text <= '9' && *end == '\0' && value >= min && value <= max)
        return (int)value;

    fprintf(stderr, "%s: '%s' is not a number from %d to %d\n", program, text, min, max);
    exit(show_usage());
}

long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

long long now_us(void) { return now_ns() / 1000; }
long long now_ms(void) { return now_ns() / 1000000; }

void address_text(const void *address, size_t len, char text[ADDRESS_TEXT]) {
    char host[ADDRESS_TEXT - 9] = "?", port[6] = "?";
    getnameinfo(address, (socklen_t)len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, ADDRESS_TEXT, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* Prints one row: where it begins, up to 16 bytes in hex, and the same bytes as text, a dot for each that has no
 * picture. */
static void show_row(size_t offset, const unsigned char *bytes, size_t len) {
    char hex[ROW * 3 + 1], text[ROW + 1];
    for (size_t i = 0; i < len; i++) {
        snprintf(hex + 3 * i, 4, " %02x", bytes[i]);
        text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '.';
    }
    text[len] = '\0';
    fprintf(stderr, "%8zu %-48s  %s\n", offset, hex, text);
}

void show_wire(const char *peer, const char *arrow, const void *data, size_t len) {
    if (!verbose)
        return;
    fprintf(stderr, "%s %s %zu byte%s\n", peer, arrow, len, len == 1 ? "" : "s");
    for (size_t row = 0; row < len; row += ROW)
        show_row(row, (const unsigned char *)data + row, len - row < ROW ? len - row : ROW);
}
