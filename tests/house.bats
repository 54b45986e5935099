#!/usr/bin/env bats
# The order of the house: what stands where, what is repeated on purpose, what the pages show, what the demo leaves.

load helpers

@test "house: nothing else stands at the top level" {
    git -C "$TOP" ls-files >"$TMP/files" 2>/dev/null || skip "this is no git checkout"
    planned='\..*|01-echo|02-group-chat|03-custom-protocol|04-heartbeat|05-udp|06-websocket-handshake'
    sed 's|/.*||' "$TMP/files" | sort -u | grep -vxE "$planned|tests|Makefile|README\.md" >"$TMP/others" || true
    cat "$TMP/others"
    [ ! -s "$TMP/others" ]
}

@test "house: every lesson has its page and its demo" {
    for lesson in "$TOP"/0*; do
        [ -s "$lesson/README.md" ]
        [ -s "$lesson/demo.sh" ]
    done
}

@test "house: repeated blocks are the same everywhere" {
    sh "$TOP/tests/plumbing.sh" check
}

@test "house: a program of one file compiles alone, with no flags and no warning" {
    for source in "$TOP"/0*/*.c; do
        grep -q '^#include "' "$source" && continue
        grep -q '^int main(' "$source" || continue
        echo "$source"
        ${CC:-cc} -o "$TMP/alone" "$source" 2>&1 | tee "$TMP/warnings"
        [ ! -s "$TMP/warnings" ]
        "$TMP/alone" -h >/dev/null
    done
}

@test "house: no lesson needs anything but its own folder, libc and POSIX" {
    cd "$TOP"
    for source in 0*/*.[ch]; do
        grep -q '^#include "[^"/]*"\|^#include <' "$source"
        if grep -nE '#include "(\.\.|/)|#include <(linux|sys/epoll|sys/event|bsd|openssl)|_GNU_SOURCE' "$source"; then
            echo "in $source"
            return 1
        fi
    done
}

# Plays the transcripts of a page; where Linux allows it, in a network of their own, in which all ports are free.
transcripts() { # PAGE
    local status=0
    if unshare -rn ip link set lo up 2>/dev/null; then
        unshare -rn sh -c 'ip link set lo up && exec bash "$@"' sh "$TOP/tests/transcript.bash" "$1" || status=$?
    else
        bash "$TOP/tests/transcript.bash" "$1" || status=$?
    fi
    [ $status -ne 77 ] || skip "no program of its transcripts is installed"
    return $status
}

# The pages use the default ports, so their transcripts are played one after another, in one test.
@test "house: the transcripts of all pages show what happens" {
    for page in "$TOP"/README.md "$TOP"/0*/README.md; do transcripts "$page"; done
}

@test "house: the demo plays in a pipe without colours, and leaves no process and no file" {
    mkdir "$TMP/tmp"
    TMPDIR=$TMP/tmp make -s -C "$TOP" demo >"$TMP/out" 2>&1 3>&-
    if grep -q $'\033' "$TMP/out"; then
        echo "an escape sequence in a pipe"
        return 1
    fi
    [ -z "$(ls -A "$TMP/tmp")" ]
    # Ports that the demo's servers said they listened on: nobody does any more.
    sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$TMP/out" | while read -r port; do
        if (exec 5<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "somebody still listens on port $port"
            return 1
        fi
    done
}
