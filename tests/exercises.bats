#!/usr/bin/env bats
# Exercises check themselves, and this checks the checks: the lesson's program, where a student starts, must be red, and
# a solution green. With EXERCISES=all (`make check`) a solution must pass the tests of its lesson, too.

load helpers

# Is it red with the lesson's program, and green with its solution?
exercise() { # NUMBER
    local solution=$TOP/tests/exercises/$1.diff source lesson name tests
    source=$(sed -n 's|^--- a/||p' "$solution" | head -n 1) # 01-echo/echo_server.c
    name=$(sed -n 's/^Program: //p' "$solution")
    lesson=$(dirname "$source")
    name=${name:-$(basename "$source" .c)}
    mkdir -p "$TMP/$lesson"
    cp "$TOP/Makefile" "$TMP"
    cp "$TOP/$lesson"/*.[ch] "$TMP/$lesson"
    (cd "$TMP" && patch -s -p1) <"$solution"
    make -s -C "$TMP" "$lesson/$name"
    if [ "${EXERCISES-}" = all ]; then # all that run this program
        tests=$(cd "$TOP/tests" && grep -l "$(tr '[:lower:]' '[:upper:]' <<<"$name")" "${lesson%%-*}"-*.bats)
        solved 10000 "$name" "$TMP/$lesson/$name" "$tests"
    fi
    solved 10000 "$name" "$TMP/$lesson/$name" "exercises/$1.bats"
    ! solved 2000 "$name" "$TOP/$lesson/$name" "exercises/$1.bats" # waits in vain, so not for long
}

# Runs tests with another program, whose answers may take so many ms.
solved() { # MS NAME PROGRAM TESTS
    # shellcheck disable=SC2086 # TESTS may be several
    bats_within "$(tr '[:lower:]' '[:upper:]' <<<"$2")=$3" PATCHED=yes "POKE_MS=${POKE_MS:-$1}" TEST_SECONDS=120 $4
}

@test "exercises: every one has its place here, a target, a solution, and is on the page of its lesson or wing" {
    for file in "$TOP"/tests/exercises/*.bats; do
        number=$(basename "$file" .bats)
        echo "exercise $number"
        [ -s "${file%.bats}.diff" ]
        grep -q "{ exercise $number; }" "$BATS_TEST_FILENAME"
        grep -q "exercise-$number" "$TOP/Makefile"
        grep -q "make exercise-$number " "$TOP/${number%-*}"-*/README.md "$TOP/${number%-*}"-*/*/README.md
    done
}

@test "exercise 01-1: upper case" { exercise 01-1; }
@test "exercise 01-2: idle clients" { exercise 01-2; }
@test "exercise 01-3: how many are on the line" { exercise 01-3; }
@test "exercise 02-1: /last" { exercise 02-1; }
@test "exercise 02-2: /topic" { exercise 02-2; }
@test "exercise 03-1: typing" { exercise 03-1; }
@test "exercise 03-2: unread" { exercise 03-2; }
@test "exercise 04-1: both sides probe" { exercise 04-1; }
@test "exercise 04-2: WHO" { exercise 04-2; }
@test "exercise 05-1: answers a second" { exercise 05-1; }
@test "exercise 05-2: fast retransmit" { exercise 05-2; }
@test "exercise 05-3: files that are too large" { exercise 05-3; }
@test "exercise 06-1: /time" { exercise 06-1; }
@test "exercise 06-2: /who" { exercise 06-2; }
