#!/bin/sh
# The wing "xmpp" of lesson 03 in a second: people write XML by hand. Play it yourself: ./xmpp_server in one terminal, and
# nc 127.0.0.1 5222 in one for each person.
cd "$(dirname "$0")" || exit 1
. ./stage.sh
. ./by_hand.sh

# Starts a person in the background, who types what is written to that descriptor; what the person gets goes to $work/NAME.
# The client of lesson 01 is enough for this: it sends and prints any bytes.
person() { # DESCRIPTOR NAME
    rm -f "$work/$2" "$work/$2.keys"
    mkfifo "$work/$2.keys"
    ../../01-echo/echo_client 127.0.0.1 "$port" <"$work/$2.keys" >>"$work/$2" 2>"$work/$2.log" &
    pids="$pids $!"
    eval "exec $1>\"\$work/$2.keys\""
}

types() { # DESCRIPTOR NAME XML
    printf '%s  %-8s types:%s %s\n' "$dim" "$2" "$off" "$3"
    echo "$3" >&"$1"
}

# Waits for a while until a person has got a text; then shows all that has come, one element on a line.
gets() { # NAME TEXT
    looks=0
    until grep -qF -- "$2" "$work/$1"; do
        looks=$((looks + 1))
        [ $looks -lt 3000 ] || exit 1
    done
    awk -v before="$(printf '%s  %-8s gets: %s' "$dim" "$1" "$off")" '
        { gsub(/<(message|presence|iq|success|stream:|\/stream:stream)/, "\n&"); text = text $0 "\n" }
        END { n = split(text, line, "\n"); for (i = 1; i <= n; i++) if (line[i] != "") print before line[i] }' "$work/$1"
    : >"$work/$1"
}

say '03 XMPP. The connection is one XML document, which stays open: each element in it is a message.'
serve ./xmpp_server
person 5 zhangsan
types 5 zhangsan "$head"
gets zhangsan '</stream:features>'

say 'He logs in (PLAIN: NUL, his name, NUL, his password, in base64), and begins a new document.'
types 5 zhangsan "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHpoYW5nc2FuADEyMzQ1Ng==</auth>"
gets zhangsan '</success>'
types 5 zhangsan "$head"
gets zhangsan '</stream:features>'

say 'He asks for a place, and says that he is there.'
types 5 zhangsan "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>home</resource></bind></iq>"
gets zhangsan '</iq>'
types 5 zhangsan '<presence/>'
gets zhangsan '<presence'

say 'lisi says all this at once. She sees him, and he sees her.'
person 6 lisi
show "enter lisi"
enter lisi >&6
gets zhangsan 'lisi@localhost/nc'
gets lisi "<presence from='lisi@localhost/nc'"

say 'A message. The server writes who it is from, whatever the client wrote; it passes on elements that it does not know.'
types 6 lisi "<message to='zhangsan@localhost' from='wangwu@localhost'><body>吃饭了吗</body><mood xmlns='urn:mine'>hungry</mood></message>"
gets zhangsan '</message>'

say 'lisi types a mistake. Nobody can know now where the next stanza begins, so the server ends her stream.'
types 6 lisi '<message><body>bye</message>'
gets lisi '</stream:stream>'
gets zhangsan 'unavailable'

say 'A message for somebody who is away is kept, with the time.'
types 5 zhangsan "<message to='wangwu@localhost'><body>饭做好了</body></message><iq type='get' id='2'><ping xmlns='urn:xmpp:ping'/></iq>"
gets zhangsan "<iq type='result'"
person 7 wangwu
show "enter wangwu"
enter wangwu >&7
gets wangwu '</message>'
exec 5>&- 6>&- 7>&-
