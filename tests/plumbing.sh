#!/bin/sh
# Code that is repeated on purpose stands between two marker comments, the same letter for letter in each file:
#     /* ---- NAME: the same in every ... (see MODEL) ---- */   ...   /* ---- end of NAME ---- */
# plumbing.sh check   fails if a copy differs from its model
# plumbing.sh copy    makes each copy the same as its model
cd "$(dirname "$0")/.." || exit 2
mode=${1-check}
status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints the block NAME of a file, markers included.
block() { # NAME FILE
    awk -v name="$1" 'index($0, "/* ---- " name ":") == 1 { on = 1 }
        on { print }
        index($0, "/* ---- end of " name " ") == 1 { on = 0 }' "$2"
}

compare() { # NAME MODEL FILE
    block "$1" "$2" >"$work/model"
    block "$1" "$3" >"$work/copy"
    cmp -s "$work/model" "$work/copy" && return
    if [ "$mode" = copy ]; then
        awk -v name="$1" -v model="$work/model" 'index($0, "/* ---- " name ":") == 1 {
                while ((getline line < model) > 0) print line
                off = 1
            }
            !off { print }
            index($0, "/* ---- end of " name " ") == 1 { off = 0 }' "$3" >"$work/new"
        cp "$work/new" "$3"
        echo "$3: $1 copied from $2"
    else
        echo "$3: its $1 differs from that of $2 (mend the model, then: make plumbing)"
        diff "$work/model" "$work/copy"
        status=1
    fi
}

compare_all() { # NAME MODEL
    for file in 0*/*.c; do
        [ "$file" = "$2" ] || ! grep -q "^/\* ---- $1:" "$file" || compare "$1" "$2" "$file"
    done
}

compare_all plumbing 01-echo/echo_server.c
compare_all 'client plumbing' 01-echo/echo_client.c
compare_all lines 01-echo/menu_server.c
compare_all backoff 04-heartbeat/backoff.c
compare_all datagrams 05-udp/udp_echo_server.c
compare_all binding 05-udp/udp_echo_server.c
compare_all transfer 05-udp/tftp_server.c
exit $status
