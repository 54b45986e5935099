#!/usr/bin/env bats
# What ws_server promises beside frames (06-conformance.bats): requests, chat, time. The server is $WS_SERVER; what one of
# somebody's own has to do is in GRADED.md of the lesson.
# Grades: WS_SERVER

load helpers

KEY='Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
HOST_LINE='Host: localhost' UPGRADE='Upgrade: websocket' CONNECTION='Connection: Upgrade'
VERSION='Sec-WebSocket-Version: 13'

# Prints the fields of a handshake that is right, as poke writes them.
fields() { printf '%s\\r\\n' "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY" ''; }

# Sends a request, a line each, and checks with what the answer begins. (In bytes of poke: \" and \r\n in it count.)
asks() { # STATUS LINE...
    local status=$1 line request=''
    shift
    for line; do request+="$line\\r\\n"; done
    echo "request: $request"
    printf '%s\n' "a >? \"$request\r\n\"" "a < \"HTTP/1.1 $status \"" 'a <* "\r\n\r\n"' 'a close' | speak
}

# The same with a request that is right but for one line: the fields of a handshake, and those given.
shakes() { # STATUS [LINE...]
    asks "$1" 'GET /echo HTTP/1.1' "${@:2}"
}

@test "ws: the answer to the key of RFC 6455 is the one that it names" {
    start "$WS_SERVER"
    speak <<'END'
        a > "GET /echo HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        a > "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\nSec-WebSocket-Version: 13\r\n\r\n"
        a < "HTTP/1.1 101 "
        a <* "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        a > "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
        a <* "\r\n\x81\x05Hello"
        a > "\x88\x82\0\0\0\0\x03\xe8"
        a < "\x88\x02\x03\xe8"
        a eof
END
}

@test "ws: names of fields and tokens in upper or lower case, in lists, with white space" {
    start "$WS_SERVER"
    shakes 101 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY"
    shakes 101 "host:localhost" "UPGRADE: WebSocket" "connection: keep-alive, Upgrade" "sec-websocket-version:13" \
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==   "
    shakes 101 "$HOST_LINE" 'Upgrade: h2c,\twebsocket ,x' 'Connection: upgrade,' 'Connection: x' "$VERSION" "$KEY"
    shakes 101 "$HOST_LINE" "$UPGRADE" 'Connection: x' 'Connection:UPGRADE' "$VERSION" "$KEY" 'Content-Length: 0'
    asks 101 '' 'GET /echo?x=y HTTP/1.1' "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY"
}

@test "ws: a handshake that is not one is refused, with the status for it" {
    start "$WS_SERVER"
    shakes 426 "$HOST_LINE"
    shakes 426 "$HOST_LINE" 'Upgrade: websockets' "$CONNECTION" "$VERSION" "$KEY"
    shakes 400 "$HOST_LINE" "$UPGRADE" "$VERSION" "$KEY"
    shakes 400 "$HOST_LINE" "$UPGRADE" 'Connection: keep-alive, upgrades' "$VERSION" "$KEY"
    shakes 400 "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY"
    shakes 400 "$HOST_LINE" "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY"
    shakes 400 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION"
    shakes 400 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY" "$KEY"
    shakes 400 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j'
    shakes 400 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ='
    shakes 400 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZZ=='
    shakes 400 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!=='
    shakes 400 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" 'Sec-WebSocket-Key:'
    shakes 400 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY" 'Content-Length: 5'
    shakes 400 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY" 'Transfer-Encoding: chunked'
    shakes 426 "$HOST_LINE" "$UPGRADE" "$CONNECTION" 'Sec-WebSocket-Version: 8' "$KEY"
    shakes 426 "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$KEY"
    asks 400 'GET /echo HTTP/1.0' "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY"
    asks 404 'GET /other HTTP/1.1' "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY"
    asks 404 'GET / HTTP/1.1' "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY"
    asks 405 'POST /echo HTTP/1.1' "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY"
    asks 405 'DELETE / HTTP/1.1' "$HOST_LINE"
}

@test "ws: what is no HTTP is refused at the first line that is none" {
    start "$WS_SERVER"
    local line
    for line in 'hello' 'GET /' 'GET  / HTTP/1.1' 'GET / HTTP/2.0' 'GET / HTTP/1.1 ' 'G@T / HTTP/1.1' 'GET echo HTTP/1.1' \
        ' GET / HTTP/1.1' 'GET /\x1b HTTP/1.1' 'GET /\0 HTTP/1.1'; do
        printf '%s\n' "a > \"$line\r\n\"" 'a < "HTTP/1.1 400 "' 'a <* "\r\n\r\n400: "' 'a <* "\n"' 'a eof' 'a close' | speak
    done
    for line in ' folded: line' 'no colon' ': no name' 'Host : blank before the colon' 'Ho st: x' 'H\xc3\xa9: x' \
        'X: a\0b' 'X: a\rb' 'X: \x1b[2J'; do
        printf '%s\n' "a > \"GET / HTTP/1.1\r\nHost: x\r\n$line\r\n\"" 'a < "HTTP/1.1 400 "' 'a close' | speak
    done
}

@test "ws: a head has at most 8192 bytes" {
    start "$WS_SERVER"
    local rest=$((8192 - 18 - 3 - 4)) # GET / HTTP/1.1 and its end and an empty line, X: and its end
    speak <<END
        a > "GET / HTTP/1.1\r\nX:" "x"*$((rest + 1)) "\r\n\r\n"
        a <* "\r\n\r\n"
        b >? "GET / HTTP/1.1\r\nX:" "x"*9000
        b < "HTTP/1.1 431 "
        b <* "\r\n\r\n431: "
        b <* "\n"
        b eof
        c >? "GET / HTTP/1.1\r\n" "X: y\r\n"*2000
        c < "HTTP/1.1 431 "
END
}

@test "ws: a refusal says why, in a line of text, and the connection ends" {
    start "$WS_SERVER"
    speak <<'END'
        a > "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
        a < "HTTP/1.1 426 "
        a <* "\r\nSec-WebSocket-Version: 13\r\n"
        a <* "\n426: "
        a <* "\n"
        a eof
        b > "PUT / HTTP/1.1\r\nHost: x\r\n\r\n"
        b < "HTTP/1.1 405 "
        b <* "Allow: GET, HEAD\r\n"
        b <* "\n"
END
}

@test "ws: a request for http://HOST/PATH, as to a proxy, is one for /PATH" {
    start "$WS_SERVER" -f "$TOP/06-websocket-handshake/index.html"
    local rest=("$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY") target
    asks 101 'GET http://localhost/echo HTTP/1.1' "${rest[@]}"
    asks 101 'GET HTTP://127.0.0.1:9090/chat?name=anna HTTP/1.1' "${rest[@]}"
    asks 101 'GET http://[::1]:80/echo?http://x/ HTTP/1.1' "${rest[@]}"
    asks 200 'GET http://localhost/ HTTP/1.1' "$HOST_LINE"
    asks 200 'GET http://localhost HTTP/1.1' "$HOST_LINE"
    asks 200 'GET http://localhost?x=y HTTP/1.1' "$HOST_LINE"
    asks 404 'GET http://localhost/x HTTP/1.1' "$HOST_LINE"
    for target in http:///echo http:// http:/echo https://localhost/echo ftp://localhost/echo http://me@localhost/echo \
        localhost:80 '*'; do
        asks 400 "GET $target HTTP/1.1" "${rest[@]}"
    done
}

# Asks with HEAD, and checks that nothing comes behind the head of the answer.
heads() { # STATUS FIELD REQUEST
    printf '%s\n' "say a HEAD is answered as a GET would be, and without a body" \
        "a >? \"$3\"" "a < \"HTTP/1.1 $1 \"" "a <* \"$2\"" 'a <* "\r\n\r\n"' 'a eof' 'a close' | speak
}

@test "ws: HEAD is GET without the body, also if it is refused" {
    printf '<p>page</p>\n' >"$TMP/page"
    start "$WS_SERVER" -f "$TMP/page" -w 500
    heads 200 'Content-Length: 12' 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n'
    heads 426 'Sec-WebSocket-Version: 13' 'HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n'
    heads 426 '' "HEAD /echo HTTP/1.1\r\n$HOST_LINE\r\n$UPGRADE\r\n$CONNECTION\r\n$VERSION\r\n$KEY\r\n\r\n"
    heads 404 '' 'HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n'
    heads 404 '' 'HEAD http://x/nothing HTTP/1.1\r\nHost: x\r\n\r\n'
    heads 400 '' '\r\nHEAD / HTTP/3.0\r\n'
    heads 400 '' 'HEAD / HTTP/1.1\r\nHost : x\r\n'
    heads 431 '' "HEAD / HTTP/1.1\r\nX: $(printf %09000d 0)"
    heads 408 '' 'HEAD / HTTP/1.1\r\nHost: x\r\n'
    heads 408 '' 'HEAD / HTT'
    rm "$TMP/page"
    heads 404 '' 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n'
}

@test "ws: a method that is known elsewhere gets 405 and what is allowed here, an unknown one 501" {
    start "$WS_SERVER"
    local method path
    for method in POST PUT DELETE TRACE PATCH OPTIONS; do
        for path in / /echo '/chat?name=x'; do
            printf '%s\n' "a >? \"$method $path HTTP/1.1\r\nHost: x\r\n\r\n\"" 'a < "HTTP/1.1 405 "' \
                'a <* "\r\nAllow: GET, HEAD\r\n"' 'a close' | speak
        done
    done
    asks 405 'OPTIONS * HTTP/1.1' "$HOST_LINE"
    asks 405 'CONNECT localhost:80 HTTP/1.1' "$HOST_LINE"
    for method in BREW get Head GETS; do
        for path in / /echo; do asks 501 "$method $path HTTP/1.1" "$HOST_LINE"; done
    done
}

@test "ws: a request is a request, however it is cut, with LF for CR LF, too" {
    start "$WS_SERVER"
    local size
    {
        for size in 1 2 3 7 64; do
            echo "a >$size \"GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x81\0\0\0\0x\" via w \"\x89\x80\0\0\0\0\" \"\x8a\0\""
            echo 'a < "HTTP/1.1 101 "'
            echo 'a <* "\r\n\r\n\x81\x01x"'
            echo 'a close'
            echo 'a open'
        done
        echo 'b > "GET /echo HTTP/1.1\nHost: x\n\n"'
        echo 'b < "HTTP/1.1 426 "'
    } | upgraded /echo w | speak
}

@test "ws: with -o pages of another origin are refused, and programs without an origin are not" {
    start "$WS_SERVER" -o http://127.0.0.1:9090
    local rest=("$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY")
    shakes 101 "${rest[@]}" 'Origin: http://127.0.0.1:9090'
    shakes 101 "${rest[@]}"
    shakes 403 "${rest[@]}" 'Origin: http://evil.example'
    shakes 403 "${rest[@]}" 'Origin: http://127.0.0.1:9090.evil.example'
    shakes 403 "${rest[@]}" 'Origin: null'
    shakes 403 "${rest[@]}" 'Origin: http://127.0.0.1:9090' 'Origin: http://evil.example'
    asks 404 'GET /x HTTP/1.1' "${rest[@]}" 'Origin: http://evil.example'
}

@test "ws: a subprotocol is chosen from those that are offered" {
    start "$WS_SERVER"
    local fields="Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n$KEY\r\n"
    speak <<END
        a > "GET /echo HTTP/1.1\r\nHost: x\r\n${fields}Sec-WebSocket-Protocol: mqtt, echo\r\n\r\n"
        a <* "Sec-WebSocket-Protocol: echo\r\n"
        b > "GET /chat HTTP/1.1\r\nHost: x\r\n${fields}Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
        b <* "Sec-WebSocket-Protocol: chat\r\n"
        c > "GET /echo HTTP/1.1\r\nHost: x\r\n${fields}Sec-WebSocket-Protocol: mqtt, ECHO\r\n\r\n"
        c < "HTTP/1.1 101 "
        c <* "\r\n\r\n"
END
    exec 5<>"/dev/tcp/$HOST/$PORT"
    printf %b "GET /echo HTTP/1.1\r\nHost: x\r\n${fields}Sec-WebSocket-Protocol: mqtt, ECHO\r\n\r\n" >"$TMP/request"
    cat "$TMP/request" >&5
    within 10 sed $'/^\r$/q' <&5 >"$TMP/head"
    exec 5>&-
    cat "$TMP/head"
    echo "rule: none of these is chosen, for the case counts"
    [ "$(grep -ci '^sec-websocket-protocol' "$TMP/head")" -eq 0 ]
}

@test "ws: / is the page, as it is now in its file" {
    printf '<p>first</p>\n' >"$TMP/page"
    start "$WS_SERVER" -f "$TMP/page"
    speak <<'END'
        a > "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        a < "HTTP/1.1 200 "
        a <* "\r\nContent-Type: text/html; charset=utf-8\r\n"
        a <* "\r\n\r\n<p>first</p>\n"
        a eof
        b > "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        b <* "\r\nContent-Length: 13\r\n"
END
    printf '<p>second</p>\n' >"$TMP/page"
    printf '%s\n' 'a > "GET / HTTP/1.1\r\nHost: x\r\n\r\n"' 'a <* "\r\n\r\n<p>second</p>\n"' 'a eof' | speak
    rm "$TMP/page"
    asks 404 'GET / HTTP/1.1' "$HOST_LINE"
}

@test "ws: curl gets the page and the refusals" {
    command -v curl >/dev/null || skip "curl is not installed"
    printf '<p>page</p>\n' >"$TMP/page"
    start "$WS_SERVER" -f "$TMP/page"
    [ "$(curl -sS "http://127.0.0.1:$PORT/")" = '<p>page</p>' ]
    [ "$(curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT/echo")" = 426 ]
    [ "$(curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT/nothing")" = 404 ]
    [ "$(curl -sS -o /dev/null -w '%{http_code}' -d x "http://127.0.0.1:$PORT/")" = 405 ]
    [ "$(curl -sS --proxy "http://127.0.0.1:$PORT" http://example.com/)" = '<p>page</p>' ]
    curl -sSI "http://127.0.0.1:$PORT/" | grep -qi '^content-length: 12'
    curl -sSI -o /dev/null "http://127.0.0.1:$PORT/nothing"
}

# Frames of a client with a key of zeros: text "hi" is \x81\x82\0\0\0\0hi.
@test "ws: a chat relays texts to the others in the room, under the sender's name" {
    start "$WS_SERVER"
    {
        upgraded '/chat?room=den&name=anna' a </dev/null
        echo 'a < "\x81\x11* anna joined den"'
        upgraded '/chat?name=%E5%BC%A0%E4%B8%89&room=den' b </dev/null
        echo 'b < "\x81\x13* 张三 joined den"'
        echo 'a < "\x81\x13* 张三 joined den"'
        upgraded /chat c </dev/null
        cat
    } <<'END' | speak
        c <* "* guest{c} joined lobby"
        a > "\x81\x82\0\0\0\0hi"
        b < "\x81\x08anna: hi"
        b > "\x81\x86\0\0\0\0你好"
        a < "\x81\x0e张三: 你好"
        a > "\x01\x81\0\0\0\0f" "\x89\x80\0\0\0\0" "\x80\x81\0\0\0\0g"
        a < "\x8a\0"
        b < "\x81\x08anna: fg"
        b > "\x88\x80\0\0\0\0"
        b < "\x88\0"
        b eof
        b close
        a < "\x81\x11* 张三 left den"
        c > "\x89\x80\0\0\0\0"
        c < "\x8a\0"
END
}

@test "ws: in a chat nobody can speak for somebody else, or to a terminal" {
    start "$WS_SERVER"
    {
        upgraded '/chat?name=a' a </dev/null
        echo 'a <* "* a joined lobby"'
        upgraded '/chat?name=b' b </dev/null
        echo 'b <* "* b joined lobby"'
        cat
    } <<'END' | speak
        a < "\x81\x10* b joined lobby"
        a > "\x81\x89\0\0\0\0x\nc: hi\r\x1b"
        b < "\x81\x0c" "a: x?c: hi??"
        a > "\x81\x84\0\0\0\0\xc2\x9b\x7f\t"
        b < "\x81\x07" "a: ???\t"
        a > "\x81\x9b\0\0\0\0\xe2\x80\xaegnp.exe\xe2\x81\xa7\xe2\x80\xa8" "👩\xe2\x80\x8d🔧"
        b < "\x81\x1e" "a: ???gnp.exe??????" "👩\xe2\x80\x8d🔧"
END
    local name place rest names=(
        '' 'a%20b' 'a:' '*' 'a%0a' '%1b' '%ff' '%c2%80' '%' '%4' '%zz' 'a\xff'
        0123456789012345678901234567890123 '%e2%80%8b' 'a%e2%81%a0' 'a%ef%bb%bf' 'a%00' 'a%e2%80%ae' '%cd%8f' '%d8%9c'
        '%e1%85%9f' '%e1%9e%b4' '%e1%a0%8b' '%e2%a0%80' '%e3%85%a4' '%ef%b8%8f' '%ef%be%a0' '%ef%bf%b9' '%f3%a0%81%81'
        '%e3%80%80' '%c2%a0'
    )
    rest=$(fields)
    for place in name room; do
        for name in "${names[@]}"; do
            escape "$name" \\
            printf '%s\n' "say no $place is '$ESCAPED'" 'n open' "n >? \"GET /chat?$place=$name HTTP/1.1\r\n$rest\"" \
                'n < "HTTP/1.1 400 "' 'n <* "\r\n\r\n"' 'n close'
        done
    done | speak
    {
        upgraded '/chat?name=anna' a </dev/null
        echo 'a <* "* anna joined lobby"'
        echo "b > \"GET /chat?name=anna HTTP/1.1\r\n$HOST_LINE\r\n$UPGRADE\r\n$CONNECTION\r\n$VERSION\r\n$KEY\r\n\r\n\""
        echo 'b < "HTTP/1.1 400 "'
    } | speak
}

@test "ws: a text in a chat has at most 2048 bytes (1009)" {
    start "$WS_SERVER"
    {
        upgraded '/chat?name=a' a </dev/null
        echo 'a <* "* a joined lobby"'
        upgraded '/chat?name=b' b </dev/null
        echo 'b <* "* b joined lobby"'
        echo 'a <* "* b joined lobby"'
        cat
    } <<'END' | speak
        a > "\x81\xfe\x08\x00\0\0\0\0" "m"*2048
        b < "\x81\x7e\x08\x03a: " "m"*2048
        a > "\x81\xfe\x08\x01\0\0\0\0"
        a <* "\x03\xf1"
        a gone
        b > "\x01\xfe\x04\x00\0\0\0\0" "m"*1024 "\x80\xfe\x04\x01\0\0\0\0" "m"*1025
        b <* "\x03\xf1"
        b gone
END
}

@test "ws: a chat takes no binary messages (1003)" {
    start "$WS_SERVER"
    upgraded /chat <<'END' | speak
        a <* "* guest{a} joined lobby"
        a > "\x82\x81\0\0\0\0x"
        a <* "\x03\xeb"
        a gone
END
}

@test "ws: who is silent is pinged, and dropped if no pong comes" {
    start "$WS_SERVER" -i 50 -w 1000
    upgraded /echo <<'END' | speak
        a < "\x89\0"
        a > "\x8a\x80\0\0\0\0"
        a <* "\x89\0"
        a > "\x81\x81\0\0\0\0x"
        a <* "\x81\x01x"
        a <* "\x89\0"
        a gone
END
    noted 'disconnected: it does not answer a ping'
}

@test "ws: a client that has died within a frame's header is pinged, and dropped" {
    start "$WS_SERVER" -i 100 -w 500
    upgraded /echo <<'END' | speak
        a > "\x81"
        a < "\x89\0"
        a gone
END
    noted 'disconnected: it does not answer a ping'
}

@test "ws: the first ping comes after -i, whatever -w is" {
    local wait
    for wait in 0 600000; do
        start "$WS_SERVER" -i 100 -w $wait
        { upgraded /echo </dev/null; echo 'a < "\x89\0"'; } | speak
    done
}

# Prints a request for a WebSocket at that path, at once (bash would write each line by itself).
request() { # PATH
    printf '%s\r\n' "GET $1 HTTP/1.1" "$HOST_LINE" "$UPGRADE" "$CONNECTION" "$VERSION" "$KEY" '' >"$TMP/request"
    cat "$TMP/request"
}

# Passes if whoever is connected as 5 is still there.
still_there() {
    printf '\x81\x86\0\0\0\0there\n' >&5
    within 10 grep -aq there <&5 && return
    echo "rule: what has come while the server was away is read before anybody is called silent"
    tail -n 5 "$LOG"
    return 1
}

@test "ws: a client that answered while the server was stopped is not hung up on" {
    start "$WS_SERVER" -i 300 -w 1500
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    request /echo >&5
    LC_ALL=C read -r -t 10 -d $'\x89' <&5 # a ping has come
    kill -s STOP "$PID"
    printf '\x8a\x80\0\0\0\0' >&5
    request /echo >&6
    sleep 1.6 # it has to be away for longer than -w
    kill -s CONT "$PID"
    still_there
    within 10 grep -aqm 1 'HTTP/1.1 101 ' <&6
    exec 5>&- 6>&-
}

@test "ws: a client that answered while the server was busy is not hung up on" {
    ours
    # What -v writes goes through a pipe, whose reader can be stopped.
    cat >"$TMP/piped" <<'END'
#!/usr/bin/env bash
exec "$WS_SERVER" "$@" 2> >(exec sh -c 'echo $$ >"$TMP/reader"; exec cat >&2')
END
    chmod +x "$TMP/piped"
    export TMP WS_SERVER
    start "$TMP/piped" -v -i 300 -w 1500
    local log
    log=$(cat "$TMP/reader")
    STARTED+=("$log")
    exec 5<>"/dev/tcp/$HOST/$PORT"
    request /echo >&5
    logged 'opcode 9: ping'
    kill -s STOP "$log"
    (sleep 2.5 && kill -s CONT "$log") 3>&- & # it has to be away for longer than -w
    exec 6<>"/dev/tcp/$HOST/$PORT"
    { request /echo; printf '\x82\xfe\xff\xff\0\0\0\0'; head -c 65535 /dev/zero; } >&6
    sleep 0.3 # by now it waits in write(), for its log is full
    printf '\x8a\x80\0\0\0\0' >&5
    wait $!
    still_there
    exec 5>&- 6>&-
}

@test "ws: who reads slowly, and therefore answers a ping late, is not dropped" {
    start "$WS_SERVER" -m 16777216 -i 300 -w 1000
    {
        echo 'a deaf'
        upgraded /echo </dev/null
        echo 'a < "\x89\0"' # so there is a second to prepare so large a message
        echo 'a > "\x82\xff\0\0\0\0\x01\0\0\0\0\0\0\0" "m"*16777216'
        echo 'a < "\x82\x7f\0\0\0\0\x01\0\0\0"'
        for ((i = 0; i < 32; i++)); do
            printf '%s\n' 'a hold 50' 'a < "m"*524288'
        done
        printf '%s\n' 'a < "\x89\0"' 'a > "\x8a\x80\0\0\0\0"' 'a > "\x81\x81\0\0\0\0x"' 'a <* "\x81\x01x"'
    } | speak
}

@test "ws: a request that does not come is waited for so long, and no longer (slowloris)" {
    start "$WS_SERVER" -w 300
    speak <<'END'
        a > "GET /echo HTTP/1.1\r\nHost: x\r\n"
        b open
        a < "HTTP/1.1 408 "
        a <* "\r\n\r\n"
        b < "HTTP/1.1 408 "
END
    noted 'disconnected'
}

@test "ws: a trickle of bytes wins no time for a request" {
    start "$WS_SERVER" -w 300
    exec 5<>"/dev/tcp/$HOST/$PORT"
    printf 'GET / HTTP/1.1\r\nX: ' >&5
    echo "rule: a request that is not there after -w ms is answered with 408, though bytes come"
    local answer=''
    (while printf x; do pause; done) >&5 2>/dev/null 3>&- &
    STARTED+=($!)
    read -r -t 20 answer <&5 || true
    exec 5>&-
    echo "here: $answer"
    [[ $answer == 'HTTP/1.1 408 '* ]]
}

@test "ws: after its close a client has so long to go, and no longer" {
    start "$WS_SERVER" -w 500
    exec 5<>"/dev/tcp/$HOST/$PORT"
    request /echo >&5
    printf '\x88\x80\0\0\0\0' >&5
    within 10 cat <&5 >"$TMP/answer" # the server's FIN
    [ "$(tail -c 2 "$TMP/answer" | od -An -tx1)" = ' 88 00' ]
    echo "rule: the server hangs up on a client that does not: what this sends is answered with a reset"
    local tries
    trap '' PIPE
    for ((tries = 0; tries < TRIES; tries++)); do
        printf x >&5 || break
        pause
    done 2>/dev/null
    exec 5>&-
    trap - PIPE
    [ $tries -lt "$TRIES" ]
    noted 'disconnected: it does not close'
}

@test "ws: a close reaches also those who read late" {
    start "$WS_SERVER" -m 16777216
    upgraded /echo <<'END' | speak
        a > "\x82\xff\0\0\0\0\0\x40\0\0\0\0\0\0" "m"*4194304 "\x88\x82\0\0\0\0\x03\xe8"
        a hold 100
        a < "\x82\x7f\0\0\0\0\0\x40\0\0" "m"*4194304 "\x88\x02\x03\xe8"
        a eof
END
}

@test "ws: who sends and does not read is made to wait, and nobody else" {
    takes_long
    start "$WS_SERVER"
    {
        upgraded /echo b </dev/null
        upgraded /echo a </dev/null
        cat
    } <<'END' | speak
        a fill 67108864 "\x82\xfe\x04\0\0\0\0\0" "m"*1024 via b "\x81\x81\0\0\0\0x" "\x81\x01x"
        a blocked
        a reset
        b > "\x81\x81\0\0\0\0y"
        b < "\x81\x01y"
END
}

# 8000 empty texts are only 48 KB, but 800,000 texts to send. The log says who was heard first.
@test "ws: a client that has much done for few bytes gets its share of time, and then the others get theirs" {
    ours
    start "$WS_SERVER"
    printf '%s\n' "crowd crowd 100 \"$(request '/chat?room=den' | sed 's/\r$/\\r\\n/' | tr -d '\n')\" \"HTTP/1.1 101 \"" \
        'say the room is full' 'crowd hold 60000' >"$TMP/script"
    "$POKE" "$HOST" "$PORT" <"$TMP/script" >"$TMP/out" 3>&- &
    STARTED+=($!)
    LOG=$TMP/out logged 'the room is full'
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    request '/chat?room=den&name=flood' >&5
    request /echo >&6
    within 10 grep -aqm 1 'HTTP/1.1 101 ' <&6
    kill -s STOP "$PID" # so that it finds both at once
    { printf '\x81\x80\0\0\0\0%.0s' {1..8000}; printf '\x88\x82\0\0\0\0\x0f\xa1'; } >"$TMP/flood"
    cat "$TMP/flood" >&5
    printf '\x88\x82\0\0\0\0\x0f\xa2' >&6
    kill -s CONT "$PID"
    logged ' closes: 4001'
    exec 5>&- 6>&-
    echo "rule: while one client keeps the server busy, others have their turn; here the log says:"
    grep -a ' closes: ' "$LOG"
    [ "$(grep -a -m 1 -o 'closes: .*' "$LOG")" = 'closes: 4002' ]
}

@test "ws: in a chat who does not read is dropped at his bound, and nobody else notices" {
    takes_long
    start "$WS_SERVER" -m 65536
    {
        echo "d deaf"
        upgraded '/chat?name=deaf' d </dev/null
        echo 'd <* "* deaf joined lobby"'
        upgraded '/chat?name=a' a </dev/null
        echo 'a <* "* a joined lobby"'
        upgraded '/chat?name=b' b </dev/null
        echo 'b <* "* b joined lobby"'
        echo 'a <* "* b joined lobby"'
        printf '"\\x81\\xfe\\x08\\x00\\0\\0\\0\\0" "m"*2048 %.0s' {1..32} >"$TMP/said"
        printf 'b <* "\\x81\\x7e\\x08\\x03a: " "m"*2048%.0s\n' {1..32} >"$TMP/heard"
        awk 'NR == FNR { said = $0; next } { heard = heard $0 "\n" } END { for (i = 0; i < 400; i++) printf "a > %s\n%s", said, heard }' \
            "$TMP/said" "$TMP/heard"
        echo 'a <* "\x81\x11* deaf left lobby"'
    } | speak
    noted 'disconnected: too slow'
}

@test "ws: SIGTERM says 1001 to all who are connected" {
    start "$WS_SERVER"
    upgraded /echo <<'END' >"$TMP/script"
        a > "\x81\x81\0\0\0\0x"
        a < "\x81\x01x"
        say "the server ends now"
        a < "\x88\x11\x03\xe9the server ends"
        a gone
END
    speak <"$TMP/script" >"$TMP/out" 2>&1 3>&- &
    local speaker=$!
    LOG=$TMP/out logged 'ends now'
    stops_on TERM
    wait $speaker
}

@test "ws: SIGTERM says 1001 also to a client that is still sending, behind all that it is owed" {
    takes_long
    start "$WS_SERVER"
    {
        upgraded /echo b </dev/null
        upgraded /echo a </dev/null
        cat
    } <<'END' >"$TMP/script"
        a fill 67108864 "\x82\xfe\x04\0\0\0\0\0" "m"*1024 via b "\x81\x81\0\0\0\0x" "\x81\x01x"
        say the server ends now
        b < "\x88\x11\x03\xe9the server ends"
        a <* "m\x88\x11\x03\xe9the server ends"
        a eof
END
    speak <"$TMP/script" >"$TMP/out" 2>&1 3>&- &
    local speaker=$!
    LOG=$TMP/out logged 'ends now'
    stops_on TERM
    wait $speaker || { cat "$TMP/out" && false; }
}

@test "ws: -v explains the handshake line by line and frames bit by bit" {
    ours
    start "$WS_SERVER" -v
    upgraded /echo <<'END' | speak
        a > "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
        a < "\x81\x05Hello"
END
    logged 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==$'
    logged '\^ 16 random bytes in base64'
    logged 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=$'
    logged '1\.\.\.\.\.\.\. +FIN'
    logged '\.\.\.\.0001 +opcode 1: text'
    logged '\.0000101 +length: 5 bytes'
    logged '37 fa 21 3d +the key'
}

# Where the header comes as a whole; of a part of one it may not be clear yet what it says.
@test "ws: with -v a header that breaks a rule is explained, too" {
    ours
    start "$WS_SERVER" -v
    upgraded /echo <<'END' | speak
        a > "\xc1\x85\x37\xfa\x21\x3d"
        a < "\x88"
END
    logged '\.100\.\.\.\. +RSV1' # it breaks a rule
}

@test "ws: the options and the statuses that the checks use are on the page" {
    ours
    local page=$TOP/06-websocket-handshake/GRADED.md status
    options_on_page "$page" 'The server' 'start ".WS_SERVER"' 06-ws.bats 06-conformance.bats 06-interop.bats
    options_on_page "$page" 'The client' '".WS_CLIENT"|^ *(client|opened)' 06-client.bats 06-interop.bats
    fair_checks 06-ws.bats | grep -oE '(asks|shakes|heads|HTTP/1.1) [1-5][0-9][0-9]' | grep -oE '[0-9]+$' | sort -u >"$TMP/statuses"
    [ "$(wc -l <"$TMP/statuses")" -ge 9 ]
    while read -r status; do
        echo "rule: $status is in the table of answers"
        grep -q "^| $status |" "$page"
    done <"$TMP/statuses"
}
