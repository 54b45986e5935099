#!/usr/bin/env bats
# Exercise 06-2: GET /who?room=ROOM, over plain HTTP, lists who is in that room, a name a line.
# Grades: WS_SERVER

load ../helpers

# Lets somebody into a room. Sets PERSON, its process.
joins() { # NAME ROOM
    [ -p "$TMP/input" ] || mkfifo "$TMP/input"
    exec 6<>"$TMP/input"
    "$WS_CLIENT" "ws://$HOST:$PORT/chat?room=$2&name=$1" <"$TMP/input" >"$TMP/out.$1" 2>"$TMP/err" 3>&- &
    PERSON=$!
    STARTED+=("$PERSON")
    LOG=$TMP/out.$1 logged "^\* $1 joined $2\$"
}

# Asks for a list, and checks it; the lines may come in any order.
lists() { # QUERY [NAME...]
    local query=$1 name length=0
    shift
    : >"$TMP/want"
    for name; do
        echo "$name" >>"$TMP/want"
        length=$((length + $(printf '%s\n' "$name" | wc -c)))
    done
    exec 7<>"/dev/tcp/$HOST/$PORT"
    printf 'GET /who%s HTTP/1.1\r\nHost: x\r\n\r\n' "$query" >&7
    within 10 cat <&7 | tr -d '\r' >"$TMP/answer"
    exec 7>&-
    sed '1,/^$/d' "$TMP/answer" >"$TMP/list"
    cat "$TMP/answer"
    echo "rule: /who$query is answered with 200, and lists these, a line each, in any order: ${*:-nobody}"
    grep -q '^HTTP/1.1 200 ' "$TMP/answer"
    diff <(LC_ALL=C sort "$TMP/want") <(LC_ALL=C sort "$TMP/list")
    echo "rule: it is text/plain; charset=utf-8, and its length is counted in bytes: $length"
    grep -qxi 'content-type: text/plain; charset=utf-8' "$TMP/answer"
    grep -qxi "content-length: $length" "$TMP/answer"
    echo "rule: no page of another site can read it, so there is no Access-Control-Allow-Origin"
    [ "$(grep -ci '^access-control' "$TMP/answer")" -eq 0 ]
}

@test "/who lists those in a room, and no others; without a room, the lobby" {
    start "$WS_SERVER"
    lists ''
    joins 张三 kitchen
    joins lisi kitchen
    joins wangwu lobby
    lists '?room=kitchen' 张三 lisi
    lists '' wangwu
    lists '?room=lobby' wangwu
    lists '?room=kitche'
    joins anna 厨
    lists '?room=%E5%8E%A8' anna
    lists '?x=y&room=kitchen' 张三 lisi
}

@test "/who does not list who has left" {
    start "$WS_SERVER"
    joins anna den
    joins lisi den
    lists '?room=den' anna lisi
    kill -s TERM "$PERSON"
    wait "$PERSON"
    LOG=$TMP/out.anna logged '^\* lisi left den$'
    lists '?room=den' anna
}

@test "what cannot be listed is refused: 400, 405, 404" {
    start "$WS_SERVER"
    local room
    for room in '' 'a%20b' '%0a' '%ff' '%' 012345678901234567890123456789012; do
        printf '%s\n' "say \"$room\" is no name of a room: 400" \
            "a > \"GET /who?room=$room HTTP/1.1\r\nHost: x\r\n\r\n\"" 'a < "HTTP/1.1 400 "' | speak
    done
    speak <<'END'
        say a list is for GET: 405
        a > "POST /who HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        a < "HTTP/1.1 405 "
        say a longer path is another: 404
        b > "GET /whoever HTTP/1.1\r\nHost: x\r\n\r\n"
        b < "HTTP/1.1 404 "
        say it is no WebSocket: 404
        c > "GET /who HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        c > "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        c < "HTTP/1.1 404 "
END
}

@test "/who lists all, be they many, and nobody who has a connection for something else" {
    start "$WS_SERVER"
    local i names=()
    for i in {10..59}; do names+=("a_name_of_thirty-two_letters__$i"); done
    {
        upgraded /echo other </dev/null
        echo 'idle open'
        for i in {10..59}; do upgraded "/chat?name=a_name_of_thirty-two_letters__$i" "c$i" </dev/null; done
        echo 'say all are there'
        echo 'c10 hold 60000'
    } >"$TMP/script"
    "$POKE" "$HOST" "$PORT" <"$TMP/script" >"$TMP/poke" 2>&1 3>&- &
    STARTED+=("$!")
    LOG=$TMP/poke logged 'all are there'
    lists '' "${names[@]}"
}
