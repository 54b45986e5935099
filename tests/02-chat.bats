#!/usr/bin/env bats
# What the group chat promises, with what one of your own has to do beside the wire: 02-group-chat/PROTOCOL.md. The server
# is $CHAT_SERVER; tests/crowd plays the many people.
# Grades: CHAT_SERVER

load helpers

CROWD=$TOP/tests/crowd

# Prints the beginning of a script: each of them comes to the lobby and takes its name, and the others hear of it.
met() { # NAME...
    local name other
    for name in "$@"; do
        echo "$name <* \"/help shows what you can do\n\""
        echo "$name > \"/nick $name\n\""
        echo "$name < \"* you are now $name\n\""
        for other in "$@"; do
            [ "$other" != "$name" ] || break
            if [ -z "${THROUGH-}" ]; then
                echo "$other < \"* guest{$name} joined\n* guest{$name} is now $name\n\""
            else # the guest's number is the proxy's port
                echo "$other <* \" is now $name\n\""
            fi
        done
    done
}

# Speaks to the server started last; the script, which comes on stdin, begins with all of them in the lobby.
chat() { # NAME...
    { met "$@"; cat; } | speak
}

# Fills the chat of the server started last (see crowd -h).
crowd() { # [OPTION...]
    local status=0
    "$CROWD" "$@" "$HOST" "$PORT" || status=$?
    [ $status -ne 77 ] || skip "too few descriptors here, see ulimit -n"
    return $status
}

# Waits until the log of the server started last names so many who were too slow, and no more.
too_slow() { # COUNT
    local tries count=0
    for ((tries = 0; tries < TRIES && count < $1; tries++)); do
        [ $tries -eq 0 ] || pause
        count=$(grep -c 'disconnected: too slow' "$LOG") || true
    done
    echo "rule: the log says of each client that was dropped that it was too slow; here: of $count instead of $1"
    [ "$count" -eq "$1" ]
}

# Prints the server's words that the checks of this file expect, as they stand there; "..." before half a line.
expected() {
    # shellcheck disable=SC2016 # awk's own $
    sed -E 's/\\"/"/g' "$BATS_TEST_FILENAME" | grep -oE '[a-z}] <\*? *("[^"]*"(\*[0-9]+)? *)+' | awk '
        {
            half = /^. <\*/ # it may begin in the middle of a line
            text = ""
            for (rest = $0; match(rest, /"[^"]*"/); rest = substr(rest, RSTART + RLENGTH))
                text = text substr(rest, RSTART + 1, RLENGTH - 2)
            n = split(text, lines, /\\n/)
            for (i = 1; i <= n; i++) {
                if (lines[i] ~ /^\* |^[^ ]+ \((private|to all|echo)\): /) print lines[i]
                else if (half && i == 1) print "..." lines[i]
            }
        }' | sort -u
}

# Prints the server's words on the page, as regular expressions: there a word in capital letters is somebody's.
promised() {
    # shellcheck disable=SC2016 # the backticks are those of the page
    {
        grep -oE '`(\* |NAME \()[^`]+`' "$TOP/02-group-chat/PROTOCOL.md" | tr -d '`'
        grep '^\* /' "$TOP/02-group-chat/PROTOCOL.md"
    } | sed -E 's/[][().*+?{}|^$\\]/\\&/g' | awk '
        !/^\\\* (\/|usage:)/ {
            gsub(/NAME|NEW|ROOM|TO/, "[^ ]+"); gsub(/TEXT/, ".+"); sub(/N in/, "[0-9]+ in"); sub(/dance/, "[^ ]*")
        }
        { print "^" $0 "$" }' | sort -u
}

@test "chat: the words that the checks expect are those on the page, PROTOCOL.md, and no others" {
    ours
    local line
    promised >"$TMP/promised"
    expected | sed 's/^\.\.\. /* somebody /' >"$TMP/expected"
    [ "$(wc -l <"$TMP/promised")" -gt 20 ]
    echo "rule: what a check expects stands on the page, and what stands there is checked; but not:"
    grep -vE -f "$TMP/promised" "$TMP/expected" | while IFS= read -r line; do
        grep -qF -- "${line#...}" "$TOP/02-group-chat/PROTOCOL.md" || echo "$line" | tee -a "$TMP/lost"
    done
    while IFS= read -r line; do
        grep -qE -- "$line" "$TMP/expected" || echo "$line" | tee -a "$TMP/lost"
    done <"$TMP/promised"
    [ ! -s "$TMP/lost" ]
}

@test "chat: a newcomer is guest and its port, in the lobby, greeted with one line that names /help" {
    start "$CHAT_SERVER"
    speak <<'END'
        a < "* welcome to the lobby, guest{a}; /help shows what you can do\n"
        b < "* welcome to the lobby, guest{b}; /help shows what you can do\n"
        a < "* guest{b} joined\n"
        b > "hello\n"
        a < "guest{b}: hello\n"
        a > "/who\n"
        a < "* guest{a} is here\n* guest{b} is here\n"
END
}

@test "chat: a line goes to the others in the room, and never back to its sender" {
    start "$CHAT_SERVER"
    chat a b c d <<'END'
        d > "/join den\n"
        d < "* you are in den\n"
        a < "* d left\n"
        b < "* d left\n"
        c < "* d left\n"
        a > "吃饭了吗\n"
        b < "a: 吃饭了吗\n"
        c < "a: 吃饭了吗\n"
        b > "hello, a\n"
        a < "b: hello, a\n"
        c < "b: hello, a\n"
        a > "/echo this is next\n"
        a < "a (echo): this is next\n"
        b > "/echo this is next\n"
        b < "b (echo): this is next\n"
        d > "/echo this is next\n"
        d < "d (echo): this is next\n"
END
}

@test "chat: a line is a line, however it is cut, even within a character" {
    start "$CHAT_SERVER"
    local size
    {
        echo 'w > "/join w\n"'
        echo 'w < "* you are in w\n"'
        echo 'a < "* w left\n"'
        echo 'b < "* w left\n"'
        for size in 1 2 3 5 7; do
            echo "a >$size \"吃饭了吗\r\n/echo 你好\nabc\n\" via w \"/echo w\n\" \"w (echo): w\n\""
            echo 'a < "a (echo): 你好\n"'
            echo 'b < "a: 吃饭了吗\na: abc\n"'
        done
    } | chat a b w
}

@test "chat: lines of one segment are relayed one by one; they end with LF or CR LF" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "from nc\nfrom telnet\r\nthe beginning of"
        b < "a: from nc\na: from telnet\n"
        a > " a third\r"
        b > "not between\n"
        a < "b: not between\n"
        a > "\nand a fourth\n"
        b < "a: the beginning of a third\na: and a fourth\n"
END
}

@test "chat: CR NUL ends a line, too, in one piece or two; a CR alone is thrown away" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "one\r\0two\r\0\r\0three\r\n"
        b < "a: one\na: two\na: three\n"
        a > "c\rut\r\r\0not spoilt\n"
        b < "a: cut\na: not spoilt\n"
        a > "in two\r"
        b > "not between\n"
        a < "b: not between\n"
        a > "\0pieces\r"
        b > "not between\n"
        a < "b: not between\n"
        a > "\nends\n"
        b < "a: in two\na: pieces\na: ends\n"
        a > "/quit\r\0"
        a eof
        b < "* a left\n"
END
}

@test "chat: half a line of one person is never torn into that of another" {
    start "$CHAT_SERVER"
    chat a b c w <<'END'
        w > "/join w\n"
        w < "* you are in w\n"
        a < "* w left\n"
        b < "* w left\n"
        c < "* w left\n"
        a > "one " via w "/echo w\n" "w (echo): w\n"
        b > "two " via w "/echo w\n" "w (echo): w\n"
        a > "half, " via w "/echo w\n" "w (echo): w\n"
        b > "halves, " via w "/echo w\n" "w (echo): w\n"
        a > "whole\n"
        c < "a: one half, whole\n"
        b < "a: one half, whole\n"
        b > "wholes\n"
        c < "b: two halves, wholes\n"
END
}

@test "chat: many lines at once arrive one by one, in order" {
    start "$CHAT_SERVER"
    {
        echo "a > \"$(seq 1 4000 | sed 's/$/\\n/' | tr -d '\n')\""
        echo "b < \"$(seq 1 4000 | sed 's/^/a: /; s/$/\\n/' | tr -d '\n')\""
    } | chat a b
}

@test "chat: much said in one breath makes nobody look slow who reads" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "/nick abcdefghijklmnopqrstuvwxyz-01234\n"
        a < "* you are now abcdefghijklmnopqrstuvwxyz-01234\n"
        b < "* a is now abcdefghijklmnopqrstuvwxyz-01234\n"
        a > "x\n"*3000
        b < "abcdefghijklmnopqrstuvwxyz-01234: x\n"*3000
        a > "/msg b x\n"*2000
        b < "abcdefghijklmnopqrstuvwxyz-01234 (private): x\n"*2000
END
}

@test "chat: a line has at most 1024 bytes, a longer one is refused as a whole" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "m"*1024 "\r\n"
        b < "a: " "m"*1024 "\n"
        a > "m"*1025 "\n"
        a < "* that line is over 1024 bytes, nobody got it\n"
        a > "m"*102400 "\n" "next\n"
        a < "* that line is over 1024 bytes, nobody got it\n"
        b < "a: next\n"
        a > "/" "x"*1023 "\n"
        a < "* there is no /" "x"*1023 ", see /help\n"
        a > "/msg " "x"*1017 " y\n"
        a < "* there is nobody called " "x"*1017 "\n"
        a > "/nick " "x"*1018 "\n"
        a < "* a name is 1 to 32 bytes of letters, digits, - and _\n"
END
}

@test "chat: control characters and broken UTF-8 reach nobody's terminal" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "\x1b[2Jclear\x07\x7f \0 C1 \xc2\x9b0m, tab \t!\n"
        b < "a: ?[2Jclear?? ? C1 ??0m, tab \t!\n"
        a > "bad \x80 \xc3( \xe4\xbd \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xf8\n"
        b < "a: bad ? ?( ?? ?? ??? ???? ?\n"
        a > "good é 你 😀 \xf4\x8f\xbf\xbf\n"
        b < "a: good é 你 😀 \xf4\x8f\xbf\xbf\n"
        a > "/msg b \x1b]0;title\x07\n/all \x1bc\n/nick \x1b[m\n/join \x9b\n"
        b < "a (private): ?]0;title?\na (to all): ?c\n"
        a < "a (to all): ?c\n" "* a name is 1 to 32 bytes of letters, digits, - and _\n"*2
END
}

@test "chat: marks that turn the direction, end the line, or hide text, reach nobody's terminal; joiners and emoji stay" {
    start "$CHAT_SERVER"
    local code
    {
        for code in 0x200B 0x2028 0x2029 0x202A 0x202B 0x202C 0x202D 0x202E 0x2060 0x2066 0x2067 0x2068 0x2069 0xFEFF 0xFFF9; do
            echo "a > \"e$(character $code)gnp.exe\n\""
            echo 'b < "a: e???gnp.exe\n"'
        done
        echo "a > \"a tag$(character 0xE0041)\n\""
        echo 'b < "a: a tag????\n"'
        echo 'a > "👩‍👧 ❤️ नमस्‍ते می‌خواهم\n"'
        echo 'b < "a: 👩‍👧 ❤️ नमस्‍ते می‌خواهم\n"'
    } | chat a b
}

@test "chat: telnet's commands are no text; its requests are refused politely" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "be\xff\xf1fore\xff\xfb\x18 and\xff\xfe\x01 after\n"
        a < "\xff\xfe\x18"
        b < "a: before and after\n"
        a > "\xff\xf4\xff\xfd\x06"
        a < "\xff\xfc\x06"
        a > "still here\n"
        b < "a: still here\n"
END
}

@test "chat: what people type is no format" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "100% %d %s%s%s%n %2000d\n/msg b %x%s%n\n/all %d%n\n/echo %n%s\n/%s\n/msg %s%n hi\n"
        b < "a: 100% %d %s%s%s%n %2000d\na (private): %x%s%n\na (to all): %d%n\n"
        a < "a (to all): %d%n\na (echo): %n%s\n* there is no /%s, see /help\n* there is nobody called %s%n\n"
END
}

@test "chat: nobody can speak for the server, or for somebody else" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "* c joined\n"
        b < "a: * c joined\n"
        a > "b: hi\r* c left\n"
        b < "a: b: hi* c left\n"
        a > "/nick *\n/nick b:\n/nick a/b\n"
        a < "* a name is 1 to 32 bytes of letters, digits, - and _\n"*3
END
}

@test "chat: an empty line is not relayed" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "\n\r\n \n\t\n.\n"
        b < "a: .\n"
END
}

@test "chat: who is alone is told so" {
    start "$CHAT_SERVER"
    chat a <<'END'
        a > "hello?\n/join den\nhello?\n"
        a < "* nobody else is in lobby\n* you are in den\n* nobody else is in den\n"
END
}

@test "chat: the last line counts without its end, and who half-closes gets what is owed" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "/help\nno Enter"
        a shut
        a <* "* /quit             hang up\n"
        a eof
        b < "a: no Enter\n* a left\n"
END
}

@test "chat: the last line counts also if a torn telnet command stands behind it" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "no Enter\xff\xfa\x18"
        a shut
        a eof
        b < "a: no Enter\n* a left\n"
END
}

@test "chat: /nick changes a name, and the room hears of it" {
    start "$CHAT_SERVER"
    chat a b c <<'END'
        c > "/join den\n"
        c < "* you are in den\n"
        a < "* c left\n"
        b < "* c left\n"
        a > "/nick 张三\nhello\n"
        a < "* you are now 张三\n"
        b < "* a is now 张三\n张三: hello\n"
        c > "/nick a\n/msg 张三 hi\n"
        c < "* you are now a\n"
        a < "a (private): hi\n"
END
}

@test "chat: a name has 1 to 32 bytes: letters of any script, digits, - and _" {
    start "$CHAT_SERVER"
    local name
    {
        for name in x Ü-1_z 张三 Иван -_- 1234567890123456789012345678901-; do
            echo "a > \"/nick $name\n\""
            echo "a < \"* you are now $name\n\""
        done
        for name in a\ b '*a' a: /a a@b 'a\t' '\xc2\xa0' '　' '\xe2\x80\x8b' '\xe2\x80\xaea' 'a\xe2\x81\xa6' '\x01' '\x80' 'a\xfe' \
            123456789012345678901234567890123 一二三四五六七八九十一; do
            echo "a > \"/nick $name\n\""
            echo 'a < "* a name is 1 to 32 bytes of letters, digits, - and _\n"'
            echo "a > \"/join $name\n\""
            echo 'a < "* a name is 1 to 32 bytes of letters, digits, - and _\n"'
        done
        echo 'a > "/nick\n/nick  \n/join\n"'
        echo 'a < "* usage: /nick NAME\n* usage: /nick NAME\n* usage: /join ROOM\n"'
        echo 'a > "/who\n/rooms\n"'
        echo 'a < "* 1234567890123456789012345678901- is here\n* 1 in lobby\n"'
    } | chat a
}

# All that Unicode calls Default_Ignorable_Code_Point, Bidi_Control or White_Space beyond ASCII, and U+2800; of U+E0000 to
# U+E0FFF some.
unseen() {
    printf '%d\n' 0x85 0xA0 0xAD 0x34F 0x61C 0x115F 0x1160 0x1680 0x17B4 0x17B5 0x2800 0x3000 0x3164 0xFEFF 0xFFA0
    seq $((0x180B)) $((0x180F))
    seq $((0x2000)) $((0x200F))
    seq $((0x2028)) $((0x202F))
    seq $((0x205F)) $((0x206F))
    seq $((0xFE00)) $((0xFE0F))
    seq $((0xFFF0)) $((0xFFF8))
    seq $((0x1BCA0)) $((0x1BCA3))
    seq $((0x1D173)) $((0x1D17A))
    printf '%d\n' 0xE0000 0xE0001 0xE0020 0xE007F 0xE0100 0xE01EF 0xE01F0 0xE0FFF
}

@test "chat: no name has a character in it that nobody can see" {
    takes_long
    start "$CHAT_SERVER"
    local code rule='"* a name is 1 to 32 bytes of letters, digits, - and _\n"'
    for code in $(unseen); do
        printf 'say U+%04X in a name\n' "$code"
        echo "a > \"/nick $(character "$code")\n/nick an$(character "$code")na\n/join den$(character "$code")\n\""
        echo "a < $rule*3"
    done >"$TMP/script"
    chat a <"$TMP/script"
}

@test "chat: a name has one owner at a time, and the guests' names are no others'" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        b > "/nick a\n/nick guest{a}\n/nick guest\n/nick A\n"
        b < "* the name a is taken\n* the name guest{a} is taken\n* the name guest is taken\n* you are now A\n"
        a < "* b is now A\n"
        a > "/nick b\n"
        a < "* you are now b\n"
        b < "* a is now b\n"
        b > "/nick a\n"
        b < "* you are now a\n"
        a < "* A is now a\n"
        b close
        a < "* a left\n"
        a > "/nick a\n"
        a < "* you are now a\n"
END
}

# Reads on a descriptor until somebody is told what has become of his wish for a name, and counts those who got it.
name_given() { # DESCRIPTOR NAME
    local line
    while read -r -t 5 line <&"$1"; do
        case $line in
        "* you are now $2") given=$((given + 1)) && return ;;
        "* the name $2 is taken") return ;;
        esac
    done
    echo "no answer to /nick $2"
    return 1
}

@test "chat: of two who want a name at the same moment one gets it" {
    start "$CHAT_SERVER"
    local given i
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    for ((i = 0; i < 20; i++)); do
        given=0
        echo "/nick n$i" >&5 &
        echo "/nick n$i" >&6
        wait $!
        name_given 5 n$i
        name_given 6 n$i
        echo "n$i was given to $given"
        [ $given -eq 1 ]
    done
    exec 5>&- 6>&-
}

@test "chat: /join and /leave: one room at a time, and both rooms hear of it" {
    start "$CHAT_SERVER"
    chat a b c <<'END'
        a > "/join 厨房\n"
        a < "* you are in 厨房\n"
        b < "* a left\n"
        c < "* a left\n"
        b > "/join 厨房\n"
        b < "* you are in 厨房\n"
        a < "* b joined\n"
        c < "* b left\n"
        a > "in here\n"
        b < "a: in here\n"
        c > "out there\n"
        c < "* nobody else is in lobby\n"
        a > "/join 厨房\n"
        a < "* you are in 厨房\n"
        a > "/leave\n"
        a < "* you are in lobby\n"
        b < "* a left\n"
        c < "* a joined\n"
        c > "hello\n"
        a < "c: hello\n"
        b > "hello\n"
        b < "* nobody else is in 厨房\n"
END
}

@test "chat: /rooms counts heads, /who names them, and an emptied room is gone" {
    start "$CHAT_SERVER"
    chat a b c <<'END'
        a > "/join den\n/rooms\n/who\n"
        a < "* you are in den\n* 1 in den\n* 2 in lobby\n* a is here\n"
        b < "* a left\n"
        c < "* a left\n"
        b > "/join den\n/rooms\n"
        a < "* b joined\n"
        b < "* you are in den\n* 2 in den\n* 1 in lobby\n"
        c < "* b left\n"
        b > "/who\n"
        b < "* a is here\n* b is here\n"
        a > "/join attic\n"
        a < "* you are in attic\n"
        b < "* a left\n"
        b close
        c > "/join attic\n"
        a < "* c joined\n"
        a > "/rooms\n"
        a < "* 2 in attic\n"
END
}

@test "chat: /msg reaches one person, in any room, and is marked as private" {
    start "$CHAT_SERVER"
    chat a b c <<'END'
        b > "/join den\n"
        b < "* you are in den\n"
        a < "* b left\n"
        c < "* b left\n"
        a > "/msg b 吃饭了吗?  at six\n/msg a to myself\n/echo done\n"
        b < "a (private): 吃饭了吗?  at six\n"
        a < "a (private): to myself\na (echo): done\n"
        a > "/msg x hi\n/msg\n/msg b\n/msg B hi\n"
        a < "* there is nobody called x\n* usage: /msg NAME TEXT\n* usage: /msg NAME TEXT\n* there is nobody called B\n"
        b > "/echo done\n"
        b < "b (echo): done\n"
        c > "/echo done\n"
        c < "c (echo): done\n"
END
}

@test "chat: /all reaches everybody in all rooms, and /echo only oneself" {
    start "$CHAT_SERVER"
    chat a b c <<'END'
        b > "/join den\n"
        b < "* you are in den\n"
        a < "* b left\n"
        c < "* b left\n"
        a > "/echo is anybody there?\n/all dinner!\n/all\n/echo\n"
        a < "a (echo): is anybody there?\na (to all): dinner!\n* usage: /all TEXT\n* usage: /echo TEXT\n"
        b < "a (to all): dinner!\n"
        c < "a (to all): dinner!\n"
END
}

@test "chat: /help lists the commands; for what is none there is a clear answer, to the sender alone" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "/help\n"
        a <* "* /nick  NAME       change your name\n"
        a <* "* /join  ROOM       go to a room, or open a new one\n"
        a <* "* /leave            go back to the lobby\n"
        a <* "* /rooms            see how many are in which room\n"
        a <* "* /who              see who is in this room\n"
        a <* "* /msg   NAME TEXT  tell one person\n"
        a <* "* /all   TEXT       tell everybody in all rooms\n"
        a <* "* /echo  TEXT       tell yourself\n"
        a <* "* /help             see this list\n"
        a <* "* /quit             hang up\n"
        a > "/dance\n/\n/NICK x\n/nickname x\n/who is there\n"
        a < "* there is no /dance, see /help\n* there is no /, see /help\n* there is no /NICK, see /help\n"
        a < "* there is no /nickname, see /help\n* a is here\n* b is here\n"
        b > "/echo done\n"
        b < "b (echo): done\n"
END
}

@test "chat: /quit and telnet's Ctrl-D hang up, and the room hears of it at once" {
    start "$CHAT_SERVER"
    chat a b c d <<'END'
        a > "/quit\nthis comes too late\n"
        a eof
        b < "* a left\n"
        c < "* a left\n"
        d < "* a left\n"
        b > "\x04"
        b eof
        c < "* b left\n"
        d < "* b left\n"
        c > "/msg a hi\n/nick a\n/who\n/rooms\n"
        c < "* there is nobody called a\n* you are now a\n* a is here\n* d is here\n* 2 in lobby\n"
        d < "* c is now a\n"
END
}

@test "chat: who closes or resets is said to have left, and disturbs nobody" {
    start "$CHAT_SERVER"
    chat a b c d <<'END'
        c close
        a < "* c left\n"
        b < "* c left\n"
        d < "* c left\n"
        d reset
        a < "* d left\n"
        b < "* d left\n"
        a > "still here\n"
        b < "a: still here\n"
END
}

@test "chat: a reset while it is written to disturbs nobody" {
    start "$CHAT_SERVER"
    local c text
    text="\"$(printf 'm%.0s' {1..1000})\n\""
    {
        echo 'a > "/join den\n"'
        echo 'a < "* you are in den\n"'
        echo 'b < "* a left\n"'
        for c in c1 c2 c3; do
            echo "$c deaf"
            echo "$c <* \"you can do\n\""
            echo "$c > \"/join den\n\""
            echo "$c < \"* you are in den\n\""
            echo "b < \"* guest{$c} joined\n* guest{$c} left\n\""
            echo "a < \"* guest{$c} joined\n\""
            echo "a > $text*500"
            echo "$c reset"
            echo "a > $text*10"
            echo "a <* \"* guest{$c} left\n\""
            echo 'a > "/echo still here\n"'
            echo 'a <* "a (echo): still here\n"'
        done
        echo 'a > "/leave\n"'
        echo 'b < "* a joined\n"'
    } | chat a b
}

@test "chat: storms of joins and leaves lose nobody" {
    start "$CHAT_SERVER"
    chat a b <<'END'
        a > "/join x\n/leave\n"*2000
        b < "* a left\n* a joined\n"*2000
        a < "* you are in x\n* you are in lobby\n"*2000
        c crowd 200 "/join x\n" "* welcome"
        c served 200 200
        c reset
        a > "/join y\n"
        a <* "* you are in y\n"
        b <* "* a left\n"
        say others may still be leaving
        b > "/join y\n"
        b <* "* you are in y\n"
        a < "* b joined\n"
        a > "/rooms\nhello\n"
        a <* "* 2 in y\n"
        b < "a: hello\n"
END
}

@test "chat: who asks for much and reads nothing is made to wait, and nobody else" {
    takes_long
    start "$CHAT_SERVER"
    chat a b <<'END'
        a fill 67108864 "/echo mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm\n/help\n" via b "/echo w\n" "b (echo): w\n"
        a blocked
        a reset
        b < "* a left\n"
END
}

@test "chat: a reader that does not keep up is dropped, and nobody else notices" {
    takes_long
    start "$CHAT_SERVER"
    crowd -c 12 -d 2 -s 2 -n 4000 -b 1000 -l
    of_ours too_slow 2
}

@test "chat: a reader that does not keep up gets the end of its connection, and the room hears that it has left" {
    start "$CHAT_SERVER"
    {
        echo 'c deaf'
        echo 'c <* "you can do\n"'
        echo 'a < "* guest{c} joined\n"'
        echo "a > \"$(printf 'm%.0s' {1..1000})\n\"*12000"
        echo 'a <* "* guest{c} left\n"'
        echo 'a > "/echo done\n"'
        echo 'a <* "a (echo): done\n"'
        echo 'c gone'
    } | chat a
    of_ours too_slow 1
}

@test "chat: 100 who do not read are dropped at their bound, and 10 who do read on" {
    takes_long
    start "$CHAT_SERVER"
    crowd -c 110 -d 100 -n 3500 -b 1000 -l
    of_ours too_slow 100
}

@test "chat: 4 talk at once to 20, and everyone gets every line once and in order" {
    start "$CHAT_SERVER"
    crowd -c 20 -s 4 -n 1000
}

@test "chat: 900 in one room, and everyone gets every line once and in order" {
    takes_long
    start "$CHAT_SERVER"
    crowd -c 900 -n 200
}

@test "chat: 900 in one room, 100 of them stalled, and the others get every line" {
    takes_long
    start "$CHAT_SERVER"
    crowd -c 900 -d 100 -n 200
}

@test "chat: SIGTERM ends it within a second, and everybody's connection with it" {
    start "$CHAT_SERVER"
    local line
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    read -r -t 5 line <&5
    read -r -t 5 line <&6
    stops_on TERM
    cat <&5 >"$TMP/5" 2>"$TMP/err" || true
    cat <&6 >"$TMP/6" 2>"$TMP/err" || true
    exec 5>&- 6>&-
}
