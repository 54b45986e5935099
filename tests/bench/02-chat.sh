#!/bin/sh
# Measures chat_server beside a relay on epoll and ncat's chat, and writes 02-chat.md and 02-chat.svg. The relay takes
# part twice, under two names: what these two differ by is the noise of the machine.
#
#     make bench            or, longer and steadier:  ROUNDS=7 make bench
#
# The servers take turns in short rounds, each round in the other order, as in 01-echo.sh: ratios are taken within a
# round, and what is reported is the median of all rounds. Each measurement has a new server, for whoever is still
# being shown out of an old one would take part in the next.
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS-3}
page=tests/bench/02-chat.md picture=tests/bench/02-chat.svg
ncat_lines=100
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

# What is measured: a name, the options of crowd, the words for it. Names in 20... are measured with ncat, too.
cat >"$work/rows" <<'END'
20a -c 20 -s 1 -w 1 -n 3000|20 clients, 1 talks, 1 line under way
20b -c 20 -s 4 -w 1 -n 2500|20 clients, 4 talk, 1 line each under way
20c -c 20 -s 4 -w 16 -n 6000|20 clients, 4 talk, 16 lines each under way
200a -c 200 -s 1 -w 16 -n 1500|200 clients, 1 talks, 16 lines under way
200b -c 200 -s 4 -w 16 -n 700|200 clients, 4 talk, 16 lines each under way
200c -c 200 -s 4 -w 16 -n 800 -b 1024|200 clients, 4 talk, 16 lines of 1 KiB
200d -c 200 -d 20 -s 4 -w 16 -n 800 -b 1024|200 clients, 20 stalled, the same
900a -c 900 -s 1 -w 1 -n 60|900 clients, 1 talks, 1 line under way
900b -c 900 -s 4 -w 16 -n 120|900 clients, 4 talk, 16 lines each under way
900c -c 900 -d 100 -s 4 -w 16 -n 120|900 clients, 100 stalled, the same
END

# ---- servers ----

# Starts a server, and returns once it listens. Sets `pid` and `port`.
start() { # NAME COMMAND...
    name=$1 looks=0
    shift
    : >"$work/$name.log"
    "$@" 2>"$work/$name.log" &
    pid=$!
    pids="$pids $pid"
    until grep -q '[Ll]istening on .*:[0-9]' "$work/$name.log"; do
        looks=$((looks + 1))
        if [ $looks -gt 5000 ] || ! kill -0 "$pid" 2>/dev/null; then
            fail "$name does not start: $(cat "$work/$name.log")"
        fi
    done
    port=$(sed -n 's/.*[Ll]istening on .*:\([0-9]*\)$/\1/p' "$work/$name.log" | head -n 1)
}

# Ends what start() has started last.
stop() {
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $pid\$//")
}

# Starts one of them. ncat has to be told a port: the one that the server before it had is free again.
start_server() { # SERVER
    case $1 in
    chat_server) start chat_server 02-group-chat/chat_server -p 0 ;;
    epoll_chat | epoll_again) start "$1" "$work/epoll_chat" -p 0 ;;
    ncat) start ncat ncat -v --broker --chat -m 1000 -l 127.0.0.1 "$port" ;;
    esac
}

# Finds what this machine can run. Sets `servers`; what is missing is said in $work/missing.
find_servers() {
    : >"$work/missing"
    servers=chat_server
    if [ "$(uname)" = Linux ] &&
        ${CC-cc} -std=c11 -O2 -o "$work/epoll_chat" tests/bench/epoll_chat.c 2>"$work/cc.log"; then
        servers="$servers epoll_chat epoll_again"
    else
        echo 'This system has no epoll, which is Linux, so there is nothing in its columns.' >>"$work/missing"
    fi
    has ncat || echo 'ncat is not installed, so there is nothing in its column.' >>"$work/missing"
}

# ---- measuring ----

# Adds a line to the results: which row, round and server, its deliveries/s, p99 in ms, and whom it found too slow.
measure() { # ROW ROUND SERVER OPTION...
    row=$1 round=$2 server=$3
    shift 3
    start_server "$server"
    tests/crowd "$@" 127.0.0.1 "$port" >"$work/out" || fail "$server does not stand $row: $(cut -c 1-200 "$work/out")"
    stop
    echo "$row $round $server $(awk '
        / deliveries, / { sub(/.*: /, ""); rate = $1 }
        /^latency:/ { sub(/.*p99 /, ""); p99 = $1 }
        END { print rate, p99 }' "$work/out") $(grep -c 'too slow' "$work/$server.log" || true)" >>"$work/results"
}

# Each server in each row, once; the other way round in every second round.
measure_round() { # ROUND
    while IFS='|' read -r command _; do
        row=${command%% *} order=$servers
        [ $(($1 % 2)) -eq 1 ] || order=$(echo "$order" | awk '{ for (i = NF; i > 0; i--) print $i }')
        for server in $order; do
            # shellcheck disable=SC2086 # the options are several words
            measure "$row" "$1" "$server" ${command#* }
        done
        case $row in
        20[a-z])
            # shellcheck disable=SC2086 # the options are several words
            ! has ncat || measure "$row" "$1" ncat ${command#* } -n $ncat_lines
            ;;
        esac
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

# The median of a column of a server's results in a row: 4 is deliveries/s, 5 p99 in ms, 6 how many were too slow.
result() { # ROW SERVER COLUMN FORMAT
    awk -v row="$1" -v server="$2" -v column="$3" '$1 == row && $3 == server { print $column }' "$work/results" |
        median "$4"
}

# Prints for each round of a row how many times as much the first server had in a column as the second.
ratios() { # ROW SERVER SERVER COLUMN
    awk -v row="$1" -v one="$2" -v other="$3" -v column="$4" '
        $1 == row && $3 == one { a[$2] = $column }
        $1 == row && $3 == other { b[$2] = $column }
        END { for (round in a) if (round in b) print a[round] / b[round] }' "$work/results"
}

# Two cells of a table: the median of a server's ratios to epoll_chat in a row and column, and the lowest and the highest.
compare() { # ROW SERVER COLUMN
    ratios "$1" "$2" epoll_chat "$3" | sort -n >"$work/ratios"
    spread=$(awk '{ value[NR] = $1 } END { if (NR > 0) printf "%.2f to %.2f", value[1], value[NR] }' "$work/ratios")
    echo "**$(median %.2f <"$work/ratios")** | ${spread:-–}"
}

# ---- the report ----

machine() {
    if [ -r /proc/cpuinfo ]; then
        cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
    else
        cpu=$(sysctl -n machdep.cpu.brand_string 2>/dev/null || sysctl -n hw.model 2>/dev/null || true)
    fi
    echo "${cpu:-unknown processor}, $(getconf _NPROCESSORS_ONLN) cores; $(uname -srm);" \
        "$(${CC-cc} --version | head -n 1), \`-O2\`;" \
        "$(! has ncat || ncat --version 2>&1 | sed -n 's/^\(Ncat\): Version \([^ ]*\).*/\1 \2; /p')$(date -u +%Y-%m-%d)."
}

# shellcheck disable=SC2016 # Markdown's backquotes
table() {
    echo '| what | `crowd` … | chat_server | epoll_chat | ratio | lowest to highest | ncat |'
    echo '|---|---|--:|--:|--:|--:|--:|'
    while IFS='|' read -r command words; do
        row=${command%% *}
        echo "| $words | \`${command#* }\` | $(result "$row" chat_server 4 %.0f) | $(result "$row" epoll_chat 4 %.0f) |" \
            "$(compare "$row" chat_server 4) | $(result "$row" ncat 4 %.0f) |"
    done <"$work/rows"
}

late_table() {
    echo '| what | chat_server | epoll_chat | ratio | ncat |'
    echo '|---|--:|--:|--:|--:|'
    while IFS='|' read -r command words; do
        row=${command%% *}
        echo "| $words | $(result "$row" chat_server 5 %.2f) | $(result "$row" epoll_chat 5 %.2f) |" \
            "$(ratios "$row" chat_server epoll_chat 5 | median %.2f) | $(result "$row" ncat 5 %.2f) |"
    done <"$work/rows"
}

noise_table() {
    echo '| what | epoll_again | epoll_chat | ratio | lowest to highest | p99: ratio | lowest to highest |'
    echo '|---|--:|--:|--:|--:|--:|--:|'
    while IFS='|' read -r command words; do
        row=${command%% *}
        echo "| $words | $(result "$row" epoll_again 4 %.0f) | $(result "$row" epoll_chat 4 %.0f) |" \
            "$(compare "$row" epoll_again 4) | $(compare "$row" epoll_again 5) |"
    done <"$work/rows"
}

draw() {
    while IFS='|' read -r command words; do
        row=${command%% *}
        printf '"%s" %s %s %s %s\n' "$(printf %s "$words" | sed 's/, /\\n/g; s/ each under way//; s/ under way//')" \
            "$(result "$row" chat_server 4 %.0f)" "$(result "$row" epoll_chat 4 %.0f)" \
            "$(result "$row" epoll_again 4 %.0f)" "$(result "$row" ncat 4 %.0f)"
    done <"$work/rows" | sed 's/–/NaN/g' >"$work/data"
    gnuplot <<END
set terminal svg size 960,420 font 'sans-serif,12' background 'white'
set output '$work/picture.svg'
set title 'Deliveries per second: medians of $rounds rounds'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set grid ytics lc rgb '#dddddd'
set border 3
set bmargin 5
set xtics font ',10'
set tics nomirror
set key top left
set format y '%.1s %c'
set yrange [0:*]
set offsets 0, 0, graph 0.15, 0
plot '$work/data' using 2:xtic(1) title 'chat\\_server (select)' lc rgb '#1f6feb', \
     '' using 3 title 'epoll\\_chat' lc rgb '#f0883e', '' using 4 title 'the same again' lc rgb '#f7c08f', \
     '' using 5 title 'ncat' lc rgb '#8b949e'
END
}

report() {
    cat <<END
# How fast does a room on select() hear?

Written by \`ROUNDS=$rounds make bench\` ([02-chat.sh](02-chat.sh)); do not edit. Measured on loopback, clients and server on the same
machine: $(machine)

A delivery is one line at one reader: a line said among 900 is 899 deliveries. Deliveries per second, each number the
median of $rounds rounds in which the servers took turns. The ratio is chat_server to epoll_chat within one round, the
median of all rounds. Above 1, select() was faster.

END
    table
    cat <<END

How late a line was, at p99: 99 of 100 deliveries had come within so many milliseconds after the line was said. Below
1, select() was faster.

END
    late_table
    cat <<END

How much of that is noise? epoll_again is epoll_chat once more: the same program, which took turns with all the others.
So a ratio of chat_server says something only if it is further from 1 than the ratios here.

END
    noise_table
    cat <<END

Each number is from \`tests/crowd OPTIONS 127.0.0.1 PORT\` with the options of its row. It checks each delivery: whole,
once, in order, and not to the sender. If one is wrong or missing there is no page, so none was. Each measurement is of
a new server: [\`02-group-chat/chat_server -p 0\`](../../02-group-chat/chat_server.c), [\`epoll_chat -p 0\`](epoll_chat.c),
built by \`cc -std=c11 -O2 -o epoll_chat tests/bench/epoll_chat.c\`, and \`ncat -v --broker --chat -m 1000 -l 127.0.0.1
PORT\`, for which \`-n $ncat_lines\` is added to the options.

END
    [ ! -f "$work/picture.svg" ] || printf '![The first table as a picture](02-chat.svg)\n\n'
    if [ -s "$work/missing" ]; then
        cat "$work/missing"
        echo
    fi
    cat <<END
What to see:

- In a chat everybody is written to, so there is hardly a silent one whom \`epoll\` could save the server from looking
  at. What a line costs is one write for each reader, with either. Where only one line is under way each turn has just
  one, and \`select()\` has to look through its sets for it. chat_server also does more: it reads telnet, cleans text,
  has rooms and names.
- 16 lines under way give more deliveries a second than one, for a turn writes all that it has for a reader at once.
  They are later, too: whoever says more at once waits behind more.
- \`crowd\` is one process, like the server, and reads and checks for all clients, which takes more processor time than
  either server does. So the servers differ by more than these ratios say.
- Stalled readers: of the 20 among 200, chat_server cut off $(result 200d chat_server 6 %.0f) as too slow while it was
  measured; of the 100 among 900, $(result 900c chat_server 6 %.0f). Where that is 0, so little was said that what they
  did not read found room in the kernel. All others got every line. There are fewer of them to write to than in the
  row above, so compare the servers, not the rows.
- \`ncat\` is measured with 20 clients only. To each newcomer it sends a list of all who are there, in one line, which
  with 200 is longer than \`crowd\` takes a line to be. It puts its \`<userN>\` in front of what it reads at once, not of
  each line: with several under way some come without a name, and \`crowd\` does not mind. Where four talk it takes
  over 40 ms, the time of [Nagle's waiting](01-echo.md#nagle); that this is the cause was not looked into.
END
}

for program in 02-group-chat/chat_server tests/crowd; do
    [ -x $program ] || fail "there is no $program yet; this works: make bench"
done
find_servers
round=1
while [ "$round" -le "$rounds" ]; do
    echo "bench: round $round of $rounds" >&2
    measure_round "$round"
    round=$((round + 1))
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
