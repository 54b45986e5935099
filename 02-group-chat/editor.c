/* editor.c - see editor.h. The way of a byte: editor_feed -> (editor_escape ->) editor_press -> editor_replace. */
#include "editor.h"

#include "text.h"
#include "width.h"

#include <stdio.h>
#include <string.h>

#define KEY(letter) ((letter) - '@') /* the byte that Ctrl and a letter make */

/* The keys that have no byte of their own mean what a key with Ctrl means; Delete alone has no such key. */
enum {
    KEY_HOME = KEY('A'),
    KEY_LEFT = KEY('B'),
    KEY_END = KEY('E'),
    KEY_RIGHT = KEY('F'),
    KEY_DOWN = KEY('N'),
    KEY_UP = KEY('P'),
    KEY_ESCAPE = KEY('['),
    KEY_BACKSPACE = 127,
    KEY_DELETE = 256
};

enum { NO_ESCAPE, AFTER_ESCAPE, IN_SEQUENCE }; /* e->escape: ESC has come; ESC [ or ESC O has come */

#define UNKNOWN 99 /* e->number: one that is in no sequence that we know */

/* ---- Positions in the line ---- */

/* Returns where the character after position i ends. */
static size_t editor_next(const struct editor *e, size_t i) {
    int columns = 0;
    return i < e->length ? i + width_step(e->text + i, e->length - i, &columns) : i;
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

/* ---- What keys do ---- */

static enum edit_event editor_move(struct editor *e, size_t to) {
    e->cursor = to;
    return EDIT_CHANGED;
}

/* Replaces what is between two positions; the cursor goes behind it. What would be too long is refused. */
static enum edit_event editor_replace(struct editor *e, size_t from, size_t to, const char *text,
                                      size_t len) {
    if (e->length - (to - from) + len >= EDITOR_LINE)
        return EDIT_REFUSED;
    memmove(e->text + from + len, e->text + to, e->length - to + 1);
    memcpy(e->text + from, text, len);
    e->length += len - (to - from);
    return editor_move(e, from + len);
}

static enum edit_event editor_remove(struct editor *e, size_t from, size_t to) {
    return editor_replace(e, from, to, "", 0);
}

/* Shows an older line (-1) or a newer one (1). The new one is kept meanwhile. */
static enum edit_event editor_browse(struct editor *e, int step) {
    if (e->shown + step < 0 || e->shown + step > e->lines)
        return EDIT_REFUSED;
    if (e->shown == e->lines)
        memcpy(e->history[e->lines], e->text, EDITOR_LINE);
    e->shown += step;
    const char *line = e->history[e->shown];
    return editor_replace(e, 0, e->length, line, strlen(line));
}

/* Makes the line the last one of the history, and begins a new one. */
static enum edit_event editor_enter(struct editor *e) {
    if (e->length == 0)
        return EDIT_NOTHING;
    if (e->lines == HISTORY_MAX) {
        e->lines--;
        memmove(e->history[0], e->history[1], (size_t)e->lines * EDITOR_LINE);
    }
    memcpy(e->history[e->lines], e->text, EDITOR_LINE);
    e->lines++;
    e->shown = e->lines;
    editor_remove(e, 0, e->length);
    return EDIT_LINE;
}

static enum edit_event editor_press(struct editor *e, int key) {
    if (key == KEY('D') && e->length == 0)
        return EDIT_LEAVE;
    switch (key) {
    case '\r':
    case '\n': return editor_enter(e);
    case KEY_HOME: return editor_move(e, 0);
    case KEY_END: return editor_move(e, e->length);
    case KEY_LEFT: return editor_move(e, editor_previous(e, e->cursor));
    case KEY_RIGHT: return editor_move(e, editor_next(e, e->cursor));
    case KEY_UP: return editor_browse(e, -1);
    case KEY_DOWN: return editor_browse(e, 1);
    case KEY('H'):
    case KEY_BACKSPACE: return editor_remove(e, editor_previous(e, e->cursor), e->cursor);
    case KEY('D'):
    case KEY_DELETE: return editor_remove(e, e->cursor, editor_next(e, e->cursor));
    case KEY('K'): return editor_remove(e, e->cursor, e->length);
    case KEY('U'): return editor_remove(e, 0, e->cursor);
    case KEY('W'): return editor_remove(e, editor_word(e), e->cursor);
    case KEY('C'): return EDIT_LEAVE;
    case KEY('L'): return EDIT_CLEAR;
    case KEY('Z'): return EDIT_SUSPEND;
    default: return EDIT_NOTHING;
    }
}

/* ---- Bytes become keys and characters ---- */

/* Returns the key whose sequence ends with this letter (ESC [ A), or 0. */
static int key_of_letter(unsigned char letter) {
    switch (letter) {
    case 'A': return KEY_UP;
    case 'B': return KEY_DOWN;
    case 'C': return KEY_RIGHT;
    case 'D': return KEY_LEFT;
    case 'F': return KEY_END;
    case 'H': return KEY_HOME;
    default: return 0;
    }
}

/* Returns the key whose sequence has this number (ESC [ 3 ~), or 0. */
static int key_of_number(int number) {
    switch (number) {
    case 1:
    case 7: return KEY_HOME;
    case 3: return KEY_DELETE;
    case 4:
    case 8: return KEY_END;
    default: return 0;
    }
}

/* Takes a byte that comes after ESC. Returns the key that it completes, or 0: none yet, or none that we know. Of those
 * (F1, Alt-A, Ctrl-arrow) all bytes are taken, too, so that none turns up in the line. */
static int editor_escape(struct editor *e, unsigned char byte) {
    if (e->escape == AFTER_ESCAPE) {
        e->escape = byte == '[' || byte == 'O' ? IN_SEQUENCE : NO_ESCAPE;
        e->number = 0;
        return 0;
    }
    int is_digit = byte >= '0' && byte <= '9';
    int goes_on = byte < '@' || (byte == '[' && e->number == 0); /* F1 of the Linux console is ESC [ [ A */
    if (goes_on) {
        e->number = is_digit && e->number < 10 ? 10 * e->number + byte - '0' : UNKNOWN;
        return 0;
    }
    e->escape = NO_ESCAPE;
    if (byte == '~')
        return key_of_number(e->number);
    return e->number == 0 ? key_of_letter(byte) : 0;
}

/* Takes a byte of a character. When it is complete, it goes into the line. */
static enum edit_event editor_type(struct editor *e, char byte) {
    e->character[e->part] = byte;
    e->part++;
    size_t len = utf8_length(e->character, e->part);
    if (len == 0) {
        if (e->part == sizeof e->character) /* it never will be complete */
            e->part = 0;
        return EDIT_NOTHING;
    }
    e->part = 0;
    text_clean(e->character, len);
    return editor_replace(e, e->cursor, e->cursor, e->character, len);
}

enum edit_event editor_feed(struct editor *e, unsigned char byte) {
    int is_control = byte < ' ' || byte == 127;
    if (e->escape != NO_ESCAPE && byte < 128 && !is_control)
        return editor_press(e, editor_escape(e, byte));
    e->escape = byte == KEY_ESCAPE ? AFTER_ESCAPE : NO_ESCAPE;

    int begins = (byte & 0xC0) != 0x80;
    if (begins)
        e->part = 0; /* if the character before is not complete, it never will be */
    if (byte == '\t')
        byte = ' ';
    else if (is_control)
        return editor_press(e, byte);
    return editor_type(e, (char)byte);
}

const char *editor_line(const struct editor *e) { return e->history[e->lines - 1]; }

/* Of a line that is too long it shows a page; the pages overlap by half, so that there is something to see on both
 * sides of the cursor. */
size_t editor_draw(const struct editor *e, int columns, char picture[PICTURE_SIZE]) {
    int prompt = (int)strlen(PROMPT),
        room = columns - prompt - 1; /* one for a cursor behind the last character */
    const char *page = e->text, *cursor = e->text + e->cursor;
    int before, any;
    while (page + width_fit(page, (size_t)(cursor - page), room, &before) < cursor)
        page += width_fit(page, (size_t)(cursor - page), room / 2, &any);
    int len = (int)width_fit(page, strlen(page), room, &any);

    return (size_t)snprintf(picture, PICTURE_SIZE, "\r" PROMPT "%.*s\033[J\r\033[%dC", len, page,
                            prompt + before);
}
