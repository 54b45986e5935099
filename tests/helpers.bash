# What the tests have in common; tests/README.md says how a check is written. A program under test is found through a
# variable (ECHO_SERVER, MENU_SERVER, ...), so that one of your own is graded by the same tests:
# make test-01 ECHO_SERVER=./my_server, or ECHO_SERVER="python3 my_server.py".

TOP=${BASH_SOURCE[0]%/tests/*} # load gives the whole path
POKE=$TOP/tests/poke
PROC=${PROC-/proc} # Linux tells things there; what uses it does without elsewhere

# Sets a variable to the program that it shall name: what the user has given, else the one built in the course. A command
# of several words becomes a script, so that every test can start it like a program.
program() { # NAME PATH
    local given=${!1-} word command=''
    case $given in
    '') given=${BUILD:-$TOP}/$2 ;;
    *' '*)
        if [ ! -x "$given" ]; then
            for word in $given; do
                [ ! -e "$word" ] || word=$(cd "$(dirname "$word")" && pwd)/$(basename "$word")
                command+=" '$word'"
            done
            given=$BATS_RUN_TMPDIR/$1
            printf '#!/bin/sh\nexec%s "$@"\n' "$command" >"$given.$$"
            chmod +x "$given.$$"
            mv "$given.$$" "$given"
        fi
        ;;
    /*) ;;
    */*) given=$PWD/$given ;;
    esac
    printf -v "$1" %s "$given"
}

program ECHO_SERVER 01-echo/echo_server
program ECHO_SELECT 01-echo/echo_select
program ECHO_CLIENT 01-echo/echo_client
program ECHO_BENCH 01-echo/echo_bench
program ECHO_FORK 01-echo/designs/echo_fork
program ECHO_PREFORK 01-echo/designs/echo_prefork
program ECHO_THREADS 01-echo/designs/echo_threads
program ECHO_POLL 01-echo/designs/echo_poll
program MENU_SERVER 01-echo/menu_server
program CHAT_SERVER 02-group-chat/chat_server
program CHAT_CLIENT 02-group-chat/chat_client
program XMPP_SERVER 03-custom-protocol/xmpp/xmpp_server
program FILE_SERVER 03-custom-protocol/file_server
program IM_CLIENT 03-custom-protocol/im_client
program IM_SERVER 03-custom-protocol/im_server
program XMPP_SERVER 03-custom-protocol/xmpp/xmpp_server
program CODEC tests/codec
program LOOP_SERVER tests/loop_server
program HEARTBEAT_SERVER 04-heartbeat/heartbeat_server
program HEARTBEAT_CLIENT 04-heartbeat/heartbeat_client
program BACKOFF 04-heartbeat/backoff
program MQTT_BROKER 04-heartbeat/mqtt/mqtt_broker
program MQTT_CLIENT 04-heartbeat/mqtt/mqtt_client
program FLAKY_PROXY 04-heartbeat/flaky_proxy
program UDP_ECHO_SERVER 05-udp/udp_echo_server
program UDP_ECHO_CLIENT 05-udp/udp_echo_client
program TFTP_SERVER 05-udp/tftp/tftp_server
program TFTP_CLIENT 05-udp/tftp/tftp_client
program WS_SERVER 06-websocket-handshake/ws_server
program WS_CLIENT 06-websocket-handshake/ws_client

# Every test has a folder of its own, and leaves nothing behind.
setup() {
    # Bats notes each command before it runs, for the line of a failure. That takes half of the time of a test, so it is
    # kept for the test's own file, a line of which the failure names.
    trap '[[ $BASH_SOURCE == */helpers.bash ]] || bats_debug_trap "$BASH_SOURCE"' DEBUG
    TMP=${BATS_TEST_TMPDIR-} # an old Bats (before 1.4) makes none
    [ -n "$TMP" ] || TMP=$(mktemp -d)
    STARTED=() # the processes to end
}

teardown() {
    local pid
    [ -n "${BATS_TEST_COMPLETED-}${BATS_TEST_SKIPPED-}" ] || explain
    exec 5>&- 6>&- 7>&- 8>&- 9>&- # a server's children (01-echo/designs) outlive it, until their clients have gone
    for pid in ${STARTED[@]+"${STARTED[@]}"}; do
        kill -s KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    [ -n "${BATS_TEST_TMPDIR-}" ] || rm -rf "$TMP" # that one Bats removes
}

# Says what helps with a check that has failed: what the server said last, how it ended, and which exhibits of the museum
# fail it, too. Those that fail the fewest checks besides tell the most, so these come first, and three are enough.
explain() {
    local status=0 exhibit
    if [ -s "${LOG-}" ]; then
        for _ in {1..10}; do
            kill -0 "$PID" 2>/dev/null || break
            pause
        done
        if ! kill -0 "$PID" 2>/dev/null; then
            wait "$PID" 2>/dev/null || status=$?
            echo "the server has ended, with exit code $status; its last lines on stderr:"
        fi
        tail -n 5 "$LOG" | sed 's/^/server: /'
    fi
    [ -z "${PATCHED-}" ] || return 0
    grep -lxF -- "Caught by: $BATS_TEST_DESCRIPTION" "$TOP"/tests/museum/*.diff | while read -r exhibit; do
        echo "$(grep -c '^Caught by: ' "$exhibit") $(basename "$exhibit" .diff)"
    done | sort -n | awk '
        NR <= 3 { print "the exhibit " $2 " fails this check, too: make museum EXHIBIT=" $2 }
        END { if (NR > 3) print "and so do " NR - 3 " more exhibits" }'
}

# Leaves a check out when somebody's own program is graded (tests/bats.sh sets OWN): it is about another program, or asks
# for what only the course's own promise, as -v, -a, or the words of a log.
ours() { [ -z "${OWN-}" ] || skip "only the course's own programs promise that"; }

# Runs a step of a check, unless somebody's own program is graded: one that asks for more than what the check is about.
of_ours() { [ -n "${OWN-}" ] || "$@"; } # COMMAND...

# Leaves a check out when programs of somebody's own are graded, and this is none of them.
about() { # VARIABLE
    [[ -z ${OWN-} || "|$OWN|" == *"|$1|"* ]] || skip "this is about another program"
}

# Leaves a check out that takes long, where NAMED is the file of those that matter: each exhibit of the museum is shown to
# all short checks of its lesson, and to those that it names.
takes_long() {
    [ -z "${NAMED-}" ] || grep -qxF -- "$BATS_TEST_DESCRIPTION" "$NAMED" || skip "it takes long"
}

needs_ipv6() { (exec 5<>/dev/udp/::1/9) 2>/dev/null || skip "no IPv6 here"; }

# Waits so many seconds, and needs no process for it: nobody writes into that FIFO.
wait_in_vain() { # SECONDS
    local fifo=${BATS_RUN_TMPDIR:-$TMP}/never
    [ -p "$fifo" ] || mkfifo "$fifo" 2>/dev/null || true # another process may just have made it
    read -rt "$1" <>"$fifo" || true
}

# Between two looks at what gives no event: 10 ms.
if ((BASH_VERSINFO[0] >= 4)); then
    pause() { wait_in_vain "${1-0.01}"; } # [SECONDS]
else
    pause() { sleep "${1-0.01}"; }
fi
TRIES=$((${POKE_MS:-5000} / 10)) # such a look has as much time as poke gives an answer

# Runs a command, and ends it with SIGTERM after so many whole seconds, or more of them where poke is given more than
# its 5,000 ms. (macOS has no `timeout`.)
within() { # SECONDS COMMAND...
    local pid watch status=0 patience=$((${POKE_MS:-5000} > 5000 ? POKE_MS / 5000 : 1))
    if { true <&0; } 2>/dev/null; then "${@:2}" <&0 & else "${@:2}" <&- & fi
    pid=$!
    (
        exec >/dev/null 2>&1 3>&-
        wait_in_vain $(($1 * patience))
        kill -s TERM "$pid"
    ) &
    watch=$!
    disown "$watch" # or bash says on stderr that it was killed
    wait "$pid" || status=$?
    kill -s KILL "$watch" 2>/dev/null || true
    return $status
}

# Starts a server on a free port and waits for its ready line. Sets PID, HOST, PORT, and LOG, the file that gets
# its stderr. LIMIT=n start ...: with n descriptors at most. ON_PORT=n start ...: on that port. FILE_LIMIT=n start ...:
# it cannot make a file larger than n blocks (512 or 1024 bytes each, as the shell has it).
# INPUT=FILE start ...: with that as its stdin, or nothing. IGNORING=SIGNAL start ...: that is ignored, as with nohup.
# THROUGH="-c 1" bats ...: its clients come through a flaky_proxy with these options (PID and LOG are the server's).
start() { # PROGRAM [ARGUMENT...] [-- OPERAND...]
    launch "$@"
    [ -z "${THROUGH-}" ] || launch_proxy
}

launch_proxy() {
    local pid=$PID log=$LOG
    # shellcheck disable=SC2086 # these are several words
    LIMIT='' ON_PORT=0 launch "$FLAKY_PROXY" $THROUGH -- "$HOST" "$PORT"
    PID=$pid LOG=$log
}

launch() { # PROGRAM [ARGUMENT...] [-- OPERAND...]
    local line='' deadline=$((SECONDS + (${POKE_MS:-0} > 5000 ? POKE_MS / 500 : 10))) gone=0 command=() most
    most=$(ulimit -H -n)
    [[ $most == unlimited || ${LIMIT:-0} -le $most ]] || skip "a program may have $most descriptors here"
    LOG=$TMP/stderr$((++LAUNCHED)).log
    while [ $# -gt 0 ] && [ "$1" != -- ]; do command+=("$1") && shift; done
    command+=(-p "${ON_PORT:-0}" "$@")
    : >"$LOG"
    (
        exec 3>&- 5>&- 6>&- 7>&- 8>&- 9>&- # what the test has open: somebody may wait for its end
        [ -z "${LIMIT-}" ] || ulimit -n "$LIMIT"
        [ -z "${FILE_LIMIT-}" ] || ulimit -S -f "$FILE_LIMIT"
        [ -z "${IGNORING-}" ] || trap '' "$IGNORING"
        exec "${command[@]}" <"${INPUT:-/dev/null}" >"${LOG%.log}.out" 2>>"$LOG"
    ) &
    PID=$!
    STARTED+=("$PID")
    # It has 10 s, or twice what poke is given, if that is more. When it has ended, or they have, there is a last look.
    until ready; do
        if [ $gone -eq 1 ]; then
            echo "rule: a server prints \"...listening on HOST:PORT\" on stderr when it is ready; here: $(head -n 1 "$LOG")"
            return 1
        fi
        pause 0.002
        kill -0 "$PID" 2>/dev/null && [ $SECONDS -lt $deadline ] || gone=1
    done
    PORT=${line##*:}
    HOST=${line##*listening on }
    HOST=${HOST%:*}
    HOST=${HOST#[}
    HOST=${HOST%]}
}

# Reads lines of the log up to the one that says where the server listens, or fails: that one has not come, or not whole.
ready() {
    while IFS= read -r line; do
        [[ $line != *'listening on '* ]] || return 0
    done <"$LOG"
    return 1
}

# Speaks to the server started last; the script comes on stdin (see poke -h).
speak() { # [OPTION...]
    local status=0
    "$POKE" "$@" "$HOST" "$PORT" || status=$?
    [ $status -ne 77 ] || skip "too few descriptors here, see ulimit -n"
    return $status
}

# Waits until a command succeeds: newcomers may overtake the news that others have gone, and find no room yet.
eventually() { # COMMAND [ARGUMENT...]
    local deadline=$((SECONDS + ${POKE_MS:-5000} / 1000 + 1))
    until "$@"; do
        [ $SECONDS -le $deadline ] || return 1
        pause
    done
}

# Fails unless so many newcomers, MIN at least, get a byte for their byte.
serves() { # NEWCOMERS MIN
    printf '%s\n' "new crowd $1 \"x\" \"x\"" "new served $2 $1" | "$POKE" "$HOST" "$PORT"
}

# Waits until the log of the server started last has a line that matches.
logged() { # EXTENDED-REGULAR-EXPRESSION
    local tries
    for ((tries = 0; tries < TRIES; tries++)); do
        grep -qE -- "$1" "$LOG" && return 0
        pause
    done
    echo "no line of the server's log matches $1:"
    tail -n 20 "$LOG"
    return 1
}

# The same of a server of ours: the words of anybody else's log are its own.
noted() { [ -n "${OWN-}" ] || logged "$1"; } # EXTENDED-REGULAR-EXPRESSION

# Sends a signal to the server started last, and fails unless it ends within a second, with exit code 0.
stops_on() { # SIGNAL
    local killer status=0
    (
        for ((i = 0; i < 100; i++)); do
            kill -0 "$PID" 2>/dev/null || exit 0
            pause
        done
        kill -s KILL "$PID"
    ) 3>&- &
    killer=$!
    kill -s "$1" "$PID"
    wait "$PID" || status=$?
    wait "$killer"
    [ $status -eq 0 ] && return 0
    echo "rule: SIG$1 ends a program within a second, with exit code 0; here: exit code $status"
    return 1
}

# Prints the signals that end a program: of ours SIGHUP, too, unless it is ignored here (nohup), and so by all that we start.
endings() {
    echo TERM INT
    [ -n "${OWN-}" ] || [[ $(trap -p HUP) == "trap -- '' "* ]] || echo HUP
}

# Starts a loop that does nothing but spin. How much CPU time one that spins can get depends on what else runs here, so
# the server started last is compared with it: see slept.
spin_beside() {
    (while :; do :; done) 3>&- &
    SPINNER=$!
    STARTED+=("$SPINNER")
}

# Prints the ms of CPU time that the server started last has used so far, or 0 if this system does not tell.
used() {
    local ms=0
    [ ! -r "$PROC/$PID/stat" ] || ms=$(sed 's/.*) //' "$PROC/$PID/stat" |
        awk -v ticks="$(getconf CLK_TCK)" '{ printf "%d", ($12 + $13) * 1000 / ticks }')
    echo "$ms"
}

# Speaks to the server started last, and lets a loop spin beside it from the script's "say waiting" on: from then on there
# is nothing to do. What the server uses before and after that (a slow language takes its time to start) does not count.
speak_and_wait() {
    local speaker line='' status=0
    cat >"$TMP/script"
    mkfifo "$TMP/said"
    "$POKE" "$HOST" "$PORT" <"$TMP/script" >"$TMP/said" 2>&1 3>&- &
    speaker=$!
    STARTED+=("$speaker")
    exec 9<"$TMP/said"
    while [ "$line" != waiting ] && IFS= read -r line <&9; do echo "$line"; done
    USED=$(used)
    spin_beside
    cat <&9
    exec 9<&-
    wait "$speaker" || status=$?
    [ $status -ne 77 ] || skip "too few descriptors here, see ulimit -n"
    return $status
}

# Ends the server started last and the one that spins beside it, and fails if the server has not slept most of the time.
slept() {
    local pid server spun now
    now=$(used)
    times >"$TMP/times"
    for pid in "$PID" "$SPINNER"; do
        kill -s TERM "$pid"
        wait "$pid" || true
        times >>"$TMP/times"
    done
    # Lines 2, 4 and 6: user and system time of the children that have ended, as 0m0.123s.
    read -r server spun < <(awk -F'[ms ]+' 'NR % 2 == 0 { ms[NR / 2] = ($1 + $3) * 60000 + ($2 + $4) * 1000 }
        END { printf "%d %d\n", ms[2] - ms[1], ms[3] - ms[2] }' "$TMP/times")
    [ -z "${USED-}" ] || [ "$now" -eq 0 ] || server=$((now - USED))
    echo "rule: who waits does not spin; this one used $server ms of CPU time, one that spins $spun ms"
    [ $((server * 2)) -lt "$spun" ]
}

# Waits for the poke that plays a UDP server (start "$POKE" -u -f SCRIPT), and fails, with its report, if it does.
played() {
    local status=0
    wait "$PID" || status=$?
    [ $status -eq 0 ] || cat "${LOG%.log}.out" "$LOG"
    return $status
}

# Lets a script for UDP wait for the test, which does something else meanwhile. `gate_open` chooses a port, and the script
# has `gate NAME` where it is to wait; then `reached NAME FILE` waits until it is there, its output being in that file, and
# `pass NAME` lets it go on.
gate_open() {
    local pid=${PID-} port=${PORT-} host=${HOST-} log=${LOG-}
    start "$TOP/05-udp/udp_echo_server" # only to find a free port
    kill "$PID"
    wait "$PID" || true
    GATE=$PORT PID=$pid PORT=$port HOST=$host LOG=$log
}

gate() { # NAME
    printf '%s\n' "$1 at \"127.0.0.1:$GATE\"" "say at gate $1" "$1 follow" "$1 < \"$1\"" "$1 close"
}

reached() { LOG=$2 logged "^at gate $1\$"; } # NAME FILE
pass() { printf %s "$1" >"/dev/udp/127.0.0.1/$GATE"; } # NAME

# Builds a library of what stands on stdin: LD_PRELOAD=$TMP/preload.so in front of a program changes its world.
preload() {
    [ "$(uname)" = Linux ] || skip "this is for Linux"
    cat >"$TMP/preload.c"
    "${CC:-cc}" -w -shared -fPIC -o "$TMP/preload.so" "$TMP/preload.c" 2>/dev/null || skip "no shared library here"
    LD_PRELOAD=$TMP/preload.so "$UDP_ECHO_SERVER" -h >/dev/null 2>"$TMP/err" || skip "nothing can be preloaded here"
    [ ! -s "$TMP/err" ] || skip "nothing can be preloaded here"
}

# Has every name stand for two addresses: the first is one where nobody is, the second 127.0.0.1. See preload.
two_addresses() {
    preload <<'END'
        #define _POSIX_C_SOURCE 200809L
        #include <arpa/inet.h>
        #include <netdb.h>
        #include <netinet/in.h>
        #include <stdlib.h>
        int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
            static struct sockaddr_in a[2];
            static struct addrinfo list[2];
            for (int i = 0; i < 2; i++) {
                a[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(port))};
                a[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 - i);
                list[i] = (struct addrinfo){.ai_family = AF_INET, .ai_socktype = hints->ai_socktype};
                list[i].ai_addr = (struct sockaddr *)&a[i];
                list[i].ai_addrlen = sizeof a[i];
            }
            list[0].ai_next = &list[1];
            *found = list;
            return 0;
        }
        void freeaddrinfo(struct addrinfo *found) {}
END
}

# Connects (bash does it by itself), and passes when the same port can be served again right after the server has
# ended first. GREETING: a line that makes the server answer; without one, its log has to say "connected".
restarts() { # PROGRAM [GREETING]
    start "$1"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    if [ $# -eq 2 ]; then
        echo "$2" >&5
        read -r -t 5 <&5
    else
        logged connected
    fi
    kill -s TERM "$PID"
    wait "$PID" || true
    echo "rule: a server can be started again at once, though old connections still linger (SO_REUSEADDR)"
    ON_PORT=$PORT start "$1"
    exec 5>&-
}

# Prints the beginning of a script: connection a (or the one named) has opened its WebSocket at that path; then stdin.
upgraded() { # PATH [NAME [FIELD...]]
    local path=$1 name=${2-a} field fields=''
    shift $(($# < 2 ? $# : 2))
    for field; do fields+="$field\\r\\n"; done
    echo "$name > \"GET $path HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\"" \
        "\"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n$fields\r\n\""
    echo "$name < \"HTTP/1.1 101 \""
    echo "$name <* \"\r\n\r\n\""
    cat
}

# ---- Lesson 03: steps for im_talk. They stand here because many of them are printed, see setup().

# Speaks to the IM server started last, message by message; the script comes on stdin (see im_talk -h).
talk() { # [-f FORMAT]
    "$TOP/tests/im_talk" "$@" "$HOST" "$PORT"
}

# Prints the step that logs somebody in, and its answer.
login() { # CONNECTION NAME COUNT
    echo "$1 > {\"type\":\"login\",\"id\":\"login\",\"name\":\"$2\",\"password\":\"${PASSWORD-123456}\"}"
    echo "$1 < {\"type\":\"ok\",\"id\":\"login\",\"count\":\"$3\"}"
}

# Print the steps that send messages FIRST to LAST (their body is their id), and then those that get the answers; or each
# answer before the next message.
sends() { # CONNECTION TO FIRST LAST [BODY]
    local i
    for ((i = $3; i <= $4; i++)); do
        echo "$1 > {\"type\":\"msg\",\"id\":\"$i\",\"to\":\"$2\",\"body\":\"${5-$i}\"}"
    done
    for ((i = $3; i <= $4; i++)); do echo "$1 < {\"type\":\"ok\",\"id\":\"$i\",\"number\":\"*\",\"time\":\"*\"}"; done
}
sends_in_turn() { # CONNECTION TO FIRST LAST [BODY]
    local i
    for ((i = $3; i <= $4; i++)); do sends "$1" "$2" $i $i "${5-$i}"; done
}

# Prints the steps that get them.
gets() { # CONNECTION FROM TO FIRST LAST
    local i
    for ((i = $4; i <= $5; i++)); do
        echo "$1 < {\"type\":\"msg\",\"number\":\"*\",\"time\":\"*\",\"from\":\"$2\",\"to\":\"$3\",\"body\":\"$i\"}"
    done
}

# Ends the server started last as a power cut would: nothing is tidied up.
kill_server() {
    kill -s KILL "$PID"
    wait "$PID" 2>/dev/null || true
}

# Makes "moving.test" a name of what the lines of $ADDRESSES say, ADDRESS PORT each (see tests/moving_name.c), for programs
# that are started with LD_PRELOAD=$MOVING. Skips the test if PROGRAM cannot be started so.
moving_name() { # PROGRAM
    export ADDRESSES=$TMP/addresses
    MOVING=$TMP/moving_name.so
    "${CC:-cc}" -w -shared -fPIC -o "$MOVING" "$TOP/tests/moving_name.c" -ldl 2>/dev/null || skip "no shared library here"
    LD_PRELOAD=$MOVING "$1" -h >/dev/null 2>"$TMP/err" || skip "nothing can be preloaded here"
    [ ! -s "$TMP/err" ] || skip "nothing can be preloaded here"
}

# Runs Bats from within Bats: that one must not take over the state of this one. VARIABLE=VALUE... ARGUMENT...
bats_within() {
    (
        for variable in $(compgen -e | grep '^BATS_'); do unset "$variable"; done
        # shellcheck disable=SC2001 # sed says it more plainly
        PATH=$(sed 's|[^:]*/libexec/bats-core:||g' <<<"$PATH")
        cd "$TOP/tests" || return 1
        while [[ $1 == *=* ]]; do export "${1?}" && shift; done
        JOBS=1 sh bats.sh "$@"
    )
}

# Sends a file through a command and fails unless the same comes back. The command finds HOST and PORT.
round_trip() { # FILE COMMAND...
    local file=$1
    shift
    "$@" <"$file" >"$TMP/back" 2>"$TMP/err" || {
        echo "exit code $?: $*"
        cat "$TMP/err"
        return 1
    }
    cmp "$file" "$TMP/back"
}

# Prints files of checks, without those whose first command says that they are for ours only.
fair_checks() { # FILE...
    (cd "$TOP/tests" && awk '/^@test/ || FNR == 1 { ours = 0 } /^@test/ { name = $0; next }
        name { ours = /^    ours$/; name = "" } !ours' "$@")
}

# Fails unless each option that fair checks give to a command is on a page, under that heading.
options_on_page() { # PAGE HEADING COMMAND-AS-EXTENDED-REGULAR-EXPRESSION FILE...
    local option
    awk -v heading="## $2" '/^## / { here = index($0, heading) == 1 } here' "$1" >"$TMP/section"
    fair_checks "${@:4}" | grep -oE "($3) .*" | sed 's/[|<>].*//' | tr ' ' '\n' | grep -xE -- '-[a-zA-Z]' | sort -u >"$TMP/options"
    [ -s "$TMP/options" ]
    while read -r option; do
        echo "rule: the option $option, which the checks of $4 use, is in $1, under $2"
        grep -qE "(^|[^a-zA-Z0-9_-])$option([^a-zA-Z0-9_]|\$)" "$TMP/section"
    done <"$TMP/options"
}

# Sets ESCAPED to a text with a backslash in front of each of these characters; a backslash among them comes first.
# (The quotes are for bash 3.2, to which \" behind // is two characters.)
escape() { # TEXT CHARACTER...
    local character backslash=\\
    ESCAPED=$1
    for character in "${@:2}"; do ESCAPED=${ESCAPED//"$character"/"$backslash$character"}; done
}

# Prints a character, given by its code point, as poke writes bytes: character 0x202E is \xe2\x80\xae.
character() {
    local code=$(($1)) bytes
    if [ $code -lt 128 ]; then
        bytes=("$code")
    elif [ $code -lt 2048 ]; then
        bytes=($((192 | code >> 6)) $((128 | code & 63)))
    elif [ $code -lt 65536 ]; then
        bytes=($((224 | code >> 12)) $((128 | code >> 6 & 63)) $((128 | code & 63)))
    else
        bytes=($((240 | code >> 18)) $((128 | code >> 12 & 63)) $((128 | code >> 6 & 63)) $((128 | code & 63)))
    fi
    printf '\\x%02x' "${bytes[@]}"
}

# Runs a command that has to end by itself, and sets STATUS to its exit code. Its standard descriptors are files in $TMP:
# in, out and err; one that is named is closed, or ">FILE" goes there.
ends_by_itself() { # [0] [1] [2] [>FILE] -- COMMAND...
    local tries pid closed='' out=$TMP/out
    while [ "$1" != -- ]; do
        case $1 in
        0) closed+=' <&-' ;;
        1) closed+=' >&-' ;;
        2) closed+=' 2>&-' ;;
        *) out=${1#>} ;;
        esac
        shift
    done
    shift
    touch "$TMP/in"
    sh -c "exec \"\$@\"$closed" sh "$@" <"$TMP/in" >"$out" 2>"$TMP/err" 3>&- &
    pid=$!
    STARTED+=("$pid")
    for ((tries = 0; tries < TRIES; tries++)); do
        kill -0 "$pid" 2>/dev/null || break
        pause
    done
    if kill -s KILL "$pid" 2>/dev/null; then
        echo "rule: this has to end by itself: $* $closed; it has printed:"
        cat "$TMP/err"
        return 1
    fi
    STATUS=0
    wait "$pid" || STATUS=$?
}

# Fails unless what ends_by_itself has run ended with exit code 1 and said this on stderr.
has_complained() { # REGULAR-EXPRESSION
    echo "rule: exit code 1 (here $STATUS), and on stderr: $1; here: $(cat "$TMP/err")"
    [ "$STATUS" -eq 1 ] && grep -qE -- "$1" "$TMP/err"
}

# Starts a server whose log is a pipe that nobody reads but the test, as descriptor 9. Sets PID, HOST and PORT.
start_piped() { # PROGRAM [ARGUMENT...]
    local line
    mkfifo "$TMP/log"
    exec 9<>"$TMP/log"
    "$@" -p 0 </dev/null >/dev/null 2>"$TMP/log" 3>&- 9>&- &
    PID=$!
    STARTED+=("$PID")
    read -r -t 10 line <&9
    PORT=${line##*:} HOST=127.0.0.1
}

# Fills that pipe: from now on each line of the log waits.
fill_log() {
    dd if=/dev/zero "of=$TMP/log" oflag=nonblock bs=4096 2>"$TMP/err" 3>&- 9>&- || true # until there is no room
    dd if=/dev/zero "of=$TMP/log" oflag=nonblock bs=1 2>"$TMP/err" 3>&- 9>&- || true
    grep -qi 'temporarily unavailable' "$TMP/err" || skip "dd cannot fill a pipe here"
}

# Starts a server that cannot say where it listens, because its standard descriptors are closed: on a port that was free
# a moment ago, and waits until it listens there.
start_closed() { # PROGRAM
    local tries
    start "$1"
    stops_on TERM
    "$1" -p "$PORT" <&- >&- 2>&- 3>&- 4>&- &
    PID=$!
    STARTED+=("$PID")
    for ((tries = 0; tries < TRIES; tries++)); do
        kill -0 "$PID" # it is there
        [[ $1 != */05-udp/* ]] || return 0
        (exec 5<>"/dev/tcp/$HOST/$PORT") 2>/dev/null && return 0
        pause
    done
    echo "rule: it listens, though it cannot say so"
    return 1
}

# Passes when a server that is started like that sends its log to none of its clients: where a descriptor is missing, the
# next socket gets its number. GREETING: a line that makes the server answer, and so proves that it has accepted all.
keeps_its_log() { # PROGRAM [GREETING]
    local fd line
    start_closed "$1"
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT" 7<>"/dev/tcp/$HOST/$PORT" 8<>"/dev/tcp/$HOST/$PORT"
    : >"$TMP/5"
    for fd in 5 6 7 8; do
        [ $# -eq 1 ] || { echo "$2" >&$fd && read -r -t 5 line <&$fd && echo "$line" >>"$TMP/5"; }
    done
    stops_on TERM
    for fd in 5 6 7 8; do cat <&$fd >>"$TMP/5" 2>/dev/null || true; done
    exec 5>&- 6>&- 7>&- 8>&-
    echo "rule: a server's log goes to none of its clients"
    ! grep -a connected "$TMP/5"
}

# ---- A terminal, by tmux: type TEXT, keys NAME..., and shows what is on its screen.

tm() { tmux -u -S "$TMP/tmux" -f /dev/null "$@" 3>&- 5>&- 6>&-; }
keys() { tm send-keys "$@"; }
type() { tm send-keys -l "$1"; }

# Runs a command on a terminal of so many columns and lines; the end of the test ends it.
open_terminal() { # COMMAND [COLUMNS LINES]
    command -v tmux >/dev/null || skip "tmux is not installed"
    LC_ALL=C.UTF-8 tm new-session -d -x "${2-240}" -y "${3-50}" "$1; exec cat"
    STARTED+=("$(tm display -p '#{pid}')")
}

# Opens a terminal of 60 columns with a shell in it.
terminal() {
    open_terminal "cd '$TMP'; PS1='ready ' ENV= exec sh" 60 12
    tm set -g status off
    shows '^ready$'
}

# Waits until the screen has a line that matches (blanks at its end are not seen), and the cursor is in that column.
# $TMP/screen has the column, and then the lines.
shows() { # EXTENDED-REGULAR-EXPRESSION [COLUMN]
    local tries column
    for ((tries = 0; tries < TRIES; tries++)); do
        tm display -p '#{cursor_x}' \; capture-pane -p >"$TMP/screen"
        read -r column <"$TMP/screen"
        [ "$column" = "${2-$column}" ] && grep -qE -- "$1" < <(sed 1d "$TMP/screen") && return 0
        pause
    done
    echo "no line of the screen matches $1${2+, or the cursor is not in column $2}; it is in $column:"
    sed 1d "$TMP/screen"
    return 1
}
