#!/usr/bin/env bats
# Exercise 04-2: WHO name is answered by HERE ms, AWAY ms or UNKNOWN.
# Grades: HEARTBEAT_SERVER

load ../helpers

# Asks on descriptor 5 and sets MS; fails unless the answer is that word and a number.
ask() { # NAME HERE|AWAY
    local line
    echo "WHO $1" >&5
    read -r -t 5 line <&5 || line=nothing
    echo "rule: WHO $1 is answered by $2 and the ms; here: $line"
    [[ $line =~ ^$2\ ([0-9]+)$ ]]
    MS=${BASH_REMATCH[1]}
}

# Sends a line on descriptor 6, and reads its answer.
says() { # LINE
    local line
    echo "$1" >&6
    read -r -t 5 line <&6
}

@test "HERE counts from the latest whole line, and a question about somebody is no sign of their life" {
    start "$HEARTBEAT_SERVER"
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    says 'HELLO lisi'
    local line
    for line in ', the rest' "$(printf 'm%.0s' {1..2000})"; do
        sleep 0.3 # silent, but for half a line and a question
        printf 'half a line' >&6
        ask lisi HERE
        sleep 0.3
        ask lisi HERE
        local silent=$MS
        echo "rule: neither half a line nor a question ends a silence of 600 ms; here: HERE $silent"
        [ "$silent" -ge 590 ]
        says "$line"
        ask lisi HERE
        echo "rule: a line is a sign of life, also one that is refused; after $silent ms and a line it is HERE $MS"
        [ "$MS" -lt "$silent" ]
    done
    exec 5>&- 6>&-
}

@test "with -t 300, who was told BYE and does not hang up is HERE, and silent" {
    start "$HEARTBEAT_SERVER" -t 300
    exec 6<>"/dev/tcp/$HOST/$PORT"
    says 'HELLO lisi'
    local line
    read -r -t 5 line <&6 # BYE
    exec 5<>"/dev/tcp/$HOST/$PORT"
    ask lisi HERE
    echo "rule: after BYE it has been silent for 300 ms at least; here: HERE $MS"
    [ "$MS" -ge 300 ]
    exec 5>&- 6>&-
}

@test "AWAY counts from the end of the connection, and who comes back is HERE" {
    start "$HEARTBEAT_SERVER"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    printf '%s\n' 'a > "HELLO lisi\n"' 'a < "WELCOME 0\n"' 'a hold 500' 'a shut' 'a eof' | speak
    ask lisi AWAY
    local left=$MS
    echo "rule: the 500 ms before it left do not count; here: AWAY $left"
    [ "$left" -lt 500 ]
    sleep 0.3 # away
    ask lisi AWAY
    echo "rule: 300 ms after AWAY $left it is at least 290 ms more; here: AWAY $MS"
    [ "$MS" -ge $((left + 290)) ]
    exec 6<>"/dev/tcp/$HOST/$PORT"
    says 'HELLO lisi'
    ask lisi HERE
    exec 5>&- 6>&-
}

@test "a name with a newer connection is HERE, also when the older one has gone" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        old > "HELLO a\n"
        old < "WELCOME 0\n"
        new > "HELLO a\n"
        new < "WELCOME 0\n"
        old < "ERROR a has a newer connection\n"
        old eof
        old close
        say WHO a is answered by HERE and the ms, also when it is a who asks
        new > "WHO a\n"
        new < "HERE "
        new <* "\n"
END
}

@test "a name is asked for as a whole, and may be of any length" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO " "n"*32 "\nHELLO n\n"
        a < "WELCOME 0\nERROR "
        a <* "\n"
        say a name of 32 bytes is HERE, a part of it UNKNOWN, and so is more than it
        b >1 "WHO " "n"*32 "\n"
        b < "HERE "
        b <* "\n"
        b > "WHO " "n"*31 "\nWHO " "n"*33 "\nWHO " "n"*1020 "\n"
        b < "UNKNOWN\nUNKNOWN\nUNKNOWN\n"
END
}

@test "to ask pushes nobody out, though all the places for names are taken" {
    start "$HEARTBEAT_SERVER"
    {
        seq 4096 | sed 's|.*|a open\na > "HELLO &\\n"\na < "WELCOME 0\\n"\na reset|'
        echo 'say 4096 names are remembered; who asks for others forgets none of them'
        echo 'b > "WHO 1\n"'
        echo 'b < "AWAY "'
        echo 'b <* "\n"'
        seq 10 | sed 's|.*|b > "WHO nobody&\\n"\nb < "UNKNOWN\\n"|'
        echo 'b > "WHO 1\n"'
        echo 'b < "AWAY "'
    } | speak
}

@test "UNKNOWN is who never said HELLO; to ask for 5000 of them makes nobody forgotten" {
    start "$HEARTBEAT_SERVER"
    {
        echo 'a > "HELLO a\nMSG 1 x\n"'
        echo 'a < "WELCOME 0\nACK 1\n"'
        echo 'a shut'
        echo 'a eof'
        echo 'say a name that was only asked for is none, so it is UNKNOWN the second time, too; and so is no name'
        echo 'b > "WHO nobody\nWHO nobody\nWHO \nWHO a b\n"'
        echo 'b < "UNKNOWN\nUNKNOWN\nUNKNOWN\nUNKNOWN\n"'
        seq 5000 | sed 's|.*|b > "WHO &\\n"\nb < "UNKNOWN\\n"|'
        echo 'say who was here is still remembered'
        echo 'b > "WHO a\nHELLO a\n"'
        echo 'b < "AWAY "'
        echo 'b <* "\nWELCOME 1\n"'
        echo 'say WHO without a blank is what the server does not know'
        echo 'b > "WHO\n"'
        echo 'b < "ERROR "'
    } | speak
}
