#!/usr/bin/env bats
# Exercise 05-1: udp_echo_server -n COUNT gives an address, whatever its ports, so many answers a second.
# Grades: UDP_ECHO_SERVER

load ../helpers

@test "with -n 3, an address gets three answers a second, whatever its ports, and the log says why no more" {
    start "$UDP_ECHO_SERVER" -n 3
    speak -u <<'END'
        say three datagrams are answered
        a > "1"
        a > "2"
        a > "3"
        a < "1"
        a < "2"
        a < "3"
        say the fourth within a second is not, nor is one from another port of the same address
        a > "fourth"
        b > "5"
        a quiet 100
        b quiet 0
        say after a second it begins anew
        a hold 1100
        b > "6"
        b < "6"
END
    logged '^127\.0\.0\.1:[0-9]+ 6 bytes too many'
}

@test "with -n 1, what one address uses up is not taken from another" {
    [ "$(uname)" = Linux ] || skip "only Linux has all of 127.0.0.0/8 on loopback"
    start "$UDP_ECHO_SERVER" -n 1
    speak -u <<'END'
        say an address of its own has a count of its own
        a > "1"
        a > "2"
        a < "1"
        other at "127.0.0.2:0"
        other > "3"
        other < "3"
        a quiet 0
END
}

@test "with -n 2, a flood does not put off the time from which there are answers again" {
    start "$UDP_ECHO_SERVER" -n 2
    {
        echo 'say who goes on asking while the answer is no is not punished for it'
        printf '%s\n' 'a > "first"' 'a < "first"' 'a > "second"' 'a < "second"'
        printf 'a > "x"\n%.0s' {1..20}
        for _ in 1 2 3 4; do printf '%s\n' 'a > "x"' 'a hold 300'; done
        printf '%s\n' 'a > "again"' 'a <* "again"'
    } | speak -u
    echo "rule: the log says it once a second, or whoever floods the server floods its log as well"
    [ "$(grep -c 'too many' "$LOG")" -lt 10 ]
}

@test "with -n 1, a second begins with the first datagram that is counted, not with that of a clock" {
    start "$UDP_ECHO_SERVER" -n 1
    {
        echo 'say for a second from the first answer on there is no other'
        for n in 1 2 3; do # where a second of the clock ends in the pause of the one, it does not in that of another
            printf '%s\n' "a > \"$n\"" "a < \"$n\""
            for _ in 1 2 3; do printf '%s\n' 'a hold 200' 'a > "x"'; done
            printf '%s\n' 'a quiet 50' 'a hold 850'
        done
    } | speak -u
}

@test "without -n, all are answered" {
    start "$UDP_ECHO_SERVER"
    for n in {1..50}; do printf '%s\n' "a > \"$n\"" "a < \"$n\""; done | speak -u
}
