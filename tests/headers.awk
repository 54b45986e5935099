# Prints the headers that C files include by "", and those that these include, each once, behind those that it includes.
#
#     awk -f tests/headers.awk 01-echo/echo_server.c        01-echo/loop.h, and so on
function headers(file, folder, line) {
    folder = file
    sub(/[^\/]*$/, "", folder)
    while ((getline line <file) > 0) {
        if (!sub(/^#include "/, "", line)) continue
        sub(/".*/, "", line)
        line = folder line
        if (seen[line]++) continue
        headers(line)
        print line
    }
    close(file)
}

BEGIN { for (i = 1; i < ARGC; i++) headers(ARGV[i]) }
