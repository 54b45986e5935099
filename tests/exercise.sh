#!/bin/sh
# Says in words whether an exercise is solved. "make exercise-01-1 ECHO_SERVER=./mine" comes here; without a program of
# yours it looks at the lesson's own, which is where you start.
cd "$(dirname "$0")/.." || exit 2
exercise=${1#exercise-}
if sh tests/bats.sh "tests/exercises/$exercise.bats" >"${TMPDIR:-/tmp}/exercise.$$" 2>&1; then
    echo "green: exercise $exercise is solved"
    status=0
else
    # Of the rules that a check named, the last is the one that was broken.
    awk 'function tell() { if (rule) print rule; rule = "" }
        /^(not )?ok / { tell() }
        sub(/^not ok [0-9]* /, "not yet: ")
        sub(/^#  *rule: /, "    rule: ") { rule = $0 }
        /^# .* printed: / { sub(/^# /, "    "); rule = rule "\n" $0 }
        END { tell() }' "${TMPDIR:-/tmp}/exercise.$$"
    mine=$(env | grep -E '^[A-Z_]+_(SERVER|CLIENT)=' | tr '\n' ' ') # make hands down what it was called with
    echo "red: exercise $exercise is not solved; to see what came over the wire: ${mine}bats tests/exercises/$exercise.bats"
    status=1
fi
rm -f "${TMPDIR:-/tmp}/exercise.$$"
exit $status
