/* udp_load.c - keeps a UDP echo server busy, and says how many datagrams a second it sends back.
 *
 *     terminal 1:  ./udp_echo_server
 *     terminal 2:  cc -O2 -o udp_load udp_load.c && ./udp_load -w 16 3205
 *
 * Linux only: recvmmsg() and sendmmsg() carry many datagrams in one call, so that this program is not what is
 * measured. What does not come back within LOST_MS is lost, is said, and is replaced.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_MAX   64
#define DATAGRAM_MAX 65507
#define LOST_MS      200

static char data[WINDOW_MAX][DATAGRAM_MAX];
static struct iovec rooms[WINDOW_MAX];
static struct mmsghdr messages[WINDOW_MAX];

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int usage(void) {
    fprintf(stderr, "usage: udp_load [-w WINDOW] [-b BYTES] [-n DATAGRAMS] PORT\n");
    return 2;
}

int main(int argc, char **argv) {
    int window = 16, option;
    long bytes = 64, total = 100000, returned = 0, lost = 0;
    while ((option = getopt(argc, argv, "w:b:n:")) != -1)
        switch (option) {
        case 'w': window = atoi(optarg); break;
        case 'b': bytes = atol(optarg); break;
        case 'n': total = atol(optarg); break;
        default: return usage();
        }
    if (optind + 1 != argc || window < 1 || window > WINDOW_MAX || bytes < 0 || bytes > DATAGRAM_MAX)
        return usage();
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(argv[optind]))};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) < 0)
        return 1;
    for (int i = 0; i < window; i++) {
        rooms[i] = (struct iovec){data[i], (size_t)bytes};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &rooms[i], .msg_iovlen = 1};
    }
    double began = now_s();
    for (int to_send = window; returned < total;) {
        int sent = sendmmsg(fd, messages, (unsigned)to_send, 0);
        to_send -= sent > 0 ? sent : 0;
        int n = recvmmsg(fd, messages, (unsigned)window, MSG_DONTWAIT, NULL);
        if (n <= 0 && poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, LOST_MS) == 0) {
            lost += window - to_send;
            to_send = window;
        }
        for (int i = 0; i < n; i++)
            if ((long)messages[i].msg_len != bytes)
                return fprintf(stderr, "udp_load: a datagram came back with %u bytes\n", messages[i].msg_len),
                       1;
        to_send += n > 0 ? n : 0;
        returned += n > 0 ? n : 0;
    }
    printf("%.0f datagrams/s, %ld lost\n", (double)returned / (now_s() - began), lost);
    return 0;
}
