/* text.c - a fuzzer for the reader of text messages in 03-custom-protocol/message_text.c; see message.h.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_text tests/fuzz/text.c
 *     mkdir -p new && ./fuzz_text -max_total_time=10 new tests/fuzz/corpus/text
 */
#define FORMAT TEXT
#include "message.h"
