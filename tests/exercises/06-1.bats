#!/usr/bin/env bats
# Exercise 06-1: a WebSocket at /time gets the time, in UTC, as a text like 08:15:00, once in each second.
# Grades: WS_SERVER

load ../helpers

@test "/time sends the time, in UTC, once in each second, and chooses the subprotocol time" {
    export TZ=XXX-5 # where the clocks of the walls show five hours more
    start "$WS_SERVER"
    mkfifo "$TMP/input"
    exec 6<>"$TMP/input"
    : >"$TMP/out"
    "$WS_CLIENT" -s time "ws://$HOST:$PORT/time" <"$TMP/input" >"$TMP/out" 2>"$TMP/err" 3>&- 6>&- &
    local client=$! tries
    STARTED+=("$client")
    for ((tries = 0; tries < 200; tries++)); do
        [ "$(wc -l <"$TMP/out")" -lt 3 ] && kill -0 "$client" 2>/dev/null || break
        date -u +%H:%M:%S >>"$TMP/clock"
        exec 7<>"/dev/tcp/$HOST/$PORT" # something for the loop to do
        exec 7>&-
        for _ in {1..5}; do pause; done
    done
    exec 6>&-
    cat "$TMP/err" "$TMP/out"
    echo "rule: a text comes each second"
    [ "$(wc -l <"$TMP/out")" -ge 3 ]
    echo "rule: a text is the time as HH:MM:SS, and nothing else"
    [ "$(grep -cvE '^[0-2][0-9]:[0-5][0-9]:[0-6][0-9]$' "$TMP/out")" -eq 0 ]
    echo "rule: it is that of now, in UTC"
    grep -qxFf "$TMP/clock" "$TMP/out"
    echo "rule: no second comes twice"
    [ -z "$(uniq -d "$TMP/out")" ]
    echo "rule: the subprotocol is time, if that is offered"
    grep -qx 'readyState 1 OPEN  subprotocol time' "$TMP/err"
    echo "rule: a close is answered"
    wait "$client"
}

@test "two at /time both get it, nobody else does, and a ping is answered" {
    start "$WS_SERVER"
    {
        upgraded /echo e </dev/null
        upgraded '/chat?name=c' c </dev/null
        echo 'c < "\x81\x10* c joined lobby"'
        echo say a WebSocket opens at /time, with 101
        upgraded /time a </dev/null
        upgraded /time b </dev/null
        cat
    } <<'END' | speak
        say each text is one frame of 8 bytes, not masked
        a <* "\x81\x08"
        b <* "\x81\x08"
        a <* "\x81\x08"
        b <* "\x81\x08"
        say a ping is answered at /time, too
        a > "\x89\x81\0\0\0\0x"
        a <* "\x8a\x01x"
        say who is at /echo or in a chat gets no time
        e > "\x81\x81\0\0\0\0x"
        e < "\x81\x01x"
        c > "\x89\x80\0\0\0\0"
        c < "\x8a\0"
END
}

@test "who is at /time and silent is pinged, and dropped if no pong comes" {
    start "$WS_SERVER" -i 1100 -w 800
    { echo say a WebSocket opens at /time, with 101; upgraded /time; } <<'END' | speak
        say a client that is only talked to may be dead: it is pinged, though it gets the time meanwhile
        a <* "\x81\x08"
        a <* "\x89\0"
        say a pong keeps it, and the time goes on
        a > "\x8a\x80\0\0\0\0"
        a <* "\x81\x08"
        say without a pong it is dropped
        a <* "\x89\0"
        a gone
END
}

@test "who gets the place of somebody at /time gets no time" {
    start "$WS_SERVER"
    {
        upgraded /echo other </dev/null
        echo say a WebSocket opens at /time, with 101
        upgraded /time a </dev/null
        cat <<'END'
        a <* "\x81\x08"
        say a close is answered, and the end comes
        a > "\x88\x82\0\0\0\0\x03\xe8"
        a <* "\x88\x02\x03\xe8"
        a eof
        a close
        other > "\x81\x81\0\0\0\0x"
        other < "\x81\x01x"
        other > "\x81\x81\0\0\0\0y"
        other < "\x81\x01y"
END
        upgraded /echo b </dev/null
        cat <<'END'
        say who is at /echo gets back what it says, and nothing else
        b hold 1100
        b > "\x81\x81\0\0\0\0x"
        b < "\x81\x01x"
END
    } | speak
}

@test "a message to /time is closed with 1003; a request for no WebSocket is told how to ask" {
    start "$WS_SERVER"
    {
        echo say a WebSocket opens at /time, with 101
        upgraded /time a </dev/null
        upgraded /time b </dev/null
        cat
    } <<'END' | speak
        say only the server talks here: a text or a binary message is closed with 1003
        a > "\x81\x81\0\0\0\0x"
        a <* "\x03\xeb"
        a gone
        b > "\x82\x81\0\0\0\0x"
        b <* "\x03\xeb"
        b gone
        say without Upgrade it is 426, as at /echo
        c > "GET /time HTTP/1.1\r\nHost: x\r\n\r\n"
        c < "HTTP/1.1 426 "
END
}
