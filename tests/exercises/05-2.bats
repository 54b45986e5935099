#!/usr/bin/env bats
# Exercise 05-2: udp_echo_client sends a line again when it has been overtaken by the answers to three later ones, without
# waiting for its timer. Here no timer fires in time to help.
# Grades: UDP_ECHO_CLIENT

load ../helpers

# Runs the client, with 8 lines, against the poke that plays the server by this script.
converse() { # SCRIPT [OPTION...]
    local script=$1
    shift
    printf 'x\n%.0s' {1..8} >"$TMP/in"
    echo "$script" >"$TMP/script"
    start "$POKE" -u -f "$TMP/script"
    "$UDP_ECHO_CLIENT" -t 30000 -m 30000 -w 8 "$@" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err" 3>&- &
    STARTED+=("$!")
    played
    wait "${STARTED[${#STARTED[@]} - 1]}"
}

# Prints steps that take the lines 1 to N.
taken() { # N
    for ((i = 1; i <= $1; i++)); do echo "server < \"$i x\\n\""; done
}

# Prints steps that answer these lines.
answers() { # NUMBER...
    printf 'server > "%d x\\n"\n' "$@"
}

@test "three answers to later lines, and the line is sent again at once, but only once" {
    converse "$(taken 8)
        say two may have overtaken it by chance
        $(answers 2 3)
        server quiet 100
        say the third answer to a later line makes it lost
        $(answers 4)
        server < \"1 x\\n\"
        say three more do not make the second copy lost, for they may be older than that
        $(answers 5 6 7)
        server quiet 100
        $(answers 1 8)"
    cmp "$TMP/in" "$TMP/out"
    grep -qF '8 answered, 0 given up; 9 datagrams sent, 1 of them again' "$TMP/err"
}

@test "two lines are lost: each is sent again when three have overtaken it" {
    converse "$(taken 8)
        $(answers 1 3 5)
        server quiet 100
        say 3, 5 and 6 have overtaken line 2
        $(answers 6)
        server < \"2 x\\n\"
        say 5, 6 and 7 have overtaken line 4
        $(answers 7)
        server < \"4 x\\n\"
        $(answers 2 4 8)"
    cmp "$TMP/in" "$TMP/out"
}

@test "neither duplicates nor answers to older lines count" {
    converse "$(taken 8)
        say one answer that comes four times is one
        $(answers 2 2 2 2)
        server quiet 100
        say answers to older lines say nothing about a later one
        $(answers 1 3 4 5)
        server quiet 100
        $(answers 6 7 8)"
    cmp "$TMP/in" "$TMP/out"
    grep -qF '8 datagrams sent, 0 of them again' "$TMP/err"
}

@test "a line that -r allows to be sent once is not sent again" {
    converse "$(taken 8)
        say line 1 has been sent as often as it may be
        $(answers 2 3 4 5 6)
        server quiet 100
        $(answers 1 7 8)" -r 1
    cmp "$TMP/in" "$TMP/out"
    grep -qF '8 answered, 0 given up; 8 datagrams sent, 0 of them again' "$TMP/err"
}
