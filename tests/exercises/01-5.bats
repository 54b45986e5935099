#!/usr/bin/env bats
# Exercise 01-5: with -w, echo_poll hands the work to a process of its own, and its loop goes on.
# Grades: ECHO_POLL

load ../helpers

# Prints a client's round trips; by the end of 100 of them the server has read what another client had sent before.
talks() { # NAME
    for _ in {1..100}; do printf '%s\n' "$1 > \"y\"" "$1 < \"y\""; done
}

@test "with -w 500, a client gets its answers while the work of another one goes on" {
    start "$ECHO_POLL" -w 500
    {
        printf '%s\n' 'say the work of the one takes 7 s, and the other does not wait for that' 'b > "x"' 'b < "x"'
        echo 'a > "work\n"*14'
        talks b
        printf '%s\n' 'b shut' 'b eof' 'c > "new"' 'c < "new"'
    } | speak
}

@test "an answer comes when its work is done, not before, and what is behind it comes later" {
    local began
    start "$ECHO_POLL" -w 300
    began=$SECONDS
    speak <<'END'
        b > "hi\n"
        b < "hi\n"
        a > "one\nwork\ntwo\n"
        b > "work\nbee\n"
        a >3 "three\nwork it\nfour\nworker\nfive\n"
        a shut
        b >1 "last\nwork"
        b shut
        a < "one\nwork\ntwo\nthree\nwork it\nfour\nworker\nfive\n"
        a eof
        b < "work\nbee\nlast\nwork"
        b eof
END
    echo "rule: five lines that begin with \"work\" cost 1.5 s here; this took $((SECONDS - began)) s at most"
    [ $((SECONDS - began)) -ge 1 ]
}

@test "a client that goes while its work is under way disturbs nobody, nor does whoever comes next" {
    start "$ECHO_POLL" -w 200
    {
        printf '%s\n' 'b > "x"' 'b < "x"' 'a > "work\n"*3'
        talks b
        echo 'a reset'
        talks b
        printf '%s\n' 'say each of these has its own work and its own answers' 'c > "work c\n"'
        talks b
        cat <<'END'
        d > "work d\n"
        c < "work c\n"
        d < "work d\n"
        b > "work b\n"
        b < "work b\n"
        c > "y"
        c < "y"
        d > "y"
        d < "y"
        e > "y"
        e < "y"
END
    } | speak
}

@test "SIGTERM ends the server and its worker within a second, though there is work to do" {
    local child list=()
    ps -A -o ppid= -o pid= >/dev/null 2>&1 || skip "no ps here that tells whose child a process is"
    start "$ECHO_POLL" -w 500
    {
        printf '%s\n' 'b > "x"' 'b < "x"' 'a > "work\n"*14'
        talks b
    } | speak
    # shellcheck disable=SC2207 # these are numbers
    list=($(ps -A -o ppid= -o pid= | awk -v parent="$PID" '$1 == parent { print $2 }'))
    echo "rule: the work is done by a process of its own, a child of the server; there are ${#list[@]}"
    [ ${#list[@]} -ge 1 ]
    stops_on TERM
    for child in "${list[@]}"; do
        echo "rule: when the server has ended, so has its worker; $child goes on"
        [[ $(ps -o stat= -p "$child") =~ ^(Z.*)?$ ]]
    done
}

@test "without -w nothing changes" {
    start "$ECHO_POLL"
    speak <<'END'
        crowd crowd 60 "work\n" "work\n"
        crowd served 60 60
END
    stops_on TERM
}
