#!/bin/sh
# Measures mqtt_broker beside mosquitto, and writes 09-mqtt.md.
#
#     make bench            or, longer and steadier:  ROUNDS=7 make bench
#
# The brokers take turns in short rounds, each round in the other order; what is reported is the median of all rounds, and
# the median of the ratios within a round. mosquitto is measured twice: so much differs by chance. mqtt_load.c, beside this
# file, is publishers and subscribers in one.
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS-3} ms=${BENCH_MS-700} idle=900
page=tests/bench/09-mqtt.md
work=$(mktemp -d)
pids=''
# shellcheck disable=SC2086 # a list
trap 'kill $pids 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "bench: $*" >&2
    exit 1
}

# What is measured: a name, the options of mqtt_load, the words for it.
cat >"$work/rows" <<'END'
qos0 -q 0|1 publisher, 1 subscriber, QoS 0
qos1 -q 1|1 publisher, 1 subscriber, QoS 1
qos2 -q 2|1 publisher, 1 subscriber, QoS 2
out -S 100|1 publisher, 100 subscribers, QoS 0
in -P 100|100 publishers, 1 subscriber, QoS 0
END

# Waits until somebody listens on a port.
await() { # PORT PROCESS
    looks=0
    until "$work/mqtt_load" -t 1 127.0.0.1 "$1" >/dev/null 2>&1; do
        looks=$((looks + 1))
        if [ $looks -gt 2000 ] || ! kill -0 "$2" 2>/dev/null; then fail "no broker on port $1"; fi
    done
}

# Starts a broker, and returns once it serves. Sets pid and port. mosquitto has to be told a port: one that is free, for
# ours had it a moment ago.
start() { # BROKER
    : >"$work/log"
    04-heartbeat/mqtt/mqtt_broker -p 0 2>"$work/log" &
    pid=$!
    pids="$pids $pid"
    until grep -q 'listening on .*:[0-9]' "$work/log"; do kill -0 "$pid" || fail 'mqtt_broker does not start'; done
    port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/log" | head -n 1)
    if [ "$1" != mqtt_broker ]; then
        stop
        mosquitto -p "$port" >"$work/log" 2>&1 &
        pid=$!
        pids="$pids $pid"
    fi
    await "$port" "$pid"
}

stop() {
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $pid\$//")
}

# Adds a line to the results: row, round, broker, messages a second.
measure() { # ROW ROUND BROKER OPTION...
    row=$1 round=$2 broker=$3
    shift 3
    start "$broker"
    "$work/mqtt_load" "$@" -t "$ms" 127.0.0.1 "$port" >"$work/out" 2>&1 || fail "$broker does not stand $row: $(cat "$work/out")"
    stop
    echo "$row $round $broker $(cat "$work/out")" >>"$work/results"
}

measure_round() { # ROUND
    while IFS='|' read -r command _; do
        order=$brokers
        [ $(($1 % 2)) -eq 1 ] || order=$(echo "$order" | awk '{ for (i = NF; i > 0; i--) print $i }')
        for broker in $order; do
            # shellcheck disable=SC2086 # the options are several words
            measure "${command%% *}" "$1" "$broker" ${command#* }
        done
    done <"$work/rows"
}

resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status" 2>/dev/null || echo 0; }

# Adds the resident memory of silent clients, in bytes for each.
measure_idle() { # BROKER
    start "$1"
    before=$(resident)
    "$work/mqtt_load" -i $idle 127.0.0.1 "$port" >"$work/out" &
    load=$!
    pids="$pids $load"
    until grep -q ready "$work/out"; do kill -0 $load || fail "$1 does not take $idle clients"; done
    sleep 2 # buffers that are not used are given back
    echo "idle 1 $1 $((($(resident) - before) * 1024 / idle))" >>"$work/results"
    kill $load
    wait $load 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $load\$//")
    stop
}

median() { # FORMAT
    sort -n | awk -v format="$1" '{ value[NR] = $1 }
        END { if (NR == 0) print "–"; else printf format "\n", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

result() { # ROW BROKER
    awk -v row="$1" -v broker="$2" '$1 == row && $3 == broker { print $4 }' "$work/results" | median %.0f
}

# The median, over the rounds, of how many times as much the first broker had as the second.
ratio() { # ROW BROKER BROKER
    awk -v row="$1" -v one="$2" -v other="$3" '
        $1 == row && $3 == one { a[$2] = $4 }
        $1 == row && $3 == other { b[$2] = $4 }
        END { for (round in a) if (b[round] > 0) print a[round] / b[round] }' "$work/results" | median %.1f
}

machine() {
    cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
    echo "${cpu:-unknown processor}, $(getconf _NPROCESSORS_ONLN) cores; $(uname -srm);" \
        "$(${CC-cc} --version | head -n 1), \`-O2\`; $(mosquitto -h 2>/dev/null | head -n 1); $(date -u +%Y-%m-%d)."
}

report() {
    cat <<END
# How fast is a broker?

Written by \`ROUNDS=$rounds make bench\` ([09-mqtt.sh](09-mqtt.sh)); do not edit. Measured on loopback, with all clients on the same machine:
$(machine)

Messages of 64 bytes that arrive, a second; each number the median of $rounds rounds of $ms ms in which the brokers took turns,
ratios within one round. At most 100 messages are under way; with QoS 1 and 2, at most 20 of a publisher. mosquitto is
measured twice: the difference between its columns is chance.

| what | mqtt_broker | mosquitto | mosquitto again | ratio | ratio |
|---|--:|--:|--:|--:|--:|
END
    while IFS='|' read -r command words; do
        row=${command%% *}
        echo "| $words | $(result "$row" mqtt_broker) | $(result "$row" mosquitto) | $(result "$row" again) |" \
            "**$(ratio "$row" mqtt_broker mosquitto)** | **$(ratio "$row" mqtt_broker again)** |"
    done <"$work/rows"
    cat <<END

Resident memory for each of $idle clients that are silent: mqtt_broker $(result idle mqtt_broker) bytes, mosquitto $(result idle mosquitto).

mqtt_broker reads and writes many packets in one call; mosquitto 2.0.11 makes a write and three reads for each
(\`strace -c\`). Where many messages are under way, that is most of the difference. [\`mqtt_load\`](mqtt_load.c) is all the
clients.
END
    [ "$brokers" != mqtt_broker ] || printf '\nmosquitto is not installed, so there is nothing in its columns.\n'
}

[ -x 04-heartbeat/mqtt/mqtt_broker ] || fail "there is no mqtt_broker yet; this works: make bench"
${CC-cc} -std=c11 -O2 -o "$work/mqtt_load" tests/bench/mqtt_load.c
brokers=mqtt_broker
if command -v mosquitto >/dev/null 2>&1; then brokers='mqtt_broker mosquitto again'; fi
round=1
while [ "$round" -le "$rounds" ]; do
    echo "bench: round $round of $rounds" >&2
    measure_round "$round"
    round=$((round + 1))
done
for broker in $brokers; do [ "$broker" = again ] || measure_idle "$broker"; done
report >"$work/page"
cp "$work/page" "$page"
cat "$page"
