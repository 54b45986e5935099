/* chat_server.c - a group chat for telnet and nc: what one person says, the others in the same room read.
 *
 *     terminal 1:  cc -o chat_server chat_server.c lines.c text.c loop.c buffer.c listen.c signals.c wire.c
 *                  ./chat_server
 *     terminal 2:  telnet 127.0.0.1 5228           say hello, then /nick alice and /join kitchen
 *     terminal 3:  nc 127.0.0.1 5228               /rooms, then follow her; /help for the rest
 *
 * Watch: what you say comes to the others with your name in front, and never back to you. New here: say(), to one
 * person, to a room or to everybody; and person_move(), because a room is no more than the people in it:
 *     client_read -> on_data -> line_take -> handle_line -> say -> client_send -> one write a turn for each reader
 * Left out: passwords, what was said before you came, and names that only look the same.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "lines.h"
#include "loop.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define IN_MAX    4096  /* bytes of a client that wait for on_data; then we stop reading from it */
#define OUT_MAX   65536 /* bytes that wait for the kernel; a client that is owed more is too slow */
#define REPLY_MAX (FD_SETSIZE * (WORD_MAX + 12)) /* bytes in the longest reply: /who lists everybody */
_Static_assert(REPLY_MAX < OUT_MAX, "there has to be room for a reply");

const char program[] = "chat_server";
const char usage[] = "usage: chat_server [-hv] [-a ADDRESS] [-p PORT]\n"
                     "  -h          print this help\n"
                     "  -v          show every read and write on stderr, in hex and text\n"
                     "  -a ADDRESS  listen on this name or address (default 127.0.0.1; all: 0.0.0.0 or ::)\n"
                     "  -p PORT     0 to 65535, 0 takes any free one (default 5228)\n";

static struct person { /* in the place of its client's descriptor */
    struct client *client;
    char name[WORD_MAX + 1];
    char room[WORD_MAX + 1]; /* "": in none, as before the greeting and after the goodbye */
} people[FD_SETSIZE];
static struct line lines[FD_SETSIZE]; /* the line that each client is about to complete */
static char lobby[] = "lobby";

static const char *name_of(const struct client *c) { return people[c->fd].name; }
static const char *room_of(const struct client *c) { return people[c->fd].room; }

static int same_room(const struct client *a, const struct client *b) {
    return strcmp(room_of(a), room_of(b)) == 0;
}

enum whom { TO_ONE, TO_ROOM, TO_ALL };

/* Says a line, put as for printf(): to c alone, to the others in c's room, or to everybody in all rooms. Returns how many
 * people it was said to. What people have typed is always an argument, of one line at most, and never the format. */
static int say(enum whom whom, struct client *c, const char *format, ...) {
    char text[LINE_SIZE + 128]; /* a line, a name, and our words */
    va_list arguments;
    va_start(arguments, format);
    size_t len = (size_t)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (whom == TO_ONE) {
        client_send(c, text, len);
        return 1;
    }
    int count = 0;
    for (struct client *to = client_next(NULL); to; to = client_next(to)) {
        if (whom == TO_ROOM && (to == c || !same_room(to, c)))
            continue;
        client_send(to, text, len);
        count++;
    }
    return count;
}

/* ---- People ---- */

/* Returns the person of that name who is in a room, or NULL. It looks through the table, and not through client_next():
 * the name of somebody who is gone is free only after the room has read "* NAME left". */
static const struct person *person_find(const char *name) {
    for (int i = 0; i < FD_SETSIZE; i++)
        if (*people[i].room && strcmp(people[i].name, name) == 0)
            return &people[i];
    return NULL;
}

/* Takes c out of its room and into another, and tells the others in both. All who are in "" are closing or gone, so
 * nobody hears what is said there. */
static void person_move(struct client *c, const char *room) {
    if (strcmp(room_of(c), room) == 0)
        return;
    say(TO_ROOM, c, "* %s left\n", name_of(c));
    snprintf(people[c->fd].room, sizeof people->room, "%s", room);
    say(TO_ROOM, c, "* %s joined\n", name_of(c));
}

/* May a person or a room be called that? If not, says so. */
static int name_check(struct client *c, const char *name) {
    if (name_is_valid(name))
        return 1;
    say(TO_ONE, c, "* " NAME_RULE "\n");
    return 0;
}

/* ---- Commands: each gets the rest of its line, which it may change ---- */

static void do_nick(struct client *c, char *name) {
    if (person_find(name) || strncmp(name, "guest", 5) == 0) {
        say(TO_ONE, c, "* the name %s is taken\n", name);
    } else if (name_check(c, name)) {
        say(TO_ROOM, c, "* %s is now %s\n", name_of(c), name);
        say(TO_ONE, c, "* you are now %s\n", name);
        snprintf(people[c->fd].name, sizeof people->name, "%s", name);
    }
}

static void do_join(struct client *c, char *room) {
    if (name_check(c, room)) {
        person_move(c, room);
        say(TO_ONE, c, "* you are in %s\n", room);
    }
}

static void do_leave(struct client *c, char *text) {
    (void)text;
    do_join(c, lobby);
}

static int compare_words(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, equal words stand side by side. To look for each of 900 rooms among 900 people would cost much more. */
static void do_rooms(struct client *c, char *text) {
    const char *rooms[FD_SETSIZE] = {NULL};
    size_t count = 0;
    (void)text;
    for (const struct client *a = client_next(NULL); a; a = client_next(a))
        if (*room_of(a))
            rooms[count++] = room_of(a);
    qsort(rooms, count, sizeof rooms[0], compare_words);
    for (size_t first = 0, next; first < count; first = next) {
        next = first + 1;
        while (next < count && strcmp(rooms[next], rooms[first]) == 0)
            next++;
        say(TO_ONE, c, "* %zu in %s\n", next - first, rooms[first]);
    }
}

static void do_who(struct client *c, char *text) {
    (void)text;
    for (const struct client *a = client_next(NULL); a; a = client_next(a))
        if (same_room(a, c))
            say(TO_ONE, c, "* %s is here\n", name_of(a));
}

static void do_msg(struct client *c, char *text) {
    const char *name = strtok(text, " "), *words = strtok(NULL, "");
    const struct person *to = person_find(name);
    if (words == NULL)
        say(TO_ONE, c, "* usage: /msg NAME TEXT\n");
    else if (to)
        say(TO_ONE, to->client, "%s (private): %s\n", name_of(c), words);
    else
        say(TO_ONE, c, "* there is nobody called %s\n", name);
}

static void do_all(struct client *c, char *text) { say(TO_ALL, c, "%s (to all): %s\n", name_of(c), text); }
static void do_echo(struct client *c, char *text) { say(TO_ONE, c, "%s (echo): %s\n", name_of(c), text); }

static void do_quit(struct client *c, char *text) {
    (void)text;
    person_move(c, "");
    client_close(c);
}

static void do_help(struct client *c, char *text);

static const struct command {
    const char *name;
    const char *argument; /* "": it takes none */
    const char *meaning;
    void (*run)(struct client *c, char *text);
} commands[] = {
    {"/nick", "NAME", "change your name", do_nick},
    {"/join", "ROOM", "go to a room, or open a new one", do_join},
    {"/leave", "", "go back to the lobby", do_leave},
    {"/rooms", "", "see how many are in which room", do_rooms},
    {"/who", "", "see who is in this room", do_who},
    {"/msg", "NAME TEXT", "tell one person", do_msg},
    {"/all", "TEXT", "tell everybody in all rooms", do_all},
    {"/echo", "TEXT", "tell yourself", do_echo},
    {"/help", "", "see this list", do_help},
    {"/quit", "", "hang up", do_quit},
    {NULL, NULL, NULL, NULL},
};

static void do_help(struct client *c, char *text) {
    (void)text;
    for (const struct command *command = commands; command->name; command++)
        say(TO_ONE, c, "* %-6s %-9s  %s\n", command->name, command->argument, command->meaning);
}

static void run_command(struct client *c, char *line) {
    size_t len = strcspn(line, " ");
    char *text = line + len + strspn(line + len, " ");
    line[len] = '\0';
    const struct command *command = commands;
    while (command->name && strcmp(command->name, line) != 0)
        command++;
    if (command->name == NULL)
        say(TO_ONE, c, "* there is no %s, see /help\n", line);
    else if (*command->argument && *text == '\0')
        say(TO_ONE, c, "* usage: %s %s\n", line, command->argument);
    else
        command->run(c, text);
}

/* Does what a line says: a command, or words for the others in the room. */
static void handle_line(struct client *c, char *line) {
    int blank = line[strspn(line, " \t")] == '\0';
    if (*line == '/')
        run_command(c, line);
    else if (!blank && say(TO_ROOM, c, "%s: %s\n", name_of(c), line) == 0)
        say(TO_ONE, c, "* nobody else is in %s\n", room_of(c));
}

/* ---- What the loop calls ---- */

/* A newcomer is called guest and its TCP port; or the next number that is free, because two hosts can use one port. */
static void on_connect(struct client *c) {
    struct person *p = &people[c->fd];
    long port = strtol(strrchr(c->name, ':') + 1, NULL, 10);
    lines[c->fd] = (struct line){0};
    *p = (struct person){.client = c};
    do
        snprintf(p->name, sizeof p->name, "guest%ld", port++);
    while (person_find(p->name));

    person_move(c, lobby);
    say(TO_ONE, c, "* welcome to the lobby, %s; /help shows what you can do\n", p->name);
}

/* A message is a line. At the end of the input an unfinished one counts, too. */
static size_t on_data(struct client *c, char *data, size_t len) {
    struct line *line = &lines[c->fd];
    size_t used;
    switch (line_take(line, data, len, &used)) {
    case LINE_MORE: break;
    case LINE: handle_line(c, line->text); break;
    case LINE_TOO_LONG: say(TO_ONE, c, "* that line is over %d bytes, nobody got it\n", LINE_SIZE); break;
    case LINE_TELNET: client_send(c, line->refusal, REFUSAL); break;
    case LINE_END: do_quit(c, NULL); break;
    }
    return used;
}

static void on_disconnect(struct client *c) { person_move(c, ""); }

static const struct server chat = {
    .in_max = IN_MAX,
    .out_low = OUT_MAX - REPLY_MAX, /* so there is always room for a reply */
    .out_max = OUT_MAX,
    .on_connect = on_connect,
    .on_data = on_data,
    .on_disconnect = on_disconnect,
};

int main(int argc, char **argv) {
    fill_standard_descriptors();
    const char *address = "127.0.0.1", *port = "5228";
    int option;
    while ((option = getopt(argc, argv, "hva:p:")) != -1)
        switch (option) {
        case 'h': return show_help();
        case 'v': verbose = 1; break;
        case 'a': address = optarg; break;
        case 'p': parse_number(port = optarg, 0, 65535); break;
        default: return show_usage();
        }
    if (optind < argc)
        return refuse_argument(argv[optind]);
    return serve(&chat, address, port);
}
