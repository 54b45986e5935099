#!/bin/sh
# Measures how fast a file comes by TFTP: from tftp_server and from atftpd, with the same client, block size and window,
# over a link that loses 0, 1 and 10 of 100 datagrams. Writes 05-tftp.md and 05-tftp.svg.
#
#     make bench            or, longer and steadier:  ROUNDS=7 make bench
#
# The servers take turns in each round, with the same seed of the link; what is reported is the median of all rounds, and
# ratios are taken within a round.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin # where servers live
rounds=${ROUNDS-3}
page=tests/bench/05-tftp.md picture=tests/bench/05-tftp.svg
blksize=1024
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

# What is measured at each loss: the loss in percent, the bytes of the file.
cat >"$work/losses" <<'END'
0 8388608
1 262144
10 262144
END

# ---- servers ----

# Starts a program, and returns once it listens. Sets `pid` and `port`.
start() { # NAME COMMAND...
    name=$1 looks=0
    shift
    : >"$work/$name.log"
    "$@" 2>"$work/$name.log" &
    pid=$!
    pids="$pids $pid"
    until grep -q 'listening on .*:[0-9]' "$work/$name.log"; do
        looks=$((looks + 1))
        if [ $looks -gt 5000 ] || ! kill -0 "$pid" 2>/dev/null; then
            fail "$name does not start: $(cat "$work/$name.log")"
        fi
    done
    port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/$name.log" | head -n 1)
}

# Ends what start() has started last, or the process given.
stop() { # [PID]
    set -- "${1-$pid}"
    kill "$1"
    wait "$1" 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $1\$//")
}

# atftpd has to be told a port, and says nothing when it is ready: one that was free a moment ago, and a try.
start_atftpd() {
    start free 05-udp/tftp/tftp_server -p 0
    stop
    atftpd --daemon --no-fork --bind-address 127.0.0.1 --port "$port" --logfile "$work/atftpd.log" --retry-timeout 1 \
        --user "$(id -un)" --group "$(id -gn)" "$work/files" >"$work/out" 2>&1 &
    pid=$!
    pids="$pids $pid"
    looks=0
    until 05-udp/tftp/tftp_client -t 20 -q 100 -g nothing -l /dev/null 127.0.0.1 "$port" 2>&1 | grep -q 'error 1'; do
        looks=$((looks + 1))
        [ $looks -lt 50 ] || fail "atftpd does not answer: $(cat "$work/out")"
    done
}

start_server() { # SERVER
    case $1 in
    tftp_server) start tftp_server 05-udp/tftp/tftp_server -p 0 -d "$work/files" ;;
    atftpd) start_atftpd ;;
    esac
}

# ---- measuring ----

# Prints the goodput in KiB/s of one get: bytes of the file per second, from the request to the last ACK.
goodput() { # PORT WINDOW FILE
    05-udp/tftp/tftp_client -b $blksize -w "$2" -q 60000 -g "$3" -l "$work/got" 127.0.0.1 "$1" 2>"$work/client" ||
        fail "no file: $(cat "$work/client")"
    cmp -s "$work/files/$3" "$work/got" || fail "the file that came is another one"
    awk '{ ms = $(NF - 1); printf "%.1f\n", $(NF - 8) / 1024 / ((ms > 0 ? ms : 0.5) / 1000) }' "$work/client"
}

# Adds lines to the results: loss, window, round, server, KiB/s.
measure() { # ROUND SERVER
    start_server "$2"
    server_pid=$pid server_port=$port
    while read -r loss bytes; do
        for window in 1 4 16; do
            [ "$loss" -eq 0 ] || start relay tests/udp_relay -l "$loss" -s $(($1 * 100 + window)) 127.0.0.1 "$server_port"
            echo "$loss $window $1 $2 $(goodput "$port" $window "$bytes")" >>"$work/results"
            [ "$loss" -eq 0 ] || stop
        done
    done <"$work/losses"
    stop "$server_pid"
}

# Adds lines: loss, window, round, "far", KiB/s; over a link on which each datagram takes 1 ms.
measure_far() { # ROUND
    start_server tftp_server
    server_pid=$pid server_port=$port
    for loss in 0 1 2 5 10 20; do
        for window in 1 4 16; do
            start relay tests/udp_relay -w 1 -l $loss -s $(($1 * 100 + window)) 127.0.0.1 "$server_port"
            echo "$loss $window $1 far $(goodput "$port" $window 262144)" >>"$work/results"
            stop
        done
    done
    stop "$server_pid"
}

# Reads numbers, prints their median in the given format; a dash if there are none.
median() { # FORMAT
    sort -n | awk -v format="$1" '{ value[NR] = $1 }
        END {
            if (NR == 0) print "–"
            else printf format "\n", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2
        }'
}

result() { # LOSS WINDOW SERVER
    awk -v loss="$1" -v window="$2" -v server="$3" '$1 == loss && $2 == window && $4 == server { print $5 }' \
        "$work/results" | median %.0f
}

# Prints for each round how many times as fast tftp_server was.
ratios() { # LOSS WINDOW
    awk -v loss="$1" -v window="$2" '$1 == loss && $2 == window && $4 == "tftp_server" { a[$3] = $5 }
        $1 == loss && $2 == window && $4 == "atftpd" { b[$3] = $5 }
        END { for (round in a) if (round in b) print a[round] / b[round] }' "$work/results"
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
        "$(! has atftpd || atftpd --version 2>&1 | sed -n 's/^\(atftp[-a-z]*\)[^0-9]*\([0-9.]*\).*/atftpd \2; /p' | head -n 1)$(date -u +%Y-%m-%d)."
}

table() {
    echo '| loss | window | file | tftp_server KiB/s | atftpd KiB/s | ratio | lowest to highest |'
    echo '|--:|--:|--:|--:|--:|--:|--:|'
    while read -r loss bytes; do
        for window in 1 4 16; do
            ratios "$loss" $window | sort -n >"$work/ratios"
            spread=$(awk '{ value[NR] = $1 } END { if (NR > 0) printf "%.2f to %.2f", value[1], value[NR] }' "$work/ratios")
            echo "| $loss% | $window | $((bytes / 1024)) KiB | $(result "$loss" $window tftp_server) |" \
                "$(result "$loss" $window atftpd) | **$(median %.2f <"$work/ratios")** | ${spread:-–} |"
        done
    done <"$work/losses"
}

# A bar of a # for each 100 KiB/s.
bars() {
    for window in 1 4 16; do
        for loss in 0 1 2 5 10 20; do
            rate=$(result $loss $window far)
            printf 'window %2d, %2d%% lost %6d KiB/s %s\n' $window $loss "$rate" \
                "$(awk -v n="$rate" 'BEGIN { for (i = 0; i < n / 100; i++) printf "#" }')"
        done
        echo
    done | sed '$d'
}

draw() {
    while read -r loss bytes; do
        for window in 1 4 16; do
            echo "\"$loss% lost\\nwindow $window\" $(result "$loss" $window tftp_server) $(result "$loss" $window atftpd)"
        done
    done <"$work/losses" | sed 's/–/NaN/g' >"$work/data"
    gnuplot <<END
set terminal svg size 960,420 font 'sans-serif,12' background 'white'
set output '$work/picture.svg'
set title 'KiB per second (logarithmic): medians of $rounds rounds'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set grid ytics lc rgb '#dddddd'
set border 3
set tics nomirror
set key top right
set logscale y
set yrange [1:*]
plot '$work/data' using 2:xtic(1) title 'tftp\\_server' lc rgb '#1f6feb', '' using 3 title 'atftpd' lc rgb '#f0883e'
END
}

report() {
    cat <<END
# How fast is a file by TFTP, and what does a loss cost?

Written by \`ROUNDS=$rounds make bench\` ([05-tftp.sh](05-tftp.sh)); do not edit. Measured on loopback, all on the same machine:
$(machine)

Goodput: bytes of the file per second, from the request to the last ACK. Both servers give the same file to the same
client, \`05-udp/tftp/tftp_client -b $blksize -w WINDOW\`; where there is loss, through \`tests/udp_relay -l LOSS\`, which loses
so many of 100 datagrams in each direction. Each number is the median of $rounds rounds, in which the servers took turns with the same
seed; the ratio is taken within a round. Each file was compared, byte for byte.

END
    table
    echo
    [ ! -f "$work/picture.svg" ] || printf '![The table as a picture](05-tftp.svg)\n\n'
    [ ! -s "$work/missing" ] || cat "$work/missing"
    cat <<END
What to see:

- Without loss it is the way of a datagram through the kernel and back that counts, and not the server.
- What a loss costs is the time until somebody notices. tftp_client and tftp_server measure how long an answer takes, and
  wait so long and four deviations more, at least 10 ms (RFC 1123 asks for an adaptive timeout; the formula is that of
  RFC 6298). atftpd waits a second (\`--retry-timeout 1\`, its shortest). That it does so well here it owes to the client:
  it answers each copy of an ACK with DATA, as long as it is not started with \`--prevent-sas\`, and tftp_client sends
  copies after 10 ms. It pays with DATA that goes twice.
- In a window a hole is noticed by the block behind it, so only the loss of the last block, or of an ACK, takes a timeout.

## Stop-and-wait beside a window

The same from \`tftp_server\`, 256 KiB over a link on which each datagram takes 1 ms (\`tests/udp_relay -w 1\`), so that an
answer takes two at least. A \`#\` is 100 KiB/s.

\`\`\`text
$(bars)
\`\`\`

A window of 1 can send one block for each round trip, whatever the line could carry. But what is lost in a window is sent
again with all that was behind it (go-back-N), so the wider the window, the more a loss destroys.
END
}

for needed in 05-udp/tftp/tftp_server 05-udp/tftp/tftp_client tests/udp_relay; do
    [ -x $needed ] || fail "there is no $needed yet; this works: make bench"
done
mkdir "$work/files"
chmod 755 "$work" "$work/files"
while read -r _ bytes; do head -c "$bytes" /dev/urandom >"$work/files/$bytes"; done <"$work/losses"
: >"$work/missing"
servers=tftp_server
if has atftpd; then
    servers="$servers atftpd"
else
    printf 'atftpd is not installed, so there is nothing in its column.\n\n' >>"$work/missing"
fi
round=1
while [ "$round" -le "$rounds" ]; do
    echo "bench: round $round of $rounds" >&2
    order=$servers
    [ $((round % 2)) -eq 1 ] || order=$(echo "$servers" | awk '{ for (i = NF; i > 0; i--) print $i }')
    for server in $order; do measure "$round" "$server"; done
    measure_far "$round"
    round=$((round + 1))
done
if has gnuplot; then draw; else printf 'gnuplot is not installed, so there is no picture.\n\n' >>"$work/missing"; fi
report >"$work/page"
cp "$work/page" "$page"
if [ -f "$work/picture.svg" ]; then cp "$work/picture.svg" "$picture"; else rm -f "$picture"; fi
cat "$page"
