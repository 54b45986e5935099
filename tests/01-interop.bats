#!/usr/bin/env bats
# The clients that people have can talk to an echo server, $ECHO_SERVER. Facts about them: telnet half-closes at the end of
# a pipe, nc.openbsd with -N, nc.traditional with -q.
# Grades: ECHO_SERVER

load helpers

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
