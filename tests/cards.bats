#!/usr/bin/env bats
# Interview cards: a question, its answer, and the function that shows it, which can be had by itself.
# Grades: nothing but the course

load helpers

# Prints the functions that the answers of a page name in the last column of their tables, each behind its lesson: for a
# wing, that of its lesson.
# shellcheck disable=SC2016 # the backticks are those of the page
named() { # PAGE
    local lesson
    lesson=${1#"$TOP"/}
    sed -n '/^## .*[Ii]nterview/,/^## /p' "$1" | awk -F'|' -v lesson="${lesson%%-*}" '/^\|/ {
        if ($2 ~ /^ 0[1-9] $/) { split($2, own, " "); lesson = own[1] }
        for (rest = $(NF - 1); match(rest, /`[a-z_0-9]+`/); rest = substr(rest, RSTART + RLENGTH))
            print lesson, substr(rest, RSTART + 1, RLENGTH - 2)
    }' | sort -u
}

@test "cards: every function that an interview answer names is there, with its body, and compiles by itself" {
    for page in "$TOP"/README.md "$TOP"/0*/README.md "$TOP"/0*/*/README.md; do
        named "$page" >"$TMP/named"
        echo "$page"
        [ -s "$TMP/named" ]
        cat "$TMP/named" >>"$TMP/all"
    done
    sort -u "$TMP/all" >"$TMP/cards"
    while read -r lesson card; do
        echo "lesson $lesson: $card"
        sh "$TOP/tests/card.sh" "$card" "$lesson" >"$TMP/$lesson-$card.c"
        tr '\n' ' ' <"$TMP/$lesson-$card.c" | grep -qE "[ *]$card\(([^;{}()]|\([^()]*\))*\) \{"
    done <"$TMP/cards"
    # A callback that a lesson adds stays a declaration, which compilers mention.
    ${CC:-cc} -std=c11 -pedantic -Wall -Wextra -Wno-unused-function -Wno-unused-variable -fsyntax-only "$TMP"/*.c 2>"$TMP/said" || true
    if grep -E 'error|warning' "$TMP/said" | grep -vE 'used but never defined|has internal linkage but is not defined'; then
        return 1
    fi
}

@test "cards: a function that there is not is an error, in words" {
    if sh "$TOP/tests/card.sh" no_such_function >"$TMP/out" 2>"$TMP/err"; then return 1; fi
    [ ! -s "$TMP/out" ]
    grep -q 'there is no function called no_such_function' "$TMP/err"
}
