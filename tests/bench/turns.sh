# shellcheck shell=sh
# turns.sh - one server beside another: for the scripts beside it, which read it with "." in the top folder.
#
# The servers take turns in short rounds, each round in the other order; what is reported is the median of all rounds, and
# the median of the ratios within a round. The script has set `servers` (names; "again" is one that is measured twice), and
# `load`, the program that plays the clients; its function start() starts a server, and sets `pid`, `port`, and in `pids` all
# processes. $work/rows has a line NAME OPTIONS|WORDS for each thing that is measured.

rounds=${ROUNDS-3} ms=${BENCH_MS-700} idle=900
work=$(mktemp -d)
pids=''
# shellcheck disable=SC2086 # a list
trap 'kill -9 $pids 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "bench: $*" >&2
    exit 1
}

# Starts a program whose messages go to $work/log.
launch() { # COMMAND...
    : >"$work/log"
    "$@" >"$work/log" 2>&1 &
    pid=$!
    pids="$pids $pid"
}

# Waits for the line of ours that says where it listens.
listens() {
    until grep -q 'listening on .*:[0-9]' "$work/log"; do kill -0 "$pid" || fail "it does not start: $(cat "$work/log")"; done
    port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/log" | head -n 1)
}

# Waits until `load` is served.
serves() { # OPTION...
    looks=0
    until "$load" "$@" 127.0.0.1 "$port" >/dev/null 2>&1; do
        looks=$((looks + 1))
        if [ $looks -gt 2000 ] || ! kill -0 "$pid" 2>/dev/null; then fail "nothing serves on port $port: $(cat "$work/log")"; fi
    done
}

stop() {
    kill -9 "$pid" # nothing is to be saved, and not all end when they are told to
    wait "$pid" 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $pid\$//")
}

# Adds a line to the results: row, round, server, what `load` prints.
measure() { # ROW ROUND SERVER OPTION...
    row=$1 round=$2 server=$3
    shift 3
    start "$server"
    "$load" "$@" -t "$ms" 127.0.0.1 "$port" >"$work/out" 2>&1 || fail "$server does not stand $row: $(cat "$work/out")"
    stop
    echo "$row $round $server $(cat "$work/out")" >>"$work/results"
}

measure_round() { # ROUND
    while IFS='|' read -r command _; do
        order=$servers
        [ $(($1 % 2)) -eq 1 ] || order=$(echo "$order" | awk '{ for (i = NF; i > 0; i--) print $i }')
        for server in $order; do
            # shellcheck disable=SC2086 # the options are several words
            measure "${command%% *}" "$1" "$server" ${command#* }
        done
    done <"$work/rows"
}

resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status" 2>/dev/null || echo 0; }

# Adds the resident memory of silent clients, in bytes for each.
measure_idle() { # SERVER
    start "$1"
    before=$(resident)
    "$load" -i $idle 127.0.0.1 "$port" >"$work/out" &
    load_pid=$!
    pids="$pids $load_pid"
    until grep -q ready "$work/out"; do kill -0 $load_pid || fail "$1 does not take $idle clients"; done
    sleep 2 # buffers that are not used are given back
    echo "idle 1 $1 $((($(resident) - before) * 1024 / idle))" >>"$work/results"
    kill $load_pid
    wait $load_pid 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $load_pid\$//")
    stop
}

# Measures all.
take_turns() {
    round=1
    while [ "$round" -le "$rounds" ]; do
        echo "bench: round $round of $rounds" >&2
        measure_round "$round"
        round=$((round + 1))
    done
    for server in $servers; do [ "$server" = again ] || measure_idle "$server"; done
}

median() { # FORMAT
    sort -n | awk -v format="$1" '{ value[NR] = $1 }
        END { if (NR == 0) print "–"; else printf format "\n", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

result() { # ROW SERVER
    awk -v row="$1" -v server="$2" '$1 == row && $3 == server { print $4 }' "$work/results" | median %.0f
}

# The median, over the rounds, of how many times as much the first server had as the second.
ratio() { # ROW SERVER SERVER
    awk -v row="$1" -v one="$2" -v other="$3" '
        $1 == row && $3 == one { a[$2] = $4 }
        $1 == row && $3 == other { b[$2] = $4 }
        END { for (round in a) if (b[round] > 0) print a[round] / b[round] }' "$work/results" | median %.1f
}

# The table of all rows, for ours, the other server, and the other once more.
table() { # OURS OTHER
    while IFS='|' read -r command words; do
        row=${command%% *}
        echo "| $words | $(result "$row" "$1") | $(result "$row" "$2") | $(result "$row" again) |" \
            "**$(ratio "$row" "$1" "$2")** | **$(ratio "$row" "$1" again)** |"
    done <"$work/rows"
}

machine() { # VERSION-OF-THE-OTHER
    cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
    echo "${cpu:-unknown processor}, $(getconf _NPROCESSORS_ONLN) cores; $(uname -srm);" \
        "$(${CC-cc} --version | head -n 1), \`-O2\`; $1; $(date -u +%Y-%m-%d)."
}
