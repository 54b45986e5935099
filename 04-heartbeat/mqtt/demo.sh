#!/bin/sh
# The wing of lesson 04 in two seconds: publish and subscribe. Type these commands yourself, in a terminal each, without "&";
# with no -p the port is 1883.
cd "$(dirname "$0")" || exit 1
. ./stage.sh

# Starts a client in the background; what it prints goes to $work/NAME, its log to $work/NAME.log. Sets client.
run() { # NAME [OPTION...]
    name=$1
    shift
    show "./mqtt_client $* &"
    : >"$work/$name"
    ./mqtt_client "$@" 127.0.0.1 "$port" </dev/null >"$work/$name" 2>"$work/$name.log" &
    client=$!
    pids="$pids $client"
}

# Waits until a file has a line that matches, for a while.
seen() { # FILE REGEX
    looks=0
    until grep -qE -- "$2" "$work/$1"; do
        looks=$((looks + 1))
        [ $looks -lt 3000 ] || exit 1
    done
}

# Publishes a line.
publish() { # LINE OPTION...
    line=$1
    shift
    show "echo '$line' | ./mqtt_client $*"
    echo "$line" | ./mqtt_client "$@" 127.0.0.1 "$port" 2>"$work/publish.log"
}

say '04 MQTT. Whoever publishes names a topic, whoever subscribes names a filter, and neither knows the other.'
serve ./mqtt_broker -v
run attic -i attic -s 'home/attic/#'
run all -i all -q 1 -s 'home/+/temp'
seen log 'SUBACK.*QoS 0$'
seen log 'SUBACK.*QoS 1$'
publish '30.5' -q 1 -t home/attic/temp
publish '太热了' -q 2 -t home/attic/window
seen attic '太热了'
seen all '30.5'
printf 'attic has read:\n%s\nall has read:\n%s\n' "$(cat "$work/attic")" "$(cat "$work/all")"

say 'What is retained comes also to those who subscribe later.'
publish 'closed' -r -q 1 -t home/attic/door
run late -i late -s 'home/#'
seen late 'closed'
printf 'late has read:\n%s\n' "$(cat "$work/late")"

say 'A client that is killed says nothing, so the broker sends its will.'
run sensor -i sensor -w 'home/attic/sensor=dead' -s nothing
seen log 'CONNECT.*client sensor'
seen log 'filter nothing'
show 'kill -9 sensor'
kill_now "$client"
seen late 'sensor dead'
printf 'late has read:\n%s\n' "$(tail -n 1 "$work/late")"
