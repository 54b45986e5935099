#!/usr/bin/env bats
# Exercise 01-4: echo_threads -t THREADS serves all clients with that many threads, made beforehand.
# Grades: ECHO_THREADS

load ../helpers

@test "with -t 2, two clients are served, and the next ones wait for a thread, the first of them first" {
    start "$ECHO_THREADS" -t 2
    speak <<'END'
        a > "x"
        a < "x"
        b > "x"
        b < "x"
        say with two threads a third client is connected, and waits
        c > "c waits"
        a > "y"
        a < "y"
        d > "d waits"
        b > "y"
        b < "y"
        say when one leaves, the client that has waited longest is next
        a shut
        a eof
        c < "c waits"
        c shut
        c eof
        d < "d waits"
        b > "z"
        b < "z"
END
}

@test "a thread that has served a client takes the next one, again and again" {
    start "$ECHO_THREADS" -t 3
    for _ in {1..40}; do
        printf '%s\n' 'a open' 'a > "x"' 'a < "x"' 'a close' 'b open' 'b > "x"' 'b < "x"' 'b shut' 'b eof' 'b close'
        printf '%s\n' 'c open' 'c reset'
    done | speak
    eventually serves 3 3
}

@test "with -t 2 -n 3 there is room for one client that waits, and the next one is refused" {
    start "$ECHO_THREADS" -t 2 -n 3
    speak <<'END'
        a > "x"
        a < "x"
        b > "x"
        b < "x"
        c > "c waits"
        say -n is for those that are served and those that wait
        d gone
        a shut
        a eof
        c < "c waits"
END
}

# Prints how many threads the server started last has.
threads() {
    local all=("/proc/$PID/task/"*)
    echo ${#all[@]}
}

@test "with -t 4 no client is given a thread of its own, and none of the four is forgotten" {
    local before fd line
    [ -r /proc/self/task ] || skip "this system does not show threads in /proc"
    start "$ECHO_THREADS" -t 4
    serves 4 4
    before=$(threads)
    echo "rule: four threads for clients, and some for the program; here: $before"
    [ "$before" -ge 5 ]
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT" 7<>"/dev/tcp/$HOST/$PORT" 8<>"/dev/tcp/$HOST/$PORT"
    for fd in 5 6 7 8; do
        echo hello >&$fd
        read -r -t 5 line <&$fd
        [ "$line" = hello ]
    done
    [ "$(threads)" -eq "$before" ]
}

@test "without -t nothing changes" {
    start "$ECHO_THREADS"
    speak <<'END'
        crowd crowd 60 "x" "x"
        crowd served 60 60
END
    stops_on TERM
}
