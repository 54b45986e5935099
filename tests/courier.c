/* courier.c - brings a file to a file_server, or fetches one; to test lesson 03 with (PROTOCOL.md, section 6).
 *
 *     courier put HOST PORT < FILE               prints the path
 *     courier get HOST PORT PATH [OFFSET] > FILE
 *     courier deaf                               listens, but lets nobody in: a connection to it is neither made nor refused
 *
 * It speaks text, and waits for each read and write, for it has nothing else to do. Exit: 0, or 1 after the server's
 * answer, or what went wrong, on stderr.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT = 1, BYTES = 4, FRAME_MAX = 65536 };

static int server;
static char payload[FRAME_MAX + 1]; /* of the frame that came last, and a NUL */

static void give_up(const char *why) {
    fprintf(stderr, "courier: %s\n", why);
    exit(1);
}

/* Writes all, to wherever. */
static void write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n <= 0)
            give_up("cannot write");
        data += n;
        len -= (size_t)n;
    }
}

static void read_all(char *data, size_t len) {
    while (len > 0) {
        ssize_t n = read(server, data, len);
        if (n <= 0)
            give_up("the server hung up");
        data += n;
        len -= (size_t)n;
    }
}

static void send_frame(int format, const char *data, size_t len) {
    char header[] = {0, (char)(len >> 16), (char)(len >> 8), (char)len, (char)format};
    write_all(server, header, sizeof header);
    write_all(server, data, len);
}

/* Reads a frame into `payload`. Returns its length. */
static size_t receive_frame(int format) {
    unsigned char h[5];
    read_all((char *)h, sizeof h);
    size_t len = (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
    if (len > FRAME_MAX || h[4] != format)
        give_up("this is not the frame that had to come");
    read_all(payload, len);
    payload[len] = '\0';
    return len;
}

/* Reads the answer, `ok`. Returns where the value of a field begins. */
static char *receive_ok(const char *field) {
    receive_frame(TEXT);
    char *value = strncmp(payload, "ok://", 5) == 0 ? strstr(payload, field) : NULL;
    if (value == NULL)
        give_up(payload);
    return value + strlen(field);
}

static void put(void) {
    static char data[FRAME_MAX];
    struct stat file;
    if (fstat(STDIN_FILENO, &file) < 0)
        give_up("no file");
    int len = snprintf(data, sizeof data, "put://id=\"1\",size=\"%lld\"", (long long)file.st_size);
    send_frame(TEXT, data, (size_t)len);
    for (ssize_t n; (n = read(STDIN_FILENO, data, sizeof data)) > 0;)
        send_frame(BYTES, data, (size_t)n);
    printf("%.32s\n", receive_ok("path=\""));
}

static void get(const char *path, const char *offset) {
    char request[256];
    int len = snprintf(request, sizeof request, "get://id=\"1\",path=\"%s\",offset=\"%s\"", path, offset);
    send_frame(TEXT, request, (size_t)len);
    long long left = strtoll(receive_ok("size=\""), NULL, 10) - strtoll(offset, NULL, 10);
    while (left > 0) {
        size_t n = receive_frame(BYTES);
        write_all(STDOUT_FILENO, payload, n);
        left -= (long long)n;
    }
    if (left < 0)
        give_up("more bytes came than there are");
}

/* Plays a server behind a firewall that swallows SYNs: on Linux they are dropped where the queue of those who were not
 * accepted is full. */
static void be_deaf(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.1")};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&address, len);
    if (listen(listener, 0) < 0 || getsockname(listener, (struct sockaddr *)&address, &len) < 0)
        give_up("cannot listen");
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        connect(fd, (struct sockaddr *)&address, len);
    }
    fprintf(stderr, "courier: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    pause();
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "deaf") == 0)
        be_deaf();
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *address;
    int putting = argc == 4 && strcmp(argv[1], "put") == 0;
    if (!putting && (argc < 5 || strcmp(argv[1], "get") != 0))
        give_up("put HOST PORT, or get HOST PORT PATH [OFFSET]");
    if (getaddrinfo(argv[2], argv[3], &hints, &address) != 0)
        give_up("no such address");
    server = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (connect(server, address->ai_addr, address->ai_addrlen) < 0)
        give_up("cannot connect");
    freeaddrinfo(address);
    if (putting)
        put();
    else
        get(argv[4], argc > 5 ? argv[5] : "0");
    return 0;
}
