/* json.c - a fuzzer for the reader of JSON messages in 03-custom-protocol/message_json.c; see message.h.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_json tests/fuzz/json.c
 *     mkdir -p new && ./fuzz_json -max_total_time=10 new tests/fuzz/corpus/json
 */
#define FORMAT JSON
#include "message.h"
