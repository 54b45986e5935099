#!/usr/bin/env bats
# What a UDP echo server promises. Each name is the rule; the server is $UDP_ECHO_SERVER, of whatever language. What it has
# to take and print is on the page of the lesson, "Check your own version".
# Grades: UDP_ECHO_SERVER

load helpers

CLIENT=${BUILD:-$TOP}/05-udp/udp_echo_client # the course's, whosever the server is

# Sends stdin's lines over the link of the server started last, each once (see udp_echo_client -h).
over_the_link() {
    "$CLIENT" -q -r 1 -t 700 -m 700 -w 100 "$HOST" "$PORT" 2>"$TMP/summary" || true
}

@test "udp: a datagram comes back, to whom it came from" {
    start "$UDP_ECHO_SERVER"
    speak -u <<'END'
        a > "from a\n"
        b > "吃饭了吗"
        a < "from a\n"
        b < "吃饭了吗"
END
}

@test "udp: a datagram stays one: two are not joined, none is split" {
    start "$UDP_ECHO_SERVER"
    speak -u <<'END'
        a > "one"
        a > "two\nlines\n"
        a > "3"
        a < "one"
        a < "two\nlines\n"
        a < "3"
END
}

@test "udp: the empty datagram is a datagram, too" {
    start "$UDP_ECHO_SERVER"
    speak -u <<'END'
        a > ""
        a < ""
        a > "and then"
        a > ""
        a < "and then"
        a < ""
END
}

@test "udp: bytes are bytes: NUL, 0xFF and all others come back" {
    start "$UDP_ECHO_SERVER"
    speak -u <<'END'
        a > "\0"
        a < "\0"
        a > "before\0after\xff\xfe\x04\x1a"
        a < "before\0after\xff\xfe\x04\x1a"
END
}

@test "udp: a datagram of any size comes back whole, up to 65,507 bytes" {
    start "$UDP_ECHO_SERVER"
    local size
    for size in 1 2 511 512 513 1472 1473 4096 8193 16385 32769 65506 65507; do
        printf '%s\n' "a > \"0123456789\"*$((size / 10))\"x\"*$((size % 10))"
        printf '%s\n' "a < \"0123456789\"*$((size / 10))\"x\"*$((size % 10))"
    done | speak -u
}

@test "udp: a datagram that there is no room for (-b) is not answered by half" {
    start "$UDP_ECHO_SERVER" -b 16
    speak -u <<'END'
        a > "0123456789abcdef"
        a < "0123456789abcdef"
        say what has been cut off is not sent back as if it were all
        a > "0123456789abcdefg"
        a > "next"
        a < "next"
END
}

@test "udp: a datagram that there is no room for (-b) is noticed" {
    ours
    start "$UDP_ECHO_SERVER" -b 16
    printf '%s\n' 'a > "0123456789abcdefg"' 'a > "next"' 'a < "next"' | speak -u
    logged '^127\.0\.0\.1:[0-9]+ 16 bytes .*cut off'
    [ "$(grep -c 'cut off' "$LOG")" -eq 1 ]
}

@test "udp: an answer comes from the address that was asked" {
    [ "$(uname)" = Linux ] || skip "only Linux has all of 127.0.0.0/8 on loopback"
    start "$UDP_ECHO_SERVER" -a 127.0.0.1 -a 127.0.0.2
    speak -u <<<$'a > "one"\na < "one"'
    logged 'listening on 127\.0\.0\.2:'
    HOST=127.0.0.2 PORT=$(sed -n 's/.*listening on 127\.0\.0\.2://p' "$LOG")
    speak -u <<<$'a at "127.0.0.1:0"\na > "two"\na < "two"'
}

@test "udp: an answer comes from the IPv6 address that was asked, too" {
    needs_ipv6
    start "$UDP_ECHO_SERVER" -a 127.0.0.1 -a ::1
    logged 'listening on \[::1\]:'
    HOST=::1 PORT=$(sed -n 's/.*listening on \[::1\]://p' "$LOG")
    speak -u <<<$'a > "three"\na < "three"'
}

@test "udp: a sender that is gone when its answer comes disturbs nobody" {
    start "$UDP_ECHO_SERVER"
    for _ in {1..20}; do
        printf '%s\n' 'a > "bye"' 'a close' 'b > "still here"' 'b < "still here"' 'a open' 'a > "x"' 'a < "x"' 'a close'
        echo 'a open'
    done | speak -u
}

@test "udp: no lie about the sender makes two echo servers answer each other for ever" {
    [ "$(uname)" = Linux ] || skip "only Linux has all of 127.0.0.0/8 on loopback"
    start "$UDP_ECHO_SERVER"
    speak -u <<END
        other at "127.0.0.2:$PORT"
        other > "hello, friend"
        a > "x"
        a < "x"
        say a datagram from the port that the server has itself is not answered
        other quiet 0
        other > "x"
        a > "y"
        a < "y"
        other quiet 0
END
}

@test "udp: a bad link that loses all (-l 100) answers nothing" {
    start "$UDP_ECHO_SERVER" -l 100
    printf '%s\n' 'a > "x"' 'a > "hello"' 'a quiet 200' | speak -u
}

@test "udp: a bad link says what it has lost" {
    ours
    start "$UDP_ECHO_SERVER" -l 100
    printf '%s\n' 'a > "x"' 'a > "hello"' | speak -u
    logged '^127\.0\.0\.1:[0-9]+ 1 byte lost$'
    logged '^127\.0\.0\.1:[0-9]+ 5 bytes lost$'
}

@test "udp: a bad link that duplicates (-d 100) sends each answer twice" {
    start "$UDP_ECHO_SERVER" -d 100
    speak -u <<'END'
        a > "hello"
        a < "hello"
        a < "hello"
        a > ""
        a < ""
        a < ""
END
}

@test "udp: on a bad link out of order (-o 100) the next one overtakes, or nobody does" {
    start "$UDP_ECHO_SERVER" -o 100
    speak -u <<'END'
        a > "1"
        a > "2"
        a < "2"
        a < "1"
        a > "3"
        a < "3"
END
}

@test "udp: a bad link that is late (-w) keeps datagrams whole, in order, and for that long" {
    start "$UDP_ECHO_SERVER" -w 150
    speak -u <<'END'
        a > "1"
        a > ""
        a > "3"*60000
        a < "1"
        a < ""
        a < "3"*60000
END
    local least
    seq 3 | "$CLIENT" "$HOST" "$PORT" >"$TMP/out" 2>"$TMP/err"
    least=$(sed -n "s/.*round trips: min \\([0-9]*\\)\\..*/\\1/p" "$TMP/err")
    echo "with -w 150 the fastest of three took $least ms"
    [ "$least" -ge 149 ]
}

@test "udp: the same seed has the same fate, another seed another" {
    local seed
    for seed in 7 8; do
        for again in 1 2; do
            start "$UDP_ECHO_SERVER" -l 50 -s $seed
            seq 60 | over_the_link >"$TMP/fate$seed.$again"
        done
        cmp "$TMP/fate$seed.1" "$TMP/fate$seed.2"
    done
    if cmp -s "$TMP/fate7.1" "$TMP/fate8.1"; then
        echo "rule: -s chooses the fate; 60 lines had the same with seeds 7 and 8"
        return 1
    fi
}

@test "udp: PERCENT means percent" {
    start "$UDP_ECHO_SERVER" -l 30 -d 20 -s 1
    local lines twice
    lines=$(seq 200 | over_the_link | wc -l)
    echo "of 200 lines $lines came back; it should be 70%"
    [ "$lines" -ge 110 ]
    [ "$lines" -le 170 ]
    twice=$(sed -n 's/.* \([0-9]*\) duplicate.*/\1/p' "$TMP/summary")
    echo "of $lines answers $twice came twice; it should be 20%"
    [ "$twice" -ge $((lines / 10)) ]
    [ "$twice" -le $((lines * 3 / 10)) ]
}

# Sends more than a bad link holds.
overfill() {
    start "$UDP_ECHO_SERVER" -w 60000
    printf 'a > "x"*60000\na hold 1\n%.0s' {1..100} | speak -u
}

@test "udp: SIGTERM ends it within a second, exit code 0, however much is under way on a bad link" {
    overfill
    stops_on TERM
}

@test "udp: what a bad link holds is bounded, and it still ends at once" {
    ours
    overfill
    logged 'lost: the link is full$'
    stops_on TERM
}

@test "udp: the options that the checks use are on the page" {
    ours
    options_on_page "$TOP/05-udp/README.md" Check 'start ".UDP_ECHO_SERVER"' 05-udp.bats
    options_on_page "$TOP/05-udp/README.md" Check 'client|".UDP_ECHO_CLIENT"' 05-client.bats
}

# The clients that people have.

@test "interop: nc of OpenBSD and ncat, -u" {
    start "$UDP_ECHO_SERVER"
    local tried=0 nc
    for nc in nc.openbsd ncat nc.traditional; do
        command -v $nc >/dev/null || continue
        tried=1
        mkfifo "$TMP/$nc"
        $nc -u "$HOST" "$PORT" <"$TMP/$nc" >"$TMP/$nc.out" 2>&1 3>&- &
        STARTED+=($!)
        exec 5>"$TMP/$nc"
        printf 'hello, %s\n' $nc >&5
        LOG=$TMP/$nc.out logged "hello, $nc"
        exec 5>&-
    done
    [ $tried -eq 1 ] || skip "there is no nc here"
}

@test "interop: socat" {
    command -v socat >/dev/null || skip "socat is not installed"
    start "$UDP_ECHO_SERVER"
    [ "$(printf 'hello' | socat -t 5 - "UDP:$HOST:$PORT,shut-null" | head -c 5)" = hello ]
}
