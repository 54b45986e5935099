#!/usr/bin/env bats
# Exercise 05-2: udp_echo_client sends a line again when it has been overtaken by the answers to three later ones, without
# waiting for its timer. Here no timer fires in time to help.
# Grades: UDP_ECHO_CLIENT

load ../helpers

# Runs the client, with so many lines, against the poke that plays the server by this script. Sets STATUS, its exit code.
converse() { # LINES SCRIPT [OPTION...]
    local script=$2 i client
    for ((i = 0; i < $1; i++)); do echo x; done >"$TMP/in"
    shift 2
    echo "$script" >"$TMP/script"
    start "$POKE" -u -f "$TMP/script"
    "$UDP_ECHO_CLIENT" -t 30000 -m 30000 -w 8 "$@" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err" 3>&- &
    client=$!
    STARTED+=("$client")
    played
    STATUS=0
    wait "$client" || STATUS=$?
}

# Fails unless all lines have come back.
all_back() {
    cmp "$TMP/in" "$TMP/out"
    echo "rule: all lines have come back, so the exit code is 0; here: $STATUS"
    [ $STATUS -eq 0 ]
}

# Prints steps that take these lines.
taken() { # FIRST LAST
    for ((i = $1; i <= $2; i++)); do echo "server < \"$i x\\n\""; done
}

# Prints steps that answer these lines.
answers() { # NUMBER...
    printf 'server > "%d x\\n"\n' "$@"
}

@test "three answers to later lines, and the line is sent again at once, but only once" {
    converse 8 "$(taken 1 8)
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
    all_back
}

@test "two lines are lost: each is sent again when three have overtaken it" {
    converse 8 "$(taken 1 8)
        $(answers 1 3 5)
        server quiet 100
        say 3, 5 and 6 have overtaken line 2
        $(answers 6)
        server < \"2 x\\n\"
        say 5, 6 and 7 have overtaken line 4
        $(answers 7)
        server < \"4 x\\n\"
        $(answers 2 4 8)"
    all_back
}

@test "neither duplicates nor answers to older lines count" {
    converse 8 "$(taken 1 8)
        say one answer that comes four times is one
        $(answers 2 2 2 2)
        server quiet 100
        say answers to older lines say nothing about a later one
        $(answers 1 3 4 5)
        server quiet 100
        $(answers 6 7 8)"
    all_back
}

@test "a line that -r allows to be sent once is not sent again" {
    converse 8 "$(taken 1 8)
        say line 1 has been sent as often as it may be
        $(answers 2 3 4 5 6)
        server quiet 100
        $(answers 1 7 8)" -r 1
    all_back
}

@test "after it was sent again the timer counts, and so does -r" {
    converse 8 "$(taken 1 8)
        say the third answer to a later line makes it lost
        $(answers 2 3 4)
        server < \"1 x\\n\"
        $(answers 5 6 7 8)
        say that copy is lost, too: now the timer counts
        server < \"1 x\\n\"
        $(answers 1)" -t 500 -m 500
    all_back
    converse 8 "$(taken 1 8)
        $(answers 2 3 4)
        server < \"1 x\\n\"
        $(answers 5 6 7 8)
        say with -r 2 it has been sent as often as it may be
        server quiet 1200" -t 500 -m 500 -r 2
    echo "rule: it is given up, so the exit code is 1; here: $STATUS"
    [ $STATUS -eq 1 ]
}

@test "each line is counted anew, also in the place of an earlier one" {
    converse 16 "$(taken 1 8)
        $(answers 2 3 4)
        server < \"1 x\\n\"
        $(answers 1)
        $(taken 9 12)
        $(answers 5 6 7 8)
        $(taken 13 16)
        say two have overtaken line 9
        $(answers 10 11)
        server quiet 100
        say the third makes it lost
        $(answers 12)
        server < \"9 x\\n\"
        $(answers 9 13 14 15 16)"
    all_back
}
