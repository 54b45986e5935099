#!/usr/bin/env bats
# What the echo client promises ($ECHO_CLIENT). What one of somebody's own has to do is on the page: 01-echo/README.md,
# "A server of your own".
# Grades: ECHO_CLIENT

load helpers

# The servers that it talks to are the course's.
SERVER=${BUILD:-$TOP}/01-echo/echo_server

@test "client: what goes in comes out" {
    start "$SERVER"
    printf 'hello\n吃饭了吗\n\0\377' >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" "$HOST" "$PORT"
}

@test "client: what it has sent and received is told at the end" {
    ours
    start "$SERVER"
    printf 'hello\n吃饭了吗\n\0\377' >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" "$HOST" "$PORT"
    grep -qE '^echo_client: 1 connection, 21 bytes sent, 21 received, [0-9]+ ms$' "$TMP/err"
    round_trip "$TMP/in" "$ECHO_CLIENT" -s "$HOST" "$PORT"
    grep -qE '^echo_client: 3 connections, 21 bytes sent, 21 received, [0-9]+ ms$' "$TMP/err"
    round_trip /dev/null "$ECHO_CLIENT" -s "$HOST" "$PORT"
    [ ! -s "$TMP/err" ]
}

@test "client: nothing in, nothing out" {
    start "$SERVER"
    : >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" "$HOST" "$PORT"
    round_trip "$TMP/in" "$ECHO_CLIENT" -s "$HOST" "$PORT"
}

@test "client: 50 MB through a pipe come back without a deadlock" {
    start "$SERVER"
    head -c 50000000 /dev/urandom >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" "$HOST" "$PORT"
}

@test "client: with -s each line has a connection of its own" {
    start "$SERVER"
    { seq 1 500; printf 'the last one has no end'; } >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" -s "$HOST" "$PORT"
    local tries count
    for ((tries = 0; tries < TRIES; tries++)); do
        count=$(grep -c ' disconnected$' "$LOG") || true
        [ "$count" -lt 501 ] || break
        pause
    done
    echo "rule: with -s 501 lines are 501 connections; here: $count"
    [ "$count" -eq 501 ]
}

@test "client: with -s a line may be of any length" {
    start "$SERVER"
    { head -c 300000 /dev/zero; echo; echo short; head -c 65535 /dev/zero; echo; } >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" -s "$HOST" "$PORT"
}

@test "client: it finds the server by name, be it on IPv4 or IPv6" {
    echo hello >"$TMP/in"
    start "$SERVER"
    ! "$ECHO_CLIENT" localhost "$PORT" </dev/null 2>&1 | grep 'cannot find localhost' || skip "nobody is called localhost"
    round_trip "$TMP/in" "$ECHO_CLIENT" localhost "$PORT"
    start "$SERVER" -a localhost
    round_trip "$TMP/in" "$ECHO_CLIENT" localhost "$PORT"
}

# Runs the client with a menu server that says goodbye before the end of its input. Sets STATUS.
hung_up_on() {
    start "${SERVER%/*}/menu_server"
    mkfifo "$TMP/keys"
    exec 5<>"$TMP/keys"
    "$ECHO_CLIENT" "$HOST" "$PORT" <&5 >"$TMP/out" 2>"$TMP/err" 3>&- &
    STARTED+=($!)
    echo 3 >&5
    STATUS=0
    wait $! || STATUS=$?
    exec 5>&-
}

@test "client: a server that hangs up before the end of the input ends it, with exit code 1" {
    hung_up_on
    grep -q Goodbye "$TMP/out"
    echo "rule: exit code 1, for not all has come back; here: $STATUS"
    [ "$STATUS" -eq 1 ]
}

@test "client: a server that hangs up before the end of the input is told in one line" {
    ours
    hung_up_on
    grep -q "^echo_client: $HOST:$PORT: hung up before the end of our input$" "$TMP/err"
}

@test "client: SIGTERM and SIGINT end it within a second, exit code 0" {
    start "$SERVER"
    mkfifo "$TMP/keys"
    exec 5<>"$TMP/keys"
    for option in '' -s; do
        for signal in TERM INT; do
            : >"$TMP/out"
            # shellcheck disable=SC2086 # no option is no argument
            "$ECHO_CLIENT" $option "$HOST" "$PORT" <&5 >"$TMP/out" 2>"$TMP/err" 3>&- &
            PID=$!
            STARTED+=("$PID")
            echo hello >&5
            LOG=$TMP/out logged hello
            stops_on $signal
        done
    done
    exec 5>&-
}

@test "client: SIGTERM ends it in the middle of a large transfer" {
    start "$SERVER"
    mkfifo "$TMP/out"
    "$ECHO_CLIENT" "$HOST" "$PORT" </dev/zero >"$TMP/out" 2>"$TMP/err" 3>&- &
    PID=$!
    STARTED+=("$PID")
    exec 5<"$TMP/out"
    head -c 1000000 <&5 >/dev/null # it is under way
    cat <&5 >/dev/null 3>&- &
    stops_on TERM
    exec 5<&-
}

@test "client: -v shows the wire" {
    ours
    start "$SERVER"
    echo hi >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" -v "$HOST" "$PORT"
    grep -q "^$HOST:$PORT <- 3 bytes$" "$TMP/err"
    grep -q "^$HOST:$PORT -> 3 bytes$" "$TMP/err"
    grep -q '68 69 0a' "$TMP/err"
}

@test "client: SIGHUP ends it like SIGTERM, unless it was ignored at the start" {
    ours
    start "$SERVER"
    mkfifo "$TMP/keys"
    exec 5<>"$TMP/keys"
    [[ $(trap -p HUP) != *"''"* ]] || skip "SIGHUP is ignored here"
    "$ECHO_CLIENT" "$HOST" "$PORT" <&5 >"$TMP/out" 2>"$TMP/err" 3>&- &
    PID=$!
    STARTED+=("$PID")
    echo hello >&5
    LOG=$TMP/out logged hello
    stops_on HUP
    (trap '' HUP && exec "$ECHO_CLIENT" "$HOST" "$PORT" <&5 >"$TMP/out" 2>"$TMP/err" 3>&-) &
    PID=$!
    STARTED+=("$PID")
    echo again >&5
    LOG=$TMP/out logged again
    kill -s HUP "$PID"
    echo still here >&5
    LOG=$TMP/out logged 'still here'
    stops_on TERM
}

@test "client: closed or full, its input and output are reported, exit code 1, and nothing hangs" {
    ours
    start "$SERVER"
    echo hello >"$TMP/in"
    local option
    for option in '' -s; do
        # shellcheck disable=SC2086 # no option is no argument
        ends_by_itself 0 -- "$ECHO_CLIENT" $option "$HOST" "$PORT"
        has_complained '^echo_client: cannot read the input: Bad file descriptor$'
        # shellcheck disable=SC2086
        ends_by_itself 1 -- "$ECHO_CLIENT" $option "$HOST" "$PORT"
        has_complained '^echo_client: cannot write the output: Bad file descriptor$'
        [ -c /dev/full ] || continue
        # shellcheck disable=SC2086
        ends_by_itself '>/dev/full' -- "$ECHO_CLIENT" $option "$HOST" "$PORT"
        has_complained '^echo_client: cannot write the output: No space left on device$'
    done
    ends_by_itself 2 -- "$ECHO_CLIENT" -v "$HOST" "$PORT"
    [ "$STATUS" -eq 0 ]
    cmp "$TMP/in" "$TMP/out"
    ends_by_itself 0 1 2 -- "$ECHO_CLIENT" "$HOST" "$PORT"
    [ "$STATUS" -eq 1 ]
}

@test "client: echo_bench reports it if its results cannot be written" {
    ours
    start "$SERVER"
    ends_by_itself 1 -- "$ECHO_BENCH" -n 1 "$HOST" "$PORT"
    has_complained '^echo_bench: cannot write the output: Bad file descriptor$'
    ends_by_itself 0 2 -- "$ECHO_BENCH" -n 1 "$HOST" "$PORT"
    [ "$STATUS" -eq 0 ]
    grep -q '1 round trips' "$TMP/out"
    [ -c /dev/full ] || skip "no /dev/full here"
    ends_by_itself '>/dev/full' -- "$ECHO_BENCH" -n 1 "$HOST" "$PORT"
    has_complained '^echo_bench: cannot write the output: No space left on device$'
}

# The client on a terminal, its input from a FIFO, which say writes to.
on_terminal() {
    mkfifo "$TMP/keys"
    exec 6<>"$TMP/keys"
    terminal
    type "clear; '$ECHO_CLIENT' $HOST $PORT <keys; echo code \$?"
    keys Enter
}

say() { printf %b "$1" >&6; }

@test "client: on a terminal what the server sends is made harmless, in a pipe it stays as it is" {
    ours
    start "$SERVER"
    printf 'a \e[2Jb\r\n\x9b\0\xe2\x80\xae\r' >"$TMP/in"
    round_trip "$TMP/in" "$ECHO_CLIENT" "$HOST" "$PORT"
    on_terminal
    say 'a \033[31mred\033]0;title\007 \x9b31m \xc2\x9b2J \x7f \xff \xc0\xaf \xe2\x80\xae.\r\n'
    shows '^a \?\[31mred\?]0;title\? \?31m \?\?2J \? \? \?\? \?\?\?\.$'
    say 'x\ry \0 z\tt 吃饭 👍\n'
    shows '^x\?y \? z {1,8}t 吃饭 👍$'
    say '\r\nEND'
    shows '^END$' 3
}

@test "client: on a terminal a character or CR LF may come in pieces" {
    ours
    start "$SERVER"
    on_terminal
    say 'a\xe5' # that the a is there says that the first piece is read
    shows '^a$' 1
    say '\x90'
    say '\x83b\xf0\x9f'
    shows '^a吃b$' 4
    say '\x91\x8dc\r'
    shows '^a吃b👍c$' 7
    say '\nd\r'
    shows '^d$' 1
    say 'e\xe5'
    shows '^d\?e$' 3
    say 'f'
    shows '^d\?e\?f$' 5
    head -c 300000 /dev/zero | tr '\0' z >&6
    say '\nnext\xe5\x90'
    shows '^next$' 4
    kill -s TERM "$PID" # at the end it is half a character
    shows '^next\?\?'
}

# A listener whose queue is full: Linux answers no more SYN there. Says its port, and stays until it is ended.
swallower() {
    cat >"$TMP/swallower.c" <<'END'
        #define _POSIX_C_SOURCE 200809L
        #include <arpa/inet.h>
        #include <fcntl.h>
        #include <netinet/in.h>
        #include <stdio.h>
        #include <sys/socket.h>
        #include <unistd.h>

        int main(void) {
            struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            socklen_t len = sizeof a;
            int listener = socket(AF_INET, SOCK_STREAM, 0);
            if (bind(listener, (struct sockaddr *)&a, len) < 0 || listen(listener, 0) < 0)
                return 1;
            getsockname(listener, (struct sockaddr *)&a, &len);
            for (int i = 0; i < 4; i++) {
                int fd = socket(AF_INET, SOCK_STREAM, 0);
                fcntl(fd, F_SETFL, O_NONBLOCK);
                connect(fd, (struct sockaddr *)&a, len);
            }
            fprintf(stderr, "swallower: listening on 127.0.0.1:%d\n", ntohs(a.sin_port));
            pause();
        }
END
    # With this in a program, a name has two addresses: those of the ports $FIRST and $SECOND.
    cat >"$TMP/two.c" <<'END'
        #define _POSIX_C_SOURCE 200809L
        #include <arpa/inet.h>
        #include <netdb.h>
        #include <netinet/in.h>
        #include <stdlib.h>
        #include <sys/socket.h>

        int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
            static struct sockaddr_in address[2];
            static struct addrinfo list[2];
            (void)host, (void)port, (void)hints;
            for (int i = 0; i < 2; i++) {
                const char *own = getenv(i == 0 ? "FIRST" : "SECOND");
                address[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
                address[i].sin_port = htons((unsigned short)atoi(own ? own : "0"));
                list[i] = (struct addrinfo){.ai_family = AF_INET, .ai_socktype = SOCK_STREAM,
                                            .ai_addr = (struct sockaddr *)&address[i], .ai_addrlen = sizeof address[i]};
            }
            list[0].ai_next = getenv("SECOND") ? &list[1] : NULL;
            *found = list;
            return 0;
        }

        void freeaddrinfo(struct addrinfo *list) { (void)list; }
END
    "${CC:-cc}" -o "$TMP/swallower" "$TMP/swallower.c"
    "${CC:-cc}" -shared -fPIC -o "$TMP/two.so" "$TMP/two.c" || skip "no shared object can be made here"
    mkfifo "$TMP/said"
    "$TMP/swallower" 2>"$TMP/said" 3>&- &
    STARTED+=($!)
    read -r SWALLOWER <"$TMP/said"
    SWALLOWER=${SWALLOWER##*:}
}

@test "client: an address that does not answer is given up after 3 s if the name has another, and only then" {
    ours
    start "$SERVER"
    swallower
    local second=$PORT first last began=$SECONDS
    FIRST=$PORT LD_PRELOAD=$TMP/two.so "$ECHO_CLIENT" no-such-name.invalid 1 </dev/null >"$TMP/out" 2>&1 ||
        skip "this system, or this build, has no LD_PRELOAD"
    echo hello >"$TMP/in"
    FIRST=$SWALLOWER LD_PRELOAD=$TMP/two.so "$ECHO_CLIENT" one 1 <"$TMP/in" >"$TMP/last" 2>&1 3>&- &
    last=$!
    FIRST=$SWALLOWER SECOND=$second LD_PRELOAD=$TMP/two.so "$ECHO_CLIENT" two 1 <"$TMP/in" >"$TMP/out" 2>"$TMP/err" 3>&- &
    first=$!
    STARTED+=("$first" "$last")
    LOG=$TMP/out logged '^hello$'
    wait $first
    echo "rule: a SYN that is lost is sent again after 1 s, so an address has 3 s; here less than $((SECONDS - began + 1))"
    [ $((SECONDS - began)) -ge 2 ]
    echo "rule: the last address has as much time as the system gives it; here: $(cat "$TMP/last")"
    kill -0 "$last"
    PID=$last
    stops_on TERM # and a signal ends it at once
}
