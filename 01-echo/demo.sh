#!/bin/sh
# Lesson 01 in ten seconds. Type these commands yourself: in a terminal each, without "&", and with no -p the ports
# are 3200 and 10086.
cd "$(dirname "$0")" || exit 1
. ./stage.sh

say '01 ECHO. A server that sends back what it gets, and shows the bytes (-v).'
serve ./echo_server -v

say 'A client: three lines on one persistent connection (长连接) ...'
show "printf 'one\\ntwo\\n吃饭了吗\\n' | ./echo_client"
printf 'one\ntwo\n吃饭了吗\n' | ./echo_client 127.0.0.1 "$port"

say '... and on a short connection for each line (短连接).'
show "printf 'one\\ntwo\\n吃饭了吗\\n' | ./echo_client -s"
printf 'one\ntwo\n吃饭了吗\n' | ./echo_client -s 127.0.0.1 "$port"

say 'What the server saw of the first:'
sed -n '2,/disconnected/p' "$work/log"

say 'Bytes are bytes: 20 MB of noise go there and back.'
serve ./echo_server
show 'head -c 20000000 /dev/urandom >sent; ./echo_client <sent | cmp - sent && echo "the same, byte for byte"'
head -c 20000000 /dev/urandom >"$work/sent"
# shellcheck disable=SC2094 # cmp only reads it, too
./echo_client 127.0.0.1 "$port" <"$work/sent" | cmp - "$work/sent" && echo 'the same, byte for byte'

say 'How fast is it? 50 clients, one second.'
show './echo_bench -c 50 -t 1'
./echo_bench -c 50 -t 1 127.0.0.1 "$port" | head -n 4

say 'A self-service line (10086): press 1, say something, press 3 to hang up.'
serve ./menu_server
show "printf '1\\nhello\\n3\\n' | ./echo_client 127.0.0.1 10086"
printf '1\nhello\n3\n' | ./echo_client 127.0.0.1 "$port"
