# stage.sh - what each demo begins with: a folder for its files, colours on a terminal, a server in the background, and
# nothing left behind. A demo reads it: . ./stage.sh
# shellcheck shell=sh

work=$(mktemp -d)
pids='' # the processes to end
# shellcheck disable=SC2086 # a list
trap 'kill $pids 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT PIPE TERM
if [ -t 1 ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') off=$(printf '\033[0m'); else bold='' dim='' off=''; fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$off"; }

# Ends a process that this shell has started, at once, and without a word: some shells report what was killed.
kill_now() { { kill -s KILL "$1"; wait "$1"; } 2>/dev/null; } # PROCESS

# Starts a server in the background, on any free port, and waits for its ready line. Sets port, and server, its process.
# Its log is in $work/log.
serve() { # COMMAND...
    show "$* &"
    : >"$work/log"
    "$@" -p 0 2>"$work/log" &
    server=$!
    pids="$pids $server"
    until port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/log") && [ -n "$port" ]; do
        kill -0 "$server" || exit 1
    done
    cat "$work/log"
}
