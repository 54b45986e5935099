/* xml_stream.h - XML that comes bit by bit: an XML document that stays open as long as a connection (RFC 6120, 4.1).
 *
 *     <?xml version='1.0'?>
 *     <stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='...' version='1.0'>    XML_HEADER
 *       <message to='lisi@localhost'><body>hello</body></message>                               XML_STANZA
 *       blanks, to keep the connection alive                                                    XML_SPACE
 *     </stream:stream>                                                                          XML_END
 *
 * It takes bytes, at any cut, and tells where the next of these pieces ends; xml_tree.h makes a tree of a piece. It knows
 * no XMPP and no sockets. The rules are those of XML 1.0 and Namespaces in XML 1.0, but for what RFC 6120, 11.1, forbids:
 * comments, processing instructions, DOCTYPE, and all entities but the five that XML itself has.
 */
#ifndef XML_STREAM_H
#define XML_STREAM_H

#include "xml_token.h"

#define XML_DEPTH_MAX 64  /* elements within each other, the stream's own included */
#define XML_ROOT_MAX  512 /* bytes that are kept of the stream's own tag: its name, and its namespaces */

enum xml_piece { XML_HEADER, XML_STANZA, XML_SPACE, XML_END };

struct xml_stream {      /* zeros: a new stream */
    xml_error error;     /* of the last xml_read() that returned -1 */
    enum xml_piece kind; /* of the last piece */
    size_t seen;         /* bytes of the next piece that were looked at: whole tokens */
    int in_cdata;        /* these bytes end within CDATA */
    int depth;           /* elements that are open */
    struct {
        unsigned start, length; /* where its name is, in bytes from the beginning of the piece */
    } open[XML_DEPTH_MAX];
    char root
        [XML_ROOT_MAX]; /* strings: the name of the stream's own tag; prefix, namespace, prefix, namespace, ... */
    size_t root_length; /* bytes in them */
};

/* Looks for the end of the piece that begins at `data`. Returns its length in bytes, and its kind in x->kind; or 0: it is
 * not complete: call again with the same bytes, and more behind them; or -1: it is wrong, as x->error says, and nothing
 * behind it can be understood. Blanks before the head are an XML_SPACE: a person who types ends lines. */
long xml_read(struct xml_stream *x, const char *data, size_t len);

#endif
