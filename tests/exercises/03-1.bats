#!/usr/bin/env bats
# Exercise 03-1: `typing`, with `to`, is passed on as `typing`, with `from`, to who is there; and that is all.
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

# Prints steps that make sure that nothing else has come.
nothing_else() { # CONNECTION
    echo "$1 > $(text 'history://id="n",username="wangwu",count="0"')"
    echo "$1 < $(text 'ok://id="n",count="0"')"
}

@test "typing is passed on, with the name of who types, in the format of the receiver" {
    start "$IM_SERVER"
    speak <<END
        $(login a zhangsan 0)
        $(login b lisi 0)
        say in text it is typing://friendName="lisi", and typing://from="zhangsan" comes to lisi
        a > $(text 'typing://friendName="lisi"')
        b < $(text 'typing://from="zhangsan"')
        say in JSON it is {"type":"typing","to":"lisi"}, and the receiver's format is that in which it spoke last
        a > $(json '{"type":"typing","to":"lisi"}')
        b < $(text 'typing://from="zhangsan"')
        b > $(xml '<typing><to>zhangsan</to></typing>')
        a < $(json '{"type":"typing","from":"lisi"}')
        say in XML it is <typing><to>lisi</to></typing>
        a > $(text 'typing://friendName="lisi"')
        b < $(xml '<typing><from>zhangsan</from></typing>')
        say who types gets no answer
        $(nothing_else a)
        say from is who is logged in there, whatever else the message says
        a > $(text 'typing://friendName="lisi",from="wangwu"')
        b < $(xml '<typing><from>zhangsan</from></typing>')
END
}

@test "typing to who is away is forgotten, and never has a number" {
    start "$IM_SERVER" -d "$TMP/mail"
    speak <<END
        $(login a zhangsan 0)
        say who types gets no answer
        a > $(text 'typing://friendName="lisi"')
        $(nothing_else a)
        say nothing waits for lisi, and nothing of it is in the history
        $(login b lisi 0)
        b > $(text 'history://id="h",username="zhangsan",count="9"')
        b < $(text 'ok://id="h",count="0"')
        say the first message has number 1, for typing takes none
        a > $(text 'msg://id="1",friendName="lisi",text="hi"')
        a <* "number=\\"1\\""
END
    kill -s TERM "$PID"
    wait "$PID" || true
    start "$IM_SERVER" -d "$TMP/mail"
    speak <<END
        say after a restart the message waits, and nothing else, for typing is not stored
        $(login b lisi 1)
        b <* "text=\\"hi\\""
        b > $(text 'msg://id="2",friendName="zhangsan",text="ho"')
        b <* "number=\\"2\\""
END
}

@test "typing without to, to nobody, or before a login: its error, and the connection goes on" {
    start "$IM_SERVER"
    speak <<END
        say before a login it is not_logged_in
        a > $(text 'typing://friendName="lisi"')
        a <* "not_logged_in\\""
        $(login a zhangsan 0)
        say without "to" it is field
        a > $(text 'typing://')
        a <* "code=\\"field\\""
        say to a name that nobody has it is unknown
        a > $(text 'typing://friendName="nobody"')
        a <* "code=\\"unknown\\""
        $(nothing_else a)
END
}

@test "typing ends nobody's connection: who does not read misses it" {
    local typing
    typing=$(text 'typing://friendName="lisi"')
    start "$IM_SERVER"
    speak <<END
        $(login a zhangsan 0)
        b deaf
        b > $(json '{"type":"login","id":"l","name":"lisi","password":"123456"}')
        b <* "\"count\":0}"
        a > ${typing/\"\"/}*200000
        a > $(text 'msg://id="1",friendName="lisi",text="dinner is ready"')
        a <* "number=\\"1\\""
        say who has not read for a while is still there, and gets its messages
        b <* "dinner is ready"
END
}
