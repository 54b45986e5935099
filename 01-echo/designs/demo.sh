#!/bin/sh
# The wing of lesson 01 in two seconds: four designs of one echo server. Type these commands yourself, in a terminal each,
# without "&"; with no -p the port is 3200.
cd "$(dirname "$0")" || exit 1
. ./stage.sh

# Talks to the server once, and shows its log.
greet() {
    show "echo hello | ../echo_client"
    echo hello | ../echo_client 127.0.0.1 "$port" 2>/dev/null
    sed -n '2,$p' "$work/log"
}

say '01 Designs. A process for each client, and one that listens:'
serve ./echo_fork
greet

say 'Two processes, made beforehand, that all accept:'
serve ./echo_prefork -n 2
greet

say 'A thread for each client:'
serve ./echo_threads
greet

say 'One loop for all:'
serve ./echo_poll
greet
