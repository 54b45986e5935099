#!/usr/bin/env bats
# The wing of lesson 01: the same echo server as processes, as workers made beforehand, as threads, as one loop. The page of
# the wing has a table of the checks of 01-echo.bats that a design fails, and why; here it is played. Then what is special.
# With GRADES=all (`make check`) all checks are run; else, of each design, the first that it fails and a few that it passes.
# Grades: nothing but the course

load helpers

export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:+600} # s: a test here runs a whole file of them

# Runs the checks of 01-echo.bats with a design, and fails unless just those fail that the page names.
graded_as_on_page() { # PROGRAM-PATH
    local only='^echo: '
    awk -F ' *[|] *' -v name="$(basename "$1")" '/^## / { here = /fails/ }
        here && $2 == "`" name "`" { rows++; if ($3 ~ /^echo/) print $3 }
        END { exit !rows }' "$TOP/01-echo/designs/README.md" >"$TMP/table"
    if [ "${GRADES-}" != all ]; then
        sed -n 1p "$TMP/table" >"$TMP/first"
        mv "$TMP/first" "$TMP/table"
        only=$(sed 's/[][().*+?{}|^$\\]/\\&/g; s/.*/^&$/' "$TMP/table")
        only="${only:+$only|}^echo: (a line comes|after a half|300)"
    fi
    sort "$TMP/table" >"$TMP/stated"
    bats_within ECHO_SERVER="$1" PATCHED=yes TEST_SECONDS=120 -f "$only" 01-echo.bats >"$TMP/report" 2>&1 || true
    cat "$TMP/report"
    grep -q ' checks hold' "$TMP/report"
    sed -n 's/^not ok [0-9]* //p' "$TMP/report" | sort >"$TMP/failed"
    echo "rule: the checks that fail are those in the table of the page (< named, > failed)"
    diff "$TMP/stated" "$TMP/failed"
}

@test "designs: echo_fork fails the checks that the page names, and no other" { graded_as_on_page "$ECHO_FORK"; }
@test "designs: echo_prefork fails the checks that the page names, and no other" { graded_as_on_page "$ECHO_PREFORK"; }
@test "designs: echo_threads fails the checks that the page names, and no other" { graded_as_on_page "$ECHO_THREADS"; }
@test "designs: echo_poll fails the checks that the page names, and no other" { graded_as_on_page "$ECHO_POLL"; }

# Prints the processes that the server started last has made, zombies included.
children() { ps -A -o ppid= -o pid= | awk -v parent="$PID" '$1 == parent { print $2 }'; }
has_children() { # COUNT
    [ "$(children | wc -l)" -eq "$1" ]
}

# Notes these processes in OFFSPRING, and lets the end of the test end them, whoever is their parent then.
note_children() {
    # shellcheck disable=SC2207 # these are numbers
    OFFSPRING=($(children))
    STARTED+=(${OFFSPRING[@]+"${OFFSPRING[@]}"})
}

# Does a process no longer run? (Of one whose parent is dead somebody else takes the exit code, perhaps late.)
ended() { # PID
    local state
    state=$(ps -o stat= -p "$1") || return 0
    [[ -z $state || $state == Z* ]]
}

need_ps() { ps -A -o ppid= -o pid= >/dev/null 2>&1 || skip "no ps here that tells whose child a process is"; }

# Fails unless a line comes on a descriptor of the test.
hears_back() { # DESCRIPTOR WORDS
    local line=''
    read -r -t $(((${POKE_MS:-5000} + 999) / 1000)) line <&"$1" || true
    echo "rule: the answer to $2 is the same; here: $line"
    [ "$line" = "$2" ]
}

# Sends a line, and fails unless it comes back.
says() { # DESCRIPTOR WORDS
    echo "$2" >&"$1"
    hears_back "$1" "$2"
}

@test "echo_fork: a process for each client, and none is left when they have gone, not even a zombie" {
    need_ps
    start "$ECHO_FORK"
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    says 5 hello
    says 6 hello
    has_children 2
    for i in {1..5}; do printf '%s\n' "c$i crowd 40 \"x\" \"x\"" "c$i served 40 40" "c$i close"; done | speak
    echo "rule: those whose clients have gone have ended, and the parent has asked for their exit codes"
    eventually has_children 2
    exec 5>&- 6>&-
    eventually has_children 0
}

@test "echo_prefork: there are as many processes as it was told, and one that is killed is replaced" {
    need_ps
    start "$ECHO_PREFORK" -n 3
    eventually has_children 3 # it listens already when it makes them
    exec 5<>"/dev/tcp/$HOST/$PORT"
    says 5 hello
    has_children 3
    note_children
    kill -s KILL "${OFFSPRING[@]}"
    replaced() { has_children 3 && ! children | grep -qxE "$(printf '%s|' "${OFFSPRING[@]}")none"; }
    eventually replaced
    serves 3 3
    eventually has_children 3
    note_children
}

@test "echo_prefork: a worker that is killed is replaced also while others die all the time" {
    local watch
    need_ps
    start "$ECHO_PREFORK" -n 3
    eventually has_children 3
    note_children
    (while kill -s CHLD "$PID" 2>/dev/null; do pause; done) 3>&- & # the signal of such a death
    watch=$!
    STARTED+=("$watch")
    kill -s KILL "${OFFSPRING[0]}"
    replaced() { has_children 3 && ! children | grep -qx "${OFFSPRING[0]}"; }
    eventually replaced
    note_children
    stops_on TERM
    wait "$watch"
}

# Waits until echo_prefork has made all of its workers.
complete() { # PROGRAM [-n WORKERS]
    [[ $1 != "$ECHO_PREFORK" ]] || eventually has_children "${3:-8}"
}

# Fails unless a server ends as it should when its clients and its children are busy, and takes all of these along.
leaves_no_orphan() { # PROGRAM [ARGUMENT...]
    local child
    start "$@"
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    says 5 hello
    says 6 hello
    "$ECHO_CLIENT" "$HOST" "$PORT" </dev/zero >/dev/null 2>&1 3>&- &
    STARTED+=($!)
    complete "$@"
    [[ $1 != "$ECHO_FORK" || ${2-} == -n ]] || eventually has_children 3
    note_children
    stops_on TERM
    for child in ${OFFSPRING[@]+"${OFFSPRING[@]}"}; do
        echo "rule: when the server has ended, so have its children; here $child goes on"
        ended "$child"
    done
    exec 5>&- 6>&-
}

@test "designs: SIGTERM leaves no orphan, whatever the children do" {
    need_ps
    for program in "$ECHO_FORK" "$ECHO_PREFORK"; do leaves_no_orphan "$program"; done
    leaves_no_orphan "$ECHO_FORK" -n 2
    leaves_no_orphan "$ECHO_PREFORK" -n 3
}

@test "designs: SIGTERM ends the server also while a child is stopped" {
    need_ps
    for program in "$ECHO_FORK" "$ECHO_PREFORK"; do
        start "$program" -n 1
        exec 5<>"/dev/tcp/$HOST/$PORT"
        says 5 hello
        note_children
        kill -s STOP "$(children)"
        stops_on TERM
        exec 5>&-
    done
}

@test "designs: SIGHUP, SIGINT and SIGTERM end a child, but SIGHUP does not where it is ignored: nohup" {
    local status
    need_ps
    for program in "$ECHO_FORK" "$ECHO_PREFORK"; do
        IGNORING=HUP start "$program" -n 1
        exec 5<>"/dev/tcp/$HOST/$PORT"
        says 5 hello
        kill -s HUP "$(children)"
        says 5 'still there'
        stops_on TERM
        exec 5>&-
        for signal in $(endings); do
            start "$program" -n 1
            exec 5<>"/dev/tcp/$HOST/$PORT"
            says 5 hello
            kill -s "$signal" "$(children)"
            status=0
            read -r -t 5 <&5 || status=$?
            echo "rule: SIG$signal ends a child, and its client sees the end (1); here: $status"
            [ $status -eq 1 ]
            exec 5>&-
            stops_on TERM
        done
    done
}

# Fails unless the children of a server that is killed serve their clients to the end, and then end themselves.
outlived() { # PROGRAM [ARGUMENT...]
    local child
    start "$@"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    says 5 hello
    complete "$@"
    note_children
    kill_server
    gone() { for child in "${OFFSPRING[@]}"; do ended "$child" || return 1; done; }
    one_left() {
        local left=0
        for child in "${OFFSPRING[@]}"; do ended "$child" || left=$((left + 1)); done
        [ $left -eq 1 ]
    }
    echo "rule: a child that waits for a client ends when its parent is dead, one that serves somebody goes on"
    eventually one_left
    says 5 'still there'
    exec 5>&-
    echo "rule: when its client has gone, it ends, too"
    eventually gone
}

@test "echo_fork: when the parent is killed, its port is free, though a child still serves" {
    local port
    start "$ECHO_FORK"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    says 5 hello
    port=$PORT
    kill_server
    ON_PORT=$port start "$ECHO_FORK"
    serves 2 2
    says 5 'still there'
    exec 5>&-
}

@test "designs: when the parent is killed, the children serve their clients to the end, and then end" {
    need_ps
    outlived "$ECHO_FORK"
    outlived "$ECHO_PREFORK" -n 3
}

@test "designs: beyond -n clients a newcomer is refused, and later there may be room" {
    for program in "$ECHO_FORK" "$ECHO_THREADS" "$ECHO_POLL"; do
        start "$program" -n 3
        speak <<'END'
            crowd crowd 8 "x" "x"
            crowd served 3 3
            crowd refused 5 5
END
        logged 'refused: no room$'
        eventually serves 3 3
        stops_on TERM
    done
}

threads() { find "$PROC/$PID/task" -maxdepth 1 -name '[0-9]*' | wc -l; }

# Has the worker of the only client ended, so that its place is free? SERVING: how many threads there were with it.
alone() { # PROGRAM
    case $1 in
    "$ECHO_FORK") has_children 0 ;;
    "$ECHO_THREADS") [ "$(threads)" -lt "$SERVING" ] ;;
    *) grep -q ' disconnected$' "$LOG" ;;
    esac
}

@test "designs: whether there is room is asked when the newcomer is there, and not before" {
    need_ps
    for program in "$ECHO_FORK" "$ECHO_THREADS" "$ECHO_POLL"; do
        [[ $program != "$ECHO_THREADS" || -d $PROC/$$/task ]] || continue
        start "$program" -n 1
        exec 5<>"/dev/tcp/$HOST/$PORT"
        says 5 hello
        [[ $program != "$ECHO_THREADS" ]] || SERVING=$(threads)
        exec 5>&-
        eventually alone "$program"
        echo "rule: who comes after the only client has left is the only one, and not refused"
        serves 1 1
        stops_on TERM
    done
}

@test "echo_prefork: a newcomer that finds all workers busy waits, until one of them is free" {
    start "$ECHO_PREFORK" -n 2
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    says 5 hello
    says 6 hello
    exec 7<>"/dev/tcp/$HOST/$PORT"
    echo early >&7
    says 5 still
    says 6 still
    echo "rule: the third waits in the kernel's queue, and nobody has taken it in; here $(grep -c ' connected$' "$LOG") were"
    [ "$(grep -c ' connected$' "$LOG")" -eq 2 ]
    exec 6>&-
    hears_back 7 early
    says 7 late
    exec 5>&- 7>&-
}

@test "echo_threads: however many leave at once, all places are free again" {
    start "$ECHO_THREADS" -n 200
    for _ in {1..8}; do eventually serves 200 200; done
}

# 200 threads have 13 MB of addresses as stacks; of 8 MiB each they would be 1.6 GB, and 1,600 that nobody frees are 109 MB.
@test "echo_threads: a stack is small, and given back: few addresses are enough for however many come" {
    export MALLOC_ARENA_MAX=1 # glibc would reserve 64 MiB of addresses for each of several threads
    (ulimit -v 60000 && "$ECHO_THREADS" -h) >/dev/null 2>&1 || skip "addresses cannot be limited here"
    # shellcheck disable=SC2016 # that shell has them
    start sh -c 'ulimit -v 60000; exec "$0" "$@"' "$ECHO_THREADS" -n 200
    for _ in {1..8}; do eventually serves 200 200; done
}

# With more descriptors than select() can watch, there is room for more clients than that.
@test "echo_poll: more clients than select() can watch are served" {
    LIMIT=2048 start "$ECHO_POLL"
    speak <<'END'
        crowd crowd 1200 "x" "x"
        crowd served 1200 1200
END
}

@test "echo_fork: a client is hung up on though a child for another client, made meanwhile, lives" {
    start "$ECHO_FORK"
    speak <<'END'
        a > "x"
        a < "x"
        b > "x"
        b < "x"
        a shut
        a eof
        b > "y"
        b < "y"
END
}

# Plays a system that has no more processes or threads: the library in front of the real one says EAGAIN.
@test "designs: where no process or thread can be made, the newcomer is refused, and the server goes on" {
    preload <<'END'
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <pthread.h>
        #include <unistd.h>
        static int calls;
        pid_t fork(void) {
            pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
            errno = EAGAIN;
            return ++calls < 3 ? -1 : real();
        }
        typedef int make(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
        int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *x) {
            make *real = (make *)dlsym(RTLD_NEXT, "pthread_create");
            calls++;
            return calls == 2 || calls == 3 ? EAGAIN : real(t, a, f, x);
        }
END
    for program in "$ECHO_FORK" "$ECHO_THREADS"; do
        start env "LD_PRELOAD=$TMP/preload.so" "$program"
        printf '%s\n' 'a gone' 'b gone' 'c > "x"' 'c < "x"' | speak
        logged 'refused: no (process|thread): '
        stops_on TERM
    done
    start env "LD_PRELOAD=$TMP/preload.so" "$ECHO_PREFORK" -n 2
    eventually serves 2 2
    stops_on TERM
    [ "$(grep -c 'no process for a worker: ' "$LOG")" -eq 1 ]
}

# Plays a system on which a process takes 20 ms to make: 200 of them take 4 s.
@test "echo_prefork: SIGTERM is heard while it makes its workers" {
    preload <<'END'
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <unistd.h>
        pid_t fork(void) {
            pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
            usleep(20000);
            return real();
        }
END
    start env "LD_PRELOAD=$TMP/preload.so" "$ECHO_PREFORK" -n 200
    stops_on TERM
}

@test "designs: a log that nobody takes away makes no client wait that has a worker" {
    for program in "$ECHO_FORK" "$ECHO_PREFORK" "$ECHO_THREADS"; do
        start_piped "$program"
        exec 5<>"/dev/tcp/$HOST/$PORT"
        says 5 hello
        fill_log
        exec 6<>"/dev/tcp/$HOST/$PORT" # somebody waits now, for the line that says so
        echo "rule: the line waits for a reader, and so does who wrote it, but not a client with a worker of its own"
        for i in {1..100}; do says 5 "$i" >"$TMP/said"; done
        stops_on TERM
        exec 5>&- 6>&- 9>&-
        rm "$TMP/log"
    done
}

@test "echo_fork: a child that ends while a line of the log waits does not make that line get lost" {
    local line=''
    start_piped "$ECHO_FORK"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    says 5 hello
    read -r line <&9
    fill_log
    exec 6<>"/dev/tcp/$HOST/$PORT"
    for _ in {1..20}; do kill -s CHLD "$PID" && pause; done # the signal of such an end
    line=''
    read -r -t 10 line <&9 || true
    echo "rule: the newcomer is in the log; here: $line"
    [[ $line == *' connected' ]]
    says 6 hello
    stops_on TERM
    exec 5>&- 6>&- 9>&-
}

# Fails unless the answers to "work" cost what -w says, and those to other lines nothing.
works() { # PROGRAM
    local began cpu
    start "$1" -v -w 200
    began=$SECONDS
    speak <<'END'
        a >1 "hello\nhomework\nwo\nwor\n work\nnetwork\n"
        a < "hello\nhomework\nwo\nwor\n work\nnetwork\n"
        say lines that begin with something else cost nothing: these would take 20 s
        a > "homework\n"*100
        a < "homework\n"*100
        say each answer is waited for by itself: on a busy machine 200 ms of CPU time take long
        a >1 "work\n"
        a < "work\n"
        a >1 "worker\n"
        a < "worker\n"
        a >1 "no\nwork it\n"
        a < "no\nwork it\n"
        a >1 "work\n"
        a < "work\n"
        a >1 "\n\nwork\n"
        a < "\n\nwork\n"
        a >1 "works"
        a < "works"
END
    echo "rule: six lines that begin with \"work\" cost 1.2 s here; this took $((SECONDS - began)) s at most"
    [ $((SECONDS - began)) -ge 1 ]
    cpu=$(used)
    echo "rule: they cost that as CPU time, and who sleeps uses none; here $cpu ms"
    [[ $1 != "$ECHO_THREADS" || ! -r $PROC/$PID/stat || $cpu -ge 1000 ]]
    stops_on TERM
}

@test "designs: with -w a line that begins with work costs CPU time, however it comes, and no other line" {
    for program in "$ECHO_FORK" "$ECHO_THREADS" "$ECHO_POLL"; do works "$program"; done
}

# "work" after what somebody else has left unfinished: the first line of a newcomer is its own.
@test "echo_poll: what a client leaves unfinished does not belong to the one that gets its place" {
    local before cpu
    start "$ECHO_POLL" -n 1 -w 500
    printf '%s\n' 'a > "wor"' 'a < "wor"' 'a close' | speak
    logged ' disconnected$'
    before=$(used)
    exec 5<>"/dev/tcp/$HOST/$PORT"
    says 5 king
    cpu=$(($(used) - before))
    echo "rule: \"king\" costs nothing, though the client before has said \"wor\"; here $cpu ms"
    [ "$cpu" -lt 400 ]
    exec 5>&-
}

@test "designs: what -v shows of two clients does not mix where threads serve them" {
    start "$ECHO_THREADS" -v
    speak <<'END'
        a > "x"*200000
        b > "x"*200000
        a < "x"*200000
        b < "x"*200000
END
    stops_on TERM
    echo "rule: behind the line that says how many bytes went, their rows follow"
    awk 'left > 0 && !/^ *[0-9]+ ( [0-9a-f][0-9a-f])/ { print; bad = 1; exit }
        / bytes?$/ { left = $(NF - 1); next }
        { left -= 16 }
        END { exit bad }' "$LOG"
}

@test "designs: who works makes nobody wait who has another worker" {
    for program in "$ECHO_FORK" "$ECHO_PREFORK" "$ECHO_THREADS"; do
        start "$program" -v -w 500
        exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
        says 6 hello
        echo work >&5
        logged ' -> 5 bytes'
        says 6 hello
        says 6 hello
        logged ' <- 5 bytes'
        echo "rule: the bystander gets its answers before the work is done:"
        grep -E ' <- [56] bytes' "$LOG"
        [[ $(grep -E ' <- [56] bytes' "$LOG" | tail -n 1) == *' 5 bytes' ]]
        exec 5>&- 6>&-
        stops_on TERM
    done
}

@test "echo_threads: a client is hung up on though another one's work goes on" {
    start "$ECHO_THREADS" -w 500
    {
        printf '%s\n' 'say the work of the one takes 7 s, and the other does not wait for that' 'b > "x"' 'b < "x"'
        echo 'a > "work\n"*14'
        for _ in {1..200}; do printf '%s\n' 'b > "y"' 'b < "y"'; done # by then it has begun
        printf '%s\n' 'b shut' 'b eof'
    } | speak
}

@test "echo_poll: who works makes all others wait: that is what a loop cannot do" {
    [ "$ECHO_POLL" = "${BUILD:-$TOP}/01-echo/designs/echo_poll" ] || skip "exercise 01-5 changes that"
    start "$ECHO_POLL" -v -w 500
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    says 6 hello
    echo work >&5
    logged ' -> 5 bytes'
    says 6 hello
    grep -E ' <- [56] bytes' "$LOG"
    [[ $(grep -E ' <- [56] bytes' "$LOG" | sed -n 2p) == *' 5 bytes' ]]
    exec 5>&- 6>&-
}

@test "designs: SIGTERM is heard by those that work" {
    local fd
    for program in "$ECHO_FORK" "$ECHO_PREFORK" "$ECHO_THREADS" "$ECHO_POLL"; do
        start "$program" -v -w 500
        exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
        for fd in 5 6; do printf 'work\n%.0s' {1..36} >&$fd; done
        logged ' -> [0-9]+ bytes'
        stops_on TERM
        exec 5>&- 6>&-
    done
}

@test "designs: a number of workers or of ms that cannot be is refused" {
    for program in "$ECHO_FORK" "$ECHO_PREFORK" "$ECHO_THREADS" "$ECHO_POLL"; do
        for option in '-n 0' '-n 30001' '-n x' '-w 501' '-w -1'; do
            # shellcheck disable=SC2086 # two words
            ends_by_itself -- "$program" $option
            echo "rule: $option is a wrong option: exit code 2, here $STATUS"
            [ "$STATUS" -eq 2 ]
            grep -q 'is not a number from' "$TMP/err"
        done
    done
}
