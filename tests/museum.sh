#!/bin/sh
# Shows the museum of wrong servers. "make museum" comes here, and hands down the variables:
#
#     make museum                        the symptoms, with the number of exhibits that have each
#     make museum SYMPTOM="it hangs"     the exhibits with that symptom (its number, or a part of its words, will do)
#     make museum EXHIBIT=short_write    one exhibit: what it looks like from outside, the checks, the patch, how to try it
#
# Each exhibit says "Symptom: ..." above its patch, once or twice. On a terminal what is long goes through $PAGER, or more.
# Exit: 0, or 1 if there is no such symptom or exhibit.
cd "$(dirname "$0")/.." || exit 1

# A symptom in a user's words, and what is meant.
symptoms() {
    cat <<'END'
it hangs|it waits for ever, or does not hear you
others wait|one client keeps all the others waiting
it ends|the server is gone, for all at once
CPU at 100%|it spins, though there is nothing to do
it is slow|all is right, but late
it will not start or connect|a start, a handshake or a reconnect fails
it hangs up|on a peer that did nothing wrong
it never hangs up|on a peer that is gone, or only stalls
text is cut, torn or doubled|bytes are missing, come twice, or change
data is lost|what was kept or acknowledged is gone
memory or disk grows|it keeps whatever a peer sends
it floods the network|one packet brings two, or all try again
somebody gets in|a stranger reads, writes or forges
END
}
names() { symptoms | sed 's/|.*//'; }
exhibits_with() { grep -lxF -- "Symptom: $1" tests/museum/*.diff; } # SYMPTOM

# Prints stdin; on a terminal, what has more lines than that goes through a pager.
page() {
    text=$(cat)
    size=$(stty size 2>/dev/null </dev/tty)
    # shellcheck disable=SC2086 # it may be several words
    set -- ${PAGER:-more}
    if [ ! -t 1 ] || ! command -v "$1" >/dev/null 2>&1 ||
        printf '%s\n' "$text" | awk -v "size=${size:-24 80}" '
        BEGIN { split(size, screen, " ") }
        { lines += 1 + int(length($0) / (screen[2] + 1)) }
        END { exit lines >= screen[1] }'; then
        printf '%s\n' "$text"
    else
        printf '%s\n' "$text" | "$@"
    fi
}

overview() {
    echo "The museum of wrong servers: each has one mistake. What do you see?"
    echo
    symptoms | while IFS='|' read -r name meaning; do
        printf '%s|%s|%s\n' "$name" "$(exhibits_with "$name" | wc -l)" "$meaning"
    done | awk -F '|' '{ printf "%2d  %-28s%4d  %s\n", NR, $1, $2, $3 }'
    echo
    echo 'make museum SYMPTOM="it hangs"     shows these exhibits (the number will do)'
    echo 'make museum EXHIBIT=short_write    shows one of them'
}

# Prints name and first sentence of the exhibits with a symptom, below their lessons.
# shellcheck disable=SC2016 # awk's own $
show_symptom() { # NAME
    symptoms | awk -F '|' -v "name=$1" '$1 == name { print $1 ": " $2 }'
    exhibits_with "$1" | xargs awk '
        FNR == 1 { sentence = $0; name = FILENAME; sub(/.*\//, "", name); sub(/\.diff$/, "", name); told = 0 }
        /^--- a\// && !told { told = 1; sub(/^--- a\//, ""); sub(/\/[^\/]*$/, ""); print $0 "|" name "|" sentence }' |
        sort -t '|' -k 1,1 -k 2,2 | awk -F '|' '
        $1 != lesson { print "\n" $1; lesson = $1 }
        {
            printf "  %-27s", $2
            for (text = $3; length(text) > 50; text = substr(text, cut + 1)) { # a terminal has 80 columns
                for (cut = 51; cut > 1 && substr(text, cut, 1) != " "; cut--)
                    continue
                printf "%s\n%29s", substr(text, 1, cut - 1), ""
            }
            print text
        }'
    echo
    echo 'make museum EXHIBIT=NAME shows one of them, the checks that catch it, the patch'
}

# Prints what stands behind a word and a colon above the patch. FILE WORD
field() { sed -n -e '/^--- a\//q' -e "s/^$2: //p" "$1"; }

show_exhibit() { # NAME
    file=tests/museum/$1.diff
    source=$(sed -n 's|^--- a/||p' "$file" | head -n 1)
    lesson=$(dirname "$source")
    program=$(field "$file" Program)
    program=${program:-$(basename "$source" .c)}
    tests=$(field "$file" Tests)
    tests=tests/${tests:-${lesson%%-*}-${program%_server}.bats}
    variable=$(echo "$program" | tr '[:lower:]' '[:upper:]')
    folders=${lesson%%/*}
    [ -f "$lesson/$program.c" ] || lesson=tests folders="$folders tests" # where loop_server is
    copy=${TMPDIR:-/tmp}/$1

    echo "$1, a wrong $lesson/$program: $(field "$file" Symptom | paste -s -d ';' - | sed 's/;/; /')"
    echo
    awk '/^(Symptom|Program|Tests|Caught by|Perhaps by|Measured by): |^--- a\// { exit } { print }' "$file"
    if [ -n "$(field "$file" 'Caught by')" ]; then
        echo "These checks of $tests catch it:"
        field "$file" 'Caught by' | sed 's/^/    /'
        [ -z "$(field "$file" 'Perhaps by')" ] || echo 'perhaps, by the timing, these do, too:'
        field "$file" 'Perhaps by' | sed 's/^/    /'
    else
        echo "$(field "$file" 'Measured by') measures what it costs."
    fi
    echo
    sed -n '/^--- a\//,$p' "$file"
    echo
    echo 'Build it in a copy, to try it by hand:'
    echo "    mkdir -p $copy && cp -RL Makefile $folders $copy"
    echo "    (cd $copy && patch -p1 && make $lesson/$program) <$file"
    [ -n "$(field "$file" 'Caught by')" ] || return 0
    echo 'and have its checks tell what is wrong:'
    echo "    make tools && PATCHED=yes $variable=$copy/$lesson/$program sh tests/bats.sh $tests"
}

if [ -n "${EXHIBIT-}" ]; then
    name=$(basename "$EXHIBIT" .diff)
    if [ -f "tests/museum/$name.diff" ]; then
        show_exhibit "$name" | page
        exit
    fi
    echo "The museum has no exhibit \"$EXHIBIT\"; \"make museum\" begins with the symptoms." >&2
    for similar in tests/museum/*"$name"*.diff; do
        [ ! -f "$similar" ] || echo "Is it $(basename "$similar" .diff)?" >&2
    done
    exit 1
elif [ -n "${SYMPTOM-}" ]; then
    case $SYMPTOM in
    *[!0-9]*) found=$(names | grep -ixF -- "$SYMPTOM" || names | grep -iF -- "$SYMPTOM") ;;
    *) found=$(names | awk -v "n=$SYMPTOM" 'NR == n + 0') ;;
    esac
    if [ "$(echo "$found" | grep -c .)" -eq 1 ]; then
        show_symptom "$found" | page
        exit
    fi
    {
        echo "The museum has no symptom \"$SYMPTOM\", or more than one like that; it has:"
        names | sed 's/^/    /'
    } >&2
    exit 1
fi
overview
