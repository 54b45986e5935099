/* number.h - the numbers of the heartbeat protocol: those of PING and PONG, and the `seq` of a message. */
#ifndef NUMBER_H
#define NUMBER_H

/* Reads the number at the beginning of a text: digits, with a blank or the end of the text behind them. Returns it, 0
 * to 10^18 - 1, and sets `rest` to what comes behind the blank; or returns -1: there is no such number. */
long long number_read(const char *text, const char **rest);

#endif
