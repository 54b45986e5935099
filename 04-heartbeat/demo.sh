#!/bin/sh
# Lesson 04 in a few seconds: a network that stalls, a server that is stopped, a server that is killed, and a client that
# gets every line across. Play it yourself, with no options: then the waits are seconds, as in earnest.
cd "$(dirname "$0")" || exit 1
. ./stage.sh
# shellcheck disable=SC2086 # a list
trap 'exec 3>&- 4>&-; kill -s CONT $pids 2>/dev/null; kill $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

# Waits until a file has a line that matches, for a while. With a COUNT: so many of them.
seen() { # FILE REGEX [COUNT]
    looks=0
    until [ "$(grep -cE -- "$2" "$work/$1")" -ge "${3-1}" ]; do
        looks=$((looks + 1))
        [ $looks -lt 3000 ] || exit 1
    done
}

# Types lines into the client.
type() { # LINE...
    for line in "$@"; do
        printf '%s  typed:%s %s\n' "$dim" "$off" "$line"
        echo "$line" >&3
    done
}

# Shows what is new in the client's log.
told() {
    sed -n "$((shown + 1)),\$s/^heartbeat_client: //p" "$work/client"
    shown=$(wc -l <"$work/client")
}

# Starts the server on a port, and waits until it is ready. Sets port and server.
serve() { # PORT
    : >"$work/server"
    ./heartbeat_server -t 2000 -p "$1" >>"$work/messages" 2>"$work/server" 3>&- 4>&- &
    server=$!
    pids="$pids $server"
    seen server 'listening on'
    port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/server")
}

say '04 HEARTBEAT. A dead peer and a silent one look the same, so time decides.'
show './heartbeat_server -t 2000 &        whoever is silent for 2000 ms is dropped'
serve 0
cat "$work/server"
show './flaky_proxy &                     a bad network in a box, between the two'
mkfifo "$work/commands" "$work/keys"
: >"$work/proxy"
./flaky_proxy -p 0 127.0.0.1 "$port" <"$work/commands" 2>"$work/proxy" &
pids="$pids $!"
exec 4>"$work/commands"
seen proxy 'listening on'
cat "$work/proxy"
proxy=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/proxy")
show './heartbeat_client -n zhangsan -i 100 -t 100 -c 100 -b 50 127.0.0.1 5205        a probe each 100 ms'
: >"$work/client"
./heartbeat_client -n zhangsan -i 100 -t 100 -c 100 -b 50 127.0.0.1 "$proxy" <"$work/keys" 2>"$work/client" 4>&- &
client=$!
pids="$pids $client"
exec 3>"$work/keys"
shown=0
type 'hello' '吃饭了吗'
seen client 'up to 2$'
told

say 'The network stalls: no byte, no FIN, no RST. Only a probe without an answer tells.'
show 'stall'
echo stall >&4
seen client 'OPEN -> CLOSED'
type 'is anybody there?' '还在吗'
seen client 'next try in 200 ms'
show 'resume'
echo resume >&4
seen client 'up to 4$'
told

say 'The same with a server that is stopped (kill -STOP), and goes on (kill -CONT).'
kill -s STOP $server
type 'one for the stopped server'
seen client 'OPEN -> CLOSED' 2
seen client 'next try in 100 ms' 2
kill -s CONT $server
seen client 'up to 5$'
told

say 'And with one that is killed (kill -9), and started again.'
kill_now $server
type 'one for the dead server' 'and one more'
seen client 'OPEN -> CLOSED' 3
seen client 'next try in 100 ms' 3
serve "$port"
seen client 'up to 7$'
told

say 'The end of the input: all is acknowledged, so the client leaves.'
exec 3>&-
wait $client
told
say 'What the servers have accepted, each message once and in order:'
cat "$work/messages"

say 'Why a client should throw dice: 100 of them lose their server, which is back after 5 seconds.'
show './backoff -p -d 5000'
./backoff -p -d 5000
