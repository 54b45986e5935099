#!/usr/bin/env bats
# The order of the house: what stands where, what is written once and linked, what the pages show, what the demo leaves.
# Grades: nothing but the course

load helpers

@test "house: nothing else stands at the top level" {
    git -C "$TOP" ls-files >"$TMP/files" 2>/dev/null || skip "this is no git checkout"
    planned='\..*|01-echo|02-group-chat|03-custom-protocol|04-heartbeat|05-udp|06-websocket-handshake'
    sed 's|/.*||' "$TMP/files" | sort -u | grep -vxE "$planned|tests|Makefile|README\.md" >"$TMP/others" || true
    cat "$TMP/others"
    [ ! -s "$TMP/others" ]
}

# Every folder within a lesson is a wing.
@test "house: nothing that was built is in the tree" {
    git -C "$TOP" ls-files -ci --exclude-standard >"$TMP/built" 2>/dev/null || skip "this is no git checkout"
    git -C "$TOP" grep -lI '' >"$TMP/text"
    git -C "$TOP" ls-files | grep -vxFf "$TMP/text" >"$TMP/binary" || true
    while read -r file; do [ ! -f "$TOP/$file" ] || [ ! -s "$TOP/$file" ] || [ -L "$TOP/$file" ] || echo "$file"; done <"$TMP/binary" | grep -v 'tests/fuzz/corpus/' >>"$TMP/built" || true
    cat "$TMP/built"
    [ ! -s "$TMP/built" ]
}

@test "house: every lesson and every wing has its page and its demo, and make knows the wing's name" {
    for folder in "$TOP"/0*/ "$TOP"/0*/*/; do
        echo "$folder"
        [ -s "$folder/README.md" ]
        [ -s "$folder/demo.sh" ]
        case ${folder#"$TOP"/} in
        */*/) make -s -n -C "$TOP" "demo-$(basename "$folder")" "test-$(basename "$folder")" >/dev/null ;;
        esac
    done
}

programs() { make -s -C "$TOP" programs; }

# To compile takes time: with FULL=1 (make check) all programs, else the last of the first folder, and the last of all.
some_programs() { # PATH of each, such as 05-udp/tftp/tftp_server
    if [ -n "${FULL-}" ]; then programs; else programs | awk '/^01-echo\/[a-z_]*$/ { first = $0 } { last = $0 } END { print first; print last }'; fi
}

# Prints the line of a program's header comment that compiles it: cc -o chat_server chat_server.c loop.c ...
compile_line() { sh "$TOP/tests/single.sh" -l "$1"; } # PROGRAM

@test "house: a folder taken along is all that its programs need: the line in the header compiles each, with no flags" {
    for program in $(some_programs); do
        folder=$TMP/$(dirname "$program")
        if [ ! -f "$folder/README.md" ]; then # the folder itself may be there, because of a wing in it
            mkdir -p "$folder"
            cp -RL "$TOP/$(dirname "$program")/." "$folder"
        fi
        echo "$program: $(compile_line "$program")"
        [ -n "$(compile_line "$program")" ]
        rm -f "$TMP/$program"
        (cd "$folder" && eval "$(compile_line "$program" | sed "s/^cc/${CC:-cc}/")") 2>&1 | tee "$TMP/warnings"
        [ ! -s "$TMP/warnings" ]
        "$TMP/$program" -h >/dev/null
    done
}

@test "house: the Makefile compiles each program from the files that its header names" {
    for program in $(programs); do
        made=$(make -n -B -C "$TOP" "$program" 2>/dev/null | sed -n "s/.* -o $(basename "$program") //p")
        [ "cc -o $(basename "$program") $made" = "$(compile_line "$program" | sed 's/-pthread //')" ] || {
            echo "$program: the Makefile says: $made; the header comment: $(compile_line "$program")"
            return 1
        }
    done
}

@test "house: make single prints a program as one file, which compiles without a warning and runs" {
    for program in $(some_programs); do
        echo "$program"
        make -s -C "$TOP" single "PROGRAM=$program" >"$TMP/single.c"
        if grep -n '#include "' "$TMP/single.c"; then return 1; fi
        ${CC:-cc} -std=c11 -pedantic -Wall -Wextra -Werror -pthread -o "$TMP/single" "$TMP/single.c"
        [ "$("$TMP/single" -h)" = "$("$TOP/$program" -h)" ]
    done
}

@test "house: a link leads straight to a module of an earlier lesson, or of this one" {
    cd "$TOP"
    local link folder target home
    find 0* -type l >"$TMP/links"
    while read -r link; do
        folder=${link%/*}
        target=$(readlink "$link")
        home=$folder
        [[ $target == */* ]] || target=./$target
        while [[ $target == ../* ]]; do
            target=${target#../}
            if [[ $home == */* ]]; then home=${home%/*}; else home=; fi
        done
        target=${home:+$home/}$target
        echo "$link leads to $target"
        [ -f "$target" ] && [ ! -L "$target" ]
        [ "${link##*/}" = "${target##*/}" ]
        # A wing, 05-udp/tftp, may use any lesson's.
        [[ $folder == */* ]] || [[ ! ${target%%/*} > ${link%%/*} ]]
    done <"$TMP/links"
}

# shellcheck disable=SC2016 # awk's own $
@test "house: no six lines of code stand in two places" {
    cd "$TOP"
    find 0* -type f -name '*.[ch]' -o -type f -name '*.sh' | grep -vE 'echo_(once|select)\.c$' | sort | xargs awk '
        function keep(line) { # is this code, and not punctuation or what every file begins with?
            return line ~ /[a-z_][a-z_]/ && line !~ /^(#include|#define _|\/\*|\*|\.[a-z_]* = |case .:|default:|break;|else$|return [a-z0-9]*;$)/
        }
        FNR == 1 { n = 0; options = 0 }
        /^int main\(/ { options = 1 } # option loops may look alike
        {
            sub(/^[ \t]+/, ""); sub(/[ \t]*\/\*.*\*\/$/, "")
            if (options || !keep($0)) next
            line[n % 6] = $0; at[n % 6] = FNR; n++
            if (n < 6) next
            run = ""
            for (i = 0; i < 6; i++) run = run line[(n + i) % 6] "\n"
            here = FILENAME ":" at[n % 6]
            if (run in place) print place[run] " and " here ":\n" run
            else place[run] = here
        }' >"$TMP/twice"
    cat "$TMP/twice"
    [ ! -s "$TMP/twice" ]
}

@test "house: no C file has more than 400 lines" {
    cd "$TOP"
    find 0* -type f -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" && $1 > 400' >"$TMP/long"
    cat "$TMP/long"
    [ ! -s "$TMP/long" ]
}

# What most systems have, and POSIX.1-2008 has not, or what only some of them show.
not_posix='MSG_DONTWAIT|SOCK_(CLOEXEC|NONBLOCK)|accept4|pipe2|dup3|ppoll|INADDR_LOOPBACK|strcasestr|strchrnul|strsep|strlcpy|strlcat'
not_posix="$not_posix|memmem|memrchr|mempcpy|asprintf|vasprintf|reallocarray|getprogname|qsort_r|timegm|daemon|err|errx|warn|warnx|setproctitle"

@test "house: no lesson needs anything but its own folder, libc and POSIX" {
    cd "$TOP"
    find 0* -type f -name '*.[ch]' >"$TMP/sources"
    xargs grep -nE '#include "[^"]*/|#include <(linux|sys/epoll|sys/event|bsd|openssl)|_GNU_SOURCE' <"$TMP/sources" >"$TMP/foreign" || true
    xargs grep -nwE "$not_posix" <"$TMP/sources" >>"$TMP/foreign" || true
    cat "$TMP/foreign"
    [ -s "$TMP/sources" ] && [ ! -s "$TMP/foreign" ]
}

# Plays the transcripts of a page; where Linux allows it, in a network of their own, in which all ports are free.
transcripts() { # PAGE
    local status=0
    if unshare -rn ip link set lo up 2>/dev/null; then
        unshare -rn sh -c 'ip link set lo up && exec bash "$@"' sh "$TOP/tests/transcript.bash" "$1" || status=$?
    else
        bash "$TOP/tests/transcript.bash" "$1" || status=$?
    fi
    [ $status -ne 77 ] || skip "no program of its transcripts is installed"
    return $status
}

# The pages use the default ports, so their transcripts are played one after another, in one test.
@test "house: the transcripts of all pages show what happens" {
    # shellcheck disable=SC2016 # the backticks are those of the page
    grep -rl --include='*.md' '^[`][`][`]console' "$TOP"/README.md "$TOP"/0* | sort >"$TMP/pages"
    while read -r page; do transcripts "$page" </dev/null; done <"$TMP/pages"
}

@test "house: the demo plays in a pipe without colours, and leaves no process and no file" {
    mkdir "$TMP/tmp"
    TMPDIR=$TMP/tmp make -s -C "$TOP" demo >"$TMP/out" 2>&1 3>&-
    if grep -q $'\033' "$TMP/out"; then
        echo "an escape sequence in a pipe"
        return 1
    fi
    if grep -a 'demo.sh: ' "$TMP/out"; then
        echo "the shell complains"
        return 1
    fi
    [ -z "$(ls -A "$TMP/tmp")" ]
    # Ports that the demo's servers said they listened on: nobody does any more.
    sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$TMP/out" | while read -r port; do
        if (exec 5<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "somebody still listens on port $port"
            return 1
        fi
    done
}

# Calls the museum, as `make museum` does; what it prints is in $TMP/out.
visit() { make -s -C "$TOP" museum "$@" >"$TMP/out" 2>&1; } # [VARIABLE=VALUE]

@test "house: every exhibit of the museum is found by its symptom, one of the list, or two" {
    local symptom
    cd "$TOP/tests/museum"
    # Lines "SYMPTOM|EXHIBIT"; "wrong" if an exhibit has none, more than two, or one behind its patch.
    awk 'FNR == 1 { if (NR > 1) close_exhibit(); exhibit = FILENAME; sub(/\.diff$/, "", exhibit); n = patch = 0 }
        /^--- a/ { patch = 1 }
        /^Symptom: / { if (patch) n = 3; n++; print substr($0, 10) "|" exhibit }
        function close_exhibit() { if (n < 1 || n > 2) print "wrong|" exhibit }
        END { close_exhibit() }' ./*.diff | sed 's|[.]/||' >"$TMP/named"
    cut -d '|' -f 1 "$TMP/named" | sort -u >"$TMP/symptoms"
    while read -r symptom; do
        echo "symptom: $symptom"
        visit SYMPTOM="$symptom"
        sed -n "s/^  \\([a-z][a-z0-9_]*\\)  .*/$symptom|\\1/p" "$TMP/out" >>"$TMP/shown"
    done <"$TMP/symptoms"
    diff <(sort "$TMP/named") <(sort "$TMP/shown")
    # The overview counts them all, and has no symptom without an exhibit.
    visit
    sed -n 's/^ *[0-9][0-9]*  \(.*[^ ]\)  *\([0-9][0-9]*\)  .*/\2 \1/p' "$TMP/out" | sort -k 2 >"$TMP/counted"
    diff <(cut -d '|' -f 1 "$TMP/named" | sort | uniq -c | sed 's/^ *//') "$TMP/counted"
}

@test "house: an exhibit of the museum is shown with all it has, and with commands that build it" {
    visit EXHIBIT=short_write
    grep -qx 'Believes that write() writes all it is given.' "$TMP/out"
    sed -n 's/^Caught by: //p' "$TOP/tests/museum/short_write.diff" >"$TMP/checks"
    while read -r check; do grep -qxF "    $check" "$TMP/out"; done <"$TMP/checks"
    diff <(sed -n '/^--- a/,$p' "$TOP/tests/museum/short_write.diff") <(sed -n '/^--- a/,/^$/p' "$TMP/out" | sed '$d')
    command -v patch >/dev/null || skip "patch is not installed"
    TMPDIR=$TMP visit EXHIBIT=chat_burst
    sed -n '/^Build it/,/^and/s/^    //p' "$TMP/out" >"$TMP/commands"
    (cd "$TOP" && sh -e "$TMP/commands")
    [ -x "$TMP/chat_burst/02-group-chat/chat_server" ]
}

@test "house: a symptom or an exhibit that there is not is an error in words" {
    local wrong
    for wrong in SYMPTOM=hang SYMPTOM='it sings' SYMPTOM=0 SYMPTOM=99 EXHIBIT=short_writes EXHIBIT=../../README.md EXHIBIT=short; do
        echo "$wrong"
        if visit "$wrong"; then return 1; fi
        cat "$TMP/out"
        grep -q "^The museum has no .*\"${wrong#*=}\"" "$TMP/out"
    done
    grep -qx 'Is it short_write?' "$TMP/out"
    visit SYMPTOM='CPU' # a part of one symptom only is enough
    visit SYMPTOM=1
    grep -q '^it hangs: ' "$TMP/out"
}

@test "house: tests/README.md names all that is in tests/, and nothing that is not" {
    cd "$TOP/tests"
    git ls-files . >"$TMP/files" 2>/dev/null || skip "this is no git checkout"
    sed 's|/.*||' "$TMP/files" | sort -u >"$TMP/entries"
    sed 's/[`(),;|]/ /g' README.md | tr ' ' '\n' | sed -n 's/[.:]*$//; s|/$||; /^[a-zA-Z0-9][^/]*$/p' | sort -u >"$TMP/words"
    # A word may stand for several files: poke_*.[ch].
    # shellcheck disable=SC2046 # the words are patterns
    printf '%s\n' $(cat "$TMP/words") | sort -u >"$TMP/named"
    echo "rule: the page names every file and folder of tests/; these are not on it:"
    comm -23 "$TMP/entries" "$TMP/named" | tee "$TMP/missing"
    [ ! -s "$TMP/missing" ]
    # Between backticks, the words that look like files are files: of tests/, unless they say of which folder.
    # shellcheck disable=SC2016 # the backticks are those of the page
    grep -o '`[^`]*`' README.md | tr -d '`' | tr ' ' '\n' | grep -vE 'NAME|mine\.' |
        grep -E '^[a-zA-Z0-9].*(/|\.(bats|sh|bash|awk|txt|js|md|c|h|\[ch\]))$' | sed 's|^.*/[^/]|../&|' >"$TMP/files"
    echo "rule: there is every file that the page names"
    # shellcheck disable=SC2046 # the words are patterns
    ls -d $(cat "$TMP/files") >/dev/null
}

@test "house: the check that tests/README.md shows can be pasted, and holds" {
    mkdir -p "$TMP/course/tests"
    cp "$TOP/tests/helpers.bash" "$TMP/course/tests"
    ln -s "$POKE" "$TMP/course/tests/poke"
    sed -n '/^cat >tests/,/^EOF$/p' "$TOP/tests/README.md" >"$TMP/paste"
    (cd "$TMP/course" && sh "$TMP/paste")
    bats_within BUILD="${BUILD:-$TOP}" "$TMP/course/tests/mine.bats" | tee "$TMP/out"
    grep -qx '2 of 2 checks hold' "$TMP/out"
}

@test "house: a failed check says how the server ended, and names three exhibits that fail it, too" {
    printf '#!/bin/sh\necho mine: listening on 127.0.0.1:1 >&2\nexit 3\n' >"$TMP/mine"
    chmod +x "$TMP/mine"
    bats_within ECHO_SERVER="$TMP/mine" -f 'a half-close with much' 01-echo.bats >"$TMP/out" 2>&1 || true
    cat "$TMP/out"
    grep -q '^# the server has ended, with exit code 3' "$TMP/out"
    grep -qx '# server: mine: listening on 127.0.0.1:1' "$TMP/out"
    [ "$(grep -c '^# the exhibit .* fails this check, too: make museum EXHIBIT=' "$TMP/out")" -eq 3 ]
    grep -qx '# and so do [1-9][0-9]* more exhibits' "$TMP/out"
    grep -qx '0 of 1 checks hold' "$TMP/out"
}
