/* backoff.c - shows how long a client waits between its tries to reconnect, and why it should throw dice.
 *
 *     cc -o backoff backoff.c && ./backoff         2, 4, 8, 16, 32, 64 seconds, then it gives up
 *     ./backoff -k -m 3600000 -n 20                for ever, but never less often than every hour
 *     ./backoff -p                                 100 clients come back at the same time, or do not
 *
 * Watch the plot: without jitter all knock in the same instant, again and again. The two functions between the
 * markers are all of it; heartbeat_client.c has the same two.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS  86400000 /* the longest time that an option takes */
#define PLOT_MS 1000000  /* how far the plot reaches */
#define BAR     4        /* clients for each # of it */

static const char program[] = "backoff";
static const char usage[] =
    "usage: backoff [-hkp] [-b MS] [-m MS] [-n FAILURES] [-j SEED] [-c CLIENTS] [-d MS]\n"
    "  -h           print this help\n"
    "  -b MS        the wait after the first failure, in ms (default 2000)\n"
    "  -m MS        the longest wait, in ms; when it was in vain, too, give up (default 64000)\n"
    "  -k           keep trying at the longest wait\n"
    "  -n FAILURES  show the waits after so many failures (default 20)\n"
    "  -j SEED      with full jitter, by dice that fall the same for the same seed\n"
    "  -p           plot how many try in which second, without and with jitter\n"
    "  -c CLIENTS   for the plot: so many lost the server at the same moment (default 100)\n"
    "  -d MS        for the plot: and after so many ms it is back (default 10000)\n";

/* ---- backoff: the same in both programs of 04-heartbeat that wait (see 04-heartbeat/backoff.c) ---- */

/* Returns how many ms to wait after so many failures in a row: `first`, twice that, four times that, and so on
 * up to `longest`. Returns -1 when the longest wait was in vain, too: time to give up, unless `keep`. */
static long long backoff_ms(long long failures, long long first, long long longest, int keep) {
    long long wait = first < longest ? first : longest;
    while (--failures > 0 && wait < longest)
        wait = wait > longest / 2 ? longest : 2 * wait;
    return failures > 0 && !keep ? -1 : wait;
}

/* Full jitter: returns 0 to `wait` ms, each as likely as any other. The dice are splitmix64, with `*state` as
 * their memory: any number to begin with, and not the same for two clients. */
static long long backoff_jitter(long long wait, uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (long long)((z ^ z >> 31) % ((uint64_t)wait + 1));
}
/* ---- end of backoff ---- */

static int first = 2000, longest = 64000, keep; /* -b, -m, -k */

/* Returns the number, 0 to max, that an argument stands for; anything else ends the program. */
static int parse_number(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value <= max)
        return (int)value;
    fprintf(stderr, "%s: '%s' is not a number from 0 to %d\n%s", program, text, max, usage);
    exit(2);
}

/* Returns the ms, 1 to a day, that an argument stands for; anything else ends the program. */
static int parse_ms(const char *text) {
    int ms = parse_number(text, DAY_MS);
    if (ms > 0)
        return ms;
    fprintf(stderr, "%s: 0 ms is too short\n%s", program, usage);
    exit(2);
}

/* Prints the wait after each failure. DICE: their state, or NULL: no jitter. */
static void show_waits(int failures, uint64_t *dice) {
    long long sum = 0;
    for (int i = 1; i <= failures; i++) {
        long long wait = backoff_ms(i, first, longest, keep);
        if (wait < 0) {
            printf("failure %d: give up\n", i);
            return;
        }
        wait = dice ? backoff_jitter(wait, dice) : wait;
        sum += wait;
        printf("failure %d: wait %lld ms, %lld ms in all\n", i, wait, sum);
    }
}

/* Counts in which ms how many try to reconnect until all have succeeded or given up. */
static void count_tries(int *tries, int clients, int down, uint64_t *dice) {
    for (int client = 0; client < clients; client++) {
        long long now = 0, wait = 0;
        for (int failures = 1; wait >= 0; failures++) {
            wait = backoff_ms(failures, first, longest, keep);
            now += wait >= 0 && dice ? backoff_jitter(wait, dice) : wait;
            if (wait < 0 || now >= PLOT_MS)
                break;
            tries[now]++;
            if (now >= down)
                break;
        }
    }
}

/* Returns how many tries there are from one ms to before another. */
static int sum_tries(const int *tries, int from, int to) {
    int sum = 0;
    for (int ms = from; ms < to; ms++)
        sum += tries[ms];
    return sum;
}

/* Prints a bar and its number in so many columns. */
static void show_bar(int count, int columns, const char *end) {
    char bar[64 + 1], text[64 + 16] = "";
    int length = (count + BAR - 1) / BAR < 64 ? (count + BAR - 1) / BAR : 64;
    memset(bar, '#', sizeof bar);
    if (count > 0)
        snprintf(text, sizeof text, "%.*s %d", length, bar, count);
    printf("%-*s%s", columns, text, end);
}

static void plot(int clients, int down, uint64_t *dice) {
    static int plain[PLOT_MS], dicing[PLOT_MS];
    int columns = (clients + BAR - 1) / BAR + 8, last = PLOT_MS / 1000, worst_plain = 0, worst_dicing = 0;
    count_tries(plain, clients, down, NULL);
    count_tries(dicing, clients, down, dice);
    while (last > 1 && sum_tries(plain, (last - 1) * 1000, last * 1000) == 0 &&
           sum_tries(dicing, (last - 1) * 1000, last * 1000) == 0)
        last--;
    printf("second  %-*sfull jitter\n", columns, "no jitter");
    for (int second = 0; second < last; second++) {
        printf("%6d  ", second);
        int count = sum_tries(dicing, second * 1000, second * 1000 + 1000);
        show_bar(sum_tries(plain, second * 1000, second * 1000 + 1000), count > 0 ? columns : 0, "");
        show_bar(count, 0, "\n");
    }
    for (int ms = 0; ms + 10 <= PLOT_MS; ms++) {
        int a = sum_tries(plain, ms, ms + 10), b = sum_tries(dicing, ms, ms + 10);
        worst_plain = a > worst_plain ? a : worst_plain;
        worst_dicing = b > worst_dicing ? b : worst_dicing;
    }
    printf("at most in any 10 ms: %d without jitter, %d with\n", worst_plain, worst_dicing);
}

int main(int argc, char **argv) {
    int option, failures = 20, clients = 100, down = 10000, plotting = 0, jitter = 0;
    uint64_t dice = 1;
    while ((option = getopt(argc, argv, "hkpb:m:n:j:c:d:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'k': keep = 1; break;
        case 'p': plotting = 1; break;
        case 'b': first = parse_ms(optarg); break;
        case 'm': longest = parse_ms(optarg); break;
        case 'n': failures = parse_number(optarg, 1000000); break;
        case 'j': dice = (uint64_t)parse_number(optarg, 1000000000), jitter = 1; break;
        case 'c': clients = parse_number(optarg, 200); break;
        case 'd': down = parse_ms(optarg); break;
        default: return fputs(usage, stderr), 2;
        }
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage);
        return 2;
    }
    if (plotting)
        plot(clients, down, &dice);
    else
        show_waits(failures, jitter ? &dice : NULL);
    return 0;
}
