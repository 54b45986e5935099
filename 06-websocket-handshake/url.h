/* url.h - the URL of a WebSocket, taken apart: ws://HOST[:PORT][/PATH][?QUERY] (RFC 6455, section 3). */
#ifndef URL_H
#define URL_H

#include "connect.h"

#define TARGET_MAX 2048 /* bytes of a target, with its NUL */

struct url {
    struct server_name
        server;              /* its host and port are within the text that was parsed; without a port: "80" */
    char target[TARGET_MAX]; /* path and query as a request has them: 张三 is %E5%BC%A0%E4%B8%89 */
};

/* Takes a URL apart, and writes NULs into it for that. Whether its port is a number is not looked at. Returns 0, or -1:
 * it is none, and *why says why. */
int url_parse(struct url *u, char *text, const char **why);

#endif
