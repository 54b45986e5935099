/* xmpp_modules.c - the modules of the wing xmpp, for 03-xmpp-modules.bats. Prints what is wrong; nothing: all is right.
 *
 *     xmpp_modules hmac       HMAC-SHA-1 of the vectors of RFC 2202; likewise pbkdf2, of RFC 6070
 *     xmpp_modules example    the login by SCRAM that stands in RFC 5802
 *     xmpp_modules first      the first message of a client: what is taken and what is refused; likewise names, longest
 *     xmpp_modules final      the last message of a client; likewise proof
 *     xmpp_modules changed    messages that are changed on their way; likewise other: those of another login
 *     xmpp_modules stanzas    stdin: "INPUT => OUTCOME", a line each; likewise streams, addresses
 *     xmpp_modules bounds     the largest XML that is taken, and one more; likewise changes, of a tree
 *     xmpp_modules recording  stdin: what a client has sent, at each cut
 *     xmpp_modules time       prints how long the keys of a password take
 */
#include "xmpp_modules.h"

int wrong_lines; /* printed */

static void each_line(void (*check)(char *line)) {
    static char line[8192];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        check(line);
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *what;
        void (*check)(void);
        void (*check_line)(char *line);
    } parts[] = {{"hmac", scram_check_hmac, NULL},
                 {"pbkdf2", scram_check_pbkdf2, NULL},
                 {"example", scram_check_example, NULL},
                 {"first", scram_check_first, NULL},
                 {"names", scram_check_names, NULL},
                 {"longest", scram_check_longest, NULL},
                 {"final", scram_check_final, NULL},
                 {"proof", scram_check_proof, NULL},
                 {"changed", scram_check_changed, NULL},
                 {"other", scram_check_other, NULL},
                 {"time", scram_time, NULL},
                 {"stanzas", NULL, xml_check_stanza},
                 {"streams", NULL, xml_check_stream},
                 {"addresses", NULL, xml_check_address},
                 {"bounds", xml_check_bounds, NULL},
                 {"changes", xml_check_changes, NULL},
                 {"recording", xml_check_recording, NULL}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && argc == 2; i++)
        if (strcmp(parts[i].what, argv[1]) == 0) {
            if (parts[i].check)
                parts[i].check();
            else
                each_line(parts[i].check_line);
            return wrong_lines > 0;
        }
    fprintf(stderr, "xmpp_modules: see the head of tests/xmpp_modules.c\n");
    return 2;
}
