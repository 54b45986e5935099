#!/bin/sh
# Lesson 02 in a second: three people talk in two rooms. Play it yourself: the server in one terminal, and each of the
# three in another.
cd "$(dirname "$0")" || exit 1
. ./stage.sh

# Starts a person: a chat_client in the background, typing what comes through descriptor $1 (5 to 7), its screen in a file.
person() { # DESCRIPTOR NAME
    mkfifo "$work/$2.keys"
    : >"$work/$2"
    ./chat_client -n "$2" 127.0.0.1 "$port" <"$work/$2.keys" >"$work/$2" 2>&1 &
    eval "exec $1>\"\$work/$2.keys\""
    seen "$2" "you are now $2"
}

# Waits until somebody's screen shows a text.
seen() { # NAME TEXT
    until grep -q "$2" "$work/$1"; do kill -0 "$server" || exit 1; done
}

# Types a line, and waits until somebody else has read it.
types() { # DESCRIPTOR NAME LINE READER TEXT
    printf '%s  %s types:%s %s\n' "$dim" "$2" "$off" "$3"
    echo "$3" >&"$1"
    seen "$4" "$5"
}

say '02 GROUP CHAT. What one says goes to all the others in the room.'
serve ./chat_server

say 'Three people come (./chat_client -n NAME), and talk.'
person 5 anna
person 6 张三
person 7 lisi
types 5 anna 'hello, everybody' lisi 'anna: hello'
types 6 张三 '吃饭了吗' anna '吃饭了吗'
types 7 lisi '/join kitchen' anna 'lisi left'
types 6 张三 '/join kitchen' lisi '张三 joined'
types 6 张三 '我们做饭吧' lisi '我们做饭吧'
types 5 anna '/all dinner at seven' lisi 'dinner'
types 5 anna '/msg lisi is it good?' lisi 'is it good'
seen anna 'dinner'
types 7 lisi '/rooms' lisi '2 in kitchen'

for name in lisi anna; do
    say "What $name read:"
    cat "$work/$name"
done
exec 5>&- 6>&- 7>&-
