#!/usr/bin/env bats
# Exercise 04-1: heartbeat_server -i MS sends PING n to who has been silent for so long; PONG n is a sign of life.
# Grades: HEARTBEAT_SERVER

load ../helpers

@test "with -i 200 -t 1000, who is silent is asked again and again, and still dropped at its deadline" {
    start "$HEARTBEAT_SERVER" -i 200 -t 1000
    speak <<'END'
        say PING 1 comes after -i ms without a line, PING 2 after -i ms more, before a HELLO, too
        a < "PING 1\nPING 2\n"
        say to be asked is no sign of life: after -t ms without a line comes BYE
        a <* "BYE you were silent for 1000 ms\n"
        a eof
        other > "PING 1\n"
        other <* "PONG 1\n"
        a close
        other > "PING 2\n"
        other <* "PONG 2\n"
        other > "PING 3\n"
        other <* "PONG 3\n"
        say each connection counts for itself, from 1 on, whoever was there before
        b > "HELLO b\n"
        b < "WELCOME 0\nPING 1\n"
END
}

@test "with -i 200 -t 1000, a client that only answers stays" {
    start "$HEARTBEAT_SERVER" -i 200 -t 1000
    exec 5<>"/dev/tcp/$HOST/$PORT"
    local n line
    for n in {1..8}; do # together 1600 ms
        read -r -t 5 line <&5 || line=nothing
        echo "rule: PONG n is a sign of life and gets no answer; after it comes PING $n; here: $line"
        [ "$line" = "PING $n" ]
        echo "PONG $n" >&5
    done
    exec 5>&-
}

@test "with -i 1500, who talks is not asked, while another is" {
    start "$HEARTBEAT_SERVER" -i 1500 -t 60000
    speak <<'END'
        say each client has a time of its own, and each of its lines begins it anew
        silent open
        talks > "HELLO talks\n"
        talks < "WELCOME 0\n"
        talks hold 500
        talks > "PING 7\n"
        talks < "PONG 7\n"
        talks hold 500
        talks > "MSG 1 hello\n"
        talks < "ACK 1\n"
        talks hold 500
        talks > "nonsense\n"
        talks < "ERROR "
        talks <* "\n"
        silent < "PING 1\n"
        talks > "PING 8\n"
        talks < "PONG 8\n"
        say one PING each time, not one in each turn of the loop
        silent > "PING 9\n"
        silent < "PONG 9\n"
END
}

@test "PONG without its PING is answered by ERROR, an old one is not, and without -i nothing is new" {
    start "$HEARTBEAT_SERVER" -i 300
    speak <<'END'
        say PONG 1 before PING 1 is ERROR, a line like any other: PING 1 comes -i ms later, PING 2 -i ms after that
        a > "PONG 1\n"
        a < "ERROR "
        a <* "\n"
        a < "PING 1\nPING 2\n"
        say an answer may be late, and is a sign of life all the same: no ERROR
        a > "PONG 1\n"
        a < "PING 3\n"
        say PONG 99 answers nothing that was asked
        a > "PONG 99\n"
        a < "ERROR "
        a <* "\n"
        say nor do PONG 0, PONG -1 and PONG x
        a > "PONG 0\nPONG -1\nPONG x\n"
        a < "ERROR "
        a <* "\nERROR "
        a <* "\nERROR "
        a <* "\n"
END
    start "$HEARTBEAT_SERVER" -t 600
    speak <<'END'
        say without -i the server does not ask, so PONG answers nothing
        a > "PONG 1\n"
        a < "ERROR "
        a <* "\n"
        a < "BYE you were silent for 600 ms\n"
END
}

@test "with -i 20 -t 3000, who does not read what it is sent is not asked, and is dropped at its deadline" {
    start "$HEARTBEAT_SERVER" -i 20 -t 3000
    exec 5<>"/dev/tcp/$HOST/$PORT"
    yes MSG >&5 2>/dev/null 3>&- & # nobody reads the answers, so at last it waits, and ends with the connection
    local talker=$! tries
    STARTED+=("$talker")
    exec 5>&-
    sleep 1.5
    echo "rule: it is not dropped before: many a PING on top of what it is owed would be too much to be kept"
    kill -0 "$talker"
    echo "rule: it is dropped after 3000 ms without a line"
    for ((tries = 0; tries < TRIES; tries++)); do
        kill -0 "$talker" 2>/dev/null || break
        pause
    done
    [ "$tries" -lt "$TRIES" ]
}

@test "with -i 30000, the server sleeps until the next probe" {
    start "$HEARTBEAT_SERVER" -i 30000 -t 60000
    spin_beside
    printf '%s\n' 'a open' 'a hold 700' | "$POKE" "$HOST" "$PORT"
    slept
    start "$HEARTBEAT_SERVER" -i 100 -t 60000
    spin_beside
    printf '%s\n' 'a < "PING 1\n"' 'a hold 700' | "$POKE" "$HOST" "$PORT"
    slept
}
