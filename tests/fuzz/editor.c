/* editor.c - a fuzzer for the line editor in 02-group-chat/editor.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_editor tests/fuzz/editor.c && ./fuzz_editor -max_total_time=10
 *
 * Whatever is typed: the line is clean UTF-8 and ends with its NUL, the cursor stands before a code point, and what
 * is drawn fits into its buffer and, at the first byte's number of columns, into one row.
 */
#include "../../02-group-chat/editor.c"
#include "../../02-group-chat/text.c"
#include "../../02-group-chat/width.c"

#include <stdlib.h>

static void check_line(const char *text, size_t len) {
    char clean[EDITOR_LINE];
    if (len >= EDITOR_LINE || strlen(text) != len)
        abort();
    memcpy(clean, text, len);
    text_clean(clean, len);
    if (memcmp(clean, text, len) != 0)
        abort();
}

/* Does a character begin, or the text end, at this position? */
static int is_boundary(const char *text, size_t len, size_t position) {
    size_t i = 0;
    while (i < position && i < len)
        i += utf8_length(text + i, len - i);
    return i == position;
}

static void check_picture(const struct editor *e, int columns) {
    char picture[PICTURE_SIZE];
    int taken, room = columns - (int)strlen(PROMPT);
    size_t len = editor_draw(e, columns, picture);
    if (len >= PICTURE_SIZE || strlen(picture) != len)
        abort();
    const char *text = picture + strlen("\r" PROMPT);
    size_t shown = (size_t)(strchr(text, '\033') - text);
    if (width_fit(text, shown, room, &taken) != shown)
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static struct editor editor;
    if (size == 0)
        return 0;
    memset(&editor, 0, sizeof editor);
    int columns = 10 + data[0];
    for (size_t i = 1; i < size; i++) {
        enum edit_event event = editor_feed(&editor, data[i]);
        if (event == EDIT_LINE)
            check_line(editor_line(&editor), strlen(editor_line(&editor)));
        check_line(editor.text, editor.length);
        if (editor.cursor > editor.length || !is_boundary(editor.text, editor.length, editor.cursor))
            abort();
        if (editor.shown < 0 || editor.shown > editor.lines || editor.lines > HISTORY_MAX)
            abort();
        if (event != EDIT_NOTHING)
            check_picture(&editor, columns);
    }
    return 0;
}
