/* udp_minimal.c - the shortest UDP echo server there is: what the comparison in 05-udp.md is with.
 *
 *     terminal 1:  cc -O2 -o udp_minimal udp_minimal.c && ./udp_minimal
 *     terminal 2:  cc -O2 -o udp_load udp_load.c && ./udp_load -w 16 PORT
 *
 * Two system calls for a datagram, and no more can be left out. It hears signals only as death, has no -v and no
 * bad link.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void) {
    static char data[65536];
    struct sockaddr_in own = {.sin_family = AF_INET}, peer;
    socklen_t len = sizeof own;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&own, len) < 0 || getsockname(fd, (struct sockaddr *)&own, &len) < 0)
        return 1;
    fprintf(stderr, "udp_minimal: listening on 127.0.0.1:%d\n", ntohs(own.sin_port));
    for (;;) {
        len = sizeof peer;
        ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&peer, &len);
        if (n >= 0)
            sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&peer, len);
    }
}
