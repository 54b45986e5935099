#!/usr/bin/env bats
# What loop.h promises to a lesson, seen from outside: through a server that does what no lesson does.
# Grades: LOOP_SERVER

load helpers

@test "loop: a client that is dropped while nobody says anything is gone at once" {
    start "$LOOP_SERVER"
    speak <<'END'
        a open
        a < "hello 0\n"
        b open
        a gone
END
    logged 'disconnected: another has come'
    logged 'is gone'
}

@test "loop: a newcomer that is closed while nobody says anything gets its FIN at once" {
    start "$LOOP_SERVER" -c
    speak <<'END'
        a open
        a eof
END
    logged 'is gone'
}

@test "loop: one message a call, and the rest is offered again" {
    start "$LOOP_SERVER"
    speak <<'END'
        a < "hello 0\n"
        a > "nextnextmess"
        a < "next 12\nnext 8\nmessage 4\n"
END
}

@test "loop: at the end of the input on_data gets what is left, or nothing" {
    start "$LOOP_SERVER"
    speak <<'END'
        a < "hello 0\n"
        a > "nextab"
        a < "next 6\n"
        a shut
        a < "rest 2\n"
        a eof
END
    speak <<'END'
        a < "hello 0\n"
        a > "next"
        a < "next 4\n"
        a shut
        a < "rest 0\n"
        a eof
END
}

@test "loop: a message that has waited for something to be written is offered again, after a half-close, too" {
    start "$LOOP_SERVER"
    speak <<'END'
        a < "hello 0\n"
        a > "long"
        a < "a"*40000 "b"*40000 "c"*40000 "d"*40000 "e"*40000 "f"*40000 "g"*40000 "h"*40000 "i"*40000 "j"*40000
        a > "mess"
        a < "message 4\n"
        a > "longmess"
        a shut
        a < "a"*40000 "b"*40000 "c"*40000 "d"*40000 "e"*40000 "f"*40000 "g"*40000 "h"*40000 "i"*40000 "j"*40000
        a < "message 4\nrest 0\n"
        a eof
END
}

@test "loop: SIGHUP, SIGINT and SIGTERM end it, after its last words" {
    local signal
    for signal in $(endings); do
        start "$LOOP_SERVER"
        exec 5<>"/dev/tcp/$HOST/$PORT"
        read -r -t 5 <&5
        stops_on "$signal"
        [ "$(cat <&5)" = bye ]
        exec 5>&-
    done
}

@test "loop: a client that is still sending when a signal comes gets all that it is owed, and the last words" {
    start "$LOOP_SERVER"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    head -c 8000000 /dev/zero >&5 3>&- &
    STARTED+=($!)
    for ((i = 0; i < 10; i++)); do read -r -t 5 <&5; done
    kill -s TERM "$PID"
    echo "rule: close() with bytes unread would send RST, and what is on its way to the client would be lost"
    [ "$(within 10 tail -n 1 <&5)" = bye ]
    wait "$PID"
    exec 5>&-
}

@test "loop: SIGHUP that was ignored at the start, as with nohup, stays ignored" {
    IGNORING=HUP start "$LOOP_SERVER"
    kill -s HUP "$PID"
    speak <<<'a < "hello 0\n"'
    stops_on TERM
}
