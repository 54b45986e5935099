#!/usr/bin/env bash
# Builds an exhibit of the museum, and fails unless the tests catch it. An exhibit is the right server with one mistake
# in it, as a patch: what the mistake looks like from outside, its symptom (one or two of those in museum.sh), the checks
# that catch it, the difference. "Perhaps by:" names a check that fails or passes with the timing. A mistake in a module
# says in which program it is shown ("Program: im_server"), and one that other tests than the program's own catch, in
# which ("Tests: 03-store.bats").
#
#     tests/museum.bash tests/museum/strlen.diff               the first check that it names must fail
#     MUSEUM=all tests/museum.bash tests/museum/strlen.diff    all that it names must fail, and all others pass, but for
#                                                              those that take long (see helpers.bash)
#     tests/museum.bash tests/exercises/01-1.wrong-toupper.diff
#         a wrong solution: a patch upon the right one, shown to the exercise's checks; "Red by:" names those that catch it
# shellcheck disable=SC2001 # sed says it more plainly than ${name//this/that}
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
exhibit=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

patches=("$exhibit")
tests=$(sed -n 's/^Tests: //p' "$exhibit")
if [[ $exhibit == */exercises/* ]]; then
    patches=("${exhibit%.wrong-*}.diff" "$exhibit")
    tests=exercises/$(basename "${exhibit%.wrong-*}").bats
fi
source=$(sed -n 's|^--- a/||p' "${patches[0]}" | head -n 1) # 01-echo/echo_server.c, or the first of several
lesson=$(dirname "$source")
name=$(sed -n 's/^Program: //p' "${patches[0]}")
name=${name:-$(basename "$source" .c)}
tests=${tests:-${lesson%%-*}-${name%_server}.bats}

mkdir -p "$work/$lesson" "$work/tests"
cp "$top/Makefile" "$work"
cp "$top/$lesson"/*.[ch] "$work/$lesson"
cp "$top"/tests/*.[ch] "$work/tests"
program=$lesson/$name
[ -f "$top/$program.c" ] || program=tests/$name # one that is only for the tests, as loop_server
for patch in "${patches[@]}"; do (cd "$work" && patch -s -p1) <"$patch" || exit 1; done
# It is built for few checks: all files at once, with no flags, take a fifth of the time.
if [ "$program" != "tests/$name" ]; then
    files=$(sh "$top/tests/single.sh" -l "$program")
    cd "$work/$lesson" || exit 1
    # shellcheck disable=SC2086 # a list of files
    { grep '^#define _' "$name.c" && printf '#include "%s"\n' ${files#"cc -o $name "}; } >all.c
    "${CC:-cc}" -w -o "$name" all.c || exit 1
    cd "$top" || exit 1
else
    make -s -C "$work" 'CFLAGS=-O2 -w' "$program" || exit 1
fi

# Prints a regular expression that matches the names in a file, and nothing else.
exactly() { # FILE
    sed 's/[][().*+?{}|^$\\]/\\&/g; s/.*/^&$/' "$1" | paste -s -d '|' -
}

sed -n -E 's/^(Caught|Red) by: //p' "$exhibit" | sort >"$work/named"
sed -n 's/^Perhaps by: //p' "$exhibit" >"$work/perhaps"
cat "$work/named" "$work/perhaps" >"$work/shown"
only=.
if [ "${MUSEUM-}" != all ]; then
    sed -n -E 's/^(Caught|Red) by: //p' "$exhibit" | head -n 1 >"$work/named"
    only=$(exactly "$work/named")
fi

# This runs inside Bats, and starts another Bats: that one must not take over the state of the first.
for variable in $(compgen -e | grep '^BATS_'); do unset "$variable"; done
PATH=$(sed 's|[^:]*/libexec/bats-core:||g' <<<"$PATH")

# Runs checks, whose answers may take so many ms; leaves the names of those that fail in $work/failed.
run() { # REGULAR-EXPRESSION MS
    env "$(tr '[:lower:]' '[:upper:]' <<<"$name")=$work/$program" POKE_MS="${POKE_MS:-$2}" \
        PATCHED=yes NAMED="$work/shown" JOBS=1 TEST_SECONDS=120 sh "$top/tests/bats.sh" -f "$1" "$top/tests/$tests" >"$work/tap" 2>&1
    sed -n 's/^not ok [0-9]* //p' "$work/tap" | sort >"$work/failed"
}

# A check that fails waits for something that never comes, so it is given less time here. One that is not expected to
# fail then has all the time in the world, for on a busy machine what is right can be late.
run "$only" 2000
grep -xFf "$work/named" "$work/failed" >"$work/caught"
grep -vxFf "$work/named" "$work/failed" | grep -vxFf "$work/perhaps" >"$work/late"
if [ -s "$work/late" ]; then
    run "$(exactly "$work/late")" 30000
    cat "$work/failed" >>"$work/caught"
fi
sort -o "$work/caught" "$work/caught"
if diff "$work/named" "$work/caught" >"$work/diff" && [ -s "$work/named" ]; then
    sed "s|^|$exhibit fails, as it should: |" "$work/named"
    exit 0
fi
echo "$exhibit: named but not failed (<), failed but not named (>):"
cat "$work/diff"
sed -n 's/^[<>] //p' "$work/diff" >"$work/wrong"
awk 'NR == FNR { wrong[$0] = 1; next }
    /^(not )?ok / { name = $0; sub(/^(not )?ok [0-9]+ /, "", name); shown = name in wrong } shown' "$work/wrong" "$work/tap"
exit 1
