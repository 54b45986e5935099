/* message.h - what the fuzzers of lesson 03's three formats have in common; each defines FORMAT before.
 *
 * Whatever bytes come, they are refused with an offset in them, or give a message that can be written in each format,
 * read again from there, and is then the same, to the byte; its values are clean, and so is what people see of it.
 */
#include "../../03-custom-protocol/message.c"
#include "../../03-custom-protocol/message_json.c"
#include "../../03-custom-protocol/message_parts.c"
#include "../../03-custom-protocol/message_text.c"
#include "../../03-custom-protocol/message_xml.c"
#include "../../03-custom-protocol/text.c"

static void check(int right) {
    if (!right)
        abort();
}

/* An allocation of just that size, so that the sanitizer sees a byte too many. */
static char *room(size_t size) {
    char *memory = malloc(size);
    check(memory != NULL);
    return memory;
}

static void check_same(const struct message *a, const struct message *b) {
    check(a->type == b->type);
    for (int i = 0; i < FIELDS; i++)
        check(a->field[i] && b->field[i] ? strcmp(a->field[i], b->field[i]) == 0
                                         : a->field[i] == b->field[i]);
}

static void check_shown(const struct message *m, size_t size) {
    char *shown = room(size);
    message_show(m, shown, size);
    check(strlen(shown) < size);
    for (const char *s = shown; *s; s += character_length(s, strlen(s))) {
        unsigned char c = (unsigned char)*s;
        check(c >= ' ' && c != 127 && character_length(s, strlen(s)) > 0);
        check(c != 0xC2 || (unsigned char)s[1] >= 0xA0);
    }
    free(shown);
}

/* Writes m in a format, and reads it again. */
static void check_format(const struct message *m, enum message_format format, size_t size) {
    char *out = room(size), *again = room(size);
    size_t at, len = message_encode(m, format, out, size);
    struct message copy;
    check(len > 0);
    char *exact = room(len), *store = room(len + 1);
    memcpy(exact, out, len);
    check(message_decode(&copy, format, exact, len, store, &at) == NULL);
    check_same(m, &copy);
    check(message_encode(&copy, format, again, len) == len && memcmp(out, again, len) == 0);
    check(message_encode(&copy, format, again, len - 1) == 0);
    free(out);
    free(again);
    free(exact);
    free(store);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct message m;
    size_t at;
    char *store = room(size + 1);
    const char *error = message_decode(&m, FORMAT, (const char *)data, size, store, &at);
    check(error == NULL || (at <= size && *error));
    for (int i = 0; i < FIELDS; i++)
        check(error || !m.field[i] ||
              (m.field[i] >= store && m.field[i] + strlen(m.field[i]) < store + size + 1));
    for (enum message_format format = TEXT; format <= XML && !error && m.type < TYPES; format++)
        check_format(&m, format, 6 * size + 1000);
    if (!error) {
        check_shown(&m, 4 + size % 50);
        check_shown(&m, 3 * size + 1000);
    }
    free(store);
    return 0;
}
