#!/bin/sh
# Lesson 05 in four seconds: datagrams over a bad link. Type these commands yourself, in a terminal each, without "&";
# with no -p the port is 3205.
cd "$(dirname "$0")" || exit 1
. ./stage.sh

say '05 UDP. A line is a datagram: two packets, no connection.'
serve ./udp_echo_server -v
show "printf 'hello\\n吃饭了吗\\n' | ./udp_echo_client"
printf 'hello\n吃饭了吗\n' | ./udp_echo_client 127.0.0.1 "$port"
sed -n '2,$p' "$work/log"

say 'A bad link: 20% lost, 20% doubled, 20% out of order. The client notices, and gets every line.'
serve ./udp_echo_server -l 20 -d 20 -o 20 -s 2
show 'seq 6 | ./udp_echo_client -w 3 -t 200'
seq 6 | ./udp_echo_client -w 3 -t 200 127.0.0.1 "$port"

say 'What the link did to the answers:'
sed -n '/listening/,$p' "$work/log" | sed 1d

say 'Stop-and-wait, and a window of 16, for 100 lines over a link that is 5 ms late and loses 5%:'
serve ./udp_echo_server -l 5 -w 5 -s 1
for window in 1 16; do
    show "seq 100 | ./udp_echo_client -q -w $window -t 50 | cmp - lines"
    seq 100 >"$work/lines"
    # shellcheck disable=SC2094 # cmp only reads it, too
    ./udp_echo_client -q -w $window -t 50 -r 20 127.0.0.1 "$port" <"$work/lines" 2>"$work/summary" | cmp - "$work/lines" &&
        echo 'all there, in order'
    sed -n 1p "$work/summary"
done

say 'Nobody there? Silence; only a connected socket (-c) is told.'
kill "$server"
wait "$server"
show 'echo hello | ./udp_echo_client -t 50 -r 3'
echo hello | ./udp_echo_client -t 50 -r 3 127.0.0.1 "$port" 2>&1 | sed 3q
show 'echo hello | ./udp_echo_client -c'
echo hello | ./udp_echo_client -c 127.0.0.1 "$port" 2>&1 | sed 1q
