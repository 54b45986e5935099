#!/usr/bin/env bats
# Exercise 03-4: a person takes no messages from another one (XEP-0191).
# Grades: XMPP_SERVER

load ../helpers

# Speaks to the server started last, in words: see xmpp_words.awk. More of them:
#     a blocks lisi@localhost wangwu@localhost        and the server says that it is done; likewise: a unblocks
#     a has blocked lisi@localhost                    says the server
converse() {
    LC_ALL=C awk '
        $2 ~ /^(un)?blocks$/ {
            name = substr($2, 1, length($2) - 1)
            list = ""
            for (i = 3; i <= NF; i++) list = list "<item jid=\047" $i "\047/>"
            print $1 " > <iq type=\047set\047 id=\047set\047><" name " xmlns=\047urn:xmpp:blocking\047>" list "</" name "></iq>"
            print $1 " < <iq type=\047result\047 id=\047set\047/>"
            next
        }
        $2 == "has" && $3 == "blocked" {
            list = ""
            for (i = 4; i <= NF; i++) list = list "<item jid=\047" $i "\047/>"
            print $1 " > <iq type=\047get\047 id=\047get\047><blocklist xmlns=\047urn:xmpp:blocking\047/></iq>"
            print $1 " < <iq type=\047result\047 id=\047get\047><blocklist xmlns=\047urn:xmpp:blocking\047>" list "</blocklist></iq>"
            next
        }
        { print }' | LC_ALL=C awk -f "$TOP/tests/xmpp_words.awk" | speak
}

@test "a person who is blocked is answered as by nobody, wherever the message is for; nobody else is" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        c enters as wangwu/desk
        a blocks lisi@localhost
        b > <message to='zhangsan@localhost' id='1'><body>1</body></message>
        b is refused message 1 cancel service-unavailable zhangsan@localhost
        b > <message to='zhangsan@localhost/phone' id='2' type='chat'><body>2</body></message>
        b is refused message 2 cancel service-unavailable zhangsan@localhost/phone
        b > <message to='zhangsan@localhost' id='3' type='headline'><body>3</body></message>
        b is refused message 3 cancel service-unavailable zhangsan@localhost
        c > <message to='zhangsan@localhost'><body>4</body></message>
        a < <message from='wangwu@localhost/desk' to='zhangsan@localhost'><body>4</body></message>
        b > <message to='wangwu@localhost'><body>5</body></message>
        c < <message from='lisi@localhost/pad' to='wangwu@localhost'><body>5</body></message>
        say it is one way
        a > <message to='lisi@localhost'><body>6</body></message>
        b < <message from='zhangsan@localhost/phone' to='lisi@localhost'><body>6</body></message>
        all are quiet
END
}

@test "it holds for all clients of a person, and while none is there: nothing is kept" {
    start "$XMPP_SERVER"
    converse <<'END'
        b enters as lisi/pad
        a enters as zhangsan/phone
        a blocks lisi@localhost
        n enters as zhangsan/pad
        n has blocked lisi@localhost
        b > <message to='zhangsan@localhost/pad' id='1'><body>1</body></message>
        b is refused message 1 cancel service-unavailable zhangsan@localhost/pad
        a leaves
        n leaves
        b > <message to='zhangsan@localhost' id='2'><body>2</body></message>
        b is refused message 2 cancel service-unavailable zhangsan@localhost
        a enters as zhangsan/phone
        a is quiet
        a has blocked lisi@localhost
        b > <message to='zhangsan@localhost' id='3'><body>3</body></message>
        b is refused message 3 cancel service-unavailable zhangsan@localhost
        all are quiet
END
}

@test "to unblock one leaves the others, and without an item it is for all" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        c enters as wangwu/desk
        a has blocked
        a blocks WangWu@LocalHost lisi@localhost
        a has blocked lisi@localhost wangwu@localhost
        a unblocks wangwu@localhost
        a has blocked lisi@localhost
        c > <message to='zhangsan@localhost'><body>1</body></message>
        a < <message from='wangwu@localhost/desk' to='zhangsan@localhost'><body>1</body></message>
        b > <message to='zhangsan@localhost' id='2'><body>2</body></message>
        b is refused message 2 cancel service-unavailable zhangsan@localhost
        a blocks wangwu@localhost
        a unblocks
        a has blocked
        b > <message to='zhangsan@localhost'><body>3</body></message>
        a < <message from='lisi@localhost/pad' to='zhangsan@localhost'><body>3</body></message>
        c > <message to='zhangsan@localhost'><body>4</body></message>
        a < <message from='wangwu@localhost/desk' to='zhangsan@localhost'><body>4</body></message>
        all are quiet
END
}

@test "all items are done, or none: an address that is nobody's changes nothing" {
    start "$XMPP_SERVER"
    local address
    {
        cat <<'END'
            a enters as zhangsan/phone
            b enters as lisi/pad
END
        for address in nobody@localhost lisi@elsewhere localhost @localhost wangwu@localhost/desk; do
            cat <<END
                a > <iq type='set' id='7'><block xmlns='urn:xmpp:blocking'><item jid='lisi@localhost'/><item jid='$address'/></block></iq>
                a is refused iq 7 cancel item-not-found
                a has blocked
END
        done
        cat <<'END'
            a > <iq type='set' id='8'><block xmlns='urn:xmpp:blocking'/></iq>
            a is refused iq 8 modify bad-request
            a blocks lisi@localhost
            a > <iq type='set' id='9'><unblock xmlns='urn:xmpp:blocking'><item jid='lisi@localhost'/><item jid='nobody@localhost'/></unblock></iq>
            a is refused iq 9 cancel item-not-found
            a has blocked lisi@localhost
END
    } | converse
}

@test "an error of somebody who is blocked goes nowhere, and gets no answer" {
    start "$XMPP_SERVER"
    converse <<'END'
        a enters as zhangsan/phone
        b enters as lisi/pad
        a blocks lisi@localhost
        b > <message to='zhangsan@localhost/phone' type='error'><body>1</body></message>
        b > <message to='zhangsan@localhost' type='error'><body>2</body></message>
        b is quiet
        all are quiet
END
}
