/* request.c - see request.h. Two tables say it all. */
#include "request.h"

#include "accounts.h"

#include <string.h>

#define DIGITS "0123456789"
#define ABC    "abcdefghijklmnopqrstuvwxyz"

/* The fields that a type needs, as bits; 0: it is no request. */
static const unsigned needs[TYPES + 1] = {
    [LOGIN] = 1 << ID | 1 << NAME | 1 << PASSWORD,
    [MSG] = 1 << ID | 1 << TO | 1 << BODY,
    [ACK] = 1 << NUMBER,
    [HISTORY] = 1 << ID | 1 << NAME | 1 << COUNT,
    [WHO] = 1 << ID,
};

/* What a field may be. */
static const struct rule {
    const char *words; /* the rule, for people */
    size_t min;        /* bytes */
    size_t max;        /* bytes */
    const char *set;   /* all bytes are among these; NULL: any */
} rules[FIELDS] = {
    [ID] = {"an id is 1 to 64 letters, digits, - _ or .", 1, ID_MAX,
            DIGITS ABC "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_."},
    [NAME] = {"a name is 1 to 32 bytes", 1, WORD_MAX, NULL},
    [PASSWORD] = {"a password is 1 to 64 bytes", 1, PASSWORD_MAX, NULL},
    [TO] = {"a message goes to a name of 1 to 32 bytes", 1, WORD_MAX, NULL},
    [BODY] = {"a body is 0 to 4096 bytes", 0, VALUE_MAX, NULL},
    [NUMBER] = {"a number is 1 to 18 digits", 1, 18, DIGITS},
    [COUNT] = {"a count is 1 to 18 digits", 1, 18, DIGITS},
    [SIZE] = {"a file has a size, of 1 to 18 digits", 1, 18, DIGITS},
    [PATH] = {"a file has a path, of 32 hexadecimal digits", 32, 32, DIGITS "abcdef"},
};

static int field_is_right(const struct message *m, int field) {
    const struct rule *rule = &rules[field];
    const char *value = m->field[field];
    if (value == NULL)
        return 0;
    size_t len = strlen(value);
    if (len < rule->min || len > rule->max)
        return 0;
    return rule->set == NULL || strspn(value, rule->set) == len;
}

const char *request_id(const struct message *m) { return field_is_right(m, ID) ? m->field[ID] : NULL; }

const char *request_check(const struct message *m, const char **why) {
    unsigned needed = needs[m->type];
    if (needed == 0) {
        *why = "this is no request to this server";
        return "type";
    }
    if (m->type == MSG && (m->field[PATH] || m->field[SIZE])) /* a file */
        needed |= 1 << PATH | 1 << SIZE;

    for (int field = 0; field < FIELDS; field++)
        if (needed >> field & 1 && !field_is_right(m, field)) {
            *why = rules[field].words;
            return "field";
        }
    return NULL;
}
