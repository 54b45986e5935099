/* wire.h - what every program of the course needs: its name and usage, numbers, the clock, addresses as text, and
 * the microscope of -v.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>

#define ADDRESS_TEXT 64 /* bytes: "[address%interface]:port" and its NUL */

extern const char program[]; /* each program defines both: its name, ... */
extern const char usage[];   /* ... and the text of its -h */
extern int verbose;          /* -v */

/* To be called first in main(). If a program is started with its standard input, output or error closed, the next
 * socket or file would get that number: a client would read our log, or our output would go into a file of ours. So
 * what is missing is opened as /dev/null, the wrong way round: to read from 0, or write to 1 or 2, then fails with
 * EBADF. Ends the program with exit code 1 if that cannot be done. */
void fill_standard_descriptors(void);

/* To be called last by a program that prints on stdout with stdio. Returns what main() shall return: 0; or 1, after a
 * line on stderr, if not all of it could be written. */
int finish_output(void);

/* Print the usage, and return what main() shall return: show_help() on stdout, as finish_output() does; the others on
 * stderr, 2. show_usage() is for a wrong option, refuse_argument() for one argument too many. */
int show_help(void);
int show_usage(void);
int refuse_argument(const char *argument);

/* Prints "program: what: why" on stderr. Returns -1. */
int complain(const char *what, const char *why);

/* Returns the number that an argument stands for, in digits and nothing else; if it is not one from `min` to `max`,
 * prints a line and the usage, and ends the program with exit code 2. */
int parse_number(const char *text, int min, int max);

/* Return the time by a clock that nobody can set (CLOCK_MONOTONIC). */
long long now_ns(void);
long long now_us(void);
long long now_ms(void);

/* Writes the address of a socket (struct sockaddr, `len` bytes) as "127.0.0.1:53412" or "[::1]:53412". In digits, for
 * to ask DNS for the name of each newcomer could stop a server for seconds. */
void address_text(const void *address, size_t len, char text[ADDRESS_TEXT]);

/* With -v: prints `len` bytes in hex and as text, 16 a row. The arrow says which way they went: "->" they came from the
 * peer, "<-" we sent them. */
void show_wire(const char *peer, const char *arrow, const void *data, size_t len);

#endif
