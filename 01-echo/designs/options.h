/* options.h - the options that the four designs have in common. */
#ifndef OPTIONS_H
#define OPTIONS_H

struct options {
    const char *address; /* -a: a name or an address to listen on */
    const char *port;    /* -p: in digits, 0 for any free one */
    int workers;         /* -n: so many processes, threads or clients at most: see the design's -h */
    int work_ms;         /* -w: CPU time for each line that begins with "work", in ms; 0: none */
};

/* The usage of each design, behind its name; only what -n means it has to add. */
#define OPTIONS_USAGE                                                                                        \
    "[-hv] [-a ADDRESS] [-n WORKERS] [-p PORT] [-w MS]\n"                                                    \
    "  -h          print this help\n"                                                                        \
    "  -v          show every read and write on stderr, in hex and text\n"                                   \
    "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"                 \
    "  -p PORT     0 to 65535, 0 takes any free one (default 3200)\n"                                        \
    "  -w MS       0 to 500 ms of CPU time for each line that begins with \"work\" (default 0)\n"

#define WORKERS_MAX 30000 /* for -n */
#define WORK_MS_MAX 500   /* for -w, in ms */

/* Reads the options of the command line; what is not given stays as it is. Returns -1 if the program is to go on, else
 * what main() shall return: the help was asked for, or something was wrong, and that has been said. */
int options_read(struct options *o, int argc, char **argv);

#endif
