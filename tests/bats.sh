#!/bin/sh
# Runs Bats on the files given: the installed one, else npm's. The files run side by side, JOBS at a time (default 4), for
# they wait most of the time; a few files are cut into slices. A file that says "# Slow" comes first, in small slices, so
# that none is still at work when all else has ended. What one says is shown when it has ended. At the end it says how many
# checks hold, and which were left out, by reason. Exit: 0 all hold, 1 some fail, 2 the checks cannot run here.
#
#     tests/bats.sh [-f REGULAR-EXPRESSION] FILE...     with -f those checks whose names match
#
# A program of your own (ECHO_SERVER=./mine, see helpers.bash) is graded by the files that say "Grades: ECHO_SERVER", and
# by those that say nothing of that kind. A check that takes more than TEST_SECONDS (default 120) fails.
if command -v bats >/dev/null 2>&1; then
    BATS=bats
elif command -v npx >/dev/null 2>&1; then
    BATS='npx --yes bats'
    npx --yes bats --version >/dev/null # fetches it, once
else
    cat >&2 <<'END'
The checks cannot run: they need Bats (https://github.com/bats-core/bats-core). Get it in one of these ways:
    sh tests/install.sh            from your system's packages
    npm install -g bats            from npm
END
    exit 2
fi
# No test goes on for ever, whatever the server under test does. Bats looks for the processes of a test with ps.
if command -v ps >/dev/null 2>&1; then
    export BATS_TEST_TIMEOUT="${TEST_SECONDS-120}"
else
    echo 'There is no ps here, so no test has a limit of time.' >&2
fi

filter=
if [ "${1-}" = -f ]; then
    filter=$2
    shift 2
fi

# Is a file about a program of somebody's own, or does it not say what it is about?
graded() { ! grep -q '^# Grades: ' "$1" || grep -qE "^# Grades:(.*[ ,])?($own)([ ,]|$)" "$1"; } # FILE

# Which programs are somebody's own? A patched one of the course (PATCHED) is not.
own=
# shellcheck disable=SC2013 # these are words
for variable in $(sed -n 's/^program \([A-Z_]*\) .*/\1/p' "$(dirname "$0")/helpers.bash"); do
    eval "given=\${$variable-}"
    [ -z "$given" ] || [ -n "${PATCHED-}" ] || own="$own${own:+|}$variable"
done
if [ -n "$own" ]; then
    export OWN="$own"
    given="$*"
    for file; do
        shift
        if graded "$file"; then set -- "$@" "$file"; fi
    done
    [ $# -gt 0 ] || {
        echo "There is nothing about $own in $given" >&2
        exit 2
    }
fi

# Prints the pieces of work, each a regular expression for the names of its checks, a tab, and a file. The checks of a few
# files are dealt out like cards, to as many pieces as there are JOBS, and those of a slow one to four times as many.
pieces() { # FILE...
    few=$(((${JOBS-4} + $# - 1) / $#))
    for file; do
        if grep -q '^# Slow' "$file"; then deal $((${JOBS-4} * 4)) "$file"; fi
    done
    for file; do
        grep -q '^# Slow' "$file" || deal $few "$file"
    done
}

deal() { # HANDS FILE
    if [ "$1" -eq 1 ] || [ "${JOBS-4}" -eq 1 ] || [ -n "$filter" ]; then
        printf '%s\t%s\n' "${filter:-.}" "$2"
        return
    fi
    awk -v hands="$1" -v file="$2" '/^@test "/ {
            sub(/^@test "/, ""); sub(/" \{.*/, ""); gsub(/[^A-Za-z0-9 ,:_-]+/, ".+")
            hand[n % hands] = hand[n % hands] "|" $0; n++
        }
        END { for (i = 0; i < hands && i < n; i++) print "^(" substr(hand[i], 2) ")$\t" file }' "$2"
}

REPORTS=$(mktemp -d) || exit 2
export BATS REPORTS
trap 'rm -rf "$REPORTS"' EXIT
trap 'exit 1' HUP INT TERM
# Does one piece, and prints the path of what Bats said.
# shellcheck disable=SC2016 # for the shells that xargs starts
piece='$BATS --tap -f "$(cat "$REPORTS/$1.names")" "$(cat "$REPORTS/$1.file")" >"$REPORTS/$1.tap" 2>&1 </dev/null
    status=$?
    [ $status -eq 0 ] || grep -q "^not ok " "$REPORTS/$1.tap" || echo "not ok 0 Bats ended with exit code $status" >>"$REPORTS/$1.tap"
    echo "$REPORTS/$1.tap"'

pieces "$@" | awk -F'\t' -v reports="$REPORTS" '{ print $1 >(reports "/" NR ".names"); print $2 >(reports "/" NR ".file"); print NR }' |
    xargs -n 1 -P "${JOBS-4}" sh -c "$piece" sh |
    awk '
    function show(line) { # one line of what Bats says, its number being that of all checks
        if (line ~ /^1\.\.[0-9]+$/) { planned += substr(line, 4); return }
        if (line ~ /^ok [0-9]+ /) {
            if (line ~ / # skip/) {
                reason = line; sub(/.* # skip */, "", reason)
                skipped++
                if (!times[reason]++) order[++reasons] = reason
            } else held++
            sub(/^ok [0-9]+/, "ok " ++n, line)
        } else if (line ~ /^not ok [0-9]+ /) {
            failed++
            sub(/^not ok [0-9]+/, "not ok " ++n, line)
        }
        print line
    }
    { while ((getline line <$0) > 0) show(line); close($0); fflush() }
    END {
        if (planned > n) { print "not ok " n + 1 " " planned - n " checks have not run"; failed++ }
        if (!planned) { print "There is no check of that name."; failed++ }
        printf "%d of %d checks hold", held, held + failed
        for (i = 1; i <= reasons; i++)
            printf "%s%s (%d)", (i == 1 ? "; " skipped " left out: " : ", "), order[i], times[order[i]]
        print ""
        exit failed > 0
    }'
