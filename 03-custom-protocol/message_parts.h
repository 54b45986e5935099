/* message_parts.h - the inside of message.c: what its three formats share. Programs include message.h.
 *
 * To read is to move a cursor over the bytes. After the first mistake it stands at the end: so every loop ends by itself,
 * and no caller has to ask. To write is to fill a buffer; what does not fit, or cannot be written, sets `failed`.
 */
#ifndef MESSAGE_PARTS_H
#define MESSAGE_PARTS_H

#include "message.h"

/* ---- Names (message.c) ---- */

const char *type_name(enum message_format format, enum message_type type);
const char *field_name(enum message_format format, enum message_field field);

/* Return what has a name of `len` bytes; TYPES or FIELDS: nothing that is known here. */
enum message_type type_find(enum message_format format, const char *name, size_t len);
enum message_field field_find(enum message_format format, const char *name, size_t len);

/* Does JSON have this field as a number? */
int field_is_number(enum message_field field);

/* ---- Reading (message_parts.c) ---- */

#define END (-1) /* what reader_peek() returns behind the last byte */

struct reader {
    const char *data;  /* the message, ... */
    size_t len;        /* ... in bytes */
    size_t at;         /* the byte that is read next: 0 to len */
    char *out;         /* where a value grows; it is never longer than what was read for it */
    const char *error; /* the first mistake, in words; NULL: none */
    size_t error_at;   /* its offset in bytes */
};

struct name { /* of a type or a field */
    const char *text;
    size_t len; /* bytes */
    size_t at;  /* offset in the message */
};

/* Notes a mistake at this offset, if it is the first one, and moves the cursor to the end. */
void reader_fail(struct reader *r, size_t at, const char *error);

/* Returns the next byte, 0 to 255, or END. */
int reader_peek(const struct reader *r);

/* Steps over these bytes and returns 1; if others come it returns 0. */
int reader_skip(struct reader *r, const char *bytes);

/* Steps over these bytes; that others come is a mistake. */
void reader_expect(struct reader *r, const char *bytes, const char *error);

void reader_skip_blanks(struct reader *r);

int is_digit(int byte);

/* Reads letters, and behind the first one also digits, - and _. */
struct name name_read(struct reader *r);

/* Reads up to `most` digits of a base, 10 or 16, and counts them. Returns their value; if that is over 0x10FFFF, any
 * number over it. */
unsigned long digits_read(struct reader *r, unsigned base, size_t most, size_t *count);

/* Takes into the value what stands for itself in every format, as much as comes of it. */
void plain_read(struct reader *r);

/* Take a character into the value: the next one, as it stands; or the one that an escape at this offset names. Not all
 * that is UTF-8 may be in a value: see PROTOCOL.md, section 2. */
void character_read(struct reader *r);
void code_read(struct reader *r, unsigned long code, size_t at);

/* Reads a string in quotes, of TEXT or JSON. Returns it; after a mistake it has no end. */
const char *string_read(struct reader *r, enum message_format format);

/* Ends a value, which began at `value`. Returns it. */
const char *value_end(struct reader *r, const char *value);

/* Returns which field that is. That the message has it already is a mistake. */
enum message_field field_of(struct reader *r, const struct message *m, enum message_format format,
                            struct name name);

/* Gives a field its value, unless it is FIELDS. */
void field_set(struct message *m, enum message_field field, const char *value);

/* ---- Writing (message_parts.c) ---- */

struct writer {
    char *out;
    size_t len;  /* bytes that are written */
    size_t size; /* bytes that there is room for */
    int failed;  /* they were too few, or a value cannot be written */
};

void put_bytes(struct writer *w, const char *bytes, size_t len);
void put_text(struct writer *w, const char *text);

/* Writes a value, with the escapes of that format. */
void put_value(struct writer *w, enum message_format format, const char *value);

/* ---- The formats (message_text.c, message_json.c, message_xml.c) ---- */

void text_read(struct reader *r, struct message *m);
void json_read(struct reader *r, struct message *m);
void xml_read(struct reader *r, struct message *m);
void text_write(struct writer *w, const struct message *m);
void json_write(struct writer *w, const struct message *m);
void xml_write(struct writer *w, const struct message *m);

/* Reads the XXXX of JSON's \uXXXX, which began at this offset. */
void unicode_read(struct reader *r, size_t at);

/* Returns how XML writes a character in a value; NULL: as it stands. */
const char *xml_escape(char c);

#endif
