#!/bin/sh
# Runs Bats on the files or folders given: the installed one, else npm's, else says how to get it.
# With GNU parallel the tests run side by side, JOBS at a time (default 4): they wait most of the time. One that
# takes more than TEST_SECONDS (default 120) fails.
if command -v bats >/dev/null 2>&1; then
    bats=bats
elif command -v npx >/dev/null 2>&1; then
    bats='npx --yes bats'
else
    cat >&2 <<'END'
The tests need Bats (https://github.com/bats-core/bats-core). Get it in one of these ways:
    sh tests/install.sh            from your system's packages
    npm install -g bats            from npm
END
    exit 1
fi
if [ "${JOBS-4}" -gt 1 ] && parallel --version 2>/dev/null | grep -q '^GNU parallel'; then
    jobs="--jobs ${JOBS-4}"
fi
# No test goes on for ever, whatever the server under test does.
export BATS_TEST_TIMEOUT="${TEST_SECONDS-120}"
# shellcheck disable=SC2086 # each may be several words, or none
exec $bats ${jobs-} "$@"
