#!/bin/sh
# The wing of lesson 05 in two seconds: files by TFTP. Type these commands yourself, in a terminal each, without "&"; with
# no -p the port is 6969.
cd "$(dirname "$0")" || exit 1
. ./stage.sh

mkdir "$work/files"
printf 'hello\n吃饭了吗\n' >"$work/files/notes"
head -c 8000000 /dev/urandom >"$work/files/noise"

say '05 TFTP. A request, and then a block and its ACK in turn, from a port that is only for this transfer:'
serve ./tftp_server -v -d "$work/files"
show './tftp_client -s -g notes -l -'
./tftp_client -s -g notes -l - 127.0.0.1 "$port"
sed -n '2,$p' "$work/log"

say '8 MB come in blocks of 1428 and a window of 8, and are the same.'
serve ./tftp_server -d "$work/files"
show './tftp_client -g noise -l - | cmp - noise'
./tftp_client -g noise -l - 127.0.0.1 "$port" 2>"$work/summary" | cmp - "$work/files/noise" && echo 'the same, byte for byte'
sed -n '2,$p' "$work/log"

say 'No name leads out of the folder.'
show './tftp_client -g ../secret'
./tftp_client -g ../secret -l - 127.0.0.1 "$port" || true
