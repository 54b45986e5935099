/* xml.c - a fuzzer for the reader of XML messages in 03-custom-protocol/message_xml.c; see message.h.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -o fuzz_xml tests/fuzz/xml.c
 *     mkdir -p new && ./fuzz_xml -max_total_time=10 new tests/fuzz/corpus/xml
 */
#define FORMAT XML
#include "message.h"
