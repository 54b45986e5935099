/* terminal.h - the terminal in raw mode: every key comes alone, at once, and nothing is echoed. It is given back as it was
 * found, whatever ends the program or stops it.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

/* Returns the descriptor to print to: stdout, or, if that is a terminal, the same terminal opened anew, non-blocking. A
 * terminal that stands still (Ctrl-S) must not stop us, and O_NONBLOCK on the descriptor that we were given would hold
 * for the shell that gave it, too. To be called first, once. */
int terminal_screen(void);

/* Takes the terminal over, if input and output are one that can move its cursor. Returns 1 if so, and then cares for its
 * signals (after catch_signals): SIGQUIT sets `stop`, SIGCONT and SIGWINCH are told by terminal_changed(). */
int terminal_take(void);

/* Has something else had the terminal, or is its size another one, since this was asked last? Then terminal_grab() it,
 * and draw again. */
int terminal_changed(void);

/* Sets the raw mode. In the background the kernel stops us here, until the shell's "fg". */
void terminal_grab(void);

/* Gives the terminal back as it was, with the cursor's row empty. exit() does this by itself. */
void terminal_restore(void);

/* Does what Ctrl-Z does: gives the terminal back and stops, until the shell's "fg". */
void terminal_suspend(void);

/* Returns how many columns the terminal has, 10 to 1024. */
int terminal_columns(void);

#endif
