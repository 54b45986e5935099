#!/bin/sh
# Measures how soon a dead server is noticed, how exact the server's deadlines are, and what 900 heartbeats cost, and
# writes 04-heartbeat.md.
#
#     make bench            or, longer and steadier:  ROUNDS=7 sh tests/bench/04-heartbeat.sh
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS-3}
page=tests/bench/04-heartbeat.md
work=$(mktemp -d)
pids=''
# shellcheck disable=SC2086 # a list
trap 'kill -s KILL $pids 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "bench: $*" >&2
    exit 1
}

# Waits until a file has a line that matches.
seen() { # FILE REGEX
    looks=0
    until grep -qE -- "$2" "$1"; do
        looks=$((looks + 1))
        [ $looks -lt 10000 ] || fail "no line of $1 matches $2"
    done
}

# Starts the server; sets pid and port.
start() { # OPTION...
    : >"$work/server"
    04-heartbeat/heartbeat_server -p 0 "$@" >"$work/messages" 2>"$work/server" &
    pid=$!
    pids=$pid
    seen "$work/server" 'listening on'
    port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/server")
}

# Reads numbers, prints the lowest, the median and the highest, as cells of a table.
spread() {
    sort -n | awk '{ value[NR] = $1 }
        END { printf "%s | %s | %s", value[1], (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2, value[NR] }'
}

# The server is stopped as soon as the client is OPEN, so that the whole interval and the whole timeout pass. Prints
# how many ms after that the client says CLOSED.
detect() { # INTERVAL TIMEOUT
    start
    mkfifo "$work/input"
    : >"$work/client"
    04-heartbeat/heartbeat_client -i "$1" -t "$2" -b 60000 127.0.0.1 "$port" <"$work/input" 2>"$work/client" &
    client=$!
    pids="$pid $client"
    exec 3>"$work/input"
    seen "$work/client" '-> OPEN'
    kill -s STOP "$pid"
    while ! grep -q 'OPEN -> CLOSED' "$work/client"; do sleep 0.05; done
    awk '/-> OPEN/ { open = $2 } /OPEN -> CLOSED/ { print $2 - open }' "$work/client"
    exec 3>&-
    kill -s KILL "$pid" "$client"
    wait "$pid" "$client" 2>/dev/null || true
    rm "$work/input"
}

# Lets tests/pulse play against a new server. Prints first, median and last ms of silence before a drop, and the CPU
# time in ms that the server has used.
pulse() { # DEADLINE OPTION...
    deadline=$1
    shift
    start -t "$deadline"
    tests/pulse -t "$deadline" "$@" 127.0.0.1 "$port" >"$work/pulse" || fail "$(cat "$work/pulse")"
    cpu=$(ps -o time= -p "$pid")
    if [ -r "/proc/$pid/stat" ]; then # in ticks, which is finer
        cpu=$(awk -v hz="$(getconf CLK_TCK)" '{ printf "%d", ($14 + $15) * 1000 / hz }' "/proc/$pid/stat")
    else
        cpu=$(echo "$cpu" | awk -F'[:.]' '{ print (($1 * 60 + $2) * 1000) }')
    fi
    kill "$pid"
    wait "$pid" || true
    echo "$(sed 's/.*first \([0-9.]*\) ms, median \([0-9.]*\) ms, last \([0-9.]*\) ms.*/\1 \2 \3/' "$work/pulse") $cpu"
}

machine() {
    if [ -r /proc/cpuinfo ]; then
        cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
    else
        cpu=$(sysctl -n machdep.cpu.brand_string 2>/dev/null || sysctl -n hw.model 2>/dev/null || true)
    fi
    echo "${cpu:-unknown processor}, $(getconf _NPROCESSORS_ONLN) cores; $(uname -srm);" \
        "$(${CC-cc} --version | head -n 1), \`-O2\`; $(date -u +%Y-%m-%d)."
}

# Each case once a round. Files in $work: late-INTERVAL-TIMEOUT, drops-CLIENTS, cpu-CASE.
measure_round() {
    for times in '100 50' '200 100' '1000 200'; do
        # shellcheck disable=SC2086 # two numbers
        detect $times >>"$work/late-${times% *}-${times#* }"
    done
    for clients in 1 100 900; do
        pulse 1000 -c $clients -i 200 -n 2 >>"$work/drops-$clients"
    done
    while read -r name options; do
        # shellcheck disable=SC2086 # several words
        pulse $options >"$work/result"
        cut -d' ' -f4 "$work/result" >>"$work/cpu-$name"
    done <<END
none 100 -c 900 -n 0
idle 10000 -c 900 -n 0
5000 6000 -c 900 -i 5000 -n 2
1000 6000 -c 900 -i 1000 -n 10
END
}

# What a beat costs, from the medians of two cases.
beat() {
    few=$(spread <"$work/cpu-5000" | awk -F' [|] ' '{ print $2 }')
    many=$(spread <"$work/cpu-1000" | awk -F' [|] ' '{ print $2 }')
    echo "$few $many" | awk '{ printf "%.2f ms of CPU time each, by the medians.", ($2 - $1) / 7200 }'
}

report() {
    cat <<END
# How exact are deadlines, and what do heartbeats cost?

Written by \`ROUNDS=$rounds make bench\` ([04-heartbeat.sh](04-heartbeat.sh)); do not edit. Measured on loopback, clients and server on
the same machine, $rounds rounds: $(machine)

## The client: how soon is a dead server noticed?

The server is stopped (\`kill -STOP\`) just after the client is OPEN: the worst case, for the whole interval passes before
the probe, and the whole timeout after it. From OPEN to CLOSED, by the client's log, in ms:

| \`-i\` | \`-t\` | interval + timeout | lowest | median | highest |
|--:|--:|--:|--:|--:|--:|
END
    for times in '100 50' '200 100' '1000 200'; do
        i=${times% *} t=${times#* }
        echo "| $i | $t | $((i + t)) | $(spread <"$work/late-$i-$t") |"
    done
    cat <<END

## The server: how soon is a silent client dropped?

\`heartbeat_server -t 1000\`, and the clients of [\`tests/pulse\`](../pulse.c) \`-i 200 -n 2\`: each sends its last line at
another moment. From that line to BYE, in ms: who was dropped first in any round, the median of the medians, who was last:

| clients | first | median | last |
|--:|--:|--:|--:|
END
    for clients in 1 100 900; do
        echo "| $clients | $(cut -d' ' -f1 "$work/drops-$clients" | sort -n | head -n 1) |" \
            "$(cut -d' ' -f2 "$work/drops-$clients" | spread | awk -F' [|] ' '{ print $2 }') |" \
            "$(cut -d' ' -f3 "$work/drops-$clients" | sort -n | tail -n 1) |"
    done
    cat <<END

## What 900 clients cost

CPU time of the server, in ms, from its start until all are dropped again: lowest, median, highest round.

| 900 clients ... | lowest | median | highest |
|---|--:|--:|--:|
| connect, say HELLO, and are dropped after 100 ms | $(spread <"$work/cpu-none") |
| the same after 10 seconds, in which they are idle | $(spread <"$work/cpu-idle") |
| each send 2 PINGs, one in 5 seconds (1800 in all) | $(spread <"$work/cpu-5000") |
| each send 10 PINGs, one a second (9000 in all) | $(spread <"$work/cpu-1000") |

What to see:

- Ten idle seconds cost what the second row has more than the first: the loop sleeps until the nearest deadline.
- The last two rows differ by 7200 PINGs: $(beat) A second with 900 beats costs 900 times that. The
  beats are spread evenly, so nearly each takes a turn of the loop, in which \`select()\`, the loop and \`on_turn()\` look
  at all 900. Clients that all beat at the same moment cost less, and are served later.
- The same holds for clients that are dropped at the same moment, as in the first two rows. In the last two each goes at
  another: a turn for its deadline, which writes BYE, and one for its FIN.
- The clock has whole milliseconds, and whoever rounds must not round against the client: that is the first of the ms that
  the tables have more than the deadline.
END
}

for program in 04-heartbeat/heartbeat_server 04-heartbeat/heartbeat_client tests/pulse; do
    [ -x $program ] || fail "there is no $program yet; this works: make bench"
done
round=1
while [ "$round" -le "$rounds" ]; do
    echo "bench: round $round of $rounds" >&2
    measure_round
    round=$((round + 1))
done
report >"$work/page"
cp "$work/page" "$page"
cat "$page"
