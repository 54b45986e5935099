#!/usr/bin/env bats
# What the instant messaging server promises (PROTOCOL.md, sections 1 to 5; section 8 says what one of somebody's own has
# to have besides). The server is $IM_SERVER, with its three accounts zhangsan, lisi and wangwu where a test brings no
# others. tests/im_talk speaks messages, in any format; tests/poke speaks bytes; tests/im_crowd plays the many people.
# Grades: IM_SERVER

load helpers

crowd() { # [OPTION...] [-- SERVER...]
    local status=0
    "$TOP/tests/im_crowd" "$@" || status=$?
    [ $status -ne 77 ] || skip "too few descriptors here, see ulimit -n"
    return $status
}

# Runs the same script in each format, each time with a new server.
talk_each() { # SCRIPT
    local format
    for format in text json xml; do
        echo "in $format:"
        start "$IM_SERVER"
        talk -f $format <<<"$1"
        kill_server
    done
}

# Prints a step that makes sure that nothing else has come: the answer to this is the next.
nothing_else() { # CONNECTION
    echo "$1 > {\"type\":\"history\",\"id\":\"nothing-else\",\"name\":\"wangwu\",\"count\":\"0\"}"
    echo "$1 < {\"type\":\"ok\",\"id\":\"nothing-else\",\"count\":\"0\"}"
}

error() { # CONNECTION ID CODE
    echo "$1 < {\"type\":\"error\",\"id\":\"$2\",\"code\":\"$3\",\"body\":\"*\"}"
}

# Prints a frame as BYTES for poke; its payload is text with \xHH for other bytes.
frame() { # FORMAT-NUMBER PAYLOAD
    local LC_ALL=C payload length
    escape "$2" '"' '{'
    payload=$(printf '%b.' "$2") && length=$((${#payload} - 1))
    printf '"\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x%s"' $((length >> 24)) $((length >> 16 & 255)) \
        $((length >> 8 & 255)) $((length & 255)) "$1" "$ESCAPED"
}

@test "im: people talk, each in the format that he likes, in Chinese" {
    start "$IM_SERVER"
    for one in text json xml; do
        for other in text json xml; do
            talk <<END
                say what one says in $one comes to the other in $other
                a format $one
                b format $other
                $(login a zhangsan 0)
                $(login b lisi 0)
                a > {"type":"msg","id":"$one.$other","to":"lisi","body":"吃饭了吗? <\"\\\\&'>\n\t😀"}
                a < {"type":"ok","id":"$one.$other","number":"?n","time":"?t"}
                b < {"type":"msg","number":"?n","time":"?t","from":"zhangsan","to":"lisi","body":"吃饭了吗? <\"\\\\&'>\n\t😀"}
                b > {"type":"ack","number":"?n"}
                $(nothing_else b)
                a close
                b < {"type":"presence","name":"zhangsan","state":"away"}
                b shut
                b eof
END
            start "$IM_SERVER"
        done
    done
}

@test "im: wrong name or password: one and the same answer, and the third ends the connection" {
    talk_each "
        say which of the two was wrong is not told
        a > {\"type\":\"login\",\"id\":\"1\",\"name\":\"lisi\",\"password\":\"12345\"}
        a < {\"type\":\"error\",\"id\":\"1\",\"code\":\"login\",\"body\":\"?b\"}
        a > {\"type\":\"login\",\"id\":\"2\",\"name\":\"nobody\",\"password\":\"123456\"}
        a < {\"type\":\"error\",\"id\":\"2\",\"code\":\"login\",\"body\":\"?b\"}
        b > {\"type\":\"login\",\"id\":\"3\",\"name\":\"lis\",\"password\":\"1234567\"}
        b < {\"type\":\"error\",\"id\":\"3\",\"code\":\"login\",\"body\":\"?b\"}
        $(login b lisi 0)
        a > {\"type\":\"login\",\"id\":\"4\",\"name\":\"lisi\",\"password\":\"123456x\"}
        a < {\"type\":\"error\",\"id\":\"4\",\"code\":\"login\",\"body\":\"?b\"}
        a < {\"type\":\"bye\",\"code\":\"login\",\"body\":\"*\"}
        a eof
    "
}

@test "im: who is not logged in can do nothing but that, and only once" {
    talk_each "
        a > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"lisi\",\"body\":\"hello\"}
        $(error a 1 not_logged_in)
        a > {\"type\":\"history\",\"id\":\"2\",\"name\":\"lisi\",\"count\":\"9\"}
        $(error a 2 not_logged_in)
        a > {\"type\":\"who\",\"id\":\"3\"}
        $(error a 3 not_logged_in)
        a > {\"type\":\"ack\",\"number\":\"3\"}
        a < {\"type\":\"error\",\"code\":\"not_logged_in\",\"body\":\"*\"}
        $(login a zhangsan 0)
        a > {\"type\":\"login\",\"id\":\"4\",\"name\":\"zhangsan\",\"password\":\"123456\"}
        $(error a 4 logged_in)
        a > {\"type\":\"login\",\"id\":\"5\",\"name\":\"lisi\",\"password\":\"123456\"}
        $(error a 5 logged_in)
    "
}

@test "im: whom nobody knows gets no message and has no history" {
    talk_each "
        $(login a zhangsan 0)
        a > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"nobody\",\"body\":\"hello\"}
        $(error a 1 unknown)
        a > {\"type\":\"history\",\"id\":\"2\",\"name\":\"Lisi\",\"count\":\"9\"}
        $(error a 2 unknown)
        $(sends a lisi 3 3)
    "
}

@test "im: a request with a field missing or wrong is refused, and the connection goes on" {
    local long=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    talk_each "
        a > {\"type\":\"login\",\"id\":\"1\",\"name\":\"zhangsan\"}
        $(error a 1 field)
        a > {\"type\":\"login\",\"id\":\"1\",\"name\":\"${long}x\",\"password\":\"x\"}
        $(error a 1 field)
        a > {\"type\":\"login\",\"id\":\"1\",\"name\":\"$(printf '%04096d' 0)\",\"password\":\"x\"}
        $(error a 1 field)
        a > {\"type\":\"login\",\"id\":\"1\",\"name\":\"lisi\",\"password\":\"$(printf '%04096d' 0)\"}
        $(error a 1 field)
        $(login a zhangsan 0)
        a > {\"type\":\"msg\",\"id\":\"2\",\"to\":\"lisi\"}
        $(error a 2 field)
        a > {\"type\":\"msg\",\"id\":\"3\",\"body\":\"x\"}
        $(error a 3 field)
        a > {\"type\":\"msg\",\"to\":\"lisi\",\"body\":\"x\"}
        a < {\"type\":\"error\",\"code\":\"field\",\"body\":\"*\"}
        a > {\"type\":\"msg\",\"id\":\"a b\",\"to\":\"lisi\",\"body\":\"x\"}
        a < {\"type\":\"error\",\"code\":\"field\",\"body\":\"*\"}
        a > {\"type\":\"msg\",\"id\":\"$long${long}x\",\"to\":\"lisi\",\"body\":\"x\"}
        a < {\"type\":\"error\",\"code\":\"field\",\"body\":\"*\"}
        a > {\"type\":\"msg\",\"id\":\"4\",\"to\":\"${long}x\",\"body\":\"x\"}
        $(error a 4 field)
        a > {\"type\":\"msg\",\"id\":\"5\",\"to\":\"lisi\",\"body\":\"$(printf '%04097d' 0)\"}
        $(error a 5 field)
        a > {\"type\":\"msg\",\"id\":\"6\",\"to\":\"lisi\",\"body\":\"cat.png\",\"path\":\"$long\",\"size\":\"1\"}
        $(error a 6 field)
        a > {\"type\":\"msg\",\"id\":\"7\",\"to\":\"lisi\",\"body\":\"cat.png\",\"path\":\"${long//x/a}\"}
        $(error a 7 field)
        a > {\"type\":\"msg\",\"id\":\"8\",\"to\":\"lisi\",\"body\":\"cat.png\",\"size\":\"1\"}
        $(error a 8 field)
        a > {\"type\":\"history\",\"id\":\"9\",\"name\":\"lisi\"}
        $(error a 9 field)
        a > {\"type\":\"history\",\"id\":\"9\",\"name\":\"lisi\",\"count\":\"-1\"}
        $(error a 9 field)
        a > {\"type\":\"history\",\"id\":\"9\",\"name\":\"lisi\",\"count\":\"1234567890123456789\"}
        $(error a 9 field)
        a > {\"type\":\"who\"}
        a < {\"type\":\"error\",\"code\":\"field\",\"body\":\"*\"}
        a > {\"type\":\"ack\"}
        a < {\"type\":\"error\",\"code\":\"field\",\"body\":\"*\"}
        a > {\"type\":\"ack\",\"number\":\"all\"}
        a < {\"type\":\"error\",\"code\":\"field\",\"body\":\"*\"}
        a > {\"type\":\"msg\",\"id\":\"$long$long\",\"to\":\"lisi\",\"body\":\"$(printf '%04096d' 0)\"}
        a < {\"type\":\"ok\",\"id\":\"$long$long\",\"number\":\"*\",\"time\":\"*\"}
        b > {\"type\":\"login\",\"id\":\"1\",\"name\":\"lisi\",\"password\":\"123456\"}
        b < {\"type\":\"ok\",\"id\":\"1\",\"count\":\"1\"}
    "
}

@test "im: a file is a message with a path and a size" {
    local path=0123456789abcdef0123456789abcdef
    talk_each "
        $(login a zhangsan 0)
        $(login b lisi 0)
        a > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"lisi\",\"body\":\"猫.png\",\"path\":\"$path\",\"size\":\"20971520\"}
        a < {\"type\":\"ok\",\"id\":\"1\",\"number\":\"?n\",\"time\":\"?t\"}
        b < {\"type\":\"msg\",\"number\":\"?n\",\"time\":\"?t\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"猫.png\",\"path\":\"$path\",\"size\":\"20971520\"}
        b > {\"type\":\"history\",\"id\":\"2\",\"name\":\"zhangsan\",\"count\":\"1\"}
        b < {\"type\":\"past\",\"id\":\"2\",\"number\":\"?n\",\"time\":\"?t\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"猫.png\",\"path\":\"$path\",\"size\":\"20971520\"}
        b < {\"type\":\"ok\",\"id\":\"2\",\"count\":\"1\"}
    "
}

@test "im: what is no request to this server is refused" {
    local type
    talk_each "
        $(login a zhangsan 0)
        $(for type in ok error past presence bye put get; do
        echo 'a > {"type":"'$type'","id":"'$type'"}' # (in single quotes: bash 3.2 confuses the others with those around all)
        error a $type type
    done)
        a > {\"type\":\"presence\"}
        a < {\"type\":\"error\",\"code\":\"type\",\"body\":\"*\"}
        $(sends a lisi 1 1)
    "
    start "$IM_SERVER"
    speak <<END
        say a type that nobody knows, and the bytes of a file, are refused, and the connection goes on
        a > $(frame 2 '{"type":"dance","id":"1"}')
        a <* "\"code\":\"type\""
        a > $(frame 4 'any bytes')
        a <* "\"code\":\"type\""
        a > $(frame 2 '{"type":"login","id":"2","name":"lisi","password":"123456"}')
        a <* $(frame 2 '{"type":"ok","id":"2","count":0}')
END
}

@test "im: what cannot be read is an error with its place, and the connection goes on" {
    start "$IM_SERVER"
    speak <<END
        say text
        a > $(frame 1 'msg://id="1",friendName="lisi,text="x"')
        a <* "code=\"parse\""
        say invalid UTF-8
        a > $(frame 1 'msg://id="1",friendName="lisi",text="\xff"')
        a <* "code=\"parse\",at=\"37\""
        say JSON
        a > $(frame 2 '{"type":"who","id":"1",}')
        a <* "\"code\":\"parse\",\"at\":23"
        a > $(frame 2 '{"type":"who","id":"\xc0\x80"}')
        a <* "\"code\":\"parse\",\"at\":20"
        a > $(frame 2 '')
        a <* "\"code\":\"parse\",\"at\":0"
        say XML
        a > $(frame 3 '<who><id>1</id>')
        a <* "<code>parse</code><at>15</at>"
        a > $(frame 3 '<!DOCTYPE who><who><id>1</id></who>')
        a <* "<code>parse</code>"
        a > $(frame 1 'Login://id="2",username="lisi",password="123456"')
        a <* $(frame 1 'ok://id="2",count="0"')
END
}

@test "im: a length that lies, or a format that is none, ends the connection before anything is kept" {
    start "$IM_SERVER"
    speak <<END
        say one byte too many
        a > "\x00\x01\x00\x01\x02"
        a <* "code=\"frame\""
        a eof
        say 4 GiB
        b > "\xff\xff\xff\xff\x01"
        b <* "code=\"frame\""
        b eof
        say a negative length
        c > "\x80\x00\x00\x00\x01"
        c <* "code=\"frame\""
        c eof
        say format 0
        d > "\0\0\0\0\0"
        d <* "code=\"frame\""
        d eof
        say format 5, after JSON was spoken; what comes behind it is not read
        e > $(frame 2 '{"type":"who","id":"1"}') "\0\0\0\x01\x05x" $(frame 2 '{"type":"who","id":"2"}')
        e <* "not_logged_in"
        e <* "\"code\":\"frame\""
        e <* "}"
        e eof
        say the longest frame is taken
        f > "\x00\x01\x00\x00\x01" "x"*65536
        f <* "code=\"parse\""
END
}

@test "im: a frame is a frame, however it is cut, and however many come at once" {
    start "$IM_SERVER"
    speak <<END
        say frames come in single bytes
        a >1 $(frame 1 'Login://id="1",username="lisi",password="123456"')
        a <* $(frame 1 'ok://id="1",count="0"')
        a >1 $(frame 2 '{"type":"who","id":"2"}')
        a <* $(frame 2 '{"type":"ok","id":"2","count":0}')
        say two and a half come at once
        a > $(frame 2 '{"type":"who","id":"3"}') $(frame 3 '<who><id>4</id></who>') "\0\0\0\x15\x03<who><"
        a <* $(frame 2 '{"type":"ok","id":"3","count":0}')
        a <* $(frame 3 '<ok><id>4</id><count>0</count></ok>')
        a > "id>5</id></who>"
        a <* $(frame 3 '<ok><id>5</id><count>0</count></ok>')
END
}

@test "im: the same id again is the same message, once" {
    talk_each "
        $(login a zhangsan 0)
        a > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"lisi\",\"body\":\"1\"}
        a > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"lisi\",\"body\":\"1\"}
        a < {\"type\":\"ok\",\"id\":\"1\",\"number\":\"?n\",\"time\":\"?t\"}
        a < {\"type\":\"ok\",\"id\":\"1\",\"number\":\"?n\",\"time\":\"?t\"}
        say for something else it is an error
        a > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"lisi\",\"body\":\"2\"}
        $(error a 1 duplicate)
        a > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"wangwu\",\"body\":\"1\"}
        $(error a 1 duplicate)
        a close
        say on a new connection, too
        a > {\"type\":\"login\",\"id\":\"login\",\"name\":\"zhangsan\",\"password\":\"123456\"}
        a < {\"type\":\"ok\",\"id\":\"login\",\"count\":\"0\"}
        a > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"lisi\",\"body\":\"1\"}
        a < {\"type\":\"ok\",\"id\":\"1\",\"number\":\"?n\",\"time\":\"?t\"}
        say the id is one's own: somebody else may have the same
        $(login c wangwu 0)
        c > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"lisi\",\"body\":\"2\"}
        c < {\"type\":\"ok\",\"id\":\"1\",\"number\":\"?m\",\"time\":\"*\"}
        $(login b lisi 2)
        b < {\"type\":\"msg\",\"number\":\"?n\",\"time\":\"?t\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"1\"}
        b < {\"type\":\"msg\",\"number\":\"?m\",\"time\":\"*\",\"from\":\"wangwu\",\"to\":\"lisi\",\"body\":\"2\"}
    "
}

@test "im: the ids of the last 1000 messages are remembered" {
    start "$IM_SERVER"
    talk <<END
        $(login a zhangsan 0)
        $(login b wangwu 0)
        a > {"type":"msg","id":"first","to":"lisi","body":"x"}
        a < {"type":"ok","id":"first","number":"?n","time":"*"}
        $(sends a wangwu 1 999)
        a > {"type":"msg","id":"first","to":"lisi","body":"x"}
        a < {"type":"ok","id":"first","number":"?n","time":"*"}
END
}

@test "im: what was said while somebody was away comes at login, in order, until it is acknowledged" {
    talk_each "
        $(login a zhangsan 0)
        a > {\"type\":\"msg\",\"id\":\"1\",\"to\":\"lisi\",\"body\":\"one\"}
        a < {\"type\":\"ok\",\"id\":\"1\",\"number\":\"?x\",\"time\":\"?s\"}
        a > {\"type\":\"msg\",\"id\":\"2\",\"to\":\"lisi\",\"body\":\"two\"}
        a < {\"type\":\"ok\",\"id\":\"2\",\"number\":\"?y\",\"time\":\"?t\"}
        a > {\"type\":\"msg\",\"id\":\"3\",\"to\":\"lisi\",\"body\":\"three\"}
        a < {\"type\":\"ok\",\"id\":\"3\",\"number\":\"?z\",\"time\":\"?u\"}
        $(login b lisi 3)
        b < {\"type\":\"msg\",\"number\":\"?x\",\"time\":\"?s\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"one\"}
        b < {\"type\":\"msg\",\"number\":\"?y\",\"time\":\"?t\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"two\"}
        b < {\"type\":\"msg\",\"number\":\"?z\",\"time\":\"?u\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"three\"}
        b > {\"type\":\"ack\",\"number\":\"?y\"}
        b shut
        b eof
        b close
        a < {\"type\":\"presence\",\"name\":\"lisi\",\"state\":\"online\"}
        a < {\"type\":\"presence\",\"name\":\"lisi\",\"state\":\"away\"}
        say what was not acknowledged comes again, with its old number
        $(login c lisi 1)
        c < {\"type\":\"msg\",\"number\":\"?z\",\"time\":\"?u\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"three\"}
        c > {\"type\":\"ack\",\"number\":\"?z\"}
        $(nothing_else c)
        c close
        a < {\"type\":\"presence\",\"name\":\"lisi\",\"state\":\"online\"}
        a < {\"type\":\"presence\",\"name\":\"lisi\",\"state\":\"away\"}
        $(login d lisi 0)
        $(nothing_else d)
    "
}

@test "im: at most 32 messages are on their way without a receipt" {
    start "$IM_SERVER"
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 40)
        $(login b lisi 40)
        $(gets b zhangsan lisi 1 31)
        b < {"type":"msg","number":"?n","time":"*","from":"zhangsan","to":"lisi","body":"32"}
        $(nothing_else b)
        b > {"type":"ack","number":"?n"}
        $(gets b zhangsan lisi 33 40)
        $(nothing_else b)
END
}

@test "im: a receipt for what never was, or was given before, does no harm" {
    start "$IM_SERVER"
    talk <<END
        $(login a zhangsan 0)
        $(login b lisi 0)
        b > {"type":"ack","number":"999999999999999999"}
        $(nothing_else b)
        $(sends a lisi 1 1)
        b < {"type":"msg","number":"?n","time":"*","from":"zhangsan","to":"lisi","body":"1"}
        b > {"type":"ack","number":"?n"}
        b > {"type":"ack","number":"?n"}
        b > {"type":"ack","number":"0"}
        $(sends a lisi 2 2)
        $(gets b zhangsan lisi 2 2)
END
}

@test "im: 1000 messages may wait for somebody, and one more is an error" {
    start "$IM_SERVER"
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 1000)
        a > {"type":"msg","id":"over","to":"lisi","body":"x"}
        $(error a over full)
        say others are not concerned
        $(sends a wangwu 1001 1001)
        say as soon as there is room it goes on
        $(login b lisi 1000)
        b < {"type":"msg","number":"?n","time":"*","from":"zhangsan","to":"lisi","body":"1"}
        a < {"type":"presence","name":"lisi","state":"online"}
        b > {"type":"ack","number":"?n"}
        $(gets b zhangsan lisi 2 33)
        a > {"type":"msg","id":"over","to":"lisi","body":"x"}
        a < {"type":"ok","id":"over","number":"*","time":"*"}
        a > {"type":"msg","id":"over2","to":"lisi","body":"x"}
        $(error a over2 full)
END
}

@test "im: 1 MiB may wait for somebody, and no more" {
    local big
    big=$(printf '%04000d' 0)
    start "$IM_SERVER"
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 250 "$big")
        say 12 more would be too much, whether it is counted with the names or without
        $(sends a lisi 251 262 "$big" | sed '/ </d')
        a skip 12
        a > {"type":"msg","id":"over","to":"lisi","body":"$big"}
        $(error a over full)
        $(sends a wangwu 263 263 "$big")
END
}

@test "im: history has the last N of a conversation, both sides, and nobody else's" {
    talk_each "
        $(login a zhangsan 0)
        $(login b lisi 0)
        $(login c wangwu 0)
        $(sends a lisi 1 1)
        $(gets b zhangsan lisi 1 1)
        $(sends c lisi 2 2)
        $(gets b wangwu lisi 2 2)
        $(sends b zhangsan 3 3)
        $(gets a lisi zhangsan 3 3)
        $(sends a wangwu 4 4)
        $(gets c zhangsan wangwu 4 4)
        $(sends a lisi 5 5)
        $(gets b zhangsan lisi 5 5)
        a > {\"type\":\"history\",\"id\":\"h\",\"name\":\"lisi\",\"count\":\"2\"}
        a < {\"type\":\"past\",\"id\":\"h\",\"number\":\"*\",\"time\":\"*\",\"from\":\"lisi\",\"to\":\"zhangsan\",\"body\":\"3\"}
        a < {\"type\":\"past\",\"id\":\"h\",\"number\":\"*\",\"time\":\"*\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"5\"}
        a < {\"type\":\"ok\",\"id\":\"h\",\"count\":\"2\"}
        b > {\"type\":\"history\",\"id\":\"h\",\"name\":\"zhangsan\",\"count\":\"99\"}
        b < {\"type\":\"past\",\"id\":\"h\",\"number\":\"*\",\"time\":\"*\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"1\"}
        b < {\"type\":\"past\",\"id\":\"h\",\"number\":\"*\",\"time\":\"*\",\"from\":\"lisi\",\"to\":\"zhangsan\",\"body\":\"3\"}
        b < {\"type\":\"past\",\"id\":\"h\",\"number\":\"*\",\"time\":\"*\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"5\"}
        b < {\"type\":\"ok\",\"id\":\"h\",\"count\":\"3\"}
    "
}

@test "im: history gives as many of the latest as an answer may have" {
    local i
    start "$IM_SERVER"
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 120)
        a > {"type":"history","id":"h","name":"lisi","count":"1000"}
        $(for ((i = 21; i <= 120; i++)); do
        echo "a < {\"type\":\"past\",\"id\":\"h\",\"number\":\"*\",\"time\":\"*\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"$i\"}"
    done)
        a < {"type":"ok","id":"h","count":"100"}
        say the answer comes after what was asked before, though that had to be stored
        a > {"type":"msg","id":"121","to":"lisi","body":"121"}
        a > {"type":"history","id":"i","name":"lisi","count":"1"}
        a < {"type":"ok","id":"121","number":"?n","time":"*"}
        a < {"type":"past","id":"i","number":"?n","time":"*","from":"zhangsan","to":"lisi","body":"121"}
        a < {"type":"ok","id":"i","count":"1"}
END
}

@test "im: presence is told to those who have written with each other, and to nobody else" {
    talk_each "
        $(login a zhangsan 0)
        $(login b lisi 0)
        $(login c wangwu 0)
        $(sends a lisi 1 1)
        $(gets b zhangsan lisi 1 1)
        a close
        b < {\"type\":\"presence\",\"name\":\"zhangsan\",\"state\":\"away\"}
        $(login d zhangsan 0)
        b < {\"type\":\"presence\",\"name\":\"zhangsan\",\"state\":\"online\"}
        $(nothing_else c)
        say who: everybody who is here, and those you know who are away
        d close
        b < {\"type\":\"presence\",\"name\":\"zhangsan\",\"state\":\"away\"}
        b > {\"type\":\"who\",\"id\":\"w\"}
        b < {\"type\":\"presence\",\"id\":\"w\",\"name\":\"zhangsan\",\"state\":\"away\"}
        b < {\"type\":\"presence\",\"id\":\"w\",\"name\":\"wangwu\",\"state\":\"online\"}
        b < {\"type\":\"ok\",\"id\":\"w\",\"count\":\"2\"}
        c > {\"type\":\"who\",\"id\":\"w\"}
        c < {\"type\":\"presence\",\"id\":\"w\",\"name\":\"lisi\",\"state\":\"online\"}
        c < {\"type\":\"ok\",\"id\":\"w\",\"count\":\"1\"}
    "
}

@test "im: a second login takes over, and the first is told so" {
    talk_each "
        $(login a zhangsan 0)
        $(login b lisi 0)
        $(sends a lisi 1 1)
        b < {\"type\":\"msg\",\"number\":\"?n\",\"time\":\"*\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"1\"}
        $(login c lisi 1)
        b < {\"type\":\"bye\",\"code\":\"taken_over\",\"body\":\"*\"}
        b eof
        c < {\"type\":\"msg\",\"number\":\"?n\",\"time\":\"*\",\"from\":\"zhangsan\",\"to\":\"lisi\",\"body\":\"1\"}
        c > {\"type\":\"ack\",\"number\":\"?n\"}
        $(sends a lisi 2 2)
        $(gets c zhangsan lisi 2 2)
        say for the others nobody came or went
        b close
        $(nothing_else c)
        $(nothing_else a)
    "
}

@test "im: who half-closes gets all that it is owed" {
    for dir in '' "-d $TMP/mail"; do
        # shellcheck disable=SC2086 # two words
        start "$IM_SERVER" $dir
        speak <<END
            a > $(frame 2 '{"type":"login","id":"1","name":"lisi","password":"123456"}')$(frame 2 '{"type":"msg","id":"2","to":"zhangsan","body":"x"}')$(frame 2 '{"type":"who","id":"3"}')$(frame 2 '{"type":"msg","id":"4","to":"zhangsan","body":"x"}')$(frame 2 '{"type":"who","id":"5"}')
            a shut
            a <* "\"type\":\"ok\",\"id\":\"1\""
            a <* "\"type\":\"ok\",\"id\":\"2\""
            a <* "\"type\":\"ok\",\"id\":\"3\""
            a <* "\"type\":\"ok\",\"id\":\"4\""
            a <* "\"type\":\"ok\",\"id\":\"5\",\"count\":1"
            a <* "}"
            a eof
END
    done
}

@test "im: who asks for much and reads nothing is made to wait, and nobody else" {
    takes_long
    start "$IM_SERVER"
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 100 "$(printf '%0400d' 0)")
END
    speak <<END
        a deaf
        a > $(frame 2 '{"type":"login","id":"1","name":"zhangsan","password":"123456"}')
        a <* $(frame 2 '{"type":"ok","id":"1","count":0}')
        b > $(frame 2 '{"type":"login","id":"1","name":"wangwu","password":"123456"}')
        b <* $(frame 2 '{"type":"ok","id":"1","count":0}')
        a fill 50000000 $(frame 2 '{"type":"history","id":"2","name":"lisi","count":100}') via b $(frame 2 '{"type":"history","id":"3","name":"lisi","count":0}') $(frame 2 '{"type":"ok","id":"3","count":0}')
        a blocked
END
}

@test "im: a message to somebody who does not read waits, and nobody else does" {
    local big
    big=$(printf '%04000d' 0)
    start "$IM_SERVER"
    speak <<END
        slow deaf
        slow > $(frame 2 '{"type":"login","id":"1","name":"lisi","password":"123456"}')
        slow <* $(frame 2 '{"type":"ok","id":"1","count":0}')
        slow hold 1
END
    talk <<END
        $(login b lisi 0)
        $(login a zhangsan 0)
        $(sends a lisi 1 200 "$big")
        $(login c wangwu 0)
        a > {"type":"msg","id":"w","to":"wangwu","body":"w"}
        a < {"type":"ok","id":"w","number":"*","time":"*"}
        c < {"type":"msg","number":"*","time":"*","from":"zhangsan","to":"wangwu","body":"w"}
END
}

@test "im: 20 pairs write to each other in all formats, and each message arrives once and in order" {
    takes_long
    local i
    for ((i = 0; i < 40; i++)); do echo "u$i:secret"; done >"$TMP/accounts"
    start "$IM_SERVER" -u "$TMP/accounts"
    crowd -c 20 -n 200 "$HOST" "$PORT"
    kill_server
    start "$IM_SERVER" -u "$TMP/accounts" -d "$TMP/mail"
    crowd -c 20 -n 100 -b 4096 "$HOST" "$PORT"
}

@test "im: -u says who has an account" {
    printf '张三:秘密: 1\nu-2_B:x' >"$TMP/accounts"
    start "$IM_SERVER" -u "$TMP/accounts"
    { PASSWORD='秘密: 1' login a 张三 0 && PASSWORD=x login b u-2_B 0; } | talk
    talk <<END
        say the accounts that are there without -u are not there with it
        a > {"type":"login","id":"1","name":"zhangsan","password":"123456"}
        $(error a 1 login)
END
}

@test "im: an -u file that is wrong is refused with the line" {
    ours
    local wrong status
    for wrong in 2:nobody '2::x' '2:b:' '2:a:other' '2:a b:x' "2:$(printf '%033d' 0):x" "2:b:$(printf '%065d' 0)" \
        $'2:b:x\t' $'2:b\344r:x' $'2:b:\344' "2:b:$(printf '%0300d' 0)" 2: $'3:b:x\n'; do
        echo "rule: this line is refused: '${wrong#?:}'"
        printf 'a:x\n%s\n' "${wrong#?:}" >"$TMP/accounts"
        status=0
        within 5 "$IM_SERVER" -p 0 -u "$TMP/accounts" 2>"$TMP/err" || status=$?
        cat "$TMP/err"
        [ $status -eq 1 ]
        grep -q "^im_server: $TMP/accounts:${wrong%%:*}: " "$TMP/err"
    done
    : >"$TMP/accounts"
    run within 5 "$IM_SERVER" -p 0 -u "$TMP/accounts"
    [ "$status" -eq 1 ]
    run within 5 "$IM_SERVER" -p 0 -u "$TMP/none"
    [ "$status" -eq 1 ]
}

@test "im: -v shows what each frame says" {
    ours
    start "$IM_SERVER" -v
    talk -f xml <<<"$(login a lisi 0)"
    logged '^127.0.0.1:[0-9]+ -> frame: xml, 73 bytes: login id=login name=lisi'
    logged '^127.0.0.1:[0-9]+ <- frame: xml, 39 bytes: ok id=login count=0'
}

@test "im: a message is on the disk before its sender is told so" {
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<END
        $(login a zhangsan 0)
        a > {"type":"msg","id":"1","to":"lisi","body":"吃饭了吗"}
        a < {"type":"ok","id":"1","number":"?n","time":"?t"}
END
    kill_server
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<END
        say kill -9 loses nothing that was acknowledged
        $(login b lisi 1)
        b < {"type":"msg","number":"?n","time":"?t","from":"zhangsan","to":"lisi","body":"吃饭了吗"}
        say the id is still known
        $(login a zhangsan 0)
        b < {"type":"presence","name":"zhangsan","state":"online"}
        a > {"type":"msg","id":"1","to":"lisi","body":"吃饭了吗"}
        a < {"type":"ok","id":"1","number":"?n","time":"?t"}
        b > {"type":"ack","number":"?n"}
        $(nothing_else b)
END
    kill_server
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<END
        say what was acknowledged does not come again, and history remains
        $(login b lisi 0)
        b > {"type":"history","id":"h","name":"zhangsan","count":"9"}
        b < {"type":"past","id":"h","number":"*","time":"*","from":"zhangsan","to":"lisi","body":"吃饭了吗"}
        b < {"type":"ok","id":"h","count":"1"}
END
}

@test "im: SIGTERM ends it within a second, with exit code 0, and what was acknowledged stays" {
    start "$IM_SERVER" -d "$TMP/mail"
    exec 5<>"/dev/tcp/$HOST/$PORT" # somebody who is there
    talk <<<"$(login a zhangsan 0 && sends a lisi 1 2)"
    stops_on TERM
    exec 5>&-
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<<"$(login b lisi 2 && gets b zhangsan lisi 1 2)"
}

@test "im: the disk itself has a message, by fsync, before its sender is told so" {
    local tries
    command -v strace >/dev/null || skip "strace is not installed"
    start "$IM_SERVER" -d "$TMP/mail"
    strace -f -s 400 -e trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync,msync \
        -o "$TMP/trace" -p "$PID" 2>"$TMP/strace" 3>&- &
    STARTED+=($!)
    for ((tries = 0; tries < TRIES; tries++)); do
        grep -q attached "$TMP/strace" && break
        kill -0 "${STARTED[1]}" 2>/dev/null || skip "strace may not be used here"
        pause
    done
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 1 hello)
END
    kill "$PID"
    wait "${STARTED[1]}" || true
    cat "$TMP/trace"
    echo "rule: between the reading of a message and the writing of its ok is an fsync()"
    awk '/hello/ { asked = 1 }
        /sync\(/ && asked { synced = 1 }
        /"ok.*number/ && asked { answered = 1; exit }
        END { exit !(synced && answered) }' "$TMP/trace"
}

@test "im: a record that was not completed is cut off, and all before it is there" {
    ours
    local size cut
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 1)
        $(sends a lisi 2 2)
END
    kill_server
    size=$(wc -c <"$TMP/mail/journal")
    cp "$TMP/mail/journal" "$TMP/whole"
    for cut in 1 2 40 $((size / 4)); do
        head -c $((size - cut)) "$TMP/whole" >"$TMP/mail/journal"
        start "$IM_SERVER" -d "$TMP/mail"
        head -n 1 "$LOG"
        grep -qE 'journal: cut off [0-9]+ bytes' "$LOG"
        talk <<END
            say $cut bytes are missing: the record before is there, and what comes after is kept
            $(login b lisi 1)
            $(gets b zhangsan lisi 1 1)
            $(login a zhangsan 0)
            b < {"type":"presence","name":"zhangsan","state":"online"}
            $(sends a lisi 2 2)
            $(gets b zhangsan lisi 2 2)
END
        kill_server
        start "$IM_SERVER" -d "$TMP/mail"
        [ "$(wc -l <"$LOG")" -eq 1 ]
        talk <<<"$(login b lisi 2)"
        kill_server
    done
}

@test "im: zeros at the end, as a power cut may leave them, are a record that was not completed" {
    ours
    local size cut zeros
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 2)
END
    kill_server
    size=$(wc -c <"$TMP/mail/journal")
    cp "$TMP/mail/journal" "$TMP/whole"
    for cut in "0 5000" "0 1000000" "20 20" "20 4096" "0 1"; do
        read -r cut zeros <<<"$cut"
        echo "rule: the last $cut bytes, and $zeros more, are zeros: what is before them counts, and it says so"
        { head -c $((size - cut)) "$TMP/whole" && head -c "$zeros" /dev/zero; } >"$TMP/mail/journal"
        start "$IM_SERVER" -d "$TMP/mail"
        grep -qE 'journal: cut off [0-9]+ bytes' "$LOG"
        talk <<<"$(login b lisi $((cut > 0 ? 1 : 2)))"
        kill_server
    done
}

@test "im: a journal that is damaged is not guessed at" {
    ours
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 3)
END
    kill_server
    sed 's/"body":"2"/"body":2"/' "$TMP/mail/journal" >"$TMP/damaged"
    cp "$TMP/damaged" "$TMP/mail/journal"
    run within 5 "$IM_SERVER" -p 0 -d "$TMP/mail"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == "im_server: cannot use $TMP/mail: journal, byte "* ]]
    cmp "$TMP/damaged" "$TMP/mail/journal"
}

@test "im: a journal of somebody who has no account any more is not used, and it says whose" {
    ours
    printf 'a:1\n乙:1\n' >"$TMP/both"
    printf 'a:1\n' >"$TMP/one"
    start "$IM_SERVER" -u "$TMP/both" -d "$TMP/mail"
    { PASSWORD=1 login a a 0 && sends a 乙 1 1; } | talk
    stops_on TERM
    cp "$TMP/mail/journal" "$TMP/whole"
    run within 5 "$IM_SERVER" -p 0 -u "$TMP/one" -d "$TMP/mail"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == "im_server: cannot use $TMP/mail: journal, byte 0: there is no account '乙'" ]]
    cmp "$TMP/whole" "$TMP/mail/journal"
    start "$IM_SERVER" -u "$TMP/both" -d "$TMP/mail"
    PASSWORD=1 login b 乙 1 | talk
}

@test "im: two servers do not share a folder" {
    ours
    start "$IM_SERVER" -d "$TMP/mail"
    run within 5 "$IM_SERVER" -p 0 -d "$TMP/mail"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == "im_server: cannot use $TMP/mail: another server uses it" ]]
    run within 5 "$IM_SERVER" -p 0 -d "$TMP/no/such"
    [ "$status" -eq 1 ]
    stops_on TERM
    start "$IM_SERVER" -d "$TMP/mail"
}

@test "im: a disk that takes no more gives errors, no loss, and room is used again" {
    ours
    local big
    big=$(printf '%04000d' 0)
    FILE_LIMIT=16 start "$IM_SERVER" -d "$TMP/mail" # 16 KiB
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 3 "$big")
        say what does not fit is refused
        a > {"type":"msg","id":"x4","to":"lisi","body":"$big$big"}
        $(error a x4 field)
        a > {"type":"msg","id":"4","to":"lisi","body":"$big"}
        a skip 1
        a > {"type":"msg","id":"5","to":"lisi","body":"$big"}
        $(error a 5 storage)
        say what is refused is not delivered, and the server goes on
        $(login b wangwu 0)
        a > {"type":"msg","id":"5","to":"wangwu","body":"$big"}
        $(error a 5 storage)
        $(nothing_else b)
        say what fits is taken
        $(sends a wangwu 6 6)
        $(gets b zhangsan wangwu 6 6)
END
    kill_server
    start "$IM_SERVER" -d "$TMP/mail"
    [ "$(wc -l <"$LOG")" -eq 1 ]
    talk <<END
        say what was acknowledged is there, and there is room again
        $(login b wangwu 1)
        $(login a zhangsan 0)
        $(gets b zhangsan wangwu 6 6)
        b < {"type":"presence","name":"zhangsan","state":"online"}
        $(sends a wangwu 5 5)
END
}

# Starts a server on a disk that has room for some messages, fills it, and lets what does not fit be refused. How much
# that is depends on how a server keeps them.
fill_disk() {
    local big
    big=$(printf '%04000d' 0)
    FILE_LIMIT=64 start "$IM_SERVER" -d "$TMP/mail" # 64 KiB
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 1 1 one)
        $(sends_in_turn a wangwu 2 60 "$big" | sed "s/ < .*/ skip 1/")
        say what does not fit is refused
        a > {"type":"msg","id":"61","to":"lisi","body":"$big"}
        $(error a 61 storage)
        say what is refused is not delivered, and the server goes on
        $(login b lisi 1)
        b < {"type":"msg","number":"*","time":"*","from":"zhangsan","to":"lisi","body":"one"}
        a < {"type":"presence","name":"lisi","state":"online"}
        $(nothing_else a)
END
}

@test "im: a full disk: what does not fit is an error, and what was acknowledged is there at the next start" {
    fill_disk
    kill_server
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<END
        $(login b lisi 1)
        b < {"type":"msg","number":"*","time":"*","from":"zhangsan","to":"lisi","body":"one"}
        say there is room again
        $(login a zhangsan 0)
        b < {"type":"presence","name":"zhangsan","state":"online"}
        $(sends a lisi 61 61)
        $(gets b zhangsan lisi 61 61)
END
}

@test "im: as soon as the disk has room, the same server goes on" {
    command -v prlimit >/dev/null || skip "prlimit is not installed"
    fill_disk
    prlimit --pid "$PID" --fsize=unlimited
    talk <<END
        $(login a zhangsan 0)
        $(sends a lisi 61 61)
END
    kill_server
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<<"$(login b lisi 2)"
}

@test "im: that the disk has room again is told" {
    ours
    command -v prlimit >/dev/null || skip "prlimit is not installed"
    fill_disk
    prlimit --pid "$PID" --fsize=unlimited
    talk <<<"$(login a zhangsan 0 && sends a lisi 61 61)"
    logged 'writing the journal: works again'
}

@test "im: kill -9 at any moment loses nothing that was acknowledged, and brings nothing twice" {
    local i
    for ((i = 0; i < 10; i++)); do echo "u$i:secret"; done >"$TMP/accounts"
    start "$IM_SERVER" -u "$TMP/accounts" # only to find a free port
    kill_server
    crowd -c 5 -k "${KILLS:-8}" "$HOST" "$PORT" "$IM_SERVER" -u "$TMP/accounts" -d "$TMP/mail" -p "$PORT" 2>"$TMP/log"
}

@test "im: who waits for the disk and hangs up has sent his message all the same" {
    start "$IM_SERVER" -d "$TMP/mail"
    talk <<END
        $(login b lisi 0)
        $(login a zhangsan 0)
        a > {"type":"msg","id":"1","to":"lisi","body":"1"}
        a close
        $(gets b zhangsan lisi 1 1)
        b < {"type":"presence","name":"zhangsan","state":"away"}
END
}

@test "im: with its standard descriptors closed its log goes nowhere, least of all into its journal" {
    ours
    local closed sent=0
    start "$IM_SERVER" # only to find a free port
    stops_on TERM
    for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
        echo "im_server $closed"
        eval "exec \"\$IM_SERVER\" -v -p \$PORT -d \"\$TMP/mail\" 3>&- $closed" &
        PID=$!
        STARTED+=("$PID")
        until (exec 5<>"/dev/tcp/$HOST/$PORT") 2>/dev/null; do kill -0 "$PID" && pause; done
        sent=$((sent + 1))
        talk <<<"$(login a zhangsan 0 && sends a lisi $sent $sent)"
        kill_server
    done
    start "$IM_SERVER" -d "$TMP/mail"
    [ "$(wc -l <"$LOG")" -eq 1 ]
    talk <<<"$(login b lisi 4)"
}

@test "im: SIGHUP ends it as SIGTERM does, and under nohup it is ignored" {
    ours
    local signal
    for signal in $(endings); do
        start "$IM_SERVER" -d "$TMP/mail"
        stops_on "$signal"
    done
    printf '#!/bin/sh\ntrap "" HUP\nexec "%s" "$@"\n' "$IM_SERVER" >"$TMP/nohup"
    chmod +x "$TMP/nohup"
    start "$TMP/nohup" -d "$TMP/mail"
    kill -s HUP "$PID"
    talk <<<"$(login a zhangsan 0)"
    stops_on TERM
}

@test "im: an account's name has no characters that nobody can see, or that turn the direction of a text" {
    ours
    local name status
    for name in $'a\xe2\x80\xaeb' $'a\xe2\x80\x8bb' $'\xef\xbb\xbfa' $'\xe3\x85\xa4' $'a\xe2\xa0\x80' $'a\xc2\xadb' $'a\xf3\xa0\x81\x81' $'a\xe2\x81\xa6b' $'\xe1\x85\x9f'; do
        printf 'b:x\n%s:x\n' "$name" >"$TMP/accounts"
        status=0
        within 5 "$IM_SERVER" -p 0 -u "$TMP/accounts" 2>"$TMP/err" || status=$?
        echo "the name $(printf %s "$name" | od -An -tx1): exit code $status: $(cat "$TMP/err")"
        [ $status -eq 1 ]
        grep -q "^im_server: $TMP/accounts:2: " "$TMP/err"
    done
}
