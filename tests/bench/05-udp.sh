#!/bin/sh
# Measures udp_echo_server beside the shortest loop of recvfrom() and sendto(), and udp_echo_client over a link that loses;
# writes 05-udp.md.
#
#     make bench            or, longer and steadier:  ROUNDS=7 make bench
#
# The two servers take turns in short rounds, each round in the other order; ratios are taken within a round, and what is
# reported is the median of all rounds. udp_load needs Linux; elsewhere this says so, and measures the link alone.
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS-3}
page=tests/bench/05-udp.md
work=$(mktemp -d)
pids=''
# shellcheck disable=SC2086 # a list
trap 'kill $pids 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "bench: $*" >&2
    exit 1
}

# Starts a server, and returns once it listens. Sets `port`.
start() { # NAME COMMAND...
    name=$1 looks=0
    shift
    : >"$work/$name.log"
    "$@" 2>"$work/$name.log" &
    pids="$pids $!"
    until grep -q 'listening on .*:[0-9]' "$work/$name.log"; do
        looks=$((looks + 1))
        if [ $looks -gt 5000 ] || ! kill -0 $! 2>/dev/null; then
            fail "$name does not start: $(cat "$work/$name.log")"
        fi
    done
    port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/$name.log" | head -n 1)
}

# Ends what start() has started last.
stop() {
    pid=${pids##* }
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    pids=${pids% *}
}

# ---- datagrams a second ----

# What is measured: a name, the options of udp_load, the words for it.
cat >"$work/rows" <<'END'
one -w 1 -n 20000|1 under way, 64 bytes
some -w 8 -n 40000|8 under way, 64 bytes
many -w 64 -n 40000|64 under way, 64 bytes
large -w 16 -b 1400 -n 40000|16 under way, 1,400 bytes
huge -w 2 -b 65507 -n 10000|2 under way, 65,507 bytes
END

# Adds a line to the results: row, round, server, datagrams/s.
measure() { # ROW ROUND SERVER OPTION...
    row=$1 round=$2 server=$3
    shift 3
    eval "port=\$${server}_port"
    "$work/udp_load" "$@" "$port" >"$work/out" || fail "$server does not stand $row: $(cat "$work/out")"
    echo "$row $round $server $(sed 's/ .*//' "$work/out")" >>"$work/results"
}

measure_round() { # ROUND
    servers='ours minimal'
    [ $(($1 % 2)) -eq 1 ] || servers='minimal ours'
    while IFS='|' read -r command _; do
        for server in $servers; do
            # shellcheck disable=SC2086 # the options are several words
            measure "${command%% *}" "$1" "$server" ${command#* }
        done
    done <"$work/rows"
}

# Reads numbers, prints their median in the given format.
median() { # FORMAT
    sort -n | awk -v format="$1" '{ value[NR] = $1 }
        END { printf format "\n", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

result() { # ROW SERVER
    awk -v row="$1" -v server="$2" '$1 == row && $3 == server { print $4 }' "$work/results" | median %.0f
}

# Prints for each round of a row how many times as fast as the minimal server ours was.
ratios() { # ROW
    awk -v row="$1" '$1 == row { rate[$2, $3] = $4; rounds[$2] }
        END { for (round in rounds) print rate[round, "ours"] / rate[round, "minimal"] }' "$work/results" | sort -n
}

table() {
    echo '| what | udp_echo_server | recvfrom/sendto | ratio | lowest to highest |'
    echo '|---|--:|--:|--:|--:|'
    while IFS='|' read -r command words; do
        row=${command%% *}
        ratios "$row" >"$work/ratios"
        echo "| $words | $(result "$row" ours) | $(result "$row" minimal) | **$(median %.2f <"$work/ratios")** |" \
            "$(awk '{ v[NR] = $1 } END { printf "%.2f to %.2f", v[1], v[NR] }' "$work/ratios") |"
    done <"$work/rows"
}

# ---- goodput over loss ----

losses='0 1 2 5 10 20'
windows='1 8 32'
delay=5

# Adds a line for each window: loss, window, lines a second that came back. The clock is that of bash, which Bats needs
# anyway: not every date(1) knows of less than a second.
goodput() { # LOSS RUN
    for window in $windows; do
        lines=$((200 * window))
        start link 05-udp/udp_echo_server -p 0 -l "$1" -w $delay -s "$2"
        seq $lines >"$work/in"
        # shellcheck disable=SC2016 # bash expands it, not sh
        took=$(LC_ALL=C bash -c 'TIMEFORMAT=%R; time "$@" 2>"$0"' "$work/summary" \
            05-udp/udp_echo_client -q -w "$window" -r 20 -t 50 127.0.0.1 "$port" <"$work/in" 2>&1 >"$work/out") ||
            fail "a line was given up: $(cat "$work/summary")"
        cmp "$work/in" "$work/out" || fail 'what came back is not what went'
        stop
        echo "$1 $window $(echo "$took $lines" | awk '{ printf "%.0f", $2 / $1 }')" >>"$work/goodput"
    done
}

plot() {
    for window in $windows; do
        for loss in $losses; do
            echo "$window $loss $(awk -v w="$window" -v l="$loss" '$1 == l && $2 == w { print $3 }' "$work/goodput" | median %.0f)"
        done
    done | awk '{ row[NR] = $0; if ($3 > most) most = $3 }
        END {
            for (i = 1; i <= NR; i++) {
                split(row[i], field, " ")
                if (field[2] == 0) {
                    if (i > 1) print ""
                    first = field[3]
                }
                bar = sprintf("%*s", 50 * field[3] / most + 0.5, "")
                gsub(/ /, "#", bar)
                printf "window %2d, loss %2d%% %6d lines/s %4.0f%%  %s\n", field[1], field[2], field[3], \
                    100 * field[3] / first, bar
            }
        }'
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

# The part about datagrams a second.
rates() {
    cat <<END
Datagrams that came back in a second, each number the median of $rounds rounds in which the two servers took turns. The
ratio is ours to the [shortest loop there is](udp_minimal.c) within one round, the median of all rounds. Where the lowest and
the highest are far apart, the machine had other things to do as well.

END
    table
    cat <<END

Each number is from [\`udp_load OPTIONS PORT\`](udp_load.c): it keeps so many datagrams under way.

- \`udp_echo_server\` asks \`select()\` first, so that it can hear signals, have several sockets and a clock for its link,
  and reads until there is nothing left: with one datagram under way that is two more calls for each, with many under
  way hardly more than one read and one write for each.
END
}

# What stands there on a system that is not Linux.
no_rates() {
    cat <<END
How many datagrams come back in a second is not measured on this system: [\`udp_load\`](udp_load.c) needs \`recvmmsg()\` of
Linux. With a call for each datagram it would measure itself.
END
}

report() {
    cat <<END
# What does the UDP echo server do in a second, and what does loss cost?

Written by \`ROUNDS=$rounds make bench\` ([05-udp.sh](05-udp.sh)); do not edit. Measured on loopback, both sides on the same machine:
$(machine)

$(if [ "$(uname)" = Linux ]; then rates; else no_rates; fi)

<a id="loss"></a>
## Goodput over loss

\`seq LINES | udp_echo_client -q -w WINDOW -r 20 -t 50\` over \`udp_echo_server -l LOSS -w $delay -s RUN\`: each answer is $delay ms late,
and LOSS percent are lost. All lines came back, in order, in each run; the percentage is of the same window without
loss, the median of $loss_rounds runs. The window 1 is stop-and-wait.

\`\`\`text
$(plot)
\`\`\`

- Without loss a window of n is n times as fast: the line is idle while stop-and-wait waits.
- Each loss costs a timeout. Stop-and-wait waits it out with nothing else to do; so does a window, as soon as it is full:
  the oldest line holds all others back, for what comes out has to be in order. So the larger window loses more of what
  it had, and still is far ahead.
- What would help more than a shorter timeout is not to wait for it: TCP resends after three answers to later segments
  (fast retransmit, RFC 5681), QUIC does the same. This client waits.
END
}

for program in 05-udp/udp_echo_server 05-udp/udp_echo_client; do
    [ -x $program ] || fail "there is no $program yet; this works: make bench"
done
if [ "$(uname)" = Linux ]; then
    for tool in udp_load udp_minimal; do ${CC-cc} -std=c11 -O2 -o "$work/$tool" tests/bench/$tool.c; done
    start ours 05-udp/udp_echo_server -p 0
    # shellcheck disable=SC2034 # measure() names it
    ours_port=$port
    start minimal "$work/udp_minimal"
    # shellcheck disable=SC2034
    minimal_port=$port
    round=1
    while [ "$round" -le "$rounds" ]; do
        echo "bench: round $round of $rounds" >&2
        measure_round "$round"
        round=$((round + 1))
    done
else
    echo "bench: $(uname) has no recvmmsg(), so datagrams a second are not measured; the link with losses is" >&2
fi
loss_rounds=$(((rounds + 2) / 3))
round=1
while [ "$round" -le "$loss_rounds" ]; do
    for loss in $losses; do
        echo "bench: loss $loss%, run $round of $loss_rounds" >&2
        goodput "$loss" "$round"
    done
    round=$((round + 1))
done
report >"$work/page"
cp "$work/page" $page
cat $page
