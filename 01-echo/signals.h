/* signals.h - a signal is an event like any other: it makes a descriptor readable.
 *
 * A signal can come at any moment, also between `while (!stop)` and the select() that follows it: then the program would
 * sleep on. The cure is the self-pipe trick: the handler writes a byte into a pipe whose other end select() watches. So
 * no signal is lost just before the sleep, and a program that never sleeps finds `stop` set.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>

extern volatile sig_atomic_t stop; /* SIGINT, SIGTERM or SIGHUP has come: time to end */

/* From now on SIGINT, SIGTERM and SIGHUP (unless it was ignored: nohup) set `stop`; a log on stderr that nobody takes
 * away is given up then, so that no program waits for its reader on the way out. SIGPIPE is ignored. Returns the
 * descriptor that select() has to watch: it is readable when a signal has come. Ends the program if no pipe can be
 * made. Called again, it only returns that. */
int catch_signals(void);

/* Calls `handler` for a signal, too, and unblocks it. It may set a flag, and calls signal_wake(), and no more. To be
 * called before there are threads. */
void catch_signal(int number, void (*handler)(int));

/* Makes the descriptor readable. May be called in a handler. */
void signal_wake(void);

/* Makes the descriptor unreadable again: for a program that goes on after a signal. */
void signal_forget(void);

#endif
