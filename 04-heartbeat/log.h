/* log.h - says on stderr what happens, one line each, with the ms since the start. */
#ifndef LOG_H
#define LOG_H

/* The time counts from now on. */
void log_start(void);

/* Prints "program: 123 ms ", the text, put as for printf(), and the end of the line. */
void log_line(const char *format, ...);

#endif
