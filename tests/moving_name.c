/* moving_name.c - a name server for one name, that a test plays: to be preloaded into a program. "moving.test" stands
 * for what the file $ADDRESSES says now, lines of IPv4 ADDRESS PORT; if there are none, nobody knows the name.
 *
 *     cc -shared -fPIC -o moving_name.so moving_name.c
 *     echo 127.0.0.1 3200 >addresses
 *     LD_PRELOAD=./moving_name.so ADDRESSES=addresses ../01-echo/echo_client moving.test
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OURS 0x7e57 /* ai_flags of what we have made, so that we free it ourselves */

struct answer {
    struct addrinfo info;
    struct sockaddr_in address;
};

static struct addrinfo *answer(const char *address, unsigned port, int type, struct addrinfo *next) {
    struct answer *a = calloc(1, sizeof *a);
    if (a == NULL)
        return next;
    a->address.sin_family = AF_INET;
    a->address.sin_port = htons((unsigned short)port);
    inet_pton(AF_INET, address, &a->address.sin_addr);
    a->info.ai_flags = OURS;
    a->info.ai_family = AF_INET;
    a->info.ai_socktype = type;
    a->info.ai_addrlen = sizeof a->address;
    a->info.ai_addr = (struct sockaddr *)&a->address;
    a->info.ai_next = next;
    return &a->info;
}

/* Reads the next line, and makes a list of it and of those behind it. */
static struct addrinfo *read_answers(FILE *f, int type) {
    char address[64];
    unsigned port;
    if (fscanf(f, "%63s %u", address, &port) != 2)
        return NULL;
    return answer(address, port, type, read_answers(f, type));
}

int getaddrinfo(const char *restrict host, const char *restrict port, const struct addrinfo *restrict hints,
                struct addrinfo **restrict found) {
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (host == NULL || strcmp(host, "moving.test") != 0) {
        *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
        return next(host, port, hints, found);
    }

    const char *name = getenv("ADDRESSES");
    FILE *f = name ? fopen(name, "r") : NULL;
    *found = f ? read_answers(f, hints && hints->ai_socktype ? hints->ai_socktype : SOCK_STREAM) : NULL;
    if (f)
        fclose(f);
    return *found ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *a) {
    void (*next)(struct addrinfo *);
    if (a && a->ai_flags != OURS) {
        *(void **)&next = dlsym(RTLD_NEXT, "freeaddrinfo");
        next(a);
        return;
    }
    while (a) {
        struct addrinfo *behind = a->ai_next;
        free(a);
        a = behind;
    }
}
