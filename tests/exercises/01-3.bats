#!/usr/bin/env bats
# Exercise 01-3: 0 in the menu tells how many people are on the line.
# Grades: MENU_SERVER

load ../helpers

@test "0 in the menu tells how many are on the line" {
    start "$MENU_SERVER"
    speak <<'END'
        say 0 is answered with "NAME: N on the line"
        a > "0\n"
        a <* "10086: 1 on the line\n"
        b > "0\n"
        b <* "10086: 2 on the line\n"
        a > "0\n"
        a < "10086: 2 on the line\n"
        say who has pressed 3 is not counted any more, though the end of the connection is still to come
        b > "3\n"
        b <* "Goodbye!\n"
        a > "0\n"
        a < "10086: 1 on the line\n"
        say who has left is not counted any more
        b eof
        b close
        a > "0\n"
        a < "10086: 1 on the line\n"
END
}
