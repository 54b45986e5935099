#!/usr/bin/env bash
# Builds an exhibit of the museum, and fails unless the tests catch it. An exhibit is the right server with one mistake
# in it, as a patch: what the mistake looks like from outside, the checks that catch it, the difference. "Perhaps by:"
# names a check that fails or passes with the timing. A mistake in a module says in which program it is shown ("Program:
# im_server"), and one that other tests than the program's own catch, in which ("Tests: 03-store.bats").
#
#     tests/museum.bash tests/museum/strlen.diff               the first check that it names must fail
#     MUSEUM=all tests/museum.bash tests/museum/strlen.diff    all that it names must fail, and all others pass
# shellcheck disable=SC2001 # sed says it more plainly than ${name//this/that}
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
exhibit=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

source=$(sed -n 's|^--- a/||p' "$exhibit") # 01-echo/echo_server.c
lesson=$(dirname "$source")
name=$(sed -n 's/^Program: //p' "$exhibit")
name=${name:-$(basename "$source" .c)}
tests=$(sed -n 's/^Tests: //p' "$exhibit")
tests=${tests:-${lesson%%-*}-${name%_server}.bats}

mkdir -p "$work/$lesson"
cp "$top/Makefile" "$work"
cp "$top/$lesson"/*.[ch] "$work/$lesson"
(cd "$work" && patch -s -p1) <"$exhibit" && make -s -C "$work" 'CFLAGS=-O2 -w' "$lesson/$name" || exit 1

sed -n 's/^Caught by: //p' "$exhibit" | sort >"$work/named"
if [ "${MUSEUM-}" = all ]; then
    only=.
else
    first=$(sed -n 's/^Caught by: //p' "$exhibit" | head -n 1)
    only="^$(sed 's/[][().*+?{}|^$\\]/\\&/g' <<<"$first")\$"
    echo "$first" >"$work/named"
fi

# This runs inside Bats, and starts another Bats: that one must not take over the state of the first.
for variable in $(compgen -e | grep '^BATS_'); do unset "$variable"; done
PATH=$(sed 's|[^:]*/libexec/bats-core:||g' <<<"$PATH")

# A check that fails waits for something that never comes, so it is given less time here.
env "$(tr '[:lower:]' '[:upper:]' <<<"$name")=$work/$lesson/$name" POKE_MS="${POKE_MS:-2000}" \
    JOBS=1 sh "$top/tests/bats.sh" -f "$only" "$top/tests/$tests" >"$work/tap" 2>&1
sed -n 's/^not ok [0-9]* //p' "$work/tap" | sort >"$work/failed"
sed -n 's/^Perhaps by: //p' "$exhibit" >"$work/perhaps"
grep -vxFf "$work/perhaps" "$work/failed" >"$work/surely"
diff "$work/named" "$work/surely" >"$work/diff" && [ -s "$work/named" ] && exit 0
echo "$exhibit: named but not failed (<), failed but not named (>):"
cat "$work/diff"
sed -n 's/^[<>] //p' "$work/diff" >"$work/wrong"
awk 'NR == FNR { wrong[$0] = 1; next }
    /^(not )?ok / { name = $0; sub(/^(not )?ok [0-9]+ /, "", name); shown = name in wrong } shown' "$work/wrong" "$work/tap"
exit 1
