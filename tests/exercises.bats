#!/usr/bin/env bats
# Exercises check themselves, and this checks the checks: the lesson's program, where a student starts, must be red, a
# solution green, and each wrong solution (the right one with an obvious mistake in it) red by the check that it names. Red
# is that a check has failed; what is not compiled, or not checked, is an error here. With EXERCISES=all (`make check`) a
# solution must pass the tests of its lesson, too, but for those that take long, and a wrong one all checks that it does not name.
# Slow: as the museum.

load helpers

# Makes the solution in $TMP, and sets LESSON, its folder, and NAME, its program.
solve() { # NUMBER
    local solution=$TOP/tests/exercises/$1.diff source
    source=$(sed -n 's|^--- a/||p' "$solution" | head -n 1) # 01-echo/echo_server.c
    LESSON=$(dirname "$source")
    NAME=$(sed -n 's/^Program: //p' "$solution")
    NAME=${NAME:-$(basename "$source" .c)}
    mkdir -p "$TMP/$LESSON"
    cp "$TOP/Makefile" "$TMP"
    cp "$TOP/$LESSON"/*.[ch] "$TMP/$LESSON"
    (cd "$TMP" && patch -s -p1) <"$solution"
    make -s -C "$TMP" "CFLAGS=-std=c11 ${EXERCISES:+-Wall -Wextra -Werror} -O${EXERCISES:+2}" "$LESSON/$NAME"
}

# Is it red with the lesson's program and with each wrong solution, and green with the right one?
exercise() { # NUMBER
    local tests wrong
    solve "$1"
    if [ "${EXERCISES-}" = all ]; then # all that run this program
        tests=$(cd "$TOP/tests" && grep -l "$(tr '[:lower:]' '[:upper:]' <<<"$NAME")" "${LESSON%%-*}"-*.bats)
        NAMED=/dev/null solved 30000 "$TMP/$LESSON/$NAME" "$tests"
    fi
    solved 30000 "$TMP/$LESSON/$NAME" "exercises/$1.bats"
    is_red "$1"
    for wrong in "$TOP/tests/exercises/$1".wrong-*.diff; do
        MUSEUM=${EXERCISES-} bash "$TOP/tests/museum.bash" "$wrong"
    done
}

# Runs tests with another program, whose answers may take so many ms.
solved() { # MS PROGRAM TESTS
    # shellcheck disable=SC2086 # TESTS may be several
    bats_within "$(tr '[:lower:]' '[:upper:]' <<<"$NAME")=$2" PATCHED=yes "POKE_MS=${POKE_MS:-$1}" TEST_SECONDS=120 $3
}

# Fails unless all checks have run with the lesson's own program, and one has failed; it waits in vain, so not for long.
is_red() { # NUMBER
    local status=0
    solved 1000 "$TOP/$LESSON/$NAME" "exercises/$1.bats" >"$TMP/start" 2>&1 || status=$?
    cat "$TMP/start"
    echo "rule: the lesson's own program is red; exit code $status"
    [ $status -eq 1 ]
    [ "$(grep -cE '^(not )?ok ' "$TMP/start")" -eq "$(grep -c '^@test ' "$TOP/tests/exercises/$1.bats")" ]
}

@test "exercises: every one has its place here, a target, solutions right and wrong, and is on the page of its lesson or wing" {
    local file number wrong name
    for file in "$TOP"/tests/exercises/*.bats; do
        number=$(basename "$file" .bats)
        echo "exercise $number"
        [ -s "${file%.bats}.diff" ]
        grep -q "{ exercise $number; }" "$BATS_TEST_FILENAME"
        grep -q "exercise-$number" "$TOP/Makefile"
        grep -q "make exercise-$number " "$TOP/${number%-*}"-*/README.md "$TOP/${number%-*}"-*/*/README.md
        grep -q '^# Grades: [A-Z_]*$' "$file"
        for wrong in "${file%.bats}".wrong-*.diff; do
            echo "$wrong has to say what is wrong, and then a name of a check: \"Red by: NAME\""
            name=$(sed -n 's/^Red by: //p' "$wrong" | head -n 1)
            grep -qF "@test \"$name\" {" "$file"
        done
    done
}

# Fails unless the command of exercise 01-1 ends with that exit code, and says a line that matches.
answers() { # EXIT-CODE PATTERN [VARIABLE=VALUE...]
    local status=0 sh
    sh=$(command -v sh)
    (
        trap - DEBUG
        for variable in $(compgen -e | grep '^BATS_'); do unset "$variable"; done
        # shellcheck disable=SC2001 # sed says it more plainly
        PATH=$(sed 's|[^:]*/libexec/bats-core:||g' <<<"$PATH")
        export JOBS=1 PATH "${@:3}"
        exec "$sh" "$TOP/tests/exercise.sh" exercise-01-1
    ) >"$TMP/answer" 2>&1 3>&- || status=$?
    echo "rule: with ${*:3} it is exit code $1, and a line like: $2; here it is $status:"
    cat "$TMP/answer"
    [ $status -eq "$1" ]
    grep -qE -- "$2" "$TMP/answer"
}

@test "exercises: the exit code is 0 for green, 1 for red, 2 for what could not be checked" {
    local tool
    solve 01-1
    mkdir "$TMP/my own" "$TMP/bin"
    mv "$TMP/01-echo/echo_server" "$TMP/my own/echo"
    answers 0 '^green: ' "ECHO_SERVER=$TMP/my own/echo"
    answers 1 '^sh tests/bats.sh tests/exercises/01-1.bats$'
    answers 1 "^ECHO_SERVER='env A=b .*' sh tests/bats.sh " "ECHO_SERVER=env A=b $TOP/01-echo/echo_server"
    answers 2 'not found' "ECHO_SERVER=$TMP/none"
    answers 2 'Permission denied' "ECHO_SERVER=$TMP/Makefile"
    answers 2 'is a folder' "ECHO_SERVER=$TMP/01-echo"
    answers 2 'is ECHO_SERVER=./README.md' ECHO_SERVER=README.md
    answers 2 'does not start' "ECHO_SERVER=sh $TMP/none"
    answers 2 'nothing about CHAT_SERVER' "CHAT_SERVER=$TMP/my own/echo"
    for tool in awk cat dirname grep mktemp rm sed sh; do ln -s "$(command -v $tool)" "$TMP/bin"; done
    answers 2 'they need Bats' "PATH=$TMP/bin"
}

@test "exercise 01-1: upper case" { exercise 01-1; }
@test "exercise 01-2: idle clients" { exercise 01-2; }
@test "exercise 01-3: how many are on the line" { exercise 01-3; }
@test "exercise 01-4: a pool of threads" { exercise 01-4; }
@test "exercise 01-5: a loop that hands its work on" { exercise 01-5; }
@test "exercise 02-1: /last" { exercise 02-1; }
@test "exercise 02-2: /topic" { exercise 02-2; }
@test "exercise 03-1: typing" { exercise 03-1; }
@test "exercise 03-2: unread" { exercise 03-2; }
@test "exercise 03-3: how many stanzas have come" { exercise 03-3; }
@test "exercise 03-4: blocking" { exercise 03-4; }
@test "exercise 04-1: both sides probe" { exercise 04-1; }
@test "exercise 04-2: WHO" { exercise 04-2; }
@test "exercise 04-3: the number of clients" { exercise 04-3; }
@test "exercise 04-4: messages that expire" { exercise 04-4; }
@test "exercise 05-1: answers a second" { exercise 05-1; }
@test "exercise 05-2: fast retransmit" { exercise 05-2; }
@test "exercise 05-3: files that are too large" { exercise 05-3; }
@test "exercise 06-1: /time" { exercise 06-1; }
@test "exercise 06-2: /who" { exercise 06-2; }
