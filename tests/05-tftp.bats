#!/usr/bin/env bats
# What a TFTP server promises (RFCs 1350, 1123, 2347 to 2349, 7440). The server is $TFTP_SERVER, of whatever language: it
# takes -p PORT, -d DIR (the folder of the files), -w (take files), -o (overwrite), -t MS (the first timeout) and -q MS
# (when to forget a silent client); its page says in "Check your own version" what else it has to do. The packets are spoken byte by byte; real clients are tried in 05-tftp-real.bats.
# Grades: TFTP_SERVER

load helpers

CLIENT=${BUILD:-$TOP}/05-udp/tftp/tftp_client # the course's, whosever the server is

# Where a test looks at what is not sent it asks for a timeout of 255 s (RFC 2349), so that nothing is repeated.

# Starts the server with a folder of its own, which has the file "abc" (3 bytes).
# Nothing is sent again before 5 s, unless a test wants it: a disk may take its time, and what comes again is not expected.
serve() { # [OPTION...]
    mkdir -p "$TMP/root"
    printf abc >"$TMP/root/abc"
    start "$TFTP_SERVER" -d "$TMP/root" -t 5000 "$@"
}

# What the folder holds, hidden files, too.
folder() { (cd "$TMP/root" && find . ! -name . | sort | sed 's,^./,,' | tr '\n' ' '); }

# Waits until the folder holds just this: who gets an ERROR may have it before the server has tidied up.
becomes() { # NAMES-AS-FOLDER-PRINTS-THEM
    local tries
    for ((tries = 0; tries < TRIES; tries++)); do
        [ "$(folder)" = "$1" ] && return 0
        pause
    done
    echo "rule: the folder has then '$1', and nothing else; it has '$(folder)'"
    return 1
}

# Makes a file of so many bytes, all different from one block to the next.
numbers() { # BYTES FILE
    awk -v n="$1" 'BEGIN { for (i = 0; 8 * i < n; i++) printf "%07d\n", i }' | head -c "$1" >"$2"
}

# Prints BYTES of a script: a block of the file that numbers() makes.
block() { # NUMBER BLKSIZE-A-MULTIPLE-OF-8 [BYTES]
    local first=$((($1 - 1) * $2 / 8)) count=$((${3:-$2} / 8))
    printf '"\\0\\x03\\x%02x\\x%02x"' $((($1 >> 8) & 255)) $(($1 & 255))
    # shellcheck disable=SC2046 # several words; and a loop takes long here, see setup()
    [ $count -eq 0 ] || printf '"%07d\\n"' $(seq $first $((first + count - 1)))
}

ack() { printf '"\\0\\x04\\x%02x\\x%02x"' $((($1 >> 8) & 255)) $(($1 & 255)); }

@test "tftp: a file comes in DATA and ACK, from a port of its own" {
    serve
    speak -u <<'END'
        say rule: the transfer has its own port; the last block is the first that has under 512 bytes
        a > "\0\x01abc\0octet\0"
        a follow
        a < "\0\x03\0\x01abc"
        a > "\0\x04\0\x01"
        b > "\0\x01abc\0OCTET\0"
        b <* "\0\x03\0\x01abc"
END
    noted 'get abc'
}

@test "tftp: a file of 0, 511, 512 and 513 bytes ends with the block that is not full" {
    serve
    for size in 0 512 1024; do numbers $size "$TMP/root/f$size"; done
    {
        printf '%s\n' 'a > "\0\x01f0\0octet\0"' 'a follow' 'a < "\0\x03\0\x01"' 'a > "\0\x04\0\x01"'
        printf '%s\n' 'b > "\0\x01f512\0octet\0"' 'b follow' "b < $(block 1 512)" "b > $(ack 1)" 'b <* "\0\x03\0\x02"' "b > $(ack 2)"
        printf '%s\n' 'c > "\0\x01f1024\0octet\0"' 'c follow' "c < $(block 1 512)" "c > $(ack 1)" "c <* $(block 2 512)" \
            "c > $(ack 2)" 'c <* "\0\x03\0\x03"' "c > $(ack 3)"
    } | speak -u
}

@test "tftp: what has no answer is sent again, later and later, and the client then forgotten" {
    serve -t 30 -q 600
    speak -u -w 3000 <<'END'
        say rule: DATA that is not confirmed is sent again
        a > "\0\x01abc\0octet\0"
        a follow
        a < "\0\x03\0\x01abc"
        a <* "\0\x03\0\x01abc"
        a <* "\0\x03\0\x01abc"
        say rule: who is silent for -q ms gets an ERROR, and then nothing
        a <*+ "\0\x05\0\0"
        a quiet 300
END
    noted 'get abc: .*given up'
}

@test "tftp: the time until it is sent again doubles, and begins with 10 ms at least" {
    ours
    serve -t 0
    speak -u <<'END'
        say rule: a request can be forged, so what has no answer must not become a flood at somebody else
        a > "\0\x01abc\0octet\0"
        a follow
        a < "\0\x03\0\x01abc"
        a hold 700
        a > "\0\x04\0\x01"
END
    echo "rule: from 10 ms on, that is sent again 6 times in 700 ms, and 9 times in 5 s"
    logged 'get abc: 3 bytes, [1-9] packets again'
}

@test "tftp: an ACK that comes twice brings its DATA once (the Sorcerer's Apprentice)" {
    serve
    numbers 2048 "$TMP/root/f"
    {
        echo 'say rule: an ACK that confirms nothing new is never answered'
        printf '%s\n' 'a > "\0\x01f\0octet\0timeout\x00255\0"' 'a follow' 'a < "\0\x06timeout\x00255\0"'
        for n in 0 1 2 3; do # at once, and when the DATA is there already
            printf '%s\n' "a > $(ack $n)" "a > $(ack $n)" "a < $(block $((n + 1)) 512)" "a > $(ack $n)" 'a quiet 60'
        done
        printf '%s\n' "a > $(ack 2)" 'a quiet 60' "a > $(ack 4)" 'a < "\0\x03\0\x05"' "a > $(ack 5)"
    } | speak -u
}

@test "tftp: DATA that comes twice is written once, and its ACK repeated once for each" {
    serve -w
    {
        printf '%s\n' 'a > "\0\x02new\0octet\0timeout\x00255\0"' 'a follow' 'a < "\0\x06timeout\x00255\0"'
        printf '%s\n' "a > $(block 1 512)" "a < $(ack 1)" "a > $(block 1 512)" "a < $(ack 1)" 'a quiet 60'
        printf '%s\n' "a > $(block 2 512 8)" "a < $(ack 2)" "a > $(block 2 512 8)" "a < $(ack 2)"
        echo 'say rule: an older block than the last one is a ghost of the network: no ACK'
        printf '%s\n' "a > $(block 1 512)" 'a quiet 60'
    } | speak -u
    numbers 520 "$TMP/expected"
    cmp "$TMP/expected" "$TMP/root/new"
}

@test "tftp: a file that was put is there before its last ACK, and not a byte of it sooner" {
    serve -w
    speak -u <<'END'
        a > "\0\x02new\0octet\0"
        a follow
        a < "\0\x04\0\0"
        a > "\0\x03\0\x01""x"*512
        a <* "\0\x04\0\x01"
        b > "\0\x01new\0octet\0"
        say rule: before its end nobody can get it ...
        b <+ "\0\x05\0\x01"
        a > "\0\x03\0\x02""y"
        a <* "\0\x04\0\x02"
        say rule: ... and once the last ACK is here everybody can
        c > "\0\x01new\0octet\0"
        c follow
        c < "\0\x03\0\x01""x"*512
        c > "\0\x04\0\x01"
        c <* "\0\x03\0\x02y"
        c > "\0\x04\0\x02"
END
    [ "$(folder)" = 'abc new ' ]
}

@test "tftp: of a put that does not come to its end nothing is left" {
    serve -w -t 30 -q 300
    speak -u <<'END'
        a > "\0\x02new\0octet\0"
        a follow
        a < "\0\x04\0\0"
        a > "\0\x03\0\x01""x"*512
        a <* "\0\x04\0\x01"
        b > "\0\x02other\0octet\0"
        b follow
        b < "\0\x04\0\0"
        b > "\0\x05\0\0I have changed my mind\0"
        c > "\0\x02third\0octet\0"
        c follow
        c < "\0\x04\0\0"
END
    noted 'put other: .*I have changed my mind'
    noted 'put new: .*given up'
    noted 'put third: .*given up'
    becomes 'abc '
    start "$TFTP_SERVER" -d "$TMP/root" -w
    printf '%s\n' 'a > "\0\x02new\0octet\0"' 'a follow' 'a < "\0\x04\0\0"' | speak -u
    stops_on TERM
    [ "$(folder)" = 'abc ' ]
}

@test "tftp: without -w no file is taken, without -o none overwritten" {
    serve
    speak -u <<'END'
        a > "\0\x02new\0octet\0"
        a <+ "\0\x05\0\x02"
END
    serve -w
    speak -u <<'END'
        a > "\0\x02abc\0octet\0"
        a <+ "\0\x05\0\x06"
        say rule: of two who put the same new file the second to finish is refused
        a > "\0\x02new\0octet\0"
        b > "\0\x02new\0octet\0"
        a follow
        a < "\0\x04\0\0"
        b follow
        b < "\0\x04\0\0"
        a > "\0\x03\0\x01first"
        a <* "\0\x04\0\x01"
        b > "\0\x03\0\x01second"
        b <+ "\0\x05\0\x06"
END
    [ "$(cat "$TMP/root/new")" = first ]
    [ "$(folder)" = 'abc new ' ]
    serve -w -o
    speak -u <<'END'
        a > "\0\x02abc\0octet\0"
        a follow
        a < "\0\x04\0\0"
        a > "\0\x03\0\x01xyz"
        a <* "\0\x04\0\x01"
END
    [ "$(cat "$TMP/root/abc")" = xyz ]
}

@test "tftp: no name leads out of the folder" {
    serve -w -o
    mkdir "$TMP/root/sub"
    echo secret >"$TMP/secret"
    echo hidden >"$TMP/root/.hidden"
    ln -s "$TMP/secret" "$TMP/root/link"
    ln -s "$TMP" "$TMP/root/out"
    for name in ../secret sub/../../secret "$TMP/secret" //secret link out/secret out/new .hidden . .. sub/. ''; do
        for opcode in 1 2; do
            [ "$opcode$name" != 2link ] || continue # a put may replace a link, by a file inside
            printf '%s\n' "say rule: no access to '$name'" "a open" "a > \"\\0\\x0$opcode$name\\0octet\\0\"" 'a <+ "\0\x05\0\x02"' 'a close'
        done
    done | speak -u
    [ "$(cat "$TMP/secret")" = secret ]
    [ ! -e "$TMP/new" ]
}

@test "tftp: a file in a folder of the folder can be had, and put there" {
    serve -w
    mkdir "$TMP/root/吃饭"
    printf yes >"$TMP/root/吃饭/了吗"
    speak -u <<'END'
        a > "\0\x01吃饭/了吗\0octet\0"
        a <* "\0\x03\0\x01yes"
        b > "\0\x02吃饭/new\0octet\0"
        b follow
        b < "\0\x04\0\0"
        b > "\0\x03\0\x01x"
        b <* "\0\x04\0\x01"
END
    noted 'get 吃饭/了吗'
    [ "$(cat "$TMP/root/吃饭/new")" = x ]
}

@test "tftp: what is no plain file is not served, and stops nobody" {
    serve -w -o
    mkfifo "$TMP/root/fifo"
    mkdir "$TMP/root/sub"
    speak -u <<'END'
        a > "\0\x01fifo\0octet\0"
        a <+ "\0\x05\0\x02"
        a > "\0\x02fifo\0octet\0"
        a <+ "\0\x05\0\x02"
        a > "\0\x01sub\0octet\0"
        a <+ "\0\x05\0\x02"
        a > "\0\x02sub\0octet\0"
        a <+ "\0\x05\0\x02"
        a > "\0\x01nothing\0octet\0"
        a <+ "\0\x05\0\x01"
        a > "\0\x01nothing/at/all\0octet\0"
        a <+ "\0\x05\0\x01"
        a > "\0\x01abc\0octet\0"
        a <* "\0\x03\0\x01abc"
END
}

@test "tftp: a stranger at the port of a transfer gets error 5, and disturbs nothing" {
    serve -w
    speak -u <<'END'
        a > "\0\x02new\0octet\0"
        a follow
        a < "\0\x04\0\0"
        b as a
        say rule: only the one who has asked may speak to a TID; others get error 5
        b > "\0\x03\0\x01evil"
        b <+ "\0\x05\0\x05"
        b > "\0\x05\0\0end it\0"
        b > ""
        b <+ "\0\x05\0\x05"
        a > "\0\x03\0\x01good"
        a <* "\0\x04\0\x01"
END
    [ "$(cat "$TMP/root/new")" = good ]
}

@test "tftp: each mistake in a packet has its ERROR, and an ERROR has none" {
    serve -w
    {
        for packet in '""' '"\0"' '"\0\x01"' '"\0\x01abc"' '"\0\x01abc\0"' '"\0\x01abc\0octet"' '"\0\x01abc\0mail\0"' \
            '"\0\x01abc\0octet\0blksize\0"' '"\0\x01abc\0octet\0blksize\0008"' '"\0\x03\0\x01abc"' '"\0\x04\0\0"' \
            '"\0\x06tsize\0000\0"' '"\0\x07"' '"\xff\xff\xff\xff"' '"\0\x01""a"*600"\0octet\0"'; do
            printf '%s\n' "a > $packet" 'a <+ "\0\x05\0\x04"'
        done
        printf '%s\n' 'b > "\0\x05\0\0hello\0"' 'b quiet 60'
        echo 'say rule: DATA longer than agreed, or DATA of a client that gets, ends the transfer'
        printf '%s\n' 'c > "\0\x02new\0octet\0"' 'c follow' "c < $(ack 0)" 'c > "\0\x03\0\x01""x"*513' 'c <+ "\0\x05\0\x04"'
        printf '%s\n' 'd > "\0\x01abc\0octet\0"' 'd follow' 'd < "\0\x03\0\x01abc"' 'd > "\0\x03\0\x01x"' 'd <+ "\0\x05\0\x04"'
    } | speak -u
    becomes 'abc '
}

@test "tftp: options are granted in an OACK, and ACK 0 starts the file" {
    serve
    numbers 2000 "$TMP/root/f"
    {
        printf '%s\n' 'a > "\0\x01f\0octet\0BlkSize\x001000\0tsize\x000\0windowsize\x002\0timeout\x0030\0multicast\0\0"' 'a follow'
        echo 'a < "\0\x06blksize\x001000\0timeout\x0030\0tsize\x002000\0windowsize\x002\0"'
        printf '%s\n' "a > $(ack 0)" "a < $(block 1 1000)" "a < $(block 2 1000)" 'a quiet 30' "a > $(ack 2)" 'a < "\0\x03\0\x03"' "a > $(ack 3)"
        echo 'say rule: an option that makes no sense, or that is unknown, is passed over'
        printf '%s\n' 'b > "\0\x01abc\0octet\0blksize\x007\0windowsize\x000\0timeout\x00256\0tsize\0x\0color\0red\0"' 'b follow' 'b < "\0\x03\0\x01abc"'
    } | speak -u
}

@test "tftp: a put with options begins with an OACK, too, and a full window has one ACK" {
    serve -w
    {
        printf '%s\n' 'a > "\0\x02new\0octet\0blksize\x0016\0tsize\x0040\0windowsize\x002\0"' 'a follow'
        echo 'a < "\0\x06blksize\x0016\0tsize\x0040\0windowsize\x002\0"'
        printf '%s\n' "a > $(block 1 16)" "a > $(block 2 16)" "a <* $(ack 2)" "a > $(block 3 16 8)" "a <* $(ack 3)"
    } | speak -u
    numbers 40 "$TMP/expected"
    cmp "$TMP/expected" "$TMP/root/new"
}

@test "tftp: a window goes on behind the block that was confirmed, and a hole is told of once" {
    serve -w
    numbers 200 "$TMP/root/f"
    {
        printf '%s\n' 'a > "\0\x01f\0octet\0blksize\x008\0timeout\x00255\0windowsize\x004\0"' 'a follow'
        printf '%s\n' 'a < "\0\x06blksize\x008\0timeout\x00255\0windowsize\x004\0"' "a > $(ack 0)"
        for n in 1 2 3 4; do echo "a < $(block $n 8)"; done
        echo "a > $(ack 2)"
        for n in 3 4 5 6; do echo "a < $(block $n 8)"; done
        printf '%s\n' 'a hold 30' 'say rule: the same ACK, later: the first block of the window is missing; it comes again, but once only'
        printf '%s\n' "a > $(ack 2)" 'a hold 30' "a > $(ack 2)" "a > $(ack 2)"
        for n in 3 4 5 6; do echo "a < $(block $n 8)"; done
        printf '%s\n' 'a quiet 60' 'a > "\0\x05\0\0\0"'
        printf '%s\n' 'b > "\0\x02new\0octet\0blksize\x008\0timeout\x00255\0windowsize\x004\0"' 'b follow'
        echo 'b < "\0\x06blksize\x008\0timeout\x00255\0windowsize\x004\0"'
        printf '%s\n' "b > $(block 1 8)" "b > $(block 3 8)" "b < $(ack 1)" "b > $(block 4 8)" 'b quiet 60'
        for n in 2 3 4 5; do echo "b > $(block $n 8)"; done
        printf '%s\n' "b < $(ack 5)" "b > $(block 6 8 0)" "b < $(ack 6)"
    } | speak -u
    numbers 40 "$TMP/expected"
    cmp "$TMP/expected" "$TMP/root/new"
}

@test "tftp: an OACK that is lost comes again, and a request that comes again begins no second transfer" {
    serve -t 100
    speak -u <<'END'
        a > "\0\x01abc\0octet\0tsize\x000\0"
        a > "\0\x01abc\0octet\0tsize\x000\0"
        a follow
        a < "\0\x06tsize\x003\0"
        a <* "\0\x06tsize\x003\0"
        a > "\0\x04\0\0"
        a <* "\0\x03\0\x01abc"
        a > "\0\x04\0\x01"
END
    [ -n "${OWN-}" ] || [ "$(grep -c 'get abc, octet' "$LOG")" -eq 1 ]
}

@test "tftp: netascii has CR LF at the end of a line and CR NUL for a CR, also where a block ends between the two" {
    serve -w
    printf '1234567\nab\rcd\n\n\r' >"$TMP/root/text"
    speak -u <<'END'
        a > "\0\x01text\0netascii\0blksize\x008\0tsize\x000\0"
        a follow
        say rule: how long a text is in netascii the server does not know, so it grants no tsize
        a < "\0\x06blksize\x008\0"
        a > "\0\x04\0\0"
        a <* "\0\x03\0\x011234567\r"
        a > "\0\x04\0\x01"
        a <* "\0\x03\0\x02\nab\r\0cd\r"
        a > "\0\x04\0\x02"
        a <* "\0\x03\0\x03\n\r\n\r\0"
        a > "\0\x04\0\x03"
        b > "\0\x02new\0NetASCII\0blksize\x008\0"
        b follow
        b < "\0\x06blksize\x008\0"
        b > "\0\x03\0\x011234567\r"
        b <* "\0\x04\0\x01"
        b > "\0\x03\0\x02\nab\r\0cd\r"
        b <* "\0\x04\0\x02"
        b > "\0\x03\0\x03\n\r\n\r\0"
        b <* "\0\x04\0\x03"
        c > "\0\x02odd\0netascii\0"
        c follow
        c < "\0\x04\0\0"
        say rule: a CR with neither LF nor NUL behind it is kept
        c > "\0\x03\0\x01a\rb\r\r\nc\r"
        c <* "\0\x04\0\x01"
END
    cmp "$TMP/root/text" "$TMP/root/new"
    printf 'a\rb\r\nc\r' | cmp - "$TMP/root/odd"
}

@test "tftp: block numbers go on at 0 after 65535" {
    takes_long
    serve -w
    head -c 524488 /dev/urandom >"$TMP/root/long" # 65561 blocks of 8 bytes
    "$CLIENT" -b 8 -w 64 -g long -l "$TMP/long" "$HOST" "$PORT" 2>"$TMP/err" || cat "$TMP/err"
    echo "rule: a file of more than 65535 blocks can be had, and put"
    cmp "$TMP/root/long" "$TMP/long"
    "$CLIENT" -b 8 -w 64 -p back -l "$TMP/long" "$HOST" "$PORT" 2>"$TMP/err" || cat "$TMP/err"
    cmp "$TMP/root/long" "$TMP/root/back"
}

@test "tftp: no room on the disk is error 3" {
    mkdir "$TMP/root"
    printf abc >"$TMP/root/abc"
    # 8 blocks of 512 bytes, or of 1024
    start sh -c 'ulimit -f 8 && exec "$@"' sh "$TFTP_SERVER" -d "$TMP/root" -w
    {
        echo 'say rule: what is said to be larger than the disk is refused at once'
        printf '%s\n' 'a > "\0\x02new\0octet\0tsize\x00900000000000000000\0"' 'a <+ "\0\x05\0\x03"'
        printf '%s\n' 'b > "\0\x02new\0octet\0blksize\x0016384\0"' 'b follow' 'b < "\0\x06blksize\x0016384\0"'
        printf '%s\n' 'b > "\0\x03\0\x01""x"*16384' 'b <+ "\0\x05\0\x03"'
    } | speak -u
    becomes 'abc '
}

@test "tftp: 1,000 half-open transfers and a flood of garbage leave a transfer at work, and room for new ones later" {
    serve -w -t 200 -q 400
    numbers 1024 "$TMP/root/f"
    {
        printf '%s\n' 'a > "\0\x02new\0octet\0"' 'a follow' "a < $(ack 0)" "a > $(block 1 512)" "a <* $(ack 1)"
        for _ in {1..10}; do
            printf 'b open\nb > "\\0\\x01f\\0octet\\0"\nb close\nc > "\\xff\\xff garbage"\n%.0s' {1..100}
            printf '%s\n' "a > $(block 1 512)" "a <* $(ack 1)"
        done
        printf '%s\n' "a > $(block 2 512 8)" "a <* $(ack 2)"
    } | speak -u -w 10000
    noted 'get f: .*(given up|no room)'
    numbers 520 "$TMP/expected"
    cmp "$TMP/expected" "$TMP/root/new"
    echo 'rule: when the silent ones are forgotten there is room again'
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        printf '%s\n' 'a > "\0\x01abc\0octet\0"' 'a <* "\0\x03\0\x01abc"' | "$POKE" -u -w 100 "$HOST" "$PORT" >/dev/null && break
    done
    [ $tries -lt 300 ]
    stops_on TERM
}

@test "tftp: with few descriptors a newcomer is refused with an ERROR, and later served" {
    ours
    LIMIT=12 serve -t 100 -q 500
    {
        for name in a b c d e; do printf '%s\n' "$name > \"\\0\\x01abc\\0octet\\0\""; done
        echo 'say rule: who finds no room is told so'
        printf '%s\n' 'e <+ "\0\x05\0\0"'
    } | speak -u
    logged 'get abc: .*given up'
    logged 'refused'
    speak -u <<'END'
        f > "\0\x01abc\0octet\0"
        f <* "\0\x03\0\x01abc"
END
}

@test "tftp: escape sequences in a name or an error reach no terminal" {
    ours
    serve
    speak -u <<'END'
        a > "\0\x01\x1b[31m\xc2\x9b吃\xff\0octet\0"
        a <+ "\0\x05\0\x01"
        b > "\0\x01abc\0octet\0"
        b follow
        b < "\0\x03\0\x01abc"
        b > "\0\x05\0\0\x1b]0;title\x07\0"
END
    logged 'title'
    logged '吃'
    if LC_ALL=C grep -q "$(printf '[\033\007\302\233\377]')" <(sed 's/吃//g' "$LOG"); then
        echo "rule: no control character goes to the terminal"
        cat -v "$LOG"
        return 1
    fi
}

@test "tftp: -v shows what the packets mean" {
    ours
    serve -v
    speak -u <<'END'
        a > "\0\x01abc\0octet\0tsize\x000\0"
        a follow
        a < "\0\x06tsize\x003\0"
        a > "\0\x04\0\0"
        a <* "\0\x03\0\x01abc"
        a > "\0\x04\0\x01"
END
    logged '00 01 61 62 63 00 6f 63 74 65 74 00'
    logged '^ +RRQ: abc octet tsize 0'
    logged '^ +OACK: tsize 3'
    logged '^ +DATA 1: 3 bytes'
    logged '^ +ACK 1$'
}

# ---- What happens meanwhile

# Runs a script with gates in the background; what it says is in $TMP/said.
speak_on() {
    cat >"$TMP/script"
    : >"$TMP/said" # now, not when poke has begun: `reached` must not see what the one before has said
    "$POKE" -u "$HOST" "$PORT" <"$TMP/script" >"$TMP/said" 2>&1 3>&- &
    POKING=$!
    STARTED+=("$POKING")
}

# Waits for its end, and fails, with its report, if it does.
spoken() {
    local status=0
    wait "$POKING" || status=$?
    [ $status -eq 0 ] || cat "$TMP/said" "$LOG"
    return $status
}

letters() { head -c "$2" /dev/zero | tr '\0' "$1"; } # LETTER BYTES

@test "tftp: a file that grows meanwhile ends where it ended at the request" {
    takes_long
    serve
    gate_open
    local mode
    for mode in octet netascii; do
        letters x 600 >"$TMP/root/f"
        speak_on <<END
            say rule: the last block is the same each time, or the client waits for one more, and the server has gone
            a > "\\0\\x01f\\0$mode\\0timeout\\x001\\0"
            a follow
            a < "\\0\\x06timeout\\x001\\0"
            a > "\\0\\x04\\0\\0"
            a < "\\0\\x03\\0\\x01""x"*512
            a > "\\0\\x04\\0\\x01"
            a < "\\0\\x03\\0\\x02""x"*88
            $(gate grown)
            a < "\\0\\x03\\0\\x02""x"*88
            a > "\\0\\x04\\0\\x02"
            say rule: and what was not yet sent ends there, too
            b > "\\0\\x01f\\0$mode\\0"
            b follow
            b < "\\0\\x03\\0\\x01""x"*512
            $(gate again)
            b > "\\0\\x04\\0\\x01"
            b < "\\0\\x03\\0\\x02""x"*512
            b > "\\0\\x04\\0\\x02"
            b < "\\0\\x03\\0\\x03""x"*76
            b > "\\0\\x04\\0\\x03"
END
        reached grown "$TMP/said"
        letters x 500 >>"$TMP/root/f"
        pass grown
        reached again "$TMP/said"
        letters x 500 >>"$TMP/root/f"
        pass again
        spoken
    done
    noted 'get f: 600 bytes'
}

@test "tftp: a file that shrinks meanwhile is not sent as if it were whole" {
    serve
    gate_open
    local mode
    for mode in octet netascii; do
        letters x 2000 >"$TMP/root/f"
        speak_on <<END
            a > "\\0\\x01f\\0$mode\\0timeout\\x001\\0"
            a follow
            a < "\\0\\x06timeout\\x001\\0"
            a > "\\0\\x04\\0\\0"
            a < "\\0\\x03\\0\\x01""x"*512
            $(gate shrunk)
            say rule: a block that is not full would be the end of the file; so there has to be an ERROR
            a <+ "\\0\\x05"
END
        reached shrunk "$TMP/said"
        letters x 100 >"$TMP/root/f"
        pass shrunk
        spoken
    done
}

@test "tftp: line ends that change meanwhile do not move the end of a text" {
    serve
    gate_open
    letters x 600 >"$TMP/root/f"
    speak_on <<END
        a > "\\0\\x01f\\0netascii\\0timeout\\x001\\0"
        a follow
        a < "\\0\\x06timeout\\x001\\0"
        a > "\\0\\x04\\0\\0"
        a < "\\0\\x03\\0\\x01""x"*512
        a > "\\0\\x04\\0\\x01"
        a < "\\0\\x03\\0\\x02""x"*88
        $(gate changed)
        say rule: a last block that has another length when it comes again is another block; so there has to be an ERROR
        a <+ "\\0\\x05"
END
    reached changed "$TMP/said"
    letters '\n' 600 | dd of="$TMP/root/f" conv=notrunc 2>"$TMP/err"
    pass changed
    spoken
}

@test "tftp: a put of fewer bytes than its tsize has announced is not taken" {
    serve -w
    speak -u <<'END'
        say rule: the file of the sender has shrunk; half of it must not pass for all
        a > "\0\x02new\0octet\0tsize\x00600\0"
        a follow
        a < "\0\x06tsize\x00600\0"
        a > "\0\x03\0\x01half"
        a <+ "\0\x05\0"
END
    becomes 'abc '
}

@test "tftp: of a put that breaks off nothing is left, though its folder was moved meanwhile" {
    serve -w
    gate_open
    mkdir "$TMP/root/sub"
    speak_on <<END
        a > "\\0\\x02sub/new\\0octet\\0"
        a follow
        a < "\\0\\x04\\0\\0"
        $(gate moved)
        a > "\\0\\x05\\0\\0I have changed my mind\\0"
END
    reached moved "$TMP/said"
    mv "$TMP/root/sub" "$TMP/root/moved"
    pass moved
    spoken
    becomes 'abc moved '
}

# Begins to put a file there, and goes away.
begins_to_put() { # NAME
    printf '%s\n' "a > \"\\0\\x02$1\\0octet\\0\"" 'a follow' 'a < "\0\x04\0\0"' | speak -u
}

@test "tftp: what a server that was killed has left behind, the next one removes; but not what another one is at" {
    serve -w
    gate_open
    mkdir "$TMP/root/sub"
    begins_to_put dead
    begins_to_put sub/dead
    kill -s KILL "$PID"
    wait "$PID" || true
    echo mine >"$TMP/root/.tftp-1-mine"
    serve -w
    becomes '.tftp-1-mine abc sub '
    speak_on <<END
        a > "\\0\\x02new\\0octet\\0"
        a follow
        a < "\\0\\x04\\0\\0"
        $(gate another)
        a > "\\0\\x03\\0\\x01still here"
        a < "\\0\\x04\\0\\x01"
END
    reached another "$TMP/said"
    serve -w # a second one, in the same folder
    pass another
    spoken
    becomes '.tftp-1-mine abc new sub '
}

@test "tftp: SIGTERM, SIGINT and SIGHUP end it, and nothing is left; a SIGHUP that was ignored (nohup) stays ignored" {
    local signal
    for signal in $(endings); do
        serve -w
        begins_to_put new
        stops_on "$signal"
        [ "$(folder)" = 'abc ' ]
    done
    trap '' HUP
    serve -w
    trap - HUP
    kill -s HUP "$PID"
    printf '%s\n' 'a > "\0\x02new\0octet\0"' 'a follow' 'a < "\0\x04\0\0"' 'a > "\0\x03\0\x01x"' 'a < "\0\x04\0\x01"' | speak -u
    [ "$(folder)" = 'abc new ' ]
}

@test "tftp: who was away (kill -STOP) gives nobody up before it has read what came meanwhile" {
    serve -w -q 700
    gate_open
    speak_on <<END
        a > "\\0\\x02new\\0octet\\0timeout\\x00255\\0"
        a follow
        a < "\\0\\x06timeout\\x00255\\0"
        $(gate stopped)
        say rule: this has come in time, behind what strangers have sent, though the server reads it later
        stranger as a
$(printf '        stranger > "x"\n%.0s' {1..100})
        a > "\\0\\x03\\0\\x01x"
        a hold 1000
        say waited
        a < "\\0\\x04\\0\\x01"
END
    reached stopped "$TMP/said"
    kill -s STOP "$PID"
    pass stopped
    LOG=$TMP/said logged '^waited$'
    kill -s CONT "$PID"
    spoken
    [ "$(cat "$TMP/root/new")" = x ]
}

@test "tftp: a client that breaks off and asks for the same file again, from the same port, gets it" {
    serve
    gate_open
    speak_on <<END
        server open
        a > "\\0\\x01abc\\0octet\\0timeout\\x00255\\0"
        a follow
        a < "\\0\\x06timeout\\x00255\\0"
        $(gate stopped)
        say rule: the ERROR says that the old transfer is over, even if it is read only after the request
        stranger as a
        stranger > "x"
        stranger > "x"
        a > "\\0\\x05\\0\\0I have changed my mind\\0"
        a as server
        a > "\\0\\x01abc\\0octet\\0timeout\\x00255\\0"
        say asked
        a follow
        a < "\\0\\x06timeout\\x00255\\0"
        a > "\\0\\x04\\0\\0"
        a < "\\0\\x03\\0\\x01abc"
        a > "\\0\\x04\\0\\x01"
END
    reached stopped "$TMP/said"
    kill -s STOP "$PID"
    pass stopped
    LOG=$TMP/said logged '^asked$'
    kill -s CONT "$PID"
    spoken
}

@test "tftp: files that are complete at the same time wait for the disk one after another, and nobody else with them" {
    preload <<'END'
        #include <time.h>
        int fsync(int fd) { return nanosleep(&(struct timespec){.tv_nsec = 100000000}, 0); }
END
    mkdir "$TMP/root"
    printf abc >"$TMP/root/abc"
    LD_PRELOAD=$TMP/preload.so start "$TFTP_SERVER" -d "$TMP/root" -w -t 5000
    gate_open
    {
        for i in {1..40}; do printf '%s\n' "p$i > \"\\0\\x02new$i\\0octet\\0\"" "p$i follow" "p$i < \"\\0\\x04\\0\\0\""; done
        gate stopped
        printf 'p%d > "\\0\\x03\\0\\x01x"\n' {1..40}
        printf '%s\n' 'say sent' 'say rule: a request is answered between two of them' 'a > "\0\x01abc\0octet\0"' 'a <* "\0\x03\0\x01abc"'
    } >"$TMP/all"
    speak_on <"$TMP/all"
    reached stopped "$TMP/said"
    kill -s STOP "$PID"
    pass stopped
    LOG=$TMP/said logged '^sent$'
    kill -s CONT "$PID"
    spoken
    echo "rule: SIGTERM is heard between two of them"
    stops_on TERM
}

@test "tftp: a client that confirms each block of a window alone costs others little" {
    preload <<'END'
        #define _GNU_SOURCE
        #include <sys/socket.h>
        #include <sys/syscall.h>
        #include <time.h>
        #include <unistd.h>
        ssize_t sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, 0);
            return syscall(SYS_sendto, fd, p, n, flags, to, len);
        }
END
    mkdir "$TMP/root"
    printf abc >"$TMP/root/abc"
    numbers 2000 "$TMP/root/f"
    LD_PRELOAD=$TMP/preload.so start "$TFTP_SERVER" -d "$TMP/root" -t 5000
    gate_open
    local i
    {
        for i in {1..8}; do
            printf '%s\n' "p$i > \"\\0\\x01f\\0octet\\0blksize\\x008\\0timeout\\x00255\\0windowsize\\x0064\\0\"" "p$i follow" \
                "p$i < \"\\0\\x06blksize\\x008\\0timeout\\x00255\\0windowsize\\x0064\\0\"" "p$i > $(ack 0)" "p$i <* $(block 64 8)"
        done
        gate stopped
        awk 'BEGIN { for (n = 1; n < 64; n++) for (i = 1; i <= 8; i++) printf "p%d > \"\\0\\x04\\0\\x%02x\"\n", i, n }'
        printf '%s\n' 'say sent' 'say rule: 63 ACKs let one window go, or two, and not 63' 'a > "\0\x01abc\0octet\0"' 'a <* "\0\x03\0\x01abc"'
    } >"$TMP/all"
    speak_on <"$TMP/all"
    reached stopped "$TMP/said"
    kill -s STOP "$PID"
    pass stopped
    LOG=$TMP/said logged '^sent$'
    kill -s CONT "$PID"
    spoken
    stops_on TERM
}

@test "tftp: the options that the checks use are on the page" {
    ours
    options_on_page "$TOP/05-udp/tftp/README.md" Check 'serve|start ".TFTP_SERVER"' 05-tftp.bats
    options_on_page "$TOP/05-udp/tftp/README.md" Check '".TFTP_CLIENT"|client|client_on' 05-tftp-client.bats
}
