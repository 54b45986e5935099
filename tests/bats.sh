#!/bin/sh
# Runs Bats on the files or folders given: the installed one, else npm's. At the end it says how many checks hold, and
# which were left out, by reason. Exit: 0 none has failed, 1 some have, 2 the checks cannot run here.
#
# A program of your own (ECHO_SERVER=./mine, see helpers.bash) is graded by the files that say "Grades: ECHO_SERVER", and
# by those that say nothing of that kind. With GNU parallel the tests run side by side, JOBS at a time (default 4), for
# they wait most of the time. One that takes more than TEST_SECONDS (default 120) fails.
if command -v bats >/dev/null 2>&1; then
    bats=bats
elif command -v npx >/dev/null 2>&1; then
    bats='npx --yes bats'
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

# Several files side by side take less than the tests of one, as long as there are files enough.
if [ "${JOBS-4}" -gt 1 ] && parallel --version 2>/dev/null | grep -q '^GNU parallel'; then
    jobs="--jobs ${JOBS-4}"
    [ $# -le "${JOBS-4}" ] || jobs="$jobs --no-parallelize-within-files"
fi

report=$(mktemp -d) || exit 2
trap 'rm -rf "$report"' EXIT
trap 'exit 1' HUP INT TERM
# shellcheck disable=SC2086 # each may be several words, or none
$bats ${jobs-} --report-formatter tap --output "$report" "$@"
status=$?

[ ! -s "$report/report.tap" ] || awk '
    /^ok .* # skip/ { reason = $0; sub(/.* # skip */, "", reason); skipped++; if (!times[reason]++) order[++reasons] = reason }
    /^ok / && !/ # skip/ { held++ }
    /^not ok / { failed++ }
    END {
        printf "%d of %d checks hold", held, held + failed
        for (i = 1; i <= reasons; i++)
            printf "%s%s (%d)", (i == 1 ? "; " skipped " left out: " : ", "), order[i], times[order[i]]
        print ""
    }' "$report/report.tap"
exit $status
