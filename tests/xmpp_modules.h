/* xmpp_modules.h - the parts of xmpp_modules: logins by SCRAM (xmpp_scram.c), XML and addresses (xmpp_xml.c). */
#ifndef XMPP_MODULES_H
#define XMPP_MODULES_H

#include <stdio.h>
#include <string.h>

extern int wrong_lines; /* printed by CHECK */

/* Prints a line, as printf() does, if something is not so; after 20 lines it is enough. */
#define CHECK(right, ...)                                                                                    \
    do {                                                                                                     \
        if (!(right) && wrong_lines++ < 20) {                                                                \
            printf(__VA_ARGS__);                                                                             \
            puts("");                                                                                        \
        }                                                                                                    \
    } while (0)

/* What a login is made of: the vectors of RFC 2202 and RFC 6070. */
void scram_check_hmac(void);
void scram_check_pbkdf2(void);

/* The exchange of RFC 5802, section 5. */
void scram_check_example(void);

/* Each message by itself: its fields, the names in it, and the longest one. */
void scram_check_first(void);
void scram_check_names(void);
void scram_check_longest(void);
void scram_check_final(void);
void scram_check_proof(void);

/* What is changed on its way, cut off, or of another login. */
void scram_check_changed(void);
void scram_check_other(void);

/* How long the keys of one password take; prints it. */
void scram_time(void);

/* Take a line, "INPUT => OUTCOME", with \n, \r, \t and \xNN in it: of a stanza, of a whole stream, of an address. */
void xml_check_stanza(char *line);
void xml_check_stream(char *line);
void xml_check_address(char *line);

/* The bounds, and one more; what xml_set() changes. */
void xml_check_bounds(void);
void xml_check_changes(void);

/* A whole stream of a client, from stdin: it is understood, and alike at each cut. */
void xml_check_recording(void);

#endif
