/* chat_client.c - a chat in the terminal: the line that you type stays at the bottom while messages arrive.
 *
 *     terminal 1:  ./chat_server
 *     terminal 2:  cc -o chat_client chat_client.c && ./chat_client -n zhangsan     type something, no Enter
 *     terminal 3:  ./chat_client -n lisi            say 吃饭了吗: it arrives above what zhangsan types
 *                  printf '%s\n' hello /who | ./chat_client -n bot
 *
 * Keys: arrows, Home, End, Delete, Backspace; Ctrl-A, -E, -B, -F, -P, -N as in a shell; Ctrl-U, -K and -W
 * erase, Ctrl-L clears the screen, Ctrl-Z suspends; Ctrl-C leaves, and so does Ctrl-D on an empty line.
 * Watch: `stty -a < /dev/pts/N` of the terminal that this runs in, before, meanwhile, and after a `kill`. In
 * a pipe bytes pass as they are; what goes to a terminal is made harmless, for a server may be anybody's.
 * New here: a line editor that takes bytes, gives a picture, and knows no sockets. Start at editor_feed().
 * Left out: completion, a search in the history, text from right to left, Esc as a key of its own.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PROMPT       "> "
#define LINE_SIZE    1024  /* bytes in a line that is typed, and its end: what the server takes */
#define PICTURE_SIZE 1088  /* bytes in the picture of such a line: its prompt, and the terminal's commands */
#define HISTORY_MAX  50    /* lines that the up arrow finds again */
#define MESSAGE_SIZE 2048  /* bytes in a line of the server; a longer one is shown in pieces */
#define CHUNK        4096  /* bytes read at once */
#define QUEUE_SIZE   65536 /* bytes that wait for their turn, in each direction */
#define QUEUE_ROOM   16384 /* bytes that are free before we take more: no CHUNK and no key takes more */
#define LEAVE_MS     1000  /* how long we listen to the server after Ctrl-C */
#ifndef PIPE_BUF
#define PIPE_BUF 512 /* bytes that a pipe takes without blocking once select() says "writable" */
#endif

static const char program[] = "chat_client";
static const char usage[] =
    "usage: chat_client [-hv] [-n NICK] [-r ROOM] [HOST [PORT]]\n"
    "  -h       print this help\n"
    "  -v       show every read and write on stderr, in hex and text\n"
    "  -n NICK  be called this, as with /nick NICK (default: what the server calls you)\n"
    "  -r ROOM  go to this room, as with /join ROOM (default: where the server puts you)\n"
    "  HOST     name or address (default 127.0.0.1)\n"
    "  PORT     0 to 65535 (default 5228)\n";

/* ---- client plumbing: the same in every TCP client of this course (see 01-echo/echo_client.c) ---- */

static int verbose;                /* -v */
static volatile sig_atomic_t stop; /* SIGINT or SIGTERM has come */
static void on_signal(int number) { stop = number; }

/* Milliseconds, by a clock that nobody can set. */
static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Returns the number, 0 to max, that an argument stands for; anything else ends the program. */
static int parse_number(const char *text, int max) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value <= max)
        return (int)value;
    fprintf(stderr, "%s: '%s' is not a number from 0 to %d\n%s", program, text, max, usage);
    exit(2);
}

/* Returns the addresses that a name stands for, IPv6 and IPv4; none ends the program. */
static struct addrinfo *resolve(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error == 0)
        return found;
    fprintf(stderr, "%s: cannot find %s: %s\n", program, host, gai_strerror(error));
    exit(1);
}

/* From here on signals come only in pselect(..., none), so that none is lost just before it sleeps. */
static void catch_signals(sigset_t *none) {
    sigset_t all;
    sigfillset(&all);
    sigemptyset(none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL); /* write() says EPIPE instead */
}

/* The microscope of -v: "->" came from the peer, "<-" went to it; 16 bytes a row. */
static void show_wire(const char *name, const char *arrow, const char *data, size_t len) {
    if (verbose)
        fprintf(stderr, "%s %s %zu byte%s\n", name, arrow, len, len == 1 ? "" : "s");
    for (size_t row = 0; verbose && row < len; row += 16) {
        char hex[16 * 3 + 1], text[16 + 1] = "";
        for (size_t i = 0; i < 16 && row + i < len; i++) {
            unsigned char byte = (unsigned char)data[row + i];
            snprintf(hex + 3 * i, 4, " %02x", byte);
            text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
        }
        fprintf(stderr, "%8zu %-48s  %s\n", row, hex, text);
    }
}

/* Returns a non-blocking socket connected to the first address that answers, or -1 with errno. A plain
 * connect() can hang for minutes; this one is a wait like any other, and a signal ends it. */
static int connect_to(const struct addrinfo *a, const sigset_t *none) {
    int error = EINTR;
    for (; a && !stop; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        error = connect(fd, a->ai_addr, a->ai_addrlen) < 0 ? errno : 0;
        while (error == EINPROGRESS && !stop && fd < FD_SETSIZE) {
            fd_set writable;
            FD_ZERO(&writable);
            FD_SET(fd, &writable);
            if (pselect(fd + 1, NULL, &writable, NULL, NULL, none) > 0)
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
        }
        if (error == 0)
            return fd;
        close(fd);
    }
    errno = error;
    return -1;
}
/* ---- end of client plumbing ---- */

/* ---- Text: what a character is, and how wide. Whatever the locale, it is UTF-8. ---- */

/* Returns the length in bytes, 1 to 4, of the UTF-8 character (RFC 3629) at s, or 0 if there is none. */
static size_t utf8_length(const unsigned char *s, size_t len) {
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
    if (n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    int overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    int surrogate = s[0] == 0xED && s[1] > 0x9F, beyond = s[0] == 0xF4 && s[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : n;
}

/* Makes text safe to print on somebody's terminal: what is not UTF-8 becomes question marks, and so does
 * every control character, for with one (ESC, or U+0080 to U+009F) the commands to a terminal begin. */
static void text_clean(char *text, size_t len) {
    unsigned char *s = (unsigned char *)text;
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = utf8_length(s + i, len - i);
        int c0 = n == 1 && ((s[i] < ' ' && s[i] != '\t') || s[i] == 127);
        int c1 = n == 2 && s[i] == 0xC2 && s[i + 1] < 0xA0;
        if (n == 0 || c0 || c1)
            memset(s + i, '?', n ? n : 1);
    }
}

/* Where the width of characters changes, by their numbers: those from the first on to before the second, from
 * the third on to before the fourth, and so on. Marks that stand on the character before them take no column:
 * here those of Latin, Cyrillic, Hebrew, Arabic, Hindi and Thai, Hangul vowels and finals, joiners, variation
 * selectors. Two columns take the Han characters, kana, Hangul, fullwidth forms and emoji. */
static const unsigned long marks[] = {
    0x300,  0x370,  0x483,  0x48A,  0x591,  0x5BE,  0x5BF,  0x5C0,  0x5C1,  0x5C3,   0x5C4,  0x5C6,  0x5C7,
    0x5C8,  0x610,  0x61B,  0x61C,  0x61D,  0x64B,  0x660,  0x670,  0x671,  0x6D6,   0x6DD,  0x6DF,  0x6E5,
    0x6E7,  0x6E9,  0x6EA,  0x6EE,  0x900,  0x903,  0x93A,  0x93B,  0x93C,  0x93D,   0x941,  0x949,  0x94D,
    0x94E,  0x951,  0x958,  0x962,  0x964,  0xE31,  0xE32,  0xE34,  0xE3B,  0xE47,   0xE4F,  0x1160, 0x1200,
    0x1AB0, 0x1ACF, 0x1DC0, 0x1E00, 0x200B, 0x2010, 0x202A, 0x202F, 0x2060, 0x2065,  0x20D0, 0x20F1, 0x302A,
    0x302E, 0x3099, 0x309B, 0xFE00, 0xFE10, 0xFE20, 0xFE30, 0xFEFF, 0xFF00, 0xE0100, 0xE01F0};
static const unsigned long wide[] = {
    0x1100,  0x1160,  0x231A,  0x231C,  0x2329,  0x232B,  0x23E9,  0x23ED,  0x23F0,  0x23F1,  0x23F3,
    0x23F4,  0x25FD,  0x25FF,  0x2614,  0x2616,  0x2648,  0x2654,  0x267F,  0x2680,  0x2693,  0x2694,
    0x26A1,  0x26A2,  0x26AA,  0x26AC,  0x26BD,  0x26BF,  0x26C4,  0x26C6,  0x26CE,  0x26CF,  0x26D4,
    0x26D5,  0x26EA,  0x26EB,  0x26F2,  0x26F4,  0x26F5,  0x26F6,  0x26FA,  0x26FB,  0x26FD,  0x26FE,
    0x2705,  0x2706,  0x270A,  0x270C,  0x2728,  0x2729,  0x274C,  0x274D,  0x274E,  0x274F,  0x2753,
    0x2756,  0x2757,  0x2758,  0x2795,  0x2798,  0x27B0,  0x27B1,  0x27BF,  0x27C0,  0x2B1B,  0x2B1D,
    0x2B50,  0x2B51,  0x2B55,  0x2B56,  0x2E80,  0x303F,  0x3041,  0xA4D0,  0xA960,  0xA97D,  0xAC00,
    0xD7A4,  0xF900,  0xFB00,  0xFE10,  0xFE1A,  0xFE30,  0xFE6C,  0xFF01,  0xFF61,  0xFFE0,  0xFFE7,
    0x16FE0, 0x18D09, 0x1AFF0, 0x1B2FC, 0x1F004, 0x1F005, 0x1F0CF, 0x1F0D0, 0x1F18E, 0x1F18F, 0x1F191,
    0x1F19B, 0x1F200, 0x1F321, 0x1F32D, 0x1F336, 0x1F337, 0x1F37D, 0x1F37E, 0x1F394, 0x1F3A0, 0x1F3CB,
    0x1F3CF, 0x1F3D4, 0x1F3E0, 0x1F3F1, 0x1F3F4, 0x1F3F5, 0x1F3F8, 0x1F43F, 0x1F440, 0x1F441, 0x1F442,
    0x1F4FD, 0x1F4FF, 0x1F53E, 0x1F54B, 0x1F54F, 0x1F550, 0x1F568, 0x1F57A, 0x1F57B, 0x1F595, 0x1F597,
    0x1F5A4, 0x1F5A5, 0x1F5FB, 0x1F650, 0x1F680, 0x1F6C6, 0x1F6CC, 0x1F6CD, 0x1F6D0, 0x1F6D3, 0x1F6D5,
    0x1F6E0, 0x1F6EB, 0x1F6ED, 0x1F6F4, 0x1F6FD, 0x1F7E0, 0x1F7F1, 0x1F90C, 0x1F93B, 0x1F93C, 0x1F946,
    0x1F947, 0x1FA00, 0x1FA70, 0x1FB00, 0x20000, 0x3FFFE};

/* Returns the length in bytes of the first code point of clean text, and sets how many columns it takes.
 * wcwidth() knows more of them, but is no part of base POSIX and knows nothing in the C locale. */
static size_t code_point(const char *text, int *columns) {
    const unsigned char *s = (const unsigned char *)text;
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4, zero = 0, two = 0;
    unsigned long code = len == 1 ? s[0] : s[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (s[i] & 0x3F);
    while (zero < sizeof marks / sizeof *marks && code >= marks[zero])
        zero++;
    while (two < sizeof wide / sizeof *wide && code >= wide[two])
        two++;
    *columns = zero % 2 ? 0 : two % 2 ? 2 : 1;
    return len;
}

/* Returns the length in bytes of the first character of clean text, marks included. Adds its columns. */
static size_t text_step(const char *text, size_t len, int *columns) {
    int own, mark;
    size_t end = code_point(text, &own), n;
    while (end < len && (n = code_point(text + end, &mark), mark == 0))
        end += n;
    *columns += own;
    return end;
}

/* Returns how many bytes of clean text fit into `room` columns, and sets how many columns those take. */
static size_t text_fit(const char *text, size_t len, int room, int *columns) {
    size_t i = 0;
    int sum = *columns = 0;
    while (i < len) {
        size_t n = text_step(text + i, len - i, &sum);
        if (sum > room)
            break;
        *columns = sum;
        i += n;
    }
    return i;
}

/* ---- The line editor: bytes from the keyboard go in, a picture of the line comes out. ---- */

#define KEY(letter) ((letter) - '@') /* the byte that Ctrl and a letter make */
#define DELETE      256 /* a key that has no byte; the arrows, Home and End mean Ctrl-P, -N, -F, -B, -A, -E */

enum event { NOTHING, CHANGED, LINE, LEAVE, SUSPEND, CLEAR, REFUSED }; /* what a byte has brought about */

struct editor {
    size_t length, cursor;      /* bytes; the cursor stands between characters */
    char text[LINE_SIZE];       /* clean, with a NUL behind it */
    size_t part;                /* bytes that have come of a character */
    unsigned char character[4]; /* those */
    int escape, number;         /* an escape sequence: 1 after ESC, 2 after ESC [ or O; its number */
    int lines, shown;           /* how many the history has; the one shown, `lines`: the new one */
    char history[HISTORY_MAX + 1][LINE_SIZE]; /* the oldest first; behind the last, the new one meanwhile */
};

/* Returns where the character after position i ends. */
static size_t editor_next(const struct editor *e, size_t i) {
    return i < e->length ? i + text_step(e->text + i, e->length - i, &(int){0}) : i;
}

/* Returns where the character before position i begins. */
static size_t editor_previous(const struct editor *e, size_t i) {
    size_t begin = 0;
    for (size_t next = 0; next < i; next = editor_next(e, next))
        begin = next;
    return begin;
}

/* Returns where the word before the cursor begins. */
static size_t editor_word(const struct editor *e) {
    size_t i = e->cursor;
    while (i > 0 && e->text[i - 1] == ' ')
        i--;
    while (i > 0 && e->text[i - 1] != ' ')
        i--;
    return i;
}

static enum event editor_move(struct editor *e, size_t to) { return e->cursor = to, CHANGED; }

/* Replaces what is between two positions; the cursor goes behind it. What would be too long is refused. */
static enum event editor_replace(struct editor *e, size_t from, size_t to, const char *text, size_t len) {
    if (e->length - (to - from) + len >= LINE_SIZE)
        return REFUSED;
    memmove(e->text + from + len, e->text + to, e->length - to + 1);
    memcpy(e->text + from, text, len);
    e->length += len - (to - from);
    return editor_move(e, from + len);
}

static enum event editor_remove(struct editor *e, size_t from, size_t to) {
    return editor_replace(e, from, to, "", 0);
}

/* Shows an older line (-1) or a newer one (1). The new one is kept meanwhile. */
static enum event editor_browse(struct editor *e, int step) {
    if (e->shown + step < 0 || e->shown + step > e->lines)
        return REFUSED;
    if (e->shown == e->lines)
        memcpy(e->history[e->lines], e->text, LINE_SIZE);
    const char *line = e->history[e->shown += step];
    return editor_replace(e, 0, e->length, line, strlen(line));
}

/* Makes the line the last one of the history, and begins a new one. */
static enum event editor_enter(struct editor *e) {
    if (e->length == 0)
        return NOTHING;
    if (e->lines == HISTORY_MAX)
        memmove(e->history[0], e->history[1], (size_t)--e->lines * LINE_SIZE);
    memcpy(e->history[e->lines], e->text, LINE_SIZE);
    e->shown = ++e->lines;
    editor_remove(e, 0, e->length);
    return LINE;
}

/* Does what a key is for. */
static enum event editor_press(struct editor *e, int key) {
    if (key == KEY('D') && e->length == 0)
        return LEAVE;
    switch (key) {
    case '\r':
    case '\n': return editor_enter(e);
    case KEY('A'): return editor_move(e, 0);
    case KEY('B'): return editor_move(e, editor_previous(e, e->cursor));
    case KEY('C'): return LEAVE;
    case KEY('D'):
    case DELETE: return editor_remove(e, e->cursor, editor_next(e, e->cursor));
    case KEY('E'): return editor_move(e, e->length);
    case KEY('F'): return editor_move(e, editor_next(e, e->cursor));
    case KEY('H'):
    case 127: return editor_remove(e, editor_previous(e, e->cursor), e->cursor);
    case KEY('K'): return editor_remove(e, e->cursor, e->length);
    case KEY('L'): return CLEAR;
    case KEY('N'): return editor_browse(e, 1);
    case KEY('P'): return editor_browse(e, -1);
    case KEY('U'): return editor_remove(e, 0, e->cursor);
    case KEY('W'): return editor_remove(e, editor_word(e), e->cursor);
    case KEY('Z'): return SUSPEND;
    default: return NOTHING;
    }
}

/* Takes a byte that comes after ESC. Returns the key that it completes; 0: none yet, or none that we know. Of
 * those (F1, Alt-A, Ctrl-arrow) all bytes are taken, too, so that none turns up in the line. */
static int editor_escape(struct editor *e, unsigned char byte) {
    static const char letters[] = "ABCDHF", keys[] = "PNFBAE", numbers[] = "@A@@E@@AE";
    if (e->escape == 1) {
        e->escape = byte == '[' || byte == 'O' ? 2 : 0;
        e->number = 0;
    } else if (byte < '@' || (byte == '[' && e->number == 0)) { /* the Linux console's F1 is ESC [ [ A */
        e->number = byte >= '0' && byte <= '9' && e->number < 10 ? 10 * e->number + byte - '0' : 99;
    } else {
        const char *letter = strchr(letters, byte);
        e->escape = 0;
        if (byte == '~')
            return e->number == 3 ? DELETE : e->number < 9 ? KEY(numbers[e->number]) : 0;
        return letter && e->number == 0 ? KEY(keys[letter - letters]) : 0;
    }
    return 0;
}

/* Takes a byte from the keyboard, or from a paste. Returns what has come of it. On LINE, that is the last one
 * of the history. */
static enum event editor_feed(struct editor *e, unsigned char byte) {
    if (e->escape > 0 && byte >= ' ' && byte < 127)
        return editor_press(e, editor_escape(e, byte));
    e->escape = byte == KEY('[');
    if ((byte & 0xC0) != 0x80)
        e->part = 0; /* a character begins; if the one before is not complete, it never will be */
    if ((byte < ' ' && byte != '\t') || byte == 127)
        return editor_press(e, byte);
    e->character[e->part++] = byte == '\t' ? ' ' : byte;
    size_t len = utf8_length(e->character, e->part);
    if (len > 0 || e->part == sizeof e->character)
        e->part = 0;
    char *character = (char *)e->character;
    text_clean(character, len);
    return len > 0 ? editor_replace(e, e->cursor, e->cursor, character, len) : NOTHING;
}

/* Draws the line for a terminal of so many columns, 10 at least: prompt and text in one row, from the first
 * column on, and the cursor in its place. Of a line that is too long it shows a page; the pages overlap by
 * half, so that there is something to see on both sides of the cursor. Returns the length of the picture. */
static size_t editor_draw(const struct editor *e, int columns, char picture[PICTURE_SIZE]) {
    int prompt = (int)strlen(PROMPT), room = columns - prompt - 1, before, any;
    const char *page = e->text, *cursor = e->text + e->cursor;
    while (page + text_fit(page, (size_t)(cursor - page), room, &before) < cursor)
        page += text_fit(page, (size_t)(cursor - page), room / 2, &any);
    int len = (int)text_fit(page, strlen(page), room, &any);
    return (size_t)snprintf(picture, PICTURE_SIZE, "\r" PROMPT "%.*s\033[J\r\033[%dC", len, page,
                            prompt + before);
}

/* ---- The terminal ---- */

static int screen = STDOUT_FILENO;    /* where we print */
static struct termios cooked;         /* the mode that we found, and leave */
static int raw;                       /* ours is set */
static volatile sig_atomic_t changed; /* the shell has had the terminal meanwhile, or it has a new size */
static void on_change(int number) { changed = number; }

/* Gives the terminal back as it was. exit() calls this, so that no way out forgets to. */
static void terminal_restore(void) {
    if (!raw)
        return;
    raw = 0;
    dprintf(screen, "\r\033[J");
    tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
}

/* Sets the raw mode: every byte comes at once, and none is echoed or made a signal of. Meanwhile the door is
 * open to signals: in the background the kernel stops us here, until the shell's "fg". */
static void terminal_grab(const sigset_t *none) {
    struct termios mode = cooked;
    sigset_t all;
    mode.c_iflag &= ~(tcflag_t)(IXON | ISTRIP | IGNCR);
    mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    sigprocmask(SIG_SETMASK, none, &all);
    while (tcsetattr(STDIN_FILENO, TCSANOW, &mode) < 0 && errno == EINTR && !stop)
        ;
    sigprocmask(SIG_SETMASK, &all, NULL);
    raw = 1;
}

/* Takes the terminal over, if input and output are one that can move its cursor. Returns if so. If only the
 * output is one, it is opened anew, too: a terminal that is frozen must not freeze us, and O_NONBLOCK set on the
 * descriptor that we were given would be set for the shell that gave it to us. */
static int terminal_open(const sigset_t *none) {
    const char *name = ttyname(STDOUT_FILENO), *type = getenv("TERM");
    int fd = name ? open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK) : -1;
    screen = fd >= 0 ? fd : STDOUT_FILENO;
    if (!isatty(screen) || !type || strcmp(type, "dumb") == 0 || tcgetattr(STDIN_FILENO, &cooked) < 0)
        return 0;
    atexit(terminal_restore);
    sigaction(SIGHUP, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGQUIT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    sigaction(SIGCONT, &(struct sigaction){.sa_handler = on_change}, NULL);
#ifdef SIGWINCH /* newer than POSIX.1-2008; without it, the next key draws for the new size */
    sigaction(SIGWINCH, &(struct sigaction){.sa_handler = on_change}, NULL);
#endif
    terminal_grab(none);
    return 1;
}

/* Returns how wide the terminal is, 10 at least, and no more than a line can use. TIOCGWINSZ is everywhere, but
 * not in POSIX.1-2008: a system may hide it from a program that asks for that alone. COLUMNS is the shell's. */
static int terminal_columns(void) {
    const char *text = getenv("COLUMNS");
    long columns = text ? strtol(text, NULL, 10) : 80;
#ifdef TIOCGWINSZ
    struct winsize size;
    if (ioctl(screen, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
#endif
    return columns < 10 ? 10 : columns > LINE_SIZE ? LINE_SIZE : (int)columns;
}

/* ---- The conversation ---- */

struct queue { /* bytes on their way */
    size_t length;
    char data[QUEUE_SIZE];
};

struct chat {
    int fd;
    char server[300];          /* "127.0.0.1:5228" */
    int editing, to_terminal;  /* the editor has the terminal; what we print goes to one */
    int prompt;                /* the line being typed is on the screen */
    int input_ended, finished; /* we have no more to say; all is said, and our FIN sent */
    int hung_up, error;        /* nothing more comes from the server; errno, or 0 */
    long long until;           /* ms: the end of our wait after the user has left, or 0 */
    struct queue typed, heard, to_server, to_screen; /* the first two only on a terminal */
    struct editor editor;
};

/* Adds bytes; if there is no room for all of them, none. Callers have seen to it that there is. */
static void queue_add(struct queue *q, const char *data, size_t len) {
    if (len > QUEUE_SIZE - q->length)
        return;
    memcpy(q->data + q->length, data, len);
    q->length += len;
}

static void queue_take(struct queue *q, size_t len) {
    q->length -= len;
    memmove(q->data, q->data + len, q->length);
}

/* Adds a line, in two parts. */
static void queue_line(struct queue *q, const char *first, const char *rest, size_t len) {
    queue_add(q, first, strlen(first));
    queue_add(q, rest, len);
    queue_add(q, "\n", 1);
}

static int queue_has_room(const struct queue *q) { return QUEUE_SIZE - q->length >= QUEUE_ROOM; }

/* Prints what failed, and why, on a terminal that is in order again. Returns -1. */
static int complain(const char *what, int error) {
    terminal_restore();
    fprintf(stderr, "%s: %s%s%s\n", program, what, error ? ": " : "", error ? strerror(error) : "");
    return -1;
}

/* Shows bytes with -v; on the same terminal, where the line being typed is. */
static void chat_wire(struct chat *c, const char *arrow, const char *data, size_t len) {
    if (verbose && c->editing && isatty(STDERR_FILENO)) {
        fputs("\r\033[J", stderr);
        c->prompt = 0;
    }
    show_wire(c->server, arrow, data, len);
}

/* Reads once. Returns 1, 0 at the end, or -1 with errno. */
static int chat_read(struct chat *c, int fd, struct queue *q) {
    ssize_t n = read(fd, q->data + q->length, CHUNK);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 1 : -1;
    if (n > 0 && fd == c->fd)
        chat_wire(c, "->", q->data + q->length, (size_t)n);
    q->length += (size_t)n;
    return n > 0;
}

/* Writes once. Returns 0, or -1 with errno. */
static int chat_write(struct chat *c, int fd, struct queue *q) {
    ssize_t n = write(fd, q->data, q->length < PIPE_BUF ? q->length : PIPE_BUF);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (fd == c->fd)
        chat_wire(c, "<-", q->data, (size_t)n);
    queue_take(q, (size_t)n);
    return 0;
}

/* Takes the line being typed off the screen. */
static void chat_hide(struct chat *c) {
    if (c->prompt)
        queue_add(&c->to_screen, "\r\033[J", 4);
    c->prompt = 0;
}

/* Puts it back, below all that has been printed meanwhile. */
static void chat_show(struct chat *c) {
    char picture[PICTURE_SIZE];
    if (!c->editing || c->prompt || c->input_ended || c->hung_up || !queue_has_room(&c->to_screen))
        return;
    queue_add(&c->to_screen, picture, editor_draw(&c->editor, terminal_columns(), picture));
    c->prompt = 1;
}

/* Prints a line where the one being typed is. */
static void chat_print(struct chat *c, const char *first, const char *rest, size_t len) {
    chat_hide(c);
    queue_line(&c->to_screen, first, rest, len);
}

/* Says goodbye, and gives the server LEAVE_MS to say something, too. */
static void chat_leave(struct chat *c) {
    chat_hide(c);
    queue_add(&c->to_server, "/quit\n", 6);
    c->input_ended = 1;
    c->until = now_ms() + LEAVE_MS;
}

/* Sends the line that was typed, and leaves it on the screen, for the server does not say it back. */
static void chat_enter(struct chat *c) {
    const char *line = c->editor.history[c->editor.lines - 1];
    chat_print(c, PROMPT, line, strlen(line));
    if (strcmp(line, "/quit") == 0)
        chat_leave(c);
    else
        queue_line(&c->to_server, line, "", 0);
}

/* Gives the editor what was typed, for as long as there is room for all that can come of it. */
static void chat_edit(struct chat *c, const sigset_t *none) {
    size_t used = 0;
    while (used < c->typed.length && !c->input_ended && queue_has_room(&c->to_server) &&
           queue_has_room(&c->to_screen))
        switch (editor_feed(&c->editor, (unsigned char)c->typed.data[used++])) {
        case NOTHING: break;
        case CHANGED: chat_hide(c); break;
        case LINE: chat_enter(c); break;
        case LEAVE: chat_leave(c); break;
        case SUSPEND:
            terminal_restore();
            kill(0, SIGTSTP); /* all of our job, as Ctrl-Z does; it takes effect in: */
            terminal_grab(none);
            c->prompt = 0;
            break;
        case CLEAR: queue_add(&c->to_screen, "\033[H\033[2J", 7), chat_hide(c); break;
        case REFUSED: queue_add(&c->to_screen, "\a", 1); break;
        }
    queue_take(&c->typed, used);
}

/* Prints the lines that have come for a terminal. None before its end: only then it is certain which bytes are
 * characters. One that is too long comes in pieces, cut between characters. */
static void chat_tell(struct chat *c) {
    size_t used = 0;
    while (used < c->heard.length && queue_has_room(&c->to_screen)) {
        char *line = c->heard.data + used, *end = memchr(line, '\n', c->heard.length - used);
        size_t len = end ? (size_t)(end - line) : c->heard.length - used;
        if (end == NULL && len <= MESSAGE_SIZE && !c->hung_up)
            break;
        if (len > MESSAGE_SIZE)
            for (end = NULL, len = MESSAGE_SIZE; len > MESSAGE_SIZE - 4 && (line[len] & 0xC0) == 0x80;)
                len--;
        used += len + (end != NULL);
        len -= end && len > 0 && end[-1] == '\r';
        text_clean(line, len);
        chat_print(c, "", line, len);
    }
    queue_take(&c->heard, used);
}

/* Waits for what is worth waiting for. Returns 0 if none of that has come. */
static int chat_wait(const struct chat *c, fd_set *readable, fd_set *writable, const sigset_t *none) {
    FD_ZERO(readable);
    FD_ZERO(writable);
    if (!c->input_ended && queue_has_room(&c->to_server) && queue_has_room(&c->typed))
        FD_SET(STDIN_FILENO, readable);
    if (!c->hung_up && queue_has_room(&c->to_screen) && queue_has_room(&c->heard))
        FD_SET(c->fd, readable);
    if (!c->hung_up && c->to_server.length > 0)
        FD_SET(c->fd, writable);
    if (c->to_screen.length > 0)
        FD_SET(screen, writable);
    long long now = now_ms(), left = c->until > now ? c->until - now : 0;
    struct timespec timeout = {(time_t)(left / 1000), (long)(left % 1000 * 1000000)};
    int n = pselect(FD_SETSIZE, readable, writable, NULL, c->until ? &timeout : NULL, none);
    sigset_t all;
    sigprocmask(SIG_SETMASK, none, &all); /* pselect() may let no signal in while there are bytes to carry: */
    sigprocmask(SIG_SETMASK, &all, NULL); /* so that a busy client hears it, open the door */
    return n > 0;
}

/* A turn of the conversation: wait, read, write. Returns 0, or -1 after a line on stderr. */
static int chat_turn(struct chat *c, const sigset_t *none) {
    fd_set readable, writable;
    if (!chat_wait(c, &readable, &writable, none))
        return 0;
    if (FD_ISSET(STDIN_FILENO, &readable)) {
        int n = chat_read(c, STDIN_FILENO, c->editing ? &c->typed : &c->to_server);
        if (n < 0 && !c->editing)
            return complain("cannot read the input", errno);
        if (n <= 0 && c->editing)
            chat_leave(c); /* the terminal is gone */
        c->input_ended = n <= 0;
    }
    if (FD_ISSET(c->fd, &readable)) {
        int n = chat_read(c, c->fd, c->to_terminal ? &c->heard : &c->to_screen);
        c->hung_up = n <= 0;
        c->error = n < 0 ? errno : c->error;
    }
    if (FD_ISSET(c->fd, &writable) && chat_write(c, c->fd, &c->to_server) < 0) {
        c->error = errno; /* what the server has said before it went is still to be read */
        c->input_ended = 1;
        c->to_server.length = 0;
    }
    if (FD_ISSET(screen, &writable) && chat_write(c, screen, &c->to_screen) < 0)
        return complain("cannot write the output", errno);
    return 0;
}

/* Carries on until one side ends it. Returns 0, or -1 after a line on stderr. */
static int converse(struct chat *c, const sigset_t *none) {
    c->to_terminal = isatty(STDOUT_FILENO);
    c->editing = terminal_open(none);
    while (!stop && (!c->hung_up || c->heard.length + c->to_screen.length > 0) &&
           (!c->until || now_ms() < c->until)) {
        if (changed && c->editing) {
            changed = 0;
            terminal_grab(none);
            chat_hide(c);
        }
        chat_edit(c, none);
        chat_tell(c);
        chat_show(c);
        if (c->input_ended && c->to_server.length == 0 && !c->finished)
            c->finished = shutdown(c->fd, SHUT_WR) == 0;
        if (chat_turn(c, none) < 0)
            return -1;
    }
    if (stop || c->until > 0 || (c->finished && c->error == 0))
        return 0;
    char what[sizeof c->server + 16];
    snprintf(what, sizeof what, "%s hung up", c->server);
    return complain(what, c->error);
}

int main(int argc, char **argv) {
    static struct chat c;
    const char *nick = NULL, *room = NULL;
    int option;
    while ((option = getopt(argc, argv, "hvn:r:")) != -1)
        switch (option) {
        case 'h': return fputs(usage, stdout) < 0;
        case 'v': verbose = 1; break;
        case 'n': nick = optarg; break;
        case 'r': room = optarg; break;
        default: return fputs(usage, stderr), 2;
        }
    const char *host = optind < argc ? argv[optind++] : "127.0.0.1";
    const char *port = optind < argc ? argv[optind++] : "5228";
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is one argument too many\n%s", program, argv[optind], usage);
        return 2;
    }
    parse_number(port, 65535);
    snprintf(c.server, sizeof c.server, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    struct addrinfo *addresses = resolve(host, port);
    sigset_t none;
    catch_signals(&none);
    if (nick)
        queue_line(&c.to_server, "/nick ", nick, strlen(nick));
    if (room)
        queue_line(&c.to_server, "/join ", room, strlen(room));
    c.fd = connect_to(addresses, &none);
    int result = c.fd >= 0 ? converse(&c, &none) : stop ? 0 : complain(c.server, errno);
    close(c.fd);
    freeaddrinfo(addresses);
    return result < 0;
}
