# What the tests have in common. A program under test is found through a variable (ECHO_SERVER, MENU_SERVER, ...),
# so that a server of your own is graded by the same tests: make test-01 ECHO_SERVER=./my_server.
# Such a server takes -p PORT (0: any free port) and says "...listening on HOST:PORT" on stderr when it is ready.

TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
POKE=$TOP/tests/poke

# Sets a variable to the program that it shall name: what the user has given, else the one built in the course.
program() { # NAME PATH
    local given=${!1-}
    case $given in
    '') given=${BUILD:-$TOP}/$2 ;;
    /*) ;;
    */*) given=$PWD/$given ;;
    esac
    printf -v "$1" %s "$given"
}

program ECHO_SERVER 01-echo/echo_server
program ECHO_CLIENT 01-echo/echo_client
program ECHO_BENCH 01-echo/echo_bench
program MENU_SERVER 01-echo/menu_server
program CHAT_SERVER 02-group-chat/chat_server
program CHAT_CLIENT 02-group-chat/chat_client

# Every test has a folder of its own, and leaves nothing behind.
setup() {
    TMP=$(mktemp -d)
    STARTED=() # the processes to end
    READERS=() # those that read their stderr, and end with them
}

teardown() {
    local pid
    for pid in ${STARTED[@]+"${STARTED[@]}"}; do
        kill -s KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    for pid in ${READERS[@]+"${READERS[@]}"}; do wait "$pid" || true; done
    rm -rf "$TMP"
}

pause() { sleep 0.01; } # between two looks at what gives no event

# Starts a server on a free port and waits for its ready line. Sets PID, HOST, PORT, and LOG, the file that gets
# its stderr. LIMIT=n start ...: with n descriptors at most. ON_PORT=n start ...: on that port.
start() { # PROGRAM [OPTION...]
    local line='' pipe=$TMP/stderr$RANDOM
    mkfifo "$pipe"
    (
        [ -z "${LIMIT-}" ] || ulimit -n "$LIMIT"
        exec "$@" -p "${ON_PORT:-0}" >"$pipe.out" 2>"$pipe" 3>&-
    ) &
    PID=$! LOG=$pipe.log
    STARTED+=("$PID")
    exec 4<"$pipe"
    : >"$LOG"
    while read -r -t 10 line <&4 && echo "$line" >>"$LOG"; do
        [[ $line == *'listening on '* ]] && break
    done
    cat <&4 >>"$LOG" 3>&- & # go on reading, or the server stops when the pipe is full
    READERS+=($!)
    exec 4<&-
    if [[ $line != *'listening on '* ]]; then
        echo "rule: a server prints \"...listening on HOST:PORT\" on stderr when it is ready"
        echo "$* printed: $(cat "$LOG")"
        return 1
    fi
    PORT=${line##*:}
    HOST=${line##*listening on }
    HOST=${HOST%:*}
    HOST=${HOST#[}
    HOST=${HOST%]}
}

# Speaks to the server started last; the script comes on stdin (see poke -h).
speak() { # [OPTION...]
    local status=0
    "$POKE" "$@" "$HOST" "$PORT" || status=$?
    [ $status -ne 77 ] || skip "too few descriptors here, see ulimit -n"
    [ $status -eq 0 ] || tail -n 5 "$LOG" | sed 's/^/server: /'
    return $status
}

# Waits until the log of the server started last has a line that matches.
logged() { # EXTENDED-REGULAR-EXPRESSION
    local tries
    for ((tries = 0; tries < 500; tries++)); do
        grep -qE -- "$1" "$LOG" && return 0
        pause
    done
    echo "no line of the server's log matches $1:"
    tail -n 20 "$LOG"
    return 1
}

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

# Ends the server started last, and sets CPU_MS to the CPU time in ms that it has used.
measure_cpu() {
    times >"$TMP/times"
    kill -s TERM "$PID"
    wait "$PID" || true
    times >>"$TMP/times" # lines 2 and 4: user and system time of the children that have ended, as 0m0.123s
    # shellcheck disable=SC2034 # for the test
    CPU_MS=$(awk -F'[ms ]+' 'NR % 2 == 0 { before = now; now = ($1 + $3) * 60000 + ($2 + $4) * 1000 }
        END { printf "%d", now - before }' "$TMP/times")
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
