#!/usr/bin/env bats
# What a TFTP client promises. The client is $TFTP_CLIENT; `poke -u -p` plays the server, byte by byte: its socket
# `server` gets the request, and `t` is the TID that answers.

load helpers

RELAY=$TOP/tests/udp_relay

# Starts a poke that plays the server by the script on stdin.
play_server() {
    cat >"$TMP/script"
    start "$POKE" -u -f "$TMP/script"
}

# Runs the client in an empty folder of its own; sets STATUS. Its stderr is in $TMP/err. Its request is not sent again
# before 5 s, unless a test wants it: whoever plays the server may be late.
client() { # [OPTION...]
    STATUS=0
    mkdir -p "$TMP/here"
    (cd "$TMP/here" && exec "$TFTP_CLIENT" -t 5000 "$@" "$HOST" "$PORT") 2>"$TMP/err" || STATUS=$?
}

# Fails unless the client has ended so: exit code 1, and one line on stderr that matches.
complained() { # EXTENDED-REGULAR-EXPRESSION
    if [ "$STATUS" -ne 1 ] || [ "$(wc -l <"$TMP/err")" -ne 1 ] || ! grep -qE -- "$1" "$TMP/err"; then
        echo "rule: exit code 1 (here $STATUS), and one line on stderr that matches: $1"
        cat "$TMP/err"
        return 1
    fi
}

here() { (cd "$TMP/here" && find . ! -name . | sort | sed 's,^./,,' | tr '\n' ' '); }

serve() { # [OPTION...]
    mkdir -p "$TMP/root"
    start "$TFTP_SERVER" -d "$TMP/root" "$@"
}

# Puts the link between the client and the server started last.
bad_link() { # [OPTION...]
    local line
    local pipe=$TMP/relay$RANDOM
    mkfifo "$pipe"
    "$RELAY" "$@" "$HOST" "$PORT" 2>"$pipe" 3>&- &
    STARTED+=($!)
    read -r -t 10 line <"$pipe"
    PORT=${line##*:}
}

@test "tftp client: asks for its options, and takes what the OACK grants" {
    play_server <<'END'
        server < "\0\x01sub/abc\0octet\0blksize\x001428\0tsize\x000\0windowsize\x008\0"
        t as server
        t > "\0\x06blksize\x008\0tsize\x0011\0windowsize\x002\0"
        t <* "\0\x04\0\0"
        t > "\0\x03\0\x0112345678"
        t > "\0\x03\0\x02abc"
        t <* "\0\x04\0\x02"
END
    client -g sub/abc
    played
    [ "$STATUS" -eq 0 ]
    [ "$(here)" = 'abc ' ]
    [ "$(cat "$TMP/here/abc")" = 12345678abc ]
}

@test "tftp client: does without the options that a server does not know" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0blksize\x001000\0tsize\x000\0windowsize\x004\0"
        t as server
        t > "\0\x03\0\x01""x"*512
        t <* "\0\x04\0\x01"
        t > "\0\x03\0\x02y"
        t <* "\0\x04\0\x02"
END
    client -b 1000 -w 4 -g abc -l got
    played
    [ "$(wc -c <"$TMP/here/got")" -eq 513 ]
}

@test "tftp client: -s speaks as in RFC 1350, -n translates line ends" {
    play_server <<'END'
        server < "\0\x02new\0netascii\0"
        t as server
        t > "\0\x04\0\0"
        t <* "\0\x03\0\x01a\r\nb\r\0"
        t > "\0\x04\0\x01"
END
    printf 'a\nb\r' >"$TMP/text"
    client -s -n -p new -l "$TMP/text"
    played
    [ "$STATUS" -eq 0 ]
}

@test "tftp client: sends again what has no answer, and gives up" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0"
        server < "\0\x01abc\0octet\0"
        server < "\0\x01abc\0octet\0"
END
    client -s -t 20 -q 400 -g abc
    played
    complained "^tftp_client: $HOST:$PORT: abc: no answer for 400 ms"
    [ -z "$(here)" ]
}

@test "tftp client: the time until it is sent again doubles, and begins with 10 ms at least" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0"
        server hold 700
        server > "\0\x03\0\x01abc"
        server <* "\0\x04\0\x01"
END
    client -s -t 0 -g abc
    played
    echo "rule: from 10 ms on, that is sent again 6 times in 700 ms, and 9 times in 5 s"
    grep -E 'abc: 3 bytes received, [1-9] packets again' "$TMP/err" || { cat "$TMP/err"; return 1; }
}

@test "tftp client: an error of the server is one line, and leaves no file" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0"
        t as server
        t > "\0\x05\0\x01no \x1b[31msuch file\0"
END
    client -s -g abc
    complained '^tftp_client: .*abc: error 1: no \?\[31msuch file$'
    [ -z "$(here)" ]
}

@test "tftp client: a transfer that breaks off leaves the old file as it was, and no other" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0"
        t as server
        t > "\0\x03\0\x01""x"*512
        t <* "\0\x04\0\x01"
        t > "\0\x05\0\x03disk on fire\0"
END
    mkdir "$TMP/here"
    echo old >"$TMP/here/abc"
    client -s -g abc
    complained 'disk on fire'
    [ "$(here)" = 'abc ' ]
    [ "$(cat "$TMP/here/abc")" = old ]
}

@test "tftp client: an answer from another port than the first gets error 5, and changes nothing" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0"
        t as server
        t > "\0\x03\0\x01""x"*512
        t <* "\0\x04\0\x01"
        stray as server
        stray > "\0\x03\0\x02evil"
        stray <+ "\0\x05\0\x05"
        stray > "\0\x05\0\0end it\0"
        stray > "\0\x06tsize\x001\0"
        stray <+ "\0\x05\0\x05"
        t > "\0\x03\0\x02good"
        t <* "\0\x04\0\x02"
END
    client -s -g abc
    played
    [ "$STATUS" -eq 0 ]
    [ "$(tail -c 5 "$TMP/here/abc")" = xgood ]
}

@test "tftp client: an answer from another host is not believed" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0"
        evil at "127.0.0.2:0"
        evil as server
        say rule: only the host that was asked can answer
        evil > "\0\x03\0\x01evil"
        evil <+ "\0\x05\0\x05"
        t as server
        t > "\0\x03\0\x01good"
        t <* "\0\x04\0\x01"
END
    client -s -g abc
    grep -q 'cannot' "$LOG" && skip 'no second address here'
    played
    [ "$(cat "$TMP/here/abc")" = good ]
}

@test "tftp client: DATA that comes twice is written once, an ACK that comes twice brings no second DATA" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0"
        t as server
        t > "\0\x03\0\x01""x"*512
        t <* "\0\x04\0\x01"
        t > "\0\x03\0\x01""x"*512
        t <* "\0\x04\0\x01"
        t > "\0\x03\0\x02y"
        t <* "\0\x04\0\x02"
        say rule: it stays a moment: if its last ACK is lost, the last DATA comes again
        t > "\0\x03\0\x02y"
        t <* "\0\x04\0\x02"
END
    client -s -g abc
    played
    [ "$(wc -c <"$TMP/here/abc")" -eq 513 ]
    head -c 1500 /dev/zero | tr '\0' z >"$TMP/z"
    play_server <<'END'
        server < "\0\x02new\0octet\0"
        t as server
        t > "\0\x04\0\0"
        t > "\0\x04\0\0"
        t <* "\0\x03\0\x01""z"*512
        t > "\0\x04\0\x01"
        t > "\0\x04\0\x01"
        t > "\0\x04\0\0"
        t <* "\0\x03\0\x02""z"*512
        t > "\0\x04\0\x02"
        t <* "\0\x03\0\x03""z"*476
        t > "\0\x04\0\x03"
END
    client -s -p new -l "$TMP/z"
    played
    [ "$STATUS" -eq 0 ]
}

@test "tftp client: an OACK that grants more than was asked for is refused with error 8" {
    local oack
    for oack in 'blksize\x001429\0' 'windowsize\x009\0' 'timeout\x001\0' 'blksize\x000\0' 'blksize\0'; do
        play_server <<END
        server < "\\0\\x01abc\\0octet\\0blksize\\x001428\\0tsize\\x000\\0windowsize\\x008\\0"
        t as server
        t > "\\0\\x06$oack"
        t <+ "\\0\\x05\\0\\x08"
END
        client -g abc
        played
        complained 'options'
        [ -z "$(here)" ]
    done
}

@test "tftp client: a block longer than agreed ends it, with error 4" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0"
        t as server
        t > "\0\x03\0\x01""x"*513
        t <+ "\0\x05\0\x04"
END
    client -s -g abc
    played
    complained 'longer'
}

@test "tftp client: composes in a pipe, and draws nothing there" {
    serve -w
    head -c 100000 /dev/urandom >"$TMP/noise"
    client -p noise -l - <"$TMP/noise"
    [ "$STATUS" -eq 0 ]
    cmp "$TMP/noise" "$TMP/root/noise"
    client -g noise -l - >"$TMP/got"
    cmp "$TMP/noise" "$TMP/got"
    [ "$(wc -l <"$TMP/err")" -eq 1 ]
    run grep $'[\033\r]' "$TMP/err"
    [ "$status" -eq 1 ]
    client -g noise -l /dev/null
    [ -c /dev/null ]
    [ -z "$(here)" ]
}

@test "tftp client: SIGINT ends it within a second, tells the server, and leaves nothing" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0"
        t as server
        t > "\0\x03\0\x01""x"*512
        t <* "\0\x04\0\x01"
        t <* "\0\x05\0\0interrupted\0"
END
    mkdir "$TMP/here"
    (cd "$TMP/here" && exec "$TFTP_CLIENT" -s -g abc "$HOST" "$PORT" 2>"$TMP/err" 3>&-) &
    local pid=$! poke=$PID tries
    for ((tries = 0; tries < TRIES; tries++)); do
        [ -z "$(find "$TMP/here" -type f -size +0)" ] || break
        pause
    done
    PID=$pid stops_on INT
    PID=$poke played
    [ -z "$(here)" ]
}

@test "tftp client: files of every size come whole, both ways, also over a bad link" {
    local size seed options
    serve -w -o
    for size in 0 1 511 512 513 20000; do
        head -c $size /dev/urandom >"$TMP/root/f$size"
        for options in '-s' '-b 1024 -w 4'; do
            # shellcheck disable=SC2086 # several words
            client $options -g f$size
            cmp "$TMP/root/f$size" "$TMP/here/f$size"
            # shellcheck disable=SC2086
            client $options -p up -l f$size
            cmp "$TMP/root/f$size" "$TMP/root/up"
        done
    done
    local port=$PORT
    for ((seed = 1; seed <= ${SEEDS:-3}; seed++)); do
        PORT=$port
        bad_link -l 10 -d 10 -o 10 -s $seed
        for options in '-s -t 50' '-b 512 -w 8 -t 50'; do
            echo "rule: 10% loss, duplication and reordering change nothing but the time; seed $seed, $options"
            # shellcheck disable=SC2086
            client $options -g f20000
            cmp "$TMP/root/f20000" "$TMP/here/f20000"
            rm "$TMP/here/f20000" "$TMP/root/up"
            # shellcheck disable=SC2086
            client $options -p up -l "$TMP/root/f20000"
            cmp "$TMP/root/f20000" "$TMP/root/up"
        done
    done
}

@test "tftp client: says what is wrong with its command, and with its files" {
    HOST=127.0.0.1 PORT=1
    for options in '' '-g a -g b' '-g a -p b' '-g a/' '-b 7 -g a' '-b 65465 -g a' '-w 0 -g a' '-w 65 -g a' "-g $(printf '%0600d' 0)"; do
        # shellcheck disable=SC2086 # several words
        client $options
        [ "$STATUS" -eq 2 ] || [[ $options == *000 && $STATUS -eq 1 ]]
    done
    client -p nothing
    complained '^tftp_client: nothing: No such file'
    client -g a -l no/such/folder
    complained '^tftp_client: no/such/folder: No such file'
    client -p a -l "$TMP"
    complained 'directory'
}
