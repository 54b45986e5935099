/* options.c - see options.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "options.h"

#include "wire.h"

#include <unistd.h>

int options_read(struct options *o, int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "hva:n:p:w:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': o->address = optarg; break;
        case 'n': o->workers = parse_number(optarg, 1, WORKERS_MAX); break;
        case 'p': parse_number(o->port = optarg, 0, 65535); break;
        case 'w': o->work_ms = parse_number(optarg, 0, WORK_MS_MAX); break;
        default: return show_usage();
        }
    return optind < argc ? refuse_argument(argv[optind]) : -1;
}
