#!/bin/sh
# Measures ws_server beside an echo server on libwebsockets and one on the npm package ws, and writes 06-ws.md.
#
#     make bench            or, longer and steadier:  ROUNDS=7 make bench
#
# The servers take turns in short rounds, each round in the other order: ratios are taken within a round, and what is
# reported is the median of all rounds. The CPU time of a server is read from /proc, so it is there on Linux only; it is
# steadier than messages per second where others use the machine, too.
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS-3} ms=${BENCH_MS-700}
page=tests/bench/06-ws.md
work=$(mktemp -d)
pids=''
# shellcheck disable=SC2086 # a list
trap 'kill $pids 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "bench: $*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# What is measured: a name, the options of ws_bench, the words for it.
cat >"$work/rows" <<'END'
one -c 1 -b 64|1 connection, 64 bytes
some -c 50 -b 64|50 connections, 64 bytes
many -c 500 -b 64|500 connections, 64 bytes
large -c 1 -b 65536|1 connection, 64 KiB
larges -c 50 -b 65536|50 connections, 64 KiB
shakes -c 10 -s|handshakes, 10 at a time
END

# Starts a server, and returns once it listens. Sets `pid` and `port`.
start() { # NAME COMMAND...
    name=$1 looks=0
    shift
    : >"$work/$name.log"
    "$@" 2>"$work/$name.log" &
    pid=$!
    pids="$pids $pid"
    until grep -q 'listening on .*:[0-9]' "$work/$name.log"; do
        looks=$((looks + 1))
        if [ $looks -gt 20000 ] || ! kill -0 "$pid" 2>/dev/null; then
            fail "$name does not start: $(cat "$work/$name.log")"
        fi
    done
    port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/$name.log" | head -n 1)
}

stop() {
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $pid\$//")
}

# Starts one of them. lws_echo has to be told a port: one that is free, for a server had it a moment ago.
start_server() { # SERVER
    case $1 in
    ws_server) start ws_server 06-websocket-handshake/ws_server -p 0 ;;
    nagle) start nagle "$work/06-websocket-handshake/ws_server" -p 0 ;;
    lws_echo) start ws_server 06-websocket-handshake/ws_server -p 0 && stop && start lws_echo "$work/lws_echo" "$port" ;;
    ws_node) NODE_PATH=$work/node_modules start ws_node node tests/bench/ws_node.js ;;
    esac
}

# Finds what this machine can run. Sets `servers`; what is missing is said in $work/missing.
find_servers() {
    : >"$work/missing"
    servers=ws_server
    if ${CC-cc} -O2 -o "$work/lws_echo" tests/bench/lws_echo.c -lwebsockets 2>"$work/cc.log"; then
        servers="$servers lws_echo"
    else
        echo 'libwebsockets is not installed (Debian: libwebsockets-dev), so there is nothing in its column.' >>"$work/missing"
    fi
    if has node && has npm && npm install --no-audit --no-fund --prefix "$work" ws >"$work/npm.log" 2>&1; then
        servers="$servers ws_node"
    else
        echo 'Node.js is not installed, or npm cannot get ws, so there is nothing in its column.' >>"$work/missing"
    fi
    cp -RL Makefile 06-websocket-handshake "$work"
    rm -f "$work/06-websocket-handshake/ws_server"
    if has patch && patch -s -p1 -d "$work" <tests/museum/ws_nagle.diff &&
        make -s -C "$work" 06-websocket-handshake/ws_server 2>"$work/cc.log"; then
        nagle=nagle
    else
        nagle=''
    fi
}

# Prints the CPU time that the server has used, in clock ticks; 0 where there is no /proc.
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat" 2>/dev/null || echo 0; }

resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status" 2>/dev/null || echo 0; }

# Adds a line to the results: row, round, server, so many a second, MB/s, CPU time for one in microseconds.
measure() { # ROW ROUND SERVER OPTION...
    row=$1 round=$2 server=$3
    shift 3
    start_server "$server"
    before=$(ticks)
    "$work/ws_bench" "$@" -t "$ms" 127.0.0.1 "$port" >"$work/out" 2>&1 || fail "$server does not stand $row: $(cat "$work/out")"
    used=$(($(ticks) - before))
    stop
    awk -v what="$row $round $server" -v used=$used -v hz="$(getconf CLK_TCK)" '{
        sub(/,/, ""); n = $1
        for (i = 2; i <= NF; i++) { if ($i == "a") rate = $(i - 1); if ($i == "MB/s") mb = $(i - 1) }
        print what, rate, mb, (n > 0 && used > 0 ? used / hz * 1e6 / n : "-")
    }' "$work/out" >>"$work/results"
}

measure_round() { # ROUND
    while IFS='|' read -r command _; do
        order=$servers
        [ $(($1 % 2)) -eq 1 ] || order=$(echo "$order" | awk '{ for (i = NF; i > 0; i--) print $i }')
        case $command in one\ *) order="$order $nagle" ;; esac
        for server in $order; do
            # shellcheck disable=SC2086 # the options are several words
            measure "${command%% *}" "$1" "$server" ${command#* }
        done
    done <"$work/rows"
}

# Adds the resident memory of 500 silent connections, in bytes for each, to the results.
measure_idle() { # SERVER
    start_server "$1"
    before=$(resident)
    mkfifo "$work/pipe$1"
    "$work/ws_bench" -c 500 -i 127.0.0.1 "$port" <"$work/pipe$1" >"$work/out" &
    bench=$!
    exec 7>"$work/pipe$1"
    until grep -q 'all are open' "$work/out"; do kill -0 $bench || fail "$1 does not take 500 connections"; done
    after=$(resident)
    exec 7>&-
    wait $bench || true
    stop
    echo "idle 1 $1 $(((after - before) * 1024 / 500))" >>"$work/results"
}

# Reads numbers, prints their median in the given format; a dash if there are none.
median() { # FORMAT
    grep -v '^-$' | sort -n | awk -v format="$1" '{ value[NR] = $1 }
        END {
            if (NR == 0) print "–"
            else printf format "\n", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2
        }'
}

# The median of a column of a server's results in a row: 4 is so many a second, 5 MB/s, 6 CPU time in microseconds.
result() { # ROW SERVER COLUMN FORMAT
    awk -v row="$1" -v server="$2" -v column="$3" '$1 == row && $3 == server { print $column }' "$work/results" |
        median "$4"
}

# The median, over the rounds, of how many times as much the first server had in a column as the second.
ratio() { # ROW SERVER SERVER COLUMN
    awk -v row="$1" -v one="$2" -v other="$3" -v column="$4" '
        $1 == row && $3 == one { a[$2] = $column }
        $1 == row && $3 == other { b[$2] = $column }
        END { for (round in a) if (b[round] > 0) print a[round] / b[round] }' "$work/results" | median %.2f
}

machine() {
    if [ -r /proc/cpuinfo ]; then
        cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
    else
        cpu=$(sysctl -n machdep.cpu.brand_string 2>/dev/null || true)
    fi
    echo "${cpu:-unknown processor}, $(getconf _NPROCESSORS_ONLN) cores; $(uname -srm);" \
        "$(${CC-cc} --version | head -n 1), \`-O2\`;" \
        "libwebsockets $(pkg-config --modversion libwebsockets 2>/dev/null | sed 's|-$||');" \
        "Node.js $(node --version 2>/dev/null || echo none)," \
        "ws $(sed -n 's/.*"version": "\(.*\)".*/\1/p' "$work/node_modules/ws/package.json" 2>/dev/null || true);" \
        "$(date -u +%Y-%m-%d)."
}

table() { # COLUMN FORMAT
    echo '| what | ws_server | lws_echo | ratio | ws_node | ratio |'
    echo '|---|--:|--:|--:|--:|--:|'
    while IFS='|' read -r command words; do
        row=${command%% *}
        echo "| $words | $(result "$row" ws_server "$1" "$2") | $(result "$row" lws_echo "$1" "$2") |" \
            "**$(ratio "$row" ws_server lws_echo "$1")** | $(result "$row" ws_node "$1" "$2") |" \
            "**$(ratio "$row" ws_server ws_node "$1")** |"
    done <"$work/rows"
}

report() {
    cat <<END
# How fast does a WebSocket echo?

Written by \`ROUNDS=$rounds make bench\` ([06-ws.sh](06-ws.sh)); do not edit. Measured on loopback, client and server on the same machine:
$(machine)

Each connection has one message under way, which is compared when it is back. Round trips (or handshakes) per second,
each number the median of $rounds rounds of $ms ms in which the servers took turns; ratios are within one round. Above 1,
ws_server was faster.

END
    table 4 %.0f
    cat <<END

64 KiB in MB/s: ws_server $(result large ws_server 5 %.0f) with 1 connection and $(result larges ws_server 5 %.0f) with 50, lws_echo $(result large lws_echo 5 %.0f) and $(result larges lws_echo 5 %.0f), ws_node $(result large ws_node 5 %.0f) and $(result larges ws_node 5 %.0f).

CPU time of the server for each, in microseconds. Below 1, ws_server used less. On a machine that does other things, too,
this is the steadier measure.

END
    table 6 %.2f
    cat <<END

Resident memory for each of 500 connections that are open and silent: ws_server $(result idle ws_server 4 %.0f) bytes, lws_echo $(result idle lws_echo 4 %.0f),
ws_node $(result idle ws_node 4 %.0f).

[\`ws_bench\`](ws_bench.c) \`OPTIONS -t $ms 127.0.0.1 PORT\` is the client. The others are [\`lws_echo\`](lws_echo.c), on
libwebsockets and written for this: the libwebsockets-test-server 4.1.6 of Debian has no protocol \`echo\`, and its \`lws-mirror-protocol\`
sends a message to all who are connected; and [\`ws_node\`](ws_node.js), on the npm package \`ws\`.
Both echo whole messages, without compression, on one thread.

END
    if [ -s "$work/missing" ]; then
        cat "$work/missing"
        echo
    fi
    [ -z "$nagle" ] || cat <<END
## Nagle

Header and payload in two writes, with Nagle's algorithm on ([\`ws_nagle.diff\`](../museum/ws_nagle.diff)), 1 connection,
64 bytes: $(result one nagle 4 %.0f) round trips a second. The kernel holds the payload back until the header is
acknowledged, and the client's kernel waits with that, for it has nothing to say before it has the payload.
END
}

[ -x 06-websocket-handshake/ws_server ] || fail "there is no ws_server yet; this works: make bench"
${CC-cc} -std=c11 -O2 -o "$work/ws_bench" tests/bench/ws_bench.c
find_servers
round=1
while [ "$round" -le "$rounds" ]; do
    echo "bench: round $round of $rounds" >&2
    measure_round "$round"
    round=$((round + 1))
done
for server in $servers; do measure_idle "$server"; done
report >"$work/page"
cp "$work/page" "$page"
cat "$page"
