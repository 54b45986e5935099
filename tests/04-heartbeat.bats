#!/usr/bin/env bats
# What the heartbeat server promises ($HEARTBEAT_SERVER): 04-heartbeat/PROTOCOL.md, which also says what one of your own
# has to do beside the wire. What the client promises, and both together: 04-client.bats.
# Grades: HEARTBEAT_SERVER

load helpers

# Prints the lines that the checks of this file expect from a server; with N for each number.
expected_lines() {
    local quoted='\\?"[^"]*"'
    {
        grep -oE "[a-z] <\*? $quoted( *$quoted)*" "$BATS_TEST_FILENAME"
        grep -oE "(via|crowd) [a-z0-9]+ $quoted +$quoted" "$BATS_TEST_FILENAME" | sed -E 's/"[^"]*"//' # what is sent
        grep -oE "'(WELCOME|PONG|ACK|ERROR|BYE) [^']*'" "$BATS_TEST_FILENAME" | tr "'" '"'
    } | sed -E 's/^[^"]*"//; s/"[^"]*$//; s/" *"//g' | awk '{ gsub(/\\+n/, "\n"); print }' |
        awk '!/\\/ && NF' | anybody | sort -u
}

anybody() { sed -E 's/[0-9]+/N/g; s/^ERROR [a-z]+ has/ERROR somebody has/'; } # any number, and any name

@test "heartbeat: each line that a check expects from a server is on the page, PROTOCOL.md" {
    ours
    # shellcheck disable=SC2016 # the backticks are those of the page
    tr '\n' ' ' <"$TOP/04-heartbeat/PROTOCOL.md" | grep -oE '`[^`]+`' | tr -d '`' |
        sed -E 's/ (last|n|seq)$/ N/; s/^ERROR reason$/ERROR /' | anybody >"$TMP/page"
    expected_lines >"$TMP/expected"
    local line
    [ "$(wc -l <"$TMP/expected")" -ge 8 ]
    while IFS= read -r line; do
        echo "rule: a line that is compared stands on the page; here: $line"
        cut -c "1-${#line}" "$TMP/page" | grep -qxF -- "$line"
    done <"$TMP/expected"
}

# Fails unless these are the lines that the server started last has written to stdout.
accepted() { # LINE...
    printf '%s\n' "$@" | diff - "${LOG%.log}.out" && return
    echo "rule: each accepted message is one line on stdout: name, seq, text (< expected, > found)"
    return 1
}

@test "heartbeat: HELLO is answered by WELCOME, PING by PONG, MSG by ACK" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO zhangsan\n"
        a < "WELCOME 0\n"
        a > "PING 7\nPING 0\nPING 999999999999999999\n"
        a < "PONG 7\nPONG 0\nPONG 999999999999999999\n"
        a > "MSG 1 hello\nMSG 2 吃饭了吗\n"
        a < "ACK 1\nACK 2\n"
END
}

@test "heartbeat: what is acknowledged is on stdout: name, seq and text, one line each" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO zhangsan\nMSG 1 hello\n"
        a < "WELCOME 0\nACK 1\n"
        b > "HELLO 李四\nMSG 1  a  b \nMSG 2\nMSG 3 \n"
        b < "WELCOME 0\nACK 1\nACK 2\nACK 3\n"
END
    kill -s KILL "$PID" # nothing that was acknowledged may be lost in a buffer
    accepted 'zhangsan 1 hello' '李四 1  a  b ' '李四 2 ' '李四 3 '
}

@test "heartbeat: a line is a line, however it is cut; it ends with LF, CR LF or CR NUL" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a >1 "HELLO a\nMSG 1 吃饭了吗\r\nPING 1\n" via w "PING 1\n" "PONG 1\n"
        a < "WELCOME 0\nACK 1\nPONG 1\n"
        a >2 "MSG 2 吃饭了吗\r\nPING 1\n" via w "PING 1\n" "PONG 1\n"
        a < "ACK 2\nPONG 1\n"
        a >5 "MSG 3 吃饭了吗\nPING 1\r\n" via w "PING 1\n" "PONG 1\n"
        a < "ACK 3\nPONG 1\n"
        a > "MSG 4 four\r\0PING 4\r\0"
        a < "ACK 4\nPONG 4\n"
END
    accepted 'a 1 吃饭了吗' 'a 2 吃饭了吗' 'a 3 吃饭了吗' 'a 4 four'
}

@test "heartbeat: what it does not know is answered by ERROR, and the connection goes on" {
    start "$HEARTBEAT_SERVER"
    local line
    {
        for line in '' ' ' hello 'hello a' HELLO PING 'PING x' 'PING -1' 'PING 1 2' 'PING 1x' 'PING  1' 'PING ' \
            'PING 1000000000000000000' MSG 'MSG x' 'MSG 1 x' 'HELLO ' 'HELLO a b' 'HELLO a\t' QUIT 'PONG 1' \
            'HELLO 123456789012345678901234567890123' 'HELLO a:b' 'HELLO \x1b[2Ja' 'HELLO a\x80' 'HELLO \xc2\xa0' \
            'HELLO a\xe2\x80\x8b' 'HELLO \xe2\x80\xaea' 'HELLO \xe3\x85\xa4' 'HELLO \xef\xbb\xbfa' '\x1b[2J' '\x80'; do
            echo "a > \"$line\n\""
            echo 'a < "ERROR "'
            echo 'a <* "\n"'
        done
        echo 'a > "HELLO 1234567890123456789012345678901-\n"'
        echo 'a < "WELCOME 0\n"'
        for line in 'MSG x' 'MSG 0 x' 'MSG -1 x' 'MSG +1 x' 'MSG 1x' 'MSG  1' 'MSG 1000000000000000000 x' 'HELLO b'; do
            echo "a > \"$line\n\""
            echo 'a < "ERROR "'
            echo 'a <* "\n"'
        done
        echo 'a > "MSG 1 x\n"'
        echo 'a < "ACK 1\n"'
    } | speak
    accepted '1234567890123456789012345678901- 1 x'
}

@test "heartbeat: a line has at most 1024 bytes, a longer one is refused as a whole" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO a\nMSG 1 " "m"*1018 "\n"
        a < "WELCOME 0\nACK 1\n"
        a > "MSG 2 " "m"*1019 "\n" "MSG 2 short\n"
        a < "ERROR that line is over 1024 bytes\nACK 2\n"
        a > "MSG 3 " "m"*100000 "\n" "PING 1\n"
        a < "ERROR that line is over 1024 bytes\nPONG 1\n"
END
    accepted "a 1 $(printf 'm%.0s' {1..1018})" 'a 2 short'
}

@test "heartbeat: control characters and broken UTF-8 do not reach the output" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO a\nMSG 1 \x1b]0;title\x07 \xc2\x9b0m \0 \xc3(\nMSG 2 e\xe2\x80\xaegnp.exe\ttab\n"
        a < "WELCOME 0\nACK 1\nACK 2\n"
END
    accepted 'a 1 ?]0;title? ??0m ? ?(' $'a 2 e???gnp.exe\ttab'
}

@test "heartbeat: control characters do not reach the log" {
    ours
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO a\nHELLO \x1b[2J\n\x1b[2J\n\x80\nPING 1\n"
        a <* "PONG 1\n"
END
    logged ' a says HELLO'
    if grep -q $'[\001-\010\013-\037\177]' "$LOG"; then return 1; fi
}

@test "heartbeat: telnet's commands are no text; its requests are refused politely; Ctrl-D hangs up" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO \xff\xf1a\r\n\xff\xfd\x06"
        a < "WELCOME 0\n\xff\xfc\x06"
        a > "MSG 1 be\xff\xf1fore\r\n"
        a < "ACK 1\n"
        a > "\x04"
        a eof
END
    accepted 'a 1 before'
}

@test "heartbeat: a message that was seen before is acknowledged again, and counts once" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO a\n"
        a < "WELCOME 0\n"
        a > "MSG 1 one\nMSG 1 one\nMSG 2 two\nMSG 1 one\nMSG 2 two\nMSG 3 three\n"
        a < "ACK 1\nACK 1\nACK 2\nACK 1\nACK 2\nACK 3\n"
END
    accepted 'a 1 one' 'a 2 two' 'a 3 three'
}

@test "heartbeat: also after a reconnect, however the connection ended; WELCOME names the last one" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO a\nMSG 1 one\nMSG 2 two\n"
        a < "WELCOME 0\nACK 1\nACK 2\n"
        a reset
        a open
        b > "HELLO b\nMSG 1 other\n"
        b < "WELCOME 0\nACK 1\n"
        b close
        a > "HELLO a\nMSG 1 one\nMSG 2 two\nMSG 3 three\n"
        a < "WELCOME 2\nACK 1\nACK 2\nACK 3\n"
        a close
        a open
        a > "HELLO a\nMSG 3 three\nMSG 4 four\n"
        a < "WELCOME 3\nACK 3\nACK 4\n"
        b open
        b > "HELLO b\n"
        b < "WELCOME 1\n"
END
    accepted 'a 1 one' 'a 2 two' 'b 1 other' 'a 3 three' 'a 4 four'
}

@test "heartbeat: a gap is refused, for it would be a lost message; after a restart any number begins" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO a\nMSG 5 five\nMSG 7 seven\nMSG 6 six\nMSG 7 seven\n"
        a < "WELCOME 0\nACK 5\nERROR 6 has to come before 7\nACK 6\nACK 7\n"
END
    accepted 'a 5 five' 'a 6 six' 'a 7 seven'
}

@test "heartbeat: half a message at the end of a connection is none" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO a\nMSG 1 pay 10"
        a shut
        a < "WELCOME 0\n"
        a eof
        a close
        a open
        a > "HELLO a\nMSG 1 pay 1000\n"
        a < "WELCOME 0\nACK 1\n"
END
    accepted 'a 1 pay 1000'
}

@test "heartbeat: a second connection of a name takes over, and the first is told so" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        a > "HELLO a\nMSG 1 one\n"
        a < "WELCOME 0\nACK 1\n"
        b > "HELLO a\n"
        b < "WELCOME 1\n"
        a < "ERROR a has a newer connection\n"
        a eof
        a > "MSG 2 too late\n"
        b > "MSG 2 two\n"
        b < "ACK 2\n"
        a close
        b > "PING 1\n"
        b < "PONG 1\n"
END
    accepted 'a 1 one' 'a 2 two'
}

@test "heartbeat: a HELLO that arrives late, over an older connection, takes nothing over" {
    start "$HEARTBEAT_SERVER"
    speak <<'END'
        old > "PING 1\n"
        old < "PONG 1\n"
        new > "HELLO a\n"
        new < "WELCOME 0\n"
        old > "HELLO a\n"
        old < "ERROR a has a newer connection\n"
        old eof
        new > "MSG 1 one\n"
        new < "ACK 1\n"
END
    accepted 'a 1 one'
}

@test "heartbeat: 4096 names are remembered; who is gone for longest makes room, never one who is here" {
    takes_long
    start "$HEARTBEAT_SERVER"
    {
        for name in here first second; do
            echo "$name > \"HELLO $name\nMSG 1 x\n\""
            echo "$name < \"WELCOME 0\nACK 1\n\""
        done
        echo 'first reset'
        echo 'w > "PING 1\n"'
        echo 'w < "PONG 1\n"'
        echo 'second reset'
        seq 4094 | sed 's|.*|a open\na > "HELLO &\\n"\na < "WELCOME 0\\n"\na reset|'
        printf '%s\n' 'here > "MSG 1 x\nMSG 2 y\n"' 'here < "ACK 1\nACK 2\n"'
        printf '%s\n' 'second open' 'second > "HELLO second\n"' 'second < "WELCOME 1\n"'
        printf '%s\n' 'first open' 'first > "HELLO first\n"' 'first < "WELCOME 0\n"'
    } | speak
    accepted 'here 1 x' 'first 1 x' 'second 1 x' 'here 2 y'
}

@test "heartbeat: it ends when it cannot write what it would acknowledge" {
    [ -w /dev/full ] || skip "there is no /dev/full here"
    printf '#!/bin/sh\nexec "%s" "$@" >/dev/full\n' "$HEARTBEAT_SERVER" >"$TMP/full"
    chmod +x "$TMP/full"
    start "$TMP/full"
    speak <<'END'
        a > "HELLO a\nMSG 1 one\n"
        a gone
END
    ends_with_1
}

# Waits for the end of the server started last.
ends_with_1() {
    local status=0
    wait "$PID" || status=$?
    echo "rule: output that cannot be written is an error, exit code 1; here: $status"
    [ $status -eq 1 ]
    of_ours logged '^heartbeat_server: cannot write the output: '
}

# Started with stdout closed, the next pipe or socket gets its number, and a message would go there.
@test "heartbeat: it ends, too, when it is started with stdout closed, and sends messages to nobody else" {
    local closed
    for closed in '>&-' '<&- >&-'; do
        printf '#!/bin/sh\nexec "%s" "$@" %s\n' "$HEARTBEAT_SERVER" "$closed" >"$TMP/closed"
        chmod +x "$TMP/closed"
        start "$TMP/closed"
        speak <<'END'
            say what cannot be written to stdout gets no ACK, and goes to no client
            other > "HELLO other\n"
            other < "WELCOME 0\n"
            a > "HELLO a\n"
            a < "WELCOME 0\n"
            a > "MSG 1 one\n"
            a gone
            other gone
END
        ends_with_1
    done
}

# ---- Deadlines

# The clients of tests/pulse have a heartbeat that stops; -t is the deadline.
pulse() { # [OPTION...]
    local status=0
    "$TOP/tests/pulse" "$@" "$HOST" "$PORT" >"$TMP/pulse" || status=$?
    cat "$TMP/pulse"
    [ $status -ne 77 ] || skip "too few descriptors here, see ulimit -n"
    return $status
}

@test "heartbeat: a client that is silent past the deadline is told so and dropped" {
    start "$HEARTBEAT_SERVER" -t 100
    speak <<'END'
        a > "HELLO a\n"
        a < "WELCOME 0\nBYE you were silent for 100 ms\n"
        a eof
        b < "BYE you were silent for 100 ms\n"
        b eof
END
    of_ours logged '^127\.0\.0\.1:[0-9]+ a is silent'
    of_ours logged '^127\.0\.0\.1:[0-9]+ is silent'
}

@test "heartbeat: any whole line is a sign of life, and bytes without an end are none" {
    start "$HEARTBEAT_SERVER" -t 800
    exec 5<>"/dev/tcp/$HOST/$PORT"
    local line word
    for word in 'HELLO a' 'PING 1' 'MSG 1 x' nonsense ''; do
        echo "$word" >&5
        sleep 0.2 # shorter than -t, and all five are longer
    done
    for word in 'WELCOME 0' 'PONG 1' 'ACK 1' 'ERROR ' 'ERROR '; do
        read -r -t 5 line <&5
        echo "rule: who says something is not dropped; here: $line instead of $word"
        [[ $line == "$word"* ]]
    done
    exec 6<>"/dev/tcp/$HOST/$PORT"
    (while printf x; do pause; done) >&6 3>&- & # more of it each 10 ms
    STARTED+=($!)
    read -r -t 5 line <&6 || true
    echo "rule: a line that only grows is no sign of life, and ends with BYE; here: $line"
    [[ $line == BYE* ]]
    exec 5>&- 6>&-
}

@test "heartbeat: nobody is dropped early, and nobody waits for a clock that ticks slowly" {
    start "$HEARTBEAT_SERVER" -t 150
    pulse -c 5 -i 40 -n 2 -t 150
    echo "rule: the loop sleeps until the deadline and no longer; on a quiet machine nobody is 50 ms late"
    awk -F'last |ms' '{ exit $(NF - 1) > 150 + 400 }' "$TMP/pulse"
}

@test "heartbeat: 900 hearts beat, and then each that stops is dropped, none early" {
    takes_long
    start "$HEARTBEAT_SERVER" -t 1500
    pulse -c 900 -i 300 -n 2 -t 1500
}

@test "heartbeat: a server that was stopped itself does not blame its clients" {
    start "$HEARTBEAT_SERVER" -t 600
    exec 5<>"/dev/tcp/$HOST/$PORT"
    local line
    echo 'HELLO a' >&5
    read -r -t 5 line <&5
    kill -s STOP "$PID"
    echo 'PING 1' >&5
    sleep 0.8 # it has to be away for longer than -t
    kill -s CONT "$PID"
    read -r -t 5 line <&5
    echo "rule: a PING that has come in time, while the server was stopped, is one; here: $line"
    [ "$line" = 'PONG 1' ]
    exec 5>&-
}

@test "heartbeat: what a client said while the server was busy elsewhere is read before it is called silent" {
    mkfifo "$TMP/full"
    exec 8<>"$TMP/full" # nobody reads from it yet: after 64 KiB the server waits in write()
    printf '#!/bin/sh\nexec "%s" "$@" >"%s"\n' "$HEARTBEAT_SERVER" "$TMP/full" >"$TMP/server"
    chmod +x "$TMP/server"
    start "$TMP/server" -t 500
    local n=1 line
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    { echo 'HELLO a'; seq 100 | sed "s/.*/MSG & $(printf 'm%.0s' {1..1000})/"; } >&6
    # Until it does not answer for longer than -t, for it waits in write().
    while echo "PING $n" >&5 && read -r -t 0.6 line <&5; do n=$((n + 1)); done
    cat <&8 >/dev/null 3>&- &
    STARTED+=($!)
    read -r -t 5 line <&5
    echo "rule: a PING that lies in the kernel is a sign of life; here: $line"
    [ "$line" = "PONG $n" ]
    exec 5>&- 6>&- 8>&-
}

@test "heartbeat: 900 idle clients cost no CPU" {
    takes_long
    start "$HEARTBEAT_SERVER"
    local ms=2000
    [ -r "$PROC/self/stat" ] || ms=8000 # the CPU time in which 900 were greeted counts, too
    speak_and_wait <<END
        crowd crowd 900 "PING 1\n" "PONG 1\n"
        say waiting
        crowd hold $ms
END
    slept
}

@test "heartbeat: a client that does not read is dropped at its deadline, and nobody else notices" {
    start "$HEARTBEAT_SERVER" -t 1000
    speak <<'END'
        a deaf
        a fill 16777216 "PING 1\nMSG\n" via w "PING 1\n" "PONG 1\n"
        a blocked
        a hold 1200
        say who is dropped can send again, into the void; who is not has to wait
        a >? "PING 1\n"*10000
        w <* "BYE"
END
    of_ours logged 'disconnected: it is silent'
}

connected_stops_on() { # SIGNAL
    exec 5<>"/dev/tcp/$HOST/$PORT"
    echo 'PING 1' >&5
    read -r -t 5 <&5
    stops_on "$1"
    exec 5>&-
}

@test "heartbeat: SIGTERM ends it within a second, with deadlines running" {
    start "$HEARTBEAT_SERVER" -t 60000
    connected_stops_on TERM
}

@test "heartbeat: SIGHUP and SIGINT do, too" {
    ours
    local signal
    for signal in $(endings); do
        start "$HEARTBEAT_SERVER" -t 60000
        connected_stops_on "$signal"
    done
}

@test "heartbeat: SIGTERM ends it within a second when nobody reads its output, and it has acknowledged only what is there" {
    mkfifo "$TMP/full"
    exec 8<>"$TMP/full" # nobody reads from it: after 64 KiB the server waits in write()
    printf '#!/bin/sh\nexec "%s" "$@" >"%s"\n' "$HEARTBEAT_SERVER" "$TMP/full" >"$TMP/server"
    chmod +x "$TMP/server"
    start "$TMP/server"
    local n=1 line acknowledged written
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    { echo 'HELLO a'; seq 100 | sed "s/.*/MSG & $(printf 'm%.0s' {1..1000})/"; } >&6
    while echo "PING $n" >&5 && read -r -t 0.6 line <&5; do n=$((n + 1)); done
    stops_on TERM
    exec 9<"$TMP/full" 8>&-
    written=$(grep -c '^a [0-9]* m*$' <&9) || true
    acknowledged=$(cat <&6 2>"$TMP/err" | sed -n 's/^ACK //p' | tail -n 1) || true
    echo "rule: what is acknowledged is on stdout; here: $written lines, and ACK $acknowledged"
    [ "$written" -gt 0 ]
    [ "${acknowledged:-0}" -le "$written" ]
    exec 5>&- 6>&- 9<&-
}
