#!/usr/bin/env bats
# What the echo client promises ($ECHO_CLIENT), and that the usual clients can talk to $ECHO_SERVER.

load helpers

# Sends stdin through a command and fails unless the same comes back. The command finds HOST and PORT.
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

@test "client: what goes in comes out, and the end is told" {
    start "$ECHO_SERVER"
    printf 'hello\n吃饭了吗\n\0\377' >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" "$HOST" "$PORT"
    grep -qE '^echo_client: 1 connection, 21 bytes sent, 21 received, [0-9]+ ms$' "$TMP/err"
}

@test "client: nothing in, nothing out" {
    start "$ECHO_SERVER"
    : >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" "$HOST" "$PORT"
    round_trip "$TMP/in" "$ECHO_CLIENT" -s "$HOST" "$PORT"
    [ ! -s "$TMP/err" ]
}

@test "client: 50 MB through a pipe come back without a deadlock" {
    start "$ECHO_SERVER"
    head -c 50000000 /dev/urandom >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" "$HOST" "$PORT"
}

@test "client: with -s each line has a connection of its own" {
    start "$ECHO_SERVER"
    { seq 1 500; printf 'the last one has no end'; } >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" -s "$HOST" "$PORT"
    grep -qE '^echo_client: 501 connections, 1915 bytes sent, 1915 received, [0-9]+ ms$' "$TMP/err"
}

@test "client: with -s a line may be of any length" {
    start "$ECHO_SERVER"
    { head -c 300000 /dev/zero; echo; echo short; head -c 65535 /dev/zero; echo; } >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" -s "$HOST" "$PORT"
}

@test "client: it finds the server by name, be it on IPv4 or IPv6" {
    echo hello >"$TMP/in"
    start "$ECHO_SERVER"
    ! "$ECHO_CLIENT" localhost "$PORT" </dev/null 2>&1 | grep 'cannot find localhost' || skip "nobody is called localhost"
    round_trip "$TMP/in" "$ECHO_CLIENT" localhost "$PORT"
    start "$ECHO_SERVER" -a localhost
    round_trip "$TMP/in" "$ECHO_CLIENT" localhost "$PORT"
}

@test "client: a server that hangs up or resets is told in one line, exit code 1" {
    start "$MENU_SERVER"
    mkfifo "$TMP/keys"
    exec 5<>"$TMP/keys"
    "$ECHO_CLIENT" "$HOST" "$PORT" <&5 >"$TMP/out" 2>"$TMP/err" 3>&- &
    STARTED+=($!)
    echo 3 >&5
    local status=0
    wait $! || status=$?
    exec 5>&-
    grep -q Goodbye "$TMP/out"
    grep -q "^echo_client: $HOST:$PORT: hung up before the end of our input$" "$TMP/err"
    [ $status -eq 1 ]
}

@test "client: SIGTERM and SIGINT end it within a second, exit code 0" {
    start "$ECHO_SERVER"
    mkfifo "$TMP/keys"
    exec 5<>"$TMP/keys"
    for option in '' -s; do
        for signal in TERM INT; do
            : >"$TMP/out"
            # shellcheck disable=SC2086 # no option is no argument
            "$ECHO_CLIENT" $option "$HOST" "$PORT" <&5 >"$TMP/out" 2>"$TMP/err" 3>&- &
            PID=$!
            STARTED+=("$PID")
            echo hello >&5
            LOG=$TMP/out logged hello
            stops_on $signal
        done
    done
    exec 5>&-
}

@test "client: SIGTERM ends it in the middle of a large transfer" {
    start "$ECHO_SERVER"
    mkfifo "$TMP/out"
    "$ECHO_CLIENT" "$HOST" "$PORT" </dev/zero >"$TMP/out" 2>"$TMP/err" 3>&- &
    PID=$!
    STARTED+=("$PID")
    exec 5<"$TMP/out"
    head -c 1000000 <&5 >/dev/null # it is under way
    cat <&5 >/dev/null 3>&- &
    stops_on TERM
    exec 5<&-
}

@test "client: -v shows the wire" {
    start "$ECHO_SERVER"
    echo hi >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" -v "$HOST" "$PORT"
    grep -q "^$HOST:$PORT <- 3 bytes$" "$TMP/err"
    grep -q "^$HOST:$PORT -> 3 bytes$" "$TMP/err"
    grep -q '68 69 0a' "$TMP/err"
}

# The clients that people have. Facts about them: telnet half-closes at the end of a pipe, nc.openbsd with -N,
# nc.traditional with -q.

@test "interop: telnet" {
    command -v telnet >/dev/null || skip "telnet is not installed"
    start "$ECHO_SERVER"
    mkfifo "$TMP/keys"
    telnet "$HOST" "$PORT" <"$TMP/keys" >"$TMP/out" 2>&1 3>&- &
    STARTED+=($!)
    exec 5>"$TMP/keys"
    printf 'hello\n吃饭了吗\n' >&5
    LOG=$TMP/out logged 吃饭了吗
    exec 5>&-
    wait $! || true
    grep -q '^hello' "$TMP/out"
}

@test "interop: nc of OpenBSD" {
    command -v nc.openbsd >/dev/null || skip "nc.openbsd is not installed"
    start "$ECHO_SERVER"
    head -c 1000000 /dev/urandom >"$TMP/in"
    round_trip "$TMP/in" nc.openbsd -N "$HOST" "$PORT"
}

@test "interop: traditional nc" {
    command -v nc.traditional >/dev/null || skip "nc.traditional is not installed"
    start "$ECHO_SERVER"
    printf 'hello\n吃饭了吗\n' >"$TMP/in"
    round_trip "$TMP/in" nc.traditional -q 5 "$HOST" "$PORT"
}

@test "interop: ncat and socat" {
    start "$ECHO_SERVER"
    printf 'hello\n吃饭了吗\n' >"$TMP/in"
    local tried=0
    if command -v ncat >/dev/null; then
        round_trip "$TMP/in" ncat "$HOST" "$PORT"
        tried=1
    fi
    if command -v socat >/dev/null; then
        round_trip "$TMP/in" socat -t 5 - "TCP:$HOST:$PORT"
        tried=1
    fi
    [ $tried -eq 1 ] || skip "neither ncat nor socat is installed"
}
