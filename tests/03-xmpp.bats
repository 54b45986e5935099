#!/usr/bin/env bats
# What people do with the XMPP server ($XMPP_SERVER): addresses, presence, messages, questions. RFC 6120 and RFC 6121, and
# where these leave a choice, what the page promises. Stanzas are compared as XML, so a server of your own may write them
# as it likes. The stream itself and the login: 03-xmpp-stream.bats.
# Grades: XMPP_SERVER

load helpers

# Speaks to the server started last, in words: see xmpp_words.awk.
converse() { LC_ALL=C awk -f "$TOP/tests/xmpp_words.awk" | speak "$@"; }

HEAD="<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

# Prints all that a client sends up to its resource, at once. PLAIN is base64 of NUL, name, NUL, password.
at_once() { # PLAIN RESOURCE
    printf %s "$HEAD<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>$1</auth>$HEAD" \
        "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>$2</resource></bind></iq>"
}
ZHANGSAN=AHpoYW5nc2FuADEyMzQ1Ng==
LISI=AGxpc2kAMTIzNDU2
WANGWU=AHdhbmd3dQAxMjM0NTY=

# ---- An address

@test "xmpp: a client gets the resource that it wishes for" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a is quiet
        b binds as lisi/a-long_one.of~64*bytes:01234567890123456789012345678901234567890
        b is quiet
        c logs in as wangwu
        c > <iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>a/b@c</resource></bind></iq>
        c < <iq type='result' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>wangwu@localhost/a/b@c</jid></bind></iq>
        a > <message to='wangwu@localhost/a/b@c'><body>hello</body></message>
        c < <message from='zhangsan@localhost/phone' to='wangwu@localhost/a/b@c'><body>hello</body></message>
END
}

@test "xmpp: a client that wishes for no resource gets one of its own" {
    start "$XMPP_SERVER"
    local name
    for name in a b; do
        cat <<END
            $name logs in as zhangsan
            $name > <iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>
            $name < <iq type='result' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>zhangsan@localhost/*</jid></bind></iq>
            a is quiet
END
    done | converse
}

@test "xmpp: a resource that cannot stand in an address is not taken as it is" {
    ours
    start "$XMPP_SERVER"
    local wish n=0
    for wish in '' '&lt;' '&amp;' '&apos;' '&quot;' 'a b' "$(printf 'x%.0s' {1..65})"; do
        n=$((n + 1))
        cat <<END
            a$n logs in as zhangsan
            a$n > <iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>$wish</resource></bind></iq>
            a$n <* "<jid>zhangsan@localhost/"
            a$n <* "</jid></bind></iq>"
            a$n is quiet
END
    done | converse
}

@test "xmpp: a client that binds the resource of another one takes its place: the older one gets conflict and the end" {
    start "$XMPP_SERVER"
    converse <<'END'
        b enters as lisi/pad
        a enters as zhangsan/phone
        n binds as zhangsan/phone
        a ends for conflict
        n arrives
        b > <message to='zhangsan@localhost/phone'><body>you</body></message>
        n < <message from='lisi@localhost/pad' to='zhangsan@localhost/phone'><body>you</body></message>
        all are quiet
END
}

@test "xmpp: a client that takes the place of one whose connection has just died is there, and stays there" {
    start "$XMPP_SERVER"
    local line='' poke
    mkfifo "$TMP/said"
    converse >"$TMP/said" 3>&- <<'END' &
        w enters as lisi/pad
        say here
        w < <presence from='zhangsan@localhost/phone'/>
        say ready
        w < <presence type='unavailable' from='zhangsan@localhost/phone'/>
        w < <presence from='zhangsan@localhost/phone'/>
        w is quiet
END
    poke=$!
    STARTED+=("$poke")
    exec 9<"$TMP/said"
    until [ "$line" = here ]; do read -r line <&9; done
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    { at_once $ZHANGSAN phone && echo '<presence/>'; } >&5
    echo "$HEAD<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>$ZHANGSAN</auth>$HEAD" >&6
    until [ "$line" = ready ]; do read -r line <&9; done
    kill -s STOP "$PID"
    exec 5>&- # it has not read all, so this is a reset
    echo "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>phone</resource></bind></iq><presence/>" >&6
    kill -s CONT "$PID"
    cat <&9
    wait "$poke"
    exec 6>&- 9>&-
}

@test "xmpp: a person may have several clients, and two persons the same resource" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as zhangsan/pad
        c enters as lisi/phone
        c > <message to='zhangsan@localhost/pad'><body>to the pad</body></message>
        b < <message from='lisi@localhost/phone' to='zhangsan@localhost/pad'><body>to the pad</body></message>
        a > <message to='zhangsan@localhost/pad'><body>to myself</body></message>
        b < <message from='zhangsan@localhost/phone' to='zhangsan@localhost/pad'><body>to myself</body></message>
        all are quiet
END
}

@test "xmpp: the domain of -n is part of all addresses, and localhost is another server then" {
    start "$XMPP_SERVER" -n chat.example.org
    converse <<'END'
        a lives in chat.example.org
        b lives in chat.example.org
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <message to='lisi@chat.example.org'><body>hello</body></message>
        b < <message from='zhangsan@chat.example.org/phone' to='lisi@chat.example.org'><body>hello</body></message>
        a > <message to='lisi@localhost' id='1'><body>hello</body></message>
        a is refused message 1 cancel remote-server-not-found lisi@localhost
        a > <message to='wangwu@chat.example.org'><body>hello</body></message>
        all are quiet
        c lives in chat.example.org
        c binds as wangwu/desk
        c > <presence/>
        c < <presence from='zhangsan@chat.example.org/phone'/><presence from='lisi@chat.example.org/pad'/><presence from='wangwu@chat.example.org/desk'/><message from='zhangsan@chat.example.org/phone' to='wangwu@chat.example.org'><body>hello</body><delay xmlns='urn:xmpp:delay' from='chat.example.org' stamp='*'/></message>
END
}

@test "xmpp: the people of -u FILE have an account, and nobody else" {
    printf '%s\n' 'anna:secret' 'bob:p:w' >"$TMP/people"
    start "$XMPP_SERVER" -u "$TMP/people"
    converse <<'END'
        a opens
        a > <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHpoYW5nc2FuADEyMzQ1Ng==</auth>
        a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
        a > <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFubmEAc2VjcmV0</auth>
        a < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
        b opens
        b > <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGJvYgBwOnc=</auth>
        b < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
END
}

# ---- Presence

@test "xmpp: everybody who is there sees who comes and who leaves, and a newcomer sees all who are there, itself included" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        c enters as wangwu/desk
        d enters as lisi/phone
        b leaves
        all are quiet
        b enters as lisi/pad
        all are quiet
END
}

@test "xmpp: what a client tells of itself goes to all as it is, and a newcomer gets the latest of it" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <presence><show>away</show><status>吃饭 &amp; more</status><priority>5</priority></presence>
        a < <presence from='zhangsan@localhost/phone'><show>away</show><status>吃饭 &amp; more</status><priority>5</priority></presence>
        b < <presence from='zhangsan@localhost/phone'><show>away</show><status>吃饭 &amp; more</status><priority>5</priority></presence>
        a > <presence id='7'><status>at work</status><c xmlns='urn:caps' ver='1'/></presence>
        a < <presence id='7' from='zhangsan@localhost/phone'><status>at work</status><c xmlns='urn:caps' ver='1'/></presence>
        b < <presence id='7' from='zhangsan@localhost/phone'><status>at work</status><c xmlns='urn:caps' ver='1'/></presence>
        c binds as wangwu/desk
        c > <presence/>
        c < <presence from='zhangsan@localhost/phone' id='7'><status>at work</status><c xmlns='urn:caps' ver='1'/></presence> <presence from='lisi@localhost/pad'/> <presence from='wangwu@localhost/desk'/>
        c is quiet
END
}

@test "xmpp: a newcomer sees all, also when that is much and it reads late" {
    start "$XMPP_SERVER"
    local n all=''
    {
        for n in {1..30}; do
            printf '%s\n' "c$n binds as lisi/$n" "c$n > \"<presence><status>\" \"$((n % 10))\"*8000 \"</status></presence>\"" "c$n <* \"lisi@localhost/$n\""
            all+=" \"<presence from='lisi@localhost/$n'><status>\" \"$((n % 10))\"*8000 \"</status></presence>\""
        done
        cat <<END
            a deaf
            a binds as zhangsan/phone
            a > <presence/>
            c1 <* "zhangsan@localhost/phone"
            c30 <* "zhangsan@localhost/phone"
            a <x "<presence from='zhangsan@localhost/phone'/>" $all
            a is quiet
END
    } | converse
}

@test "xmpp: the presences that a client sends at once are seen by the others one by one, in this order" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b binds as lisi/pad
        b > <presence/><presence><status>2</status></presence><presence type='unavailable'/><presence><status>3</status></presence>
        a < <presence from='lisi@localhost/pad'/>
        a < <presence from='lisi@localhost/pad'><status>2</status></presence>
        a < <presence from='lisi@localhost/pad' type='unavailable'/>
        a < <presence from='lisi@localhost/pad'><status>3</status></presence>
        a is quiet
END
}

@test "xmpp: a client that has told no presence is not there: it is seen by nobody, and sees nobody" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b binds as lisi/pad
        c enters as wangwu/desk
        b is quiet
        b > </stream:stream>
        b <* ":stream>"
        b eof
        all are quiet
END
}

@test "xmpp: when a connection ends without a word, or is reset, everybody is told that its client has left" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        b close
        b has left
        b enters as lisi/pad
        b reset
        b has left
        c enters as wangwu/desk
        all are quiet
END
}

@test "xmpp: unavailable goes to all with its status, and then the client is not there, but connected" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        b > <presence type='unavailable'><status>good bye</status></presence>
        a < <presence type='unavailable' from='lisi@localhost/pad'><status>good bye</status></presence>
        a > <presence><status>here</status></presence>
        a < <presence from='zhangsan@localhost/phone'><status>here</status></presence>
        c binds as wangwu/desk
        c > <presence/>
        c < <presence from='zhangsan@localhost/phone'><status>here</status></presence> <presence from='wangwu@localhost/desk'/>
        a < <presence from='wangwu@localhost/desk'/>
        a > <message to='lisi@localhost/pad'><body>still there?</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost/pad'><body>still there?</body></message>
        b > <presence/>
        b < <presence from='zhangsan@localhost/phone'><status>here</status></presence> <presence from='wangwu@localhost/desk'/> <presence from='lisi@localhost/pad'/>
        a < <presence from='lisi@localhost/pad'/>
        c < <presence from='lisi@localhost/pad'/>
        a is quiet
        b is quiet
        c is quiet
END
}

@test "xmpp: a priority is a number from -128 to 127, else bad-request, and nothing changes" {
    start "$XMPP_SERVER"
    local wrong
    {
        echo 'a enters as zhangsan/phone'
        echo 'b enters as lisi/pad'
        for wrong in 128 -129 x 1x '' 1.5 99999999999999999999; do
            cat <<END
                say priority $wrong
                a > <presence id='1'><priority>$wrong</priority></presence>
                a is refused presence 1 modify bad-request
END
        done
        for right in -128 127; do
            cat <<END
                say priority $right
                a > <presence><priority>$right</priority></presence>
                a < <presence from='zhangsan@localhost/phone'><priority>$right</priority></presence>
                b < <presence from='zhangsan@localhost/phone'><priority>$right</priority></presence>
END
        done
        echo 'all are quiet'
    } | converse
}

@test "xmpp: a presence of 8,192 bytes is kept for those who come later, and a longer one is refused" {
    ours
    start "$XMPP_SERVER"
    # <presence from='zhangsan@localhost/phone'><status></status></presence> has 70 bytes, and id='1' 7 more.
    converse <<'END'
        a enters as zhangsan/phone
        a > "<presence><status>" "s"*8122 "</status></presence>"
        a < "<presence from='zhangsan@localhost/phone'><status>" "s"*8122 "</status></presence>"
        a > "<presence id='1'><status>" "s"*8116 "</status></presence>"
        a is refused presence 1 modify policy-violation
        b binds as lisi/pad
        b > <presence/>
        b <* "<status>" "s"*8122 "</status></presence>"
        b < <presence from='lisi@localhost/pad'/>
        b is quiet
END
}

@test "xmpp: to subscribe is granted at once, and shows who is there; a probe shows it, too" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <presence type='subscribe' to='lisi@localhost'/>
        a < <presence type='subscribed' from='lisi@localhost'/> <presence from='lisi@localhost/pad'/>
        a > <presence type='probe' to='lisi@localhost'/>
        a < <presence from='lisi@localhost/pad'/>
        a > <presence type='subscribe' to='wangwu@localhost'/>
        a < <presence type='subscribed' from='wangwu@localhost'/>
        a > <presence type='subscribed' to='lisi@localhost'/>
        a > <presence type='unsubscribe' to='lisi@localhost'/>
        a > <presence type='unsubscribed' to='lisi@localhost'/>
        all are quiet
END
}

@test "xmpp: a presence for one person goes to nobody else" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        c enters as wangwu/desk
        d enters as lisi/phone
        a > <presence to='lisi@localhost' from='wangwu@localhost/desk'><status>for you</status></presence>
        b < <presence from='zhangsan@localhost/phone'><status>for you</status></presence>
        d < <presence from='zhangsan@localhost/phone'><status>for you</status></presence>
        a > <presence to='lisi@localhost/pad' type='unavailable'/>
        b < <presence from='zhangsan@localhost/phone' type='unavailable'/>
        a > <presence to='nobody@localhost'/>
        all are quiet
END
}

# ---- Messages

@test "xmpp: a message to a full address goes to that client, with all that is in it" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        c enters as lisi/phone
        a > <message to='lisi@localhost/phone' type='chat' id='1'><subject>s</subject><body>hello</body><thread>t</thread><x xmlns='urn:x'><y/>z</x></message>
        c < <message from='zhangsan@localhost/phone' to='lisi@localhost/phone' type='chat' id='1'><subject>s</subject><body>hello</body><thread>t</thread><x xmlns='urn:x'><y/>z</x></message>
        a > <message to='lisi@localhost/pad' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost/pad' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>
        all are quiet
END
}

@test "xmpp: a client that is not there gets what is for its full address" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        b binds as lisi/pad
        a > <message to='lisi@localhost/pad'><body>hello</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost/pad'><body>hello</body></message>
        b > <message to='zhangsan@localhost/phone' type='error' id='1'/>
        a < <message from='lisi@localhost/pad' to='zhangsan@localhost/phone' type='error' id='1'/>
        a is quiet
        b is quiet
END
}

@test "xmpp: the sender of a stanza is written by the server, whatever the client says" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <message to='lisi@localhost' from='wangwu@localhost/desk'><body>your password?</body></message>
        b < <message to='lisi@localhost' from='zhangsan@localhost/phone'><body>your password?</body></message>
        a > <message to='lisi@localhost/pad' from='localhost'><body>your password?</body></message>
        b < <message to='lisi@localhost/pad' from='zhangsan@localhost/phone'><body>your password?</body></message>
        a > <presence from='wangwu@localhost/desk'><status>me</status></presence>
        a < <presence from='zhangsan@localhost/phone'><status>me</status></presence>
        b < <presence from='zhangsan@localhost/phone'><status>me</status></presence>
        a > <iq to='lisi@localhost/pad' from='localhost' type='get' id='1'><query xmlns='urn:q'/></iq>
        b < <iq from='zhangsan@localhost/phone' type='get' id='1'><query xmlns='urn:q'/></iq>
        all are quiet
END
}

# b and c are two clients of lisi with these priorities; a writes to lisi.
two_priorities() { # B C
    cat <<END
        a binds as zhangsan/phone
        b binds as lisi/pad
        b > <presence><priority>$1</priority></presence>
        b < <presence from='lisi@localhost/pad'><priority>$1</priority></presence>
        c binds as lisi/phone
        c > <presence><priority>$2</priority></presence>
        b < <presence from='lisi@localhost/phone'><priority>$2</priority></presence>
        c < <presence from='lisi@localhost/pad'><priority>$1</priority></presence> <presence from='lisi@localhost/phone'><priority>$2</priority></presence>
        a > <message to='lisi@localhost'><body>hello</body></message>
END
}
HELLO="<message from='zhangsan@localhost/phone' to='lisi@localhost'><body>hello</body></message>"

@test "xmpp: a message to a person goes to the client with the highest priority" {
    start "$XMPP_SERVER"
    {
        two_priorities 1 10
        cat <<END
            c < $HELLO
            b is quiet
            b > <presence><priority>11</priority></presence>
            b < <presence from='lisi@localhost/pad'><priority>11</priority></presence>
            c < <presence from='lisi@localhost/pad'><priority>11</priority></presence>
            a > <message to='lisi@localhost'><body>hello</body></message>
            b < $HELLO
            b close
            c < <presence type='unavailable' from='lisi@localhost/pad'/>
            a > <message to='lisi@localhost'><body>hello</body></message>
            c < $HELLO
            c is quiet
            a is quiet
END
    } | converse
}

@test "xmpp: a message to a person goes to all clients that share the highest priority" {
    start "$XMPP_SERVER"
    {
        two_priorities 3 3
        printf '%s\n' "b < $HELLO" "c < $HELLO" 'b is quiet' 'c is quiet' 'a is quiet'
    } | converse
}

@test "xmpp: a message to a person never goes to a client of a negative priority" {
    start "$XMPP_SERVER"
    {
        two_priorities -1 0
        cat <<END
            c < $HELLO
            c close
            b < <presence type='unavailable' from='lisi@localhost/phone'/>
            a > <message to='lisi@localhost'><body>later</body></message>
            a is quiet
            b is quiet
            a > <message to='lisi@localhost/pad'><body>directly</body></message>
            b < <message from='zhangsan@localhost/phone' to='lisi@localhost/pad'><body>directly</body></message>
END
    } | converse
}

@test "xmpp: a message to the full address of a client that has gone goes to the person" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <message to='lisi@localhost/gone' type='chat'><body>where?</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost/gone' type='chat'><body>where?</body></message>
        all are quiet
END
}

@test "xmpp: a headline goes to all clients that do not have a negative priority, and is not kept" {
    start "$XMPP_SERVER"
    {
        two_priorities 1 2
        cat <<END
            c < $HELLO
            d binds as lisi/watch
            d > <presence><priority>-5</priority></presence>
            d < <presence from='lisi@localhost/pad'><priority>1</priority></presence><presence from='lisi@localhost/phone'><priority>2</priority></presence><presence from='lisi@localhost/watch'><priority>-5</priority></presence>
            b < <presence from='lisi@localhost/watch'><priority>-5</priority></presence>
            c < <presence from='lisi@localhost/watch'><priority>-5</priority></presence>
            a > <message to='lisi@localhost' type='headline'><body>news</body></message>
            b < <message from='zhangsan@localhost/phone' to='lisi@localhost' type='headline'><body>news</body></message>
            c < <message from='zhangsan@localhost/phone' to='lisi@localhost' type='headline'><body>news</body></message>
            a > <message to='wangwu@localhost' type='headline'><body>news</body></message>
            a is quiet
            e binds as wangwu/desk
            e > <presence/>
            e < <presence from='wangwu@localhost/desk'/><presence from='lisi@localhost/pad'><priority>1</priority></presence><presence from='lisi@localhost/phone'><priority>2</priority></presence><presence from='lisi@localhost/watch'><priority>-5</priority></presence>
            e is quiet
END
    } | converse
}

@test "xmpp: a message of the type groupchat to a person is refused, and one of the type error is dropped" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <message to='lisi@localhost' type='groupchat' id='1'><body>all!</body></message>
        a is refused message 1 cancel service-unavailable lisi@localhost
        a > <message to='lisi@localhost' type='error' id='2'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
        a > <message to='nobody@localhost' type='error' id='3'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
        a > <message to='wangwu@localhost' type='error' id='4'><body>x</body></message>
        a > <message to='a@example.org' type='error' id='5'/>
        all are quiet
        c enters as wangwu/desk
        all are quiet
END
}

@test "xmpp: a stanza without an address, or with an empty one, is for its sender or the server" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as zhangsan/pad
        b > <presence><priority>1</priority></presence>
        a < <presence from='zhangsan@localhost/pad'><priority>1</priority></presence>
        b < <presence from='zhangsan@localhost/pad'><priority>1</priority></presence>
        a > <message><body>do not forget</body></message>
        b < <message from='zhangsan@localhost/phone' to='zhangsan@localhost'><body>do not forget</body></message>
        a > <message to=''><body>nor this</body></message>
        b < <message from='zhangsan@localhost/phone' to='zhangsan@localhost'><body>nor this</body></message>
        a > <iq to='' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>
        a < <iq type='result' id='1'/>
        a > <presence to=''><status>here</status></presence>
        a < <presence from='zhangsan@localhost/phone'><status>here</status></presence>
        b < <presence from='zhangsan@localhost/phone'><status>here</status></presence>
        all are quiet
END
}

@test "xmpp: Chinese, emoji and a character of each length arrive as they are" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <message to='lisi@localhost' id='消息'><body>你好，吃饭了吗？ 😀👨‍👩‍👧 é \xf0\x90\x8d\x88 \xf4\x8f\xbf\xbd</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost' id='消息'><body>你好，吃饭了吗？ 😀👨‍👩‍👧 é \xf0\x90\x8d\x88 \xf4\x8f\xbf\xbd</body></message>
        a > <message to='lisi@localhost'><body>&#x4f60;&#22909;&#x1F600;</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost'><body>你好😀</body></message>
        all are quiet
END
}

@test "xmpp: text that looks like markup stays text, in an element and in an attribute" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <message to='lisi@localhost' id='&lt;&amp;&gt;&apos;&quot;'><body>&lt;/body>&lt;/message>&lt;b>&amp;amp; &amp;lt; &quot;x&quot; &apos;y&apos; ]]&gt; 1 > 0</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost' id='&lt;&amp;&gt;&apos;&quot;'><body>&lt;/body&gt;&lt;/message&gt;&lt;b&gt;&amp;amp; &amp;lt; "x" 'y' ]]&gt; 1 &gt; 0</body></message>
        a > <message to='lisi@localhost' id="it's"><body><![CDATA[<presence type='unavailable'/> & more]]> <![CDATA[]]>]]&gt;</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost' id="it's"><body>&lt;presence type='unavailable'/&gt; &amp; more ]]&gt;</body></message>
        a > <message to='lisi@localhost' id='a&#10;b&#9;c&#13;d'><body> line&#13;\n next\tline&#x0d; </body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost' id='a&#10;b&#9;c&#13;d'><body> line&#13;\n next\tline&#13; </body></message>
        all are quiet
END
}

@test "xmpp: an answer escapes what it repeats of a stanza: id and address" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        a > <iq type='get' id='&lt;&amp;&apos;"'><ping xmlns='urn:xmpp:ping'/></iq>
        a < <iq type='result' id='&lt;&amp;&apos;"'/>
        a > <message to="o'&amp;&lt;@localhost" id="&apos;/>&lt;message>"><body>x</body></message>
        a < <message type='error' from="o'&amp;&lt;@localhost" to='zhangsan@localhost/phone' id="'/&gt;&lt;message&gt;"><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
        a is quiet
END
}

@test "xmpp: a message to an unknown person, another server or no address at all is refused, each with its own condition" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        a > <message to='nobody@localhost' id='1'><body>x</body></message>
        a is refused message 1 cancel service-unavailable nobody@localhost
        a > <message to='nobody@localhost/phone' id='2' type='chat'><body>x</body></message>
        a is refused message 2 cancel service-unavailable nobody@localhost/phone
        a > <message to='lisi@example.org' id='3'><body>x</body></message>
        a is refused message 3 cancel remote-server-not-found lisi@example.org
        a > <message to='lisi@localhost.example.org' id='4'><body>x</body></message>
        a is refused message 4 cancel remote-server-not-found lisi@localhost.example.org
        a > <message to='@localhost' id='5'><body>x</body></message>
        a is refused message 5 modify jid-malformed @localhost
        a > <message to='lisi@' id='6'><body>x</body></message>
        a is refused message 6 modify jid-malformed lisi@
        a > <message to='lisi@localhost/' id='7'><body>x</body></message>
        a is refused message 7 modify jid-malformed lisi@localhost/
        a is quiet
END
}

@test "xmpp: names and domains have no capital letters, but resources do" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/Pad
        c enters as lisi/pad
        a > <message to='LiSi@LOCALHOST/Pad'><body>hello</body></message>
        b < <message from='zhangsan@localhost/phone' to='LiSi@LOCALHOST/Pad'><body>hello</body></message>
        a > <message to='LISI@localhost/pad'><body>hello</body></message>
        c < <message from='zhangsan@localhost/phone' to='LISI@localhost/pad'><body>hello</body></message>
        a > <iq to='Lisi@Localhost/Pad' type='get' id='1'><query xmlns='urn:q'/></iq>
        b < <iq from='zhangsan@localhost/phone' type='get' id='1'><query xmlns='urn:q'/></iq>
        a > <iq to='LocalHost' type='get' id='2'><ping xmlns='urn:xmpp:ping'/></iq>
        a < <iq from='LocalHost' type='result' id='2'/>
        a > <presence to='LISI@localhost' type='probe'/>
        a < <presence from='lisi@localhost/Pad'/> <presence from='lisi@localhost/pad'/>
        all are quiet
END
}

@test "xmpp: a message that is too long when it is written anew is refused, and the next one is not" {
    ours
    start "$XMPP_SERVER"
    converse <<'END'
        a declares xmlns:p='urn:long:012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > "<message to='lisi@localhost' id='1'><body><![CDATA[" "&"*65000 "]]></body></message>"
        a is refused message 1 modify policy-violation lisi@localhost
        a > "<message to='lisi@localhost' id='3'>" "<p:x p:y='' p:z=''/>"*600 "</message>"
        a is refused message 3 modify policy-violation lisi@localhost
        a > "<iq to='lisi@localhost/pad' type='get' id='4'><x>" "<p:x p:y='' p:z=''/>"*600 "</x></iq>"
        a is refused iq 4 modify policy-violation lisi@localhost/pad
        a > "<presence id='5'>" "<p:x p:y='' p:z=''/>"*600 "</presence>"
        a is refused presence 5 modify policy-violation
        a > "<message to='lisi@localhost'><body><![CDATA[" "&"*50000 "]]></body></message>"
        b <x "<message from='zhangsan@localhost/phone' to='lisi@localhost'><body>" "&amp;"*50000 "</body></message>"
        all are quiet
END
}

# ---- What waits for somebody

KEPT="<delay xmlns='urn:xmpp:delay' from='localhost' stamp='20*-*-*T*:*:*Z'/></message>"

@test "xmpp: a message to a person who is not there is kept, and comes later, once, with the time at which it was sent" {
    local hour
    hour=$(date -u +%Y-%m-%dT%H)
    TZ=CST-8 start "$XMPP_SERVER"
    converse <<END || [ "$(date -u +%Y-%m-%dT%H)" != "$hour" ]
        a enters as zhangsan/phone
        a > <message to='lisi@localhost' type='chat' id='1'><body>one</body></message>
        a > <message to='lisi@localhost/pad'><subject>two</subject><body>&lt;2&gt;</body></message>
        b binds as lisi/pad
        b is quiet
        b > <presence/>
        b < <presence from='lisi@localhost/pad'/><presence from='zhangsan@localhost/phone'/><message from='zhangsan@localhost/phone' to='lisi@localhost' type='chat' id='1'><body>one</body>${KEPT/20[*]Z/$hour:*:*Z}<message from='zhangsan@localhost/phone' to='lisi@localhost/pad'><subject>two</subject><body>&lt;2&gt;</body>${KEPT/20[*]Z/$hour:*:*Z}
        a < <presence from='lisi@localhost/pad'/>
        b is quiet
        b > <presence/>
        b < <presence from='lisi@localhost/pad'/>
        b is quiet
        c binds as lisi/phone
        c > <presence/>
        c < <presence from='lisi@localhost/phone'/><presence from='lisi@localhost/pad'/><presence from='zhangsan@localhost/phone'/>
        c is quiet
END
}

@test "xmpp: kept messages come in the order in which they were sent" {
    start "$XMPP_SERVER"
    {
        echo 'a binds as zhangsan/phone'
        printf "a > <message to='lisi@localhost'><body>%d!</body></message>\n" {1..100}
        echo 'a is quiet'
        echo 'b binds as lisi/pad'
        echo 'b > <presence/>'
        printf 'b <* "<body>%d!</body>"\n' {1..100}
    } | converse
}

@test "xmpp: a new message does not overtake those that are kept" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a > <message to='lisi@localhost'><body>old</body></message>
        a is quiet
        b binds as lisi/pad
        b > <presence/><message to='lisi@localhost'><body>new</body></message>
        b <* "<body>old</body>"
        b <* "<body>new</body>"
END
    {
        echo 'a enters as zhangsan/phone'
        printf "a > \"<message to='wangwu@localhost'><body>\" \"k\"*2300 \"%d!</body></message>\"\n" {1..100}
        cat <<'END'
            a is quiet
            c binds as wangwu/desk
            c > <presence/>
            a < <presence from='wangwu@localhost/desk'/>
            a > <message to='wangwu@localhost'><body>new</body></message>
            c <* "k100!</body>"
            c <* "<body>new</body>"
END
    } | converse
}

@test "xmpp: 100 messages are kept for a person, and the next is refused" {
    start "$XMPP_SERVER"
    {
        echo 'a binds as zhangsan/phone'
        printf "a > <message to='lisi@localhost'><body>%d!</body></message>\n" {1..100}
        cat <<'END'
            a is quiet
            a > <message to='lisi@localhost' id='101'><body>101!</body></message>
            a is refused message 101 wait resource-constraint lisi@localhost
            a > <message to='wangwu@localhost'><body>1!</body></message>
            a is quiet
            b binds as lisi/pad
            b > <presence/>
            b <* "<body>100!</body>"
            a > <message to='lisi@localhost'><body>102!</body></message>
            b <* "<body>102!</body></message>"
            b is quiet
END
    } | converse
}

@test "xmpp: 262,144 bytes are kept for a person, and a message beyond that is refused" {
    ours
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a > "<message to='lisi@localhost'><body>" "1"*65000 "</body></message>"
        a > "<message to='lisi@localhost'><body>" "2"*65000 "</body></message>"
        a > "<message to='lisi@localhost'><body>" "3"*65000 "</body></message>"
        a > "<message to='lisi@localhost'><body>" "4"*65000 "</body></message>"
        a > "<message to='lisi@localhost' id='5'><body>" "5"*2000 "</body></message>"
        a is refused message 5 wait resource-constraint lisi@localhost
        a > "<message to='lisi@localhost'><body>" "6"*1000 "</body></message>"
        a is quiet
        b binds as lisi/pad
        b > <presence/>
        b <* "<body>" "1"*65000 "</body>"
        b <* "<body>" "2"*65000 "</body>"
        b <* "<body>" "3"*65000 "</body>"
        b <* "<body>" "4"*65000 "</body>"
        b <* "<body>" "6"*1000 "</body>"
END
}

@test "xmpp: a message without a body is not kept" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a > <message to='lisi@localhost' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>
        a > <message to='lisi@localhost' type='chat' id='1'><x xmlns='urn:x'><body/></x></message>
        a is quiet
        b enters as lisi/pad
        b is quiet
END
}

@test "xmpp: a client of a negative priority does not fetch kept messages, until its priority is another" {
    start "$XMPP_SERVER"
    converse <<END
        a binds as zhangsan/phone
        a > <message to='lisi@localhost'><body>hello</body></message>
        a is quiet
        b binds as lisi/pad
        b > <presence><priority>-1</priority></presence>
        b < <presence from='lisi@localhost/pad'><priority>-1</priority></presence>
        b is quiet
        b > <presence><priority>0</priority></presence>
        b < <presence from='lisi@localhost/pad'><priority>0</priority></presence><message from='zhangsan@localhost/phone' to='lisi@localhost'><body>hello</body>$KEPT
        b is quiet
END
}

# ---- Questions

@test "xmpp: the roster of a person has all others, and they are friends" {
    printf '%s\n' anna:123456 lisi:123456 >"$TMP/people"
    start "$XMPP_SERVER" -u "$TMP/people"
    converse <<'END'
        a binds as lisi/pad
        a > <iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
        a < <iq type='result' id='r'><query xmlns='jabber:iq:roster'><item jid='anna@localhost' name='anna' subscription='both'/></query></iq>
        a > <iq type='get' id='r' to='lisi@localhost'><query xmlns='jabber:iq:roster'/></iq>
        a < <iq type='result' id='r' from='lisi@localhost'><query xmlns='jabber:iq:roster'><item jid='anna@localhost' name='anna' subscription='both'/></query></iq>
        a is quiet
END
    of_ours start "$XMPP_SERVER"
    of_ours converse <<'END'
        a binds as lisi/pad
        a > <iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
        a < <iq type='result' id='r'><query xmlns='jabber:iq:roster'><item jid='zhangsan@localhost' name='zhangsan' subscription='both'/><item jid='wangwu@localhost' name='wangwu' subscription='both'/></query></iq>
END
}

@test "xmpp: a roster with 500 others comes whole" {
    local i others=
    echo lisi:123456 >"$TMP/people"
    for i in {1..500}; do
        echo "person-number-$i:123456" >>"$TMP/people"
        others+="<item jid='person-number-$i@localhost' name='person-number-$i' subscription='both'/>"
    done
    start "$XMPP_SERVER" -u "$TMP/people"
    converse <<END
        a binds as lisi/pad
        a > <iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
        a < <iq type='result' id='r'><query xmlns='jabber:iq:roster'>$others</query></iq>
        a is quiet
END
}

@test "xmpp: a roster cannot be changed: not-allowed" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a > <iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='lisi@localhost' subscription='remove'/></query></iq>
        a is refused iq 1 cancel not-allowed
        a is quiet
END
}

@test "xmpp: the server answers to ping, to disco and to session, also when it is named" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a > <iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>
        a < <iq type='result' id='1'/>
        a > <iq type='get' id='2' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>
        a < <iq type='result' id='2' from='localhost'/>
        a > <iq type='set' id='3'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>
        a < <iq type='result' id='3'/>
        a > <iq type='get' id='4' to='localhost'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>
        a < <iq type='result' id='4' from='localhost'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>
        a > <iq type='get' id='5' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
        a <* "identity"
        a <* "urn:xmpp:ping"
        a <* "iq>"
        a is quiet
END
}

@test "xmpp: a question that the server does not understand gets service-unavailable, an answer never gets an answer" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        a > <iq type='get' id='1'><query xmlns='urn:nobody:knows'/></iq>
        a is refused iq 1 cancel service-unavailable
        a > <iq type='set' id='2' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>
        a is refused iq 2 cancel service-unavailable localhost
        a > <iq type='get' id='3' to='lisi@localhost'><query xmlns='jabber:iq:roster'/></iq>
        a is refused iq 3 cancel service-unavailable lisi@localhost
        a > <iq type='get' id='4' to='lisi@localhost/pad'><ping xmlns='urn:xmpp:ping'/></iq>
        a is refused iq 4 cancel service-unavailable lisi@localhost/pad
        a > <iq type='get' id='5' to='nobody@localhost'><ping xmlns='urn:xmpp:ping'/></iq>
        a is refused iq 5 cancel service-unavailable nobody@localhost
        a > <iq type='get' id='6' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>
        a is refused iq 6 cancel remote-server-not-found example.org
        a > <iq type='get' id='7' to='@localhost'><ping xmlns='urn:xmpp:ping'/></iq>
        a is refused iq 7 modify jid-malformed @localhost
        a > <iq type='result' id='8'/><iq type='result' id='9' to='lisi@localhost/pad'/><iq type='error' id='10' to='nobody@localhost'/>
        a > <iq type='error' id='11' to='example.org'/><iq type='result' id='12' to='@localhost'/><iq type='result' id='13' to='localhost'><x xmlns='urn:x'/></iq>
        a is quiet
END
}

@test "xmpp: an iq without a type or an id, or a question with no element or two, is a bad-request" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a > <iq type='get' id='1'/>
        a is refused iq 1 modify bad-request
        a > <iq type='get' id='2'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>
        a is refused iq 2 modify bad-request
        a > <iq type='ask' id='3'><ping xmlns='urn:xmpp:ping'/></iq>
        a is refused iq 3 modify bad-request
        a > <iq id='4'><ping xmlns='urn:xmpp:ping'/></iq>
        a is refused iq 4 modify bad-request
        a > <iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>
        a <* "bad-request"
        a <* "iq>"
        a is quiet
END
}

@test "xmpp: clients may ask each other, and the answer finds its way back" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        b binds as lisi/pad
        a > <iq to='lisi@localhost/pad' type='get' id='1'><query xmlns='jabber:iq:version'/></iq>
        b < <iq from='zhangsan@localhost/phone' type='get' id='1'><query xmlns='jabber:iq:version'/></iq>
        b > <iq to='zhangsan@localhost/phone' type='result' id='1'><query xmlns='jabber:iq:version'><name>mine</name><version>1 &lt; 2</version></query></iq>
        a < <iq from='lisi@localhost/pad' type='result' id='1'><query xmlns='jabber:iq:version'><name>mine</name><version>1 &lt; 2</version></query></iq>
        b > <iq to='zhangsan@localhost/phone' type='error' id='2'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
        a < <iq from='lisi@localhost/pad' type='error' id='2'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
        a is quiet
        b is quiet
END
}

# ---- Namespaces

@test "xmpp: namespaces, not prefixes, tell what a stanza means, and it arrives with the same meaning" {
    start "$XMPP_SERVER"
    converse <<'END'
        a declares xmlns:c='jabber:client' xmlns:x='urn:x'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <c:message to='lisi@localhost'><c:body>hello</c:body></c:message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost'><body>hello</body></message>
        a > <message to='lisi@localhost'><x:one x:two='2' three='3'/><c:body xmlns:c='urn:other'>no body</c:body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost'><one xmlns='urn:x' xmlns:x='urn:x' x:two='2' three='3'/><body xmlns='urn:other'>no body</body></message>
        a > <c:message xmlns:c='jabber:client' xmlns='urn:x' to='lisi@localhost'><one><two xmlns=''/></one></c:message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost'><one xmlns='urn:x'><two xmlns=''/></one></message>
        a > <c:iq type='get' id='1'><p:ping xmlns:p='urn:xmpp:ping'/></c:iq>
        a < <iq type='result' id='1'/>
        a > <c:presence><c:priority>7</c:priority></c:presence>
        a < <presence from='zhangsan@localhost/phone'><priority>7</priority></presence>
        b < <presence from='zhangsan@localhost/phone'><priority>7</priority></presence>
        all are quiet
END
}

@test "xmpp: an extension arrives whole: its namespaces, its prefixed attributes, xml:lang" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > <message to='lisi@localhost'><body xml:lang='zh'>你好</body><body xml:lang='en'>hello</body><e:a xmlns:e='urn:e' xmlns:f='urn:f' f:k='v' k='w' e:k='u'><e:b/><f:b/>text<c xmlns='urn:c'/>tail</e:a></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost'><body xml:lang='zh'>你好</body><body xml:lang='en'>hello</body><e:a xmlns:e='urn:e' xmlns:f='urn:f' f:k='v' k='w' e:k='u'><e:b/><f:b/>text<c xmlns='urn:c'/>tail</e:a></message>
        a > <presence><d:x xmlns:d='urn:d' d:y='1'/></presence>
        a < <presence from='zhangsan@localhost/phone'><d:x xmlns:d='urn:d' d:y='1'/></presence>
        b < <presence from='zhangsan@localhost/phone'><d:x xmlns:d='urn:d' d:y='1'/></presence>
        all are quiet
END
}

# ---- A stream of bytes

@test "xmpp: the end of a client's stream is answered by the end of the server's, and by the end of the connection" {
    start "$XMPP_SERVER"
    converse <<'END'
        a opens
        a leaves
        b logs in as lisi
        b leaves
        c enters as wangwu/desk
        c > <message><body>last words</body></message></stream:stream>
        c < <message from='wangwu@localhost/desk' to='wangwu@localhost'><body>last words</body></message>
        c <* ":stream>"
        c eof
END
}

@test "xmpp: a conversation is the same wherever it is cut" {
    start "$XMPP_SERVER"
    local size all via=''
    [ -n "${OWN-}" ] || via="via w \"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>\" \"<iq type='result' id='1' to='wangwu@localhost/desk'></iq>\""
    all="$(at_once $LISI pad)<presence/><message to='lisi@localhost' id=\\\"1\\\"><body>吃饭 &amp;amp; <![CDATA[]]]>!</body></message></stream:stream>"
    {
        echo 'w binds as wangwu/desk'
        for size in {1..12} 16 23 32 47 64 100; do
            cat <<END
                a open
                a >$size "$all" $via
                a <* "<jid>lisi@localhost/pad</jid>"
                a <* "吃饭 &amp;amp; ]!</body></message>"
                a <* "</stream:stream>"
                a eof
                a close
END
        done
    } | converse
}

@test "xmpp: stanzas that come at once are all worked through, also before the end of the stream" {
    start "$XMPP_SERVER"
    local n many=''
    for n in {1..200}; do many+="<message to='lisi@localhost/pad'><body>$n!</body></message> "; done
    {
        echo 'b binds as lisi/pad'
        echo "a > \"$(at_once $ZHANGSAN phone)$many</stream:stream>\""
        echo 'a shut'
        for n in {1..200}; do echo "b < <message from='zhangsan@localhost/phone' to='lisi@localhost/pad'><body>$n!</body></message>"; done
        echo 'a <* "zhangsan@localhost/phone"'
        echo 'a <* ":stream>"'
        echo 'a eof'
    } | converse
}

@test "xmpp: connections that are reset in the middle of a stanza do no harm" {
    start "$XMPP_SERVER"
    local all n step=29
    all="$(at_once $LISI pad)<message to='wangwu@localhost/desk'><body>hello</body></message>"
    {
        echo 'w enters as wangwu/desk'
        for ((n = 1; n < ${#all} - 10; n += step)); do
            printf '%s\n' 'a open' "a > \"${all:0:n}\"" 'a reset'
        done
        cat <<'END'
            b enters as lisi/pad
            b > "<message to='wangwu@localhost'><body>half"
            b reset
            b has left
            all are quiet
END
    } | converse
}

@test "xmpp: a client that does not read is dropped in the end, and holds up nobody" {
    start "$XMPP_SERVER"
    {
        printf '%s\n' 'c binds as wangwu/desk' 'b deaf' 'b binds as lisi/pad' 'a binds as zhangsan/phone'
        printf "a > \"<message to='lisi@localhost/pad' type='headline'><body>\" \"m\"*%d \"</body></message>\"\n" {60001..60250}
        printf '%s\n' 'c is quiet' 'b gone' 'a is quiet'
    } | converse
}

@test "xmpp: a flood of one client leaves the others their share" {
    start "$XMPP_SERVER"
    local line='' poke
    printf "<presence type='probe' to='nobody@localhost'/>%.0s" {1..1000} >"$TMP/thousand"
    {
        at_once $ZHANGSAN flood
        for _ in {1..100}; do cat "$TMP/thousand"; done
        echo "<message to='lisi@localhost/pad'><body>the flood is over</body></message>"
    } >"$TMP/flood"
    mkfifo "$TMP/said"
    printf '%s\n' 's binds as lisi/pad' 'say ready' \
        'say what another one writes meanwhile comes before the end of the flood' \
        's < <message from="wangwu@localhost/desk" to="lisi@localhost/pad"><body>meanwhile</body></message>' \
        's < <message from="zhangsan@localhost/flood" to="lisi@localhost/pad"><body>the flood is over</body></message>' |
        converse >"$TMP/said" 3>&- &
    poke=$!
    STARTED+=("$poke")
    exec 9<"$TMP/said"
    until [ "$line" = ready ]; do read -r line <&9; done
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    kill -s STOP "$PID"
    cat "$TMP/flood" >&5 3>&- &
    STARTED+=($!)
    { at_once $WANGWU desk && echo "<message to='lisi@localhost/pad'><body>meanwhile</body></message>"; } >&6
    kill -s CONT "$PID"
    cat <&9
    wait "$poke"
    exec 5>&- 6>&- 9>&-
}

@test "xmpp: 300 clients see each other" {
    start "$XMPP_SERVER"
    local poke n pokes=() pid all=''
    for poke in 1 2 3 4 5; do
        {
            for n in {1..60}; do
                printf '%s\n' "c$n binds as zhangsan/$poke-$n" "c$n > <presence/>"
            done
            for n in {1..60}; do echo "c$n <* \"<body>enough</body>\""; done
        } | converse -w 30000 >"$TMP/poke$poke" 2>&1 3>&- &
        pokes+=($!)
        STARTED+=($!)
        for n in {1..60}; do all+="<presence from='zhangsan@localhost/$poke-$n'/>"; done
    done
    converse -w 30000 <<END
        o binds as lisi/pad
        o > <presence/>
        o < <presence from='lisi@localhost/pad'/>$all
        l binds as wangwu/desk
        l > <presence/>
        l < <presence from='lisi@localhost/pad'/><presence from='wangwu@localhost/desk'/>$all
        o > <message to='zhangsan@localhost'><body>enough</body></message>
        o < <presence from='wangwu@localhost/desk'/>
END
    for pid in "${pokes[@]}"; do wait "$pid" || { cat "$TMP"/poke? && false; }; done
}

# ---- What only ours promises

@test "xmpp: with -v each stanza is shown, indented, and without -v none" {
    ours
    start "$XMPP_SERVER" -v
    converse <<'END'
        a binds as zhangsan/phone
        a > <message to='zhangsan@localhost/phone' type='chat'><body>hello\xc2\x9b2J</body></message>
        a <* "</message>"
END
    logged ' -> message chat: body$'
    logged '^    <message to=.zhangsan@localhost/phone. type=.chat.>$'
    logged '^      <body>$'
    logged '^        hello'
    logged ' <- message chat: body$'
    [ "$(grep -c "$(printf '\302\233')" "$LOG")" = 0 ]
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a > <message to='zhangsan@localhost/phone' type='chat'><body>hello</body></message>
        a <* "</message>"
END
    logged ' logged in as zhangsan@localhost$'
    [ "$(grep -c hello "$LOG")" = 0 ]
}
