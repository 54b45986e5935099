#!/usr/bin/env bats
# The MQTT broker ($MQTT_BROKER) with clients that others have made: those of mosquitto, curl, npm's mqtt. `sh
# tests/install.sh all` installs them; what is missing is skipped.
# Grades: MQTT_BROKER

load helpers

needs() { command -v "$1" >/dev/null 2>&1 || skip "$1 is not installed"; }

# Starts the broker, with a retained message that tells a subscriber that its subscription holds.
serve() { # [OPTION...]
    needs mosquitto_pub
    start "$MQTT_BROKER" "$@"
    pub -r -t ready -m ready
}

pub() { within 20 mosquitto_pub -V 311 -h "$HOST" -p "$PORT" "$@" 3>&-; }

# Starts a subscriber, and waits until it is one. What it gets is in $TMP/NAME; SUB is its process.
sub() { # NAME [OPTION...]
    local name=$1
    shift
    mosquitto_sub -V 311 -h "$HOST" -p "$PORT" -t ready "$@" >"$TMP/$name" 2>"$TMP/$name.err" 3>&- &
    SUB=$!
    STARTED+=("$SUB")
    LOG=$TMP/$name logged '(^| )ready$'
}

# Waits for the end of the latest subscriber, and fails unless it got these lines, in this order, behind the first.
got() { # NAME LINE...
    wait "$SUB"
    echo "rule: each subscriber gets this (<); here it got that (>)"
    printf '%s\n' "${@:2}" | diff - <(sed 1d "$TMP/$1")
}

@test "mqtt real: mosquitto_pub and mosquitto_sub, with each QoS: the lower one counts" {
    serve
    local qos
    for qos in 0 1 2; do sub $qos -q $qos -t 'sensors/+/temp' -C 4 -F '%q %r %t %p' && declare "sub$qos=$SUB"; done
    for qos in 0 1 2; do pub -q $qos -t sensors/attic/temp -m "published $qos"; done
    SUB=$sub0 got 0 '0 0 sensors/attic/temp published '{0,1,2}
    SUB=$sub1 got 1 '0 0 sensors/attic/temp published 0' '1 0 sensors/attic/temp published '{1,2}
    SUB=$sub2 got 2 '0 0 sensors/attic/temp published 0' '1 0 sensors/attic/temp published 1' '2 0 sensors/attic/temp published 2'
}

@test "mqtt real: mosquitto_pub -l sends 1,000 lines of QoS 1 and 2, each comes once and in order" {
    serve
    local qos
    for qos in 1 2; do
        sub lines -q 2 -t lines/# -C 1001
        seq 1000 | pub -l -q $qos -t lines/all
        wait "$SUB"
        seq 1000 | diff - <(sed 1d "$TMP/lines")
    done
}

@test "mqtt real: 20 times mosquitto_pub at once, which publish and are gone: no message is lost" {
    serve
    local n pids=()
    sub all -t news/+ -C 21
    for n in {1..20}; do
        pub -t "news/$n" -m "$n" &
        pids+=($!)
    done
    wait "${pids[@]}"
    wait "$SUB"
    seq 20 | diff - <(sed 1d "$TMP/all" | sort -n)
}

@test "mqtt real: retained messages, by mosquitto's -r, --retained-only and -n" {
    serve
    pub -r -q 1 -t x/a -m one
    pub -r -q 1 -t x/a -m two
    pub -r -q 2 -t x/b -m three
    sub retained -q 2 -t x/a -t x/b --retained-only -C 3 -F '%q %r %t %p'
    wait "$SUB"
    printf '%s\n' '0 1 ready ready' '1 1 x/a two' '2 1 x/b three' | diff - <(sort -k 3 "$TMP/retained")
    pub -r -n -t x/a
    sub cleared -t x/+ -C 2 -F '%r %t %p'
    wait "$SUB"
    printf '%s\n' '1 ready ready' '1 x/b three' | diff - <(sort -k 2 "$TMP/cleared")
}

@test "mqtt real: mosquitto_sub's will is sent when it is killed, and not when it leaves" {
    serve
    sub watch -q 1 -t gone/# -C 3
    local watch=$SUB
    sub leaves --will-topic gone/a --will-payload 'was killed' -C 1
    wait "$SUB"
    sub dies --will-topic gone/b --will-payload 'was killed, too' --will-qos 1 --will-retain
    kill -s KILL "$SUB"
    wait "$SUB" || true
    pub -t gone/c -m last
    SUB=$watch got watch 'was killed, too' last
    sub later -t gone/# -C 2
    wait "$SUB"
    grep -x 'was killed, too' "$TMP/later"
}

@test "mqtt real: mosquitto_sub -c comes back, and gets what came meanwhile" {
    serve
    sub here -c -i anna -q 2 -t news -C 1
    wait "$SUB"
    pub -q 1 -t news -m one
    seq 2 4 | pub -q 1 -l -t news
    pub -q 2 -t news -m five # mosquitto_sub prints it at its PUBREL
    within 20 mosquitto_sub -V 311 -h "$HOST" -p "$PORT" -c -i anna -q 2 -t news -C 5 -F '%q %p' >"$TMP/back" 3>&-
    printf '%s\n' '1 one' '1 2' '1 3' '1 4' '2 five' | diff - "$TMP/back"
    pub -q 1 -t news -m six
    sub forgets -i anna -t other -C 2
    pub -t other -m other
    got forgets other
}

@test "mqtt real: mosquitto_rr asks, and gets its answer" {
    serve
    needs mosquitto_rr
    sub ask -t ask -C 2
    { LOG=$TMP/ask logged '^how' && pub -t answer -m "you asked: $(sed 1d "$TMP/ask")"; } 3>&- &
    local answerer=$!
    STARTED+=("$answerer")
    within 20 mosquitto_rr -V 311 -h "$HOST" -p "$PORT" -t ask -e answer -m 'how warm?' >"$TMP/rr" 3>&-
    wait "$answerer"
    echo 'you asked: how warm?' | diff - "$TMP/rr"
}

@test "mqtt real: topics in any language, and messages of 200 KiB" {
    serve
    head -c 204800 /dev/urandom >"$TMP/large"
    sub words -t '温度/#' -t 'été/+/🌞' -C 3 -F '%t %p'
    pub -t 温度/厨房 -m 二十一
    pub -t 'été/à Paris/🌞' -m 30
    got words '温度/厨房 二十一' 'été/à Paris/🌞 30'
    local qos
    for qos in 0 1 2; do
        sub got -q $qos -t large -F %p -C 2
        pub -q 2 -t large -f "$TMP/large"
        wait "$SUB"
        { echo ready; cat "$TMP/large"; echo; } | cmp - "$TMP/got"
    done
}

@test "mqtt real: overlapping filters of mosquitto_sub bring one copy, and -U ends one" {
    serve
    sub one -q 1 -t a/# -t a/+ -t a/b -t b -U b -C 3 -F '%q %t %p'
    pub -q 1 -t b -m no
    pub -q 2 -t a/b -m one
    pub -q 0 -t a/b -m two
    got one '1 a/b one' '0 a/b two'
}

@test "mqtt real: mosquitto_sub says that it was refused" {
    ours
    serve -n secret/#
    within 20 mosquitto_sub -V 311 -h "$HOST" -p "$PORT" -t secret/# >"$TMP/out" 2>&1 3>&- || true
    grep -i denied "$TMP/out"
}

@test "mqtt real: curl publishes and subscribes" {
    needs curl
    curl --version | grep -q mqtt || skip "this curl speaks no MQTT"
    serve
    sub curl -t curl/text -C 2
    within 20 curl -sS -d 'by curl' "mqtt://$HOST:$PORT/curl/text"
    got curl 'by curl'
    curl -sSN "mqtt://$HOST:$PORT/ready" >"$TMP/got" 2>&1 3>&- &
    STARTED+=($!)
    LOG=$TMP/got logged ready
    pub -q 2 -t ready -m 'for curl'
    LOG=$TMP/got logged 'for curl'
}

@test "mqtt real: npm's mqtt: both ways, 1,000 messages with each QoS, retained, will, session" {
    export NODE_PATH=${NODE_MODULES:-${XDG_CACHE_HOME:-$HOME/.cache}/socket-course/node_modules}
    needs node
    node -e "require('mqtt')" 2>/dev/null || skip "the npm package mqtt is not installed (sh tests/install.sh all)"
    start "$MQTT_BROKER"
    within 60 node "$TOP/tests/mqtt_interop.js" "mqtt://$HOST:$PORT" 3>&-
}

@test "mqtt real: a subscriber that reads gets all of 3,000 retained messages, with QoS 0 and 1" {
    local qos
    serve
    exec 5<>"/dev/tcp/$HOST/$PORT"
    { printf '\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01p'; printf '\x33\x0d\0\x08old/%04d\0\x01x' {1..3000}; printf '\xe0\0'; } >&5
    cat <&5 >"$TMP/answers"
    exec 5>&-
    [ "$(wc -c <"$TMP/answers")" -eq $((4 + 4 * 3000)) ]
    for qos in 0 1; do
        within 20 mosquitto_sub -V 311 -h "$HOST" -p "$PORT" -q $qos -t 'old/#' -C 3000 -F '%q %r %t' >"$TMP/old"
        printf "$qos 1 old/%04d\n" {1..3000} | diff - <(sort "$TMP/old")
    done
}
