/* codec.c - feeds the frames and messages of lesson 03 with bytes, and shows what comes out. It knows no sockets.
 *
 *     printf 'msg://id="7",text="hi"' | tests/codec convert text json
 *
 * Start reading at the table of commands.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "../03-custom-protocol/frame.h"
#include "../03-custom-protocol/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX  200000 /* bytes on stdin */
#define VALUE_SIZE 400    /* bytes of a generated value, and its NUL */
#define OUT_SIZE   65536  /* bytes of a message that is written or shown */

static const char usage[] =
    "usage: codec decode FORMAT          stdin: a message; prints what it says, or OFFSET: what is wrong\n"
    "       codec convert FORMAT FORMAT  stdin: a message; writes it in the other format\n"
    "       codec show SIZE FORMAT       stdin: a message; prints what it says in SIZE bytes at most\n"
    "       codec cut FORMAT             stdin: a message; each beginning of it has to be an error at its "
    "end\n"
    "       codec frame FORMAT           stdin: a payload, FORMAT one of text, json, xml, bytes; writes a "
    "frame\n"
    "       codec stream FORMAT          stdin: messages in JSON, one a line; writes them as frames\n"
    "       codec frames                 stdin: a stream; prints its frames: cut anywhere, it has to be the "
    "same\n"
    "       codec header HEX             5 bytes: prints need N, N bytes, or refused\n"
    "       codec roundtrip N            N random messages come back the same, through each format and pair\n"
    "       codec unicode STEP           characters, raw and as an escape, are taken or refused right: all "
    "near "
    "the borders,\n"
    "                                    and each STEP-th of the others\n"
    "FORMAT is text, json or xml. Exit: 0 all is well, 1 it is not, 2 bad usage.\n";

static const char *const formats[] = {"?", "text", "json", "xml", "bytes"};
static char data[INPUT_MAX];
static size_t len;

static void fail(const char *what) {
    printf("%s\n", what);
    exit(1);
}

static int bad_usage(void) {
    fputs(usage, stderr);
    return 2;
}

static int format_of(const char *name, int most) {
    for (int i = 1; i <= most; i++)
        if (strcmp(formats[i], name) == 0)
            return i;
    exit(bad_usage());
}

static enum message_format message_format_of(const char *name) {
    return (enum message_format)format_of(name, 3);
}

/* Decodes what stdin has brought, or prints the error and ends the program. */
static struct message input_message(const char *format) {
    static char store[INPUT_MAX + 1];
    struct message m;
    size_t at;
    const char *error = message_decode(&m, message_format_of(format), data, len, store, &at);
    if (error == NULL)
        return m;
    printf("%zu: %s\n", at, error);
    exit(1);
}

static int do_decode(char **arguments) {
    static char shown[6 * INPUT_MAX];
    struct message m = input_message(arguments[0]);
    message_show(&m, shown, sizeof shown);
    return puts(shown) < 0;
}

static int do_show(char **arguments) {
    size_t size = (size_t)strtoul(arguments[0], NULL, 10);
    struct message m = input_message(arguments[1]);
    char *shown = malloc(size); /* just so large that a sanitizer sees a byte too many */
    message_show(&m, shown, size);
    if (strlen(shown) >= size)
        fail("longer than it may be");
    puts(shown);
    free(shown);
    return 0;
}

static int do_convert(char **arguments) {
    static char out[INPUT_MAX];
    struct message m = input_message(arguments[0]);
    size_t n = message_encode(&m, message_format_of(arguments[1]), out, sizeof out);
    if (n == 0)
        fail("it cannot be written");
    return fwrite(out, 1, n, stdout) < n;
}

static int do_cut(char **arguments) {
    enum message_format format = message_format_of(arguments[0]);
    struct message m;
    size_t at;
    for (size_t n = 0; n < len; n++) {
        char *copy = malloc(n + 1),
             *store = malloc(n + 1); /* just so large that a sanitizer sees a byte too many */
        memcpy(copy + 1, data, n);
        if (message_decode(&m, format, copy + 1, n, store, &at) == NULL)
            printf("%zu\n", n);
        else if (at > n)
            fail("an error behind the end");
        free(copy);
        free(store);
    }
    return input_message(arguments[0]).type == TYPES;
}

static int do_frame(char **arguments) {
    char header[FRAME_HEADER];
    frame_header(header, (enum frame_format)format_of(arguments[0], 4), len);
    return fwrite(header, 1, sizeof header, stdout) + fwrite(data, 1, len, stdout) < len + sizeof header;
}

/* Each line of stdin is a message in JSON. Writes them as frames of a format. */
static int do_stream(char **arguments) {
    static char store[INPUT_MAX + 1], out[OUT_SIZE], header[FRAME_HEADER];
    enum message_format format = message_format_of(arguments[0]);
    for (size_t start = 0, n, at; start < len; start += n + 1) {
        struct message m;
        const char *end = memchr(data + start, '\n', len - start);
        n = end ? (size_t)(end - data) - start : len - start;
        if (message_decode(&m, JSON, data + start, n, store, &at) != NULL)
            fail("a line is no message in JSON");
        size_t size = message_encode(&m, format, out, sizeof out);
        frame_header(header, (enum frame_format)format_of(arguments[0], 4), size);
        if (size == 0 ||
            fwrite(header, 1, sizeof header, stdout) + fwrite(out, 1, size, stdout) < size + sizeof header)
            fail("it cannot be written");
    }
    return 0;
}

/* What a receiver keeps of a stream, and what it has understood. */
struct stream {
    char in[INPUT_MAX];
    size_t len;
    char *said;
    FILE *out; /* writes to `said` */
};

static void frame_show(FILE *out, const struct frame *f) {
    char store[FRAME_MAX + 1], shown[OUT_SIZE];
    struct message m;
    size_t at;
    fprintf(out, "%s, %zu bytes: ", formats[f->format], f->length);
    if (f->format == FRAME_BYTES) {
        fwrite(f->payload, 1, f->length, out);
    } else {
        const char *error =
            message_decode(&m, (enum message_format)f->format, f->payload, f->length, store, &at);
        message_show(&m, shown, sizeof shown);
        if (error)
            fprintf(out, "%zu: %s", at, error);
        else
            fprintf(out, "%s", shown);
    }
    fputc('\n', out);
}

/* Gives a receiver the next bytes, as read() would. */
static void stream_feed(struct stream *s, const char *bytes, size_t n) {
    struct frame f;
    long used = 0;
    memcpy(s->in + s->len, bytes, n);
    s->len += n;
    while (s->len > 0 && (used = frame_decode(&f, s->in, s->len)) > 0) {
        frame_show(s->out, &f);
        s->len -= (size_t)used;
        memmove(s->in, s->in + used, s->len);
    }
    if (used < 0)
        fail("a header that cannot be");
}

/* Feeds a receiver with the whole input: up to `cut`, then in pieces of `piece` bytes. Returns what it has understood. */
static char *stream_of(size_t cut, size_t piece) {
    static struct stream s;
    size_t size;
    s.len = 0;
    s.out = open_memstream(&s.said, &size);
    stream_feed(&s, data, cut);
    for (size_t at = cut; at < len; at += piece)
        stream_feed(&s, data + at, piece < len - at ? piece : len - at);
    fprintf(s.out, "and %zu bytes\n", s.len);
    fclose(s.out);
    return s.said;
}

static int do_frames(char **arguments) {
    (void)arguments;
    char *whole = stream_of(len, len);
    for (size_t cut = 0; cut <= len; cut++) {
        char *said = stream_of(cut, cut == 0 ? 1 : len); /* a cut at 0 stands for one byte at a time */
        if (strcmp(said, whole) != 0) {
            printf("cut at byte %zu, the stream says something else:\n%s", cut, said);
            exit(1);
        }
        free(said);
    }
    fputs(whole, stdout);
    free(whole);
    return 0;
}

static int do_header(char **arguments) {
    char *h = arguments[0], *header = malloc(FRAME_HEADER); /* no byte behind it, for a sanitizer to see */
    size_t n = 0;
    for (; n < FRAME_HEADER && *h; n++)
        header[n] = (char)strtol(h, &h, 16);
    struct frame f;
    long used = frame_decode(&f, header, n);
    if (used == 0)
        puts("more");
    else
        printf(used < 0 ? "refused\n" : "%ld bytes\n", used);
    free(header);
    return 0;
}

/* A generator of pseudo-random numbers: Marsaglia's xorshift. */
static unsigned long random_below(unsigned long n) {
    static unsigned long long state = 88172645463325252ULL;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned long)(state >> 11) % n;
}

/* Whether a value may have this character, by PROTOCOL.md. */
static int allowed(unsigned long code) {
    if (code < ' ')
        return code == 9 || code == 10 || code == 13;
    return !(code >= 0xD800 && code <= 0xDFFF) && code != 0xFFFE && code != 0xFFFF && code < 0x110000;
}

/* Writes the UTF-8 of a number below 2^21, be it a character or not. Returns its length. It is written otherwise than in
 * the code under test, so that the two do not make the same mistake. */
static size_t utf8_write(unsigned long code, char *s) {
    char *end = s;
    if (code < 0x80) {
        s[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        *end++ = (char)(0xC0 + code / 64);
    } else if (code < 0x10000) {
        *end++ = (char)(0xE0 + code / 4096);
        *end++ = (char)(0x80 + code / 64 % 64);
    } else {
        *end++ = (char)(0xF0 + code / 262144);
        *end++ = (char)(0x80 + code / 4096 % 64);
        *end++ = (char)(0x80 + code / 64 % 64);
    }
    *end++ = (char)(0x80 + code % 64);
    return (size_t)(end - s);
}

static void value_random(char value[VALUE_SIZE], unsigned long plane) {
    static const char *const hard[] = {"\"", "\\", "\\u",  "<",  ">",    "&",        "]]>",
                                       "\r", "\n", "\r\n", "\t", "'",    "/",        "//",
                                       ",",  "=",  "{",    "}",  "&#",   "&lt;",     " ",
                                       "0",  "7",  "-",    "吃", "\x7f", "\xc2\x85", "\xe2\x80\xa8"};
    size_t n = 0;
    for (unsigned long left = random_below(60); left > 0; left--) {
        unsigned long code = plane * 65536 + random_below(65536);
        if (random_below(2) == 0) {
            const char *text = hard[random_below(sizeof hard / sizeof *hard)];
            memcpy(value + n, text, strlen(text));
            n += strlen(text);
        } else if (allowed(code)) {
            n += utf8_write(code, value + n);
        }
    }
    value[n] = '\0';
}

static int same(const struct message *a, const struct message *b) {
    for (int i = 0; i < FIELDS; i++)
        if (!a->field[i] != !b->field[i] || (a->field[i] && strcmp(a->field[i], b->field[i]) != 0))
            return 0;
    return a->type == b->type;
}

/* Writes m in a format, reads it again, and returns the copy; ends the program if it is another message. */
static struct message there_and_back(const struct message *m, enum message_format format, char *store) {
    static char out[OUT_SIZE], cut[OUT_SIZE], shown[OUT_SIZE];
    struct message copy;
    size_t at, n = message_encode(m, format, out, sizeof out);
    const char *error = message_decode(&copy, format, out, n, store, &at);
    if (error == NULL && same(m, &copy) && message_encode(m, format, cut, n) == n &&
        message_encode(m, format, cut, n - 1) == 0)
        return copy;
    message_show(m, shown, sizeof shown);
    printf("does not come back the same (%s): %s\nwritten: %.*s\n", error ? error : "", shown, (int)n, out);
    exit(1);
}

static int do_roundtrip(char **arguments) {
    static char values[FIELDS][VALUE_SIZE], store[3][OUT_SIZE + 1];
    long count = strtol(arguments[0], NULL, 10);
    for (long i = 0; i < count; i++) {
        struct message m = {.type = (enum message_type)random_below(TYPES)}, copy;
        for (int field = 0; field < FIELDS; field++)
            if (random_below(3) == 0) {
                value_random(values[field], (unsigned long)i % 17);
                m.field[field] = values[field];
            }
        for (int a = 0; a < 3; a++) {
            copy = m;
            for (int b = 0; b < 3; b++) /* text, JSON, XML; JSON, XML, text; ... */
                copy = there_and_back(&copy, (enum message_format)(1 + (a + b) % 3), store[b]);
        }
    }
    printf("%ld messages\n", count);
    return 0;
}

/* Fails unless a message with that value is read as `code`, or refused at the value's offset if that is no character. */
static void expect_code(enum message_format format, const char *value, unsigned long code) {
    static const char *const before[] = {"", "ok://id=\"", "{\"type\":\"ok\",\"id\":\"", "<ok><id>"};
    static const char *const after[] = {"", "\"", "\"}", "</id></ok>"};
    char text[100], store[101], right[5];
    struct message m;
    size_t at, n = (size_t)snprintf(text, sizeof text, "%s%s%s", before[format], value, after[format]),
               right_len = utf8_write(code, right);
    const char *error = message_decode(&m, format, text, n, store, &at);
    int good =
        error == NULL && strlen(m.field[ID]) == right_len && memcmp(m.field[ID], right, right_len) == 0;
    int refused = error != NULL && at == strlen(before[format]);
    if (allowed(code) ? good : refused)
        return;
    printf("U+%04lX in %s: %s: %s\n", code, formats[format], text, error ? error : "taken");
    exit(1);
}

/* Is a character near one where a rule begins or ends: those of 1 to 3 bytes, surrogates, the ends of each plane? */
static int near_border(unsigned long code) {
    unsigned long low = code & 0xFFFF;
    return code < 0x1000 || low < 64 || low > 0xFFFF - 64 || (low > 0xD7C0 && low < 0xE040);
}

static int do_unicode(char **arguments) {
    char value[40];
    unsigned long step = strtoul(arguments[0], NULL, 10);
    if (step == 0)
        return bad_usage();
    for (unsigned long code = 1; code < 0x120000; code++) {
        if (code % step != 0 && !near_border(code))
            continue;
        value[utf8_write(code, value)] = '\0';
        int special = code < 0x80 && strchr("\"\\<&\t\n\r", (int)code) != NULL;
        for (enum message_format format = TEXT; format <= XML && !special; format++)
            expect_code(format, value, code);
        snprintf(value, sizeof value, code % 2 ? "&#%lu;" : "&#x%lX;", code);
        expect_code(XML, value, code);
        if (code < 0x10000)
            snprintf(value, sizeof value, code % 2 ? "\\u%04lx" : "\\u%04lX", code);
        else
            snprintf(value, sizeof value, "\\u%04lX\\u%04lx", 0xD800 + (code - 0x10000) / 1024,
                     0xDC00 + code % 1024);
        if (code < 0x110000)
            expect_code(JSON, value, code);
    }
    return 0;
}

static const struct command {
    const char *name;
    int arguments, input;
    int (*run)(char **arguments);
} commands[] = {
    {"decode", 1, 1, do_decode},   {"convert", 2, 1, do_convert}, {"show", 2, 1, do_show},
    {"cut", 1, 1, do_cut},         {"frame", 1, 1, do_frame},     {"frames", 0, 1, do_frames},
    {"stream", 1, 1, do_stream},   {"header", 1, 0, do_header},   {"roundtrip", 1, 0, do_roundtrip},
    {"unicode", 1, 0, do_unicode},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, argv[1]) == 0 && argc - 2 == commands[i].arguments) {
            len = commands[i].input ? fread(data, 1, sizeof data, stdin) : 0;
            return commands[i].run(argv + 2);
        }
    return bad_usage();
}
