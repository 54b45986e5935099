#!/bin/sh
# Prints an interview card: a function of the course with all that it needs (includes, constants, types, other functions
# of its file), so that it compiles by itself.
#
#     tests/card.sh utf8_length         where several programs have one, that of the first
#     tests/card.sh frame_decode 06     that of lesson 06
#     tests/card.sh                     the names of the functions that there are
cd "$(dirname "$0")/.." || exit 2

# The C files of a lesson and its wings: links, too, for a module belongs to each program that uses it. First the modules,
# then the programs.
sources() { # BEGINNING-OF-THE-FOLDER
    # shellcheck disable=SC2046 # a list of files
    set -- $(find "$1"* -name '*.c' | sort)
    grep -L '^int main(' "$@"
    grep -l '^int main(' "$@"
}

if [ $# -eq 0 ]; then
    sources 0 | xargs sed -n 's/^[a-z][a-z_ *]*[ *]\([a-z][a-z0-9_]*\)(.*{.*/\1/p' | grep -vx main | sort -u
    exit
fi

file=$(sources "${2-0}" | xargs grep -lE "^[a-z][a-z0-9_ *]*[ *]$1\(.*[^;]\$" | head -n 1)
if [ -n "$file" ]; then
    echo "/* $1, from $file of the course; cc -c compiles it. */"
    # shellcheck disable=SC2046 # a list of files
    exec awk -v card="$1" -f tests/card.awk $(awk -f tests/headers.awk "$file") "$file"
fi
echo "there is no function called $1${2+ in lesson $2}; tests/card.sh lists all" >&2
exit 1
