#!/bin/sh
# What a maintainer wants to know before a commit, one line for each check: ok, not ok, or skipped, for want of which
# program. With CI=true a missing program is a failure. FUZZ_SECONDS (default 5) is for each fuzzer.
set -u
cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
failed=0

# Runs a command, and prints what it has to say only if it fails. NEEDS: programs, separated by blanks.
check() { # NAME NEEDS COMMAND [ARGUMENT...]
    name=$1
    for program in $2; do
        command -v "$program" >/dev/null 2>&1 && continue
        if [ "${CI-}" = true ]; then
            echo "not ok $name: $program is not installed"
            failed=1
        else
            echo "skipped $name: $program is not installed"
        fi
        return
    done
    shift 2
    if "$@" >"$log" 2>&1; then
        echo "ok $name"
    else
        echo "not ok $name"
        grep -v '^ok ' "$log" | sed 's/^/    /' | tail -n 60
        failed=1
    fi
}

# A copy of the tree to build in, with other compilers or flags; sets TREE.
copy() { # NAME
    TREE=$work/$1
    mkdir "$TREE"
    cp -R Makefile 0* tests "$TREE"
    make -s -C "$TREE" clean
}

build() { # NAME MAKE-COMMAND [VARIABLE=VALUE...]
    copy "$1"
    shift
    (cd "$TREE" && "$@") >"$work/build" 2>&1
    status=$?
    cat "$work/build"
    [ "$status" -eq 0 ] && ! grep -qi warning "$work/build"
}

strict='-std=c11 -pedantic -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Werror -O2'
plain='-std=c11 -pedantic -Wall -Wextra -Werror -O2' # musl's FD_SET itself converts signs
sanitizers='-std=c11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'

# The C files of the lessons and wings, each once: a link is a file of another lesson.
sources() { find 0* -type f -name '*.c' | sort; }

format() { find 0* tests -type f -name '*.[ch]' -exec clang-format --dry-run -Werror {} +; }

scripts() { find .ci/run 0* tests \( -name run -o -name '*.sh' -o -name '*.bash' -o -name '*.bats' \) -exec shellcheck {} +; }

# One file at a time: clang-tidy 14 finds unset va_lists where it has looked at another file before.
tidy() {
    for source in $(sources); do clang-tidy --quiet "$source" -- -std=c11 || return 1; done
}

cpp_check() {
    sources | xargs cppcheck -q --std=c11 --enable=warning,performance,portability --error-exitcode=1
}

under_sanitizers() {
    build sanitized make "CFLAGS=$sanitizers" all tests/codec tests/loop_server || return 1
    # Leaks are valgrind's work: LeakSanitizer can hang in a program whose terminal has been taken away.
    SEEDS=20 ASAN_OPTIONS=detect_leaks=0 BUILD=$TREE sh tests/bats.sh tests/0*.bats tests/promises.bats
}

under_valgrind() {
    mkdir -p "$work/valgrind"
    for program in $(make -s programs) tests/codec; do
        mkdir -p "$work/valgrind/$(dirname "$program")"
        cat >"$work/valgrind/$program" <<END
#!/bin/sh
exec valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible "$PWD/$program" "\$@"
END
        chmod +x "$work/valgrind/$program"
    done
    # Not the checks that count descriptors and CPU time, for valgrind needs some of both itself.
    BUILD=$work/valgrind POKE_MS=20000 TEST_SECONDS=600 sh tests/bats.sh -f "$valgrind_tests" tests/0*.bats
}
valgrind_tests='^(echo: (a (line|half|client)|bytes|pieces|16|after)|menu|client: (what|nothing|with|a server|-v)|chat client)'
valgrind_tests="$valgrind_tests|^protocol: (a value|what is no|im_server|file_server)"
valgrind_tests="$valgrind_tests|^heartbeat: (HELLO|what (is|it)|a (line|message|gap|second|HELLO)|control|telnet|also|half)"
valgrind_tests="$valgrind_tests|^heartbeat client: (each|nothing|what|BYE|-v)"
valgrind_tests="$valgrind_tests|^udp: (a datagram|the empty|bytes|what)|^udp client: (nothing|a line|garbage|more|the longest)"
valgrind_tests="$valgrind_tests|^(ws: (the answer|names|a handshake|a request is|a subprotocol|a chat)|frames: (every|with)|ws client: (lines|a line|the answer may|a ping|text))"

# The servers' tests once more, with every byte by itself, or in pieces of any size. Not those in which the proxy
# would be tested instead: for it takes the newcomers and the resets, fills up first, and has a port of its own.
through() { # OPTION...
    THROUGH="$*" sh tests/bats.sh -f "$through_tests" tests/0*.bats
}
through_tests='^(echo: (a (line|client that is silent)|bytes|pieces|after|300)|menu:|chat: (a (line|name)|lines|half|many|much|control|telnet|what|nobody|an|who (is|closes)|the last|/|of two|storms))'
through_tests="$through_tests|^im: (people|wrong|who is not|whom|a (request|file|length|frame|second)|what (is no|cannot)|presence)"
through_tests="$through_tests|^file: (ok to|frames|a mistake|only a path|an error|bytes)"
through_tests="$through_tests|^ws: (the answer|names|a (head|refusal|request is|subprotocol)|what is|in a chat nobody|-v)"

fuzz() { # NAME
    corpus=$PWD/tests/fuzz/corpus/$1
    [ -d "$corpus" ] || corpus=''
    clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o "$work/fuzz" "tests/fuzz/$1.c" &&
        mkdir "$work/$1" &&
        (cd "$work" && ./fuzz -max_total_time="${FUZZ_SECONDS:-5}" -max_len=4096 "$1" ${corpus:+"$corpus"})
}

museum() {
    make -s all tools && MUSEUM=all TEST_SECONDS=900 sh tests/bats.sh tests/museum.bats
}

exercises() {
    make -s all tools && EXERCISES=all TEST_SECONDS=900 sh tests/bats.sh tests/exercises.bats
}

# What keeps one core busy, or mostly waits, goes on beside the rest, and is told of at the end.
beside() {
    log=$work/beside.log
    check 'analysis: clang-tidy' clang-tidy tidy
    check 'fuzz: lines' clang fuzz lines
    check 'fuzz: the line editor' clang fuzz editor
    check 'fuzz: frames' clang fuzz frame
    check 'fuzz: records' clang fuzz record
    check 'fuzz: text' clang fuzz text
    check 'fuzz: JSON' clang fuzz json
    check 'fuzz: XML' clang fuzz xml
    check 'fuzz: TFTP packets' clang fuzz tftp
    check 'fuzz: WebSocket requests' clang fuzz handshake
    check 'fuzz: WebSocket frames' clang fuzz ws_frame
    check 'fuzz: UTF-8' clang fuzz utf8
    check 'fuzz: base64' clang fuzz base64
    check 'tests in full: all programs compile from their folders, and as one file' bats env FULL=1 sh tests/bats.sh -f compile tests/house.bats
    check 'tests in full: all sizes, characters and flipped bits, 20 seeds of a bad link' 'bats curl tftp atftp atftpd busybox' \
        env FULL=1 TEST_SECONDS=900 sh tests/bats.sh tests/05-tftp-real.bats tests/03-journal.bats tests/03-protocol.bats
}

beside >"$work/beside" &
check 'format: clang-format' clang-format format
check 'scripts: shellcheck' shellcheck scripts
check 'build: gcc, every warning an error' gcc build gcc make CC=gcc "CFLAGS=$strict" all tests/poke tests/codec tests/loop_server
check 'build: clang' clang build clang make CC=clang "CFLAGS=$strict" all tests/poke tests/codec tests/loop_server
check 'build: musl libc' musl-gcc build musl make CC=musl-gcc "CFLAGS=$plain" all tests/poke tests/codec tests/loop_server
check 'build: bmake' bmake build bmake bmake all tools
check 'build: all of them, with no flags' cc build plain make CFLAGS= all
check 'analysis: cppcheck' cppcheck cpp_check
check 'tests under address and undefined sanitizers' bats under_sanitizers
check 'tests under valgrind' 'valgrind bats' under_valgrind
check 'tests through flaky_proxy -c 1' bats through -c 1
check 'tests through flaky_proxy -c random' bats through -c random
check 'crash: 200 times' bats env KILLS=200 sh tests/bats.sh -f 'kill -9' tests/03-im.bats
check 'museum: each exhibit fails the checks that it names, and no other' 'bats patch' museum
check 'exercises: a solution passes its check and the tests of its lesson' 'bats patch' exercises
check 'own: programs in Python fail the checks that they name, and no other' 'bats python3' env GRADES=all TEST_SECONDS=900 sh tests/bats.sh tests/own.bats
wait
cat "$work/beside"
grep -q '^not ok' "$work/beside" && failed=1
exit $failed
