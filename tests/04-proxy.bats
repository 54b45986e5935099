#!/usr/bin/env bats
# What the flaky proxy promises. It is $FLAKY_PROXY; behind it is the course's echo server. What one of your own has to do
# is in 04-heartbeat/EXPERIMENTS.md: its answers to commands are compared, and no other line of its log.
# Grades: FLAKY_PROXY

load helpers

ECHO=${BUILD:-$TOP}/01-echo

setup_file() { "${CC:-cc}" -w -o "$BATS_FILE_TMPDIR/stand_in" "$TOP/tests/stand_in.c"; }

# Starts an echo server and the proxy in front of it. Sets SERVER_LOG, SERVER_PID and SERVER_PORT, and for the proxy
# what start sets. WIRE=-v proxy ...: the server's log shows what it gets.
proxy() { # [OPTION...]
    # shellcheck disable=SC2086 # one word or none
    start "$ECHO/echo_server" ${WIRE-}
    SERVER_LOG=$LOG SERVER_PID=$PID SERVER_PORT=$PORT
    mkfifo "$TMP/commands"
    exec 6<>"$TMP/commands"
    INPUT=$TMP/commands start "$FLAKY_PROXY" "$@" -- "$HOST" "$PORT"
}

# Gives the proxy a command and waits for its answer, how things stand then.
tell() { # COMMAND [STATE]
    echo "$1" >&6
    logged "^[^ ]*: $1: .*${2-}"
}

server_logged() { # EXTENDED-REGULAR-EXPRESSION
    LOG=$SERVER_LOG logged "$1"
}

dial() { exec 5<>"/dev/tcp/$HOST/$PORT"; } # connects descriptor 5

# Reads from descriptor 5 and fails unless these bytes come next.
hears() { # TEXT
    local text=''
    IFS= read -r -d '' -t 5 -n ${#1} text <&5 || true
    echo "expected $1, received $text"
    [ "$text" = "$1" ]
}

# Fails if a file has a line that matches.
lacks() { # FILE EXTENDED-REGULAR-EXPRESSION
    if grep -E -- "$2" "$1"; then
        echo "that should not be there"
        return 1
    fi
}

hears_nothing() { ! IFS= read -r -t 0.1 -n 1 <&5; }

# Sends and gets it back.
echoes() { # TEXT
    printf %s "$1" >&5
    hears "$1"
}

# Fails unless the stream on descriptor 5 ends now, with a FIN or with a RST.
ends_with() { # FIN|RST
    local status=0 how=FIN
    IFS= read -r -t 5 -n 1 <&5 2>"$TMP/ended" || status=$?
    ! grep -q 'reset by peer' "$TMP/ended" || how=RST
    echo "rule: it ends with $1; here: $how, read's status $status"
    [ $status -gt 0 ] && [ $status -le 128 ] && [ $how = "$1" ]
}

@test "proxy: what goes in comes out on the other side, unchanged, both ways" {
    proxy
    speak <<'END'
        a > "hello\r\n"
        a < "hello\r\n"
        a > "\0\xff\xf4\x06\x04\x1a"
        a < "\0\xff\xf4\x06\x04\x1a"
        a echo 16777216
END
}

@test "proxy: 1 MiB comes through unchanged, chopped, delayed, or both" {
    takes_long
    proxy
    local size
    for size in 1023 7 random; do
        tell "chop $size"
        speak <<<'a echo 1048576'
    done
    tell 'delay 20'
    speak <<<'a echo 1048576'
    tell 'chop 65536'
    speak <<<'a echo 1048576'
}

@test "proxy: with chop each piece is a write of its own, and mostly a read of its own" {
    WIRE=-v proxy -c 1
    local tries seen=0
    dial
    echoes hello
    # On a busy machine the server may come too late to read them one by one, so they have several tries. After a
    # silence the pieces come with a pause between them.
    for ((tries = 0; tries < 50; tries++)); do
        sleep 0.05 # a silence, longer than that after which pieces are counted anew
        echoes 12345
        seen=$(tail -n 20 "$SERVER_LOG" | grep -c -- "-> 1 byte\$") || true
        [ "$seen" -lt 5 ] || break
    done
    echo "rule: at least once in $tries tries five bytes are five reads"
    [ $tries -lt 50 ]
    tell 'chop 2'
    echoes 12345
    tell 'chop 0'
    echoes all-at-once
    exec 5>&-
}

@test "proxy: -v shows what passes, piece by piece" {
    ours
    proxy -v -c 1
    dial
    echoes hello
    tell status # what comes before it is in the log by now
    [ "$(grep -cE '(=>|<-) 1 byte$' "$LOG")" -eq 10 ]
    tell 'chop 0'
    echoes all-at-once
    logged '=> 11 bytes$'
    exec 5>&-
}

@test "proxy: delay holds each byte for so long, and no longer for those before it" {
    proxy -d 150
    local began i
    printf x | "$ECHO/echo_client" "$HOST" "$PORT" >"$TMP/out" 2>"$TMP/err"
    began=$(sed -n 's/.* received, \([0-9]*\) ms$/\1/p' "$TMP/err")
    echo "rule: there and back takes twice the delay of 150 ms at least; here: $began ms"
    [ "$(cat "$TMP/out")" = x ]
    [ "$began" -ge 300 ]
    dial
    began=$SECONDS
    for i in {1..40}; do
        printf %s "$i," >&5
        pause
    done
    hears "$(printf '%s,' {1..40})"
    echo "rule: 40 bytes sent within a second are 150 ms late, not 40 times 150 ms"
    [ $((SECONDS - began)) -lt 5 ]
    tell 'delay 0'
    echoes now
    exec 5>&-
}

@test "proxy: a half-close comes through, behind every byte, and the answer to it comes back" {
    proxy
    local state
    for state in 'chop 0' 'chop 1' 'delay 50' 'chop 0'; do
        tell "$state"
        speak <<'END'
            a > "last words"
            a shut
            a < "last words"
            a eof
            b shut
            b eof
END
    done
    tell 'delay 0'
    head -c 1000000 /dev/urandom >"$TMP/in"
    "$ECHO/echo_client" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out"
    cmp "$TMP/in" "$TMP/out"
}

@test "proxy: who sends and does not read is made to wait, and nobody else" {
    takes_long
    proxy
    speak <<'END'
        greedy fill 67108864 via a "ping" "ping"
        greedy blocked
        a echo 100000
        greedy drain
END
}

@test "proxy: stall passes nothing on, and resume all of it" {
    WIRE=-v proxy
    dial
    echoes before
    tell stall stalled
    printf meanwhile >&5
    hears_nothing
    exec 7<>"/dev/tcp/$HOST/$PORT"
    printf newcomer >&7
    tell status '1 connection, stalled'
    lacks "$SERVER_LOG" newcomer
    tell resume passing
    hears meanwhile
    exec 5>&- 5<&7 7>&-
    hears newcomer
    exec 5>&-
}

@test "proxy: cut ends every connection with a reset on both sides, even while stalled" {
    proxy
    local state
    for state in resume stall; do
        : >"$SERVER_LOG"
        tell resume
        dial
        echoes x
        tell $state
        tell cut '0 connections'
        of_ours logged ' disconnected: cut$'
        ends_with RST
        server_logged ' disconnected: Connection reset by peer$'
        exec 5>&-
    done
    tell resume
    dial
    echoes again
    exec 5>&-
}

@test "proxy: close ends every connection with a FIN on both sides, after what is under way" {
    WIRE=-v proxy -d 200
    dial
    echoes x
    printf bye >&5
    server_logged '<- 3 bytes$' # it is on its way back,
    tell status                 # and in the proxy
    tell close
    hears bye
    ends_with FIN
    server_logged ' disconnected$'
    exec 5>&-
    of_ours logged ' disconnected$'
    tell status '0 connections'
}

@test "proxy: half sends the client a FIN, and what it says still reaches the server" {
    WIRE=-v proxy
    dial
    echoes x
    tell half '1 connection'
    ends_with FIN
    printf still >&5
    server_logged ' still$'
    tell status '1 connection'
    of_ours lacks "$LOG" disconnected
    exec 5>&-
    server_logged ' disconnected$'
    of_ours logged ' disconnected$'
}

@test "proxy: refuse refuses newcomers only, and accept takes them on the same port" {
    proxy
    dial
    echoes x
    tell refuse refusing
    tell refuse refusing
    if (exec 7<>"/dev/tcp/$HOST/$PORT") 2>"$TMP/err"; then
        echo "rule: who connects while the proxy refuses is refused"
        return 1
    fi
    grep -q 'Connection refused' "$TMP/err"
    echoes old
    tell accept accepting
    tell accept accepting
    exec 5>&-
    dial
    echoes new
    exec 5>&-
}

@test "proxy: what is no command changes nothing, and gets a line that says so" {
    proxy
    local line
    for line in dance 'stall 3' STALL chop delay 'chop x' 'chop -1' 'chop 65537' 'delay 60001' 'delay 1 2' 'cut cut' \
        'chop 99999999999999999999' "chop 1$(printf %0100d 0)" $'\033[2J' "$(printf 'm%.0s' {1..5000})"; do
        echo "$line" >&6
    done
    printf '\n  \r\n\0\n' >&6
    printf '  chop\t16  \r\nhelp\nstatus\n' >&6
    logged '^[^ ]*: chop 16: 0 connections, passing, accepting, chop 16, delay 0$'
    logged '^[^ ]*: status: 0 connections, passing, accepting, chop 16, delay 0$'
    of_ours logged '^flaky_proxy: commands: stall, resume, '
    of_ours [ "$(grep -c '^flaky_proxy: not understood; commands: ' "$LOG")" -eq 16 ]
    lacks "$LOG" $'\033'
}

@test "proxy: a command ends with LF, CR LF or CR NUL, and the last one with the end of the input" {
    start "$ECHO/echo_server"
    printf 'chop 1\r\nchop 2\r\0chop 3\nchop 4' >"$TMP/commands"
    INPUT=$TMP/commands start "$FLAKY_PROXY" -- "$HOST" "$PORT"
    local n
    for n in 1 2 3 4; do logged "^[^ ]*: chop $n: "; done
    dial
    echoes x
    exec 5>&-
}

@test "proxy: started with stdin, stdout and stderr closed it passes on, and nobody gets its log" {
    ours
    start "$ECHO/echo_server"
    local host=$HOST port=$PORT
    printf '#!/bin/sh\nexec "%s" "$@" <&- >&-\n' "$FLAKY_PROXY" >"$TMP/closed"
    chmod +x "$TMP/closed"
    start "$TMP/closed" -- "$host" "$port"
    logged '^flaky_proxy: cannot read commands: '
    spin_beside
    dial
    echoes x
    exec 5>&-
    sleep 0.4 # in which nothing is to be done
    slept
    "$FLAKY_PROXY" -p "$PORT" "$host" "$port" <&- >&- 2>&- 3>&- &
    PID=$!
    STARTED+=("$PID")
    local tries
    for ((tries = 0; tries < TRIES; tries++)); do
        (exec 7<>"/dev/tcp/$HOST/$PORT") 2>"$TMP/err" && break
        pause
    done
    exec 7<>"/dev/tcp/$HOST/$PORT"
    dial
    echoes x
    hears_nothing
    exec 5>&- 5<&7 7>&-
    echoes y
    hears_nothing
    exec 5>&-
    stops_on TERM
}

@test "proxy: options that are no command, or too much, end it with the usage" {
    ours
    local option
    for option in '-c x' '-c -1' '-c 65537' '-d x' '-d 60001' '-s x' '-i 60001'; do
        # shellcheck disable=SC2086 # these are two words
        "$FLAKY_PROXY" $option -p 65536 2>"$TMP/err" || echo $? >"$TMP/status"
        cat "$TMP/err"
        [ "$(cat "$TMP/status")" -eq 2 ]
        head -n 1 "$TMP/err" | grep -q -- "${option#* }' is no"
        grep -q '^usage: ' "$TMP/err"
    done
}

@test "proxy: a client's reset reaches the server as a reset" {
    proxy
    printf '%s\n' 'a > "x"' 'a < "x"' 'a reset' | speak
    server_logged ' disconnected: Connection reset by peer$'
    of_ours logged '^127.0.0.1:[0-9]* disconnected: Connection reset by peer$'
}

@test "proxy: a client's reset behind its FIN ends the connection, though the server is silent" {
    ours
    mkfifo "$TMP/says"
    : >"$TMP/heard"
    start "$BATS_FILE_TMPDIR/stand_in" "$TMP/says" "$TMP/heard"
    start "$FLAKY_PROXY" -- "$HOST" "$PORT"
    speak <<<$'a > "x"\na shut\na < "go"\na reset' 3>&- &
    STARTED+=($!)
    local tries
    for ((tries = 0; tries < TRIES; tries++)); do
        grep -q 'x(the end)' "$TMP/heard" && break
        pause
    done
    printf go >"$TMP/says" # the FIN has come through, so the reset may come, and the server says nothing more
    logged '^127.0.0.1:[0-9]* disconnected: (Connection reset by peer|Broken pipe)$'
}

@test "proxy: a server's reset reaches the client as a reset" {
    # Ours says when the bytes are through; another one has two commands' time for that.
    # shellcheck disable=SC2046 # one word or none
    proxy $(of_ours echo -v)
    dial
    echoes x
    kill -s STOP "$SERVER_PID"
    printf unread >&5
    of_ours logged '=> 6 bytes$'
    tell status
    tell 'delay 0'
    kill -s KILL "$SERVER_PID"
    of_ours logged ' disconnected: the server: Connection reset by peer$'
    ends_with RST
    exec 5>&-
}

@test "proxy: without a server the client gets a FIN, the log says why, and a server that comes back is found" {
    proxy
    kill -s KILL "$SERVER_PID"
    wait "$SERVER_PID" || true
    dial
    of_ours logged ": cannot connect to 127.0.0.1:$SERVER_PORT: Connection refused\$"
    ends_with FIN
    exec 5>&-
    of_ours logged ' disconnected$'
    local log=$LOG port=$PORT
    ON_PORT=$SERVER_PORT start "$ECHO/echo_server"
    LOG=$log PORT=$port
    dial
    echoes back
    exec 5>&-
}

@test "proxy: of a server's several addresses it takes one that answers" {
    start "$ECHO/echo_server"
    start "$FLAKY_PROXY" -- localhost "$PORT"
    dial
    echoes x
    exec 5>&-
}

@test "proxy: a server that has moved is found, for each connection asks for its name again" {
    moving_name "$FLAKY_PROXY"
    start "$ECHO/echo_server"
    local old=$PID log port
    echo "$HOST $PORT" >"$ADDRESSES"
    LD_PRELOAD=$MOVING start "$FLAKY_PROXY" -- moving.test 1
    log=$LOG port=$PORT
    dial
    echoes x
    exec 5>&-
    rm "$ADDRESSES"
    dial
    of_ours logged ': cannot find moving\.test: '
    ends_with FIN
    exec 5>&-
    PID=$old stops_on TERM
    start "$ECHO/echo_server"
    echo "$HOST $PORT" >"$ADDRESSES"
    LOG=$log PORT=$port
    dial
    echoes y
    exec 5>&-
}

@test "proxy: an address that does not answer has 3 seconds, if the server has another" {
    moving_name "$FLAKY_PROXY"
    start "$BATS_FILE_TMPDIR/stand_in" full
    echo "$HOST $PORT" >"$ADDRESSES"
    start "$ECHO/echo_server"
    echo "$HOST $PORT" >>"$ADDRESSES"
    LD_PRELOAD=$MOVING start "$FLAKY_PROXY" -- moving.test 1
    dial
    echoes x
    exec 5>&-
}

# A signal ends it while it has a byte to deliver, a minute later.
delayed_stops_on() { # SIGNAL
    proxy -d 60000
    dial
    printf x >&5
    until grep -q '1 connection' "$LOG"; do tell status; done
    stops_on "$1"
    exec 5>&- 6>&-
    rm "$TMP/commands"
}

@test "proxy: SIGTERM ends it within a second, whatever it waits for" {
    delayed_stops_on TERM
}

@test "proxy: SIGHUP and SIGINT do, too" {
    ours
    local signal
    for signal in $(endings); do delayed_stops_on "$signal"; done
}

@test "proxy: 200 at once, chopped, and each gets its own" {
    takes_long
    proxy -c 1
    speak <<'END'
        crowd crowd 200 "hello" "hello"
        crowd served 200 200
        a echo 5000
END
}

@test "proxy: out of descriptors it refuses newcomers, serves the others, and recovers" {
    start "$ECHO/echo_server"
    LIMIT=32 start "$FLAKY_PROXY" -- "$HOST" "$PORT"
    speak <<'END'
        crowd crowd 64 "x" "x"
        crowd served 5 15
        crowd refused 49 59
END
    eventually serves 5 1
    of_ours logged ' refused: no room$'
}

@test "proxy: it costs no CPU to wait, stalled, half-closed, or with a reader that does not read" {
    takes_long
    proxy
    spin_beside
    dial
    exec 7<>"/dev/tcp/$HOST/$PORT"
    echoes x
    tell half '2 connections'
    ends_with FIN
    speak <<'END'
        deaf fill 67108864 via a "ping" "ping"
        deaf hold 400
END
    tell stall
    printf unread >&5
    sleep 0.4 # in which nothing is to be done, though much waits
    slept
    exec 5>&- 7>&-
}

# Runs the proxy with -r until it has given itself so many commands, and prints them.
misdeeds() { # COUNT SEED
    local tries
    start "$FLAKY_PROXY" -r -i 2 -s "$2" -- "$HOST" 1
    for ((tries = 0; tries < TRIES && $(wc -l <"$LOG") <= $1; tries++)); do pause; done
    kill -s KILL "$PID"
    sed -n 's/^flaky_proxy: \([^:]*\): .*, .*, .*/\1/p' "$LOG" | head -n "$1"
}

@test "proxy: with -r the same seed gives the same misdeeds, and another seed others" {
    ours
    HOST=127.0.0.1
    misdeeds 40 7 >"$TMP/first"
    misdeeds 40 7 >"$TMP/second"
    misdeeds 40 8 >"$TMP/other"
    [ "$(wc -l <"$TMP/first")" -eq 40 ]
    diff "$TMP/first" "$TMP/second"
    if cmp -s "$TMP/first" "$TMP/other"; then
        echo "rule: another seed, other misdeeds"
        return 1
    fi
    grep -qx stall "$TMP/first" "$TMP/other"
    grep -qx cut "$TMP/first" "$TMP/other"
}

@test "proxy: with -r there is progress all the same" {
    ours
    proxy -r -i 30 -s 3
    local tries done=0
    for ((tries = 0; tries < 600 && done < 40; tries++)); do
        [ "$(printf hello | "$ECHO/echo_client" "$HOST" "$PORT" 2>>"$TMP/err")" != hello ] ||
            done=$((done + 1))
    done
    echo "rule: of 600 connections 40 should come through; here: $done"
    [ $done -eq 40 ]
}
