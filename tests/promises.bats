#!/usr/bin/env bats
# What every program of the course promises: those whose -h offers "-p PORT" are servers, those that take HOST and PORT
# clients; those of 05-udp speak UDP, the others TCP.
# Grades: nothing but the course

load helpers

# Notes each program with its kinds, as its help shows them. The server behind a flaky_proxy has port 5204 by default,
# on which a transcript of lesson 04 may be playing: here it is port 1, where nobody is.
setup_file() {
    local program help kind protocol
    printf '#!/bin/sh\nexec "%s" "$@" 127.0.0.1 1\n' "$FLAKY_PROXY" >"$BATS_FILE_TMPDIR/flaky_proxy"
    chmod +x "$BATS_FILE_TMPDIR/flaky_proxy"
    for program in $(make -s -C "$TOP" programs); do
        program=${BUILD:-$TOP}/$program
        help=$("$program" -h)
        case $help in
        *'[-p PORT]'*) kind=servers ;;
        *'[HOST [PORT]]'*) kind=clients ;;
        *) kind=others ;;
        esac
        protocol=tcp
        [[ $program == */05-udp/* ]] && protocol=udp
        [[ $help != *-v* ]] || kind+=" $kind-with-v"
        [[ $program != */flaky_proxy ]] || program=$BATS_FILE_TMPDIR/flaky_proxy
        echo "$program programs $kind $protocol-$kind "
    done >"$BATS_FILE_TMPDIR/kinds"
}

# Runs a check for each program; the last program named in the output of a failure is the one that broke the rule.
# CHECK gets the path of the program; NAME is its name. (No `||` here: it would switch off `set -e` inside the check.)
each() { # programs, servers, clients, tcp-servers, tcp-clients, udp-servers, udp-clients or servers-with-v; CHECK
    local program kinds list=()
    while read -r program kinds; do [[ " $kinds " != *" $1 "* ]] || list+=("$program"); done <"$BATS_FILE_TMPDIR/kinds"
    for program in "${list[@]}"; do
        echo "checking $program"
        NAME=${program##*/}
        "$2" "$program"
    done
}

# Passes when the server, started last with -v, hears what is said to it at this address.
hears() { # PROGRAM ADDRESS
    local protocol=tcp
    [[ $1 == */05-udp/* ]] && protocol=udp
    exec 5<>"/dev/$protocol/$2/$PORT"
    printf 'h\xff\n' >&5
    logged '68 ff 0a'
    exec 5>&-
}

# Runs a program that has to fail: exit code, nothing on stdout, and a first line that matches on stderr.
fails() { # CODE FIRST-LINE PROGRAM [ARGUMENT...]
    local code=$1 first=$2 status=0 line=''
    shift 2
    "$@" </dev/null >"$TMP/out" 2>"$TMP/err" || status=$?
    IFS= read -r line <"$TMP/err" || true
    if [ $status -ne "$code" ] || [ -s "$TMP/out" ] || ! [[ $line =~ $first ]]; then
        echo "$*"
        echo "rule: exit code $code (here $status), nothing on stdout, and on stderr first a line like: $first"
        cat "$TMP/out" "$TMP/err"
        return 1
    fi
}

shows_help() {
    local help option
    help=$("$1" -h 2>"$TMP/err")
    [ ! -s "$TMP/err" ]
    [[ $help == "usage: $NAME "* ]]
    head -n 1 <<<"$help" | grep -oE -- '-[a-z]( [A-Z]+)?\]|\[-[a-z]+' | while read -r option; do
        echo "and its -h has to explain: $option"
        case $option in
        *' '*) option=${option#* } && grep -qE -- "${option%]}[: ]+.*" <<<"${help#*$'\n'}" ;;
        *) grep -qE -- "-${option:2:1}([^a-z]|\$)" <<<"$help" ;;
        esac
    done
}

@test "every program explains itself with -h" { each programs shows_help; }

# Passes when a program has reported that its output cannot be written; echo_once and echo_select do it without words.
has_reported() { # PROGRAM
    echo "rule: output that cannot be written is an error with exit code 1 (here $STATUS)"
    case $NAME in
    echo_once | echo_select) [ "$STATUS" -eq 1 ] ;;
    *) has_complained "^$NAME: cannot write the output: ." ;;
    esac
}

reports_lost_help() {
    ends_by_itself 1 -- "$1" -h
    has_reported "$1"
    [ -c /dev/full ] || return 0
    ends_by_itself '>/dev/full' -- "$1" -h
    has_reported "$1"
}

@test "every program reports it if its help cannot be written" { each programs reports_lost_help; }

@test "backoff reports it if its table cannot be written" {
    ends_by_itself 1 -- "$BACKOFF"
    has_complained '^backoff: cannot write the output: Bad file descriptor$'
    [ -c /dev/full ] || skip "no /dev/full here"
    ends_by_itself '>/dev/full' -- "$BACKOFF"
    has_complained '^backoff: cannot write the output: No space left on device$'
}

@test "a server that is started with stdin, stdout and stderr closed sends its log to nobody" {
    each tcp-servers keeps_its_log
}

fills_descriptors() {
    local fd
    start_closed "$1"
    until grep -q socket: < <(ls -l "$PROC/$PID/fd"); do
        kill -0 "$PID"
        pause
    done
    for fd in 0 1 2; do
        echo "rule: a socket is never number 0, 1 or 2; $fd is: $(readlink "$PROC/$PID/fd/$fd")"
        [ "$(readlink "$PROC/$PID/fd/$fd")" = /dev/null ]
    done
    stops_on TERM
}

@test "a server that is started with stdin, stdout and stderr closed gives their numbers to no socket" {
    [ -e "$PROC/self/fd" ] || skip "no /proc here"
    each servers fills_descriptors
}

refuses_nonsense() {
    fails 2 . "$1" -Q
    grep -q '^usage: ' "$TMP/err"
    fails 2 "$NAME: " "$1" 127.0.0.1 3200 one-too-many
    grep -q '^usage: ' "$TMP/err"
    fails 2 "$NAME: " "$1" 127.0.0.1 3200 -h # behind an operand there is no option any more: POSIX, and not glibc's habit
    grep -q '^usage: ' "$TMP/err"
}

@test "every program refuses what it does not know, with its usage" { each programs refuses_nonsense; }

refuses_ports() {
    local port
    for port in -1 65536 99999999999999999999 32oo 0x50 '' ' 80' '80 ' 3.5; do
        fails 2 "$NAME: .*port|$NAME: '$port' is not a number from 0 to 65535" "$1" -p "$port"
        grep -q '^usage: ' "$TMP/err"
    done
}

@test "every server refuses a port that is none" { each servers refuses_ports; }

refuses_client_ports() {
    local port
    for port in 65536 99999999999999999999 32oo 0x50 '' ' 80' '80 '; do
        fails 2 "$NAME: '$port' is not a number from 0 to 65535" "$1" 127.0.0.1 "$port"
    done
}

@test "every client refuses a port that is none" { each clients refuses_client_ports; }

listens_on_loopback() {
    start "$1"
    [ "$(cat "$LOG")" = "$NAME: listening on 127.0.0.1:$PORT" ]
    stops_on TERM
}

@test "every server listens on loopback unless told otherwise, and says so in one line" {
    each servers listens_on_loopback
}

listens_on_ipv6() {
    start "$1" -v -a ::1
    grep -qx "$NAME: listening on \[::1\]:$PORT" "$LOG"
    hears "$1" ::1
    stops_on TERM
}

@test "every server listens on IPv6" {
    needs_ipv6
    each servers-with-v listens_on_ipv6
}

listens_on_all() {
    start "$1" -v -a 0.0.0.0
    grep -qx "$NAME: listening on 0.0.0.0:$PORT" "$LOG"
    hears "$1" 127.0.0.1
    stops_on TERM
}

@test "every server listens on all addresses if told so" { each servers-with-v listens_on_all; }

says_why_it_cannot_listen() {
    start "$1"
    fails 1 "^$NAME: cannot listen on 127.0.0.1:$PORT: Address (already )?in use" "$1" -p "$PORT"
    fails 1 "^$NAME: cannot listen on " "$1" -a no-such-name.invalid -p 0
    stops_on TERM
}

@test "every server says why it cannot listen" { each servers says_why_it_cannot_listen; }

# Where SIGHUP is ignored, as under nohup, nobody can start a program that does not ignore it.
ending_signals() {
    echo TERM INT
    [[ $(trap -p HUP) == *"''"* ]] || echo HUP
}

ends() {
    local signal
    for signal in $(ending_signals); do
        start "$1"
        exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
        logged connected
        stops_on "$signal"
        exec 5>&- 6>&-
        start "$1"
        stops_on "$signal"
    done
}

@test "SIGTERM, SIGINT and SIGHUP end every server within a second, with clients and without" { each tcp-servers ends; }

ends_when_busy() {
    local signal
    for signal in $(ending_signals); do
        start "$1"
        while printf x; do :; done >"/dev/udp/$HOST/$PORT" 2>"$TMP/err" 3>&- &
        STARTED+=($!)
        stops_on "$signal"
        kill -s KILL $! 2>"$TMP/err" || true # nobody listens any more, so it may have ended
        start "$1"
        stops_on "$signal"
    done
}

@test "SIGTERM, SIGINT and SIGHUP end every UDP server within a second, busy or not" { each udp-servers ends_when_busy; }

ignores_hangup() {
    IGNORING=HUP start "$1"
    kill -s HUP "$PID"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    logged connected
    exec 5>&-
    stops_on TERM
}

udp_ignores_hangup() {
    IGNORING=HUP start "$1" -v
    kill -s HUP "$PID"
    hears "$1" "$HOST"
    stops_on TERM
}

@test "a server that was started with SIGHUP ignored, as by nohup, goes on when it comes" {
    each tcp-servers ignores_hangup
    each udp-servers udp_ignores_hangup
}

ends_though_blocked() {
    [[ $NAME != echo_once && $NAME != echo_select ]] || return 0 # these are too small for it
    start env "LD_PRELOAD=$TMP/preload.so" "$1"
    stops_on TERM
}

# What is blocked stays blocked in a program that is started: shells never block, but other programs that start one may.
@test "SIGTERM ends every server, though whoever started it has blocked all signals" {
    preload <<'END'
        #include <signal.h>
        __attribute__((constructor)) static void block(void) {
            sigset_t all;
            sigfillset(&all);
            sigprocmask(SIG_BLOCK, &all, 0);
        }
END
    each servers ends_though_blocked
}

ends_when_stuck() {
    start_piped "$1"
    fill_log
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT" 7<>"/dev/tcp/$HOST/$PORT"
    stops_on TERM
    exec 5>&- 6>&- 7>&- 9>&-
    rm "$TMP/log"
}

udp_ends_when_stuck() {
    start_piped "$1" -v
    fill_log
    exec 5<>"/dev/udp/$HOST/$PORT"
    for _ in 1 2 3; do printf 'h\xff\n' >&5; done
    stops_on TERM
    exec 5>&- 9>&-
    rm "$TMP/log"
}

@test "SIGTERM ends every server within a second, also when nobody takes its log away" {
    each tcp-servers ends_when_stuck
    each udp-servers udp_ends_when_stuck
}

starts_again() { restarts "$1"; stops_on TERM; }

@test "every server starts again at once after a stop with clients connected" { each tcp-servers starts_again; }

shows_the_wire() {
    start "$1" -v
    hears "$1" "$HOST"
    stops_on TERM
}

@test "every server but echo_select shows the wire with -v" { each servers-with-v shows_the_wire; }

logs_comings_and_goings() {
    local client
    start "$1"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    logged '^127\.0\.0\.1:[0-9]+ connected$'
    client=$(sed -n 's/ connected$//p' "$LOG")
    exec 5>&-
    logged "^$client disconnected"
    stops_on TERM
}

@test "every server logs who comes and who goes, one line each" { each tcp-servers logs_comings_and_goings; }

survives_abuse() {
    start "$1"
    head -c 300000 /dev/urandom >"$TMP/garbage"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    cat "$TMP/garbage" >&5 2>/dev/null || true
    exec 5>&-
    printf '%s\n' 'a open' 'a reset' 'b >? "\0\0\0\0"' 'b reset' 'c open' 'c close' | "$POKE" "$HOST" "$PORT"
    logged connected
    stops_on TERM
}

@test "garbage and resets end no server" { each tcp-servers survives_abuse; }

# Datagrams of noise, of all sizes, and a sender that is gone when the answer comes ("port unreachable").
survives_garbage() {
    local size
    start "$1" -v
    for size in 0 1 2 3 4 5 63 512 516 1472 9000 65507; do
        head -c "$size" /dev/urandom >"$TMP/garbage"
        # one write of each size; bash would cut a long one
        dd "if=$TMP/garbage" bs=65507 2>"$TMP/err" >"/dev/udp/$HOST/$PORT"
    done
    printf '%s\n' 'a > ""' 'a close' 'b > "\0\x01"' 'b close' | "$POKE" -u "$HOST" "$PORT"
    hears "$1" "$HOST"
    stops_on TERM
}

@test "garbage ends no UDP server" { each udp-servers survives_garbage; }

# Sets WHAT: the options without which a client has nothing to do.
what_to_do() {
    case $NAME in
    tftp_client) WHAT=(-g file -l -) ;;
    mqtt_client) WHAT=(-t topic) ;;
    *) WHAT=() ;;
    esac
}

says_why_it_cannot_connect() {
    start "$TOP/01-echo/echo_server"
    stops_on TERM # so its port is surely one where nobody listens
    what_to_do
    fails 1 "^$NAME: .*127.0.0.1:$PORT.*Connection refused" "$1" ${WHAT[@]+"${WHAT[@]}"} 127.0.0.1 "$PORT"
}

@test "every client says why it cannot connect, in one line" { each tcp-clients says_why_it_cannot_connect; }

says_whom_it_cannot_find() {
    what_to_do
    fails 1 "^$NAME: .*no-such-name.invalid" "$1" ${WHAT[@]+"${WHAT[@]}"} no-such-name.invalid 80
    [ "$(wc -l <"$TMP/err")" -eq 1 ]
}

@test "every client says whom it cannot find, in one line" { each clients says_whom_it_cannot_find; }
