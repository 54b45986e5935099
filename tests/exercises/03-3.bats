#!/usr/bin/env bats
# Exercise 03-3: the server says how many stanzas of a client have come (XEP-0198).
# Grades: XMPP_SERVER

load ../helpers

# Speaks to the server started last, in words: see xmpp_words.awk. ASK and FAILED stand for what is said often.
converse() {
    sed "s|ASK|<r xmlns='urn:xmpp:sm:3'/>|g; s|COUNT|xmlns='urn:xmpp:sm:3' h=|g
        s|ENABLED|<enabled xmlns='urn:xmpp:sm:3'/>|g; s|ENABLE|<enable xmlns='urn:xmpp:sm:3'/>|g
        s|FAILED|<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>|g" |
        LC_ALL=C awk -f "$TOP/tests/xmpp_words.awk" | speak
}

@test "the features after the login have it" {
    start "$XMPP_SERVER"
    converse <<'END'
        a opens
        a > <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGxpc2kAMTIzNDU2</auth>
        a < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
        a > <stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
        a <* "<sm "
        a <* "urn:xmpp:sm:3"
        a <* "</stream:features>"
END
}

@test "messages, presence and questions are counted from <enable/> on, and asking is not" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        a is quiet
        a > ENABLE
        a < ENABLED
        a > ASK
        a < <a COUNT'0'/>
        a > <message to='zhangsan@localhost'><body>to myself</body></message>
        a < <message from='zhangsan@localhost/phone' to='zhangsan@localhost'><body>to myself</body></message>
        a > ASK
        a < <a COUNT'1'/>
        a > <presence><show>away</show></presence>
        a < <presence from='zhangsan@localhost/phone'><show>away</show></presence>
        a is quiet
        say an answer to the server is a stanza, too; blanks are none
        a > <iq type='result' id='1'/>
        a > " \n "
        a > ASK
        a < <a COUNT'4'/>
        a > ASK
        a < <a COUNT'4'/>
END
}

@test "what is refused is counted, too: it has come" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a > ENABLE
        a < ENABLED
        a > <message to='nobody@localhost' id='7'><body>x</body></message>
        a is refused message 7 cancel service-unavailable nobody@localhost
        a > <iq type='get' id='8'/>
        a is refused iq 8 modify bad-request
        a > <message to='lisi@localhost' type='error'/>
        a > ASK
        a < <a COUNT'3'/>
END
}

@test "each client has a count of its own, of what it has sent" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a > ENABLE
        a < ENABLED
        b > ENABLE
        b < ENABLED
        a > <message to='lisi@localhost'><body>1</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost'><body>1</body></message>
        a > <message to='lisi@localhost'><body>2</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost'><body>2</body></message>
        b > ASK
        b < <a COUNT'0'/>
        a > ASK
        a < <a COUNT'2'/>
        say a newcomer begins at 0, also where another one was before
        a leaves
        c enters as wangwu/desk
        c > ENABLE
        c < ENABLED
        c > ASK
        c < <a COUNT'0'/>
END
}

@test "before there is a resource, before <enable/>, and for a second one, it is an unexpected request" {
    start "$XMPP_SERVER"
    converse <<'END'
        a logs in as zhangsan
        a > ENABLE
        a < FAILED
        a > ASK
        a < FAILED
        a > <iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>phone</resource></bind></iq>
        a < <iq type='result' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>zhangsan@localhost/phone</jid></bind></iq>
        a > ASK
        a < FAILED
        a > ENABLE
        a < ENABLED
        a is quiet
        a > ENABLE
        a < FAILED
        a > ASK
        a < <a COUNT'1'/>
END
}

@test "the server's count comes behind what was sent before, and a client's count needs no answer" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        a > ENABLE<a COUNT'9'/><message to='zhangsan@localhost'><body>1</body></message><message to='zhangsan@localhost'><body>2</body></message>ASK<message to='zhangsan@localhost'><body>3</body></message>ASK
        a < ENABLED
        a < <message from='zhangsan@localhost/phone' to='zhangsan@localhost'><body>1</body></message>
        a < <message from='zhangsan@localhost/phone' to='zhangsan@localhost'><body>2</body></message>
        a < <a COUNT'2'/>
        a < <message from='zhangsan@localhost/phone' to='zhangsan@localhost'><body>3</body></message>
        a < <a COUNT'3'/>
        a is quiet
END
}
