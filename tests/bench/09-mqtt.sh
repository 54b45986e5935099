#!/bin/sh
# Measures mqtt_broker beside mosquitto, and writes 09-mqtt.md.
#
#     make bench            or, longer and steadier:  ROUNDS=7 make bench
#
# mqtt_load.c, beside this file, is publishers and subscribers in one; turns.sh tells how the brokers take turns.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/turns.sh
page=tests/bench/09-mqtt.md
load=$work/mqtt_load

# What is measured: a name, the options of mqtt_load, the words for it.
cat >"$work/rows" <<'END'
qos0 -q 0|1 publisher, 1 subscriber, QoS 0
qos1 -q 1|1 publisher, 1 subscriber, QoS 1
qos2 -q 2|1 publisher, 1 subscriber, QoS 2
out -S 100|1 publisher, 100 subscribers, QoS 0
in -P 100|100 publishers, 1 subscriber, QoS 0
END

# Starts a broker, and returns once it serves. mosquitto has to be told a port: one that is free, for ours had it a moment
# ago.
start() { # BROKER
    launch 04-heartbeat/mqtt/mqtt_broker -p 0
    listens
    if [ "$1" != mqtt_broker ]; then
        stop
        launch mosquitto -p "$port"
    fi
    serves -t 1
}

report() {
    cat <<END
# How fast is a broker?

Written by \`ROUNDS=$rounds make bench\` ([09-mqtt.sh](09-mqtt.sh)); do not edit. Measured on loopback, with all clients on the same machine:
$(machine "$(mosquitto -h 2>/dev/null | head -n 1)")

Messages of 64 bytes that arrive, a second; each number the median of $rounds rounds of $ms ms in which the brokers took turns,
ratios within one round. At most 100 messages are under way; with QoS 1 and 2, at most 20 of a publisher. mosquitto is
measured twice: the difference between its columns is chance.

| what | mqtt_broker | mosquitto | mosquitto again | ratio | ratio |
|---|--:|--:|--:|--:|--:|
$(table mqtt_broker mosquitto)

Resident memory for each of $idle clients that are silent: mqtt_broker $(result idle mqtt_broker) bytes, mosquitto $(result idle mosquitto).

mqtt_broker reads and writes many packets in one call; mosquitto 2.0.11 makes a write and three reads for each
(\`strace -c\`). Where many messages are under way, that is most of the difference. [\`mqtt_load\`](mqtt_load.c) is all the
clients.
END
    [ "$servers" != mqtt_broker ] || printf '\nmosquitto is not installed, so there is nothing in its columns.\n'
}

[ -x 04-heartbeat/mqtt/mqtt_broker ] || fail "there is no mqtt_broker yet; this works: make bench"
${CC-cc} -std=c11 -O2 -o "$load" tests/bench/mqtt_load.c
servers=mqtt_broker
if command -v mosquitto >/dev/null 2>&1; then servers='mqtt_broker mosquitto again'; fi
take_turns
report >"$work/page"
cp "$work/page" "$page"
cat "$page"
