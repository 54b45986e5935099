/* poke_xml.h - XML elements in one form, however somebody has written them. */
#ifndef POKE_XML_H
#define POKE_XML_H

#include "poke_bytes.h"

/* Takes the element that `data` begins with, blanks before it skipped, and appends it to `out`: quotes ', attributes in the
 * order of their names, prefixes resolved to xmlns='...', references and CDATA as text, <a></a> for <a/>. Around it is
 * jabber:client, and "stream" is the prefix of the streams namespace. What an XMPP server may add as it likes is left out:
 * the text of an error, its `by`, of a stanza xml:lang, and `to` of a presence or an iq. Returns how many bytes were taken; 0: it is not whole yet; -1: it is no XML. */
long xml_read_element(const unsigned char *data, size_t len, struct bytes *out);

/* Are two elements of that form the same? A * in `want` stands for any text without markup. */
int xml_matches(const struct bytes *want, const struct bytes *got);

#endif
