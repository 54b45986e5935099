#!/usr/bin/env bats
# What mqtt_client ($MQTT_CLIENT) promises: with a broker that the test plays, byte by byte, and with a real one.
# Grades: nothing but the course, whose own affair the packet identifiers and the words are

load helpers

PATH=$PATH:/usr/sbin # where servers live

setup_file() { "${CC:-cc}" -w -o "$BATS_FILE_TMPDIR/stand_in" "$TOP/tests/stand_in.c"; }

# Packets as printf %b writes them. These are for the client id "me" and for what the test's broker says most.
CONNECT='\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02me'
KEPT='\x10\x0e\x00\x04MQTT\x04\x00\x00\x3c\x00\x02me'
WELCOME='\x20\x02\x00\x00'
AGAIN='\x20\x02\x01\x00' # the session is present
BYE='\xe0\x00'
SUBSCRIBE='\x82\x06\x00\x01\x00\x01a\x00'
SUBACK='\x90\x03\x00\x01\x00'

# Starts a broker that the test plays (see tests/stand_in.c). say BYTES... lets it say them.
broker() {
    mkfifo "$TMP/says"
    : >"$TMP/heard"
    start "$BATS_FILE_TMPDIR/stand_in" "$TMP/says" "$TMP/heard"
    exec 5<>"$TMP/says"
}

say() {
    local IFS=''
    printf %b "$*" >&5
}
hang_up() { say '(hang up)\n'; }

# Waits until the broker has heard just these bytes. "+" stands for a new connection, "-" for its end.
heard() { # BYTES...
    local tries part
    for part; do
        case $part in
        +) printf '(connected)\n' ;;
        -) printf '(the end)\n' ;;
        *) printf %b "$part" ;;
        esac
    done >"$TMP/expected"
    for ((tries = 0; tries < TRIES; tries++)); do
        cmp -s "$TMP/expected" "$TMP/heard" && break
        pause
    done
    if ! cmp -s "$TMP/expected" "$TMP/heard"; then
        echo "the broker expects to hear (<), and hears (>):"
        diff <(od -A d -t x1c "$TMP/expected") <(od -A d -t x1c "$TMP/heard")
    fi
    : >"$TMP/heard"
}

# Starts the client in the background; what is written to descriptor 6 is typed into it.
client() { # [OPTION...]
    [ -p "$TMP/input" ] || mkfifo "$TMP/input"
    exec 6<>"$TMP/input"
    exec 8<"$TMP/input"
    : >"$TMP/log"
    "$MQTT_CLIENT" -i me -b 10 -m 10000 "$@" "$HOST" "$PORT" <&8 >"${OUTPUT:-$TMP/out}" 2>>"$TMP/log" 3>&- 5>&- 6>&- 7>&- 8<&- &
    CLIENT=$!
    exec 8<&-
    STARTED+=("$CLIENT")
}

# The client has said CONNECT, and is welcome.
opened() { # [OPTION...]
    broker
    client "$@"
    heard + "${HELLO-$CONNECT}"
    say "$WELCOME"
}

type() { printf '%s\n' "$@" >&6; }
logs() { LOG=$TMP/log logged "$1"; }   # EXTENDED-REGULAR-EXPRESSION
prints() { LOG=$TMP/out logged "$1"; } # EXTENDED-REGULAR-EXPRESSION

# Ends the client's input, and waits for its end, if that comes soon.
ends() { # CODE
    local status=0 tries
    exec 6>&-
    for ((tries = 0; tries < TRIES; tries++)); do
        kill -0 "$CLIENT" 2>/dev/null || break
        pause
    done
    kill -s KILL "$CLIENT" 2>/dev/null || true
    wait "$CLIENT" || status=$?
    echo "rule: exit code $1; here: $status"
    cat "$TMP/log"
    [ $status -eq "$1" ]
}

# Waits until the client has said CONNECT. (Whether its end or the new connection is noticed first, depends.)
comes_back() {
    LOG=$TMP/heard logged MQTT
    : >"$TMP/heard"
}

leaves_on() { PID=$CLIENT stops_on "$1"; } # SIGNAL

# ---- What it publishes

@test "mqtt client: says CONNECT, publishes each line, says DISCONNECT and FIN, and waits for the broker's" {
    opened -t a/b
    printf 'one\r\n\ntwo' >&6
    exec 6>&-
    heard '\x30\x08\x00\x03a/bone' '\x30\x05\x00\x03a/b' '\x30\x08\x00\x03a/btwo' "$BYE" -
    kill -0 "$CLIENT"
    hang_up
    ends 0
    [ ! -s "$TMP/out" ]
}

@test "mqtt client: CONNECT has the client id, the session, the keep-alive and the will that were asked for" {
    local id
    broker
    client -c -k 7 -q 1 -w w/t=gone=1 -t a
    heard + '\x10\x1b\x00\x04MQTT\x04\x0c\x00\x07\x00\x02me\x00\x03w/t\x00\x06gone=1'
    leaves_on TERM
    heard -
    client -i '' -k 0 -t a
    heard + '\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00'
    leaves_on TERM
    heard -
    "$MQTT_CLIENT" -t a "$HOST" "$PORT" <"$TMP/input" >"$TMP/out" 2>&1 3>&- 5>&- 6>&- &
    STARTED+=($!)
    id=mqttclient$!
    heard + "\\x10$(character $((12 + ${#id})))\\x00\\x04MQTT\\x04\\x02\\x00\\x3c\\x00$(character ${#id})$id"
}

@test "mqtt client: QoS 1 is PUBLISH and PUBACK, and the end waits for it" {
    opened -q 1 -r -t a
    type one two
    exec 6>&-
    heard '\x33\x08\x00\x01a\x00\x01one' '\x33\x08\x00\x01a\x00\x02two'
    say '\x40\x02\x00\x01'
    say '\x40\x02\x00\x01\x40\x02\x00\x09' # these say nothing new
    say '\x40\x02\x00\x02'
    heard "$BYE" -
    hang_up
    ends 0
}

@test "mqtt client: QoS 2 is PUBLISH, PUBREC, PUBREL and PUBCOMP" {
    opened -q 2 -t a
    type one two
    exec 6>&-
    heard '\x34\x08\x00\x01a\x00\x01one' '\x34\x08\x00\x01a\x00\x02two'
    say '\x50\x02\x00\x02'
    heard '\x62\x02\x00\x02'
    say '\x50\x02\x00\x01\x70\x02\x00\x02'
    heard '\x62\x02\x00\x01'
    say '\x70\x02\x00\x01'
    heard "$BYE" -
    hang_up
    ends 0
}

@test "mqtt client: what is not acknowledged is sent again, in order, with DUP; what is, is not" {
    HELLO=$KEPT opened -c -q 1 -t a
    type one two three
    heard '\x32\x08\x00\x01a\x00\x01one' '\x32\x08\x00\x01a\x00\x02two' '\x32\x0a\x00\x01a\x00\x03three'
    say '\x40\x02\x00\x02'
    type four
    heard '\x32\x09\x00\x01a\x00\x04four'
    hang_up
    heard + "$KEPT"
    say "$AGAIN"
    heard '\x3a\x08\x00\x01a\x00\x01one' '\x3a\x0a\x00\x01a\x00\x03three' '\x3a\x09\x00\x01a\x00\x04four'
    say '\x40\x02\x00\x01\x40\x02\x00\x03\x40\x02\x00\x04'
    type five
    heard '\x32\x09\x00\x01a\x00\x05five'
    say '\x40\x02\x00\x05'
    exec 6>&-
    heard "$BYE" -
    hang_up
    ends 0
}

@test "mqtt client: of QoS 2 after the PUBREC only PUBREL is sent again, and before it PUBLISH with DUP" {
    opened -q 2 -t a
    type one two
    heard '\x34\x08\x00\x01a\x00\x01one' '\x34\x08\x00\x01a\x00\x02two'
    say '\x50\x02\x00\x01'
    heard '\x62\x02\x00\x01'
    hang_up
    heard + "$CONNECT"
    say "$WELCOME"
    heard '\x62\x02\x00\x01' '\x3c\x08\x00\x01a\x00\x02two'
    say '\x70\x02\x00\x01\x50\x02\x00\x02'
    heard '\x62\x02\x00\x02'
    hang_up
    heard + "$CONNECT"
    say "$WELCOME"
    heard '\x62\x02\x00\x02'
    say '\x70\x02\x00\x02'
    exec 6>&-
    heard "$BYE" -
    hang_up
    ends 0
}

@test "mqtt client: what is typed while there is no broker is sent when it has said CONNACK, with QoS 0 once" {
    broker
    client -t a
    heard + "$CONNECT"
    type one
    hang_up
    heard + "$CONNECT"
    say "$WELCOME"
    heard '\x30\x06\x00\x01aone'
    hang_up
    heard + "$CONNECT"
    type two three
    exec 6>&-
    say "$WELCOME"
    heard '\x30\x06\x00\x01atwo' '\x30\x08\x00\x01athree' "$BYE" -
    hang_up
    ends 0
}

@test "mqtt client: at most 20 messages are under way, and 1,000 wait" {
    broker
    sed 's/.*/y/' <(seq 50000) >"$TMP/much"
    "$MQTT_CLIENT" -i me -q 1 -t a "$HOST" "$PORT" <"$TMP/much" >"$TMP/out" 2>"$TMP/log" 3>&- 5>&- &
    CLIENT=$!
    STARTED+=("$CLIENT")
    heard + "$CONNECT"
    say "$WELCOME"
    # shellcheck disable=SC2046 # 20 packets
    heard $(for i in {1..20}; do echo "\\x32\\x06\\x00\\x01a\\x00\\x$(printf %02x "$i")y"; done)
    say '\x40\x02\x00\x01'
    heard '\x32\x06\x00\x01a\x00\x15y'
    leaves_on TERM
    logs ' 1000 not acknowledged$'
}

@test "mqtt client: a line may have 131,072 bytes; a longer one is refused, and the exit code tells" {
    broker
    { printf '%0131072d\n%0131073d\n%0900000d\nlast\n' 0 0 0; } >"$TMP/in"
    "$MQTT_CLIENT" -i me -t a "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/log" 3>&- 5>&- &
    CLIENT=$!
    STARTED+=("$CLIENT")
    heard + "$CONNECT"
    say "$WELCOME"
    LOG=$TMP/heard logged 'last'
    { printf '\x30\x83\x80\x08\x00\x01a%0131072d' 0; printf '\x30\x07\x00\x01alast\xe0\x00(the end)\n'; } >"$TMP/expected"
    eventually cmp "$TMP/expected" "$TMP/heard"
    hang_up
    ends 1
    [ "$(grep -c 'refused: a line of the input has more than 131072 bytes$' "$TMP/log")" -eq 2 ]
}

# ---- What it prints

@test "mqtt client: subscribes to all filters in one packet, and prints what comes, a safe line each" {
    opened -q 1 -s 'a/+' -s '#'
    heard '\x82\x0c\x00\x01\x00\x03a/+\x01\x00\x01#\x01'
    say '\x90\x04\x00\x01\x01\x00'
    say '\x30\x08\x00\x03a/bone' '\x31\x03\x00\x01b'
    say '\x30\x15\x00\x04a\xc2\x9bbtwo\nlines\x1b[2J\xff\x00'
    prints '^a\?\?b two'
    printf '%s\n' 'a/b one' 'b ' 'a??b two?lines?[2J??' | cmp - "$TMP/out"
    leaves_on TERM
    heard "$BYE" -
}

@test "mqtt client: answers QoS 1 with PUBACK, QoS 2 with PUBREC and PUBCOMP, and prints each of QoS 2 once" {
    HELLO=$KEPT opened -c -s a
    heard "$SUBSCRIBE"
    say "$SUBACK" '\x32\x06\x00\x01a\x00\x07x' '\x34\x06\x00\x01a\x00\x07y'
    heard '\x40\x02\x00\x07' '\x50\x02\x00\x07'
    say '\x3c\x06\x00\x01a\x00\x07y' # again, also on the next connection
    heard '\x50\x02\x00\x07'
    hang_up
    heard + "$KEPT"
    say "$AGAIN" '\x3c\x06\x00\x01a\x00\x07y'
    heard '\x50\x02\x00\x07'
    say '\x62\x02\x00\x07' '\x62\x02\x00\x08'
    heard '\x70\x02\x00\x07' '\x70\x02\x00\x08'
    say '\x34\x06\x00\x01a\x00\x07z' # the number is free again
    heard '\x50\x02\x00\x07'
    printf 'a %s\n' x y z | cmp - "$TMP/out"
    hang_up
    heard + "$KEPT"
    say "$WELCOME" '\x34\x06\x00\x01a\x00\x07z' # and so are all, when the session is gone
    heard '\x82\x06\x00\x02\x00\x01a\x00' '\x50\x02\x00\x07'
    printf 'a %s\n' x y z z | cmp - "$TMP/out"
}

@test "mqtt client: subscribes again only if the broker has no session, or has not answered" {
    HELLO=$KEPT opened -c -s a
    heard "$SUBSCRIBE"
    hang_up
    heard + "$KEPT"
    say "$AGAIN"
    heard '\x82\x06\x00\x02\x00\x01a\x00'
    say '\x90\x03\x00\x02\x00'
    hang_up
    heard + "$KEPT"
    say "$AGAIN" '\x32\x06\x00\x01a\x00\x07x'
    heard '\x40\x02\x00\x07'
    hang_up
    heard + "$KEPT"
    say "$WELCOME"
    heard '\x82\x06\x00\x03\x00\x01a\x00'
}

@test "mqtt client: a refused filter is named, and when none is left, it ends with 1" {
    opened -s a -s b
    heard '\x82\x0a\x00\x01\x00\x01a\x00\x00\x01b\x00'
    say '\x90\x04\x00\x01\x80\x00'
    logs ' refused: a$'
    say '\x30\x04\x00\x01bx'
    prints '^b x$'
    leaves_on TERM
    heard "$BYE" -
    client -s a
    heard + "$CONNECT"
    say "$WELCOME"
    heard "$SUBSCRIBE"
    say '\x90\x03\x00\x01\x80'
    heard "$BYE" -
    hang_up
    ends 1
    logs ' refused: a$'
}

@test "mqtt client: acknowledges a message when it is written, and none that still waits for a stuck output" {
    mkfifo "$TMP/output"
    exec 7<>"$TMP/output"
    OUTPUT=$TMP/output opened -s a
    heard "$SUBSCRIBE"
    say "$SUBACK" '\x32\xe5\xd4\x03\x00\x01a\x00\x07' "$(printf '%060000d' 0)"
    say '\x32\x85\x80\x08\x00\x01a\x00\x08' "$(printf '%0131072d' 0)" # a pipe holds 64 KiB; the rest waits
    [ "$(head -c 60003 <&7 | wc -c)" -eq 60003 ]
    heard '\x40\x02\x00\x07'
    head -c 131075 <&7 >"$TMP/rest"
    heard '\x40\x02\x00\x08'
}

# ---- The broker goes away, refuses, or is wrong

@test "mqtt client: a CONNACK that refuses ends it with exit code 1, in words" {
    local code words=('' 'does not speak MQTT 3.1.1' 'not with this client id' 'it is not available' 'wrong user name or password'
        'not authorized')
    broker
    for code in 1 2 3 4 5; do
        client -t a
        heard + "$CONNECT"
        say "\\x20\\x02\\x00\\x0$code"
        ends 1
        logs "CONNECTING -> CLOSED: the broker refuses us: .*${words[code]}; giving up\$"
        heard -
    done
}

@test "mqtt client: what breaks a rule, or is too large, or not for a broker to say, is named, and it comes back" {
    local wrong
    broker
    client -b 1 -t a
    for wrong in '\x00\x00' '\xf0\x00' "$CONNECT" "$SUBSCRIBE" '\xa2\x05\x00\x01\x00\x01a' '\xb0\x02\x00\x01' '\xc0\x00' "$BYE" \
        "$WELCOME" '\x36\x06\x00\x01a\x00\x01x' '\x38\x03\x00\x01a' '\x30\x03\x00\x01#' '\x30\x02\x00\x00' '\x30\x04\x00\x02a\xff' \
        '\x32\x05\x00\x01a\x00\x00' '\x32\x03\x00\x01a' '\x40\x02\x00\x00' '\x40\x03\x00\x01\x00' '\x41\x02\x00\x01' '\x40\x02\x00\x01' \
        '\x60\x02\x00\x01' '\x90\x03\x00\x77\x00' '\x90\x03\x00\x02\x03' '\x90\x02\x00\x02' '\xd0\x01\x00' '\xd1\x00' \
        '\x30\x81\x80\x80\x08' '\x30\xff\xff\xff\xff\x01'; do
        echo "the broker says $wrong"
        comes_back
        : >"$TMP/log"
        say "$WELCOME$wrong"
        logs 'OPEN -> CLOSED: a wrong packet from the broker: .*; next try in 1 ms$'
        grep CLOSED: "$TMP/log"
    done
    for wrong in "$SUBACK" '\x20\x02\x02\x00' '\x20\x02\x00\x06' "$AGAIN"; do
        comes_back
        : >"$TMP/log"
        say "$wrong"
        logs 'CONNECTING -> CLOSED: a wrong packet from the broker: .*; next try in [0-9]* ms$'
    done
}

@test "mqtt client: every piece of what a broker says may come by itself" {
    THROUGH="-c 1" broker
    client -q 2 -c -t a -s a
    heard + '\x10\x0e\x00\x04MQTT\x04\x00\x00\x3c\x00\x02me'
    say "$WELCOME"
    heard '\x82\x06\x00\x01\x00\x01a\x02'
    type one
    heard '\x34\x08\x00\x01a\x00\x02one'
    say '\x90\x03\x00\x01\x02\x50\x02\x00\x02\x34\x0a\x00\x01a\x01\x00hello'
    heard '\x62\x02\x00\x02' '\x50\x02\x01\x00'
    say '\x70\x02\x00\x02\x62\x02\x01\x00\x31\x83\x01\x00\x01a' "$(printf '%0128d' 0)"
    heard '\x70\x02\x01\x00'
    prints '^a 0+$'
    printf 'a %s\n' hello "$(printf '%0128d' 0)" | cmp - "$TMP/out"
}

@test "mqtt client: sends a PINGREQ when it has been silent for the keep-alive time, and leaves a broker that does not answer" {
    HELLO='\x10\x0e\x00\x04MQTT\x04\x02\x00\x01\x00\x02me' opened -k 1 -t a
    heard '\xc0\x00'
    say '\xd0\x00'
    heard '\xc0\x00'
    logs 'OPEN -> CLOSED: no PINGRESP within 1000 ms; next try in 10 ms$'
    comes_back
}

@test "mqtt client: waits twice as long after each failure, and gives up when the longest wait was in vain" {
    broker
    kill "$PID"
    wait "$PID" || true
    client -q 1 -b 10 -m 40 -t a
    type one
    ends 1
    [ "$(sed -nE 's/.*Connection refused; (next try in )?//p' "$TMP/log" | tr '\n' ' ')" = '10 ms 20 ms 40 ms giving up ' ]
    logs '^mqtt_client: [0-9]+ ms 1 not acknowledged$'
}

@test "mqtt client: what is no topic, no filter, no UTF-8 or too long is refused at the start, with the usage" {
    local long options
    long=$(printf '%065536d' 0)
    refused() {
        local status=0
        "$MQTT_CLIENT" "$@" "127.0.0.1" 1 </dev/null >"$TMP/out" 2>"$TMP/err" || status=$?
        printf 'exit code %d: %.60s\n' $status "$*"
        [ $status -eq 2 ]
        grep -q '^mqtt_client: ' "$TMP/err"
        grep -q '^usage: ' "$TMP/err"
    }
    for options in '' '-v' '-t +' '-t a/#' '-s a+' '-s a/#/b' '-s a#' '-s +a' '-s a/+b/c' '-s ##' '-q 3 -t a' '-k 65536 -t a' '-c -t a' '-w a -t a' \
        '-w =x -t a' '-w a/+=x -t a' "-t $long" "-s $long" "-i $long -t a" "-w a=$long -t a" $'-t a\xff' $'-s \xed\xa0\x80' $'-i \xc0\x80 -t a'; do
        # shellcheck disable=SC2086 # these are several words
        refused $options
    done
    refused -t ''
    refused -s ''
    refused -s a -c -i ''
    for options in + '#' a/+ +/a 'a/#' '+/+/#' / /+/ 'a b/饭' "${long#0}"; do
        "$MQTT_CLIENT" -b 1 -m 1 -s "$options" 127.0.0.1 1 2>"$TMP/err" </dev/null || [ $? -eq 1 ]
    done
}

# ---- Its end

@test "mqtt client: a signal ends it within a second, with DISCONNECT if there is a broker, also while the output is stuck" {
    local signal
    mkfifo "$TMP/output"
    exec 7<>"$TMP/output"
    for signal in $(endings); do
        OUTPUT=$TMP/output opened -s a
        heard "$SUBSCRIBE"
        say '\x30\xa1\x8d\x06\x00\x01a' "$(printf '%099998d' 0)"
        [ "$(head -c 6 <&7)" = 'a 0000' ]
        leaves_on "$signal"
        heard "$BYE" -
        kill "$PID" 2>/dev/null || true
        rm "$TMP/says" "$TMP/output"
        mkfifo "$TMP/output"
        exec 7<>"$TMP/output"
    done
    opened -t a
    exec 6>&-
    heard "$BYE" -
    leaves_on TERM # no FIN has come
    client -s a
    heard + "$CONNECT"
    leaves_on TERM # no CONNACK has come
    heard -
    client -b 10000 -s a
    heard + "$CONNECT"
    hang_up
    logs 'next try in 10000 ms$'
    leaves_on TERM
}

@test "mqtt client: an input that cannot be read, or an output that cannot be written, is reported with exit code 1" {
    broker
    "$MQTT_CLIENT" -i me -t a "$HOST" "$PORT" <&- >"$TMP/out" 2>"$TMP/log" 3>&- 5>&- 6>&- &
    CLIENT=$!
    STARTED+=("$CLIENT")
    heard + "$CONNECT"
    say "$WELCOME"
    heard "$BYE" -
    hang_up
    ends 1
    logs '^mqtt_client: cannot read the input: Bad file descriptor$'
    [ -c /dev/full ] || skip "no /dev/full here"
    OUTPUT=/dev/full client -s a
    heard + "$CONNECT"
    say "$WELCOME"
    heard "$SUBSCRIBE"
    say "$SUBACK" '\x30\x04\x00\x01ax'
    heard "$BYE" -
    hang_up
    ends 1
    [ "$(grep -c '^mqtt_client: cannot write the output: No space left on device$' "$TMP/log")" -eq 1 ]
}

@test "mqtt client: -v shows each packet in bytes and in words" {
    opened -v -q 1 -t a
    type hello
    logs "^$HOST:$PORT <- CONNECT, level 4, client me, clean session, keep-alive 60 s\$"
    logs "^$HOST:$PORT <- 16 bytes\$"
    logs "^$HOST:$PORT -> 4 bytes\$"
    logs "^$HOST:$PORT -> CONNACK, accepted, session not present\$"
    logs "^$HOST:$PORT <- PUBLISH, QoS 1, not retained, packet 1, topic a, 5 bytes\$"
    logs '32 0a 00 01 61 00 01 68 65 6c 6c 6f'
}

# ---- A real broker

@test "mqtt client: with mosquitto, all three QoS arrive, also what was typed while it was away, and the will" {
    local qos theirs
    command -v mosquitto >/dev/null && command -v mosquitto_sub >/dev/null || skip "mosquitto is not installed"
    broker # only to find a free port
    kill "$PID"
    wait "$PID" || true
    real() {
        printf '%s\n' "listener $PORT 127.0.0.1" 'allow_anonymous true' 'max_queued_messages 0' >"$TMP/conf"
        mosquitto -c "$TMP/conf" >"$TMP/mosquitto.log" 2>&1 3>&- 5>&- 6>&- &
        PID=$!
        STARTED+=("$PID")
        LOG=$TMP/mosquitto.log logged 'running$'
    }
    real
    client -c -q 2 -s 'a/#' -w a/w=gone
    logs 'session not present'
    LOG=$TMP/mosquitto.log logged 'as me '
    for qos in 0 1 2; do
        seq 500 | sed "s/^/$qos /" | within 20 "$MQTT_CLIENT" -q $qos -t a/b "$HOST" "$PORT" 2>"$TMP/err"
    done
    prints '^a/b 2 500$'
    for qos in 0 1 2; do seq 500 | sed "s|^|a/b $qos |"; done | cmp - "$TMP/out"
    mosquitto_sub -h "$HOST" -p "$PORT" -q 1 -t a/w -t a/b -C 2 >"$TMP/theirs" 3>&- &
    theirs=$!
    STARTED+=("$theirs")
    LOG=$TMP/mosquitto.log logged 'as auto-'
    kill -s KILL "$CLIENT"
    wait "$CLIENT" 2>/dev/null || true
    LOG=$TMP/theirs logged '^gone$'
    within 10 "$MQTT_CLIENT" -q 2 -t a/b "$HOST" "$PORT" <<<'吃饭了吗' 2>"$TMP/err"
    wait "$theirs"
    printf '%s\n' gone 吃饭了吗 | cmp - "$TMP/theirs"
    client -c -q 2 -s 'a/#' -t a/d
    prints '^a/b 吃饭了吗$' # it was kept in the session
    logs 'session present'
    kill "$PID"
    logs 'Connection refused; next try in 40 ms$'
    type 'while it was away'
    real
    prints '^a/d while it was away$'
    leaves_on TERM
}
