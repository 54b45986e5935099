#!/usr/bin/env bats
# Exercise 05-3: tftp_server -m BYTES takes no file that is larger, and of what it refuses leaves no trace.
# Grades: TFTP_SERVER

load ../helpers

serve() { # BYTES
    mkdir "$TMP/root"
    start "$TFTP_SERVER" -w -d "$TMP/root" -m "$1"
}

# Fails unless the folder holds these files, hidden ones included.
holds() { # NAME...
    local tries there
    for ((tries = 0; tries < TRIES; tries++)); do
        there=$(cd "$TMP/root" && find . ! -name . | sort | sed 's,^\./,,' | tr '\n' ' ')
        [ "$there" = "${*:+$* }" ] && return 0
        pause
    done
    echo "rule: the folder has then '$*', and nothing else; it has '$there'"
    return 1
}

@test "with -m 600, a file of 600 bytes is taken" {
    serve 600
    speak -u <<'END'
        a > "\0\x02fits\0octet\0"
        a follow
        a < "\0\x04\0\0"
        a > "\0\x03\0\x01""x"*512
        a < "\0\x04\0\x01"
        a > "\0\x03\0\x02""y"*88
        a < "\0\x04\0\x02"
END
    holds fits
    [ "$(wc -c <"$TMP/root/fits")" -eq 600 ]
}

@test "the block that goes beyond it gets error 3, and no ACK, and nothing is left" {
    serve 600
    speak -u <<'END'
        say 601 bytes: it is the last block that is too much
        a > "\0\x02last\0octet\0"
        a follow
        a < "\0\x04\0\0"
        a > "\0\x03\0\x01""x"*512
        a < "\0\x04\0\x01"
        a > "\0\x03\0\x02""y"*89
        a <+ "\0\x05\0\x03"
        say 1,024 bytes and more: it is one in the midst
        b > "\0\x02midst\0octet\0"
        b follow
        b < "\0\x04\0\0"
        b > "\0\x03\0\x01""x"*512
        b < "\0\x04\0\x01"
        b > "\0\x03\0\x02""x"*512
        b <+ "\0\x05\0\x03"
END
    holds
}

@test "who says with tsize that it will be too large hears it at once" {
    serve 600
    speak -u <<'END'
        say error 3 is the answer to the request, instead of an OACK
        a > "\0\x02large\0octet\0tsize\x00601\0"
        a follow
        a <+ "\0\x05\0\x03"
        b > "\0\x02fits\0octet\0tsize\x00600\0"
        b follow
        b < "\0\x06tsize\x00600\0"
        say a promise is not believed: who sends more than it said is stopped as well
        b > "\0\x03\0\x01""x"*512
        b < "\0\x04\0\x01"
        b > "\0\x03\0\x02""x"*89
        b <+ "\0\x05\0\x03"
END
    holds
}

@test "what is handed out has no limit" {
    serve 3
    printf 'abcdef' >"$TMP/root/abc"
    speak -u <<'END'
        a > "\0\x01abc\0octet\0"
        a follow
        a < "\0\x03\0\x01abcdef"
END
}

@test "with -m 3, a text counts as it stands in the file: CR LF on the wire is one byte there" {
    serve 3
    speak -u <<'END'
        a > "\0\x02text\0netascii\0"
        a follow
        a < "\0\x04\0\0"
        a > "\0\x03\0\x01""a\r\nb"
        a < "\0\x04\0\x01"
END
    holds text
    [ "$(wc -c <"$TMP/root/text")" -eq 3 ]
}

@test "with -m 512, a file of just that is taken; one that is announced to be huge is not" {
    serve 512
    speak -u <<'END'
        a > "\0\x02fits\0octet\0"
        a follow
        a < "\0\x04\0\0"
        a > "\0\x03\0\x01""x"*512
        a < "\0\x04\0\x01"
        a > "\0\x03\0\x02"
        a < "\0\x04\0\x02"
        say 4294967297 is more than 512, though it does not fit in 32 bits
        b > "\0\x02huge\0octet\0tsize\x004294967297\0"
        b follow
        b <+ "\0\x05\0\x03"
END
    holds fits
}

@test "without -m, a file of any size is taken" {
    mkdir "$TMP/root"
    start "$TFTP_SERVER" -w -d "$TMP/root"
    speak -u <<'END'
        a > "\0\x02any\0octet\0tsize\x00601\0"
        a follow
        a < "\0\x06tsize\x00601\0"
        a > "\0\x03\0\x01""x"*512
        a < "\0\x04\0\x01"
        a > "\0\x03\0\x02""x"*89
        a < "\0\x04\0\x02"
END
    holds any
}
