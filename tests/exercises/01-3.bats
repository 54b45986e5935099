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

@test "0 in the menu counts whoever comes, and not who hangs up without a word" {
    start "$MENU_SERVER"
    {
        cat <<'END'
        a > "0\n"
        a <* "10086: 1 on the line\n"
        say who hangs up without 3 is not counted any more
        b <* "back to you.\n"
        b shut
        b eof
        b close
        a > "0\n"
        a < "10086: 1 on the line\n"
        say who comes after somebody who has pressed 3 is counted
        c > "3\n"
        c <* "Goodbye!\n"
        c eof
        c close
        a > "1\n"
        a <* "yuan.\n"
        d > "0\n"
        d <* "10086: 2 on the line\n"
        say there may be more than nine
END
        for i in {3..12}; do printf '%s\n' "d$i > \"0\n\"" "d$i <* \"10086: $i on the line\n\""; done
    } | speak
}

@test "0 is 0, and nothing else is" {
    start "$MENU_SERVER"
    speak <<'END'
        say what is not in the menu comes back, as before
        a > "zero\n"
        a <* "10086: zero\n"
        a > "00\n0 1\n-0\n"
        a < "10086: 00\n10086: 0 1\n10086: -0\n"
        a >1 "0\r\n"
        a < "10086: 1 on the line\n"
END
}
