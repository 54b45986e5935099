#!/usr/bin/env bats
# The museum of wrong servers: each exhibit has one mistake, and the tests catch it. Here each exhibit is shown to the
# first check that it names; `make check` (MUSEUM=all) shows it to all of them, and all but the named ones must pass.

load helpers

exhibit() { bash "$TOP/tests/museum.bash" "$TOP/tests/museum/$1.diff"; }

@test "museum: every exhibit has its place here" {
    local file
    for file in "$TOP"/tests/museum/*.diff; do
        file=$(basename "$file" .diff)
        grep -q "{ exhibit $file; }" "$BATS_TEST_FILENAME" || grep -q '^Measured by: ' "$TOP/tests/museum/$file.diff"
    done
}

@test "museum: blocking_write" { exhibit blocking_write; }
@test "museum: char_eof" { exhibit char_eof; }
@test "museum: emfile_spin" { exhibit emfile_spin; }
@test "museum: exit_on_reset" { exhibit exit_on_reset; }
@test "museum: fd_setsize" { exhibit fd_setsize; }
@test "museum: half_close" { exhibit half_close; }
@test "museum: menu_escape" { exhibit menu_escape; }
@test "museum: menu_long_line" { exhibit menu_long_line; }
@test "museum: menu_rst" { exhibit menu_rst; }
@test "museum: menu_telnet" { exhibit menu_telnet; }
@test "museum: one_at_a_time" { exhibit one_at_a_time; }
@test "museum: reuseaddr" { exhibit reuseaddr; }
@test "museum: short_write" { exhibit short_write; }
@test "museum: signal_starved" { exhibit signal_starved; }
@test "museum: sigpipe" { exhibit sigpipe; }
@test "museum: strlen" { exhibit strlen; }
@test "museum: unbounded" { exhibit unbounded; }
@test "museum: write_interest" { exhibit write_interest; }
@test "museum: menu_one_read_one_line" { exhibit menu_one_read_one_line; }
@test "museum: chat_blocking_write" { exhibit chat_blocking_write; }
@test "museum: chat_burst" { exhibit chat_burst; }
@test "museum: chat_format" { exhibit chat_format; }
@test "museum: chat_nick_nul" { exhibit chat_nick_nul; }
@test "museum: chat_one_read_one_line" { exhibit chat_one_read_one_line; }
@test "museum: chat_own_line" { exhibit chat_own_line; }
