/* lines.c - see lines.h. */
#include "lines.h"

#include "text.h"

#define CTRL_D 4

/* Bytes of telnet (RFC 854). What has come of a command is kept as one of them, or as IAC_IN_SB. */
enum { IAC_IN_SB = 1, SE = 240, SB = 250, WILL, WONT, DO, DONT, IAC };

/* Takes a byte of a telnet command, and returns what has come of it with this byte; 0 if that was the last one. */
static unsigned char telnet_next(unsigned char state, unsigned char byte) {
    switch (state) {
    case IAC: /* SB begins a longer command, WILL, WONT, DO and DONT have one more byte, all others are complete */
        return byte >= SB && byte < IAC ? byte : 0;
    case SB: /* all up to IAC SE belongs to it */ return byte == IAC ? IAC_IN_SB : SB;
    case IAC_IN_SB: return byte == SE ? 0 : SB;
    default: /* the last byte of WILL, WONT, DO, DONT */ return 0;
    }
}

/* Takes a byte of a telnet command. "I will" and "do you" are refused, whatever it is that is wished. */
static enum line_event telnet_take(struct line *l, unsigned char byte) {
    unsigned char command = l->telnet;
    l->telnet = telnet_next(command, byte);
    if (command != WILL && command != DO)
        return LINE_MORE;
    l->refusal[0] = (char)IAC;
    l->refusal[1] = (char)(command == WILL ? DONT : WONT);
    l->refusal[2] = (char)byte;
    return LINE_TELNET;
}

static enum line_event line_end(struct line *l) {
    enum line_event event = l->too_long ? LINE_TOO_LONG : LINE;
    text_clean(l->text, l->length);
    l->text[l->length] = '\0';
    l->length = 0;
    l->too_long = 0;
    l->telnet = 0;
    return event;
}

static enum line_event line_byte(struct line *l, char byte) {
    if (l->telnet)
        return telnet_take(l, (unsigned char)byte);
    if ((unsigned char)byte == IAC) {
        l->telnet = IAC;
        return LINE_MORE;
    }

    int after_cr = l->cr;
    l->cr = byte == '\r';
    if (byte == '\n' || (byte == '\0' && after_cr))
        return line_end(l);
    if (byte == '\r') /* half of an end; alone it would move the cursor of who reads it */
        return LINE_MORE;
    if (byte == CTRL_D && l->length == 0)
        return LINE_END;

    if (l->length == LINE_SIZE)
        l->too_long = 1;
    else
        l->text[l->length++] = byte;
    return LINE_MORE;
}

enum line_event line_take(struct line *l, const char *data, size_t len, size_t *used) {
    enum line_event event = LINE_MORE;
    *used = 0;
    while (*used < len && event == LINE_MORE)
        event = line_byte(l, data[(*used)++]);
    if (len == 0 && l->length > 0)
        event = line_end(l);
    return event;
}
