#!/bin/sh
# Lesson 06 in a second: a refusal, a WebSocket by hand with every bit explained, and ws_client. To play it yourself, run
# ./ws_server -v in one terminal, and the commands that are shown in another.
cd "$(dirname "$0")" || exit 1
. ./stage.sh

# Sends bytes, put as for printf, and shows what comes back. The client of lesson 01 carries them: it can be anybody.
send() { # BYTES
    # shellcheck disable=SC2059 # the bytes are a format on purpose
    printf "$1" | ../01-echo/echo_client 127.0.0.1 "$port" 2>"$work/client" >"$work/answer"
    tr -d '\r' <"$work/answer" | cat -v
    echo
}

say '06 WEBSOCKET. A handshake in HTTP, then frames.'
serve ./ws_server -v

say 'A client that asks for no WebSocket is told how to ask (as with curl -i http://127.0.0.1:9090/echo).'
send 'GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'

say 'A handshake, a text and a close. The answer, as cat -v shows it:'
send "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
\201\205\067\372\041\075\177\237\115\121\130\210\200\0\0\0\0"

say 'What the server says of it with -v:'
until grep -q 'closes' "$work/log"; do kill -0 "$server" || exit 1; done
awk '/GET \/echo/ { text = "" } { text = text $0 "\n" } /<- frame/ { exit } END { printf "%s", text }' "$work/log" | sed '/<- frame/d'

say 'ws_client makes a message of each line. readyState is what a page sees in a browser.'
printf "%s\$ printf 'hello\\\\n吃饭了吗\\\\n' | ./ws_client%s\n" "$dim" "$off"
printf 'hello\n吃饭了吗\n' | ./ws_client 127.0.0.1 "$port" 2>&1
say "And in a browser: ./ws_server, then http://127.0.0.1:9090/"
