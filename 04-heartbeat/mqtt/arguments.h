/* arguments.h - the options of mqtt_client. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "talk.h"

/* Reads the options into a talk (and `verbose`), which refers to the arguments from then on; optind is then the index
 * of the first operand. With -h, or a wrong option, or a string that MQTT does not allow, ends the program. */
void read_arguments(struct talk *t, int argc, char **argv);

#endif
