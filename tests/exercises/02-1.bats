#!/usr/bin/env bats
# Exercise 02-1: /last N repeats the last N lines of the room to the one who asks.
# Grades: CHAT_SERVER

load ../helpers

@test "/last N repeats the last N lines of the room, the oldest first, to the one who asks" {
    start "$CHAT_SERVER"
    speak <<'END'
        a > "/nick anna\none\n \ntwo\n三\n"
        a <* "nobody else is in lobby\n* nobody else is in lobby\n* nobody else is in lobby\n"
        b <* "/help shows what you can do\n"
        say /last 2 answers with the last two lines, as "name: text"
        b > "/last 2\n"
        b < "anna: two\nanna: 三\n"
        say /last 20 answers with all that there are, if there are fewer; a blank line is not said, so it is not repeated
        b >1 "/last 20\n"
        b < "anna: one\nanna: two\nanna: 三\n"
        say nobody else hears of it
        a <* "* guest{b} joined\n"
        b > "bye\n"
        a < "guest{b}: bye\n"
END
}

@test "/last keeps the rooms apart" {
    start "$CHAT_SERVER"
    speak <<'END'
        a > "/nick anna\nin the lobby\n/join kitchen\nin the kitchen\n/last 9\n"
        say what was said in another room is not repeated
        a <* "you are in kitchen\n* nobody else is in kitchen\nanna: in the kitchen\n"
        a > "/echo done\n"
        a < "anna (echo): done\n"
        say a hundred lines in another room push none out of this one
        a > "line\n"*100 "/leave\n/last 20\n"
        a < "* nobody else is in kitchen\n"*100 "* you are in lobby\nanna: in the lobby\n"
END
}

@test "/last keeps the last 20 lines of a room, and refuses what is no number from 1 to 20" {
    start "$CHAT_SERVER"
    {
        echo 'a > "/nick anna\n"'
        for i in $(seq 30); do echo "a > \"line $i\n\""; done
        echo 'a <* "you are now anna\n"'
        echo 'a < "* nobody else is in lobby\n"*30'
        echo 'say at most 20 lines are kept, the latest'
        echo 'a > "/last 20\n"'
        for i in $(seq 11 30); do echo "a < \"anna: line $i\n\""; done
        echo 'say /last 0, /last 21, /last 2x, /last -1 and /last alone are answered with one line that begins with "* "'
        for text in '/last 0' '/last 21' '/last x' '/last 2x' '/last -1' '/last 4294967298' '/last'; do
            printf 'a > "%s\\n/echo done\\n"\na < "* "\na <* "\\nanna (echo): done\\n"\n' "$text"
        done
    } | speak
}

@test "/last repeats what was said then, whoever has another name by now, or has left" {
    start "$CHAT_SERVER"
    speak <<'END'
        a > "/nick anna\none\n/nick berta\ntwo\n/quit\n"
        a gone
        a close
        b <* "/help shows what you can do\n"
        say a line stands under the name that it was said with
        b > "/nick carl\n/last 2\n"
        b < "* you are now carl\nanna: one\nberta: two\n"
END
}

@test "/last repeats the longest lines of the longest name, each as a whole" {
    start "$CHAT_SERVER"
    {
        echo 'a > "/nick "' '"n"*32' '"\n"'
        for _ in {1..20}; do echo 'a > "x"*1024' '"\n"'; done
        echo 'a > "/echo done\n"'
        echo 'a <* "(echo): done\n"'
        echo 'b <* "/help shows what you can do\n"'
        echo 'say 20 lines of 1024 bytes, from somebody whose name has 32'
        echo 'b > "/last 20\n"'
        for _ in {1..20}; do echo 'b < "n"*32 ": " "x"*1024 "\n"'; done
    } | speak
}
