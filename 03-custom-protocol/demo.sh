#!/bin/sh
# Lesson 03 in a few seconds: two people talk in two formats, send a picture, and lose nothing when the server is killed.
# Play it yourself: im_server, file_server and each of the two in a terminal.
cd "$(dirname "$0")" || exit 1
. ./stage.sh

# Waits until a server is ready, and prints its port.
port() { # LOG PID
    until sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/$1" | grep .; do kill -0 "$2" || exit 1; done
}

serve_im() { # keeps messages in a folder
    : >"$work/log"
    ./im_server -p 0 -d "$work/mail" 2>"$work/log" &
    server=$!
    pids="$pids $server"
    at=$(port log $server)
}

# Starts a person: an im_client in the background, typing what comes through descriptor $1, its screen in a file.
person() { # DESCRIPTOR NAME FORMAT
    show "./im_client -u $2 -w 123456 -f $3"
    rm -f "$work/$2.keys"
    mkfifo "$work/$2.keys"
    : >"$work/$2"
    ./im_client -u "$2" -w 123456 -f "$3" -F "$files_at" 127.0.0.1 "$at" <"$work/$2.keys" >"$work/$2" 2>&1 &
    eval "$2=\$!; exec $1>\"\$work/$2.keys\""
    seen "$2" 'logged in'
}

# Waits until somebody's screen shows a text.
seen() { # NAME TEXT
    until grep -q "$2" "$work/$1"; do
        eval "kill -0 \$$1 2>/dev/null" || grep -q "$2" "$work/$1" || { cat "$work/$1" && exit 1; }
        sleep 0.02
    done
}

types() { # DESCRIPTOR NAME LINE
    printf '%s  %-8s types:%s %s\n' "$dim" "$2" "$off" "$3" | sed "s,$work/,,g"
    echo "$3" >&"$1"
}

screen() { # NAME
    say "What $1 saw:"
    sed "s|$work/||g" "$work/$1"
}

say '03 CUSTOM PROTOCOL. A length, a format, a payload: bytes become messages.'
show './im_server -d mail & ./file_server &'
serve_im
: >"$work/files.log"
./file_server -p 0 -d "$work/files" 2>"$work/files.log" &
files=$!
pids="$pids $files"
files_at=$(port files.log $files)
cat "$work/log" "$work/files.log"

say 'Two people talk. One speaks JSON with the server, the other XML.'
person 5 zhangsan json
person 6 lisi xml
types 5 zhangsan 'lisi: 吃饭了吗?'
seen lisi '吃饭了吗'
types 6 lisi 'zhangsan: 还没, 你呢? <3 & "…"'
seen zhangsan '还没'

say 'A picture of 20 MiB goes to the file server; its path goes to lisi, who fetches it.'
head -c 20971520 /dev/urandom >"$work/cat.png"
types 5 zhangsan "/send lisi $work/cat.png"
seen lisi 'sends you cat.png'
path=$(sed -n 's/.*sends you cat.png.*\/get \([0-9a-f]*\)$/\1/p' "$work/lisi")
types 6 lisi "/get $path $work/fetched.png"
seen lisi 'received'
cmp "$work/cat.png" "$work/fetched.png" && echo 'cmp says: the same 20971520 bytes'

say 'lisi leaves, zhangsan goes on. As soon as his message is acknowledged, the server is killed.'
types 6 lisi '/quit'
wait "$lisi"
screen lisi
types 5 zhangsan 'lisi: 饭做好了, 你在哪儿?'
types 5 zhangsan '/quit'
wait "$zhangsan"
screen zhangsan
show "kill -9 $server"
kill_now $server

say 'The server is started again, and lisi finds what was said while she was away.'
serve_im
person 6 lisi xml
seen lisi '饭做好了'
types 6 lisi '/quit'
wait "$lisi"
screen lisi
exec 5>&- 6>&-
