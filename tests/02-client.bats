#!/usr/bin/env bats
# What the chat client promises ($CHAT_CLIENT), in a pipe and, driven by tmux, in a terminal of 60 columns. What one of your
# own has to do stands in 02-group-chat/PROTOCOL.md, section 6.
# Grades: CHAT_CLIENT

load helpers

# A server that says what is written into a FIFO, a segment for each write, and keeps what it hears in a file.
setup_file() {
    cat >"$BATS_FILE_TMPDIR/stand_in.c" <<'END'
        #define _POSIX_C_SOURCE 200809L
        #include <arpa/inet.h>
        #include <fcntl.h>
        #include <netinet/in.h>
        #include <netinet/tcp.h>
        #include <poll.h>
        #include <stdio.h>
        #include <sys/socket.h>
        #include <unistd.h>

        int main(int argc, char **argv) { /* stand_in SAYS HEARD [-p 0] */
            struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            socklen_t len = sizeof address;
            static char data[65536];
            int listener = socket(AF_INET, SOCK_STREAM, 0);
            if (argc < 3 || bind(listener, (struct sockaddr *)&address, len) < 0 || listen(listener, 1) < 0)
                return 1;
            getsockname(listener, (struct sockaddr *)&address, &len);
            fprintf(stderr, "stand_in: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
            int heard = open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600), peer = accept(listener, NULL, NULL);
            fprintf(stderr, "connected\n");
            struct pollfd p[] = {{open(argv[1], O_RDWR), POLLIN, 0}, {peer, POLLIN, 0}};
            setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            while (poll(p, 2, -1) > 0)
                for (int i = 0; i < 2; i++) {
                    ssize_t n = p[i].revents ? read(p[i].fd, data, sizeof data) : 0;
                    if (p[i].revents && n <= 0) {
                        n = snprintf(data, sizeof data, "(the end)\n");
                        p[i].fd = -1;
                    }
                    if (n > 0 && write(i == 0 ? peer : heard, data, (size_t)n) < 0)
                        return 1;
                }
        }
END
    "${CC:-cc}" -o "$BATS_FILE_TMPDIR/stand_in" "$BATS_FILE_TMPDIR/stand_in.c"
}

# Starts it. say BYTES lets it say them (as for printf %b); heard REGEX waits until it has heard such a line.
stand_in() {
    mkfifo "$TMP/says"
    : >"$TMP/heard"
    start "$BATS_FILE_TMPDIR/stand_in" "$TMP/says" "$TMP/heard"
    exec 5<>"$TMP/says"
}

say() { printf %b "$1" >&5; }
heard() { LOG=$TMP/heard logged "$1"; }

# Starts the client in the background with a FIFO, descriptor 6, for its input; its pid is $!.
listen() {
    mkfifo "$TMP/input"
    exec 6<>"$TMP/input"
    "$CHAT_CLIENT" "$HOST" "$PORT" <&6 >"$TMP/out" 2>"$TMP/err" 3>&- 5>&- &
    STARTED+=($!)
}

# Fails unless the client has said on stderr that the server has gone away.
has_said_so() {
    echo "rule: it says on stderr that the server has hung up; here: $(cat "$TMP/err")"
    [ -s "$TMP/err" ] && of_ours grep -qxF "chat_client: $HOST:$PORT hung up" "$TMP/err"
}

# ---- In a pipe

@test "chat client: in a pipe bytes go in and come out unchanged, first the nick and the room" {
    start "$ECHO_SERVER"
    printf 'hello\n吃饭了吗\r\n\e[31m\0\377' >"$TMP/in"
    "$CHAT_CLIENT" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
    cmp "$TMP/in" "$TMP/out"
    { printf '/nick 张三\n/join kitchen\n'; cat "$TMP/in"; } >"$TMP/wanted"
    "$CHAT_CLIENT" -r kitchen -n 张三 "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 2>"$TMP/err"
    cmp "$TMP/wanted" "$TMP/out"
    [ ! -s "$TMP/err" ]
}

@test "chat client: 20 MB through a pipe come back without a deadlock" {
    start "$ECHO_SERVER"
    head -c 20000000 /dev/urandom >"$TMP/in"
    "$CHAT_CLIENT" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out"
    cmp "$TMP/in" "$TMP/out"
}

@test "chat client: at the end of its input it half-closes, and prints what still comes" {
    stand_in
    echo hello | "$CHAT_CLIENT" "$HOST" "$PORT" >"$TMP/out" 2>"$TMP/err" 3>&- 5>&- &
    local client=$!
    heard '^\(the end\)$'
    say 'still here\n'
    say 'no end of line'
    LOG=$TMP/out logged 'no end of line'
    kill -s TERM "$PID"
    wait $client
    printf 'still here\nno end of line' | cmp - "$TMP/out"
    [ ! -s "$TMP/err" ]
}

@test "chat client: to a server that is stuck nothing is lost" {
    stand_in
    seq 1 1000000 >"$TMP/in"
    kill -s STOP "$PID"
    "$CHAT_CLIENT" "$HOST" "$PORT" <"$TMP/in" >"$TMP/out" 3>&- 5>&- &
    local client=$!
    STARTED+=("$client")
    pause
    kill -s CONT "$PID"
    heard '^\(the end\)$'
    { cat "$TMP/in"; echo '(the end)'; } | cmp - "$TMP/heard"
    kill -s TERM "$PID"
    wait $client
}

@test "chat client: it says so when the server goes away, exit code 1" {
    local status=0
    stand_in
    listen
    say 'goodbye\n'
    LOG=$TMP/out logged goodbye
    kill -s KILL "$PID"
    wait $! || status=$?
    has_said_so
    [ $status -eq 1 ]
}

@test "chat client: SIGTERM and SIGINT end it within a second, exit code 0" {
    local signal
    for signal in TERM INT; do
        : >"$TMP/out"
        start "$ECHO_SERVER"
        listen
        PID=$!
        echo hello >&6
        LOG=$TMP/out logged hello
        stops_on $signal
        rm "$TMP/input"
    done
}

@test "chat client: SIGTERM ends it also while neither server nor output take anything" {
    stand_in
    mkfifo "$TMP/output"
    exec 7<>"$TMP/output"
    "$CHAT_CLIENT" "$HOST" "$PORT" </dev/zero >"$TMP/output" 3>&- 5>&- &
    STARTED+=($!)
    logged '^connected$'
    kill -s STOP "$PID"
    PID=$!
    stops_on TERM
    start "$ECHO_SERVER"
    "$CHAT_CLIENT" "$HOST" "$PORT" </dev/zero >"$TMP/output" 3>&- 5>&- &
    STARTED+=($!)
    logged connected
    PID=$!
    stops_on TERM
}

@test "chat client: -v shows the wire on stderr" {
    ours
    start "$ECHO_SERVER"
    echo hi | "$CHAT_CLIENT" -v "$HOST" "$PORT" 2>"$TMP/err" | grep -qx hi
    grep -q "^$HOST:$PORT <- 3 bytes$" "$TMP/err"
    grep -q "^$HOST:$PORT -> 3 bytes$" "$TMP/err"
    grep -q '68 69 0a' "$TMP/err"
}

# Not "chat client: ", because valgrind does not run without a stderr.
@test "chat_client: closed or full, its input and output are reported, exit code 1, and nothing hangs" {
    ours
    start "$ECHO_SERVER"
    echo hello >"$TMP/in"
    ends_by_itself 0 -- "$CHAT_CLIENT" "$HOST" "$PORT"
    has_complained '^chat_client: cannot read the input: Bad file descriptor$'
    ends_by_itself 1 -- "$CHAT_CLIENT" "$HOST" "$PORT"
    has_complained '^chat_client: cannot write the output: Bad file descriptor$'
    ends_by_itself 2 -- "$CHAT_CLIENT" -v "$HOST" "$PORT"
    [ "$STATUS" -eq 0 ]
    cmp "$TMP/in" "$TMP/out"
    ends_by_itself 0 1 2 -- "$CHAT_CLIENT" "$HOST" "$PORT"
    [ "$STATUS" -eq 1 ]
    [ -c /dev/full ] || skip "no /dev/full here"
    ends_by_itself '>/dev/full' -- "$CHAT_CLIENT" "$HOST" "$PORT"
    has_complained '^chat_client: cannot write the output: No space left on device$'
}

@test "chat client: who has asked to quit, whatever stands behind it, is not told that the server hung up" {
    local goodbye
    start "$CHAT_SERVER"
    for goodbye in '/quit\n' '/quit bye\n' '/quit \r\n' 'hello\n/quit\r\0more\n' '\0004'; do
        listen
        LOG=$TMP/out logged welcome
        printf %b "$goodbye" >&6
        STATUS=0
        wait $! || STATUS=$?
        echo "rule: exit code 0 (here $STATUS) after: $goodbye"
        [ "$STATUS" -eq 0 ]
        [ ! -s "$TMP/err" ]
        rm "$TMP/input"
    done
}

@test "chat client: a line that only looks like /quit asks for nothing" {
    local line status
    for line in '/quitter' ' /quit' 'I /quit'; do
        rm -f "$TMP/says" "$TMP/input"
        stand_in
        listen
        echo "$line" >&6
        heard "^$line\$"
        kill -s KILL "$PID"
        status=0
        wait $! || status=$?
        echo "rule: exit code 1 (here $status) when the server goes away after: $line"
        [ $status -eq 1 ]
        has_said_so
    done
}

# ---- In a terminal

# Starts the client there, once the mode of the terminal is noted.
chat() { # [OPTION...]
    type "stty -a >before; clear; sh -c 'echo \$\$ >pid; exec \"\$@\"' - '$CHAT_CLIENT' $* $HOST $PORT; echo code \$?"
    keys Enter
    shows '^>$'
}

# Waits until the client has left with that exit code, and fails unless the mode of the terminal is what it was.
left() { # CODE
    shows "^code $1\$"
    type 'stty -a >after; echo over'
    keys Enter
    shows '^over$'
    diff "$TMP/before" "$TMP/after"
}

@test "chat terminal: a message arrives above the line being typed, which stays as it is" {
    start "$CHAT_SERVER"
    terminal
    chat -n 张三 -r kitchen
    type '吃饭了'
    shows '^> 吃饭了$' 8
    exec 6<>"/dev/tcp/$HOST/$PORT"
    printf '/nick lisi\n/join kitchen\n你好 hello\n' >&6
    shows '^lisi: 你好 hello$'
    shows '^> 吃饭了$' 8
    [ "$(grep -v '^$' "$TMP/screen" | tail -n 1)" = '> 吃饭了' ]
    [ "$(grep -c 吃饭了 "$TMP/screen")" -eq 1 ]
    type 吗
    keys Enter
    shows '^>$' 2
    shows '^> 吃饭了吗$'
    grep -q -m 1 '^张三: 吃饭了吗$' <&6
}

@test "chat terminal: backspace removes one whole character, and the cursor is right" {
    stand_in
    terminal
    chat
    type '你吃'
    shows '^> 你吃$' 6
    keys BSpace
    shows '^> 你$' 4
    type "$(printf 'e\xcc\x81\xcc\x82x👍')" # an e with two marks on it; x; an emoji
    shows 'x👍$' 8
    keys BSpace BSpace C-h
    shows '^> 你$' 4
    keys BSpace BSpace BSpace
    shows '^>$' 2
    type ok
    keys Enter
    heard '^ok$'
}

@test "chat terminal: the cursor moves by characters, and text goes in where it is" {
    ours
    stand_in
    terminal
    chat
    type '你好吗'
    keys Left Left
    shows '^> 你好吗$' 4
    type 们x
    shows '^> 你们x好吗$' 7
    keys Right Left C-f
    shows '^> 你们x好吗$' 9
    keys Home DC
    shows '^> 们x好吗$' 2
    keys C-e C-b C-d
    shows '^> 们x好$' 7
    keys C-a Left
    type '<'
    keys End Right
    type '>'
    keys Enter
    heard '^<们x好>$'
}

@test "chat terminal: Ctrl-U, Ctrl-K and Ctrl-W erase; Ctrl-L clears the screen" {
    ours
    stand_in
    terminal
    chat
    type 'one 二二 three  '
    keys C-w
    shows '^> one 二二$' 11
    keys C-w
    shows '^> one$' 6
    type 'four'
    keys C-a Right Right C-u
    shows '^> e four$' 2
    keys Right C-k
    shows '^> e$' 3
    say 'a line\n'
    shows '^a line$'
    keys C-l
    shows '^> e$' 3
    [ "$(sed -n 2p "$TMP/screen")" = '> e' ]
}

@test "chat terminal: the history comes back with up and down, and the unfinished line, too" {
    ours
    local i
    stand_in
    terminal
    chat
    keys Up Down
    for ((i = 1; i <= 60; i++)); do
        type "line $i"
        keys Enter
    done
    heard '^line 60$'
    type 'not finis'
    keys Up
    shows '^> line 60$' 9
    keys Up Up Down
    type '!'
    shows '^> line 59!$' 10
    keys Down Down Down
    shows '^> not finis$' 11
    for ((i = 0; i < 70; i++)); do keys Up; done
    shows '^> line 11$' 9 # the oldest of 50
    keys Enter
    type over
    keys Enter
    heard '^over$'
    [ "$(tail -n 2 "$TMP/heard" | head -n 1)" = 'line 11' ]
}

@test "chat terminal: a line that is wider than the screen scrolls, and redrawing does not break it" {
    ours
    stand_in
    terminal
    chat
    type "$(printf '吃%.0s' {1..40})END"
    shows '^> 吃+END$'
    [ "$(grep -c 吃 "$TMP/screen")" -eq 1 ]
    say 'a message\n'
    shows '^a message$'
    shows '^> 吃+END$'
    [ "$(grep -c 吃 "$TMP/screen")" -eq 1 ]
    keys Home
    shows '^> 吃{28}$' 2
    type '['
    shows '^> \[吃{28}$' 3
    keys End
    type ']'
    shows '^> 吃+END]$'
    keys Enter
    heard '^\[吃{40}END]$'
}

@test "chat terminal: a line ends at 1023 bytes" {
    ours
    stand_in
    terminal
    chat
    type "$(printf 'x%.0s' {1..1022})吃yz"
    keys Enter
    heard '^x{1022}y$'
}

@test "chat terminal: it follows the size of the window" {
    ours
    stand_in
    terminal
    chat
    type "$(printf 'x%.0s' {1..50})END"
    shows '^> x{50}END$'
    keys Home
    shows '^> x{50}END$' 2
    tm resize-window -x 30
    shows '^> x{27}$' 2
    [ "$(grep -c x "$TMP/screen")" -eq 1 ]
    tm resize-window -x 60
    shows '^> x{50}END$' 2
}

@test "chat terminal: sequences may come in pieces; those of unknown keys are swallowed whole" {
    ours
    stand_in
    terminal
    chat
    type ab
    keys -H 1b
    keys -H 5b
    keys -H 44 # left
    type X
    shows '^> aXb$' 4
    keys F1 F5 M-x C-Up IC PPage
    keys -H 1b 5b 5b 41              # F1 of the Linux console
    keys -H 1b 5b 33 3b 35 3b 39 7e  # Delete with something
    keys -H 1b 5b 31 31 31 31 31 31 31 31 31 31 31 31 31 31 44
    type Y
    shows '^> aXYb$' 5
    keys Enter
    heard '^aXYb$'
}

@test "chat terminal: pasted lines are lines" {
    ours
    stand_in
    terminal
    chat
    tm set-buffer "$(printf 'one\ntwo\twords\n\nthree')"
    tm paste-buffer
    shows '^> three$' 7
    keys Enter
    heard '^three$'
    printf 'one\ntwo words\nthree\n' | cmp - "$TMP/heard"
}

@test "chat terminal: Ctrl-C and Ctrl-D take leave, show the answer, and restore the terminal" {
    local key
    for key in C-c C-d; do
        rm -f "$TMP/says"
        stand_in
        terminal
        chat
        keys $key
        heard '^/quit$'
        heard '^\(the end\)$'
        say 'goodbye\n'
        shows '^goodbye$'
        kill -s TERM "$PID"
        left 0
        [ "$(grep -c '^>' "$TMP/screen")" -eq 0 ]
        tm kill-server
        rm -f "$TMP/tmux"
    done
}

@test "chat terminal: Ctrl-C in the middle of a line leaves, Ctrl-D does not; a server that stays is not waited for" {
    stand_in
    terminal
    chat
    type 'half a line'
    keys C-d
    shows '^> half a line$' 13
    keys C-c
    left 0
    printf '/quit\n(the end)\n' | cmp - "$TMP/heard"
}

@test "chat terminal: a typed /quit is no complaint, whatever stands behind it" {
    local goodbye
    start "$CHAT_SERVER"
    for goodbye in /quit '/quit ' '/quit bye bye'; do
        terminal
        chat
        type "$goodbye"
        keys Enter
        left 0
        [ "$(grep -c 'hung up' "$TMP/screen")" -eq 0 ]
        tm kill-server
        rm -f "$TMP/tmux"
    done
    terminal
    type "clear; TERM=dumb '$CHAT_CLIENT' $HOST $PORT; echo code \$?"
    keys Enter
    shows 'welcome'
    type '/quit bye'
    keys Enter
    shows '^code 0$'
}

@test "chat terminal: a goodbye that came while the client was stopped is printed all the same" {
    ours
    stand_in
    terminal
    chat
    keys C-c
    heard '^/quit$' # so its second to listen has begun
    kill -s STOP "$(cat "$TMP/pid")"
    shows '^code [1-9]'
    say 'goodbye\n'
    type 'clear; sleep 1.1; fg; echo code $?' # it listens for 1 s, and here is stopped for longer
    keys Enter
    shows '^goodbye$'
    shows '^code 0$'
}

@test "chat terminal: when the server is killed it says so, and restores the terminal" {
    stand_in
    terminal
    chat
    type 'half a line'
    shows '^> half a line$'
    kill -s KILL "$PID"
    of_ours shows "^chat_client: $HOST:$PORT hung up\$"
    left 1
}

@test "chat terminal: whatever signal ends it, the terminal is restored" {
    local signal
    for signal in TERM INT $(of_ours echo HUP QUIT); do
        rm -f "$TMP/says" "$TMP/heard"
        stand_in
        terminal
        chat
        type 'half a line'
        shows '^> half a line$'
        kill -s "$signal" "$(cat "$TMP/pid")"
        left 0
        tm kill-server
        rm -f "$TMP/tmux"
    done
}

@test "chat terminal: Ctrl-Z suspends it, fg continues with the same line" {
    ours
    stand_in
    terminal
    type 'set -m'
    keys Enter
    chat
    type 'half a line'
    keys Left Left
    shows '^> half a line$' 11
    keys C-z
    shows '^code [1-9]'
    say 'meanwhile\n'
    type 'stty -a >after; echo shell'
    keys Enter
    shows '^shell$'
    diff "$TMP/before" "$TMP/after"
    type 'clear; fg; echo code $?'
    keys Enter
    shows '^meanwhile$'
    shows '^> half a line$' 11
    kill -s STOP "$(cat "$TMP/pid")" # also from outside, when it could not restore anything
    shows 'code [1-9]'
    type 'stty sane; bg; clear; fg; echo code $?'
    keys Enter
    shows '^> half a line$' 11
    keys C-c
    left 0
}

@test "chat terminal: ended in the background, it leaves the terminal to the shell" {
    ours
    local suspended
    for suspended in C-z STOP; do
        rm -f "$TMP/says" "$TMP/heard"
        stand_in
        terminal
        type 'set -m'
        keys Enter
        chat
        if [ $suspended = STOP ]; then kill -s STOP "$(cat "$TMP/pid")"; else keys $suspended; fi
        shows 'code [1-9]'
        type 'stty sane; stty -a >before; clear; bg; kill %1; kill -s CONT %1; wait %1; stty -a >after; echo over'
        keys Enter
        shows '^over$'
        diff "$TMP/before" "$TMP/after"
        tm kill-server
        rm -f "$TMP/tmux"
    done
}

@test "chat terminal: what the server sends is made harmless" {
    stand_in
    terminal
    chat
    say 'a \033[31mred\033]0;title\007 \x9b31m \xc2\x9b2J \x7f \xff \xc0\xaf \xed\xa0\x80.\r\n'
    shows '^a \?\[31mred\?]0;title\? \?31m \?\?2J \? \? \?\? \?\?\?\.$'
    say 'x\ry \0 z\n'
    shows '^x\?y \? z$'
    shows '^>$' 2
}

@test "chat terminal: marks that turn the direction go neither way; joiners and emoji stay" {
    stand_in
    terminal
    chat
    say 'e\xe2\x80\xaegnp.exe \xe2\x81\xa6x\xe2\x80\xa8y\n'
    shows '^e\?\?\?gnp\.exe \?\?\?x\?\?\?y$'
    type "$(printf 'e\xe2\x80\xaegnp \xe2\x81\xa9 👩\xe2\x80\x8d👧 ❤\xef\xb8\x8f')"
    keys Enter
    heard "$(printf '^e\\?\\?\\?gnp \\?\\?\\? 👩\xe2\x80\x8d👧 ❤\xef\xb8\x8f$')"
}

@test "chat terminal: it is made harmless also when only the output is a terminal" {
    stand_in
    terminal
    type "clear; echo hi | '$CHAT_CLIENT' $HOST $PORT; echo code \$?"
    keys Enter
    heard '^hi$'
    say '\033[31mred 吃\nthe last'
    shows '^\?\[31mred 吃$'
    kill -s TERM "$PID"
    shows '^the last$'
    shows '^code 0$'
}

@test "chat terminal: a character may come in two segments" {
    ours
    stand_in
    terminal
    chat
    type x
    say '\xe5\x90'
    keys Left Right # proof that it has turned meanwhile
    say '\x83\xe9'
    type y
    shows '^> xy$' 4
    say '\xa5\xad\n'
    shows '^吃饭$'
    shows '^> xy$' 4
    say "$(printf 'z%.0s' {1..2046})\xe5\x90" # also where a line is just as long as one may be
    type z
    shows '^> xyz$' 5
    say '\x83\n'
    shows '吃$'
    [[ $(cat "$TMP/screen") != *\?* ]]
}

@test "chat terminal: a line without end is shown in pieces, not within a character, and kept by nobody" {
    ours
    stand_in
    terminal
    chat
    type 'half a line'
    (head -c 300000 /dev/zero | tr '\0' z; printf '吃%.0s' {1..5000}; printf .; printf '\x90%.0s' {1..5000}; printf '\nok\n') >&5
    shows '^ok$'
    shows '^> half a line$' 13
    tm capture-pane -p -S -2000 -J >"$TMP/all"
    [ "$(grep -o 吃 "$TMP/all" | wc -l)" -eq 5000 ]
    [ "$(grep -o '?' "$TMP/all" | wc -l)" -eq 5000 ]
}

@test "chat terminal: while the server is stuck, typing goes on and no line is lost" {
    local i
    stand_in
    terminal
    chat
    kill -s STOP "$PID"
    for ((i = 1; i <= 20; i++)); do
        type "line $i"
        keys Enter
    done
    type 'half a line'
    shows '^> half a line$' 13
    shows '^> line 20$'
    kill -s CONT "$PID"
    heard '^line 20$'
    seq -f 'line %g' 1 20 | cmp - "$TMP/heard"
    kill -s STOP "$PID"
    keys C-c
    left 0
}

@test "chat terminal: SIGTERM ends it also while the terminal is frozen" {
    local i
    stand_in
    terminal
    chat
    kill -s STOP "$(tm display -p '#{pid}')"
    head -c 300000 /dev/zero | tr '\0' '\n' >&5
    for ((i = 0; i < 20; i++)); do pause; done # it has nothing to say now that could be waited for
    kill -s TERM "$(cat "$TMP/pid")"
    heard '^\(the end\)$'
}

@test "chat terminal: with -v the wire is shown above the line, too" {
    ours
    stand_in
    terminal
    chat -v
    type '吃饭'
    shows '^> 吃饭$' 6
    say 'hi\n'
    shows '^hi$'
    shows '^> 吃饭$' 6
    grep -qx "$HOST:$PORT -> 3 bytes" "$TMP/screen"
    [ "$(grep -c 吃饭 "$TMP/screen")" -eq 1 ]
}

@test "chat terminal: on a dumb terminal lines are plain" {
    ours
    stand_in
    terminal
    type "clear; TERM=dumb '$CHAT_CLIENT' $HOST $PORT; echo code \$?"
    keys Enter
    type hello
    keys Enter
    heard '^hello$'
    say '\033[31mred\n'
    shows '^\?\[31mred$'
    keys C-c
    shows 'code 0$'
}
