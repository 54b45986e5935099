#!/usr/bin/env bats
# What the UDP echo client promises ($UDP_ECHO_CLIENT); the page of the lesson says in "Check your own version" what one of
# somebody's own has to take. Where poke plays its server, the datagrams are "NUMBER LINE".
# ROUNDS=20 makes the run over the bad link longer.
# Grades: UDP_ECHO_CLIENT

load helpers

SERVER=${BUILD:-$TOP}/05-udp/udp_echo_server # the course's, whosever the client is

# Runs the client, with stdin, against the server started last. Its exit code is in
# $TMP/status, its output in $TMP/out and $TMP/err.
client() { # [OPTION...]
    local status=0
    "$UDP_ECHO_CLIENT" "$@" "$HOST" "$PORT" >"$TMP/out" 2>"$TMP/err" || status=$?
    echo $status >"$TMP/status"
}

# Starts a poke that plays the server by the script on stdin.
play_server() {
    cat >"$TMP/script"
    start "$POKE" -u -f "$TMP/script"
}

# Fails unless the client has said a line that matches. The words of somebody's own client are its own.
said() { # EXTENDED-REGULAR-EXPRESSION
    [ -z "${OWN-}" ] || return 0
    grep -qE -- "$1" "$TMP/err" && return 0
    echo "rule: the client says on stderr a line that matches $1; it said:"
    cat "$TMP/err"
    return 1
}

ended() { # STATUS
    local status
    status=$(cat "$TMP/status")
    [ "$status" -eq "$1" ] && return 0
    echo "exit code $status, it should be $1; the client said:"
    cat "$TMP/err"
    return 1
}

@test "udp client: what goes in comes out, and the end is told" {
    start "$SERVER"
    printf 'hello\n\n吃饭了吗\n\0\377\nthe last one has no end' >"$TMP/in"
    client -t 5000 -m 5000 <"$TMP/in"
    ended 0
    cmp "$TMP/in" "$TMP/out"
    said '^udp_echo_client: 5 lines, 5 answered, 0 given up; 5 datagrams sent, 0 of them again$'
    said '^udp_echo_client: answers: 0 late, 0 duplicate, 0 reordered, 0 ignored$'
}

@test "udp client: nothing in, nothing out" {
    start "$SERVER"
    client </dev/null
    ended 0
    [ ! -s "$TMP/out" ]
    [ -n "${OWN-}" ] || [ ! -s "$TMP/err" ]
}

@test "udp client: a line is a datagram, with its number in front" {
    play_server <<'END'
        server < "1 hello\n"
        server > "1 hello\n"
        server < "2 \n"
        server > "2 \n"
        server < "3 吃饭了吗"
        server > "3 吃饭了吗"
END
    printf 'hello\n\n吃饭了吗' | client -w 1 -t 5000 -m 5000
    ended 0
    played
}

@test "udp client: over a bad link all lines come back, once, in order" {
    local seed
    seq 150 >"$TMP/in"
    for ((seed = 1; seed <= ${ROUNDS:-3}; seed++)); do
        start "$SERVER" -l 10 -d 10 -o 10 -w 1 -s $seed
        client -t 100 -r 20 -w 16 <"$TMP/in"
        ended 0
        cmp "$TMP/in" "$TMP/out"
        said 'round trips: min '
        stops_on TERM
    done
}

@test "udp client: 20,000 lines through a pipe" {
    start "$SERVER"
    seq 20000 >"$TMP/in"
    client -q -w 64 -r 20 <"$TMP/in"
    ended 0
    cmp "$TMP/in" "$TMP/out"
}

@test "udp client: what is not answered is sent again, each time after twice as long, then given up: exit code 1" {
    start "$SERVER" -l 100
    local tries began=${EPOCHREALTIME-0} took
    echo hello | client -t 100 -r 4
    took=$((${EPOCHREALTIME//[.,]/} - ${began//[.,]/})) # us
    ended 1
    [ ! -s "$TMP/out" ]
    said '^udp_echo_client: 1 line, 0 answered, 1 given up; 4 datagrams sent, 3 of them again$'
    logged ' 8 bytes lost$'
    for ((tries = 0; tries < TRIES; tries++)); do
        [ "$(grep -c ' 8 bytes lost$' "$LOG")" -lt 4 ] || break
        pause
    done
    echo "rule: with -r 4 it is sent 4 times; here: $(grep -c ' 8 bytes lost$' "$LOG")"
    [ "$(grep -c ' 8 bytes lost$' "$LOG")" -eq 4 ]
    echo "rule: the timeouts are at least 100, 200, 400 and 800 ms; here it took $took us"
    [ "$began" = 0 ] || [ "$took" -ge 1490000 ]
    [ -z "${OWN-}" ] || return 0
    sed -n 's/.*No answer for \([0-9]*\) ms, sent again$/\1/p' "$TMP/err" >"$TMP/waits"
    awk 'BEGIN { least = 100 } { print; if ($1 < least) exit 1; least *= 2 } END { if (NR != 3) exit 1 }' "$TMP/waits"
}

@test "udp client: a line that is given up does not keep the others" {
    play_server <<'END'
        server < "1 one\n"
        server < "2 two\n"
        server < "3 three\n"
        server > "2 two\n"
        server > "3 three\n"
END
    printf 'one\ntwo\nthree\n' | client -t 500 -r 1
    ended 1
    printf 'two\nthree\n' | cmp - "$TMP/out"
    said '^1: given up'
}

@test "udp client: what was sent twice is not timed (Karn's rule), and the doubled timeout stays" {
    ours
    play_server <<'END'
        server < "1 a\n"
        server < "1 a\n"
        server > "1 a\n"
        server <* "2 b\n"
        server <* "2 b\n"
        server > "2 b\n"
END
    printf 'a\nb\n' | client -w 1 -t 150
    ended 0
    if grep 'round trips' "$TMP/err"; then
        echo "rule: from the answer to a line that was sent twice, no round trip can be told"
        return 1
    fi
    local wait
    wait=$(sed -n 's/^2: .*No answer for \([0-9]*\) ms.*/\1/p' "$TMP/err" | head -n 1)
    echo "rule: until a round trip is measured, the timeout stays doubled: 300 ms; here line 2 was sent again after $wait"
    [ "$wait" -ge 300 ]
}

@test "udp client: one burst of losses doubles the timeout once" {
    ours
    play_server <<'END'
        server < "1 a\n"
        server < "2 b\n"
        server < "3 c\n"
        server <* "3 c\n"
        server <* "3 c\n"
        server > "1 a\n"
        server > "2 b\n"
        server > "3 c\n"
END
    printf 'a\nb\nc\n' | client -t 200
    ended 0
    local wait
    wait=$(sed -n 's/^3: .*No answer for \([0-9]*\) ms.*/\1/p' "$TMP/err" | sed -n 2p)
    echo "rule: three timers of one burst make 400 ms of 200, not 1600; here line 3 was sent again after $wait ms"
    [ "$wait" -ge 400 ]
    [ "$wait" -lt 1500 ]
}

@test "udp client: the timeout follows the round trips, as RFC 6298 says" {
    ours
    start "$SERVER" -w 60
    echo one | client -t 5000
    ended 0
    said 'round trips: min '
    # (2.2) after the first round trip R: srtt = R, rttvar = R / 2, rto = R + 4 * R / 2
    sed -n 's/.*srtt \([0-9.]*\) ms, rttvar \([0-9.]*\) ms, rto \([0-9.]*\) ms.*/\1 \2 \3/p' "$TMP/err" >"$TMP/first"
    echo "rule (2.2): srtt, rttvar and rto are R, R/2 and 3R; here: $(cat "$TMP/first")"
    awk '{ exit !($1 >= 59 && $2 > $1 * 0.49 && $2 < $1 * 0.51 && $3 > $1 * 2.95 && $3 < $1 * 3.05) }' "$TMP/first"
    seq 8 | client -w 1 -t 5000 -m 2000 # nothing is sent again here, however busy the machine is
    sed -n 's/^[0-9]*: \([0-9.]*\) ms$/\1/p; s/.*srtt \([0-9.]*\) ms, rttvar \([0-9.]*\) ms.*/= \1 \2/p' \
        "$TMP/err" >"$TMP/all"
    echo "rule (2.3): the round trips, and what follows from them (= srtt rttvar):"
    cat "$TMP/all"
    # shellcheck disable=SC2016 # awk's dollars
    awk 'function near(a, b) { return a > b - 1 && a < b + 1 }
        $1 == "=" { exit !(NR == 9 && near($2, srtt) && near($3, var)) }
        NR == 1 { srtt = $1; var = $1 / 2; next }
        { error = srtt > $1 ? srtt - $1 : $1 - srtt; var = 0.75 * var + 0.25 * error; srtt = 0.875 * srtt + 0.125 * $1 }
        END { print "it should be", srtt, var }' "$TMP/all"
}

@test "udp client: an answer from a stranger is none" {
    local option
    for option in '' -c -q; do
        play_server <<'END'
            server < "1 hello\n"
            stranger as server
            stranger > "1 hello\n"
            stranger > "1 a lie\n"
            say only what the server has sent is an answer
            server < "1 hello\n"
            server > "1 hello\n"
END
        # shellcheck disable=SC2086 # no option is no argument
        echo hello | client $option -t 300
        ended 0
        played
        [ "$(cat "$TMP/out")" = hello ]
        echo "rule: a stranger's datagram is told, but not with -q: strangers have many"
        [ -n "$option" ] || said "^udp_echo_client: ignored 8 bytes from $HOST:"
        [ "$option" != -q ] || [ "$(grep -c 'ignored 8 bytes' "$TMP/err")" -eq 0 ]
        [ "$option" = -c ] || said '2 ignored$'
    done
}

@test "udp client: garbage from the server is no answer, and does not reach the terminal" {
    play_server <<'END'
        server < "1 hello\n"
        server > ""
        server > "1"
        server > "1 "
        server > "hello\n"
        server > "1 jello\n"
        server > "1 hello\n\n"
        server > "0 hello\n"
        server > "2 hello\n"
        server > "4097 hello\n"
        server > "-1 hello\n"
        server > "99999999999999999999999 hello\n"
        server > "\x1b[2J"*1000
        server > "1 hello\n"
END
    echo hello | client -t 5000
    ended 0
    played
    [ "$(cat "$TMP/out")" = hello ]
    said ' 12 ignored$'
    if grep -q $'\033' "$TMP/err"; then
        echo "rule: no escape sequence of a peer reaches the terminal"
        return 1
    fi
}

@test "udp client: more answers than datagrams sent: duplicates" {
    play_server <<'END'
        server < "1 a\n"
        server < "2 b\n"
        server > "1 a\n"
        server > "1 a\n"
        server > "1 a\n"
        server > "2 b\n"
END
    printf 'a\nb\n' | client -t 5000
    ended 0
    played
    said ' 0 late, 2 duplicate, 0 reordered, 0 ignored$'
    said '^1: duplicate$'
    printf 'a\nb\n' | cmp - "$TMP/out"
}

@test "udp client: two answers to a line sent twice: the first was late, not lost" {
    play_server <<'END'
        server < "1 a\n"
        server <* "2 b\n"
        server <* "1 a\n"
        server > "1 a\n"
        server > "1 a\n"
        server > "2 b\n"
END
    printf 'a\nb\n' | client -t 200
    ended 0
    played
    said ' 1 late, 0 duplicate, '
    said '^1: late'
}

@test "udp client: an answer after those to later lines: reordered; they are printed in order" {
    play_server <<'END'
        server < "1 a\n"
        server < "2 b\n"
        server < "3 c\n"
        server > "2 b\n"
        server > "3 c\n"
        server > "1 a\n"
END
    printf 'a\nb\nc\n' | client -t 5000
    ended 0
    played
    printf 'a\nb\nc\n' | cmp - "$TMP/out"
    said ' 0 late, 0 duplicate, 1 reordered, 0 ignored$'
    said '^1: .*reordered'
}

@test "udp client: no more lines are under way than the window (-w) allows" {
    play_server <<'END'
        server < "1 a\n"
        server < "2 b\n"
        server quiet 100
        server > "2 b\n"
        server quiet 100
        server > "1 a\n"
        server < "3 c\n"
        server < "4 d\n"
        server > "3 c\n"
        server > "4 d\n"
END
    printf 'a\nb\nc\nd\n' | client -w 2 -t 5000 -m 5000
    ended 0
    played
}

@test "udp client: with -c it hears at once that nobody is there" {
    start "$SERVER"
    stops_on TERM # so its port is surely one where nobody listens
    echo hello | client -c -t 60000
    ended 1
    said "^udp_echo_client: $HOST:$PORT: Connection refused$"
}

@test "udp client: the longest line goes; a longer one gets the system's answer, explained, and stops no other" {
    start "$SERVER"
    local size
    { head -c 65504 /dev/zero | tr '\0' x && echo; } >"$TMP/in" # 65,507 with its "1 "
    client -t 5000 <"$TMP/in"
    ended 0
    cmp "$TMP/in" "$TMP/out"
    for size in 65505 70000 131072 400000; do
        { head -c $size /dev/zero | tr '\0' x && echo && echo short; } | client -t 5000
        ended 1
        [ "$(cat "$TMP/out")" = short ]
        said '^1: given up, .*Message too (long|large).*65507'
        said '^udp_echo_client: 2 lines, 1 answered, 1 given up'
    done
    head -c 70000 /dev/zero | client -t 5000
    ended 1
}

@test "udp client: it finds the server by name, be it on IPv4 or IPv6" {
    ! "$UDP_ECHO_CLIENT" localhost </dev/null 2>&1 | grep 'cannot find localhost' || skip "nobody is called localhost"
    local address option
    for address in 127.0.0.1 ::1; do
        [ $address = 127.0.0.1 ] || getent ahosts localhost 2>/dev/null | grep -q ::1 || continue
        start "$SERVER" -a $address
        for option in -c -q; do
            HOST=localhost
            echo hello | client $option -t 100
            ended 0
            [ "$(cat "$TMP/out")" = hello ]
        done
    done
}

@test "udp client: SIGTERM, SIGINT and SIGHUP end it within a second, exit code 0" {
    mkfifo "$TMP/keys"
    exec 5<>"$TMP/keys"
    for signal in $(endings); do
        start "$SERVER" -l 100
        "$UDP_ECHO_CLIENT" -t 10000 "$HOST" "$PORT" <&5 >"$TMP/out" 2>"$TMP/err" 3>&- &
        PID=$!
        STARTED+=("$PID")
        echo hello >&5
        logged ' 8 bytes lost$'
        stops_on "$signal"
        said '^udp_echo_client: 1 line, 0 answered, 0 given up'
    done
    exec 5>&-
}

@test "udp client: SIGTERM ends it when nobody reads its output" {
    ours
    start "$SERVER"
    mkfifo "$TMP/out"
    exec 5<>"$TMP/out"
    seq 1000000 | "$UDP_ECHO_CLIENT" "$HOST" "$PORT" >"$TMP/out" 2>"$TMP/err" 3>&- &
    PID=$!
    STARTED+=("$PID")
    LOG=$TMP/err logged '^14000: '
    stops_on TERM
    exec 5>&-
}

@test "udp client: -v shows the wire" {
    ours
    start "$SERVER"
    echo hi | client -v -t 5000
    said "^$HOST:$PORT <- 5 bytes$"
    said "^$HOST:$PORT -> 5 bytes$"
    said '31 20 68 69 0a'
}

@test "udp client: who was away (kill -STOP) gives no line up before it has read what came meanwhile" {
    local pid status=0
    gate_open
    {
        printf 'server < "%d x\\n"\n' {1..200}
        gate stopped
        printf 'server > "%d x\\n"\n' {1..200}
        printf '%s\n' 'server hold 1500' 'say waited'
    } >"$TMP/steps"
    play_server <"$TMP/steps"
    printf 'x\n%.0s' {1..200} >"$TMP/in"
    "$UDP_ECHO_CLIENT" -r 1 -t 1000 -m 1000 -w 200 "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err" 3>&- &
    pid=$!
    STARTED+=("$pid")
    reached stopped "${LOG%.log}.out"
    kill -s STOP "$pid"
    pass stopped
    LOG=${LOG%.log}.out logged '^waited$'
    kill -s CONT "$pid"
    wait "$pid" || status=$?
    echo $status >"$TMP/status"
    echo "rule: all answers came in time, though the client reads them later"
    ended 0
    cmp "$TMP/in" "$TMP/out"
}

@test "udp client: of two addresses of a name the second is tried soon, and each gets every line" {
    ours
    two_addresses
    start "$SERVER"
    HOST=two.test
    echo "rule: an address that is silent has 3 s while another is left, whatever -t and -r say; and that is nothing to tell"
    echo hello | LD_PRELOAD=$TMP/preload.so client -q -t 60000 -r 1
    ended 0
    [ "$(cat "$TMP/out")" = hello ]
    if grep -vE '^udp_echo_client: (1 line|answers|round trips)' "$TMP/err"; then return 1; fi
    echo hello | LD_PRELOAD=$TMP/preload.so client -c
    ended 0
    if grep -vE '^udp_echo_client: (1 line|answers|round trips)|^1: [0-9.]* ms$' "$TMP/err"; then return 1; fi
    stops_on TERM
    echo hello | LD_PRELOAD=$TMP/preload.so client -t 20 -r 3
    ended 1
    said '^1: given up, no answer though sent 3 times$'
    echo hello | LD_PRELOAD=$TMP/preload.so client -c -t 20
    ended 1
    said "^udp_echo_client: 127.0.0.1:$PORT: Connection refused$"
}

@test "udp client: an address that cannot be reached is told at once" {
    ours
    preload <<'END'
        #include <errno.h>
        #include <sys/types.h>
        #include <sys/socket.h>
        ssize_t sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len) {
            return errno = ENETUNREACH, -1;
        }
END
    start "$SERVER"
    echo hello | LD_PRELOAD=$TMP/preload.so client -t 60000
    ended 1
    said "^udp_echo_client: $HOST:$PORT: Network (is )?unreachable$"
}

@test "udp client: input that cannot be read and output that cannot be written are told, exit code 1" {
    ours
    start "$SERVER"
    client <&-
    ended 1
    said '^udp_echo_client: cannot read the input: Bad file descriptor$'
    local status=0
    echo hello | "$UDP_ECHO_CLIENT" -t 5000 "$HOST" "$PORT" >&- 2>"$TMP/err" || status=$?
    [ $status -eq 1 ]
    said '^udp_echo_client: cannot write the output: Bad file descriptor$'
    echo hello | "$UDP_ECHO_CLIENT" -t 5000 "$HOST" "$PORT" >"$TMP/out" 2>&-
    [ "$(cat "$TMP/out")" = hello ]
    [ -c /dev/full ] || skip "no /dev/full here"
    status=0
    echo hello | "$UDP_ECHO_CLIENT" -t 5000 "$HOST" "$PORT" >/dev/full 2>"$TMP/err" || status=$?
    [ $status -eq 1 ]
    said '^udp_echo_client: cannot write the output: '
}

@test "udp client: on a terminal an escape sequence is harmless, in a pipe it stays as it is" {
    ours
    start "$SERVER"
    printf 'a\033[31mred\033[0m\r\tb\n吃饭\302\233x\n\377\n\351\245' >"$TMP/in"
    client -t 5000 <"$TMP/in"
    ended 0
    cmp "$TMP/in" "$TMP/out"
    open_terminal "'$UDP_ECHO_CLIENT' -q -t 5000 $HOST $PORT <'$TMP/in' 2>'$TMP/err'"
    shows '^a\?\[31mred\?\[0m\? +b$'
    shows '^吃饭\?\?x$'
    shows '^\?$'
    shows '^\?\?$'
}
