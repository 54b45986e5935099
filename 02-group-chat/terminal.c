/* terminal.c - see terminal.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "terminal.h"

#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define COLUMNS_MIN 10
#define COLUMNS_MAX 1024 /* more are of no use to a line of 1024 bytes */

static int screen = STDOUT_FILENO;    /* where we print */
static struct termios cooked;         /* the mode that we found, and leave */
static int raw;                       /* ours is set */
static volatile sig_atomic_t changed; /* SIGCONT or SIGWINCH has come */

static void on_change(int number) {
    changed = number;
    signal_wake();
}

static void on_quit(int number) {
    stop = number;
    signal_wake();
}

int terminal_screen(void) {
    const char *name = ttyname(STDOUT_FILENO);
    int fd = name ? open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK) : -1;
    if (fd >= 0)
        screen = fd;
    return screen;
}

int terminal_take(void) {
    const char *type = getenv("TERM");
    if (!isatty(screen) || !type || strcmp(type, "dumb") == 0 || tcgetattr(STDIN_FILENO, &cooked) < 0)
        return 0;
    atexit(terminal_restore); /* so that no way out forgets to */
    catch_signal(SIGQUIT, on_quit);
    catch_signal(SIGCONT, on_change);
#ifdef SIGWINCH /* newer than POSIX.1-2008; without it, the next key draws for the new size */
    catch_signal(SIGWINCH, on_change);
#endif
    terminal_grab();
    return 1;
}

int terminal_changed(void) {
    int is_changed = changed != 0;
    changed = 0;
    return is_changed;
}

void terminal_grab(void) {
    struct termios mode = cooked;
    mode.c_iflag &= ~(tcflag_t)(IXON | ISTRIP | IGNCR);
    mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    raw = 1;
    while (!stop && tcsetattr(STDIN_FILENO, TCSANOW, &mode) < 0 && errno == EINTR)
        continue; /* SIGCONT: we had been stopped here, in the background */
}

/* Has the shell given the terminal to another job? A program that sets its mode then is stopped (SIGTTOU), even on its
 * way out. */
static int in_background(void) {
    pid_t owner = tcgetpgrp(STDIN_FILENO);
    return owner >= 0 && owner != getpgrp();
}

void terminal_restore(void) {
    if (!raw || in_background())
        return;
    raw = 0;
    dprintf(screen, "\r\033[J");
    tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
}

void terminal_suspend(void) {
    terminal_restore();
    kill(
        0,
        SIGTSTP); /* to all of our job, as the terminal does it; for us it takes effect before kill() returns */
    terminal_grab();
}

/* TIOCGWINSZ is everywhere, but not in POSIX.1-2008: a system may hide it from a program that asks for that alone. Then
 * COLUMNS, which is the shell's, has to do. */
int terminal_columns(void) {
    const char *text = getenv("COLUMNS");
    long columns = text ? strtol(text, NULL, 10) : 80;
#ifdef TIOCGWINSZ
    struct winsize size;
    if (ioctl(screen, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
#endif
    if (columns < COLUMNS_MIN)
        return COLUMNS_MIN;
    return columns > COLUMNS_MAX ? COLUMNS_MAX : (int)columns;
}
