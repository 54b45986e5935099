#!/usr/bin/env bats
# Exercise 03-2: `unread`, with `id`, is answered with one `unread` for each who has written (`id`, `from`, `count`), and `ok`.
# Grades: IM_SERVER

load ../helpers

# Prints a frame, as poke writes bytes.
frame() { # FORMAT PAYLOAD
    local LC_ALL=C
    escape "$2" \\ '"' '{'
    printf '"\\x00\\x00\\x%02x\\x%02x\\x%02x""%s"' $((${#2} / 256)) $((${#2} % 256)) "$1" "$ESCAPED"
}
text() { frame 1 "$1"; }
json() { frame 2 "$1"; }
xml() { frame 3 "$1"; }

# Prints the steps that log somebody in; then so many messages wait.
login() { # CONNECTION NAME COUNT
    echo "$1 > $(text "Login://id=\"l\",username=\"$2\",password=\"123456\"")"
    echo "$1 < $(text "ok://id=\"l\",count=\"$3\"")"
}

# Prints the steps that send messages.
writes() { # CONNECTION ID...
    local id connection=$1
    shift
    for id; do
        echo "$connection > $(text "msg://id=\"$id\",friendName=\"lisi\",text=\"hi\"")"
        echo "$connection <* \"ok://id=\\\"$id\\\"\""
        echo "$connection <* \"time=\\\"\""
    done
}

@test "unread tells how many messages wait from whom, the one who has waited longest first" {
    start "$IM_SERVER" -d "$TMP/mail"
    speak <<END
        $(login a zhangsan 0)
        $(login c wangwu 0)
        $(writes c 1)
        $(writes a 1 2)
        $(writes c 2 3)
        $(login b lisi 5)
        say for each sender comes unread://id="u",from="zhangsan",count="2", and then ok with the number of senders
        b > $(text 'unread://id="u"')
        b <* $(text 'unread://id="u",from="wangwu",count="3"')
        b < $(text 'unread://id="u",from="zhangsan",count="2"')$(text 'ok://id="u",count="2"')
        say in JSON and XML it is called unread, too
        b > $(json '{"type":"unread","id":"j"}')
        b < $(json '{"type":"unread","id":"j","from":"wangwu","count":3}')
        b < $(json '{"type":"unread","id":"j","from":"zhangsan","count":2}')
        b < $(json '{"type":"ok","id":"j","count":2}')
        b > $(xml '<unread><id>x</id></unread>')
        b < $(xml '<unread><id>x</id><from>wangwu</from><count>3</count></unread>')
        b < $(xml '<unread><id>x</id><from>zhangsan</from><count>2</count></unread>')
        b < $(xml '<ok><id>x</id><count>2</count></ok>')
        say what was acknowledged is read, and waits no more
        b > $(text 'ack://number="3"')$(text 'unread://id="v"')
        b < $(text 'unread://id="v",from="wangwu",count="2"')$(text 'ok://id="v",count="1"')
END
}

@test "unread includes what came before it on the same connection, and needs a login and an id" {
    start "$IM_SERVER"
    speak <<END
        say before a login it is not_logged_in
        a > $(text 'unread://id="0"')
        a <* "not_logged_in\\""
        $(login a lisi 0)
        say where nothing waits there is just ok
        a > $(text 'unread://id="1"')
        a < $(text 'ok://id="1",count="0"')
        say what I have written to myself waits for me, also if the question is right behind it
        a > $(text 'msg://id="2",friendName="lisi",text="hi"')$(text 'unread://id="3"')
        a <* $(text 'unread://id="3",from="lisi",count="1"')
        a < $(text 'ok://id="3",count="1"')
        say without an id it is field
        a > $(text 'unread://')
        a <* "code=\\"field\\""
END
}

@test "unread names all who have written, be they many" {
    local i one told
    one=$(echo "c open" && login c 100 0 && writes c 1 && echo "c close")
    told=$(text 'unread://id="u",from="100",count="1"')
    for i in {100..399} lisi; do echo "$i:123456"; done >"$TMP/users"
    start "$IM_SERVER" -u "$TMP/users"
    {
        for i in {100..399}; do echo "${one//100/$i}"; done
        login b lisi 300
        echo 'say 300 have written, each of them once'
        echo "b > $(text 'unread://id="u"')"
        echo "b <* $told"
        for i in {101..399}; do echo "b < ${told/100/$i}"; done
        echo "b < $(text 'ok://id="u",count="300"')"
    } | speak
}
