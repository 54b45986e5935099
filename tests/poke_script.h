/* poke_script.h - reads a script, and runs it line by line. The language is described by poke -h. */
#ifndef POKE_SCRIPT_H
#define POKE_SCRIPT_H

#include "poke_bytes.h"

/* Reads all of stdin into an empty string, and ends each of its lines in NUL. */
void script_read(struct bytes *script);

/* Runs a script that was read; before that, once through, it only parses it. Returns if all steps went well; else the
 * program ends with a report. */
void script_run(const struct bytes *script);

#endif
