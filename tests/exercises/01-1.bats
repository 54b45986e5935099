#!/usr/bin/env bats
# Exercise 01-1: echo_server -u answers in upper case, and breaks no other byte.
# Grades: ECHO_SERVER

load ../helpers

@test "with -u, the letters a to z come back as A to Z" {
    start "$ECHO_SERVER" -u
    speak <<'END'
        say abc comes back as ABC, whatever pieces it comes in
        a > "hello, world\r\n"
        a < "HELLO, WORLD\r\n"
        a >1 "one by one\n"
        a < "ONE BY ONE\n"
END
}

@test "with -u, no other byte is changed: digits, signs, half a character, 0, 255" {
    start "$ECHO_SERVER" -u
    speak <<'END'
        say what is no ASCII letter comes back as it went
        a > "@[`\{|}~\x7f 09AZ az\0\x80\xff\n"
        a < "@[`\{|}~\x7f 09AZ AZ\0\x80\xff\n"
        say a letter is one behind whatever byte, also behind a zero and behind half a character
        a > "\0a\xe4bc\n"
        a < "\0A\xe4BC\n"
        say a Chinese character is no ASCII letter, though it comes in pieces
        a >1 "吃饭了吗 é\n"
        a < "吃饭了吗 é\n"
END
}

@test "with -u, much that comes at once comes back as a whole" {
    start "$ECHO_SERVER" -u
    speak <<'END'
        say there may be more at once than a buffer of the server's own has room for
        a > "hello, world\n"*10000
        a < "HELLO, WORLD\n"*10000
END
}

@test "without -u, it is the echo server that it was" {
    start "$ECHO_SERVER"
    speak <<'END'
        say an option changes nothing for those who do not use it
        a > "hello\n"
        a < "hello\n"
END
}
