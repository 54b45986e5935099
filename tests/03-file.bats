#!/usr/bin/env bats
# What the file server promises ($FILE_SERVER): section 6 of PROTOCOL.md; section 8 says what one of somebody's own has to
# have besides. tests/courier carries the large files.
# Grades: FILE_SERVER

load helpers

COURIER=$TOP/tests/courier
NOBODY=00000000000000000000000000000000 # a path that no server has ever given away

files() { start "$FILE_SERVER" -d "$TMP/files" "$@"; }
put() { "$COURIER" put "$HOST" "$PORT"; }
get() { "$COURIER" get "$HOST" "$PORT" "$@"; }

# Prints a frame, as poke writes bytes.
frame() { # FORMAT PAYLOAD
    local LC_ALL=C
    escape "$2" \\ '"' '{'
    printf '"\\x00\\x%02x\\x%02x\\x%02x\\x%02x""%s"' $((${#2} / 65536)) $((${#2} / 256 % 256)) $((${#2} % 256)) \
        "$1" "$ESCAPED"
}
text() { frame 1 "$1"; }
json() { frame 2 "$1"; }
xml() { frame 3 "$1"; }
bytes() { frame 4 "$1"; }

# Two steps of poke: an error in text comes next, for the request with that id, if any, and with that code.
refused() { # NAME ID CODE
    local id=${2:+id=\\\"$2\\\",}
    printf '%s <* "error://%s"\n%s <* "code=\\"%s\\""\n' "$1" "$id" "$1" "$3"
}

# Waits until the folder has so many files whose names end like that. A server of somebody's own may keep them otherwise.
holds() { # COUNT PATTERN
    local tries count
    [ -z "${OWN-}" ] || return 0
    for ((tries = 0; tries < TRIES; tries++)); do
        count=$(find "$TMP/files" -type f ! -name lock -name "$2" | wc -l)
        [ "$count" -ne "$1" ] || return 0
        pause
    done
    echo "the folder should have $1 of $2:"
    ls -l "$TMP/files"
    return 1
}

# Puts a file that ends with "THE END", which poke looks for; sets FOUND to its path.
put_marked() { # BYTES
    { head -c "$1" /dev/urandom | tr T x; printf 'THE END'; } >"$TMP/marked"
    FOUND=$(put <"$TMP/marked")
}

@test "file: 20 MiB come back byte for byte, whole and from the middle on" {
    files
    head -c 20971520 /dev/urandom >"$TMP/cat.png"
    path=$(put <"$TMP/cat.png")
    [[ $path =~ ^[0-9a-f]{32}$ ]]
    get "$path" | cmp "$TMP/cat.png" -
    get "$path" 12345678 | cmp <(tail -c +12345679 "$TMP/cat.png") -
    [ "$(get "$path" 20971520 | wc -c)" -eq 0 ]
}

@test "file: ok to put has path and size, ok to get the size, each in the format of the request" {
    local size answer
    files
    for request in 1 'put://id="p.1",size="4"' 'ok://id="p\.1",path="[0-9a-f]{32}",size="4"' \
        2 '{"type":"put","id":"p.1","size":4}' '\{"type":"ok","id":"p\.1","path":"[0-9a-f]{32}","size":4\}' \
        3 '<put><id>p.1</id><size>4</size></put>' '<ok><id>p\.1</id><path>[0-9a-f]{32}</path><size>4</size></ok>'; do
        set -- "$@" "$request"
    done
    while [ $# -gt 0 ]; do
        exec 5<>"/dev/tcp/$HOST/$PORT"
        printf '\0\0\0\x'"$(printf %02x ${#2})\x0$1%s"'\0\0\0\4\4\0\xffhi' "$2" >&5
        size=$(head -c 5 <&5 | od -An -tu1 | awk '{ print $3 * 256 + $4 }')
        answer=$(head -c "$size" <&5)
        echo "$2 was answered with $answer instead of $3"
        [[ $answer =~ ^$3$ ]]
        exec 5>&-
        [[ $answer =~ [0-9a-f]{32} ]]
        printf '\0\xffhi' | cmp - <(get "${BASH_REMATCH[0]}")
        speak <<END
            a > $(json '{"type":"get","id":"_","path":"'"${BASH_REMATCH[0]}"'","offset":2}')
            a < $(json '{"type":"ok","id":"_","size":4}')$(bytes hi)
            a > $(xml "<get><path>${BASH_REMATCH[0]}</path><offset>4</offset><id>-</id></get>")
            a < $(xml '<ok><id>-</id><size>4</size></ok>')
            a > $(text "get://path=\"${BASH_REMATCH[0]}\",id=\"x\"")
            a < $(text 'ok://id="x",size="4"')"\0\0\0\x04\x04\0\xffhi"
END
        shift 3
    done
}

@test "file: frames may come in pieces of one byte, or many in one" {
    files
    speak <<END
        a >1 $(text 'put://id="1",size="5"')$(bytes he)$(bytes '')$(bytes llo)
        a <* ",size=\"5\""
        a > $(text 'put://id="2",size="0"')$(text 'put://id="3",size="2"')$(bytes hi)$(text 'put://id="4",size="1"')$(bytes x)
        a <* "ok://id=\"2\""
        a <* "ok://id=\"3\""
        a <* "ok://id=\"4\""
        a <* ",size=\"1\""
        a shut
        a eof
END
    holds 4 '????????????????????????????????'
}

@test "file: after a half-close everything still comes; the next request waits for the end of a download" {
    files
    put_marked 3000000
    speak <<END
        a > $(text "get://id=\"1\",path=\"$FOUND\"")
        a shut
        a <* "THE END"
        a eof
        b > $(text "get://id=\"2\",path=\"$FOUND\"")$(text "get://id=\"3\",path=\"$FOUND\",offset=\"3000000\"")$(text 'who://id="4"')
        b < $(text 'ok://id="2",size="3000007"')
        b <* "THE END"
        b < $(text 'ok://id="3",size="3000007"')$(bytes 'THE END')
        $(refused b 4 type)
END
}

@test "file: a mistake in a request is answered with its error, and the connection goes on" {
    files
    head -c 4 /dev/zero >"$TMP/four"
    path=$(put <"$TMP/four")
    speak <<END
        say what does not parse is answered with parse and the place
        a > $(text 'get://id=1')
        a <* "error://text="
        a <* "code=\"parse\",at=\"9\""
        a > $(json '{"type":"get"')
        a <* "\"code\":\"parse\",\"at\":13}"
        say an id has 1 to 64 letters, digits, - _ or .
        a > $(text "get://path=\"$path\"")
        $(refused a '' field)
        a > $(text "get://id=\"a b\",path=\"$path\"")
        $(refused a '' field)
        a > $(text "get://id=\"$NOBODY$NOBODY.\",path=\"$path\"")
        $(refused a '' field)
        a > $(text "get://id=\"$NOBODY$NOBODY\",path=\"$path\",offset=\"3\"")
        a < $(text "ok://id=\"$NOBODY$NOBODY\",size=\"4\"")"\0\0\0\x01\x04\0"
        say requests to other servers are of a wrong type
        a > $(text 'Login://id="1",username="lisi",password="x"')
        $(refused a 1 type)
        say an offset is a number up to the size
        a > $(text "get://id=\"1\",path=\"$path\",offset=\"-1\"")
        $(refused a 1 field)
        a > $(text "get://id=\"1\",path=\"$path\",offset=\"5\"")
        $(refused a 1 size)
        a > $(text "get://id=\"1\",path=\"$path\",offset=\"999999999999999999\"")
        $(refused a 1 size)
        say a path that was never given away is unknown
        a > $(text "get://id=\"1\",path=\"$NOBODY\"")
        $(refused a 1 unknown)
        a > $(text "get://id=\"1\",path=\"$path\"")
        a < $(text 'ok://id="1",size="4"')"\0\0\0\x04\x04\0\0\0\0"
END
}

@test "file: only a path of 32 digits is ever opened: nobody leaves the folder" {
    local path
    files
    printf secret >"$TMP/${NOBODY}"
    printf secret >"$TMP/files/secret"
    mkdir "$TMP/files/sub"
    printf secret >"$TMP/files/sub/$NOBODY"
    good=$(printf hello | tee "$TMP/hello" >/dev/null && put <"$TMP/hello")
    for path in "../$NOBODY" "$TMP/$NOBODY" "sub/$NOBODY" "./$good" "$good/" "$good.part" secret lock . .. / '' \
        "${good%?}" "${good}0" "${good%?}G" "$(tr a-f A-F <<<"${good%?}a")" "$good\\n" '../../../../../etc/passwd'; do
        echo "a > $(text "get://id=\"1\",path=\"$path\"")"
        refused a 1 field
    done >"$TMP/script"
    {
        echo "a > $(json '{"type":"get","id":"1","path":"'"$good"'\u0000"}')"
        echo 'a <* "\"code\":\"parse\""'
        echo 'a <* "}"'
        echo "a > $(text "get://id=\"2\",path=\"$good\"")"
        echo "a < $(text 'ok://id="2",size="5"')$(bytes hello)"
    } >>"$TMP/script"
    speak <"$TMP/script"
}

@test "file: an error to put ends the connection, and nothing is kept" {
    files -m 10
    speak <<END
        a > $(text 'put://id="1"')$(bytes hello)
        $(refused a 1 field)
        a eof
        b > $(text 'put://size="5"')$(bytes hello)
        $(refused b '' field)
        b eof
        say a file larger than the limit is refused at once
        c > $(text 'put://id="3",size="11"')
        $(refused c 3 size)
        c eof
        say more bytes than announced are refused
        d > $(text 'put://id="4",size="10"')$(bytes hello)
        d > $(bytes world!)
        $(refused d 4 size)
        d eof
        say between put and its last byte no other frame has a place
        e > $(text 'put://id="5",size="10"')$(bytes hello)$(text "get://id=\"6\",path=\"$NOBODY\"")
        e <* "code=\"frame\""
        e eof
END
    holds 0 '*'
    printf 0123456789 >"$TMP/ten"
    put <"$TMP/ten"
}

@test "file: bytes without put, a lying length, an unknown format: an error, and the end" {
    files
    speak <<END
        a > $(bytes hello)
        a <* "code=\"frame\""
        a eof
        say a length over 65536 is refused by its header alone
        b > "\0\x01\0\x01\x04"
        b <* "code=\"frame\""
        b eof
        c > $(json '{"type":"who","id":"1"}')"\0\0\0\x01\x05"
        c <* "\"code\":\"type\"}"
        c <* "\"code\":\"frame\"}"
        c eof
        d > "\xff\xff\xff\xff\x01"
        d <* "code=\"frame\""
        d eof
END
    [ "$(printf x >"$TMP/x" && put <"$TMP/x" | wc -c)" -eq 33 ]
}

@test "file: nobody sees half of an upload, and nothing stays of one whose client goes" {
    ours
    files
    {
        echo "a > $(text 'put://id="1",size="10"')$(bytes hello)"
        echo "a hold 10000"
    } >"$TMP/script"
    "$POKE" "$HOST" "$PORT" <"$TMP/script" 3>&- &
    STARTED+=($!)
    holds 1 '*.part'
    holds 0 '????????????????????????????????'
    half=$(cd "$TMP/files" && echo ./*.part)
    half=${half#./}
    speak <<END
        a > $(text "get://id=\"1\",path=\"${half%.part}\"")
        $(refused a 1 unknown)
        a > $(text "get://id=\"1\",path=\"$half\"")
        a <* "code=\"field\""
END
    kill -s KILL "${STARTED[${#STARTED[@]} - 1]}"
    holds 0 '*'
}

@test "file: what a killed server has left behind is removed at the next start, and nothing else is" {
    ours
    files
    printf hello >"$TMP/hello"
    path=$(put <"$TMP/hello")
    {
        echo "a > $(text 'put://id="1",size="10"')$(bytes hello)"
        echo "a hold 10000"
    } >"$TMP/script"
    "$POKE" "$HOST" "$PORT" <"$TMP/script" >/dev/null 3>&- &
    STARTED+=($!)
    holds 1 '*.part'
    kill_server
    echo mine >"$TMP/files/holiday.part"
    files
    holds 1 '*.part'
    [ "$(cat "$TMP/files/holiday.part")" = mine ]
    get "$path" | cmp - "$TMP/hello"
    stops_on TERM
    files
    get "$path" | cmp - "$TMP/hello"
}

@test "file: what is stored is there after kill -9; SIGTERM ends it within a second, with exit code 0, also in an upload" {
    files
    printf hello >"$TMP/hello"
    path=$(put <"$TMP/hello")
    kill_server
    files
    get "$path" | cmp - "$TMP/hello"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    printf '\0\0\0\026\001put://id="1",size="10"\0\0\0\5\4hello' >&5
    get "$path" | cmp - "$TMP/hello" # by now it has that, too
    stops_on TERM
    exec 5>&-
    files
    get "$path" | cmp - "$TMP/hello"
}

@test "file: SIGTERM in the middle of an upload leaves nothing" {
    ours
    files
    {
        echo "a > $(text 'put://id="1",size="10"')$(bytes hello)"
        echo "a hold 10000"
    } >"$TMP/script"
    "$POKE" "$HOST" "$PORT" <"$TMP/script" >/dev/null 3>&- &
    STARTED+=($!)
    holds 1 '*.part'
    stops_on TERM
    holds 0 '*'
}

@test "file: two servers do not share a folder" {
    ours
    local status=0
    files
    "$FILE_SERVER" -p 0 -d "$TMP/files" 2>"$TMP/err" || status=$?
    [ $status -eq 1 ]
    [ "$(cat "$TMP/err")" = "file_server: cannot use $TMP/files: another server uses it" ]
    status=0
    "$FILE_SERVER" -p 0 -d "$TMP/err" 2>"$TMP/err2" || status=$?
    [ $status -eq 1 ]
    [ "$(cat "$TMP/err2")" = "file_server: cannot use $TMP/err: Not a directory" ]
}

@test "file: without -d the files go with the server" {
    ours
    mkdir "$TMP/tmp"
    TMPDIR=$TMP/tmp start "$FILE_SERVER"
    printf hello >"$TMP/hello"
    get "$(put <"$TMP/hello")" | cmp - "$TMP/hello"
    [ "$(find "$TMP/tmp" -type f -size 5c | wc -l)" -eq 1 ]
    stops_on INT
    [ -z "$(ls -A "$TMP/tmp")" ]
}

@test "file: who reads nothing, or stops in the middle of an upload, keeps nobody waiting" {
    local i
    files
    head -c 20971520 /dev/urandom >"$TMP/large"
    path=$(put <"$TMP/large")
    for ((i = 0; i < 8; i++)); do
        echo "r$i deaf"
        echo "r$i > $(text "get://id=\"1\",path=\"$path\"")"
        echo "u$i > $(text 'put://id="1",size="1000000"')$(bytes hello)"
    done >"$TMP/script"
    {
        echo "a > $(text 'who://id="1"')"
        echo 'a <* "code=\"type\""'
        echo 'say all are at it'
        echo 'a hold 10000'
    } >>"$TMP/script"
    "$POKE" "$HOST" "$PORT" <"$TMP/script" >"$TMP/said" 3>&- &
    STARTED+=($!)
    LOG=$TMP/said logged 'all are at it'
    holds 8 '*.part'
    get "$(put <"$TMP/large")" | cmp - "$TMP/large"
}

@test "file: who reads slowly gets it all, in the end" {
    files
    put_marked 5000000
    speak <<END
        a deaf
        a > $(text "get://id=\"1\",path=\"$FOUND\"")
        b > $(text 'who://id="1"')
        b <* "code=\"type\""
        a hold 100
        a < $(text 'ok://id="1",size="5000007"')
        a <* "THE END"
        a > $(text 'who://id="2"')
        a <* "code=\"type\""
END
}

@test "file: twenty at once, up and down, do not mix" {
    local i pids=()
    files
    for ((i = 1; i <= 20; i++)); do
        head -c $((i * 50000)) /dev/urandom >"$TMP/in$i"
        { path=$(put <"$TMP/in$i") && get "$path" >"$TMP/out$i"; } 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    for ((i = 1; i <= 20; i++)); do cmp "$TMP/in$i" "$TMP/out$i"; done
    holds 20 '*'
}

@test "file: a disk that is full is answered with storage, and nothing is kept" {
    FILE_LIMIT=8 start "$FILE_SERVER" -d "$TMP/files" # 8 KiB in a file, no more
    speak <<END
        a > $(text 'put://id="1",size="10000"')$(bytes "$(printf 'x%.0s' {1..9000})")
        $(refused a 1 storage)
        a eof
END
    holds 0 '*'
    printf hello >"$TMP/hello"
    get "$(put <"$TMP/hello")" | cmp - "$TMP/hello"
    [ -n "${OWN-}" ] || logged 'storage: File too large'
}

@test "file: out of descriptors for files it says so, refuses newcomers, serves the others, and recovers" {
    ours
    LIMIT=30 files
    printf hello >"$TMP/hello"
    path=$(put <"$TMP/hello")
    speak <<END
        a open
        x crowd 40 $(text 'who://id="1"') $(text 'error://id="1",text="this server knows put and get",code="type"')
        x refused 1 39
        a > $(text "get://id=\"1\",path=\"$path\"")
        $(refused a 1 storage)
        a > $(text 'put://id="2",size="5"')
        $(refused a 2 storage)
        a eof
END
    gets_hello() { [ "$(get "$path")" = hello ]; }
    eventually gets_hello
    holds 1 '*'
}

@test "file: -v shows what each frame means" {
    ours
    files -v
    speak <<END
        a > $(json '{"type":"put","id":"1","size":5}')$(bytes hello)
        a <* "\"size\":5}"
END
    logged ' -> frame: json, 32 bytes: put id=1 size=5$'
    logged ' -> frame: bytes, 5 bytes$'
    logged ' <- frame: json, 73 bytes: ok id=1 path=[0-9a-f]{32} size=5$'
}

@test "file: who brings many files at once has one stored, and then the others have their turn" {
    ours
    local first second before
    files
    exec 5<>"/dev/tcp/$HOST/$PORT"
    logged 'connected'
    first=$(sed -n 's/ connected$//p' "$LOG")
    exec 6<>"/dev/tcp/$HOST/$PORT"
    until second=$(sed -n 's/ connected$//p' "$LOG" | grep -v "^$first$"); do pause; done
    kill -s STOP "$PID" # so that it finds all of this at once
    for ((i = 0; i < 200; i++)); do printf '\0\0\0\030\001put://id="%04d",size="0"' $i; done >&5
    printf '\0\0\0\030\001put://id="0000",size="0"' >&6
    kill -s CONT "$PID"
    logged "^$second put"
    before=$(sed "/^$second put/q" "$LOG" | grep -c "^$first put" || true)
    exec 5>&- 6>&-
    echo "rule: each file is a wait for the disk, so one client may make the others wait for one; here: $before"
    [ "$before" -le 2 ]
}

@test "file: SIGHUP ends it as SIGTERM does: without -d its folder goes; under nohup it is ignored" {
    ours
    local signal
    mkdir "$TMP/tmp"
    printf hello >"$TMP/hello"
    for signal in $(endings); do
        TMPDIR=$TMP/tmp start "$FILE_SERVER"
        put <"$TMP/hello" >"$TMP/path"
        stops_on "$signal"
        [ -z "$(ls -A "$TMP/tmp")" ]
    done
    printf '#!/bin/sh\ntrap "" HUP\nexec "%s" "$@"\n' "$FILE_SERVER" >"$TMP/nohup"
    chmod +x "$TMP/nohup"
    TMPDIR=$TMP/tmp start "$TMP/nohup"
    kill -s HUP "$PID"
    get "$(put <"$TMP/hello")" | cmp - "$TMP/hello"
    stops_on TERM
}

@test "file: with its standard descriptors closed no file gets their numbers, and so none gets what belongs there" {
    ours
    local closed path
    files
    stops_on TERM
    head -c 300000 /dev/urandom >"$TMP/in"
    for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
        echo "file_server $closed"
        eval "exec \"\$FILE_SERVER\" -v -p \$PORT -d \"\$TMP/files\" 3>&- $closed" &
        PID=$!
        STARTED+=("$PID")
        until (exec 5<>"/dev/tcp/$HOST/$PORT") 2>/dev/null; do kill -0 "$PID" && pause; done
        path=$(put <"$TMP/in")
        get "$path" | cmp - "$TMP/in"
        stops_on TERM
        [ ! -s "$TMP/files/lock" ]
        rm -f "$TMP/files/$path"
    done
}

@test "file: a folder that gets another name while a file comes is still the one where it is kept" {
    ours
    files
    exec 5<>"/dev/tcp/$HOST/$PORT"
    printf '\0\0\0\026\001put://id="1",size="10"\0\0\0\5\4hello' >&5
    holds 1 '*'
    mv "$TMP/files" "$TMP/moved"
    mkdir "$TMP/files"
    printf '\0\0\0\5\4world' >&5
    head -c 5 <&5 >/dev/null # the answer: it is kept
    exec 5>&-
    [ "$(cat "$TMP"/moved/????????????????????????????????)" = helloworld ]
    [ -z "$(ls -A "$TMP/files")" ]
}
