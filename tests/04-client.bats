#!/usr/bin/env bats
# What the heartbeat client promises ($HEARTBEAT_CLIENT), with servers that are stopped, killed, or played by the test;
# with a bad network ($FLAKY_PROXY) between; and the arithmetic of the backoff ($BACKOFF). What one of your own has to do
# is in 04-heartbeat/PROTOCOL.md; its log is its own affair: what is told there is asked of ours.
# Grades: HEARTBEAT_CLIENT

load helpers

# A server whose log is read is one of ours.
SERVER=$HEARTBEAT_SERVER
[[ "|${OWN-}|" != *'|HEARTBEAT_SERVER|'* ]] || SERVER=${BUILD:-$TOP}/04-heartbeat/heartbeat_server

setup_file() { "${CC:-cc}" -w -o "$BATS_FILE_TMPDIR/stand_in" "$TOP/tests/stand_in.c"; }

# Starts a server that the test plays (see tests/stand_in.c). say BYTES lets it say them (as for printf %b); heard LINE...
# waits until it has heard just these lines.
stand_in() {
    mkfifo "$TMP/says"
    : >"$TMP/heard"
    start "$BATS_FILE_TMPDIR/stand_in" "$TMP/says" "$TMP/heard"
    exec 5<>"$TMP/says"
}

say() { printf %b "$1" >&5; }

heard() { # LINE...
    local tries
    printf '%s\n' "$@" >"$TMP/expected"
    for ((tries = 0; tries < TRIES; tries++)); do
        cmp -s "$TMP/expected" "$TMP/heard" && break
        pause
    done
    echo "a server expects to hear (<), and hears (>):"
    diff "$TMP/expected" "$TMP/heard"
    : >"$TMP/heard"
}

# Waits until a server that the test plays has heard this line, among others.
heard_among() { # LINE
    LOG=$TMP/heard logged "^$1\$"
}

# Fails if fewer than so many ms have passed since mark. (The client's clock counts whole ms.)
passed() { # MS
    [ -n "$MARK" ] || return 0 # bash can tell from version 5 on
    local ms=$(((${EPOCHREALTIME//[.,]/} - MARK) / 1000))
    echo "rule: it waits for $1 ms; here $ms ms have passed"
    [ $ms -ge $(($1 - 1)) ]
}
mark() { MARK=${EPOCHREALTIME//[.,]/}; }

# Starts the client in the background; what is written to descriptor 6 is typed into it. Sets CLIENT, its pid.
# It gives a server a minute for everything, unless the test says otherwise: a busy machine is not a dead server.
client() { # [OPTION...]
    [ -p "$TMP/input" ] || mkfifo "$TMP/input"
    exec 6<>"$TMP/input"
    exec 8<"$TMP/input"
    : >"$TMP/log"
    "$HEARTBEAT_CLIENT" -n me -i 60000 -t 60000 -c 60000 "$@" "$HOST" "$PORT" <&8 2>"$TMP/log" 3>&- 5>&- 6>&- 8<&- &
    CLIENT=$!
    exec 8<&-
    STARTED+=("$CLIENT")
}

type() { printf '%s\n' "$@" >&6; }

# Waits until the client's log has so many lines (default 1) that match.
logs() { # EXTENDED-REGULAR-EXPRESSION [COUNT]
    local tries count=0
    for ((tries = 0; tries < TRIES; tries++)); do
        count=$(grep -cE -- "$1" "$TMP/log") || true
        [ "$count" -ge "${2-1}" ] && return 0
        pause
    done
    echo "the client's log should have ${2-1} times: $1"
    cat "$TMP/log"
    return 1
}

# Ends the client's input, and waits for its end, if that comes soon.
ends() { # CODE
    local status=0 tries
    exec 6>&-
    for ((tries = 0; tries < TRIES; tries++)); do
        kill -0 "$CLIENT" 2>/dev/null || break
        pause
    done
    kill -s KILL "$CLIENT" 2>/dev/null || true
    wait "$CLIENT" || status=$?
    echo "rule: exit code $1; here: $status"
    cat "$TMP/log"
    [ $status -eq "$1" ]
}

# Prints the ms at which the client's log first has a line that matches.
at() { sed -nE "s/^heartbeat_client: ([0-9]+) ms .*$1.*/\1/p" "$TMP/log" | head -n 1; }

# Prints the waits in the client's log, and what came of the last.
waits() { sed -nE 's/.*; next try in ([0-9]+) ms$/\1/p; s/.*; (giving up)$/\1/p' "$TMP/log" | tr '\n' ' '; }

# Fails unless these are the texts that the server started last has accepted from the client.
accepted() { # FILE
    sed 's/^me [0-9]* //' "${LOG%.log}.out" | diff "$1" - && return
    echo "rule: each message arrives once, and in order (< expected, > found)"
    return 1
}

# Waits until the server started last has accepted so many messages.
arrived() { # COUNT
    local tries
    for ((tries = 0; tries < TRIES && $(wc -l <"${LOG%.log}.out") < $1; tries++)); do pause; done
    echo "rule: $1 messages arrive; here:"
    cat "${LOG%.log}.out"
    [ "$(wc -l <"${LOG%.log}.out")" -ge "$1" ]
}

# A port where nobody listens.
nobody() {
    start "$HEARTBEAT_SERVER"
    stops_on TERM
}

# ---- When all goes well

@test "heartbeat client: each line of the input arrives, once and in order, and then it ends with 0" {
    start "$HEARTBEAT_SERVER"
    { printf '%s\n' one '' ' two  ' 吃饭了吗 "$(printf 'm%.0s' {1..1000})"; printf last; } >"$TMP/in"
    "$HEARTBEAT_CLIENT" -n me "$HOST" "$PORT" <"$TMP/in" >"$TMP/out"
    echo >>"$TMP/in"
    accepted "$TMP/in"
    [ ! -s "$TMP/out" ]
    seq 3000 >"$TMP/more"
    "$HEARTBEAT_CLIENT" -n me "$HOST" "$PORT" <"$TMP/more"
    cat "$TMP/more" >>"$TMP/in"
    accepted "$TMP/in"
}

@test "heartbeat client: each change of its state is a line of its log, with time and reason" {
    ours
    start "$HEARTBEAT_SERVER"
    client
    logs '^heartbeat_client: [0-9]+ ms CONNECTING -> OPEN: WELCOME 0, and 0 wait$'
    type hello
    logs '^heartbeat_client: [0-9]+ ms all acknowledged, up to 1$'
    ends 0
    [ "$(sed -E 's/ [0-9]+ ms / N ms /' "$TMP/log" | tail -n 2)" = "$(printf 'heartbeat_client: N ms %s\n' \
        'OPEN -> CLOSING: the input has ended, and all is acknowledged' \
        'CLOSING -> CLOSED: the server hung up')" ]
}

@test "heartbeat client: nothing is sent before the server says WELCOME, and its numbers go on where the server is" {
    stand_in
    client
    type one two
    heard '(connected)' 'HELLO me'
    say 'WEL'
    say 'COME 7\r\n'
    heard 'MSG 8 one' 'MSG 9 two'
    type three
    heard 'MSG 10 three'
    say 'ACK 8\nACK 9\nACK 10\n'
    of_ours logs 'all acknowledged, up to 10'
    exec 6>&-
    heard '(the end)'
    say '(hang up)\n'
    ends 0
}

@test "heartbeat client: a name for a host works" {
    start "$HEARTBEAT_SERVER"
    echo one | "$HEARTBEAT_CLIENT" -n me localhost "$PORT"
    echo one >"$TMP/in"
    accepted "$TMP/in"
}

@test "heartbeat client: IPv6 works" {
    needs_ipv6
    start "$SERVER" -a ::1
    echo one >"$TMP/in"
    echo one | "$HEARTBEAT_CLIENT" -n me ::1 "$PORT"
    accepted "$TMP/in"
}

@test "heartbeat client: with nothing to say it is a probe: exit 0 if the server is there, else 1" {
    start "$HEARTBEAT_SERVER"
    "$HEARTBEAT_CLIENT" "$HOST" "$PORT" </dev/null
    stops_on TERM
    if "$HEARTBEAT_CLIENT" "$HOST" "$PORT" </dev/null; then return 1; fi
}

@test "heartbeat client: -v shows the wire" {
    ours
    start "$HEARTBEAT_SERVER"
    echo hi | "$HEARTBEAT_CLIENT" -v -n me "$HOST" "$PORT" 2>"$TMP/err"
    grep -q "^$HOST:$PORT <- 9 bytes$" "$TMP/err"
    grep -q "^$HOST:$PORT -> 10 bytes$" "$TMP/err"
    grep -q '48 45 4c 4c 4f 20 6d 65 0a' "$TMP/err"
}

@test "heartbeat client: control characters of a server do not reach the terminal" {
    stand_in
    client -b 10
    heard '(connected)' 'HELLO me'
    say '\033[2Jhello\007\n'
    heard '(the end)' '(connected)' 'HELLO me'
    of_ours logs 'the server says \?\[2Jhello\?; next try'
    if grep -q $'[\001-\010\013-\037\177]' "$TMP/log"; then return 1; fi
}

@test "heartbeat client: -n takes what can be a name, and nothing else" {
    local name
    start "$HEARTBEAT_SERVER"
    "$HEARTBEAT_CLIENT" -n 李四_-9 "$HOST" "$PORT" </dev/null
    for name in '' 'a b' a:b "$(printf 'n%.0s' {1..33})" $'\033[2J' $'\xe2\x80\x8b' $'a\xef\xbb\xbf' $'\xe2\x80\xaea'; do
        local status=0
        "$HEARTBEAT_CLIENT" -n "$name" "$HOST" "$PORT" </dev/null 2>"$TMP/err" || status=$?
        head -n 1 "$TMP/err"
        [ $status -ne 0 ]
        of_ours [ $status -eq 2 ]
        of_ours grep -q 'a name is 1 to 32 bytes of letters, digits, - and _$' "$TMP/err"
    done
}

@test "heartbeat client: lines that end with CR LF or CR NUL are lines" {
    start "$HEARTBEAT_SERVER"
    printf 'one\r\ntwo\r\0three\r' | "$HEARTBEAT_CLIENT" -n me "$HOST" "$PORT"
    printf '%s\n' one two three >"$TMP/in"
    accepted "$TMP/in"
}

@test "heartbeat client: an input that cannot be read is reported, and the exit code tells" {
    ours
    start "$HEARTBEAT_SERVER"
    local status=0
    "$HEARTBEAT_CLIENT" -n me "$HOST" "$PORT" <&- 2>"$TMP/err" || status=$?
    cat "$TMP/err"
    echo "rule: with stdin closed nobody knows what was to be sent: exit code 1; here: $status"
    [ $status -eq 1 ]
    grep -q '^heartbeat_client: cannot read the input: ' "$TMP/err"
    status=0
    "$HEARTBEAT_CLIENT" -n me "$HOST" "$PORT" <&- >&- 2>&- || status=$?
    [ $status -eq 1 ]
    : >"$TMP/in"
    accepted "$TMP/in"
}

@test "heartbeat client: started with stdout and stderr closed it sends its messages, and its log to nobody" {
    ours
    stand_in
    printf '%s\n' one two | "$HEARTBEAT_CLIENT" -n me "$HOST" "$PORT" >&- 2>&- 3>&- &
    CLIENT=$!
    STARTED+=("$CLIENT")
    heard '(connected)' 'HELLO me'
    say 'WELCOME 0\n'
    heard 'MSG 1 one' 'MSG 2 two'
    say 'ACK 1\nACK 2\n'
    heard '(the end)'
    say '(hang up)\n'
    wait "$CLIENT"
}

@test "heartbeat client: a line of over 1000 bytes is refused, and the exit code tells" {
    start "$HEARTBEAT_SERVER"
    local status=0
    printf '%s\n' one "$(printf 'm%.0s' {1..1001})" "$(printf 'm%.0s' {1..9000})" two >"$TMP/in"
    "$HEARTBEAT_CLIENT" -n me "$HOST" "$PORT" <"$TMP/in" 2>"$TMP/err" || status=$?
    [ $status -eq 1 ]
    of_ours [ "$(grep -c 'refused, for it is over 1000 bytes' "$TMP/err")" -eq 2 ]
    printf '%s\n' one two >"$TMP/in"
    accepted "$TMP/in"
}

# ---- Probes

@test "heartbeat client: probes go on for as long as they are answered" {
    start "$SERVER" -v -t 1000
    client -i 20 -t 5000
    logged 'PONG 15'
    echo "rule: it does not leave a server that answers; here it has said HELLO so many times:"
    grep -c 'says HELLO' "$LOG"
    [ "$(grep -c 'says HELLO' "$LOG")" -eq 1 ]
    ends 0
}

@test "heartbeat client: each probe has a timer of its own, that only its own answer stops" {
    stand_in
    client -i 100 -t 400 -b 60000
    heard '(connected)' 'HELLO me'
    say 'WELCOME 0\n'
    local tries
    for ((tries = 0; tries < TRIES; tries++)); do
        ! grep -q '^(the end)$' "$TMP/heard" || break
        say 'PONG 1\nACK 1\n'
        pause
    done
    echo "rule: a server that says much, but does not answer probe 2, is dead"
    [ $tries -lt "$TRIES" ]
    grep -q '^PING 2$' "$TMP/heard"
    of_ours logs 'OPEN -> CLOSED: no PONG 2 within 400 ms'
}

@test "heartbeat client: a server that does not answer a probe is left, and tried again" {
    stand_in
    client -i 500 -t 100 -b 10
    type one
    heard '(connected)' 'HELLO me'
    mark
    say 'WELCOME 0\n'
    heard 'MSG 1 one' 'PING 1' '(the end)' '(connected)' 'HELLO me'
    echo "rule: the first probe goes after 500 ms, its timer fires 100 ms later"
    passed 600
    say 'WELCOME 0\n'
    heard 'MSG 1 one'
    say 'ACK 1\n'
    exec 6>&-
    heard '(the end)'
    say '(hang up)\n'
    ends 0
}

@test "heartbeat client: a dead server is noticed within interval and timeout" {
    ours
    start "$HEARTBEAT_SERVER"
    client -i 1000 -t 50 -b 60000
    logs OPEN
    kill -s STOP "$PID"
    logs 'OPEN -> CLOSED: no PONG 1 within 50 ms'
    local took=$(($(at 'OPEN -> CLOSED') - $(at '-> OPEN')))
    echo "rule: the first probe goes after 1000 ms, its timer fires 50 ms later; here: $took ms"
    [ $took -ge 1050 ]
    [ $took -lt 1600 ]
}

@test "heartbeat client: one that was stopped itself does not blame the server" {
    stand_in
    client -i 500 -t 500 -b 60000
    heard '(connected)' 'HELLO me'
    say 'WELCOME 0\n'
    heard 'PING 1'
    kill -s STOP "$CLIENT"
    say 'PONG 1\n'
    sleep 0.6 # it has to be away for longer than -t
    kill -s CONT "$CLIENT"
    echo "rule: a PONG that has come in time, while the client was stopped, is one, and the next PING goes out"
    heard_among 'PING 2'
}

# A clock of the day that jumps by an hour, to and fro, each time somebody looks.
@test "heartbeat client: it does not care when somebody sets the clock, and neither does the server" {
    cat >"$TMP/jump.c" <<'END'
        #define _GNU_SOURCE
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        int clock_gettime(clockid_t id, struct timespec *t) {
            static int looks;
            int result = (int)syscall(SYS_clock_gettime, id, t);
            if (id == CLOCK_REALTIME)
                t->tv_sec += ++looks % 2 * 3600;
            return result;
        }
        time_t time(time_t *t) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            return t ? *t = now.tv_sec : now.tv_sec;
        }
        int gettimeofday(struct timeval *restrict t, void *restrict zone) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            *t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
            return (void)zone, 0;
        }
END
    "${CC:-cc}" -w -shared -fPIC -o "$TMP/jump.so" "$TMP/jump.c" 2>/dev/null || skip "no shared library here"
    LD_PRELOAD=$TMP/jump.so "$HEARTBEAT_CLIENT" -h >/dev/null 2>"$TMP/err" || skip "nothing can be preloaded here"
    [ ! -s "$TMP/err" ] || skip "nothing can be preloaded here"
    LD_PRELOAD=$TMP/jump.so start "$SERVER" -v -t 3000
    LD_PRELOAD=$TMP/jump.so client -i 20 -t 3000
    logged 'PONG 9'
    type hello
    logged 'ACK 1'
    if grep -q silent "$LOG"; then cat "$LOG"; return 1; fi
    echo "rule: nobody is left because of a clock; here HELLO was said so many times:"
    grep -c 'says HELLO' "$LOG"
    [ "$(grep -c 'says HELLO' "$LOG")" -eq 1 ]
    ends 0
}

# ---- The server goes away and comes back

@test "heartbeat client: a stopped server (kill -STOP): it notices, backs off, comes back, and all arrives once" {
    ours
    start "$HEARTBEAT_SERVER"
    client -i 100 -t 100 -c 100 -b 50
    type one
    logs 'all acknowledged, up to 1'
    kill -s STOP "$PID"
    type two
    logs 'OPEN -> CLOSED: no PONG'
    type three
    logs 'CONNECTING -> CLOSED: no WELCOME within 100 ms; next try in 100 ms'
    kill -s CONT "$PID"
    logs '-> OPEN' 2
    type four
    logs 'all acknowledged, up to 4'
    ends 0
    printf '%s\n' one two three four >"$TMP/in"
    accepted "$TMP/in"
}

@test "heartbeat client: a killed server (kill -9), that comes again on the same port" {
    start "$SERVER" -v
    client -b 20 -m 200 -k
    type one
    logged 'ACK 1'
    of_ours logs 'all acknowledged, up to 1'
    kill -s KILL "$PID"
    of_ours logs 'OPEN -> CLOSED: '
    type two three
    of_ours logs 'CONNECTING -> CLOSED: .*Connection refused; next try in 40 ms'
    ON_PORT=$PORT start "$HEARTBEAT_SERVER"
    arrived 2
    of_ours logs 'all acknowledged, up to 3'
    type four
    arrived 3
    of_ours logs 'all acknowledged, up to 4'
    ends 0
    printf '%s\n' two three four >"$TMP/in"
    accepted "$TMP/in"
}

@test "heartbeat client: what is not acknowledged is sent again, in order, and what is, is not" {
    stand_in
    client -b 10
    type one two three
    heard '(connected)' 'HELLO me'
    say 'WELCOME 0\n'
    heard 'MSG 1 one' 'MSG 2 two' 'MSG 3 three'
    say 'ACK 1\n'
    say '(hang up)\n'
    heard '(connected)' 'HELLO me'
    say 'WELCOME 2\n'
    heard 'MSG 2 two' 'MSG 3 three'
    say 'ACK 2\nACK 3\n'
    of_ours logs 'all acknowledged, up to 3'
    exec 6>&-
    heard '(the end)'
    say '(hang up)\n'
    ends 0
}

@test "heartbeat client: a connect that hangs is a failure, and so is a server that says nothing" {
    start "$BATS_FILE_TMPDIR/stand_in" full
    client -c 100 -b 20 -m 40
    type one
    ends 1
    of_ours [ "$(waits)" = '20 40 giving up ' ]
    of_ours grep -qE 'CONNECTING -> CLOSED: .*(Connection|Operation) timed out' "$TMP/log"
    stand_in
    client -c 100 -b 20 -m 20
    type one
    ends 1
    heard '(connected)' 'HELLO me' '(the end)' '(connected)' 'HELLO me' '(the end)'
    of_ours [ "$(waits)" = '20 giving up ' ]
    of_ours grep -q 'CONNECTING -> CLOSED: no WELCOME within 100 ms' "$TMP/log"
}

# Starts a server that is called moving.test, if the client can be made to believe that.
moving_server() {
    moving_name "$HEARTBEAT_CLIENT"
    start "$SERVER" -v
    echo "$HOST $PORT" >"$ADDRESSES"
    LD_PRELOAD=$MOVING "$HEARTBEAT_CLIENT" moving.test 1 </dev/null || skip "it asks for names in another way"
}

@test "heartbeat client: a server that has moved is found, for each try asks for its name again" {
    moving_server
    LD_PRELOAD=$MOVING HOST=moving.test client -b 10 -m 40 -k
    type one
    logged 'ACK 1'
    of_ours logs 'all acknowledged, up to 1'
    rm "$ADDRESSES"
    kill -s KILL "$PID"
    type two
    echo "rule: a name that cannot be found is a try that has failed, like any other"
    of_ours logs 'CONNECTING -> CLOSED: .*moving\.test.*; next try' 2
    start "$HEARTBEAT_SERVER" # on another port
    echo "$HOST $PORT" >"$TMP/moved"
    mv "$TMP/moved" "$ADDRESSES"
    arrived 1
    of_ours logs 'all acknowledged, up to 2'
    ends 0
    echo two >"$TMP/in"
    accepted "$TMP/in"
}

@test "heartbeat client: an address that does not answer has 3 seconds, if the name has another" {
    takes_long
    moving_server
    local port=$PORT log=$LOG
    start "$BATS_FILE_TMPDIR/stand_in" full
    printf '%s\n' "$HOST $PORT" "$HOST $port" >"$ADDRESSES"
    LOG=$log
    LD_PRELOAD=$MOVING HOST=moving.test client -c 60000
    type one
    arrived 1
    of_ours logs 'all acknowledged, up to 1'
    ends 0
    echo one >"$TMP/in"
    accepted "$TMP/in"
}

@test "heartbeat client: BYE is a reason to come back, ERROR one to give up" {
    stand_in
    client -b 10
    heard '(connected)' 'HELLO me'
    say 'WELCOME 0\nBYE you were silent for 1 ms\n'
    of_ours logs 'OPEN -> CLOSED: the server says BYE you were silent for 1 ms; next try in 10 ms'
    heard '(the end)' '(connected)' 'HELLO me'
    type one
    say 'WELCOME 0\n'
    heard 'MSG 1 one'
    say 'ERROR no\n'
    ends 1
    heard '(the end)'
    of_ours logs 'OPEN -> CLOSED: the server says ERROR no; giving up'
    of_ours logs '1 not acknowledged'
}

@test "heartbeat client: what the server says when all is acknowledged does not change the exit code" {
    stand_in
    client
    heard '(connected)' 'HELLO me'
    say 'WELCOME 0\n'
    of_ours logs OPEN
    exec 6>&-
    heard '(the end)'
    say 'ERROR too late\n'
    ends 0
}

@test "heartbeat client: a server that acknowledges what it has not read does it no harm" {
    ours
    start "$BATS_FILE_TMPDIR/stand_in" liar
    yes "$(printf 'm%.0s' {1..1000})" | head -n 12000 >"$TMP/in"
    : >"$TMP/log"
    "$HEARTBEAT_CLIENT" -i 300 -t 300 -b 60000 "$HOST" "$PORT" <"$TMP/in" 2>"$TMP/log" 3>&- &
    CLIENT=$!
    STARTED+=("$CLIENT")
    logs 'OPEN -> CLOSED: no PONG 1'
    PID=$CLIENT stops_on TERM
}

@test "heartbeat client: who finds that somebody else uses its name does not mix its messages with theirs" {
    stand_in
    client -b 10
    type one
    heard '(connected)' 'HELLO me'
    say 'WELCOME 0\n'
    heard 'MSG 1 one'
    say '(hang up)\n'
    heard '(connected)' 'HELLO me'
    say 'WELCOME 5\n'
    ends 1
    heard '(the end)'
    of_ours logs 'CONNECTING -> CLOSED: somebody else has used our name; giving up'
}

@test "heartbeat client: with 1000 messages waiting for a server that is away, more are refused in words" {
    ours
    nobody
    client -b 60000
    logs 'CLOSED: .*refused; next try'
    seq 1003 >&6
    logs 'refused, for 1000 messages wait already: 100[123]$' 3
    [ "$(grep -c 'wait already' "$TMP/log")" -eq 3 ]
}

@test "heartbeat client: SIGTERM ends it within a second, exit code 0" {
    start "$SERVER"
    client
    logged 'says HELLO'
    PID=$CLIENT stops_on TERM
    stand_in
    client -b 60000
    type one
    heard '(connected)' 'HELLO me'
    PID=$CLIENT stops_on TERM
    heard '(the end)'
    client -b 60000
    type one
    heard '(connected)' 'HELLO me'
    say '(hang up)\n'
    PID=$CLIENT stops_on TERM
}

@test "heartbeat client: SIGTERM, SIGINT and SIGHUP end it within a second, whatever it waits for, exit code 0" {
    ours
    [ -z "$(trap -p HUP)" ] || skip "SIGHUP is ignored here, as nohup does"
    local signal
    for signal in TERM INT HUP; do
        start "$HEARTBEAT_SERVER"
        client
        logs OPEN
        PID=$CLIENT stops_on $signal
        logs 'OPEN -> CLOSING: a signal'
        stops_on TERM
        client -b 60000
        type one
        logs 'next try'
        PID=$CLIENT stops_on $signal
        logs '1 not acknowledged'
        start "$BATS_FILE_TMPDIR/stand_in" full
        client -c 300 -b 1 -k
        type one
        logs 'CLOSED -> CONNECTING'
        PID=$CLIENT stops_on $signal
        start "$HEARTBEAT_SERVER"
        kill -s STOP "$PID"
        client -c 300 -b 1 -k
        type one
        logs 'CLOSED -> CONNECTING'
        PID=$CLIENT stops_on $signal
    done
}

@test "heartbeat client: SIGHUP that is ignored at the start, as with nohup, stays ignored" {
    ours
    start "$HEARTBEAT_SERVER"
    trap '' HUP
    client
    trap - HUP
    logs OPEN
    kill -s HUP "$CLIENT"
    type one
    logs 'all acknowledged, up to 1'
    ends 0
}

# ---- Backoff

@test "heartbeat client: it waits twice as long after each failure, and gives up after the longest wait" {
    ours
    nobody
    client -b 10 -m 320
    type one
    logs 'giving up'
    [ "$(waits)" = '10 20 40 80 160 320 giving up ' ]
    ends 1
    logs '1 not acknowledged'
    local took=$(($(at 'giving up') - $(at 'next try in 10 ms')))
    echo "rule: it waits as long as it says, 630 ms in all; here: $took ms"
    [ $took -ge 630 ]
}

@test "heartbeat client: no wait is longer than -m, and with -k it does not give up" {
    ours
    nobody
    client -b 10 -m 25 -k
    type one
    logs 'next try' 8
    [[ $(waits) == '10 20 25 25 25 25 25 25 '* ]]
    kill -s TERM "$CLIENT"
    ends 0
}

@test "heartbeat client: a server that hangs up sees it come back after twice the wait each time, and then give up" {
    stand_in
    client -b 100 -m 400
    type one
    local wait
    mark
    for wait in 0 100 200 400; do
        heard '(connected)' 'HELLO me'
        passed $wait
        mark
        say '(hang up)\n'
    done
    ends 1
    [ ! -s "$TMP/heard" ]
}

@test "heartbeat client: with -k it comes back for as long as it fails" {
    stand_in
    client -b 1 -m 2 -k
    type one
    for _ in {1..8}; do
        heard '(connected)' 'HELLO me'
        say '(hang up)\n'
    done
    heard '(connected)' 'HELLO me'
    PID=$CLIENT stops_on TERM
}

@test "heartbeat client: after a success no failure before it counts" {
    stand_in
    client -b 10 -m 20 # so it gives up at the third failure
    type one
    for _ in 1 2 3; do
        heard '(connected)' 'HELLO me'
        say '(hang up)\n'
        heard '(connected)' 'HELLO me'
        say 'WELCOME 0\n'
        heard 'MSG 1 one'
        say '(hang up)\n'
    done
    heard '(connected)' 'HELLO me'
    PID=$CLIENT stops_on TERM
}

@test "heartbeat client: a success resets the backoff" {
    ours
    stand_in
    client -b 10 -m 10000
    type one
    for _ in 1 2 3; do
        heard '(connected)' 'HELLO me'
        say '(hang up)\n'
    done
    heard '(connected)' 'HELLO me'
    logs 'CLOSED: .*next try in 40 ms'
    say 'WELCOME 0\n'
    logs OPEN
    say '(hang up)\n'
    logs 'OPEN -> CLOSED: .*; next try in 10 ms'
}

@test "heartbeat client: with -j each wait is anything from 0 up to the one without" {
    ours
    nobody
    client -j -k -b 64 -m 64
    type one
    logs 'next try' 12
    waits | tr ' ' '\n' | sort -n >"$TMP/waits"
    awk '$1 > 64 { exit 1 }' "$TMP/waits"
    echo "rule: the dice do not always fall the same"
    [ "$(uniq "$TMP/waits" | wc -l)" -gt 3 ]
}

@test "backoff: 2, 4, 8, 16, 32, 64 seconds, 126 in all, then it gives up" {
    ours
    "$BACKOFF" >"$TMP/out"
    printf 'failure %d: wait %d ms, %d ms in all\n' 1 2000 2000 2 4000 6000 3 8000 14000 4 16000 30000 5 32000 62000 \
        6 64000 126000 >"$TMP/expected"
    echo 'failure 7: give up' >>"$TMP/expected"
    diff "$TMP/expected" "$TMP/out"
}

@test "backoff: for hours and days: the longest wait is never exceeded, and nothing overflows" {
    ours
    "$BACKOFF" -k -b 1000 -m 3600000 -n 100000 >"$TMP/out"
    [ "$(sed -n 12p "$TMP/out")" = 'failure 12: wait 2048000 ms, 4095000 ms in all' ]
    [ "$(sed -n 13p "$TMP/out")" = 'failure 13: wait 3600000 ms, 7695000 ms in all' ]
    [ "$(tail -n 1 "$TMP/out")" = "failure 100000: wait 3600000 ms, $((4095000 + 99988 * 3600000)) ms in all" ]
    [ "$("$BACKOFF" -b 86400000 -m 86400000 | tail -n 1)" = 'failure 2: give up' ]
    [ "$("$BACKOFF" -b 5000 -m 3000 | head -n 1)" = 'failure 1: wait 3000 ms, 3000 ms in all' ]
    [ "$("$BACKOFF" -b 50000000 -m 86400000 | sed -n 2p)" = 'failure 2: wait 86400000 ms, 136400000 ms in all' ]
}

@test "backoff: jitter takes each value from 0 to the wait, and about as often" {
    ours
    "$BACKOFF" -k -b 9 -m 9 -n 10000 -j 1 | sed 's/.*: wait \([0-9]*\) ms.*/\1/' | sort -n | uniq -c >"$TMP/out"
    cat "$TMP/out"
    awk '$1 < 900 || $1 > 1100 || $2 != NR - 1 { exit 1 } END { exit NR != 10 }' "$TMP/out"
    [ "$("$BACKOFF" -k -j 1 | cksum)" = "$("$BACKOFF" -k -j 1 | cksum)" ]
    [ "$("$BACKOFF" -k -j 1 | cksum)" != "$("$BACKOFF" -k -j 2 | cksum)" ]
}

@test "backoff: 100 clients knock at the same time without jitter, and with it they do not" {
    ours
    "$BACKOFF" -p >"$TMP/out"
    grep -q '^at most in any 10 ms: 100 without jitter, [0-9] with$' "$TMP/out"
}

@test "backoff: output that cannot be written is an error" {
    ours
    local status=0
    "$BACKOFF" >&- 2>"$TMP/err" || status=$?
    cat "$TMP/err"
    [ $status -eq 1 ]
    grep -q '^backoff: cannot write the output: ' "$TMP/err"
    [ -c /dev/full ] || return 0
    for option in '-n 1' -p '-k -n 100000'; do
        status=0
        # shellcheck disable=SC2086 # these may be several words
        "$BACKOFF" $option >/dev/full 2>"$TMP/err" || status=$?
        cat "$TMP/err"
        [ $status -eq 1 ]
        grep -q '^backoff: cannot write the output: ' "$TMP/err"
    done
}

# ---- Through a bad network

# Starts a proxy before the server started last; command TEXT types into it. PID and LOG stay the server's.
proxy() { # [OPTION...]
    local pid=$PID log=$LOG
    mkfifo "$TMP/commands"
    exec 7<>"$TMP/commands"
    printf '#!/bin/sh\nexec "%s" "$@" <"%s"\n' "$FLAKY_PROXY" "$TMP/commands" >"$TMP/proxy"
    chmod +x "$TMP/proxy"
    start "$TMP/proxy" "$@" -- "$HOST" "$PORT"
    PID=$pid LOG=$log
}

@test "heartbeat client: a stalled network: it notices, backs off, comes back, and all arrives once and in order" {
    ours
    start "$HEARTBEAT_SERVER"
    proxy
    client -i 100 -t 100 -c 100 -b 50
    type one
    logs 'all acknowledged, up to 1'
    echo stall >&7
    type two three
    logs 'OPEN -> CLOSED: no PONG'
    type four
    logs 'next try in 100 ms'
    echo resume >&7
    logs '-> OPEN' 2
    type five
    logs 'all acknowledged, up to 5'
    ends 0
    printf '%s\n' one two three four five >"$TMP/in"
    accepted "$TMP/in"
}

# 500 messages through a network that cuts, stalls and chops: SEEDS=20 for the long run.
@test "heartbeat client: 500 messages through a network that cuts, stalls and chops at random arrive once and in order" {
    takes_long
    local seed
    seq 500 | sed 's/$/ 吃饭了吗 hello/' >"$TMP/in"
    for ((seed = 1; seed <= ${SEEDS-3}; seed++)); do
        start "$SERVER" -t 2000
        rm -f "$TMP/commands"
        proxy -r -i 15 -s $seed
        # The lines come a few at a time, so that the network has time to be bad.
        while read -r -a lines; do
            printf '%s 吃饭了吗 hello\n' "${lines[@]}"
            pause
        done < <(seq 500 | paste -d' ' - - - - - - - - - -) |
            "$HEARTBEAT_CLIENT" -n me -i 50 -t 100 -c 100 -b 5 -m 50 -k "$HOST" "$PORT" 2>"$TMP/log"
        echo "seed $seed"
        accepted "$TMP/in"
        echo "rule: a test that proves something loses connections on the way"
        [ "$(grep -c ' says HELLO$' "$LOG")" -gt 1 ]
    done
}
