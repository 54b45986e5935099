#!/usr/bin/env bash
# Plays the transcripts of a README, and fails where the page shows something else than happens.
#
#     tests/transcript.bash 01-echo/README.md
#
# A transcript is a block marked ```console. "$ " begins a command, "» " a line that is typed into a running
# program (» ^C and » ^D are those keys), "..." stands for any lines, all else is output. With several terminals
# each line begins with its terminal: "1| $ ./echo_server". Ports that the system picks and times in ms may
# differ, and so may the time that begins a line (08:15) and paths of 32 hexadecimal digits. A command that is not
# installed skips its block, by name. Exit: 0 all as shown, 1 not, 77 all skipped.
set -um
cd "$(dirname "$1")" || exit 2
page=$1
work=$(mktemp -d)
shells=() # by terminal: its shell, which leads a process group
seen=()   # by terminal: how many lines of its output the page has shown
part=()   # by terminal: what has been read of an unfinished line
old=()    # ports on the page ...
new=()    # ... and what they are now

open_terminal() { # NUMBER; 1 to 6; its input is descriptor 3 + NUMBER, its output 13 + NUMBER
    mkfifo "$work/in$1"
    : >"$work/out$1"
    bash <"$work/in$1" >"$work/out$1" 2>&1 &
    shells[$1]=$! seen[$1]=0 part[$1]=''
    eval "exec $(($1 + 3))>\"$work/in$1\" $(($1 + 13))<\"$work/out$1\""
    type_line "$1" 'trap : INT HUP USR1'
}

# What Ctrl-C sends. Where that is ignored, as in what a shell runs in the background, another signal has to do.
for interrupt in INT HUP USR1; do
    [[ $(trap -p $interrupt) == "trap -- '' "* ]] || break
done

type_line() { # NUMBER TEXT
    printf '%s\n' "$2" >&"$(($1 + 3))"
}

end_input() { # NUMBER
    eval "exec $(($1 + 3))>&-"
}

close_terminals() {
    local n
    for n in ${shells[@]+"${!shells[@]}"}; do
        end_input "$n"
        eval "exec $((n + 13))<&-"
        kill -s TERM -- "-${shells[n]}" 2>/dev/null
        wait "${shells[n]}" 2>/dev/null
        kill -s KILL -- "-${shells[n]}" 2>/dev/null
        rm -f "$work/in$n" "$work/out$n"
    done
    shells=() seen=() old=() new=()
}
trap 'close_terminals; rm -rf "$work"' EXIT

# Sets TODAY to a text of the page with today's ports.
today() { # TEXT
    local i
    TODAY=$1
    for i in ${old[@]+"${!old[@]}"}; do TODAY=${TODAY//${old[i]}/${new[i]}}; done
}

# Notes what stands on the page for what is there today. REGEX: what to note, then the rest of the line.
learn() { # SHOWN ACTUAL REGEX
    local shown=$1 actual=$2 was
    while [[ $shown =~ $3 ]]; do
        was=${BASH_REMATCH[1]}
        shown=${BASH_REMATCH[2]}
        [[ $actual =~ $3 ]] || return 1
        actual=${BASH_REMATCH[2]}
        case " ${old[*]-} " in
        *" $was "*) ;;
        *) old+=("$was") new+=("${BASH_REMATCH[1]}") ;;
        esac
    done
}

# Is this the line that the page shows? A port above 20000 may be another one, but then throughout; so may a path.
same() { # SHOWN ACTUAL
    [[ $1 != "$2" || $1 =~ [0-9a-f]{5} ]] || return 0
    local times='s/[0-9.]+ ms/N ms/g; s/^[0-9]{2}:[0-9]{2} /HH:MM /; s/[[:space:]]+$//'
    learn "$1" "$2" '([2-6][0-9]{4})([^0-9].*|)$' || return 1
    learn "$1" "$2" '([0-9a-f]{32})(.*)$' || return 1
    today "$1"
    [ "$TODAY" = "$2" ] || [ "$(sed -E "$times" <<<"$TODAY")" = "$(sed -E "$times" <<<"$2")" ]
}

# Waits until terminal NUMBER prints a line that the page shows; with `any`, after any other lines.
expect() { # NUMBER LINE ANY
    local tries line='' next=${seen[$1]}
    for ((tries = 0; tries < 500; tries++)); do
        while IFS= read -r line <&"$(($1 + 13))"; do
            line=${part[$1]}$line
            part[$1]=''
            next=$((next + 1))
            if same "$2" "$line"; then
                seen[$1]=$next
                return 0
            fi
            [ "$3" = any ] || break 2
        done
        part[$1]+=$line
        pause
    done
    today "$2"
    printf '%s shows in terminal %s:\n    %s\nbut it prints:\n' "$page" "$1" "$TODAY"
    tail -n "+$((seen[$1] + 1))" "$work/out$1" | head -n 5 | sed 's/^/    /'
    return 1
}

# 10 ms, in which nobody writes into a FIFO: bash can wait for that without a process.
mkfifo "$work/never"
if ((BASH_VERSINFO[0] >= 4)); then
    pause() { read -rt 0.01 <>"$work/never"; }
else
    pause() { sleep 0.01; }
fi

# Plays one transcript, from stdin.
play() {
    local row n=1 text any='' typed='' i
    while IFS= read -r row; do
        text=$row
        if [[ $row =~ ^([1-6])\|\ ?(.*)$ ]]; then
            n=${BASH_REMATCH[1]} text=${BASH_REMATCH[2]}
        fi
        [ -n "${shells[n]-}" ] || open_terminal "$n"
        # Nobody types two lines in one breath: the first is read before the second may have an effect.
        if [[ $text == '» '* && -n $typed ]]; then for i in {1..10}; do pause; done; fi
        typed=''
        [[ $text != '» '* ]] || typed=yes
        case $text in
        ...) any=any && continue ;;
        '» ^C') kill -s "$interrupt" -- "-${shells[n]}" ;;
        '» ^D') end_input "$n" ;;
        '$ '* | '» '*)
            today "${text#* }"
            type_line "$n" "$TODAY"
            ;;
        *) expect "$n" "$text" "$any" || return 1
           any= ;;
        esac
    done
}

# Prints the programs of a transcript that are not installed here.
lacking() { # FILE
    local word
    for word in telnet nc ss curl tftp mosquitto_pub sendxmpp; do
        command -v "$word" >/dev/null || ! grep -qE "^([1-9]\| )?\\\$ (.*[|(;&] *)?$word " "$1" || echo "$word"
    done
}

awk -v work="$work" '/^```console/ { file = sprintf("%s/block%03d", work, ++n); printf "" > file; inside = 1; next }
    /^```/ { inside = 0 }
    inside { print > file }' "$(basename "$page")"

status=0 played=0 skipped=0
for block in "$work"/block*; do
    [ -e "$block" ] || continue
    absent=$(lacking "$block")
    if [ -n "$absent" ]; then
        echo "skipped, for these are not installed:" "$absent"
        skipped=$((skipped + 1))
    else
        play <"$block" || status=1
        close_terminals
        played=$((played + 1))
    fi
done
echo "$page: $played transcripts played, $skipped skipped"
[ $status -eq 0 ] && [ $played -eq 0 ] && [ $skipped -gt 0 ] && exit 77
exit $status
