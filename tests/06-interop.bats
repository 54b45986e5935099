#!/usr/bin/env bats
# Lesson 06 with what others have made: npm's ws, Node's own WebSocket, curl, Chromium. The programs are $WS_SERVER and
# $WS_CLIENT. `sh tests/install.sh all` installs all of that; what is missing is skipped.
# Grades: WS_SERVER WS_CLIENT

load helpers

# Needs a package of npm, which tests/install.sh puts into a folder outside of the course.
package() { # NAME
    export NODE_PATH=${NODE_MODULES:-${XDG_CACHE_HOME:-$HOME/.cache}/socket-course/node_modules}
    command -v node >/dev/null || skip "node is not installed"
    node -e "require('$1')" 2>/dev/null || skip "the npm package $1 is not installed (sh tests/install.sh all)"
}

@test "ws: npm's ws gets back what it sends, in every length, with pings, fragments and close codes" {
    about WS_SERVER
    package ws
    start "$WS_SERVER"
    within 30 node "$TOP/tests/ws_interop.js" ws "ws://$HOST:$PORT/echo"
}

@test "ws: Node's own WebSocket gets back what it sends, in every length, with a close code" {
    about WS_SERVER
    package undici
    start "$WS_SERVER"
    within 30 node "$TOP/tests/ws_interop.js" own "ws://$HOST:$PORT/echo"
}

# ---- ws_client and npm's ws as its server

node_server() {
    package ws
    start node "$TOP/tests/ws_interop.js" server
}

@test "ws client: lines go to a server by npm's ws, and come back" {
    about WS_CLIENT
    node_server
    { printf 'hello\n\n吃饭了吗\nfragments\n'; seq 1 20000; echo no end; } >"$TMP/in"
    within 20 "$WS_CLIENT" -o http://example.com "ws://$HOST:$PORT/some/path?x=y" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
    cmp "$TMP/in" "$TMP/out"
    logged '^connected /some/path\?x=y http://example.com $'
    logged '^closed 1000 $'
    [ -n "${OWN-}" ] || printf 'readyState %s\n' "0 CONNECTING  ws://$HOST:$PORT/some/path?x=y" '1 OPEN' '2 CLOSING' '3 CLOSED  code 1000, clean' |
        diff - "$TMP/err"
}

@test "ws client: a ping of a server by npm's ws is answered" {
    about WS_CLIENT
    node_server
    { echo ping; logged '^pong are you there$' >&2; } | within 20 "$WS_CLIENT" "$HOST" "$PORT" | grep -x ping
    logged '^pong are you there$'
}

@test "ws client: one binary message of 5 MB goes to a server by npm's ws in fragments, and comes back whole" {
    about WS_CLIENT
    node_server
    head -c 5000000 /dev/urandom >"$TMP/in"
    within 20 "$WS_CLIENT" -b "ws://$HOST:$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
    cmp "$TMP/in" "$TMP/out"
}

@test "ws client: code and reason of a server by npm's ws are shown, without commands to the terminal; exit code 1" {
    about WS_CLIENT
    local status=0
    node_server
    { echo close; cat /dev/zero; } | within 20 "$WS_CLIENT" "$HOST" "$PORT" 2>"$TMP/err" >/dev/null || status=$?
    tail -n 1 "$TMP/err"
    [ -n "${OWN-}" ] || [ "$(tail -n 1 "$TMP/err")" = 'readyState 3 CLOSED  code 4000, reason 再见?[31m, clean' ]
    [ $status -eq 1 ]
    logged '^closed 4000 '
}

# ---- curl

# Asks with curl, and checks the status; "$TMP/body" and "$TMP/head" have the answer.
curls() { # STATUS PATH [OPTION...]
    local status=$1 path=$2 got
    shift 2
    got=$(curl -sS -m 20 -o "$TMP/body" -D "$TMP/head" -w '%{http_code}' "$@" "http://$HOST:$PORT$path")
    [ "$got" = "$status" ] && return
    echo "rule: $path $* is answered with $status; here $got"
    cat "$TMP/head" "$TMP/body"
    return 1
}

@test "ws: curl gets the page, and for anything else the reason why not" {
    about WS_SERVER
    command -v curl >/dev/null || skip "curl is not installed"
    local upgrade=(-H 'Upgrade: websocket' -H 'Connection: Upgrade' -H 'Sec-WebSocket-Version: 13')
    start "$WS_SERVER" -o http://example.com -f "$TOP/06-websocket-handshake/index.html"
    curls 200 /
    cmp "$TMP/body" "$TOP/06-websocket-handshake/index.html"
    grep -qi '^content-type: text/html; charset=utf-8' "$TMP/head"
    curls 426 /echo
    grep -qi '^sec-websocket-version: 13' "$TMP/head"
    grep -q '^426: ' "$TMP/body"
    curls 404 /nowhere
    curls 405 / -d form=data
    curls 400 /echo "${upgrade[@]}"
    curls 400 /echo "${upgrade[@]}" -H 'Sec-WebSocket-Key: dG9vIHNob3J0'
    curls 403 /echo "${upgrade[@]}" -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' -H 'Origin: http://evil.example'
    curls 431 / -H "X: $(printf 'x%.0s' {1..9000})"
    LOG=$TMP/head logged '^HTTP/1.1 431 '
}

# ---- Chromium

# Plays scenes of tests/ws_browser.js on the page that the server serves.
browser() { # SCENE...
    command -v node >/dev/null || skip "node is not installed"
    command -v chromium >/dev/null || skip "chromium is not installed"
    start "$WS_SERVER" -f "$TOP/06-websocket-handshake/index.html"
    TMPDIR=$TMP within 100 node "$TOP/tests/ws_browser.js" chromium "http://$HOST:$PORT/" "$@" 3>&-
}

# One browser for all scenes: to start it takes longer than to play them.
@test "page: in Chromium it sends texts and bytes, closes, chats in two tabs, computes the handshake, and says what is wrong" {
    about WS_SERVER
    browser echo big chat handshake trouble file
}
