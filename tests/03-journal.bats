#!/usr/bin/env bats
# What becomes of the journal that $IM_SERVER keeps with -d DIR (journal.h, record.h): damage is told from what a crash can
# leave, and nobody waits while it is written anew. A server that keeps its messages in another way is not asked most of
# this. tests/im_journal damages journals, and makes large ones.
# Grades: nothing but the course, whose own affair its journal is
# shellcheck disable=SC2034 # PASSWORD is for login()

load helpers

JOURNAL=${BUILD:-$TOP}/tests/im_journal
PASSWORD=secret
RECORDS=${FULL:+20} # in a journal that is damaged at each byte or bit; of 3, one of each kind has others on both sides
RECORDS=${RECORDS:-3}

# Skips the test unless the server keeps its messages as ours does.
has_journal() {
    head -n 1 "$TMP/mail/journal" 2>/dev/null | grep -qE '^[0-9]{5} [0-9a-f]{8} [0-9a-f]{8} \{' ||
        skip "this server keeps its messages in another way"
}

# Fills a journal: as many people, messages of each, and bytes in each of these; and starts a server on it.
start_filled() { # PEOPLE MESSAGES BYTES
    PASSWORD=123456
    start "$IM_SERVER" -d "$TMP/mail"
    { login a zhangsan 0 && sends a lisi 1 1; } | talk
    stops_on TERM
    has_journal
    PASSWORD=secret
    rm "$TMP/mail/journal"
    "$JOURNAL" fill "$TMP/mail" "$@"
    start "$IM_SERVER" -u "$TMP/mail/accounts" -d "$TMP/mail"
}

# Wait until a new journal is begun; and until it has the name of the old one.
until_rewriting() {
    local end=$((SECONDS + 30))
    until [ -e "$TMP/mail/journal.new" ]; do [ $SECONDS -lt $end ]; done
}
until_rewritten() {
    local end=$((SECONDS + 30))
    while [ -e "$TMP/mail/journal.new" ]; do [ $SECONDS -lt $end ] && pause; done
}

# Skips the test if it is another server that is graded.
our_modules() { [ "$IM_SERVER" = "${BUILD:-$TOP}/03-custom-protocol/im_server" ] || skip "this is about modules of ours"; }

@test "journal: of the modules: every bit that flips is noticed, or nothing is lost and no text altered" {
    our_modules
    "$JOURNAL" flips "$TMP/mail" "$RECORDS"
}

@test "journal: of the modules: wherever the end is cut off, all records that are complete are there" {
    our_modules
    "$JOURNAL" cuts "$TMP/mail" "$RECORDS"
}

@test "journal: of the modules: zeros at the end are what a power cut leaves, zeros in the middle are damage" {
    our_modules
    "$JOURNAL" zeros "$TMP/mail" "$RECORDS"
    "$JOURNAL" holes "$TMP/holes" "$RECORDS"
}

# Prints the bits of the second line of a file that are in its bytes FIRST to LAST, one bit of each.
bits() { # FILE FIRST LAST
    local start i
    start=$(head -n 1 "$1" | wc -c)
    for ((i = start + $2; i <= start + $3; i++)); do echo $((8 * i + i % 7)); done
}

@test "journal: damage is told with its place, the journal stays as it is, and what the page says saves the rest" {
    local bit start
    PASSWORD=123456
    start "$IM_SERVER" -d "$TMP/mail"
    { login a zhangsan 0 && sends_in_turn a lisi 1 3; } | talk
    kill_server
    has_journal
    cp "$TMP/mail/journal" "$TMP/whole"
    start=$(head -n 1 "$TMP/whole" | wc -c)
    for bit in $(bits "$TMP/whole" 0 40); do
        cp "$TMP/whole" "$TMP/mail/journal"
        "$JOURNAL" flip "$TMP/mail/journal" "$bit"
        cp "$TMP/mail/journal" "$TMP/damaged"
        run within 5 "$IM_SERVER" -p 0 -d "$TMP/mail"
        echo "bit $bit, in the record that begins at byte $start: exit code $status: $output"
        [ "$status" -eq 1 ]
        [[ $output == "im_server: cannot use $TMP/mail: journal, byte $start: "* ]]
        cmp "$TMP/damaged" "$TMP/mail/journal"
    done
    echo "rule: without the line that is damaged, the others can be used"
    sed -n '/^    cp -p DIR/,/^$/s/^    //p' "$TOP/03-custom-protocol/README.md" |
        sed "s|DIR|'$TMP/mail'|g; s|BYTE|$start|g" >"$TMP/recipe"
    cat "$TMP/recipe"
    sh -e "$TMP/recipe"
    cmp "$TMP/damaged" "$TMP/mail/journal.damaged"
    start "$IM_SERVER" -d "$TMP/mail"
    [ "$(wc -l <"$LOG")" -eq 1 ]
    { login b lisi 2 && gets b zhangsan lisi 1 1 && gets b zhangsan lisi 3 3; } | talk
}

@test "journal: a length that says too much is damage, and no record that was not completed" {
    PASSWORD=123456
    start "$IM_SERVER" -d "$TMP/mail"
    { login a zhangsan 0 && sends_in_turn a lisi 1 10; } | talk
    kill_server
    has_journal
    "$JOURNAL" flip "$TMP/mail/journal" 11 # in the second digit of the first length: 00... becomes 08...
    cp "$TMP/mail/journal" "$TMP/damaged"
    run within 5 "$IM_SERVER" -p 0 -d "$TMP/mail"
    echo "$output"
    [ "$status" -eq 1 ]
    cmp "$TMP/damaged" "$TMP/mail/journal"
}

@test "journal: a last record that lacks a letter is damage, and no record that was not completed" {
    PASSWORD=123456
    start "$IM_SERVER" -d "$TMP/mail"
    { login a zhangsan 0 && sends_in_turn a lisi 1 3; } | talk
    kill_server
    has_journal
    sed '$s/zhangsan/zhangsa/' "$TMP/mail/journal" >"$TMP/damaged"
    cp "$TMP/damaged" "$TMP/mail/journal"
    run within 5 "$IM_SERVER" -p 0 -d "$TMP/mail"
    echo "$output"
    [ "$status" -eq 1 ]
    cmp "$TMP/damaged" "$TMP/mail/journal"
}

@test "journal: one of an earlier version, without checksums, is refused, and stays" {
    PASSWORD=123456
    start "$IM_SERVER" -d "$TMP/mail"
    { login a zhangsan 0 && sends a lisi 1 1; } | talk
    kill_server
    has_journal
    printf '%s' '{"type":"ack","name":"lisi","number":1}' | "$TOP/tests/codec" frame json >"$TMP/mail/journal"
    cp "$TMP/mail/journal" "$TMP/old"
    run within 5 "$IM_SERVER" -p 0 -d "$TMP/mail"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == "im_server: cannot use $TMP/mail: "*"earlier version"* ]]
    cmp "$TMP/old" "$TMP/mail/journal"
}

@test "journal: while it is written anew the others are answered, and then it is shorter" {
    local before trips=0
    start_filled 20 500 4000
    before=$(wc -c <"$TMP/mail/journal")
    until_rewriting
    while [ -e "$TMP/mail/journal.new" ]; do
        { login a u1 0 && sends a u2 $trips $trips; } | talk
        trips=$((trips + 1))
    done
    echo "rule: nobody waits for all of it; here: $trips messages were answered meanwhile"
    [ "$trips" -ge 3 ]
    [ "$(wc -c <"$TMP/mail/journal")" -lt $((before * 3 / 4)) ]
    kill_server
    start "$IM_SERVER" -u "$TMP/mail/accounts" -d "$TMP/mail"
    { login b u2 $trips; } | talk
}

@test "journal: kill -9 while it is written anew loses nothing that was acknowledged, in the old one nor the new one" {
    local i hit=0 sent=0
    start_filled 20 500 4000
    for ((i = 0; i < 4; i++)); do
        until_rewriting
        { login a u1 0 && sends_in_turn a u2 $sent $((sent + 4)); } | talk
        sent=$((sent + 5))
        [ ! -e "$TMP/mail/journal.new" ] || hit=$((hit + 1))
        kill_server
        start "$IM_SERVER" -u "$TMP/mail/accounts" -d "$TMP/mail"
        { login b u2 $sent; } | talk
    done
    echo "$hit of 4 were in time"
    [ $hit -gt 0 ]
    until_rewriting
    { login a u1 0 && sends a u2 $sent $sent; } | talk
    until_rewritten
    kill_server
    start "$IM_SERVER" -u "$TMP/mail/accounts" -d "$TMP/mail"
    { login b u2 $((sent + 1)) && gets b u1 u2 0 $sent; } | talk
}

@test "journal: what is acknowledged while it is written anew does not come again" {
    start_filled 20 500 4000
    until_rewriting
    talk <<END
        $(login a u1 0)
        $(login b u2 0)
        a < {"type":"presence","name":"u2","state":"online"}
        $(sends a u2 1 1)
        b < {"type":"msg","number":"?n","time":"*","from":"u1","to":"u2","body":"1"}
        b > {"type":"ack","number":"?n"}
        $(sends a u2 2 2)
        $(gets b u1 u2 2 2)
END
    until_rewritten
    kill_server
    start "$IM_SERVER" -u "$TMP/mail/accounts" -d "$TMP/mail"
    { login b u2 1 && gets b u1 u2 2 2; } | talk
}

@test "journal: kill -9 at any moment, again and again, in the middle of rewriting, loses nothing and brings nothing twice" {
    start_filled 10 300 4000
    stops_on TERM
    "$TOP/tests/im_crowd" -c 5 -k "${KILLS:-8}" "$HOST" "$PORT" \
        "$IM_SERVER" -u "$TMP/mail/accounts" -d "$TMP/mail" -p "$PORT" 2>"$TMP/log"
}

@test "journal: what was begun of a new one is removed, by SIGTERM, or at the next start" {
    start_filled 20 500 4000
    until_rewriting
    stops_on TERM
    [ ! -e "$TMP/mail/journal.new" ]
    rm "$TMP/mail/journal"
    echo junk >"$TMP/mail/journal.new"
    start "$IM_SERVER" -u "$TMP/mail/accounts" -d "$TMP/mail"
    [ ! -e "$TMP/mail/journal.new" ]
}

@test "journal: a folder that gets another name while the server runs is still the one that it uses" {
    start_filled 20 500 4000
    until_rewriting
    mv "$TMP/mail" "$TMP/moved"
    { login a u1 0 && sends_in_turn a u2 1 2; } | talk
    mkdir "$TMP/mail"
    ln "$TMP/moved/journal" "$TMP/mail/journal" # what it must not touch
    until [ "$(find "$TMP/moved" -name journal.new | wc -l)" -eq 0 ]; do pause; done
    { login a u1 0 && sends_in_turn a u2 3 4; } | talk
    kill_server
    start "$IM_SERVER" -u "$TMP/moved/accounts" -d "$TMP/moved"
    { login b u2 4 && gets b u1 u2 1 4; } | talk
    [ "$(ls "$TMP/mail")" = journal ]
}

@test "journal: a full disk ends the new journal, and not the server" {
    start_filled 20 500 4000
    stops_on TERM
    FILE_LIMIT=8000 start "$IM_SERVER" -u "$TMP/mail/accounts" -d "$TMP/mail" # some MB, and 20 are to be kept
    logged 'cannot rewrite the journal: '
    [ ! -e "$TMP/mail/journal.new" ]
    talk <<<"$(login a u1 0)"
    stops_on TERM
}
