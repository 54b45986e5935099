#!/bin/sh
# Measures im_server: messages a second by format, in memory and on the disk, and its memory. Writes 03-im.md.
#
#     make bench            or, longer and steadier:  ROUNDS=7 make bench
#
# Each measurement has a new server, and a new folder for -d. The rows take turns in short rounds; what is reported is
# the median of all rounds.
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS-3}
page=tests/bench/03-im.md
pairs=100
server=03-custom-protocol/im_server
work=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "bench: $*" >&2
    exit 1
}

# Starts a server with accounts for all; sets pid and port.
start() { # [OPTION...]
    $server -p 0 -u "$work/accounts" "$@" 2>"$work/log" &
    pid=$! port='' tries=0
    while [ -z "$port" ]; do
        tries=$((tries + 1))
        [ $tries -lt 500 ] || fail "im_server does not listen: $(cat "$work/log")"
        sleep 0.01
        port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/log")
    done
}

stop() {
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    pid=''
    rm -rf "$work/mail"
}

# Adds a line to the results: row, messages a second, and p99 in ms.
measure() { # ROW "SERVER-OPTIONS" CROWD-OPTION...
    row=$1
    # shellcheck disable=SC2086 # several words
    start $2
    shift 2
    tests/im_crowd -c $pairs "$@" 127.0.0.1 "$port" >"$work/out" || fail "$row: $(cat "$work/out")"
    stop
    echo "$row $(awk '/^[0-9]/ { sub(/.*: /, ""); rate = $1 } /^latency:/ { sub(/.*p99 /, ""); p99 = $1 }
        END { print rate, p99 }' "$work/out")" >>"$work/results"
}

# Resident memory of the server in KiB.
memory() { ps -o rss= -p "$pid" | tr -d ' '; }

# Sets idle, the memory in KiB of a server without clients, and full, that with all connected, who have said nothing.
measure_memory() {
    mkfifo "$work/stay"
    start
    idle=$(memory)
    tests/im_crowd -c $pairs -n 1 -i 127.0.0.1 "$port" <"$work/stay" >"$work/out" &
    crowd=$!
    exec 3>"$work/stay"
    until grep -q latency "$work/out"; do sleep 0.01; done
    full=$(memory)
    exec 3>&-
    wait $crowd || fail "$(cat "$work/out")"
    stop
}

median() { # ROW COLUMN FORMAT
    awk -v row="$1" -v column="$2" '$1 == row { print $column }' "$work/results" | sort -n |
        awk -v format="$3" '{ value[NR] = $1 }
            END { printf format, (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

machine() {
    model=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
    echo "${model:-$(uname -m)}, $(getconf _NPROCESSORS_ONLN 2>/dev/null || echo '?') cores; $(uname -srm); $(${CC-cc} --version | head -n 1), \`-O2\`; $(date +%Y-%m-%d)"
}

row() { # NAME WORDS OPTIONS
    echo "| $2 | \`$3\` | $(median "$1" 2 %.0f) | $(median "$1" 3 %.1f) |"
}

report() {
    cat <<END
# How many messages go through one server?

Written by \`ROUNDS=$rounds make bench\` ([03-im.sh](03-im.sh)); do not edit. Measured on loopback, clients and server on the same
machine: $(machine).

$pairs pairs write to each other, both at once, each with at most 16 messages under way, which all are acknowledged. A
message counts when it has arrived. Each number is the median of $rounds rounds.

| what | \`im_crowd -c $pairs\` … | messages a second | p99, ms |
|---|---|--:|--:|
$(row text 'text, in memory' '-f text -n 1000')
$(row json 'JSON, in memory' '-f json -n 1000')
$(row xml 'XML, in memory' '-f xml -n 1000')
$(row text-d 'text, on the disk' '-f text -n 500')
$(row json-d 'JSON, on the disk' '-f json -n 500')
$(row xml-d 'XML, on the disk' '-f xml -n 500')
$(row one-d 'JSON, on the disk, one message under way each' '-f json -n 200 -w 1')
$(row big-d 'JSON, on the disk, 4 KiB each' '-f json -n 100 -b 4096')

\`im_crowd\` checks each message: answered, arrived, once, in order, whole, with the number that was promised. If one is
wrong or missing there is no page, so none was. "On the disk" is \`im_server -d DIR\`: no sender is answered before
\`fsync()\` has returned. How long that takes is a matter of the disk; this one is $(df -P "$work" | awk 'NR == 2 { print $1 }').

Memory: $idle KiB without clients, $full KiB with $((2 * pairs)) connected and logged in, who had sent one message each:
$(awk -v a="$idle" -v b="$full" -v n=$((2 * pairs)) 'BEGIN { printf "%.1f", (b - a) / n }') KiB for each, and that is mostly the memory that an account begins to use with its first message.

What to see:

- One \`fsync()\` is for all that came in one turn of the loop, so with many senders the disk costs less than one would
  think from its time for one, and a sender who waits for each answer pays for it in full.
- In the last row 13 MB are under way at once, and go to the disk before they are answered: hence the wait.
- \`im_crowd\` is one process like the server, and reads and writes the same messages, on the same cores.
END
}

for program in $server tests/im_crowd; do
    [ -x "$program" ] || fail "there is no $program yet; this works: make bench"
done
i=0
while [ $i -lt $((2 * pairs)) ]; do
    echo "u$i:secret"
    i=$((i + 1))
done >"$work/accounts"
round=1
while [ "$round" -le "$rounds" ]; do
    echo "bench: round $round of $rounds" >&2
    for format in text json xml; do
        measure $format '' -f $format -n 1000
        measure $format-d "-d $work/mail" -f $format -n 500
    done
    measure one-d "-d $work/mail" -f json -n 200 -w 1
    measure big-d "-d $work/mail" -f json -n 100 -b 4096
    round=$((round + 1))
done
measure_memory
report >"$work/page"
cp "$work/page" $page
cat $page
