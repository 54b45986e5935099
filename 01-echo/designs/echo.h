/* echo.h - one client, served by calls that wait; what its work costs; and how a process of its own begins. */
#ifndef ECHO_H
#define ECHO_H

#include <stddef.h>

/* How much of a line has come from a client: of the word "work" so many bytes, or -1 if the line begins with something
 * else (or has begun with it, and that is counted). All zero is the beginning of a line. */
struct line_start {
    int matched;
};

/* Returns how many lines begin with "work" in the next bytes of a client, wherever its reads have cut them. */
int work_lines(struct line_start *at, const char *data, size_t len);

/* Burns so many ms of CPU time of the calling thread. It does not sleep: that is what a database or a compiler does. */
void work_burn(int ms);

/* Sends all bytes of a client back until its FIN, or an error, and closes its socket, which may be a non-blocking one.
 * Waits in read() and write(), so whoever calls it can do nothing else. A client that does not read what it is owed
 * waits in write() with us. `work_ms` as in options.h. Says "disconnected" on stderr. */
void echo_until_end(int fd, const char *name, int work_ms);

/* To be called first by a process that fork() has made: SIGINT, SIGTERM and SIGHUP (unless it is ignored: nohup) end it
 * from now on, wherever it waits. Ends it at once if one of them has come since `stop` was looked at last. */
void worker_begin(void);

#endif
