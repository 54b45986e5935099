/* window.c - see window.h. */
#include "window.h"

#include "datagram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_MAX   4096 /* lines of which we know what has become, to tell a late answer from a duplicate */
#define NUMBER_DIGITS 18   /* digits of a number that are read: more than will ever be needed */

_Static_assert(WINDOW_MAX <= HISTORY_MAX, "a line that is under way has a place of its own");

static struct line lines[HISTORY_MAX]; /* each in the place of its number, modulo HISTORY_MAX */
static long long oldest = 1,
                 next_number = 1; /* [oldest, next_number) waits for an answer, or to be printed */

static struct line *line_at(long long number) { return &lines[number % HISTORY_MAX]; }

static void forget_copy(struct line *l) {
    free(l->datagram);
    l->datagram = NULL;
}

struct line *window_add(const char *text, size_t len) {
    char header[24];
    size_t digits = (size_t)snprintf(header, sizeof header, "%lld ", next_number);
    char *datagram = malloc(digits + len);
    if (datagram == NULL)
        return NULL;
    memcpy(datagram, header, digits);
    memcpy(datagram + digits, text, len);

    struct line *l = line_at(next_number);
    *l = (struct line){.number = next_number, .state = WAITING, .header = digits};
    l->datagram = datagram;
    l->length = digits + len;
    next_number++;
    return l;
}

int window_count(void) { return (int)(next_number - oldest); }

struct line *window_next(const struct line *l) {
    long long number = l ? l->number + 1 : oldest;
    while (number < next_number && line_at(number)->state != WAITING)
        number++;
    return number < next_number ? line_at(number) : NULL;
}

struct line *window_find(const char *data, size_t len) {
    long long number = 0;
    for (size_t i = 0; i < len && i < NUMBER_DIGITS && data[i] >= '0' && data[i] <= '9'; i++)
        number = 10 * number + (data[i] - '0');

    struct line *l = line_at(number);
    if (number == 0 || l->number != number)
        return NULL;
    if (l->datagram == NULL)
        return l; /* printed or given up: only the number is left to compare */
    return len == l->length && memcmp(data, l->datagram, len) == 0 ? l : NULL;
}

void window_give_up(struct line *l) {
    l->state = GIVEN_UP;
    forget_copy(l);
}

long long window_timeout(void) {
    long long first = NEVER;
    for (const struct line *l = window_next(NULL); l; l = window_next(l))
        if (first == NEVER || l->timeout < first)
            first = l->timeout;
    return first;
}

size_t window_take(char *out, size_t size) {
    size_t taken = 0;
    while (oldest < next_number && line_at(oldest)->state != WAITING) {
        struct line *l = line_at(oldest);
        size_t len = l->state == ANSWERED ? l->length - l->header : 0;
        if (len > size - taken)
            break;
        if (len > 0)
            memcpy(out + taken, l->datagram + l->header, len);
        taken += len;
        forget_copy(l);
        oldest++;
    }
    return taken;
}

void window_free(void) {
    for (; oldest < next_number; oldest++)
        forget_copy(line_at(oldest));
}
