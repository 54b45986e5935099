#!/bin/sh
# Measures how long a bystander waits beside clients that flood a server, and how long SIGTERM takes then. Writes
# 07-fairness.md.
#
#     make bench            or, longer and steadier:  ROUNDS=7 sh tests/bench/07-fairness.sh
#
# Each measurement has a new server, and lasts ROUNDS seconds. flood.c, beside this file, is the flood and the bystander.
set -eu
cd "$(dirname "$0")/../.."
rounds=${ROUNDS-3}
page=tests/bench/07-fairness.md
echo=01-echo/echo_server chat=02-group-chat/chat_server im=03-custom-protocol/im_server
ws=06-websocket-handshake/ws_server
work=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill -s KILL "$pid" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    echo "bench: $*" >&2
    exit 1
}

# Starts a server; sets pid and port.
start() { # COMMAND...
    : >"$work/log" # now: the shell of the server might do it too late
    "$@" -p 0 2>"$work/log" &
    pid=$! port='' looks=0
    while [ -z "$port" ]; do
        looks=$((looks + 1))
        [ $looks -lt 10000 ] || fail "$1 does not listen: $(cat "$work/log")"
        port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/log")
    done
}

# Adds a row to the table: what floods which server beside how many readers. The options are those of flood.
measure() { # "SERVER [OPTION...]" WORDS READERS OPTION...
    command=$1 words=$2 readers=$3 code=0
    shift 3
    echo "bench: ${command%% *}, $words" >&2
    # shellcheck disable=SC2086 # several words
    start $command
    "$work/flood" -r "$readers" -t $((rounds * 1000)) -k "$pid" "$@" 127.0.0.1 "$port" >"$work/out" ||
        fail "$command does not stand $words: $(tail -n 1 "$work/log")"
    wait "$pid" || code=$?
    pid=''
    name=${command%% *}
    awk -v begin="| ${name##*/} | $words | $readers |" -v code=$code '
        / round trips/ { printf "%s **%s** | %s | %s | ", begin, $2, $6, $9 }
        /^SIGTERM/ { print $2 (code ? ", exit " code : "") " |" }' "$work/out" >>"$work/rows"
}

# ---- What each server is asked: by the bystander, and by the others ----

ask_echo() { measure $echo "$@" -q 'ping' -e 'ping'; }

ask_chat() { measure $chat "$@" -B '/join corner\n' -q '/echo ping\n' -e '(echo): ping\n'; }

# A frame of text, in the escapes of flood; a number has six digits.
frame() { # MESSAGE
    printf '\\0\\0\\0\\x%02x\\x01%s' "$(printf %s "$1" | sed 's/%d/000000/g' | wc -c)" "$1"
}

ask_im() {
    measure "$im -u $work/accounts" "$@" -o "$(frame 'Login://id="1",username="u%d",password="x"')" \
        -B "$(frame 'Login://id="1",username="bystander",password="x"')" \
        -q "$(frame 'history://id="ping",username="bystander",count="1"')" -e 'id="ping",count="0"'
}

handshake() { # PATH
    printf 'GET %s HTTP/1.1\\r\\nHost: localhost\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n' "$1"
    printf 'Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n'
}

ask_ws() {
    measure $ws "$@" -o "$(handshake '/chat?name=flooder%d')" -O "$(handshake '/chat?name=reader%d')" \
        -B "$(handshake /echo)" -q '\x81\x84\0\0\0\0ping' -e 'ping'
}

# shellcheck disable=SC2016 # the backquotes are the page's
measure_all() {
    ask_echo nobody 1 -f 0
    ask_echo '50 send, and read 1 KiB at a time' 0 -f 50 -R 1024 -b x
    ask_echo '50 send, and never read' 0 -f 50 -R 0 -b x
    ask_echo '100 send single bytes' 0 -f 100 -W 1 -b x
    ask_echo '50 connect, get one answer, and come again' 0 -f 50 -V -o x
    ask_chat '1 says `x`' 800 -b 'x\n'
    ask_chat '50 send `/rooms`, all in one' 800 -f 50 -b '/rooms\n'
    ask_chat '50 send `/rooms`, each in a room of its own' 850 -f 50 -o '/join room%d\n' -O '/join room%d\n' -b '/rooms\n'
    ask_chat '100 send `/nick !`' 800 -f 100 -b '/nick !\n'
    ask_chat '100 send `/msg nobody x`' 800 -f 100 -b '/msg nobody x\n'
    ask_chat '50 come, are greeted, and come again' 800 -f 50 -V
    ask_im '50 write to somebody unknown' 0 -f 50 -b "$(frame 'msg://id="%d",friendName="nobody",text="x"')"
    ask_im '50 write to somebody who never reads' 0 -f 50 -b "$(frame 'msg://id="%d",friendName="u000998",text="x"')"
    for flooders in 1 4 16; do
        ask_ws "$flooders send empty texts" 800 -f $flooders -b '\x81\x80\0\0\0\0'
    done
    ask_ws '50 come, are greeted, and come again' 800 -f 50 -V
}

# ---- The report ----

machine() {
    model=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
    echo "${model:-$(uname -m)}, $(getconf _NPROCESSORS_ONLN 2>/dev/null || echo '?') cores; $(uname -srm);" \
        "$(${CC-cc} --version | head -n 1), \`-O2\`; $(date -u +%Y-%m-%d)."
}

report() {
    cat <<END
# How long does a bystander wait beside a flood?

Written by \`ROUNDS=$rounds make bench\` ([07-fairness.sh](07-fairness.sh)); do not edit. Measured on loopback, clients and server on
the same machine, $rounds s each: $(machine)

Flooders send as much as the server takes, without pause. Readers stay in the flooders' room and read what comes there, or
have a room each where the row says so. The bystander asks for something cheap, alone: /echo (chat_server and ws_server),
or a history that is empty (im_server, which has 1,000 accounts). So its time is what the others make it wait.

| server | flood | readers | median, ms | 99 %, ms | highest, ms | SIGTERM, ms |
|---|---|--:|--:|--:|--:|--:|
END
    cat "$work/rows"
    cat <<END

SIGTERM comes amid the flood; its time is until the server has hung up on everybody. Unless the row says otherwise the exit
code was 0. [\`flood\`](flood.c), built by \`cc -O2 -o flood tests/bench/flood.c 01-echo/connect.c 01-echo/signals.c
01-echo/wire.c\`, is flooders and readers in one process, and the bystander in another.

What to see:

- A turn of the loop is some 16 ms, and those who have something to do share it (\`TURN_US\` in
  [loop.c](../../01-echo/loop.c)): so the bystander waits about as long beside 16 or 100 flooders as beside one.
- The writes come on top: where a turn says something to a room of 800 it ends with 800 of them, some milliseconds more.
- A signal is heard at the end of a turn, so SIGTERM takes a turn, and the last words to everybody.
END
}

for program in $echo $chat $im $ws; do
    [ -x "$program" ] || fail "there is no $program yet; this works: make bench"
done
${CC-cc} -std=c11 -O2 -o "$work/flood" tests/bench/flood.c 01-echo/connect.c 01-echo/signals.c 01-echo/wire.c
i=0
while [ $i -lt 999 ]; do
    printf 'u%06d:x\n' $i
    i=$((i + 1))
done >"$work/accounts"
echo 'bystander:x' >>"$work/accounts"
measure_all
report >"$work/page"
cp "$work/page" $page
cat $page
