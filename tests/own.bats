#!/usr/bin/env bats
# Is a program of somebody's own graded fairly? Those in tests/own know nothing but their lesson's page. Each says in
# its head which checks fail, and why ("# Fails: NAME", several names before one reason; "# Perhaps: NAME": it depends
# on the timing). A good one has no such line. With GRADES=all (`make check`) all checks are run; else, of one that
# fails some, just the first for each reason.
# Grades: nothing but the course

load helpers

export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:+600} # s: a test here runs a whole file of them

# Grades a program in tests/own, and fails unless just those checks fail that its head names.
graded_as_stated() { # VARIABLE FILE TESTS...
    command -v python3 >/dev/null || skip "python3 is not installed"
    local only=. patience=${POKE_MS:-5000} head=$TOP/tests/own/$2
    awk -v all="${GRADES-}" 'sub(/^# Fails: /, "") { if (!again || all != "") print; again = 1; next } { again = 0 }' "$head" |
        sort >"$TMP/stated"
    sed -n 's/^# Perhaps: //p' "$head" >"$TMP/perhaps"
    if [ -s "$TMP/stated" ] && [ "${GRADES-}" != all ]; then
        only=$(sed 's/[][().*+?{}|^$\\]/\\&/g; s/.*/^&$/' "$TMP/stated" | paste -s -d '|' -)
        patience=2000 # ms: a check that is to fail waits in vain
    fi
    bats_within "$1=python3 $head" "POKE_MS=$patience" TEST_SECONDS=120 -f "$only" "${@:3}" >"$TMP/report" 2>&1 || true
    cat "$TMP/report"
    grep -q ' checks hold' "$TMP/report"
    sed -n 's/^not ok [0-9]* //p' "$TMP/report" | grep -vxFf "$TMP/perhaps" | sort >"$TMP/failed" || true
    echo "rule: the checks that fail are those that the head of $2 names (< named, > failed)"
    diff "$TMP/stated" "$TMP/failed"
}

@test "own: the good echo server passes all that it is asked" {
    graded_as_stated ECHO_SERVER echo_good.py 01-echo.bats
}

@test "own: the naive echo server fails the checks that it names" {
    graded_as_stated ECHO_SERVER echo_naive.py 01-echo.bats
}

@test "own: the good chat server passes all that it is asked" {
    graded_as_stated CHAT_SERVER chat_good.py 02-chat.bats
}

@test "own: the naive chat server fails the checks that it names" {
    graded_as_stated CHAT_SERVER chat_naive.py 02-chat.bats
}
