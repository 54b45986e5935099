#!/bin/sh
# Prints a program of the course as one C file: its header comment, each include once, the headers of its modules, their
# code, its own. Which modules, is read from the line "cc -o NAME NAME.c ..." in the header comment.
#
#     tests/single.sh 02-group-chat/chat_server >chat_server.c; cc -o chat_server chat_server.c
#     tests/single.sh -l 02-group-chat/chat_server        only that line, without what stands behind it
cd "$(dirname "$0")/.." || exit 2
only_line=''
if [ "${1-}" = -l ]; then
    only_line=yes
    shift
fi
program=${1-}
source=$program.c
folder=$(dirname "$program")
name=$(basename "$program")
if [ ! -f "$source" ] || ! grep -q '^int main(' "$source"; then
    echo "there is no program called '$program'; make programs lists all" >&2
    exit 1
fi

# The line, joined where it goes on (\), and cut behind the last file.
line=$(awk -v command="cc -o $name " '
    on { sub(/^ \*[ ]*/, "") }
    !on && (at = index($0, command)) { $0 = substr($0, at); on = 1 }
    on && sub(/ *\\$/, " ") { line = line $0; next }
    on { print line $0; exit }' "$source" | tr -s ' ' | sed "s/^\(cc -o $name\( [a-z_0-9]*\.c\)*\).*/\1/")
if [ -n "$only_line" ]; then
    echo "$line"
    exit
fi

# The files, in the order of the line, which names first what is built on the others.
files=$(echo "${line#"cc -o $name "}" | tr ' ' '\n' | sed "s|^|$folder/|")
# shellcheck disable=SC2086 # a list of files
parts=$(
    awk -f tests/headers.awk $files
    echo "$files" | awk '{ file[NR] = $0 } END { while (NR > 1) print file[NR--] }'
)

# shellcheck disable=SC2086 # a list of files
awk -v source="$source" '
    FILENAME == source && !headed {
        if (/\*\/$/) headed = 1
        head = head $0 "\n"
        next
    }
    /^#define _[A-Z_]*(_SOURCE|_BITS) / { if (!seen[$0]++) macros = macros $0 "\n"; next }
    /^#include/ { if (/</ && !seen[$0]++) include[++includes] = $0; next }
    /^#ifndef [A-Z0-9_]*_H$/ { guard = $2; next }
    /^#if/ { inside++ }
    $0 == "#define " guard { next }
    /^#endif/ && inside-- == 0 { inside = 0; next }
    { code = code $0 "\n" }
    END {
        printf "%s%s\n", head, macros
        for (i = 2; i <= includes; i++) # sorted: there are few
            for (j = i; j > 1 && include[j - 1] > include[j]; j--) {
                swap = include[j]; include[j] = include[j - 1]; include[j - 1] = swap
            }
        for (i = 1; i <= includes; i++) print include[i]
        printf "\n%s", code
    }' $parts "$source" | awk '/./ { blank = 0 } /^$/ && blank++ { next } { print }'
