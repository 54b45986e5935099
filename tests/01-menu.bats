#!/usr/bin/env bats
# What the self-service line promises. The server is $MENU_SERVER. Its texts, and what it does with what is no text, are on
# the page: 01-echo/README.md, "A server of your own".
# Grades: MENU_SERVER

load helpers

# Begins a script that skips the greeting of client a.
greeted() {
    echo 'a <* "Anything else I say back to you.\n"'
    cat
}

@test "menu: it greets with a menu, and a number gets its answer" {
    start "$MENU_SERVER"
    speak <<'END'
        a <* "1  话费"
        a <* "2  流量"
        a <* "3  再见"
        a <* "Anything else I say back to you.\n"
        a > "1\n"
        a < "10086: 话费余额 58.20 元。 Your balance is 58.20 yuan.\n"
        a > "2\n"
        a < "10086: 剩余流量 3.2 GB。 You have 3.2 GB of data left.\n"
END
}

@test "menu: 3 says goodbye and hangs up" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        a > "3\n"
        a < "10086: 再见! Goodbye!\n"
        a eof
END
}

@test "menu: the goodbye arrives though more has been sent behind the 3" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        a >? "3\n" "this comes too late\n"*10000
        a < "10086: 再见! Goodbye!\n"
        a eof
END
}

@test "menu: anything else comes back with the server's name in front" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        a > "吃饭了吗\n"
        a < "10086: 吃饭了吗\n"
        a > "33\n"
        a < "10086: 33\n"
        a > "\n"
        a < "10086: \n"
END
}

@test "menu: -n gives the server another name" {
    ours
    start "$MENU_SERVER" -n 中国移动
    speak <<'END'
        a < "中国移动: "
        a <* "say back to you.\n"
        a > "吃饭了吗\n"
        a < "中国移动: 吃饭了吗\n"
END
}

@test "menu: lines end with LF or CR LF" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        a > "from nc\nfrom telnet\r\n"
        a < "10086: from nc\n10086: from telnet\n"
END
}

@test "menu: CR NUL is an Enter, too, in one piece or two; a CR alone is thrown away" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        w <* "say back to you.\n"
        a > "one\r\0two\r\0\r\0three\r\n"
        a < "10086: one\n10086: two\n10086: \n10086: three\n"
        a > "c\rut\r\r\0not spoilt\n"
        a < "10086: cut\n10086: not spoilt\n"
        a > "in two\r"
        w > "w\n"
        w < "10086: w\n"
        a > "\0pieces\r"
        w > "w\n"
        w < "10086: w\n"
        a > "\nends\n"
        a < "10086: in two\n10086: pieces\n10086: ends\n"
        a > "3\r\0"
        a < "10086: 再见! Goodbye!\n"
        a eof
END
}

@test "menu: a line is a line, however it is cut" {
    start "$MENU_SERVER"
    local size
    {
        echo 'w <* "say back to you.\n"'
        for size in 1 2 3 5 7; do
            echo "a >$size \"吃饭了吗\r\n1\nabc\n\" via w \"w\n\" \"10086: w\n\""
            echo 'a < "10086: 吃饭了吗\n10086: 话费余额 58.20 元。 Your balance is 58.20 yuan.\n10086: abc\n"'
        done
    } | greeted | speak
}

@test "menu: many lines at once are answered one by one, in order" {
    start "$MENU_SERVER"
    {
        echo 'a > "x\n"*20000'
        echo 'a < "10086: x\n"*20000'
    } | greeted | speak
}

@test "menu: who asks for much and reads nothing is made to wait, and nobody else" {
    start "$MENU_SERVER"
    speak <<'END'
        b <* "say back to you.\n"
        a fill 67108864 "1\n" via b "x\n" "10086: x\n"
        a blocked
        a reset
        b > "1\n"
        b < "10086: 话费"
END
}

@test "menu: the last line counts without its end, too" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        a > "no Enter"
        a shut
        a < "10086: no Enter\n"
        a eof
END
}

@test "menu: the last line counts also if a torn telnet command stands behind it" {
    start "$MENU_SERVER"
    local command
    for command in '\xff' '\xff\xfb' '\xff\xfa' '\xff\xfa\x18\xff'; do
        greeted <<END | speak
            a > "no Enter$command"
            a shut
            a < "10086: no Enter\n"
            a eof
END
    done
}

@test "menu: a line has at most 1024 bytes, a longer one is refused as a whole" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        a > "m"*1024 "\r\n"
        a < "10086: " "m"*1024 "\n"
        a > "m"*1025 "\n"
        a < "10086: 太长了。 That line is over 1024 bytes.\n"
        a > "m"*100000 "\n" "next\n"
        a < "10086: 太长了。 That line is over 1024 bytes.\n10086: next\n"
END
}

@test "menu: control characters and broken UTF-8 come back harmless" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        a > "\x1b[2Jclear\x07\x7f\n"
        a < "10086: ?[2Jclear??\n"
        a > "C1 \xc2\x9b0m, NUL \0, tab \t!\n"
        a < "10086: C1 ??0m, NUL ?, tab \t!\n"
        a > "bad \x80 \xc3( \xe4\xbd \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xf8\n"
        a < "10086: bad ? ?( ?? ?? ??? ???? ?\n"
        a > "good é 你 😀 \xf4\x8f\xbf\xbf\n"
        a < "10086: good é 你 😀 \xf4\x8f\xbf\xbf\n"
END
}

@test "menu: marks that turn the direction, end the line, or hide text, come back harmless; joiners and emoji stay" {
    start "$MENU_SERVER"
    local code
    {
        for code in 0x200B 0x2028 0x2029 0x202A 0x202B 0x202C 0x202D 0x202E 0x2060 0x2066 0x2067 0x2068 0x2069 0xFEFF 0xFFF9; do
            echo "a > \"e$(character $code)gnp.exe\n\""
            echo 'a < "10086: e???gnp.exe\n"'
        done
        echo "a > \"a tag$(character 0xE0041)\n\""
        echo 'a < "10086: a tag????\n"'
        echo 'a > "👩‍👧 ❤️ नमस्‍ते می‌خواهم 5\xe2\x80\xaf% \xe2\x80\xa7\n"'
        echo 'a < "10086: 👩‍👧 ❤️ नमस्‍ते می‌خواهم 5\xe2\x80\xaf% \xe2\x80\xa7\n"'
    } | greeted | speak
}

@test "menu: telnet's commands are no text; its requests are refused politely" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        a > "be\xff\xf1fore\xff\xfb\x18 and\xff\xfe\x01 after\n"
        a < "\xff\xfe\x18" "10086: before and after\n"
        a > "\xff\xfa\x18\0xterm\n\xff\xf03\xff\xf43\n"
        a < "10086: 33\n"
        a > "\xff\xf4\xff\xfd\x06"
        a < "\xff\xfc\x06"
        a > "still here\n"
        a < "10086: still here\n"
END
}

@test "menu: Ctrl-D in telnet hangs up" {
    start "$MENU_SERVER"
    greeted <<'END' | speak
        a > "\x04"
        a < "10086: 再见! Goodbye!\n"
        a eof
END
}

@test "menu: the real telnet can use it" {
    command -v telnet >/dev/null || skip "telnet is not installed"
    start "$MENU_SERVER"
    mkfifo "$TMP/keys"
    telnet 127.0.0.1 "$PORT" <"$TMP/keys" >"$TMP/screen" 2>&1 3>&- &
    STARTED+=($!)
    exec 5>"$TMP/keys" # telnet sends nothing at all if its input ends too early
    printf '2\nhello\n' >&5
    LOG=$TMP/screen logged '^10086: hello'
    echo 3 >&5
    wait $! || true
    exec 5>&-
    grep -q '10086: 剩余流量 3.2 GB' "$TMP/screen"
    grep -q 'Goodbye' "$TMP/screen"
}
