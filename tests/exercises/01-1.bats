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
        a > "@[`\{ 09AZ az\0\x80\xff\n"
        a < "@[`\{ 09AZ AZ\0\x80\xff\n"
        say a Chinese character is no ASCII letter, though it comes in pieces
        a >1 "吃饭了吗 é\n"
        a < "吃饭了吗 é\n"
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
