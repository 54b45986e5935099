#!/bin/sh
# Races the designs of 01-echo/designs beside the servers of lesson 01 and a loop on epoll, and writes 08-designs.md and
# 08-designs.svg.
#
#     make race             or, longer and steadier:  ROUNDS=7 make race
#
# The servers take turns in short rounds, each round in the other order, as in 01-echo.sh; what is reported is the median
# of all rounds. Each measurement has a new server. hold.c and flood.c, beside this file, are the crowd and the bystander.
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS-3}
page=tests/bench/08-designs.md picture=tests/bench/08-designs.svg
idle=500 crowd=5000 work_ms=200
work=$(mktemp -d)
pids=''
# shellcheck disable=SC2086 # a list
trap 'kill $pids 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "race: $*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# What is measured in round trips/s: a name, the options of echo_bench, the words for it. They are counted, not timed.
cat >"$work/rows" <<'END'
busy1 -c 1 -n 12000|1 busy connection
busy50 -c 50 -n 30000|50 busy connections
busy500 -c 500 -n 90000|500 busy connections
short -s -b 1 -n 1000|a connection for each
END

# ---- servers ----

# Prints the command of a server for so many clients at once.
command_of() { # SERVER CLIENTS
    case $1 in
    echo_fork | echo_threads | echo_poll) echo "01-echo/designs/$1 -n $2 -w $work_ms" ;;
    echo_prefork) echo "01-echo/designs/echo_prefork -n $2 -w $work_ms" ;;
    epoll_echo) echo "$work/epoll_echo" ;;
    *) echo "01-echo/$1" ;;
    esac
}

# Starts a server on any free port, and returns once it listens. Sets `pid` and `port`.
start() { # SERVER CLIENTS
    looks=0
    : >"$work/log"
    # shellcheck disable=SC2046 # several words
    $(command_of "$1" "$2") -p 0 2>"$work/log" &
    pid=$!
    pids="$pids $pid"
    until grep -q 'listening on .*:[0-9]' "$work/log"; do
        looks=$((looks + 1))
        if [ $looks -gt 5000 ] || ! kill -0 "$pid" 2>/dev/null; then
            fail "$1 does not start: $(cat "$work/log")"
        fi
    done
    port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/log" | head -n 1)
}

# Ends what start() has started last.
stop() {
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $pid\$//")
}

# Does this one have a worker for each client, or a loop: can it serve several at once?
serves_many() { [ "$1" != echo_once ]; } # SERVER

# Does this one have the option -w?
can_work() { [ -x "01-echo/designs/$1" ]; } # SERVER

# ---- measuring ----

# Adds a line to the results: what, which server, a number.
result() { echo "$1 $2 $3" >>"$work/results"; } # WHAT SERVER NUMBER

measure_rate() { # ROW SERVER OPTION...
    row=$1 server=$2 clients=1
    shift 2
    [ "$1" != -c ] || clients=$2
    case $row-$server in
    short-echo_prefork) clients=8 ;;
    short-*) clients=500 ;;
    esac
    start "$server" "$clients"
    01-echo/echo_bench "$@" 127.0.0.1 "$port" >"$work/out" || fail "$server does not stand $row: $(tail -n 1 "$work/log")"
    stop
    result "$row" "$server" "$(awk '/ round trips\/s$/ { print $1 }' "$work/out")"
}

# How long a bystander waits while another client connects, asks for work, gets it, and comes again.
measure_wait() { # SERVER
    start "$1" 8
    "$work/flood" -V -o 'work\n' -q ping -e ping -t 1000 127.0.0.1 "$port" >"$work/out" ||
        fail "$1 does not stand work: $(tail -n 1 "$work/log")"
    stop
    result wait "$1" "$(sed -n 's/.*highest \([0-9.]*\) ms.*/\1/p' "$work/out")"
}

measure_round() { # ROUND
    order=$servers
    [ $(($1 % 2)) -eq 1 ] || order=$(echo "$order" | awk '{ for (i = NF; i > 0; i--) print $i }')
    while IFS='|' read -r command _; do
        row=${command%% *}
        for server in $order; do
            # shellcheck disable=SC2086 # the options are several words
            case $row in busy1 | short) true ;; *) serves_many "$server" ;; esac && measure_rate "$row" "$server" ${command#* }
        done
    done <"$work/rows"
    for server in $order; do
        ! can_work "$server" || measure_wait "$server"
    done
}

# Prints the server's process and those that it has made.
family() { ps -A -o ppid= -o pid= | awk -v parent="$pid" '$1 == parent || $2 == parent { print $2 }'; }

# Prints RSS, Pss and page tables of all the server's processes together, in KiB.
memory() {
    family | awk '{ print "/proc/" $1 "/status"; print "/proc/" $1 "/smaps_rollup" }' | xargs cat 2>/dev/null |
        awk '/^VmRSS:/ { rss += $2 } /^VmPTE:/ { tables += $2 } /^Pss:/ { pss += $2 }
            END { print rss + 0, pss + 0, tables + 0 }'
}

# Lets a crowd come, and calls a function while it is there. What the crowd says is in $work/out.
with_crowd() { # CLIENTS FUNCTION
    "$work/hold" -c "$1" 127.0.0.1 "$port" <"$work/go" >"$work/said" &
    hold=$!
    pids="$pids $hold"
    exec 4>"$work/go"
    : >"$work/out"
    while read -r line && [ "$line" != ready ]; do echo "$line" >>"$work/out"; done <"$work/said"
    "$2"
    exec 4>&-
    wait "$hold" || fail "the crowd could not come to $server: $(tail -n 1 "$work/log")"
    pids=$(echo "$pids" | sed "s/ $hold\$//")
}

note_memory() { memory >"$work/after"; }

# Can the memory of processes be looked at? That needs Linux's /proc, and ps, which says whose child a process is.
sees_memory() { [ -r /proc/self/status ] && has ps; }

# What an idle connection costs: the memory with many of them, less that with none, by their number.
measure_idle() { # SERVER
    server=$1
    start "$server" 1
    before=$(memory)
    stop
    start "$server" "$idle"
    with_crowd "$idle" note_memory
    stop
    grep -q "^$idle served" "$work/out" || fail "$server does not serve $idle: $(head -n 1 "$work/out")"
    echo "$before $(cat "$work/after")" | awk -v server="$server" -v n="$idle" '
        function result(what, kib) { print what, server, (kib > 0 ? kib / n : 0) }
        {
            result("rss", $4 - $1)
            if ($5 > 0) result("pss", $5 - $2)
            result("tables", $6 - $3)
            result("cost", ($5 > 0 ? $5 - $2 : $4 - $1) + $6 - $3)
        }' >>"$work/results"
}

note_crowd() {
    sees_memory || return 0
    result processes "$server" "$(family | wc -l)"
    memory | awk -v server="$server" '{ print "all", server, (($2 > 0 ? $2 : $1) + $3) / 1024 }' >>"$work/results"
}

measure_crowd() { # SERVER
    server=$1
    case $server in
    echo_prefork) start "$server" 8 ;;
    *) start "$server" "$crowd" ;;
    esac
    with_crowd "$crowd" note_crowd
    stop
    awk -v server="$server" '
        / served, / { print "served", server, $1; print "refused", server, $3; print "waiting", server, $5; print "after", server, $8 }
        /^round trip/ { print "trip", server, $3 }' "$work/out" >>"$work/results"
}

# shellcheck disable=SC3045 # every sh that we know has ulimit -n
# Asks for as many descriptors as the crowd needs. If there are fewer, the crowd is smaller, and that is said.
raise_limit() {
    limit=$(ulimit -n)
    if [ "$limit" != unlimited ] && [ "$limit" -lt $((crowd + 200)) ]; then
        ulimit -n $((crowd + 200)) 2>/dev/null || ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
    fi
    limit=$(ulimit -n)
    if [ "$limit" != unlimited ] && [ "$limit" -lt $((crowd + 200)) ]; then
        echo "\`ulimit -n\` could not be raised over $limit here, so the crowd is $((limit - 200)) clients and not $crowd." >>"$work/missing"
        crowd=$((limit - 200))
        [ $crowd -ge 600 ] || fail "too few descriptors: ulimit -n says $limit, and cannot be raised"
    fi
}

# ---- the report ----

# Prints the median of a server's results in the given format; a dash if there are none.
median() { # WHAT SERVER FORMAT
    awk -v what="$1" -v server="$2" '$1 == what && $2 == server { print $3 }' "$work/results" | sort -n |
        awk -v format="$3" '{ value[NR] = $1 }
            END {
                if (NR == 0) print "–"
                else printf format "\n", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2
            }'
}

machine() {
    model=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
    echo "${model:-$(uname -m)}, $(getconf _NPROCESSORS_ONLN 2>/dev/null || echo '?') cores; $(uname -srm);" \
        "$(${CC-cc} --version | head -n 1), \`-O2\`; $(date -u +%Y-%m-%d)."
}

# What the page of the designs shows: one line for each server.
short_table() {
    echo "| | trips/s, 50 busy | 500 busy | KiB, idle client | bystander waits, ms | of $crowd clients | a trip then, ms |"
    echo '|---|--:|--:|--:|--:|---|--:|'
    for server in $servers; do
        waiting=$(median waiting "$server" %.0f) refused=$(median refused "$server" %.0f)
        fate="$(median served "$server" %.0f) served"
        [ "$refused" -eq 0 ] || fate="$fate, $refused refused"
        [ "$waiting" -eq 0 ] || fate="$fate, $waiting wait"
        echo "| \`$server\` | $(median busy50 "$server" %.0f) | $(median busy500 "$server" %.0f) |" \
            "$(median cost "$server" %.1f) | $(median wait "$server" %.0f) | $fate | $(median trip "$server" %.2f) |"
    done
}

rate_table() {
    echo '| server | 1 busy | 50 busy | 500 busy | connections/s |'
    echo '|---|--:|--:|--:|--:|'
    for server in $servers; do
        echo "| $server | $(median busy1 "$server" %.0f) | $(median busy50 "$server" %.0f) |" \
            "$(median busy500 "$server" %.0f) | $(median short "$server" %.0f) |"
    done
}

idle_table() {
    echo '| server | RSS | Pss | page tables | Pss and page tables |'
    echo '|---|--:|--:|--:|--:|'
    for server in $servers; do
        echo "| $server | $(median rss "$server" %.1f) | $(median pss "$server" %.1f) |" \
            "$(median tables "$server" %.1f) | $(median cost "$server" %.1f) |"
    done
}

wait_table() {
    echo '| server | longest wait, ms |'
    echo '|---|--:|'
    for server in $servers; do
        echo "| $server | $(median wait "$server" %.1f) |"
    done
}

crowd_table() {
    echo '| server | served | refused | wait | all know, ms | round trip, ms | processes | Pss and page tables, MiB |'
    echo '|---|--:|--:|--:|--:|--:|--:|--:|'
    for server in $servers; do
        echo "| $server | $(median served "$server" %.0f) | $(median refused "$server" %.0f) |" \
            "$(median waiting "$server" %.0f) | $(median after "$server" %.0f) | $(median trip "$server" %.3f) |" \
            "$(median processes "$server" %.0f) | $(median all "$server" %.1f) |"
    done
}

# One panel of the picture: a bar for each server, and its number.
panel() { # TITLE COLUMN COLOUR
    echo "set title '$1'"
    echo "plot '$work/data' using $2:0:(0):$2:(\$0-0.35):(\$0+0.35) with boxxyerror lc rgb '$3', \\"
    echo "    '' using $2:0:$(($2 + 1)) with labels left offset 0.5,0"
    echo 'unset ytics' # the names stand in the first panel
}

# Prints a value for a bar, and its words; of what there is not, 0 and a dash.
bar() { echo "$1" | awk '{ print ($1 == "–" ? 0 : $1), "\"" $1 "\"" }'; } # NUMBER

draw() {
    names='' place=0
    for server in $servers; do
        echo "$(bar "$(median busy500 "$server" %.0f)") $(bar "$(median cost "$server" %.1f)") $(bar "$(median wait "$server" %.0f)")"
    done >"$work/data"
    for server in $servers; do
        names="$names${names:+, }'$(echo "$server" | sed 's/_/\\_/')' $place"
        place=$((place + 1))
    done
    {
        cat <<END
set terminal svg size 960,360 font 'sans-serif,12' background 'white'
set output '$work/picture.svg'
set multiplot layout 1,3 margins 0.12,0.98,0.04,0.88 spacing 0.05
set style fill solid 0.9 noborder
set border 2
set tics nomirror
unset key
unset xtics
set ytics scale 0 ($names)
set xrange [0:*]
set yrange [$place-0.4:-0.6]
set offsets 0, graph 0.25, 0, 0
END
        panel 'Round trips/s, 500 busy clients (more is better)' 1 '#1f6feb'
        panel 'KiB for an idle connection (less)' 3 '#f0883e'
        panel 'ms that a bystander waits (less)' 5 '#8b949e'
    } >"$work/plot"
    gnuplot "$work/plot"
}

report() {
    cat <<END
# One worker for each client, or one loop for all?

Written by \`ROUNDS=$rounds make race\` ([08-designs.sh](08-designs.sh)); do not edit. Measured on loopback, clients and server on
the same machine: $(machine)

The designs of [01-echo/designs](../../01-echo/designs/README.md) beside the servers of lesson 01 and [\`epoll_echo\`](epoll_echo.c),
the least loop on Linux's epoll. Each number is the median of $rounds rounds in which the servers took turns, each
time newly started; echo_prefork with as many workers as there are clients, unless a table says otherwise. A dash: this
server cannot, or is not asked to: echo_once serves one client at a time, and only the four designs know \`work\`.

END
    [ ! -f "$work/picture.svg" ] || printf '![Three columns of the tables as a picture](08-designs.svg)\n\n'
    if [ -s "$work/missing" ]; then
        cat "$work/missing"
        echo
    fi
    cat <<'END'
## In short

END
    short_table
    cat <<'END'

## Busy clients: round trips per second

END
    rate_table
    cat <<END

From \`01-echo/echo_bench OPTIONS 127.0.0.1 PORT\`, which compares each byte, with \`-c 1 -n 12000\`, \`-c 50 -n 30000\` and
\`-c 500 -n 90000\`; the last column, connections made one after another for a byte each, with \`-s -b 1 -n 1000\`, and
echo_prefork with 8 workers.

A worker needs \`read()\` and \`write()\` for a round trip, and the kernel has to switch to it. A loop needs the same two, and
its \`poll()\` is for all that are ready. On the other hand workers may use more than one processor; but \`echo_bench\` needs
one for itself. With 500 the time in which their workers are made is a part of what was measured. The last column is
nearly only that.

## Idle clients: KiB of each connection

END
    idle_table
    cat <<END

The memory of all processes of a server with $idle clients that have said a byte each (\`hold -c $idle\`), less that with
none, by $idle: \`VmRSS\` and \`VmPTE\` in \`/proc/PID/status\`, \`Pss\` in \`smaps_rollup\`. RSS counts a page that several
processes share (libc, the program, what the child has not written to) in each of them; Pss divides it among them, so it
is what a connection takes. Page tables each process has for itself. Measured once. Not seen here: the kernel's stack of
each thread or process (16 KiB on x86-64) and its other records of it, and the socket, which costs the same everywhere.

## Work: how long does a bystander wait?

The longest round trip of a client while each request of another one burns $work_ms ms of CPU time (\`-w $work_ms\`).

END
    wait_table
    cat <<END

From \`flood -V -o 'work\n' -q ping -e ping -t 1000 127.0.0.1 PORT\`: the other one connects, asks, gets its answer, and
comes again, for a second. A loop does one thing after another. Where a worker serves the bystander, the kernel gives it
the processor, if need be before the other one is done: what is left is a time slice.

## $crowd clients

They come at once, say a byte each, and stay (\`hold -c $crowd\`). Measured once; echo_prefork with its 8 workers.

END
    crowd_table
    cat <<END

"All know" is when the last of them was served or refused: those that wait know nothing yet, and would as long as the
others stay. The round trip is that of one client while all the others are silent, the median of 300. The servers on
\`select()\` refuse those for which a set of FD_SETSIZE bits has no place. echo_once and echo_prefork leave the rest in the
kernel's queue, or without an answer when that is full. \`poll()\` is told of all $crowd and looks at all of them, for each
newcomer and for each message; epoll remembers them. [\`hold\`](hold.c) and [\`flood\`](flood.c) are built as their headers say.
END
}

for program in 01-echo/echo_once 01-echo/echo_select 01-echo/echo_server 01-echo/echo_bench 01-echo/designs/echo_fork \
    01-echo/designs/echo_prefork 01-echo/designs/echo_threads 01-echo/designs/echo_poll; do
    [ -x $program ] || fail "there is no $program yet; this works: make race"
done
for tool in hold flood; do
    ${CC-cc} -std=c11 -O2 -o "$work/$tool" tests/bench/$tool.c 01-echo/connect.c 01-echo/signals.c 01-echo/wire.c
done
mkfifo "$work/go" "$work/said"
: >"$work/missing"
servers='echo_once echo_fork echo_prefork echo_threads echo_select echo_server echo_poll'
if [ "$(uname)" = Linux ] && ${CC-cc} -std=c11 -O2 -o "$work/epoll_echo" tests/bench/epoll_echo.c 2>"$work/cc.log"; then
    servers="$servers epoll_echo"
else
    echo 'This system has no epoll, which is Linux, so epoll_echo is missing.' >>"$work/missing"
fi
sees_memory || echo 'Memory is looked at in /proc of Linux, and with ps, so there are dashes in its columns.' >>"$work/missing"
raise_limit
round=1
while [ "$round" -le "$rounds" ]; do
    echo "race: round $round of $rounds" >&2
    measure_round "$round"
    round=$((round + 1))
done
echo "race: idle connections, and $crowd clients" >&2
for server in $servers; do
    ! serves_many "$server" || ! sees_memory || measure_idle "$server"
    measure_crowd "$server"
done
if has gnuplot; then
    draw
else
    echo 'gnuplot is not installed, so there is no picture.' >>"$work/missing"
fi
report >"$work/page"
cp "$work/page" "$page"
if [ -f "$work/picture.svg" ]; then cp "$work/picture.svg" "$picture"; else rm -f "$picture"; fi
cat "$page"
