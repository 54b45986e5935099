#!/usr/bin/env bats
# What an echo server promises. Each name is the rule; the server is $ECHO_SERVER, of whatever language. What it has to do
# beside sending back is on the page: 01-echo/README.md, "A server of your own".
# Grades: ECHO_SERVER

load helpers

@test "echo: a line comes back" {
    start "$ECHO_SERVER"
    speak <<'END'
        a > "hello\r\n"
        a < "hello\r\n"
        a > "吃饭了吗\n"
        a < "吃饭了吗\n"
END
}

@test "echo: bytes come back at once, not when a line or a buffer is full" {
    start "$ECHO_SERVER"
    speak <<'END'
        a > "h"
        a < "h"
        a > "i"
        a < "i"
END
}

@test "echo: bytes are bytes: NUL, 0xFF and all others come back" {
    start "$ECHO_SERVER"
    speak <<'END'
        a > "\0"
        a < "\0"
        a > "\xff\xff\xfe\x04\x1a"
        a < "\xff\xff\xfe\x04\x1a"
        a > "before\0after\xff\xf4\x06"
        a < "before\0after\xff\xf4\x06"
END
}

@test "echo: pieces of any size come back whole and in order" {
    start "$ECHO_SERVER"
    local size
    for size in 1 2 3 7 1023 1024 1025 4095 4096 4097 65535 65536 65537; do
        echo "a >$size \"0123456789abcdefghi\"*$((size < 1000 ? 100 : 7000))"
        echo "a < \"0123456789abcdefghi\"*$((size < 1000 ? 100 : 7000))"
    done | speak
}

@test "echo: 16 MiB sent and read at the same time come back byte for byte" {
    takes_long
    start "$ECHO_SERVER"
    speak <<<'a echo 16777216'
}

@test "echo: after a half-close everything still comes back, then the end" {
    start "$ECHO_SERVER"
    speak <<'END'
        a > "last words"
        a shut
        a < "last words"
        a eof
        b shut
        b eof
END
}

# A script in which client a has sent N bytes and its FIN, reads nothing, and the server has done what it can about
# that (150 round trips of client b are as many turns of its loop), for N up to 5 MiB: with some N the server is just
# stuck, with the FIN received and the last bytes not sent. Which N, is up to the kernel's buffers; hence the small steps.
stuck() { # STEPS, what a does then, with \n between them
    awk -v steps="$1" 'BEGIN {
        for (n = 131072; n <= 5242880; n += 32768) {
            print "a deaf 32768\na fill " n "\na shut"
            for (i = 0; i < 150; i++) print "b > \"x\"\nb < \"x\""
            print steps
        }
    }'
}

@test "echo: a half-close with much under way loses nothing" {
    takes_long
    start "$ECHO_SERVER"
    stuck 'a drain\na eof\na close' | speak
}

@test "echo: a client that is silent does not keep another one waiting" {
    start "$ECHO_SERVER"
    speak <<'END'
        silent open
        a > "hello"
        a < "hello"
        silent > "at last"
        silent < "at last"
END
}

@test "echo: a client that sends and does not read is made to wait, and nobody else" {
    start "$ECHO_SERVER"
    speak <<'END'
        greedy fill 67108864 via a "ping" "ping"
        greedy blocked
        a echo 100000
        greedy drain
END
}

@test "echo: a client that resets disturbs nobody" {
    start "$ECHO_SERVER"
    for _ in 1 2 3 4 5; do
        printf '%s\n' 'a open' 'b open' 'b > "x"' 'b reset' 'c open' 'c reset'
        printf '%s\n' 'd open' 'd > "y"' 'd < "y"' 'd reset'
        printf '%s\n' 'a > "still here"' 'a < "still here"' 'a close'
    done | speak
}

@test "echo: a client that resets while the server writes to it disturbs nobody" {
    takes_long
    start "$ECHO_SERVER"
    speak <<'END'
        a deaf
        a fill 67108864 via b "x" "x"
        a reset
        b > "still here"
        b < "still here"
END
    stuck 'a reset' | speak
}

@test "echo: 300 short connections one after another leave nothing behind" {
    LIMIT=64 start "$ECHO_SERVER"
    for _ in {1..100}; do
        printf '%s\n' 'a open' 'a > "x"' 'a < "x"' 'a close' 'b open' 'b > "x"' 'b shut' 'b < "x"' 'b eof' 'b close'
        printf '%s\n' 'c open' 'c reset'
    done | speak
}

@test "echo: out of descriptors it refuses newcomers, serves the others, and recovers" {
    LIMIT=32 start "$ECHO_SERVER"
    speak <<'END'
        crowd crowd 64 "x" "x"
        crowd served 10 31
        crowd refused 33 54
END
    eventually serves 20 5
}

@test "echo: with more clients than select() can watch it refuses the rest, serves the others, and recovers" {
    takes_long
    LIMIT=2048 start "$ECHO_SERVER"
    speak <<'END'
        crowd crowd 1100 "x" "x"
        crowd served 200 1100
END
    eventually serves 20 5
}

@test "echo: a full house costs no CPU while nobody speaks" {
    takes_long
    LIMIT=32 start "$ECHO_SERVER"
    speak_and_wait <<'END'
        crowd crowd 64 "x" "x"
        say waiting
        crowd hold 600
END
    slept
}

@test "echo: it starts again at once after a stop with clients connected" {
    restarts "$ECHO_SERVER" hello
}

@test "echo: SIGTERM is heard even when the clients leave it no rest" {
    takes_long
    start "$ECHO_SERVER"
    for _ in {1..24}; do
        "$ECHO_CLIENT" "$HOST" "$PORT" </dev/zero >/dev/null 2>&1 3>&- &
        STARTED+=($!)
    done
    for _ in {1..30}; do printf '%s\n' 'a > "x"' 'a < "x"'; done | speak # by then all are at full speed
    stops_on TERM
}

@test "echo_select, the server in one file, keeps each of these promises, too" {
    ours
    [ "$ECHO_SERVER" = "${BUILD:-$TOP}/01-echo/echo_server" ] || skip "these are the checks of another server"
    bats_within "ECHO_SERVER=${BUILD:-$TOP}/01-echo/echo_select" PATCHED=yes TEST_SECONDS=120 01-echo.bats
}

# Also the check of an exhibit, so the program has a variable.
@test "echo_select, started with stdin, stdout and stderr closed, sends its log to no client" {
    ours
    keeps_its_log "$ECHO_SELECT" hello
}
