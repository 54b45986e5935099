#!/usr/bin/env bats
# What a TFTP client promises. The client is $TFTP_CLIENT; the page of TFTP says in "Check your own version" what one of
# somebody's own has to take. `poke -u -p` plays the server, byte by byte: its socket
# `server` gets the request, and `t` is the TID that answers.
# Grades: TFTP_CLIENT

load helpers

RELAY=$TOP/tests/udp_relay
SERVER=${BUILD:-$TOP}/05-udp/tftp/tftp_server # the course's, whosever the client is

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

# Fails unless the client has ended so: exit code 1, and one line on stderr that matches. The words of somebody's own
# client are its own.
complained() { # EXTENDED-REGULAR-EXPRESSION
    [ -z "${OWN-}" ] || [ "$STATUS" -ne 1 ] || return 0
    if [ "$STATUS" -ne 1 ] || [ "$(wc -l <"$TMP/err")" -ne 1 ] || ! grep -qE -- "$1" "$TMP/err"; then
        echo "rule: exit code 1 (here $STATUS), and one line on stderr that matches: $1"
        cat "$TMP/err"
        return 1
    fi
}

here() { (cd "$TMP/here" && find . ! -name . | sort | sed 's,^./,,' | tr '\n' ' '); }

serve() { # [OPTION...]
    mkdir -p "$TMP/root"
    start "$SERVER" -d "$TMP/root" "$@"
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
    ours
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
    [ -n "${OWN-}" ] || [ "$(wc -l <"$TMP/err")" -eq 1 ]
    run grep $'[\033\r]' "$TMP/err"
    [ "$status" -eq 1 ]
    client -g noise -l /dev/null
    [ -c /dev/null ]
    [ -z "$(here)" ]
}

# Runs the client in the background; ended waits for its end, and sets STATUS.
client_on() { # [OPTION...]
    mkdir -p "$TMP/here"
    (cd "$TMP/here" && exec "$TFTP_CLIENT" -t 5000 "$@" "$HOST" "$PORT") 2>"$TMP/err" 3>&- &
    CLIENT=$!
    STARTED+=("$CLIENT")
}

ended() {
    STATUS=0
    wait "$CLIENT" || STATUS=$?
}

# Waits until there is a file with something in it.
has_begun() {
    local tries
    for ((tries = 0; tries < TRIES; tries++)); do
        [ -z "$(find "$TMP/here" -type f -size +0)" ] || return 0
        pause
    done
    echo "rule: what has come is written down"
    return 1
}

@test "tftp client: SIGTERM, SIGINT and SIGHUP end it within a second, it tells the server, and leaves nothing" {
    local signal poke
    for signal in $(endings); do
        play_server <<'END'
            server < "\0\x01abc\0octet\0"
            t as server
            t > "\0\x03\0\x01""x"*512
            t <* "\0\x04\0\x01"
            say it has begun
            t <*+ "\0\x05\0\0"
END
        client_on -s -g abc
        LOG=${LOG%.log}.out logged '^it has begun$'
        poke=$PID
        PID=$CLIENT stops_on "$signal"
        PID=$poke played
        [ -z "$(here)" ]
    done
}

@test "tftp client: a SIGHUP that was ignored when it began (nohup) stays ignored" {
    ours
    gate_open
    play_server <<END
        server < "\\0\\x01abc\\0octet\\0"
        t as server
        t > "\\0\\x03\\0\\x01""x"*512
        t <* "\\0\\x04\\0\\x01"
        $(gate hung)
        t > "\\0\\x03\\0\\x02y"
        t <* "\\0\\x04\\0\\x02"
END
    trap '' HUP
    client_on -s -g abc
    trap - HUP
    reached hung "${LOG%.log}.out"
    kill -s HUP "$CLIENT"
    pass hung
    played
    ended
    [ "$STATUS" -eq 0 ]
    [ "$(here)" = 'abc ' ]
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
    ours
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

# ---- What happens meanwhile

@test "tftp client: a file that grows while it is put ends where it ended at the request" {
    gate_open
    play_server <<END
        server < "\\0\\x02new\\0octet\\0"
        t as server
        t > "\\0\\x04\\0\\0"
        t <* "\\0\\x03\\0\\x01""x"*512
        $(gate grown)
        t > "\\0\\x04\\0\\x01"
        say rule: 600 bytes it had, so the second block is the last, and has 88
        t <* "\\0\\x03\\0\\x02""x"*88
        t > "\\0\\x04\\0\\x02"
END
    head -c 600 /dev/zero | tr '\0' x >"$TMP/f"
    client_on -s -p new -l "$TMP/f"
    reached grown "${LOG%.log}.out"
    head -c 600 /dev/zero | tr '\0' x >>"$TMP/f"
    pass grown
    played
    ended
    [ "$STATUS" -eq 0 ]
}

@test "tftp client: a file that shrinks while it is put is not sent as if it were whole" {
    gate_open
    play_server <<END
        server < "\\0\\x02new\\0octet\\0"
        t as server
        t > "\\0\\x04\\0\\0"
        t <* "\\0\\x03\\0\\x01""x"*512
        $(gate shrunk)
        t > "\\0\\x04\\0\\x01"
        t <*+ "\\0\\x05\\0\\0"
END
    head -c 2000 /dev/zero | tr '\0' x >"$TMP/f"
    client_on -s -p new -l "$TMP/f"
    reached shrunk "${LOG%.log}.out"
    head -c 100 /dev/zero >"$TMP/f"
    pass shrunk
    played
    ended
    complained 'new: the file has shrunk meanwhile$'
}

@test "tftp client: a file that is shorter than the server has announced is not taken for whole" {
    play_server <<'END'
        server < "\0\x01abc\0octet\0blksize\x001428\0tsize\x000\0windowsize\x008\0"
        t as server
        t > "\0\x06tsize\x0011\0"
        t <* "\0\x04\0\0"
        t > "\0\x03\0\x01abc"
        t <+ "\0\x05"
END
    client -g abc
    played
    complained 'fewer bytes'
    [ -z "$(here)" ]
}

@test "tftp client: a file of a kind that does not tell its size is put whole" {
    [ -r "$PROC/version" ] || skip "no /proc here"
    serve -w
    client -p version -l "$PROC/version"
    cmp "$PROC/version" "$TMP/root/version"
}

@test "tftp client: -q is how long it waits, and not until the next time that it sends something" {
    POKE_MS=2500 play_server <<'END'
        server < "\0\x01abc\0octet\0"
        say rule: with -q 300 this comes after 300 ms, though the request would be sent again after 5 s
        server <+ "\0\x05\0\0"
END
    client -s -q 300 -g abc
    played
    complained 'no answer for 300 ms'
}

@test "tftp client: who was away (kill -STOP) does not give up before it has read what came meanwhile" {
    gate_open
    play_server <<END
        server < "\\0\\x01abc\\0octet\\0"
        t as server
        t > "\\0\\x03\\0\\x01""x"*512
        t <* "\\0\\x04\\0\\x01"
        $(gate stopped)
        say rule: this has come in time, behind what strangers have sent, though the client reads it later
        stranger as server
$(printf '        stranger > "x"\n%.0s' {1..100})
        t > "\\0\\x03\\0\\x02y"
        t hold 1000
        say waited
        t <* "\\0\\x04\\0\\x02"
END
    client_on -s -q 700 -g abc
    reached stopped "${LOG%.log}.out"
    kill -s STOP "$CLIENT"
    pass stopped
    LOG=${LOG%.log}.out logged '^waited$'
    kill -s CONT "$CLIENT"
    played
    ended
    [ "$STATUS" -eq 0 ]
    [ "$(here)" = 'abc ' ]
}

# ---- The file here

@test "tftp client: a name may have 255 bytes; the temporary one is not longer" {
    local name
    serve
    echo hello >"$TMP/root/abc"
    for name in "$(printf 'x%.0s' {1..255})" "$(printf '吃%.0s' {1..85})"; do
        client -g abc -l "$name"
        [ "$STATUS" -eq 0 ] || cat "$TMP/err"
        cmp "$TMP/root/abc" "$TMP/here/$name"
        rm "$TMP/here/$name"
    done
}

@test "tftp client: what one that was killed has left behind, the next one removes; but not what another one is at" {
    ours
    local script='server < "\0\x01abc\0octet\0"
        t as server
        t > "\0\x03\0\x01""x"*512
        t <* "\0\x04\0\x01"'
    gate_open
    play_server <<<"$script"
    client_on -s -g abc
    has_begun
    kill -s KILL "$CLIENT"
    ended
    echo mine >"$TMP/here/.tftp-1-mine"
    play_server <<<"$script
        $(gate another)
        t > \"\\0\\x03\\0\\x02y\"
        t <* \"\\0\\x04\\0\\x02\""
    client_on -s -g abc
    reached another "${LOG%.log}.out"
    local pid=$PID log=$LOG
    serve
    echo hello >"$TMP/root/other"
    client -g other
    pass another
    PID=$pid LOG=$log played
    ended
    [ "$STATUS" -eq 0 ]
    echo "rule: here are the two files, and what is not a client's, and no other; here are: $(here)"
    [ "$(here)" = '.tftp-1-mine abc other ' ]
}

@test "tftp client: of a get that breaks off nothing is left, though its folder was moved meanwhile" {
    ours
    gate_open
    mkdir -p "$TMP/here/sub"
    play_server <<END
        server < "\\0\\x01abc\\0octet\\0"
        t as server
        t > "\\0\\x03\\0\\x01""x"*512
        t <* "\\0\\x04\\0\\x01"
        $(gate moved)
        t > "\\0\\x05\\0\\0no more\\0"
END
    client_on -s -g abc -l sub/abc
    reached moved "${LOG%.log}.out"
    mv "$TMP/here/sub" "$TMP/here/moved"
    pass moved
    played
    ended
    complained 'no more'
    [ "$(here)" = 'moved ' ]
}

# ---- What cannot be read or written

@test "tftp client: with stderr closed, its report does not go into the file" {
    ours
    serve
    echo hello >"$TMP/root/abc"
    mkdir -p "$TMP/here"
    (cd "$TMP/here" && exec "$TFTP_CLIENT" -g abc "$HOST" "$PORT" 2>&-)
    cmp "$TMP/root/abc" "$TMP/here/abc"
    (cd "$TMP/here" && exec "$TFTP_CLIENT" -g abc "$HOST" "$PORT" <&- >&- 2>&-)
    cmp "$TMP/root/abc" "$TMP/here/abc"
}

@test "tftp client: input that cannot be read and output that cannot be written are told, exit code 1" {
    ours
    serve -w
    echo hello >"$TMP/root/abc"
    client -p new -l - <&-
    complained '^tftp_client: cannot read the input: Bad file descriptor$'
    [ ! -e "$TMP/root/new" ]
    client -g abc -l - >&-
    [ "$STATUS" -eq 1 ]
    grep -q '^tftp_client: cannot write the output: Bad file descriptor$' "$TMP/err"
    [ -c /dev/full ] || skip "no /dev/full here"
    client -g abc -l - >/dev/full
    [ "$STATUS" -eq 1 ]
    grep -q '^tftp_client: cannot write the output: ' "$TMP/err"
    client -g abc -l /dev/full
    [ "$STATUS" -eq 1 ]
    grep -q '^tftp_client: cannot write the output: ' "$TMP/err"
}

@test "tftp client: on a terminal an escape sequence in a file is harmless, in a pipe it stays as it is" {
    ours
    serve
    printf 'a\033[31mred\033[0m\r\tb\n吃饭\302\233x\n%4067s饭了吗\n\377\xe9\xa5' '' >"$TMP/root/abc"
    client -g abc -l - >"$TMP/got"
    cmp "$TMP/root/abc" "$TMP/got"
    open_terminal "'$TFTP_CLIENT' -g abc -l - $HOST $PORT"
    shows '^a\?\[31mred\?\[0m\? +b$'
    shows '^吃饭\?\?x$'
    shows '饭了吗$'
    shows '^\?\?\?'
}

# ---- The network

@test "tftp client: a packet that the system will never send is told at once" {
    ours
    preload <<'END'
        #define _GNU_SOURCE
        #include <errno.h>
        #include <sys/socket.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        ssize_t sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len) {
            if (n > 9216)
                return errno = EMSGSIZE, -1;
            return syscall(SYS_sendto, fd, p, n, flags, to, len);
        }
END
    serve -w
    head -c 20000 /dev/zero >"$TMP/root/zeros"
    LD_PRELOAD=$TMP/preload.so client -b 65464 -q 2000 -p new -l "$TMP/root/zeros"
    complained 'new: Message too (long|large)$'
    LD_PRELOAD=$TMP/preload.so serve
    client -b 65464 -q 2000 -g zeros
    complained 'zeros: error 0: Message too (long|large)$'
}

@test "tftp client: of two addresses of a name the second is asked after 3 s, and only the last one's failure is told" {
    ours
    two_addresses
    serve
    echo hello >"$TMP/root/abc"
    LD_PRELOAD=$TMP/preload.so within 9 "$TFTP_CLIENT" -q 60000 -g abc -l "$TMP/abc" two.test "$PORT" 2>"$TMP/err"
    cmp "$TMP/root/abc" "$TMP/abc"
    cat "$TMP/err"
    [ "$(wc -l <"$TMP/err")" -eq 1 ]
    stops_on TERM
    HOST=two.test
    LD_PRELOAD=$TMP/preload.so client -q 300 -g abc
    complained '^tftp_client: two.test:.*no answer for 300 ms'
}
