/* commands.c - see commands.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "commands.h"

#include "screen.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "NAME: TEXT           write to somebody\n"
    "/history NAME [N]    the last N messages between you two (default 20)\n"
    "/who                 who of those you have written with is online\n"
    "/send NAME FILE      send a file\n"
    "/get PATH [FILE]     fetch one that you were sent, under its name or another one\n"
    "/help, /quit\n";

/* Takes a word off the front of a text, and the blanks behind it. "" if there is none. */
static char *word_take(char **text) {
    char *word = *text, *end = word + strcspn(word, " ");
    *text = end + strspn(end, " ");
    *end = '\0';
    return word;
}

static void do_history(struct input *in, char *rest) {
    struct message m = {.type = HISTORY};
    m.field[NAME] = word_take(&rest);
    m.field[COUNT] = *rest ? rest : "20";
    talk_request(in->talk, &m, m.field[NAME]);
}

static void do_who(struct input *in, char *rest) {
    struct message m = {.type = WHO};
    (void)rest;
    talk_request(in->talk, &m, "/who");
}

static void do_help(struct input *in, char *rest) {
    (void)in;
    (void)rest;
    fputs(help, stderr);
}

static void do_quit(struct input *in, char *rest) {
    (void)rest;
    in->ended = 1;
    in->length = 0;
}

static void do_send(struct input *in, char *rest) {
    const char *to = word_take(&rest);
    if (*rest == '\0')
        note("/send NAME FILE");
    else
        delivery_send(in->files, to, rest);
}

/* Without a name: the last part of the one that the sender gave it, if it is harmless: none that is hidden, or that
 * looks like an option to the next program. */
static void do_get(struct input *in, char *rest) {
    const char *path = word_take(&rest);
    const char *name = talk_offered_name(in->talk, path), *slash = strrchr(name, '/');
    if (slash)
        name = slash + 1;
    if (*rest != '\0')
        delivery_fetch(in->files, path, rest);
    else if (*name == '\0' || *name == '.' || *name == '-')
        note("%s: its name is '%s'; give it another one: /get PATH NAME", path, name);
    else
        delivery_fetch(in->files, path, name);
}

static const struct {
    const char *name;
    void (*run)(struct input *in, char *rest);
} commands[] = {{"/history", do_history}, {"/who", do_who},   {"/send", do_send},
                {"/get", do_get},         {"/help", do_help}, {"/quit", do_quit}};

static void handle_command(struct input *in, char *line) {
    char *name = word_take(&line);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].run(in, line);
            return;
        }
    note("%s is no command; /help shows them", name);
}

static void handle_line(struct input *in, char *line) {
    struct message m = {.type = MSG};
    char *colon = strchr(line, ':');
    if (*line == '/') {
        handle_command(in, line);
    } else if (colon) {
        *colon = '\0';
        m.field[TO] = line;
        m.field[BODY] = colon[1] == ' ' ? colon + 2 : colon + 1;
        talk_request(in->talk, &m, line);
    } else if (*line) {
        note("write NAME: TEXT, or /help");
    }
}

int input_has_room(const struct input *in) { return in->length < INPUT_LINE; }

int input_read(struct input *in) {
    ssize_t n = read(STDIN_FILENO, in->text + in->length, INPUT_LINE - in->length);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    in->ended = n == 0;
    in->length += (size_t)n;
    in->text[in->length] = '\0';
    return 0;
}

/* Can a line be handled now? First comes what was said while we were away. A command that moves a file waits for a free
 * place, and for the answers to what was typed before: one of them may tell the file's name. */
static int line_may(const struct input *in) {
    if (!in->talk->logged_in || in->talk->waiting > 0 || !talk_has_room(in->talk))
        return 0;
    int moves = strncmp(in->text, "/send", 5) == 0 || strncmp(in->text, "/get", 4) == 0;
    return !moves || (deliveries_have_room(in->files) && !talk_is_pending(in->talk));
}

/* Takes a line, without its end, off what is typed. Returns 0 if more of it may come. *whole is 0 if it is a piece of a
 * line that is too long, and not the last one. */
static int line_next(struct input *in, char line[INPUT_LINE + 1], int *whole) {
    const char *newline = memchr(in->text, '\n', in->length);
    size_t len = newline ? (size_t)(newline - in->text) : in->length;
    size_t used = newline ? len + 1 : len;
    *whole = newline || len < INPUT_LINE;
    if (newline == NULL && *whole && !in->ended)
        return 0;

    if (newline && len > 0 && in->text[len - 1] == '\r')
        len--;
    memcpy(line, in->text, len);
    text_clean(line, len);
    line[len] = '\0';

    in->length -= used;
    memmove(in->text, in->text + used, in->length + 1);
    return 1;
}

void input_handle(struct input *in) {
    char line[INPUT_LINE + 1];
    int whole;
    while (in->length > 0 && line_may(in) && line_next(in, line, &whole)) {
        if (whole && !in->too_long)
            handle_line(in, line);
        else if (!in->too_long)
            note("a line has at most %d bytes", INPUT_LINE - 1);
        in->too_long = !whole;
    }
}
