#!/usr/bin/env bats
# What ws_client ($WS_CLIENT) promises: with the server of the lesson, and with one that says what a test wants. What a
# client of somebody's own has to do is in GRADED.md of the lesson.
# Grades: WS_CLIENT

load helpers

SERVER=${BUILD:-$TOP}/06-websocket-handshake/ws_server # the course's, whosever the client is

ANSWER='HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @ACCEPT@\r\n'
BYE='\x88\x02\x03\xe8' # a close with 1000

# Starts such a server (tests/ws_peer.c says how it writes down what it hears, into $LOG). say BYTES lets it say them.
peer() {
    rm -f "$TMP/says"
    mkfifo "$TMP/says"
    start "$TOP/tests/ws_peer" "$TMP/says"
    exec 5<>"$TMP/says"
}

say() { printf %b "$1" >&5; }

# Starts the client in the background, with a FIFO, descriptor 6, for its input; `exec 6>&-` ends it.
client() { # [ARGUMENT...]
    rm -f "$TMP/input"
    mkfifo "$TMP/input"
    exec 6<>"$TMP/input"
    "$WS_CLIENT" "$@" <"$TMP/input" >"$TMP/out" 2>"$TMP/err" 3>&- 5>&- 6>&- &
    CLIENT=$!
    STARTED+=("$CLIENT")
}

opened() { # [ARGUMENT...]
    peer
    client "$@" "$HOST" "$PORT"
    logged '^end of request$'
    say "$ANSWER\r\n\x89\x04open"
    logged '^FIN pong, 4 bytes, key .*: open$'
    LOG=$TMP/err noted '^readyState 1 OPEN'
}

# Waits until its output has such a line.
prints() { LOG=$TMP/out logged "$1"; }

# Waits for its end, and checks its exit code, and the last line that it says; somebody's own client has words of its own.
ends() { # CODE LAST-LINE
    local status=0 tries
    for ((tries = 0; tries < 1000; tries++)); do
        kill -0 "$CLIENT" 2>/dev/null || break
        pause
    done
    kill -s KILL "$CLIENT" 2>/dev/null || true
    wait "$CLIENT" || status=$?
    exec 6>&-
    [ $status -eq "$1" ] && { [ -n "${OWN-}" ] || [ "$(tail -n 1 "$TMP/err")" = "$2" ]; } && return
    echo "rule: exit code $1, and last this line: $2"
    echo "here: exit code $status, and:"
    cat "$TMP/err"
    return 1
}

# ---- With the server of the lesson

@test "ws client: lines go out as text messages, messages come in as lines" {
    start "$SERVER" -v
    printf 'hello\n\n吃饭了吗\nno end' | "$WS_CLIENT" "$HOST" "$PORT" >"$TMP/out" 2>"$TMP/err"
    printf 'hello\n\n吃饭了吗\nno end\n' | cmp - "$TMP/out"
    logged 'closes: 1000'
    [ "$(grep -c 'opcode 1: text' "$LOG")" -eq 8 ]
    [ -n "${OWN-}" ] || printf 'readyState %s\n' "0 CONNECTING  ws://$HOST:$PORT/echo" '1 OPEN' '2 CLOSING' '3 CLOSED  code 1000, clean' |
        diff - "$TMP/err"
}

@test "ws client: nothing to say is said politely" {
    start "$SERVER"
    "$WS_CLIENT" "$HOST" "$PORT" </dev/null >"$TMP/out" 2>"$TMP/err"
    [ ! -s "$TMP/out" ]
    logged 'closes: 1000'
}

@test "ws client: much goes through a pipe without a deadlock" {
    start "$SERVER" -m 16777216
    seq 1 300000 >"$TMP/in"
    within 30 "$WS_CLIENT" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
    cmp "$TMP/in" "$TMP/out"
    head -c 10000000 /dev/urandom >"$TMP/in"
    within 30 "$WS_CLIENT" -b "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
    cmp "$TMP/in" "$TMP/out"
}

@test "ws client: a line of 300,000 bytes is one message, in fragments" {
    start "$SERVER" -v
    printf '饭%.0s' {1..100000} >"$TMP/in"
    echo >>"$TMP/in"
    within 30 "$WS_CLIENT" -w "$((2 * ${POKE_MS:-5000}))" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
    cmp "$TMP/in" "$TMP/out"
    logged 'opcode 0: continuation'
    logged 'more fragments follow'
}

@test "ws client: two of them chat, by names that are not ASCII" {
    start "$SERVER"
    client "ws://$HOST:$PORT/chat?room=kitchen&name=张三"
    prints '^\* 张三 joined kitchen$'
    echo '吃饭了吗' | "$WS_CLIENT" "ws://$HOST:$PORT/chat?room=kitchen&name=lisi" >/dev/null 2>&1
    prints '^lisi: 吃饭了吗$'
    prints '^\* lisi left kitchen$'
    exec 6>&-
    ends 0 'readyState 3 CLOSED  code 1000, clean'
}

@test "ws client: -v explains each line of the handshake and each bit of a frame" {
    ours
    start "$SERVER"
    echo hello | "$WS_CLIENT" -v "$HOST" "$PORT" >"$TMP/out" 2>"$TMP/err"
    LOG=$TMP/err
    logged "^ +Sec-WebSocket-Key: .{24}$"
    logged "^ +Sec-WebSocket-Accept: .{28}$"
    logged "^$HOST:$PORT <- frame$"
    logged '^ +1\.\.\.\.\.\.\.  MASK: masked'
    logged "^$HOST:$PORT -> frame$"
    logged '81 05 68 65 6c 6c 6f'
    [ "$(cat "$TMP/out")" = hello ]
}

@test "ws client: what is no URL of a WebSocket is refused, with the usage" {
    local url status
    for url in wss://x/ http://x/ ws://x/# 'ws://[::1' ws:// ws://:80/ ws:///path ws://x:65536/ 'ws://[::1]x/' 'WSS://x/' \
        x://ws:// \
        "ws://x/$(printf 'x%.0s' {1..3000})"; do
        status=0
        "$WS_CLIENT" "$url" </dev/null >"$TMP/out" 2>"$TMP/err" || status=$?
        echo "$url: exit code $status"
        [ $status -eq 2 ]
        [ -n "${OWN-}" ] || grep -q '^ws_client: ' "$TMP/err"
        [ -n "${OWN-}" ] || grep -q '^usage: ' "$TMP/err"
    done
}

@test "ws client: a scheme in capitals and an empty port are a URL, too" {
    local url
    for url in WS:// Ws:// ws://; do
        start "$SERVER"
        echo hello | "$WS_CLIENT" "$url$HOST:$PORT/echo" >"$TMP/out" 2>"$TMP/err"
        [ "$(cat "$TMP/out")" = hello ]
    done
    [ -z "${OWN-}" ] || return 0
    for url in ws://127.0.0.2:/x 'WS://[::1]:' 'ws://127.0.0.2:?x'; do # nothing behind the colon stands for port 80
        within 10 "$WS_CLIENT" -w 300 "$url" </dev/null >"$TMP/out" 2>"$TMP/err" && continue
        cat "$TMP/err"
        grep -qE ':80([^0-9]|$)' "$TMP/err"
    done
}

@test "ws client: a line may end with CR LF, and -b leaves it as it is" {
    start "$SERVER" -m 16777216
    { printf 'hello\r\n\r\na\rb\r\r\n'; } >"$TMP/in"
    "$WS_CLIENT" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
    printf 'hello\n\na\rb\r\n' | cmp - "$TMP/out"
    "$WS_CLIENT" -b "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
    cmp "$TMP/in" "$TMP/out"
    local n
    for n in 65534 65535 65536 131071; do # the CR and the LF in one buffer, or in two
        { printf "%0${n}d\r\n" 0; echo next; } >"$TMP/in"
        within 30 "$WS_CLIENT" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
        tr -d '\r' <"$TMP/in" | cmp - "$TMP/out"
    done
}

# ---- The handshake

@test "ws client: its request is a handshake, with origin, subprotocols and path as asked for" {
    peer
    client -o http://example.com -s 'chat, echo' "ws://$HOST:$PORT/a b?name=张三"
    logged '^end of request$'
    logged '^GET /a%20b\?name=%E5%BC%A0%E4%B8%89 HTTP/1\.1$'
    logged "^Host: $HOST:$PORT\$"
    logged '^Upgrade: websocket$'
    logged '^Connection: Upgrade$'
    logged '^Sec-WebSocket-Version: 13$'
    logged '^Sec-WebSocket-Key: [A-Za-z0-9+/]{22}==$'
    logged '^Origin: http://example.com$'
    logged '^Sec-WebSocket-Protocol: chat, echo$'
    say "${ANSWER}Sec-WebSocket-Protocol: echo\r\n\r\n"
    LOG=$TMP/err noted '^readyState 1 OPEN  subprotocol echo$'
}

@test "ws client: no two handshakes have the same key" {
    local i
    for i in 1 2 3 4; do
        peer
        client "$HOST" "$PORT"
        logged '^end of request$'
        grep '^Sec-WebSocket-Key: ' "$LOG" >>"$TMP/keys"
        say @HANGUP@
        ends 1 "ws_client: $HOST:$PORT: hung up before it answered"
    done
    [ "$(sort -u "$TMP/keys" | wc -l)" -eq 4 ]
}

@test "ws client: the answer may come byte by byte, and frames with it" {
    peer
    client "$HOST" "$PORT"
    logged '^end of request$'
    local i answer=${ANSWER%%@ACCEPT@*}
    answer=$(printf %b "$answer" | od -An -v -tx1)
    for i in $answer; do say "\x$i"; done
    say '@ACCEPT@\r'
    say '\n\r\n\x81\x05hello\x81\x03one\x01\x02tw\x80\x01o'
    prints '^two$'
    printf 'hello\none\ntwo\n' | cmp - "$TMP/out"
    say '\x81'
    say '\x06'
    say '吃'
    say '饭'
    prints '^吃饭$'
    say "$BYE@HANGUP@"
    ends 0 'readyState 3 CLOSED  code 1000, clean'
}

# Answers a request so, and checks what the client says to that.
refuses() { # LAST-LINE ANSWER
    peer
    client -w 10000 -s chat "$HOST" "$PORT"
    logged '^end of request$'
    say "$2"
    ends 1 "ws_client: $HOST:$PORT$1"
}

@test "ws client: an answer that is no proper handshake is refused" {
    local head='HTTP/1.1 101 x\r\n' rest='Upgrade: websocket\r\nConnection: Upgrade\r\n'
    refuses ' answers 101: Sec-WebSocket-Accept does not belong to the key that was sent' \
        "$head${rest}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    refuses ' answers 101: Sec-WebSocket-Accept does not belong to the key that was sent' "$head$rest\r\n"
    refuses ' answers 101: Upgrade: websocket is missing' "${head}Connection: Upgrade\r\nSec-WebSocket-Accept: @ACCEPT@\r\n\r\n"
    refuses ' answers 101: Connection: Upgrade is missing' "${head}Upgrade: websocket\r\nSec-WebSocket-Accept: @ACCEPT@\r\n\r\n"
    refuses ' answers 404: the server does not switch to WebSocket (its status is not 101)' 'HTTP/1.1 404 Not Found\r\n\r\n'
    refuses ' answers 101: the server uses an extension that was not asked for' \
        "${ANSWER}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    refuses ' answers 101: the server chose a subprotocol that was not offered' "${ANSWER}Sec-WebSocket-Protocol: echo\r\n\r\n"
    refuses ': the first line has to be like: GET /echo HTTP/1.1' '220 mail.example.com ESMTP\r\n'
}

@test "ws client: what comes before the answer that counts (100, 103) is skipped, but not for ever" {
    local early='HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n' many=''
    peer
    client "$HOST" "$PORT"
    logged '^end of request$'
    say 'HTTP/1.1 100 Continue\r\n'
    say "\r\n$early$early$ANSWER\r\n\x81\x05hello"
    prints '^hello$'
    say "$BYE@HANGUP@"
    ends 0 'readyState 3 CLOSED  code 1000, clean'
    refuses ' answers 404: the server does not switch to WebSocket (its status is not 101)' \
        "$early"'HTTP/1.1 404 Not Found\r\n\r\n'
    many=$(printf "$(printf 'HTTP/1.1 102 x\\r\\n\\r\\n')%.0s" {1..100})
    refuses ' answers 102: the server does not switch to WebSocket (its status is not 101)' "$many"
}

@test "ws client: the text with which a server refuses is shown, made harmless" {
    ours
    refuses ' answers 403: the server does not switch to WebSocket (its status is not 101)' \
        'HTTP/1.1 403 x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 24\r\n\r\n403: not \x1b[31myou\nmore'
    grep -qxF "ws_client: $HOST:$PORT: 403: not ?[31myou" "$TMP/err"
    refuses ' answers 404: the server does not switch to WebSocket (its status is not 101)' \
        'HTTP/1.1 404 x\r\nContent-Type: text/html\r\n\r\n<p>no</p>\n'
    [ "$(grep -c '<p>' "$TMP/err")" -eq 0 ]
}

@test "ws client: -w is how long it waits for an answer" {
    peer
    client -w 50 "$HOST" "$PORT"
    ends 1 "ws_client: $HOST:$PORT: does not answer the handshake"
}

# ---- Frames

@test "ws client: every frame is masked, each with another key" {
    opened
    seq 1 50 >&6
    logged '^FIN text, 2 bytes, key .*: 50$'
    [ "$(grep -c '^FIN text, . bytes, key' "$LOG")" -eq 50 ]
    [ "$(sed -n 's/.*, key \([^:]*\):.*/\1/p' "$LOG" | sort -u | wc -l)" -eq 51 ] # with the pong of opened()
    [ "$(grep -c 'key 00000000' "$LOG")" -eq 0 ]
}

@test "ws client: a ping is answered, between fragments, too" {
    opened
    say '\x89\x05hello\x01\x02tw\x89\0\x8a\x01x\x80\x01o'
    logged '^FIN pong, 5 bytes, key .*: hello$'
    logged '^FIN pong, 0 bytes, key .*: $'
    prints '^two$'
}

@test "ws client: at the end of its input it closes with 1000, and prints what still comes" {
    opened
    printf 'hello\nbye' >&6
    exec 6>&-
    logged '^FIN text, 3 bytes, key .*: bye$'
    logged '^FIN close, 2 bytes, key .*: \\x03\\xe8$'
    say '\x89\x01x\x81\x05still'
    prints '^still$'
    say "$BYE"
    say '\x81\x05never@HANGUP@'
    ends 0 'readyState 3 CLOSED  code 1000, clean'
    printf 'still\n' | cmp - "$TMP/out"
    logged '^the end$'
    [ "$(grep -c '^FIN pong' "$LOG")" -eq 1 ] # that of opened(): after its close a side sends nothing more
}

# Lets the server close so, and checks what the client answers and says.
closes() { # CODE LAST-LINE ANSWER BYTES
    opened
    say "$4"
    logged "^FIN close, $3\$"
    say @HANGUP@
    ends "$1" "readyState 3 CLOSED  $2"
}

@test "ws client: a close of the server is answered with its code, and shown" {
    closes 0 'code 1000, clean' '2 bytes, key .*: \\x03\\xe8' "$BYE"
    closes 0 'code 1005, clean' '0 bytes, key .*: ' '\x88\0'
    closes 1 'code 4000, reason 再见, clean' '2 bytes, key .*: \\x0f\\xa0' '\x88\x08\x0f\xa0再见'
    closes 1 'code 1001, reason ?[31mred, clean' '2 bytes, key .*: \\x03\\xe9' '\x88\x0a\x03\xe9\x1b[31mred'
}

@test "ws client: a server that breaks a rule of frames is told so, and left" {
    closes 1 'code 1002, reason a server must not mask its frames, not clean' \
        '3[0-9] bytes, key .*: \\x03\\xea.*' '\x81\x81\0\0\0\0x'
    closes 1 'code 1002, reason a reserved bit is set, and there is no extension, not clean' '.*\\x03\\xea.*' '\xc1\x01x'
    closes 1 'code 1002, reason this opcode is reserved, not clean' '.*\\x03\\xea.*' '\x83\x01x'
    closes 1 'code 1007, reason a text has to be UTF-8, not clean' '.*\\x03\\xef.*' '\x81\x02\xc0\xaf'
    closes 1 'code 1009, reason this message is too big, not clean' '.*\\x03\\xf1.*' '\x82\x7f\0\0\0\0\x10\0\0\0'
}

@test "ws client: a server that goes without a close is an error, 1006" {
    opened
    say '\x81\x05hello\x81\x05hal@HANGUP@'
    ends 1 'readyState 3 CLOSED  code 1006, not clean'
    [ "$(cat "$TMP/out")" = hello ]
}

@test "ws client: -w is how long it waits for the end of a close" {
    opened -w 1000
    exec 6>&-
    ends 1 'readyState 3 CLOSED  code 1006, not clean'
    opened -w 1000
    say "$BYE"
    ends 0 'readyState 3 CLOSED  code 1000, clean'
}

@test "ws client: a server that still has something to say before its close is heard for longer than -w" {
    opened -w 600
    exec 6>&-
    logged '^FIN close'
    for ((i = 0; i < 100; i++)); do
        say '\x81\x01x'
        pause
    done
    say "$BYE@HANGUP@"
    ends 0 'readyState 3 CLOSED  code 1000, clean'
    [ "$(grep -c '^x$' "$TMP/out")" -eq 100 ]
}

@test "ws client: what came while it was stopped has come in time" {
    local i frame
    frame="\\x82\\x7e\\x0f\\xa0$(printf %04000d 0)"
    opened -w 1000
    exec 6>&-
    logged '^FIN close'
    kill -s STOP "$CLIENT"
    for ((i = 0; i < 40; i++)); do say "$frame"; done # more than it reads at once
    say "$BYE@HANGUP@"
    sleep 1.1 # it has to be away for longer than -w
    kill -s CONT "$CLIENT"
    ends 0 'readyState 3 CLOSED  code 1000, clean'
    [ "$(wc -c <"$TMP/out")" -eq 160000 ]
}

@test "ws client: input or output that is closed, or full, is an error, and nothing hangs" {
    ours
    start "$SERVER"
    echo hi >"$TMP/in"
    local status=0
    within 10 "$WS_CLIENT" "$HOST" "$PORT" <&- >"$TMP/out" 2>"$TMP/err" || status=$?
    echo "rule: input that cannot be read is an error, exit code 1; here $status" && cat "$TMP/err"
    [ $status -eq 1 ]
    status=0
    within 10 "$WS_CLIENT" "$HOST" "$PORT" <"$TMP/in" >&- 2>"$TMP/err" || status=$?
    echo "rule: output that cannot be written is an error, exit code 1; here $status" && cat "$TMP/err"
    [ $status -eq 1 ]
    status=0
    within 10 "$WS_CLIENT" "$HOST" "$PORT" <&- >&- 2>&- || status=$?
    [ $status -eq 1 ]
    within 10 "$WS_CLIENT" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>&-
    [ "$(cat "$TMP/out")" = hi ]
    [ -c /dev/full ] || skip "no /dev/full here"
    status=0
    within 10 "$WS_CLIENT" "$HOST" "$PORT" <"$TMP/in" >/dev/full 2>"$TMP/err" || status=$?
    [ $status -eq 1 ]
    [ "$(grep -c 'No space left' "$TMP/err")" -eq 1 ]
}

@test "ws client: text that is not UTF-8 is not sent; -b sends it" {
    opened
    printf 'good\nb\xc3\n' >&6
    logged '^FIN close, 2 bytes'
    grep '^FIN text' "$LOG" | sed 's/, key .*:/:/' | diff - <(echo 'FIN text, 4 bytes: good')
    say "$BYE@HANGUP@"
    ends 1 'readyState 3 CLOSED  code 1000, clean'
    [ -n "${OWN-}" ] || grep -qx 'ws_client: the input is not UTF-8: -b sends it as it is' "$TMP/err"
    opened -b
    printf 'b\xc3\n' >&6
    logged '^binary, 3 bytes, key .*: b\\xc3\\x0a$'
    exec 6>&-
    logged '^FIN continuation, 0 bytes'
}

# ---- Its end

# Sends a signal to the client, which has to end within a second, with exit code 0.
leaves_on() { # SIGNAL
    # shellcheck disable=SC2034 # for stops_on
    PID=$CLIENT
    stops_on "$1"
}

@test "ws client: SIGTERM, SIGINT and SIGHUP take leave with 1001, within a second, exit code 0" {
    local signal
    for signal in $(endings); do
        opened
        leaves_on "$signal"
        logged '^FIN close, 2 bytes, key .*: \\x03\\xe9$'
    done
}

@test "ws client: SIGTERM ends it also before the handshake, and while nobody takes anything" {
    peer
    client "$HOST" "$PORT"
    logged '^end of request$'
    leaves_on TERM
    start "$SERVER"
    mkfifo "$TMP/output"
    exec 7<>"$TMP/output"
    yes | "$WS_CLIENT" "$HOST" "$PORT" >"$TMP/output" 2>"$TMP/err" 3>&- &
    CLIENT=$!
    STARTED+=("$CLIENT")
    logged ' connected$'
    LOG=$TMP/err noted '^readyState 1 OPEN'
    leaves_on TERM
}

@test "ws client: what a server sends is made harmless on a terminal" {
    ours
    command -v tmux >/dev/null || skip "tmux is not installed"
    local tries tm=(tmux -u -S "$TMP/tmux" -f /dev/null)
    start "$SERVER"
    printf 'a\033[31mb\033]0;title\007c\302\2332Jd e\342\200\256f\n' >"$TMP/in"
    LC_ALL=C.UTF-8 "${tm[@]}" new-session -d -x 60 -y 12 "{ cat '$TMP/in'; sleep 60; } | '$WS_CLIENT' $HOST $PORT" 3>&-
    STARTED+=("$("${tm[@]}" display -p '#{pid}')")
    for ((tries = 0; tries < TRIES; tries++)); do
        "${tm[@]}" capture-pane -p >"$TMP/screen"
        grep -qx 'a?\[31mb?\]0;title?c??2Jd e???f' "$TMP/screen" && break
        pause
    done
    cat "$TMP/screen"
    grep -qx 'a?\[31mb?\]0;title?c??2Jd e???f' "$TMP/screen"
    grep -q '^readyState 1 OPEN' "$TMP/screen"
}
