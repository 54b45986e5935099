#!/usr/bin/env bats
# Frames as RFC 6455 has them: the table 06-cases.txt, played to /echo of $WS_SERVER in every cut.
# Grades: WS_SERVER

load helpers

CASES=$TOP/tests/ws_cases

# Plays the table to the server started last.
play() { # MODE
    "$CASES" -m "$1" "$HOST" "$PORT" <"$TOP/tests/06-cases.txt"
}

@test "frames: every case of the table gets its answer" {
    start "$WS_SERVER"
    play whole
}

@test "frames: ... also when the frames come together with the request" {
    start "$WS_SERVER"
    play joined
}

@test "frames: ... also one byte at a time, request and all" {
    start "$WS_SERVER"
    play bytes
}

@test "frames: ... also cut in two, at every point" {
    start "$WS_SERVER"
    play splits
}

@test "frames: messages of 16 MiB with -m, and not a byte more" {
    start "$WS_SERVER" -m 16777216
    "$CASES" "$HOST" "$PORT" <<'END'
a text of 16 MiB | text "m"*16777216 | text "m"*16777216
16 MiB in four fragments | binary- "a"*4194304 cont- "b"*4194304 cont- "c"*4194304 cont "d"*4194304 | binary "a"*4194304 "b"*4194304 "c"*4194304 "d"*4194304
one byte more | claims=16777217 text "m" | close 1009
END
}

@test "frames: with -m 10 a message has ten bytes, in one frame or in many" {
    start "$WS_SERVER" -m 10
    "$CASES" "$HOST" "$PORT" <<'END'
ten bytes | text "0123456789" | text "0123456789"
ten bytes in fragments | text- "01234" cont "56789" | text "0123456789"
eleven bytes | text "0123456789a" | close 1009
eleven bytes in fragments | text- "01234" cont "56789a" | close 1009
a ping may be longer | ping "0123456789a" | pong "0123456789a"
END
}

@test "frames: a thousand messages in one write are echoed one by one, in order" {
    start "$WS_SERVER"
    upgraded /echo <<'END' | speak
        a > "\x81\x81\0\0\0\0x" "\x82\x82\x01\x02\x03\x04\x01\x02"*1000 "\x89\x80\0\0\0\0"
        a < "\x81\x01x" "\x82\x02\0\0"*1000 "\x8a\0"
END
}
