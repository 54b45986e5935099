#!/bin/sh
# Says in words whether an exercise is solved. "make exercise-01-1 ECHO_SERVER=./mine" comes here; without a program of
# yours it looks at the lesson's own, which is where you start. Exit: 0 green, 1 red, 2 neither: it could not be checked.
cd "$(dirname "$0")/.." || exit 2
number=${1#exercise-}
checks=tests/exercises/$number.bats
variable=$(sed -n 's/^# Grades: //p' "$checks") || exit 2
eval "mine=\${$variable-}"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

# Says why there is no answer, and ends.
neither() { # WORDS
    [ $# -eq 0 ] || echo "$*"
    echo "neither red nor green: exercise $number could not be checked"
    exit 2
}

# Starts a program without the option of the exercise, and passes when it says that it listens. A client gets no input, so
# it has nothing to do, and ends with exit code 0. What it has said on stderr is left in $work/said.
starts() { # COMMAND...
    mkfifo "$work/pipe"
    case $variable in
    *_CLIENT) set -- "$@" 127.0.0.1 9 ;;
    *) set -- "$@" -p 0 ;;
    esac
    "$@" </dev/null >/dev/null 2>"$work/pipe" &
    program=$!
    (sleep 10 && kill -s TERM "$program" && echo 'nothing more for 10 s' >"$work/pipe") >/dev/null 2>&1 &
    watch=$!
    while read -r line; do
        echo "$line"
        case $line in *'listening on '* | 'nothing more for 10 s') break ;; esac
    done <"$work/pipe" >"$work/said"

    kill -s TERM "$watch"
    case $variable in *_CLIENT) ;; *) kill -s KILL "$program" ;; esac 2>/dev/null
    wait "$program"
    ended=$?
    case $variable in
    *_CLIENT) [ $ended -eq 0 ] ;;
    *) grep -q 'listening on ' "$work/said" ;;
    esac
} 2>/dev/null

# Fails, with a word, unless the program of somebody's own runs at all.
try_mine() {
    [ ! -d "$mine" ] || neither "$variable has to name a program, and $mine is a folder"
    case $mine in
    */* | *' '*) ;;
    *) [ ! -f "$mine" ] || neither "the program in this folder is $variable=./$mine" ;;
    esac
    # shellcheck disable=SC2086 # it may be several words
    if [ -x "$mine" ]; then starts "$mine"; else starts $mine; fi && return
    cat "$work/said"
    case $variable in
    *_CLIENT) neither "$mine does not start: without any input it ends with exit code $ended" ;;
    *) neither "$mine does not start: with -p 0 it has to print \"...listening on HOST:PORT\" on stderr (exit code $ended)" ;;
    esac
}

# Prints a word so that a shell reads it as one.
quoted() { # WORD
    case $1 in
    *[!A-Za-z0-9_./:=@%+,-]*) printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf %s "$1" ;;
    esac
}

# Prints the checks that have failed: of the rules that each named, the last is the one that was broken. Below it stands
# what was expected and what came, if that is short, and what the server said if it has ended.
show_failed() {
    awk '
        function tell(  text) {
            text = rule (lines <= 9 ? report : "") end
            if (name != "") printf "%s\n%s", name, text != "" && text == last ? "    the same\n" : text
            if (name != "") last = text
            name = rule = ""
            forget()
        }
        function forget() { report = end = ""; lines = shown = 0 }
        /^(not )?ok / { tell() }
        sub(/^not ok [0-9]* /, "not yet: ") { name = $0; next }
        sub(/^#  *rule: /, "    rule: ") { forget(); rule = $0 "\n"; shown = 1; next }
        /^# the server has ended/ { end = "    " substr($0, 3) "\n"; shown = 0; next }
        /^# server: poke: / { end = ""; next } # it was not the program under test
        /^# server: / { if (end) end = end "    " substr($0, 3) "\n"; shown = 0; next }
        /^# (line [0-9]+|poke): / { next }
        /^# [^ ]+ (sent|expected|received) / { row = $3 }
        shown && !(row == "sent" && /^# ([^ ]+ sent)? +[0-9]+  /) { report = report "    " substr($0, 3) "\n"; lines++ }
        END { tell() }' "$work/tap"
}

[ -x tests/poke ] || neither "the checks need what \"make tools\" builds"
[ -z "$mine" ] || try_mine
sh tests/bats.sh "$checks" >"$work/tap" 2>&1
status=$?
results=$(grep -cE '^(not )?ok ' "$work/tap")
if [ $status -gt 1 ] || [ "$results" -ne "$(grep -c '^@test ' "$checks")" ] || grep -q "function .setup'" "$work/tap"; then
    cat "$work/tap"
    neither
elif grep -q '^not ok ' "$work/tap"; then
    show_failed
    [ -n "$mine" ] || echo "(That is the lesson's own program, where you start; $variable=... names yours.)"
    echo "red: exercise $number is not solved; this shows what came over the wire:"
    echo "${mine:+$variable=$(quoted "$mine") }sh tests/bats.sh $checks"
    exit 1
elif grep -q '^ok .* # skip' "$work/tap"; then
    grep '^ok .* # skip' "$work/tap"
    neither "what was left out may be wrong"
fi
echo "green: exercise $number is solved"
