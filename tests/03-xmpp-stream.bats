#!/usr/bin/env bats
# The stream of the XMPP server ($XMPP_SERVER), and the login: RFC 6120, sections 4 to 6, 11 and 13, and what the page
# promises. What people do once they are in: 03-xmpp.bats.
# Grades: XMPP_SERVER

load helpers

# Speaks to the server started last, in words: see xmpp_words.awk.
converse() { LC_ALL=C awk -f "$TOP/tests/xmpp_words.awk" | speak; }

HEAD="<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

# Prints steps: a new connection sends this, and gets that stream error, and the end. What is sent is a string of poke. It is
# sent once as a whole, and once a byte at a time. The server's own head comes first, also if the client has sent none.
each_fails() { # CONDITION HOW-IT-BEGINS BYTES...
    local condition=$1 begin=$2 bytes size
    shift 2
    for bytes; do
        for size in '' 1; do
            cat <<END
                say ${bytes:0:100} is answered with $condition, and the end
                x open
                x > "$begin"
                x >$size $bytes
                x <* "<stream:stream "
                x <* "<stream:error>"
                x < <$condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>
                x <* ":stream>"
                x eof
                x close
END
        done
    done
}

# Prints steps: a new connection tries to log in, and is refused, but not hung up on.
each_refused() { # CONDITION AUTH...
    local condition=$1 auth
    shift
    for auth; do
        cat <<END
            say $auth: $condition
            a opens
            a > $auth
            a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><$condition/></failure>
            a > <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHpoYW5nc2FuADEyMzQ1Ng==</auth>
            a < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
            a close
END
    done
}

plain() { echo "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>$1</auth>"; }
scram() { echo "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>$1</auth>"; }
response() { echo "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>$1</response>"; }

# ---- The head of a stream

@test "xmpp stream: the server's head names it, and the features are SCRAM-SHA-1 and PLAIN, then bind" {
    start "$XMPP_SERVER"
    converse <<END
        a > $HEAD
        a <* "<stream:stream "
        a <* "localhost"
        a <* "<stream:features>"
        a < <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>
        a < "</stream:features>"
        a > $(plain AHpoYW5nc2FuADEyMzQ1Ng==)
        a < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
        a > $HEAD
        a <* "<stream:stream "
        a <* "<stream:features>"
        a <* "urn:ietf:params:xml:ns:xmpp-bind"
        a <* "</stream:features>"
END
}

@test "xmpp stream: the head may come a byte at a time, without a declaration, behind blanks, with any prefix" {
    start "$XMPP_SERVER"
    converse <<END
        a >1 $HEAD
        a <* "</stream:features>"
        b > "\n \r\n<s:stream version=\"1.0\" xmlns:s=\"http://etherx.jabber.org/streams\" xmlns=\"jabber:client\">"
        b <* "</stream:features>"
        b > "</s:stream>"
        b <* ":stream>"
        b eof
        c > "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n<stream xmlns='http://etherx.jabber.org/streams' version='1.1' to='LOCALHOST'>"
        c <* ":stream>"
        c eof
END
}

@test "xmpp stream: another namespace is answered with invalid-namespace" {
    start "$XMPP_SERVER"
    {
        each_fails invalid-namespace '' \
            "\"<stream:stream version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/stream'>\"" \
            "\"<stream:stream version='1.0' xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>\"" \
            "\"<stream:stream version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>\"" \
            "\"<stream version='1.0' xmlns='jabber:client'>\""
        each_fails invalid-namespace "$HEAD" "\"<message xmlns='jabber:server'/>\"" "\"<iq xmlns=''/>\""
    } | converse
}

@test "xmpp stream: another host, version or encoding is answered with host-unknown, unsupported-version, unsupported-encoding" {
    start "$XMPP_SERVER"
    local rest="xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    {
        each_fails host-unknown '' "\"<stream:stream to='example.com' version='1.0' $rest>\"" \
            "\"<stream:stream to='zhangsan@localhost' version='1.0' $rest>\"" "\"<stream:stream to='' version='1.0' $rest>\""
        each_fails unsupported-version '' "\"<stream:stream $rest>\"" "\"<stream:stream version='0.9' $rest>\""
        each_fails unsupported-encoding '' "\"<?xml version='1.0' encoding='iso-8859-1'?>\""
    } | converse
}

@test "xmpp stream: -n gives the server its name, which is in all addresses" {
    start "$XMPP_SERVER" -n Chat.Example.org
    converse <<END
        a > <stream:stream to='chat.example.ORG' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
        a <* "chat.example.org"
        a <* "</stream:features>"
        a > $(plain AHpoYW5nc2FuADEyMzQ1Ng==)
        a < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
        a > <stream:stream version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
        a <* "</stream:features>"
        a > <iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>
        a < <iq type='result' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>zhangsan@chat.example.org/r</jid></bind></iq>
        a > <message to='zhangsan@chat.example.org'><body>a note</body></message><presence/>
        a < <presence from='zhangsan@chat.example.org/r'/><message from='zhangsan@chat.example.org/r' to='zhangsan@chat.example.org'><body>a note</body><delay xmlns='urn:xmpp:delay' from='chat.example.org' stamp='*'/></message>
        b > $HEAD
        b <* "<host-unknown"
        b <* ":stream>"
        b eof
END
}

# ---- XML

@test "xmpp stream: what is no XML is answered with not-well-formed" {
    start "$XMPP_SERVER"
    {
        each_fails not-well-formed '' '"hello\n"' '"GET / HTTP/1.1\r\n\r\n"' '"\x16\x03\x01"' '"</stream:stream>"'
        each_fails not-well-formed "$HEAD" '"<a></b>"' '"<a b=c/>"' "\"<a b='1'c='2'/>\"" "\"<a b='<'/>\"" "\"<a b/>\"" \
            "\"<a b='1' b='2'/>\"" "\"<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>\"" '"</a>"' '"< a/>"' '"<1/>"' '"<-a/>"' '"<a/ >"' \
            '"<:a/>"' '"<a:/>"' "\"<a:b:c xmlns:a='x'/>\"" '"<a>]]></a>"' '"<a>&lt</a>"' '"<a>& </a>"' '"<a>&;</a>"' "\"<a b='&#65'/>\""
    } | converse
}

@test "xmpp stream: what is no character, also by its number, is answered with not-well-formed" {
    start "$XMPP_SERVER"
    each_fails not-well-formed "$HEAD" '"<a>\x01</a>"' '"<a>\0</a>"' "\"<a b='\\x1f'/>\"" '"<a>\xff</a>"' '"<a>\xc0\x80</a>"' \
        '"<a>\xe5\x90</a>"' '"<a>\xed\xa0\x80</a>"' '"<a>\xef\xbf\xbe</a>"' '"<a>\xf4\x90\x80\x80</a>"' '"<\xc3\x97/>"' \
        '"<a>&#0;</a>"' '"<a>&#8;</a>"' '"<a>&#xD800;</a>"' '"<a>&#xFFFE;</a>"' '"<a>&#x110000;</a>"' '"<a>&#4294967361;</a>"' \
        '"<a>&#x;</a>"' '"<a>&#X41;</a>"' '"<a>&#6A;</a>"' | converse
}

@test "xmpp stream: comments, processing instructions, DOCTYPE and entities are answered with restricted-xml, before they end" {
    start "$XMPP_SERVER"
    {
        each_fails restricted-xml '' "\"<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'>\"" '"<!--"' '"<?php "'
        each_fails restricted-xml "$HEAD" '"<!DOCTYPE a>"' '"<!-- x -->"' '"<?pi x?>"' "\"<?xml version='1.0'?>\"" '"<a><!--"' \
            '"<a><?pi?>"' '"<a>&lol;</a>"' "\"<a b='&nbsp;'/>\"" '"<a><![INCLUDE["'
    } | converse
}

@test "xmpp stream: a prefix that stands for nothing, or must not, is answered with bad-namespace-prefix" {
    start "$XMPP_SERVER"
    {
        each_fails bad-namespace-prefix '' "\"<stream:stream version='1.0' xmlns='jabber:client'>\""
        each_fails bad-namespace-prefix "$HEAD" '"<p:a/>"' "\"<a p:b='1'/>\"" "\"<a><b xmlns:p='u'/><p:c/></a>\"" "\"<a xmlns:p=''/>\"" \
            "\"<a xmlns:xmlns='u'/>\"" "\"<a xmlns:xml='u'/>\"" "\"<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>\""
    } | converse
}

@test "xmpp stream: text between stanzas, or a stream that is none, is answered with bad-format" {
    start "$XMPP_SERVER"
    {
        each_fails bad-format "$HEAD" '" hello <"' '"<![CDATA[ ]]>"'
        each_fails bad-format '' "\"<stream:strom version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>\"" \
            "\"<stream:stream version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'/>\""
    } | converse
}

@test "xmpp stream: blanks between stanzas are nothing, and white space of any kind in a tag" {
    start "$XMPP_SERVER"
    converse <<'END'
        a binds as zhangsan/phone
        a > " \n\t\r\n <iq\n\ttype = 'get'\r\nid\n=\n\"1\"  ><ping xmlns='urn:xmpp:ping'\n/></iq\n> \n"
        a < <iq type='result' id='1'/>
        a is quiet
END
}

@test "xmpp stream: what came before an error counts, what came behind it does not, and nobody else is hurt" {
    start "$XMPP_SERVER"
    converse <<'END'
        b binds as lisi/pad
        a binds as zhangsan/phone
        a > <message to='lisi@localhost/pad'><body>before</body></message></no><message to='lisi@localhost/pad'><body>behind</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost/pad'><body>before</body></message>
        a ends for not-well-formed
        a binds as zhangsan/phone
        a > <message to='lisi@localhost/pad'><body>at the end</body></message></stream:stream><message to='lisi@localhost/pad'><body>behind</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost/pad'><body>at the end</body></message>
        a <* ":stream>"
        a eof
        b is quiet
END
}

# ---- Bounds

@test "xmpp stream: a stanza of 65536 bytes is taken, a longer one answered with policy-violation before it ends" {
    start "$XMPP_SERVER"
    {
        cat <<'END'
            b binds as lisi/pad
            a binds as zhangsan/phone
            a > "<message to='lisi@localhost/pad'><body>" "m"*65480 "</body></message>"
            b <* "</body></message>"
            a is quiet
END
        each_fails policy-violation "$HEAD" "\"<message><body>\" \"m\"*65521" | sed 's/x >1 /x >700 /'
        each_fails policy-violation "$HEAD" "\"<message \" \" \"*65528" | sed 's/x >1 /x >700 /'
    } | converse
}

@test "xmpp stream: depth, attributes of a tag, nodes of a stanza, and names have bounds, and policy-violation is beyond" {
    start "$XMPP_SERVER"
    local many='' n
    for n in {1..65}; do many+=" a$n='1'"; done
    {
        cat <<END
            b binds as lisi/pad
            a binds as zhangsan/phone
            a > "<message to='lisi@localhost/pad'><body>hello</body>" "<d>"*62 "</d>"*62 "<e ${many% a65*}/></message>"
            b <* "</message>"
            a > "<message to='lisi@localhost/pad'><body>hello</body>" "<d/>"*1900 "<" "n"*256 "/></message>"
            b <* "</message>"
            a is quiet
END
        each_fails policy-violation "$HEAD" '"<d>"*64' "\"<e$many/>\"" "\"<e$many\"" "\"<a>\" \"<d/>\"*2048 \"</a>\"" \
            "\"<\" \"n\"*257" "\"<a \" \"n\"*257" "\"</\" \"n\"*257"
        each_fails policy-violation "$HEAD" "\"<e$(printf " a%d='1'" {1..5000})\"" | sed 's/x >1 /x >700 /'
        each_fails policy-violation '' \
            "\"<stream:stream version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:x='\" \"u\"*2000 \"'>\""
    } | converse
}

# ---- The login

@test "xmpp login: a stanza before the login is answered with not-authorized, and so is one before there is a resource" {
    start "$XMPP_SERVER"
    local in
    in=$HEAD$(plain AHpoYW5nc2FuADEyMzQ1Ng==)$HEAD
    {
        each_fails not-authorized "$HEAD" "\"<message to='lisi@localhost'><body>hello</body></message>\"" '"<presence/>"' \
            "\"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>\""
        each_fails not-authorized "$in" "\"<message to='lisi@localhost'><body>hello</body></message>\"" '"<presence/>"' \
            "\"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>\""
    } | converse
}

@test "xmpp login: an element that is no stanza is answered with unsupported-stanza-type" {
    start "$XMPP_SERVER"
    {
        each_fails unsupported-stanza-type "$HEAD" '"<messages/>"' "\"<enable xmlns='urn:xmpp:sm:3'/>\""
        each_fails unsupported-stanza-type "$HEAD$(plain AHpoYW5nc2FuADEyMzQ1Ng==)$HEAD" "\"$(plain AHpoYW5nc2FuADEyMzQ1Ng==)\""
    } | converse
}

@test "xmpp login: STARTTLS, which there is not, fails, and the stream ends" {
    start "$XMPP_SERVER"
    converse <<'END'
        a opens
        a > <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
        a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
        a <* ":stream>"
        a eof
END
}

@test "xmpp login: what fails is told why, and may be tried again on the same stream" {
    start "$XMPP_SERVER"
    {
        each_refused invalid-mechanism "$(plain AA== | sed s/PLAIN/DIGEST-MD5/)" "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
        each_refused incorrect-encoding "$(plain 'A*==')" "$(plain AHpoYW5nc2FuADEyMzQ1Ng)"
        each_refused malformed-request "$(plain '=')" "$(plain "$(printf 'A%.0s' {1..1372})")" "$(plain emhhbmdzYW4AMTIzNDU2)" "$(plain AHpoYW5nc2FuADEyMzQ1NgA=)" \
            "$(scram biwsbj16aGFuZ3Nhbg==)" "$(scram bj16aGFuZ3NhbixyPW5vbmNl)" "$(scram cD10bHMtdW5pcXVlLCxuPXpoYW5nc2FuLHI9bm9uY2U=)" \
            "$(scram biwsbT14LG49emhhbmdzYW4scj1ub25jZQ==)" "$(response AA==)"
        each_refused not-authorized "$(plain AHpoYW5nc2FuAHdyb25n)" "$(plain AG5vYm9keQAxMjM0NTY=)" "$(plain AHpoYW5nc2FuAA==)"
        each_refused invalid-authzid "$(plain bGlzaUBsb2NhbGhvc3QAemhhbmdzYW4AMTIzNDU2)"
        each_refused aborted "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
    } | converse
}

@test "xmpp login: the third wrong password ends the connection, whatever was between" {
    start "$XMPP_SERVER"
    converse <<END
        a opens
        a > $(plain AHpoYW5nc2FuAHdyb25n)
        a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
        a > <abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
        a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><aborted/></failure>
        a > $(scram biwsbj16aGFuZ3NhbixyPW5vbmNl)
        a < <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>*</challenge>
        a > $(response Yz1iaXdzLHI9bm9uY2UscD1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE9)
        a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
        a > $(plain AG5vYm9keQAxMjM0NTY=)
        a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
        a ends for policy-violation
END
}

@test "xmpp login: a client may act for its own bare address, and write names as it likes" {
    start "$XMPP_SERVER"
    local auth
    for auth in emhhbmdzYW5AbG9jYWxob3N0AHpoYW5nc2FuADEyMzQ1Ng== AFpoYW5nU2FuADEyMzQ1Ng==; do
        cat <<END
            a opens
            a > $(plain $auth)
            a < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
            a close
END
    done | converse
}

@test "xmpp login: the first message may wait for a challenge" {
    start "$XMPP_SERVER"
    converse <<END
        a opens
        a > <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>
        a < <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
        a > $(response AHpoYW5nc2FuADEyMzQ1Ng==)
        a < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
        b opens
        b > <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'/>
        b < <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
        b > $(response biwsbj16aGFuZ3NhbixyPW5vbmNl)
        b < <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>*</challenge>
END
}

@test "xmpp login: SCRAM-SHA-1 asks a name that nobody has as it asks one that is there, and refuses a wrong answer" {
    start "$XMPP_SERVER"
    local first
    for first in biwsbj16aGFuZ3NhbixyPW5vbmNl biwsbj1ub2JvZHkscj1ub25jZQ==; do
        cat <<END
            a opens
            a > $(scram $first)
            a < <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>*</challenge>
            a > $(response Yz1iaXdzLHI9bm9uY2UscD1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE9)
            a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
            a > $(response Yz1iaXdzLHI9bm9uY2UscD1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE9)
            a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><malformed-request/></failure>
            a close
END
    done | converse
}

@test "xmpp login: SCRAM-SHA-1 may be given up behind the challenge, and nonsense there is a malformed-request" {
    start "$XMPP_SERVER"
    local next
    for next in "aborted <abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" "malformed-request $(response '=')" \
        "malformed-request $(response aGVsbG8=)" "incorrect-encoding $(response 'aGVsbG8*')" \
        "invalid-mechanism <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X'/>"; do
        cat <<END
            say after a challenge: $next
            a opens
            a > $(scram biwsbj16aGFuZ3NhbixyPW5vbmNl)
            a < <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>*</challenge>
            a > ${next#* }
            a < <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><${next%% *}/></failure>
            a > $(plain AHpoYW5nc2FuADEyMzQ1Ng==)
            a < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
            a close
END
    done | converse
}

@test "xmpp login: after the login the stream begins anew, and nothing of the first one counts any more" {
    start "$XMPP_SERVER"
    converse <<END
        a declares xmlns:x='urn:xmpp:ping'
        a logs in as zhangsan
        a > <iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>
        a <* "</bind></iq>"
        a > <iq type='get' id='2'><x:ping/></iq>
        a < <iq type='result' id='2'/>
        b > "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:client' xmlns:x='urn:xmpp:ping' version='1.0'>"
        b <* "</stream:features>"
        b > "$(plain AHpoYW5nc2FuADEyMzQ1Ng==)$HEAD<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
        b <* "</bind></iq>"
        b > <iq type='get' id='2'><x:ping/></iq>
        b <* "<bad-namespace-prefix"
        b <* ":stream>"
        b eof
END
}

# ---- Silence, and the end

@test "xmpp stream: a silent client is asked whether it is there, and each byte is an answer, also white space" {
    start "$XMPP_SERVER" -t 500
    converse <<'END'
        a binds as zhangsan/phone
        a <* "<ping xmlns='urn:xmpp:ping'/></iq>"
        a > " "
        a <* "<ping xmlns='urn:xmpp:ping'/></iq>"
        a > "\n<iq type='result"
        a <* "<ping xmlns='urn:xmpp:ping'/></iq>"
        a > "' id='ping'/>"
        a <* "<ping xmlns='urn:xmpp:ping'/></iq>"
END
}

@test "xmpp stream: a client that does not answer is dropped with connection-timeout, and so is one that does not log in" {
    start "$XMPP_SERVER" -t 500
    converse <<'END'
        a binds as zhangsan/phone
        b open
        c opens
        d logs in as lisi
        b <* "<stream:stream "
        b <* "<connection-timeout"
        b <* ":stream>"
        b eof
        c ends for connection-timeout
        d ends for connection-timeout
        a <* "<ping xmlns='urn:xmpp:ping'/></iq>"
        a ends for connection-timeout
END
}

@test "xmpp stream: a client that does not read how its stream ends is dropped all the same" {
    ours
    start "$XMPP_SERVER" -t 1000
    exec 5<>"/dev/tcp/$HOST/$PORT"
    echo "$HEAD" >&5
    yes "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X'/>" >&5 2>/dev/null 3>&- &
    STARTED+=("$!")
    logged 'stream error: connection-timeout$'
    logged 'disconnected: it does not read our last words$'
    exec 5>&-
}

@test "xmpp stream: after a pause of the server a client is asked before it is dropped" {
    start "$XMPP_SERVER" -t 800
    local line='' poke
    mkfifo "$TMP/said"
    converse >"$TMP/said" 3>&- <<'END' &
        a binds as zhangsan/phone
        say ready
        a <* "<ping xmlns='urn:xmpp:ping'/></iq>"
        a > " "
        a <* "<ping xmlns='urn:xmpp:ping'/></iq>"
END
    poke=$!
    STARTED+=("$poke")
    exec 9<"$TMP/said"
    until [ "$line" = ready ]; do read -r line <&9; done
    kill -s STOP "$PID"
    pause 1.8
    kill -s CONT "$PID"
    cat <&9
    wait "$poke"
    exec 9>&-
}

@test "xmpp stream: a server that is told to end says system-shutdown" {
    start "$XMPP_SERVER"
    local line='' poke
    mkfifo "$TMP/said"
    printf '%s\n' 'a binds as zhangsan/phone' 'say ready' 'a ends for system-shutdown' | converse >"$TMP/said" 3>&- &
    poke=$!
    STARTED+=("$poke")
    exec 9<"$TMP/said"
    until [ "$line" = ready ]; do read -r line <&9; done
    kill -s TERM "$PID"
    cat <&9
    wait "$poke"
    exec 9>&-
}

@test "xmpp stream: a client that has said all it wants still gets its answers" {
    start "$XMPP_SERVER"
    converse <<END
        a > "$HEAD$(plain AHpoYW5nc2FuADEyMzQ1Ng==)$HEAD<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
        a shut
        a <* "</stream:features>"
        a < <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
        a <* "</bind></iq>"
        a eof
END
}

@test "xmpp stream: -n and -t take no nonsense" {
    ours
    local option
    for option in '-n' '-n a_b' '-n a@b' "-n $(printf 'a%.0s' {1..256})" '-t 9' '-t 86400001' '-t soon'; do
        echo "rule: xmpp_server $option is refused with exit code 2"
        # shellcheck disable=SC2086 # an option and its value
        run "$XMPP_SERVER" $option
        [ "$status" -eq 2 ]
    done
}
