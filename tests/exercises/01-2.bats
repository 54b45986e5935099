#!/usr/bin/env bats
# Exercise 01-2: echo_server -t MS drops who has said nothing for so long.
# Grades: ECHO_SERVER

load ../helpers

@test "with -t 300, who is silent is dropped, and the log says that it was idle" {
    start "$ECHO_SERVER" -t 300
    speak <<'END'
        say a client that says nothing is hung up on after -t ms
        a open
        a gone
END
    logged 'disconnected: idle$'
}

@test "with -t 1500, who talks stays, also while another is dropped" {
    start "$ECHO_SERVER" -t 1500
    speak <<'END'
        say a newcomer has its whole time, whoever was there before
        other open
        earlier > "0\n"
        earlier < "0\n"
        earlier shut
        earlier eof
        earlier close
        other hold 1000
        talks open
        silent open
        talks hold 700
        talks > "1\n"
        talks < "1\n"
        second open
        say each client has a time of its own, and all that it says begins it anew
        talks hold 500
        talks > "2\n"
        talks < "2\n"
        silent gone
        second > "still here\n"
        second < "still here\n"
        talks > "3\n"
        talks < "3\n"
END
}

@test "without -t, who is silent stays" {
    start "$ECHO_SERVER"
    speak <<'END'
        say an option changes nothing for those who do not use it
        a open
        a hold 200
        a > "hello\n"
        a < "hello\n"
END
}

@test "with -t 30000, the server sleeps until somebody is due, it does not look at its watch all the time" {
    start "$ECHO_SERVER" -t 30000
    spin_beside
    printf '%s\n' 'a open' 'a hold 700' | "$POKE" "$HOST" "$PORT"
    slept
}
