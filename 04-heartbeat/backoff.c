/* backoff.c - shows how long a client waits between its tries to reconnect, and why it should throw dice.
 *
 *     cc -o backoff backoff.c retry.c wire.c
 *
 *     ./backoff                                    2, 4, 8, 16, 32, 64 seconds, then it gives up
 *     ./backoff -k -m 3600000 -n 20                for ever, but never less often than every hour
 *     ./backoff -p                                 100 clients come back at the same time, or do not
 *
 * Watch the plot: without jitter all knock in the same instant, again and again. All of the arithmetic is in retry.c,
 * in two functions, which heartbeat_client uses, too.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "retry.h"
#include "wire.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS  86400000 /* the longest time that an option takes */
#define PLOT_MS 1000000  /* how far the plot reaches */
#define BAR     4        /* clients for each # of it */
#define BAR_MAX 64       /* # in a row at most */

const char program[] = "backoff";
const char usage[] =
    "usage: backoff [-hkp] [-b MS] [-m MS] [-n FAILURES] [-j SEED] [-c CLIENTS] [-d MS]\n"
    "  -h           print this help\n"
    "  -b MS        the wait after the first failure, in ms (default 2000)\n"
    "  -m MS        the longest wait, in ms; when it was in vain, too, give up (default 64000)\n"
    "  -k           keep trying at the longest wait\n"
    "  -n FAILURES  show the waits after so many failures (default 20)\n"
    "  -j SEED      with full jitter, by dice that fall the same for the same seed\n"
    "  -p           plot how many try in which second, without and with jitter\n"
    "  -c CLIENTS   for the plot: so many, 0 to 200, lost the server at the same moment (default 100)\n"
    "  -d MS        for the plot: and after so many ms it is back (default 10000)\n";

static int first = 2000, longest = 64000, keep; /* -b, -m, -k */

/* Prints the wait after each failure. `dice`: their state, or NULL: no jitter. */
static void show_waits(int failures, uint64_t *dice) {
    long long sum = 0;
    for (int i = 1; i <= failures; i++) {
        long long wait = backoff_ms(i, first, longest, keep);
        if (wait < 0) {
            printf("failure %d: give up\n", i);
            return;
        }
        if (dice)
            wait = backoff_jitter(wait, dice);
        sum += wait;
        printf("failure %d: wait %lld ms, %lld ms in all\n", i, wait, sum);
    }
}

/* Adds to tries[ms] each try of one client, until one succeeds because the server is back, at `down`, or it gives
 * up. */
static void count_client(int *tries, int down, uint64_t *dice) {
    long long now = 0;
    for (int failures = 1; now < down; failures++) {
        long long wait = backoff_ms(failures, first, longest, keep);
        if (wait < 0)
            return;
        if (dice)
            wait = backoff_jitter(wait, dice);
        now += wait;
        if (now >= PLOT_MS)
            return;
        tries[now]++;
    }
}

/* Returns how many tries there are from one ms to before another. */
static int sum_tries(const int *tries, int from, int to) {
    int sum = 0;
    for (int ms = from; ms < to; ms++)
        sum += tries[ms];
    return sum;
}

/* Returns how many tries there are in the worst 10 ms. */
static int worst_moment(const int *tries) {
    int worst = 0;
    for (int ms = 0; ms + 10 <= PLOT_MS; ms++) {
        int sum = sum_tries(tries, ms, ms + 10);
        if (sum > worst)
            worst = sum;
    }
    return worst;
}

/* Prints a bar and its number, in so many columns at least. */
static void show_bar(int count, int columns) {
    char bar[BAR_MAX + 1], text[BAR_MAX + 16] = "";
    int length = (count + BAR - 1) / BAR;
    if (length > BAR_MAX)
        length = BAR_MAX;
    memset(bar, '#', sizeof bar);
    if (count > 0)
        snprintf(text, sizeof text, "%.*s %d", length, bar, count);
    printf("%-*s", columns, text);
}

static void plot(int clients, int down, uint64_t *dice) {
    static int plain[PLOT_MS], dicing[PLOT_MS]; /* tries in each ms, without and with jitter */
    for (int i = 0; i < clients; i++) {
        count_client(plain, down, NULL);
        count_client(dicing, down, dice);
    }

    int end = PLOT_MS; /* of the plot: behind the last try */
    while (end > 1000 && plain[end - 1] == 0 && dicing[end - 1] == 0)
        end--;

    int columns = (clients + BAR - 1) / BAR + 8;
    printf("second  %-*sfull jitter\n", columns, "no jitter");
    for (int second = 0; second * 1000 < end; second++) {
        int with = sum_tries(dicing, second * 1000, second * 1000 + 1000);
        printf("%6d  ", second);
        show_bar(sum_tries(plain, second * 1000, second * 1000 + 1000), with > 0 ? columns : 0);
        show_bar(with, 0);
        printf("\n");
    }
    printf("at most in any 10 ms: %d without jitter, %d with\n", worst_moment(plain), worst_moment(dicing));
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    int option, failures = 20, clients = 100, down = 10000, plotting = 0, jitter = 0;
    uint64_t dice = 1;
    while ((option = getopt(argc, argv, "hkpb:m:n:j:c:d:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'k': keep = 1; break;
        case 'p': plotting = 1; break;
        case 'b': first = parse_number(optarg, 1, DAY_MS); break;
        case 'm': longest = parse_number(optarg, 1, DAY_MS); break;
        case 'n': failures = parse_number(optarg, 0, 1000000); break;
        case 'j':
            dice = (uint64_t)parse_number(optarg, 0, 1000000000);
            jitter = 1;
            break;
        case 'c': clients = parse_number(optarg, 0, 200); break;
        case 'd': down = parse_number(optarg, 1, DAY_MS); break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);
    if (plotting)
        plot(clients, down, &dice);
    else
        show_waits(failures, jitter ? &dice : NULL);
    return finish_output();
}
