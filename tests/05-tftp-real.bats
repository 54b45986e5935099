#!/usr/bin/env bats
# Real TFTP clients and a real server, with $TFTP_SERVER and $TFTP_CLIENT: files of every size, byte for byte, both ways,
# also over a bad link. FULL=1 (make check) tries every size with every client, and 20 seeds of the link.
# Slow: the clients wait whole seconds for what the link has lost.
# Grades: TFTP_SERVER TFTP_CLIENT

load helpers

PATH=$PATH:/usr/sbin # where servers live

SIZES="0 1 511 512 513 1048576 ${FULL:+34603008}"
SEEDS=${SEEDS:-${FULL:+20}}

# How each client gets a file, and puts one: REMOTE LOCAL. Over the bad link curl 7.88 and atftp 0.8 do it without options:
# in a get a second OACK ends atftp, and curl begins to count from 0 again; in a put both take it for the ACK of a block.
curl_get() { curl -s ${BAD:+--tftp-no-options} -o "$2" "tftp://$HOST:$PORT/$1"; }
curl_put() { curl -s ${BAD:+--tftp-no-options} -T "$2" "tftp://$HOST:$PORT/$1"; }
# tftp-hpa 5.2 ends with 0 also when the server has told it an error; it prints that, and nothing when all went well.
tftp_get() { tftp -m binary "$HOST" "$PORT" -c get "$1" "$2" | { ! grep .; }; }
tftp_put() { tftp -m binary "$HOST" "$PORT" -c put "$2" "$1" | { ! grep .; }; }
atftp_get() {
    if [ -n "${BAD-}" ]; then
        atftp -g -r "$1" -l "$2" "$HOST" "$PORT"
    else
        atftp --option 'blksize 1024' --option 'windowsize 4' -g -r "$1" -l "$2" "$HOST" "$PORT"
    fi
}
atftp_put() { atftp -p -r "$1" -l "$2" "$HOST" "$PORT"; }
busybox_get() { busybox tftp -b 1400 -g -r "$1" -l "$2" "$HOST" "$PORT"; }
# busybox 1.35 takes a second ACK of the last block but one for the last, when nothing else comes, and ends as if all were
# well; so it is not believed without the file.
busybox_put() { busybox tftp -p -r "$1" -l "$2" "$HOST" "$PORT" && [ -e "$TMP/root/$1" ]; }
# shellcheck disable=SC2086 # OPTIONS may be several words
ours_get() { "$TFTP_CLIENT" ${OPTIONS-} -t 50 -g "$1" -l "$2" "$HOST" "$PORT"; }
# shellcheck disable=SC2086
ours_put() { "$TFTP_CLIENT" ${OPTIONS-} -t 50 -p "$1" -l "$2" "$HOST" "$PORT"; }

needs() { command -v "$1" >/dev/null 2>&1 || skip "$1 is not installed"; }

# Runs a client. Over the bad link one that has given up, as it may, has two more tries. What it said is in the output.
transfer() { # COMMAND
    local tries
    for tries in 1 2 3; do
        within 60 "${BASH:-bash}" -c "$1" >"$TMP/out" 2>&1 3>&- && break
        echo "try $tries: $(tail -n 3 "$TMP/out")"
        [ -n "${BAD-}" ] || break
    done
}

# Lets a client get and put a file of so many bytes.
there_and_back() { # CLIENT BYTES
    head -c "$2" /dev/urandom >"$TMP/root/f"
    rm -f "$TMP/f" "$TMP/root/up"
    [ "$(id -u)" -ne 0 ] || chmod a+rw "$TMP/root/f" # atftpd gives what all may read
    transfer "$1_get f '$TMP/f'"
    [ -e "$TMP/f" ] || [ "$2" -ne 0 ] || : >"$TMP/f" # curl makes no file of 0 bytes
    echo "rule: $1 gets a file of $2 bytes whole"
    cmp "$TMP/root/f" "$TMP/f"
    transfer "$1_put up '$TMP/f'"
    [ -z "${WRITES_LATE-}" ] || written "$TMP/f" "$TMP/root/up"
    echo "rule: $1 puts a file of $2 bytes whole"
    cmp "$TMP/f" "$TMP/root/up"
}

# Waits until a file has come whole, at a server that answers the last block before it writes it.
written() { # SENT FILE
    local tries
    for ((tries = 0; tries < TRIES; tries++)); do
        cmp -s "$1" "$2" && return
        pause
    done
}

# Tries a client with files of all sizes, and over the link.
tries() { # CLIENT
    local size seed
    export -f "$1_get" "$1_put"
    export HOST PORT TMP TFTP_CLIENT OPTIONS BAD
    for size in $SIZES; do there_and_back "$1" "$size"; done
    local port=$PORT BAD=yes
    for ((seed = 1; seed <= ${SEEDS:-1}; seed++)); do
        PORT=$port
        bad_link -l 10 -d 10 -o 10 -s $seed
        echo "seed $seed"
        there_and_back "$1" ${FULL:+3}600
    done
}

# Puts the link between the client and the server.
bad_link() { # [OPTION...]
    local line pipe
    pipe=$(mktemp -u "$TMP/relayXXXXXX")
    mkfifo "$pipe"
    "$TOP/tests/udp_relay" "$@" "$HOST" "$PORT" 2>"$pipe" 3>&- &
    STARTED+=($!)
    read -r -t 10 line <"$pipe"
    PORT=${line##*:}
}

serve() {
    mkdir -p "$TMP/root"
    start "$TFTP_SERVER" -d "$TMP/root" -w -o -t 100
}

@test "tftp real: curl" { needs curl; serve; tries curl; }
@test "tftp real: tftp-hpa" { needs tftp; serve; tries tftp; }
@test "tftp real: atftp" { needs atftp; serve; tries atftp; }
@test "tftp real: busybox" { needs busybox; serve; tries busybox; }

@test "tftp real: our client, and 33 MiB in large blocks" {
    serve
    tries ours
    OPTIONS='-b 65464' there_and_back ours 34603008
}

@test "tftp real: our client at atftpd" {
    needs atftpd
    serve # only to find a free port
    kill "$PID"
    wait "$PID" || true
    chmod 777 "$TMP" "$TMP/root"
    atftpd --daemon --no-fork --bind-address 127.0.0.1 --port "$PORT" --logfile "$TMP/atftpd.log" --retry-timeout 1 \
        --user "$(id -un)" --group "$(id -gn)" "$TMP/root" >/dev/null 2>&1 3>&- &
    STARTED+=($!)
    local count
    for ((count = 0; count < 500; count++)); do
        "$TFTP_CLIENT" -t 20 -q 100 -g nothing -l /dev/null 127.0.0.1 "$PORT" 2>&1 | grep -q 'error 1' && break
    done
    WRITES_LATE=yes OPTIONS='-b 512 -w 4' tries ours # atftpd 0.8 writes when it has sent the last ACK
}
