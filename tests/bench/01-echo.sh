#!/bin/sh
# Measures echo_server beside a server on epoll and one in Node.js, and writes 01-echo.md and 01-echo.svg. The server on
# epoll takes part twice, under two names: what these two differ by is the noise of the machine.
#
#     make bench            or, longer and steadier:  ROUNDS=7 make bench
#
# A machine is never quiet. So the servers take turns in short rounds, each round in the other order; ratios are
# taken within a round, where both had the same weather; and what is reported is the median of all rounds.
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS-3}
page=tests/bench/01-echo.md picture=tests/bench/01-echo.svg
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

# What is measured: a name, the options of echo_bench, the words for it. Short connections are counted, not timed:
# each leaves a port in TIME_WAIT, and a second of them would use up all there are.
cat >"$work/rows" <<'END'
small -t 1|1 connection, 64 bytes
large -t 1 -b 65536|1 connection, 64 KiB
busy50 -t 1 -c 50|50 connections, 64 bytes
busy500 -t 1 -c 500|500 connections, 64 bytes
busy900 -t 1 -c 900|900 connections, 64 bytes
silent -t 1 -i 899|900 connections, 1 active
short -n 2000 -s|a connection each, 64 bytes
END

# ---- servers ----

# Starts a server on any free port, and returns once it listens.
start() { # NAME COMMAND...
    name=$1 looks=0
    shift
    : >"$work/$name.log"
    "$@" -p 0 2>"$work/$name.log" &
    pids="$pids $!"
    echo $! >"$work/$name.pid"
    until grep -q 'listening on .*:[0-9]' "$work/$name.log"; do
        looks=$((looks + 1))
        if [ $looks -gt 5000 ] || ! kill -0 $! 2>/dev/null; then
            fail "$name does not start: $(cat "$work/$name.log")"
        fi
    done
    sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/$name.log" >"$work/$name.port"
}

# Ends a process that start() or memory() has started.
stop() { # PID
    kill "$1"
    wait "$1" 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $1\$//")
}

compile() { # PROGRAM SOURCE
    ${CC-cc} -std=c11 -O2 -o "$work/$1" "$2" 2>"$work/$1.log"
}

# Builds the exhibit in a copy of the lesson.
build_nagle() {
    cp -RL Makefile 01-echo "$work"
    rm -f "$work/01-echo/echo_server"
    patch -sf -p1 -d "$work" <tests/museum/nagle.diff >"$work/built" || fail "nagle.diff: $(cat "$work/built")"
    make -s -C "$work" 01-echo/echo_server
}

# Starts all that this machine can run. Sets `servers`; what is missing is said in $work/missing.
start_all() {
    : >"$work/missing"
    servers=echo_server
    start echo_server 01-echo/echo_server
    if [ "$(uname)" = Linux ] && compile epoll_echo tests/bench/epoll_echo.c; then
        start epoll_echo "$work/epoll_echo"
        start epoll_again "$work/epoll_echo"
        servers="$servers epoll_echo epoll_again"
    else
        echo 'This system has no epoll, which is Linux, so there is nothing in its columns.' >>"$work/missing"
    fi
    if has node; then
        start echo_node node tests/bench/echo_node.js
        servers="$servers echo_node"
    else
        echo 'Node.js is not installed, so there is nothing in its column.' >>"$work/missing"
    fi
    if has patch; then
        build_nagle
        start nagle "$work/01-echo/echo_server"
    else
        echo 'There is no program called patch here, so the exhibit could not be built.' >>"$work/missing"
    fi
}

# ---- measuring ----

# Adds a line to the results: which row, round and server, and its round trips/s.
measure() { # ROW ROUND SERVER OPTION...
    row=$1 round=$2 server=$3
    shift 3
    01-echo/echo_bench "$@" 127.0.0.1 "$(cat "$work/$server.port")" >"$work/out" || fail "$server does not stand $row"
    echo "$row $round $server $(awk '/ round trips\/s$/ { print $1 }' "$work/out")" >>"$work/results"
}

# Each server in each row, once; the other way round in every second round.
measure_round() { # ROUND
    while IFS='|' read -r command _; do
        row=${command%% *} order=$servers
        case $row in small | large) [ ! -f "$work/nagle.port" ] || order="$servers nagle" ;; esac
        [ $(($1 % 2)) -eq 1 ] || order=$(echo "$order" | awk '{ for (i = NF; i > 0; i--) print $i }')
        for server in $order; do
            # shellcheck disable=SC2086 # the options are several words
            measure "$row" "$1" "$server" ${command#* }
        done
    done <"$work/rows"
}

# Reads numbers, prints their median in the given format; a dash if there are none.
median() { # FORMAT
    sort -n | awk -v format="$1" '{ value[NR] = $1 }
        END {
            if (NR == 0) print "–"
            else printf format "\n", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2
        }'
}

# The median of a server's round trips/s in a row.
rate() { # ROW SERVER
    awk -v row="$1" -v server="$2" '$1 == row && $3 == server { print $4 }' "$work/results" | median %.0f
}

# Prints for each round of a row how many times as fast the first server was as the second.
ratios() { # ROW SERVER SERVER
    awk -v row="$1" -v one="$2" -v other="$3" '
        $1 == row && $3 == one { a[$2] = $4 }
        $1 == row && $3 == other { b[$2] = $4 }
        END { for (round in a) if (round in b) print a[round] / b[round] }' "$work/results"
}

# Two cells of a table: the median of a server's ratios to epoll_echo in a row, and the lowest and the highest.
compare() { # ROW SERVER
    ratios "$1" "$2" epoll_echo | sort -n >"$work/ratios"
    spread=$(awk '{ value[NR] = $1 } END { if (NR > 0) printf "%.2f to %.2f", value[1], value[NR] }' "$work/ratios")
    echo "**$(median %.2f <"$work/ratios")** | ${spread:-–}"
}

# ---- memory ----

rss() { # PID; in KiB
    if [ -r "/proc/$1/status" ]; then
        awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
    else
        ps -o rss= -p "$1" | tr -d ' '
    fi
}

# A table row: the memory of a new echo_server, in the state that a script for tests/poke brings it to.
memory() { # WORDS SCRIPT
    start memory 01-echo/echo_server
    server_pid=$(cat "$work/memory.pid")
    printf '%s\nsay ready\nwait hold 60000\n' "$2" >"$work/script"
    tests/poke 127.0.0.1 "$(cat "$work/memory.port")" <"$work/script" >"$work/said" &
    poke=$!
    pids="$pids $poke"
    while read -r line && [ "$line" != ready ]; do :; done <"$work/said"
    echo "| $1 | \`$2\` | $(rss "$server_pid") KiB |"
    stop "$poke"
    stop "$server_pid"
}

# The value of a constant of echo_server.c, in KiB.
limit() { awk -v name="$1" '$1 == "#define" && $2 == name { print $3 / 1024 }' 01-echo/echo_server.c; }

# ---- the report ----

machine() {
    if [ -r /proc/cpuinfo ]; then
        cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
    else
        cpu=$(sysctl -n machdep.cpu.brand_string 2>/dev/null || sysctl -n hw.model 2>/dev/null || true)
    fi
    echo "${cpu:-unknown processor}, $(getconf _NPROCESSORS_ONLN) cores; $(uname -srm);" \
        "$(${CC-cc} --version | head -n 1), \`-O2\`; $(! has node || echo "Node.js $(node --version); ")$(date -u +%Y-%m-%d)."
}

# shellcheck disable=SC2016 # Markdown's backquotes
table() {
    echo '| what | `echo_bench` … | echo_server | epoll_echo | ratio | lowest to highest | echo_node |'
    echo '|---|---|--:|--:|--:|--:|--:|'
    while IFS='|' read -r command words; do
        row=${command%% *}
        echo "| $words | \`${command#* }\` | $(rate "$row" echo_server) | $(rate "$row" epoll_echo) |" \
            "$(compare "$row" echo_server) | $(rate "$row" echo_node) |"
    done <"$work/rows"
}

noise_table() {
    echo '| what | epoll_again | epoll_echo | ratio | lowest to highest |'
    echo '|---|--:|--:|--:|--:|'
    while IFS='|' read -r command words; do
        row=${command%% *}
        echo "| $words | $(rate "$row" epoll_again) | $(rate "$row" epoll_echo) | $(compare "$row" epoll_again) |"
    done <"$work/rows"
}

draw() {
    while IFS='|' read -r command words; do
        row=${command%% *}
        printf '"%s" %s %s %s %s\n' "$(printf %s "$words" | sed 's/, /\\n/')" "$(rate "$row" echo_server)" \
            "$(rate "$row" epoll_echo)" "$(rate "$row" epoll_again)" "$(rate "$row" echo_node)"
    done <"$work/rows" | sed 's/–/NaN/g' >"$work/data"
    gnuplot <<END
set terminal svg size 960,420 font 'sans-serif,12' background 'white'
set output '$work/picture.svg'
set title 'Round trips per second: medians of $rounds rounds'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set grid ytics lc rgb '#dddddd'
set border 3
set bmargin 4
set tics nomirror
set key top left
set format y '%.0s %c'
set yrange [0:*]
plot '$work/data' using 2:xtic(1) title 'echo\\_server (select)' lc rgb '#1f6feb', \
     '' using 3 title 'epoll\\_echo' lc rgb '#f0883e', '' using 4 title 'the same again' lc rgb '#f7c08f', \
     '' using 5 title 'echo\\_node' lc rgb '#8b949e'
END
}

report() {
    cat <<END
# How fast is a server on select()?

Written by \`ROUNDS=$rounds make bench\` ([01-echo.sh](01-echo.sh)); do not edit. Measured on loopback, client and server on the same
machine: $(machine)

Round trips per second, each number the median of $rounds rounds in which the servers took turns. The ratio is
echo_server to epoll_echo within one round, the median of all rounds. Above 1, select() was faster.

END
    table
    cat <<END

Each number is from \`01-echo/echo_bench OPTIONS 127.0.0.1 PORT\` with the options of its row. It reads every answer
back and compares each byte. The servers, each started with \`-p 0\`:
[\`01-echo/echo_server\`](../../01-echo/echo_server.c), [\`epoll_echo\`](epoll_echo.c), built by
\`cc -std=c11 -O2 -o epoll_echo tests/bench/epoll_echo.c\`, and [\`node tests/bench/echo_node.js\`](echo_node.js).

END
    [ ! -f "$work/picture.svg" ] || printf '![The table as a picture](01-echo.svg)\n\n'
    cat <<END
How much of that is noise? epoll_again is epoll_echo once more: a second process of the same program, which took turns
with all the others. So a ratio of echo_server says something only if it is further from 1 than the ratio here.

END
    noise_table
    echo
    if [ -s "$work/missing" ]; then
        cat "$work/missing"
        echo
    fi
    cat <<'END'
What to see: as long as most clients are busy, `select()` is as good as anything. It looks at every descriptor in each
turn, but then it finds work at most of them. It is the silent ones that cost: with 899 of them the kernel asks each
whether it has something to say, before it sleeps and again when it wakes, for one message. `epoll` remembers whom
to wake for. `echo_bench` does not watch its silent connections either while it measures, so this is the server's price.

## Nagle

One setting left out, and large messages wait for a timer:
END
    echo "[\`nagle.diff\`](../museum/nagle.diff), built by"
    cat <<'END'
`patch -p1 <tests/museum/nagle.diff && make 01-echo/echo_server` in a copy.

| what | `echo_bench` … | echo_server | nagle | times as fast |
|---|---|--:|--:|--:|
END
    for row in small large; do
        IFS='|' read -r command words <<END
$(grep "^$row " "$work/rows")
END
        echo "| $words | \`${command#* }\` | $(rate "$row" echo_server) | $(rate "$row" nagle) |" \
            "$(ratios "$row" echo_server nagle | median %.1f) |"
    done
    cat <<END

## Memory

The resident memory of echo_server (\`VmRSS\` in \`/proc/PID/status\`, or \`ps -o rss= -p PID\`), each time newly started.
The steps are for \`tests/poke 127.0.0.1 PORT\`.

| state | step | memory |
|---|---|--:|
END
    cat "$work/memory"
    cat <<END

What one client can make it keep is at most twice IN_MAX = $(limit IN_MAX) KiB: what it has said, and what it is owed. To that
come, once for all clients, another IN_MAX to read into and the pages of code that its first client is the first to
use. When both are full, the server stops reading: the rest of the 64 MiB waits in the kernel's buffers, whose size is
the kernel's business, and in the client.
END
}

for program in 01-echo/echo_server 01-echo/echo_bench tests/poke; do
    [ -x $program ] || fail "there is no $program yet; this works: make bench"
done
start_all
round=1
while [ "$round" -le "$rounds" ]; do
    echo "bench: round $round of $rounds" >&2
    measure_round "$round"
    round=$((round + 1))
done
mkfifo "$work/said"
{
    memory 'nobody has come yet' 'say nobody'
    memory '900 clients, silent after a first byte' 'many crowd 900 "x" "x"'
    memory 'one client has had 64 KiB echoed, once' 'a echo 65536'
    memory 'one client wants to send 64 MiB, and reads nothing' 'a fill 67108864'
} >"$work/memory"
if has gnuplot; then
    draw
else
    echo 'gnuplot is not installed, so there is no picture.' >>"$work/missing"
fi
report >"$work/page"
cp "$work/page" "$page"
if [ -f "$work/picture.svg" ]; then cp "$work/picture.svg" "$picture"; else rm -f "$picture"; fi
cat "$page"
