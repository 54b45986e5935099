#!/bin/sh
# Lesson 01 in ten seconds. Type these commands yourself: in a terminal each, without "&", and with no -p the ports
# are 3200 and 10086.
cd "$(dirname "$0")" || exit 1
log=$(mktemp)
servers=''
trap 'kill $servers 2>/dev/null; wait; rm -rf "$log" "$log.d"' EXIT
trap 'exit 1' HUP INT PIPE TERM
if [ -t 1 ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') off=$(printf '\033[0m'); else bold='' dim='' off=''; fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$off"; }

# Starts a server in the background, on any free port, and waits for its ready line. Sets port.
serve() { # COMMAND...
    show "$* &"
    : >"$log"
    "$@" -p 0 2>"$log" &
    servers="$servers $!"
    until port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$log") && [ -n "$port" ]; do
        kill -0 $! || exit 1
    done
    cat "$log"
}

say '01 ECHO. A server that sends back what it gets, and shows the bytes (-v).'
serve ./echo_server -v

say 'A client: three lines on one persistent connection (长连接) ...'
show "printf 'one\\ntwo\\n吃饭了吗\\n' | ./echo_client"
printf 'one\ntwo\n吃饭了吗\n' | ./echo_client 127.0.0.1 "$port"

say '... and on a short connection for each line (短连接).'
show "printf 'one\\ntwo\\n吃饭了吗\\n' | ./echo_client -s"
printf 'one\ntwo\n吃饭了吗\n' | ./echo_client -s 127.0.0.1 "$port"

say 'What the server saw of the first:'
sed -n '2,/disconnected/p' "$log"

say 'Bytes are bytes: 20 MB of noise go there and back.'
serve ./echo_server
show 'head -c 20000000 /dev/urandom >sent; ./echo_client <sent | cmp - sent && echo "the same, byte for byte"'
mkdir "$log.d"
head -c 20000000 /dev/urandom >"$log.d/sent"
# shellcheck disable=SC2094 # cmp only reads it, too
./echo_client 127.0.0.1 "$port" <"$log.d/sent" | cmp - "$log.d/sent" && echo 'the same, byte for byte'

say 'How fast is it? 50 clients, one second.'
show './echo_bench -c 50 -t 1'
./echo_bench -c 50 -t 1 127.0.0.1 "$port" | head -n 4

say 'A self-service line (10086): press 1, say something, press 3 to hang up.'
serve ./menu_server
show "printf '1\\nhello\\n3\\n' | ./echo_client 127.0.0.1 10086"
printf '1\nhello\n3\n' | ./echo_client 127.0.0.1 "$port"
