/* packet_io.c - see packet_io.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "packet_io.h"

int packet_send(int fd, const struct address *to, const char *p, size_t len) {
    if (datagram_send(fd, to, p, len) < 0)
        return -1;
    packet_explain(p, len);
    return 0;
}

void error_send(int fd, const struct address *to, enum error_code code, const char *words) {
    char p[ERROR_MAX];
    packet_send(fd, to, p, error_make(p, code, words));
}

ssize_t packet_receive(int fd, char p[DATAGRAM_MAX], struct address *from) {
    int cut;
    ssize_t n = datagram_receive(fd, p, DATAGRAM_MAX, from, &cut);
    if (n >= 0)
        packet_explain(p, (size_t)n);
    return n;
}

void stranger_refuse(int fd, const struct address *from, const char *p, size_t len) {
    if (len < 2 || get16(p) != ERROR) /* ERROR upon ERROR, and two servers could go on for ever */
        error_send(fd, from, UNKNOWN_TID, "this port is for another transfer");
}
