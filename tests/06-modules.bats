#!/usr/bin/env bats
# The modules of lesson 06, by the vectors of the standards. They are what is built here: no variable changes them.
# Grades: nothing but the course

load helpers

MODULES=${BUILD:-$TOP}/tests/ws_modules

# Checks what a module makes of bytes (as for printf), in the given pieces.
makes() { # EXPECTED BYTES WHAT [ARGUMENT...]
    local expected=$1 bytes=$2 got
    shift 2
    # shellcheck disable=SC2059 # the bytes are a format on purpose
    got=$(printf "$bytes" | "$MODULES" "$@")
    [ "$got" = "$expected" ] && return 0
    echo "$* of $bytes: expected $expected, received $got"
    return 1
}

@test "modules: SHA-1 of the messages of FIPS 180, in any pieces" {
    local piece long=abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq
    head -c 1000000 /dev/zero | tr '\0' a >"$TMP/million"
    for piece in 0 1 3 63 64 65; do
        makes a9993e364706816aba3e25717850c26c9cd0d89d abc sha1 $piece
        makes da39a3ee5e6b4b0d3255bfef95601890afd80709 '' sha1 $piece
        makes 84983e441c3bd26ebaae4aa1f95129e5e54670f1 $long sha1 $piece
        [ "$("$MODULES" sha1 $piece <"$TMP/million")" = 34aa973cd4c4daa4f61eeb2bdbad27316534016f ]
    done
}

@test "modules: SHA-1 of every length around a block is what sha1sum says" {
    command -v sha1sum >/dev/null || skip "sha1sum is not installed"
    cd "$TMP"
    awk 'BEGIN { for (n = 0; n < 131; n++) { file = sprintf("length%03d", n); printf "%s", bytes >file; close(file); bytes = bytes "x" } }'
    sha1sum length* | cut -d ' ' -f 1 >expected
    [ "$(wc -l <expected)" -eq 131 ]
    echo 'rule: line n is the SHA-1 of n - 1 bytes (< expected, > received)'
    "$MODULES" lengths 131 7 | diff expected -
}

@test "modules: base64 of the vectors of RFC 4648, and back" {
    local pair
    for pair in ': ' 'f:Zg==' 'fo:Zm8=' 'foo:Zm9v' 'foob:Zm9vYg==' 'fooba:Zm9vYmE=' 'foobar:Zm9vYmFy' \
        '\xfb\xff\xfe:+//+' '\xff:/w=='; do
        pair=${pair% }
        makes "${pair#*:}" "${pair%%:*}" encode
    done
    makes foobar Zm9vYmFy decode
    makes fooba Zm9vYmE= decode
    makes foob Zm9vYg== decode
    makes '' '' decode
}

@test "modules: base64 that nobody would have written is refused" {
    local text
    for text in Z Zg Zg= Zg=== Zm9 'Zm9v\n' Zh== Zm9= '=m9v' 'Z=9v' '====' 'Zg==Zg==' 'Zm 9v' 'Zm9-' 'Zm9_' 'Zm\\0x'; do
        makes refused "$text" decode
    done
}

@test "modules: UTF-8 in any pieces" {
    local piece
    for piece in 0 1 2 3; do
        makes yes 'a\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf' utf8 $piece
        makes unfinished '\xe4\xbd' utf8 $piece
        makes yes '' utf8 $piece
    done
    makes 'no, after 0' '\x80' utf8 1
    makes 'no, after 1' '\xe0\x9f\xbf' utf8 1
    makes 'no, after 1' '\xed\xa0\x80' utf8 1
    makes 'no, after 1' '\xf4\x90\x80\x80' utf8 1
    makes 'no, after 8' 'abcdefgh\xff' utf8 1
    makes 'no, after 0' 'abcdefgh\xff' utf8
}

@test "modules: a mask a word at a time is the mask a byte at a time" { [ "$("$MODULES" mask)" = right ]; }

@test "modules: a frame's header is read as it was written, and not before it is whole" {
    [ "$("$MODULES" header)" = right ]
}

@test "modules: a client takes the answer to its request, and no other" {
    local key=dGhlIHNhbXBsZSBub25jZQ== accept='Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'
    local start='HTTP/1.1 101 Switching Protocols\r\n' upgrade='Upgrade: WebSocket\r\n' connection='Connection: upgrade\r\n'
    makes yes "$start$upgrade$connection$accept\r\n" verify $key
    makes yes "$start$upgrade$connection${accept}Sec-WebSocket-Protocol: b\r\n\r\n" verify $key 'a, b'
    makes 'the head is wrong or incomplete' "$start$upgrade$connection$accept" verify $key
    makes 'the server does not switch to WebSocket (its status is not 101)' \
        "HTTP/1.1 200 OK\r\n$upgrade$connection$accept\r\n" verify $key
    makes 'Upgrade: websocket is missing' "$start$connection$accept\r\n" verify $key
    makes 'Connection: Upgrade is missing' "$start$upgrade$accept\r\n" verify $key
    makes 'Sec-WebSocket-Accept does not belong to the key that was sent' "$start$upgrade$connection\r\n" verify $key
    makes 'Sec-WebSocket-Accept does not belong to the key that was sent' \
        "$start$upgrade$connection${accept/s3p/S3P}\r\n" verify $key
    makes 'the server uses an extension that was not asked for' \
        "$start$upgrade$connection${accept}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n" verify $key
    makes 'the server chose a subprotocol that was not offered' \
        "$start$upgrade$connection${accept}Sec-WebSocket-Protocol: c\r\n\r\n" verify $key 'a, b'
    makes 'the server chose a subprotocol that was not offered' \
        "$start$upgrade$connection${accept}Sec-WebSocket-Protocol: a\r\n\r\n" verify $key
}

# ---- The page of ws_server, which is a file beside it

PAGE=${BUILD:-$TOP}/06-websocket-handshake/index.html

serves_the_page() {
    printf 'GET / HTTP/1.0\r\n\r\n' >"$TMP/request"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    cat "$TMP/request" >&5
    within 10 cat <&5 | sed '1,/^\r$/d' >"$TMP/page"
    exec 5>&-
    head -n 3 "$TMP/page"
    cmp "$PAGE" "$TMP/page"
    [ "$(grep -c 'no page' "$LOG")" -eq 0 ]
}

@test "modules: ws_server finds its page from any folder, through PATH, and through links" {
    local folder=${PAGE%/*}
    mkdir "$TMP/bin" "$TMP/elsewhere"
    ln -s "$folder/ws_server" "$TMP/bin/ws"
    ln -s ../bin/ws "$TMP/elsewhere/ws_again"
    cd "$TMP/elsewhere"
    start "$folder/ws_server" && serves_the_page
    start "$TMP/bin/ws" && serves_the_page
    start ./ws_again && serves_the_page
    PATH=$TMP/nothing:$TMP/bin:$PATH
    start ws && serves_the_page
    PATH=$folder:$PATH
    start ws_server && serves_the_page
    cd "$folder"
    PATH=:$PATH
    start ws_server && serves_the_page
    cd "$folder/.."
    start 06-websocket-handshake/ws_server && serves_the_page
}

@test "modules: ws_server says at its start if it has no page, and serves what else there is" {
    cp "${PAGE%/*}/ws_server" "$TMP"
    start "$TMP/ws_server"
    logged "^ws_server: no page: cannot read $TMP/index.html: No such file or directory"
    { upgraded /echo </dev/null; printf '%s\n' 'a > "\x81\x81\0\0\0\0x"' 'a < "\x81\x01x"'; } | speak
    start "$TMP/ws_server" -f "$TMP/nothing"
    logged "^ws_server: no page: cannot read $TMP/nothing: No such file or directory"
    head -c 262145 /dev/zero >"$TMP/index.html"
    start "$TMP/ws_server"
    logged '^ws_server: no page: cannot read .*: File too large'
}
