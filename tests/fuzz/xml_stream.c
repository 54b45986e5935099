/* xml_stream.c - a fuzzer for the XML of the wing xmpp: xml_token.c, xml_stream.c and xml_tree.c.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_xml_stream tests/fuzz/xml_stream.c
 *     mkdir -p new && ./fuzz_xml_stream -max_total_time=10 new tests/fuzz/corpus/xml_stream
 *
 * Whatever bytes come, in or out of a stream: none too many is read, they mean the same at each cut, and a piece that is
 * understood is the same piece when it is written and read once more, without control characters. With -DEXPAT and
 * -lexpat, only this is asked: does another parser, expat, take the same documents?
 */
#include "../../03-custom-protocol/xmpp/xml_stream.c"
#include "../../03-custom-protocol/xmpp/buffer.c"
#include "../../03-custom-protocol/xmpp/jid.c"
#include "../../03-custom-protocol/xmpp/text.c"
#include "../../03-custom-protocol/xmpp/xml_token.c"
#define add_text       add_text_to_tree
#define add_attributes add_attributes_to_tree
#include "../../03-custom-protocol/xmpp/xml_tree.c"
#undef add_text
#undef add_attributes
#include "../xmpp_xml.c"

int wrong_lines;

#ifdef EXPAT
#include <expat.h>

/* Does expat take it as a whole document? */
static int is_taken(const char *data, size_t len) {
    XML_Parser parser = XML_ParserCreateNS("UTF-8", '\1');
    int taken = XML_Parse(parser, data, (int)len, 1) == XML_STATUS_OK;
    XML_ParserFree(parser);
    return taken;
}

static long compared, taken_by_both;

/* Is a byte that is not ASCII in a tag, outside of values? expat has the names of an older edition. */
static int has_foreign_names(const char *data, size_t len) {
    int in_tag = 0;
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '<' || data[i] == '&')
            in_tag = 1;
        else if (data[i] == '>' || data[i] == ';')
            in_tag = 0;
        else if ((unsigned char)data[i] >= 0x80 && in_tag)
            return 1;
    }
    return 0;
}

static int ends_with(const struct buffer *told, const char *word) {
    size_t n = strlen(word);
    return told->length >= n && memcmp(told->data + told->length - n, word, n) == 0;
}

static void compare(const struct buffer *told, const char *data, size_t len, size_t cut) {
    int is_ours = ends_with(told, "end "), is_declared = len > 5 && memcmp(data, "<?xml", 5) == 0;
    (void)cut;
    if (ends_with(told, "restricted-xml ") || ends_with(told, "policy-violation ") ||
        ends_with(told, "bad-format ") || ends_with(told, "unsupported-encoding "))
        return; /* that is RFC 6120's, or a bound */
    if (len == 0 || xml_is_blank(*data) || *data == '\xef' || has_foreign_names(data, len))
        return;
    if (!is_ours && is_declared)
        return;                                         /* expat takes any version */
    for (size_t end = len; is_ours && end > 0; end--) { /* what is behind the end is not ours to read */
        struct buffer shorter = nothing;
        tell_stream(&shorter, data, end - 1, end - 1, 1);
        int is_end = ends_with(&shorter, "end ");
        buffer_free(&shorter);
        if (!is_end)
            break;
        len = end - 1;
    }
    CHECK(is_ours == is_taken(data, len), "%s by us, and not by expat: %.*s", is_ours ? "taken" : "refused",
          (int)len, data);
    compared++;
    if (compared % 100000 == 0)
        fprintf(stderr, "%ld compared, %ld taken\n", compared, taken_by_both);
    taken_by_both += is_ours;
}

#else

static void check_cut(const struct buffer *told, const char *data, size_t len, size_t first, size_t step) {
    struct buffer other = nothing;
    tell_stream(&other, data, len, first, step);
    CHECK(other.length == told->length &&
              (!told->length || memcmp(other.data, told->data, told->length) == 0),
          "%.*s: in pieces it is %.*s, not %.*s", (int)len, data, (int)other.length, other.data,
          (int)told->length, told->data);
    buffer_free(&other);
}

static void compare(const struct buffer *told, const char *data, size_t len, size_t cut) {
    check_cut(told, data, len, cut * len / 256, len + 1);
    check_cut(told, data, len, 0, 1 + cut / 16);
    if (len < 128)
        check_cut(told, data, len, 0, 1);
}
#endif

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    struct buffer data = nothing, told = nothing;
    if (size < 2)
        return 0;
    if (*bytes % 2 == 0)
        add_text(&data, HEAD);
    add(&data, (const char *)bytes + 1, size - 1);
    tell_stream(&told, data.data, data.length, data.length, 1);
    compare(&told, data.data, data.length, *bytes);
    if (wrong_lines > 0) {
        fflush(stdout);
        abort();
    }
    buffer_free(&data);
    buffer_free(&told);
    return 0;
}
