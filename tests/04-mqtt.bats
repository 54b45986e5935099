#!/usr/bin/env bats
# What the MQTT broker promises ($MQTT_BROKER): the standard, MQTT 3.1.1, byte for byte. Where that leaves a choice, a broker
# of your own counts the packet ids of what it sends to a session, 1 to 65535, sends the SUBACK before retained messages, and
# one copy of a message to a client whose filters overlap. With clients of others: 04-mqtt-real.bats.
# Grades: MQTT_BROKER

load helpers

# Speaks to the broker started last, in words: see mqtt_words.awk.
converse() { LC_ALL=C awk -f "$TOP/tests/mqtt_words.awk" | speak "$@"; }

# Each line of stdin, or piece of it before "; ", is what a connection sends behind its CONNECT: the broker hangs up, and
# serves others as before.
all_break() {
    [ -n "${PID-}" ] || start "$MQTT_BROKER"
    { sed 's/^ */a breaks /; s/; /; a breaks /g'; echo "b connects"; } | converse
    of_ours logged ' disconnected: breaks the protocol: '
}

# ---- Coming and going

@test "mqtt: CONNECT is answered by CONNACK, PINGREQ by PINGRESP, and DISCONNECT by the end" {
    start "$MQTT_BROKER"
    converse <<'END'
        a > CONNECT a; a < "\x20\x02\x00\x00"; a > "\xc0\x00"; a < "\xd0\x00"; a > DISCONNECT; a eof
        b connects as abcdefghijklmnopqrstuvw keep alive 65535 will 2 gone/b "" retain user 吃饭 password "\x00\xff"
        b is quiet
        c connects user me; c is quiet
END
}

@test "mqtt: a level other than 4 gets CONNACK 1, and the end" {
    start "$MQTT_BROKER"
    local level
    for level in 00 03 05 06 ff; do
        printf '%s\n' "a > \"\x10\x0d\x00\x04MQTT\x$level\x02\x00\x00\x00\x01a\"" 'a < "\x20\x02\x00\x01"' 'a eof' 'a close' | converse
    done
    of_ours converse <<'END'
        a > "\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x00\x00\x01a"; a < CONNACK 1; a eof
        b > "\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01b" # of level 5, which has properties here
        b < CONNACK 1; b eof
END
}

@test "mqtt: an empty client id is a client of its own if the session is clean, else CONNACK 2" {
    start "$MQTT_BROKER"
    converse <<'END'
        a > CONNECT -; a < CONNACK 0
        b > CONNECT -; b < CONNACK 0
        a is quiet
        c > CONNECT - keep; c < CONNACK 2; c eof
        b is quiet
END
}

@test "mqtt: a first packet that is not CONNECT is the end, also half of it" {
    start "$MQTT_BROKER"
    local first
    for first in 00 20 30 32 34 40 50 62 70 82 90 a2 b0 c0 d0 e0 f0; do
        printf '%s\n' 'a open' "a >? \"\x$first\x05\x00\x01a\x00\x01\"" 'a gone' 'a close' \
            'b open' "b >? \"\x$first\x00\"" 'b gone' 'b close'
    done | converse
    converse <<'END'
        a >? "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: one that speaks HTTP\r\nAccept: */*\r\n\r\n"
        a gone
        b >? PUBLISH 1 1 x y; b gone
        c >? PINGREQ; c gone
        e > "G"; e gone
        d connects
END
    of_ours logged ' disconnected: breaks the protocol: '
}

@test "mqtt: a client that never sends its CONNECT is hung up on" {
    takes_long
    ours
    start "$MQTT_BROKER"
    converse -w 12000 <<'END'
        a open
        b > "\x10\x0d\x00\x04MQ"
        a eof
        b eof
END
}

# ---- What breaks the standard

@test "mqtt: a second CONNECT is the end" {
    all_break <<<'CONNECT a'
}

@test "mqtt: a CONNECT with wrong flags, or with another name of the protocol, is the end" {
    start "$MQTT_BROKER"
    local flags
    for flags in 03 1e 0a 12 22 42; do # reserved; will QoS 3; QoS 1, 2 and RETAIN of no will; a password without a user
        printf '%s\n' "say the end: flags $flags" \
            "a open" "a >? \"\x10\x19\x00\x04MQTT\x04\x$flags\x00\x00\x00\x01a\x00\x01w\x00\x01x\x00\x01y\x00\x01z\"" 'a gone' 'a close'
    done | converse
    converse <<'END'
        a >? "\x10\x0d\x00\x04MQTt\x04\x02\x00\x00\x00\x01a"; a gone
        b >? "\x10\x0d\x00\x04mqtt\x04\x02\x00\x00\x00\x01a"; b gone
        c >? "\x11\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01a"; c gone
END
}

@test "mqtt: reserved bits of a first byte that are wrong are the end, and so is what only a broker sends" {
    start "$MQTT_BROKER"
    {
        printf '"\\x%s\\x02\\x00\\x01"\n' 41 42 48 51 52 60 61 63 6a 71 72 78 20 21 b0 # PUBACK ... PUBCOMP, CONNACK, UNSUBACK
        printf '"\\x%s\\x00"\n' c1 c2 c8 e1 e2 e8 d0 00 f0 ff
        printf '"\\x%s\\x06\\x00\\x01\\x00\\x01a\\x00"\n' 80 81 83 8a 92 # SUBSCRIBE, and at last SUBACK
        printf '"\\x%s\\x05\\x00\\x01\\x00\\x01a"\n' a0 a1 a3 aa         # UNSUBSCRIBE
    } | all_break
}

@test "mqtt: QoS 3 is the end, and DUP with QoS 0, and any other bit beside the QoS of a filter" {
    all_break <<'END'
        PUBLISH 3 1 x y; PUBLISH 3 1 x y dup; PUBLISH 0 x y dup; SUBSCRIBE 1 x 3; SUBSCRIBE 1 x 4
        SUBSCRIBE 1 x 128; SUBSCRIBE 1 x 1 y 3
END
}

@test "mqtt: packet id 0 is the end" {
    all_break <<'END'
        PUBLISH 1 0 x y; PUBLISH 2 0 x y; SUBSCRIBE 0 x 1; UNSUBSCRIBE 0 x
END
}

@test "mqtt: a length that is not true is the end: a string past it, bytes too few or left over, five bytes of length" {
    all_break <<'END'
        "\x30\x03\x00\x02x"; "\x30\x01\x00"; "\x30\x00"; "\x32\x04\x00\x01xy"; "\x82\x06\x00\x01\x00\x02x\x00"
        "\x82\x02\x00\x01"; "\x82\x05\x00\x01\x00\x01x"; "\x82\x03\x00\x01\x00"
        "\x82\x07\x00\x01\x00\x01x\x00\x00"; "\xa2\x02\x00\x01"; "\xa2\x05\x00\x01\x00\x02x"
        "\xa2\x06\x00\x01\x00\x01x\x00"; "\x40\x03\x00\x01\x00"; "\x40\x01\x00"; "\x62\x00"
        "\x50\x03\x00\x01\x00"; "\xc0\x01\x00"; "\xe0\x01\x00"; "\x30\x80\x80\x80\x80\x01"
        "\x30\xff\xff\xff\xff\x7f"; "\xc0\x80\x80\x80\x80\x00"
END
    converse <<'END'
        a >? "\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x01ab"; a gone
        b >? "\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x01"; b gone
        c >? "\x10\x0d\x00\x04MQTT\x04\x06\x00\x00\x00\x01a" # a will, but where?
        c gone
        d >? "\x10\x80\x80\x80\x80\x01"; d gone
        e >? "\x10\x05\x00\x04MQT"; e gone
END
}

@test "mqtt: bad UTF-8 is the end: half characters, long forms, surrogates, U+0000, more than U+10FFFF" {
    local bytes
    start "$MQTT_BROKER"
    for bytes in '\x80' '\xc3' '\xc3(' '\xc0\x80' '\xc1\xbf' '\xe0\x9f\xbf' '\xed\xa0\x80' '\xed\xbf\xbf' '\xf0\x8f\xbf\xbf' \
        '\xf4\x90\x80\x80' '\xf8\x88\x80\x80\x80' '\xfe' '\x00' 'a\x00b' '\xe2\x82'; do
        printf '%s\n' "PUBLISH 0 \"a$bytes\" y" "SUBSCRIBE 1 \"$bytes/b\" 0" "UNSUBSCRIBE 1 \"$bytes\""
    done | all_break
    converse <<'END'
        a >? CONNECT "a\xed\xa0\x80"; a gone
        b >? CONNECT b will 0 "\xc0\x80" x; b gone
        c >? CONNECT c user "\xff"; c gone
        d connects; d subscribes # 0
        d > PUBLISH 0 "\xf4\x8f\xbf\xbd\xef\xbb\xbf\xed\x9f\xbf" "\x00\xff"
        d < PUBLISH 0 "\xf4\x8f\xbf\xbd\xef\xbb\xbf\xed\x9f\xbf" "\x00\xff"
END
}

@test "mqtt: a wildcard in a topic is the end, and so is an empty topic" {
    all_break <<'END'
        PUBLISH 0 x/# y; PUBLISH 0 + y; PUBLISH 0 x+ y; PUBLISH 1 1 x#y y; PUBLISH 0 - y
END
    converse <<'END'
        a >? CONNECT a will 0 x/# gone; a gone
        b >? CONNECT b will 0 x/+ gone; b gone
END
}

@test "mqtt: a filter that is none is the end" {
    start "$MQTT_BROKER"
    {
        printf 'SUBSCRIBE 1 %s 0\n' - x/#/y x# '#x' x+ +x x/y+ x/+y/z x/#y '##' '++' '+#'
        printf 'UNSUBSCRIBE 1 %s\n' - x/#/y x+
    } | all_break
}

# ---- Packets are a stream

@test "mqtt: a conversation is the same wherever it is cut" {
    start "$MQTT_BROKER"
    local size
    {
        echo 'w connects'
        for size in {1..40} 47 64; do
            cat <<END
                a open
                a >$size CONNECT a will 1 x y SUBSCRIBE 1 x 1 SUBSCRIBE 2 y 0 PUBLISH 2 3 y z PUBREL 3 PINGREQ via w PINGREQ PINGRESP
                a < CONNACK 0 SUBACK 1 1 SUBACK 2 0; a <* PINGRESP; a leaves
END
        done
    } | converse
}

@test "mqtt: packets that come at once are all worked through, also before the CONNACK, and before the end of the stream" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes x 1
        t connects; t subscribes y 0
        a > CONNECT a PUBLISH 1 1 x one PUBLISH 2 2 x two PUBREL 2 PUBLISH 0 y three DISCONNECT; a shut
        a < CONNACK 0; a <* PUBACK 1; a <* PUBCOMP 2; a eof
        s < PUBLISH 1 1 x one PUBLISH 1 2 x two
        t < PUBLISH 0 y three
        b > CONNECT b PUBLISH 0 x four DISCONNECT; b close
        s < PUBLISH 0 x four; s is quiet
END
}

@test "mqtt: a length of up to four bytes is taken, also one that is written with more bytes than it needs" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects; a subscribes x 0; a > PUBLISH 0 x "m"*124 PUBLISH 0 x "m"*125
        a < "\x30\x7f\x00\x01x" "m"*124 "\x30\x80\x01\x00\x01x" "m"*125
        a > PUBLISH 0 x "m"*16380 PUBLISH 0 x "m"*16381
        a < "\x30\xff\x7f\x00\x01x" "m"*16380 "\x30\x80\x80\x01\x00\x01x" "m"*16381; a > PUBLISH 0 x "m"*200000
        a < "\x30\xc3\x9a\x0c\x00\x01x" "m"*200000; a > PUBLISH 0 x -; a < "\x30\x03\x00\x01x"
        a > "\x30\x83\x00\x00\x01x\xc0\x80\x80\x00"; a < PUBLISH 0 x - PINGRESP
END
}

@test "mqtt: a topic may have 65,535 bytes" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects; a subscribes + 0; a > PUBLISH 0 "t"*65535 x; a < PUBLISH 0 "t"*65535 x
END
}

@test "mqtt: a packet of more bytes than -m is the end as soon as its length is known, also a CONNECT" {
    ours
    start "$MQTT_BROKER"
    converse <<'END'
        a connects; a publishes 1 x "m"*262139; a >? "\x30\x81\x80\x10"; a gone
END
    logged ' disconnected: breaks the protocol: '
    start "$MQTT_BROKER" -m 100
    converse <<'END'
        a connects; a publishes 0 x "m"*97; a >? "\x30\x65"; a gone
        b >? "\x10\x65"; b gone
END
}

# ---- Quality of service

@test "mqtt: a publication with QoS 0, 1 and 2, in and out, byte for byte" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes t 2
        p connects; p > "\x30\x05\x00\x01tm0"
        s < "\x30\x05\x00\x01tm0"
        p > "\x32\x07\x00\x01t\x12\x34m1"; p < "\x40\x02\x12\x34"
        s < "\x32\x07\x00\x01t\x00\x01m1"
        p > "\x34\x07\x00\x01t\xff\xffm2"; p < "\x50\x02\xff\xff"; p > "\x62\x02\xff\xff"
        p < "\x70\x02\xff\xff"
        s < "\x34\x07\x00\x01t\x00\x02m2"; s > "\x50\x02\x00\x02\x40\x02\x00\x01"; s < "\x62\x02\x00\x02"
        s > "\x70\x02\x00\x02"; s is quiet
        p is quiet
END
}

@test "mqtt: a subscriber gets the lower one of the QoS published and the QoS granted" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects; a subscribes x 0
        b connects; b subscribes x 1
        c connects; c subscribes x 2
        p connects; p publishes 0 x zero; p publishes 1 x one; p publishes 2 x two
        a < PUBLISH 0 x zero PUBLISH 0 x one PUBLISH 0 x two
        b < PUBLISH 0 x zero PUBLISH 1 1 x one PUBLISH 1 2 x two
        c < PUBLISH 0 x zero PUBLISH 1 1 x one PUBLISH 2 2 x two
END
}

@test "mqtt: a QoS 2 message counts once, however often it is sent before its PUBREL; then its id is a new message's" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes x 0
        p connects; p > PUBLISH 2 7 x one PUBLISH 2 7 x one dup PUBLISH 2 8 x other PUBLISH 2 7 x one dup
        p < PUBREC 7 PUBREC 7 PUBREC 8 PUBREC 7; p > PUBREL 7 PUBREL 7 PUBREL 8; p < PUBCOMP 7 PUBCOMP 7 PUBCOMP 8
        p > PUBLISH 2 7 x two; p < PUBREC 7; p > PUBREL 7; p < PUBCOMP 7
        s < PUBLISH 0 x one PUBLISH 0 x other PUBLISH 0 x two; s is quiet
END
}

@test "mqtt: a QoS 2 message is passed on when it is first seen" {
    ours
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes x 0
        p connects; p > PUBLISH 2 7 x one; p < PUBREC 7
        s < PUBLISH 0 x one
        p > PUBREL 7; p < PUBCOMP 7
        s is quiet
END
}

@test "mqtt: the DUP of a publisher is not passed on" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes x 2
        p connects; p > PUBLISH 1 7 x one dup; p < PUBACK 7; p > PUBLISH 2 8 x two dup; p < PUBREC 8
        p > PUBREL 8; p < PUBCOMP 8
        s < PUBLISH 1 1 x one PUBLISH 2 2 x two
END
}

@test "mqtt: PUBREL is answered by PUBCOMP always; an answer to nothing is no matter" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects; a > PUBREL 9; a < PUBCOMP 9; a > PUBACK 9 PUBCOMP 9; a is quiet
END
}

@test "mqtt: messages keep their order, and each session counts its ids for itself" {
    start "$MQTT_BROKER"
    {
        printf '%s\n' 'a connects' 'a subscribes x 1' 'b connects' 'b subscribes x 1' 'p connects'
        for n in {1..20}; do echo "p > PUBLISH 1 $((1000 - n)) x m$n"; done
        for n in {1..20}; do echo "p < PUBACK $((1000 - n))"; done
        for n in {1..20}; do echo "a < PUBLISH 1 $n x m$n"; done
        for n in {1..20}; do echo "b < PUBLISH 1 $n x m$n"; done
    } | converse
}

@test "mqtt: 20 messages are under way to a client that does not acknowledge, and the next goes when one is acknowledged" {
    ours
    start "$MQTT_BROKER"
    {
        printf '%s\n' 'a connects' 'a subscribes x 2' 'p connects'
        for n in {1..25}; do echo "p publishes $((1 + n % 2)) x m$n"; done
        for n in {1..20}; do echo "a < PUBLISH $((1 + n % 2)) $n x m$n"; done
        echo 'a is quiet'
        printf '%s\n' 'a > PUBACK 2' 'a < PUBLISH 2 21 x m21' 'a > PUBREC 1' 'a < PUBREL 1' 'a is quiet' 'a > PUBCOMP 1' 'a < PUBLISH 1 22 x m22'
    } | converse
}

@test "mqtt: packet ids go up to 65535, and then begin again, without 0 and without one that is still under way" {
    takes_long
    start "$MQTT_BROKER"
    {
        printf '%s\n' 'a connects' 'a subscribes x 1' 'p connects' 'p publishes 1 x first' 'a < PUBLISH 1 1 x first'
        awk 'BEGIN {
            for (id = 2; id <= 65535; id = last + 1) {
                last = id + 18 < 65535 ? id + 18 : 65535
                sent = acked = ""
                for (i = id; i <= last; i++) { sent = sent " PUBLISH 1 " i " x m"; acked = acked " PUBACK " i }
                print "p >" sent; print "p <" acked; print "a <" sent; print "a >" acked
            }
        }'
        printf '%s\n' 'a is quiet' 'p publishes 1 x last' 'a < PUBLISH 1 2 x last'
    } | converse
}

# ---- Subscriptions

@test "mqtt: filters match as the standard says: + is a level, also an empty one; # is all below, and the level itself; neither begins with a dollar sign" {
    # shellcheck disable=SC2016 # topics of the system begin with $
    local -a topics=(/ a a/ /a a/b A/b a/b/c a//b sport sport/tennis sports '$x' '$x/y' 'a b/吃')
    local filter matched topic n=0
    start "$MQTT_BROKER"
    # What stands behind a filter are the topics that it matches.
    while read -r filter matched; do
        echo "s$((++n)) connects" >>"$TMP/before"
        echo "s$n subscribes $filter 0" >>"$TMP/before"
        for topic in "${topics[@]}"; do
            [[ " $matched " != *" ${topic// /_} "* ]] || echo "s$n < PUBLISH 0 \"$topic\" $filter"
        done | sed "s|$filter\$|text|" >>"$TMP/after"
        echo "s$n is quiet" >>"$TMP/after"
    done <<'END'
# / a a/ /a a/b A/b a/b/c a//b sport sport/tennis sports a_b/吃
+ a sport sports
+/+ / a/ /a a/b A/b sport/tennis a_b/吃
/+ / /a
+/ / a/
/# / /a
a/# a a/ a/b a/b/c a//b
a/+ a/ a/b
a/+/b a//b
a/+/# a/ a/b a/b/c a//b
+/b/# a/b A/b a/b/c
+/# / a a/ /a a/b A/b a/b/c a//b sport sport/tennis sports a_b/吃
sport/# sport sport/tennis
sport/+ sport/tennis
sport/tennis/# sport/tennis
a/b a/b
a/ a/
/ /
$x/# $x $x/y
$x/+ $x/y
+/y
END
    {
        cat "$TMP/before"
        echo 'p connects'
        for topic in "${topics[@]}"; do echo "p publishes 0 \"$topic\" text"; done
        cat "$TMP/after"
    } | converse
}

@test "mqtt: one copy of a message whose filters overlap, with the highest QoS of them" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects; a subscribes x/# 1 x/y 2 x/+ 0 # 0
        p connects; p publishes 0 other text
        a < PUBLISH 0 other text
        p publishes 2 x/y text; p publishes 1 x/z text; p publishes 0 x/y text
        a < PUBLISH 2 1 x/y text PUBLISH 1 2 x/z text PUBLISH 0 x/y text; a is quiet
END
}

@test "mqtt: a filter that is subscribed again has the new QoS, and is still one" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects; a subscribes x 2; a subscribes x 0
        p connects; p publishes 2 x one
        a < PUBLISH 0 x one; a subscribes x 1 x 2
        p publishes 2 x two
        a < PUBLISH 2 1 x two; a > UNSUBSCRIBE 5 x; a < UNSUBACK 5
        p publishes 2 x three
        a is quiet
END
}

@test "mqtt: UNSUBSCRIBE ends just these filters, and is answered by UNSUBACK always" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects; a subscribes x/+ 0 x/y 0 # 0 z 0
        a > UNSUBSCRIBE 65535 # x/z nothing/+
        a < UNSUBACK 65535
        p connects; p publishes 0 other text; p publishes 0 z text
        a < PUBLISH 0 z text; a > UNSUBSCRIBE 2 x/+ z; a < UNSUBACK 2
        p publishes 0 x/y text; p publishes 0 x/z text; p publishes 0 z text
        a < PUBLISH 0 x/y text; a > UNSUBSCRIBE 2 x/y; a < UNSUBACK 2
        p publishes 0 x/y text
        a is quiet
END
}

@test "mqtt: a client gets what it publishes itself" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects; a subscribes x 0; a > PUBLISH 0 x text; a < PUBLISH 0 x text
END
}

@test "mqtt: -n refuses a filter with 128, just this one" {
    ours
    start "$MQTT_BROKER" -n secret/#
    converse <<'END'
        a connects; a > SUBSCRIBE 7 x 1 secret/# 1 secret/x 2; a < SUBACK 7 1 128 2; a publishes 0 secret/y text
        a > PUBLISH 0 x text; a < PUBLISH 0 x text
END
}

@test "mqtt: a session has at most 1,000 filters, and a topic at most 128 levels" {
    ours
    start "$MQTT_BROKER"
    {
        echo 'a connects'
        printf 'a subscribes x/%d 0\n' {1..1000}
        cat <<'END'
            a > SUBSCRIBE 1 x/1001 1 x/1 1; a < SUBACK 1 128 1; a > UNSUBSCRIBE 1 x/1; a < UNSUBACK 1
            a subscribes x/1001 1
            b connects; b > SUBSCRIBE 1 "/"*127 0 "/"*128 0; b < SUBACK 1 0 128; b > PUBLISH 0 "/"*127 x
            b < PUBLISH 0 "/"*127 x; b >? PUBLISH 0 "/"*128 x; b gone
            c connects; c > "\xa2\xba\x17\x00\x01" "\x00\x01x"*1000; c < UNSUBACK 1
            c >? "\xa2\xbd\x17\x00\x01" "\x00\x01x"*1001; c gone
END
    } | converse
}

# ---- Retained messages

@test "mqtt: a retained message comes at each SUBSCRIBE, with RETAIN; to those who are there it comes without" {
    start "$MQTT_BROKER"
    converse <<'END'
        old connects; old subscribes x/# 2
        p connects; p publishes 1 x/a first retain; p publishes 1 x/a second retain; p publishes 1 x/a third
        old < PUBLISH 1 1 x/a first PUBLISH 1 2 x/a second PUBLISH 1 3 x/a third
        a connects; a subscribes x/+ 0; a < PUBLISH 0 x/a second retain; a subscribes x/+ 0
        a < PUBLISH 0 x/a second retain; a is quiet
        p leaves
        b connects; b subscribes # 2
        b < PUBLISH 1 1 x/a second retain
        old is quiet
END
}

@test "mqtt: what is published comes behind what was retained before it, also where that has to wait" {
    ours
    start "$MQTT_BROKER"
    {
        echo 'p connects; p publishes 1 x/a old retain; a connects; a subscribes fill 1'
        for n in {1..20}; do echo "p publishes 1 fill m; a < PUBLISH 1 $n fill m"; done
        echo 'a subscribes x/a 1; p publishes 0 x/a new; a is quiet'
        echo 'a > PUBACK 1; a < PUBLISH 1 21 x/a old retain PUBLISH 0 x/a new'
    } | converse
}

@test "mqtt: an empty retained message clears, and goes to those who are there like any other" {
    start "$MQTT_BROKER"
    converse <<'END'
        p connects; p publishes 0 x one retain; p publishes 0 y two retain
        a connects; a subscribes x 0; a < PUBLISH 0 x one retain
        p publishes 0 x - retain
        a < PUBLISH 0 x -; a subscribes x 0 y 0; a < PUBLISH 0 y two retain; a is quiet
END
}

@test "mqtt: the lower QoS holds for retained messages, too, and all that match come" {
    start "$MQTT_BROKER"
    converse <<'END'
        p connects; p publishes 2 two/x 2 retain; p publishes 1 one/x 1 retain; p publishes 0 zero/x 0 retain
        p publishes 0 $x/x no retain
        a connects; a subscribes two/# 1; a < PUBLISH 1 1 two/x 2 retain
        b connects; b subscribes +/x/# 2; b <* "\x00\x01"
        c connects; c subscribes two/x 2; c < PUBLISH 2 1 two/x 2 retain; c subscribes one/+ 0 nothing 2
        c < PUBLISH 0 one/x 1 retain; c is quiet
        d connects; d subscribes +/x 0; d <* "/x"; d <* "/x"; d <* "/x"
END
}

# ---- Wills

@test "mqtt: a will is sent when the stream ends, is reset, or breaks the protocol, and not after DISCONNECT" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes gone/# 2
        a connects will 1 gone/a "by FIN"; a is quiet
        s is quiet
        a shut
        s < PUBLISH 1 1 gone/a "by FIN"
        b connects will 0 gone/b "by RST"; b reset
        s < PUBLISH 0 gone/b "by RST"
        c connects will 2 gone/c "by its fault"; c >? PUBLISH 3 1 x y; c gone
        s < PUBLISH 2 2 gone/c "by its fault"
        d connects will 0 gone/d "by DISCONNECT"; d leaves
        e connects will 0 gone/e -; e >? CONNECT e
        s < PUBLISH 0 gone/e -; s is quiet
END
}

@test "mqtt: a will may be retained" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes gone/a 0
        a connects will 0 gone/a sorry retain; a reset
        s < PUBLISH 0 gone/a sorry; s subscribes gone/a 0; s < PUBLISH 0 gone/a sorry retain
END
}

@test "mqtt: a client id that connects again takes over: the old connection ends, and its will is sent" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes # 0
        a connects will 0 gone first; a subscribes x 0
        b connects as a will 0 gone second
        a gone
        s < PUBLISH 0 gone first
        b is quiet; b reset
        s < PUBLISH 0 gone second
END
    of_ours logged ' disconnected: its client id has connected again'
}

# ---- Keep-alive

@test "mqtt: a client that is silent for 1.5 times its keep-alive is dropped, and its will sent; 0 is off" {
    takes_long
    start "$MQTT_BROKER"
    local began=$SECONDS
    converse <<'END'
        s connects; s subscribes gone/# 0
        b connects alive 2 will 0 gone/b late
        a connects alive 1 will 0 gone/a early; a gone
        s < PUBLISH 0 gone/a early
        b gone
        s < PUBLISH 0 gone/b late; s is quiet
END
    echo "rule: with a keep-alive of 2 s nobody is dropped before 3 s have passed; here: $((SECONDS - began))"
    [ $((SECONDS - began)) -ge 2 ] # SECONDS are whole
    of_ours logged ' disconnected: silent for longer than its keep-alive'
}

@test "mqtt: any packet of a client is a sign of life; what the broker sends to it is none" {
    takes_long
    start "$MQTT_BROKER"
    local n
    {
        cat <<'END'
            s connects; s subscribes gone/# 0 tick/# 1
            a connects alive 1 will 0 gone/a text; a subscribes tick/# 0
            b connects alive 1 will 0 gone/b text
            p connects
END
        for n in {1..12}; do
            printf '%s\n' "p publishes 1 tick/$n text" "b > PUBLISH 0 x y" 'p hold 300'
        done
        echo 's <* PUBLISH 0 gone/a text'
        echo 's <* "tick/12"'
        echo 'b is quiet'
    } | converse
}

@test "mqtt: a broker that was stopped itself does not blame its clients" {
    takes_long
    start "$MQTT_BROKER"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    printf '%b' '\x10\x0d\x00\x04MQTT\x04\x02\x00\x01\x00\x01a' >&5 # CONNECT a alive 1
    head -c 4 <&5 >"$TMP/answers"
    kill -s STOP "$PID"
    printf '%b' '\xc0\x00' >&5
    wait_in_vain 1.8 # it has to be away for longer than 1.5 s
    kill -s CONT "$PID"
    head -c 2 <&5 >>"$TMP/answers"
    exec 5>&-
    echo "rule: a PINGREQ that has come in time, while the broker was stopped, is one"
    printf '%b' '\x20\x02\x00\x00\xd0\x00' | cmp - "$TMP/answers"
}

# ---- Sessions

@test "mqtt: a session that is kept has its filters and what came meanwhile, in order; the CONNACK says that there is one" {
    start "$MQTT_BROKER"
    converse <<'END'
        a > CONNECT a keep; a < CONNACK 0; a subscribes x 1 y/+ 2 z 0; a leaves
        p connects; p publishes 1 x one; p publishes 2 y/z two; p publishes 2 x three; p publishes 1 other four
        a returns; a < PUBLISH 1 1 x one PUBLISH 2 2 y/z two PUBLISH 1 3 x three; a > PUBACK 1 PUBREC 2 PUBACK 3
        a < PUBREL 2; a > PUBCOMP 2; a is quiet; a leaves; a returns; a is quiet
        p publishes 0 z five
        a < PUBLISH 0 z five
END
}

@test "mqtt: QoS 0 is not kept for a client that is away" {
    ours
    start "$MQTT_BROKER"
    converse <<'END'
        a connects keep; a subscribes x 0 y 2; a leaves
        p connects; p publishes 2 x one; p publishes 0 y two; p publishes 1 y three
        a returns; a < PUBLISH 1 1 y three; a is quiet
END
}

@test "mqtt: a clean session forgets all: filters, messages, and what an older session has kept" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects keep; a subscribes x 1; a leaves
        p connects; p publishes 1 x one
        a open; a > CONNECT a; a < CONNACK 0; a is quiet
        p publishes 1 x two
        a is quiet; a subscribes y 1
        p > PUBLISH 1 9 y three; p < PUBACK 9
        a < PUBLISH 1 1 y three; a leaves; a open; a connects keep; a is quiet
        p publishes 1 x four; p publishes 1 y five
        a is quiet
END
}

@test "mqtt: what was not acknowledged comes again at the return, with DUP and the same id, before what is new" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes gone 0
        a connects keep will 0 gone a; a subscribes x 2
        p connects; p publishes 1 x one; p publishes 2 x two; p publishes 1 x three
        a < PUBLISH 1 1 x one PUBLISH 2 2 x two PUBLISH 1 3 x three; a > PUBACK 3; a is quiet; a reset
        s < PUBLISH 0 gone a
        p publishes 1 x four
        a returns; a < PUBLISH 1 1 x one dup PUBLISH 2 2 x two dup PUBLISH 1 4 x four; a > PUBACK 1 PUBREC 2
        a < PUBREL 2; a > PUBCOMP 2 PUBACK 4; a is quiet; a close; a returns; a is quiet
END
}

@test "mqtt: a PUBREL that was not answered comes again at the return, and not its message" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects keep; a subscribes x 2
        p connects; p publishes 2 x one
        a < PUBLISH 2 1 x one; a > PUBREC 1; a < PUBREL 1; a leaves; a returns; a < PUBREL 1; a is quiet
        a > PUBCOMP 1; a leaves; a returns; a is quiet
END
}

@test "mqtt: a QoS 2 message that its publisher sends again after a return counts once" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes x 0
        p connects keep; p > PUBLISH 2 7 x one; p < PUBREC 7; p reset; p returns; p > PUBLISH 2 7 x one dup
        p < PUBREC 7; p > PUBREL 7; p < PUBCOMP 7; p leaves; p returns; p > PUBREL 7; p < PUBCOMP 7
        s < PUBLISH 0 x one; s is quiet
END
}

@test "mqtt: a QoS 2 message is not delivered before its PUBREC, whatever else comes for its number" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects keep; a subscribes x 2; p connects; p publishes 1 x one; p publishes 2 x two
        a < PUBLISH 1 1 x one; a < PUBLISH 2 2 x two; a >? PUBACK 2 PUBCOMP 2; a close
        a returns; a < PUBLISH 1 1 x one dup PUBLISH 2 2 x two dup; a > PUBREC 2; a < PUBREL 2; a > PUBCOMP 2 PUBACK 1
        a is quiet
END
}

@test "mqtt: a session that is taken over goes on, with what is under way" {
    start "$MQTT_BROKER"
    converse <<'END'
        a connects keep; a subscribes x 1
        p connects; p publishes 1 x one
        a < PUBLISH 1 1 x one
        b > CONNECT a keep; b < CONNACK 0 present; b < PUBLISH 1 1 x one dup
        a gone
        b > PUBACK 1
        p publishes 1 x two
        b <* "two"; b is quiet
        c > CONNECT a; c < CONNACK 0
        b gone
        p publishes 1 x three
        c is quiet
END
}

@test "mqtt: a session that is away keeps 1,000 messages, or 1 MiB; the newest are refused, and the log says so" {
    ours
    start "$MQTT_BROKER"
    {
        printf '%s\n' 'a connects keep' 'a subscribes x 1' 'a leaves' 'b connects keep' 'b subscribes y 1' 'b leaves' 'p connects'
        for n in {1..1010}; do echo "p publishes 1 x m$n"; done
        for n in {1..15}; do echo 'p publishes 1 y "m"*100000'; done
        echo 'a returns'
        for n in {1..1000}; do printf '%s\n' "a < PUBLISH 1 $n x m$n" "a > PUBACK $n"; done
        echo 'a is quiet'
        echo 'b returns'
        for n in {1..10}; do echo "b < PUBLISH 1 $n y \"m\"*100000"; done
        echo 'b is quiet'
    } | converse
    logged ' a: its queue is full: new messages are refused'
    logged ' a: .* 10 others refused'
    logged ' b: .* 5 others refused'
}

# ---- Many, and slow ones

@test "mqtt: a subscriber that does not read harms nobody: QoS 0 is skipped for it, QoS 1 waits" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects; s subscribes x 0
        a deaf; a connects; a subscribes flood 0 last 1
        p connects; p fill 8080000 PUBLISH 0 flood "m"*1000 via s PINGREQ PINGRESP; p is quiet
        p publishes 1 last text; p publishes 0 x text
        s < PUBLISH 0 x text
        a <* PUBLISH 1 1 last text; a is quiet
END
}

@test "mqtt: a client that reads a large message slowly is not silent: its PINGREQs count" {
    takes_long
    ours
    start "$MQTT_BROKER" -m 16777216
    converse <<'END'
        s deaf; s connects alive 1; s subscribes x 1
        p connects; p publishes 1 x "m"*16000000
        s > PINGREQ; s hold 1000; s > PINGREQ; s hold 1000; s > PINGREQ; s <* PINGRESP
END
}

@test "mqtt: a publisher's flood leaves the others their share" {
    start "$MQTT_BROKER"
    local line='' poke
    printf '%b' '\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01f' >"$TMP/flood" # CONNECT f
    printf '\x30\x04\x00\x01fm%.0s' {1..1000} >"$TMP/thousand"
    for _ in {1..200}; do cat "$TMP/thousand"; done >>"$TMP/flood"
    printf '%b' '\x32\x06\x00\x01l\x00\x01m' >>"$TMP/flood" # PUBLISH 1 1 l m
    mkfifo "$TMP/said"
    printf '%s\n' 's connects' 's subscribes f 0 l 1 w 1' 'say ready' \
        'say what another one publishes meanwhile comes before the end of the flood' \
        's <* PUBLISH 1 1 w m' 's <* PUBLISH 1 2 l m' |
        converse >"$TMP/said" 3>&- &
    poke=$!
    STARTED+=("$poke")
    exec 9<"$TMP/said"
    until [ "$line" = ready ]; do read -r line <&9; done
    exec 5<>"/dev/tcp/$HOST/$PORT" 6<>"/dev/tcp/$HOST/$PORT"
    kill -s STOP "$PID"
    cat "$TMP/flood" >&5 3>&- &
    STARTED+=($!)
    printf '%b' '\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01w\x32\x06\x00\x01w\x00\x01m' >&6 # CONNECT w, PUBLISH 1 1 w m
    kill -s CONT "$PID"
    cat <&9
    wait "$poke"
    exec 5>&- 6>&- 9>&-
}

@test "mqtt: a SUBSCRIBE with 40,000 filters, each of which has to look at 9,000 retained messages, holds nobody up" {
    ours
    start "$MQTT_BROKER"
    {
        echo 'p connects'
        printf 'p > PUBLISH 0 %d/y text retain\n' {1..9000}
        cat <<'END'
            p is quiet; a connects; b connects; a > "\x82\x82\xd3\x0e\x00\x01" "\x00\x03+/x\x00"*40000
            b is quiet; b is quiet; b is quiet
END
    } | converse -w 2000
}

@test "mqtt: one message goes to 60 subscribers, each with its own QoS" {
    start "$MQTT_BROKER"
    local n
    {
        for n in {1..60}; do printf '%s\n' "s$n connects" "s$n subscribes x $((n % 3))"; done
        printf '%s\n' 'p connects' 'p publishes 2 x text'
        for n in {1..60}; do echo "s$n < PUBLISH $((n % 3)) $((n % 3 ? 1 : 0)) x text" | sed 's/ 0 0 / 0 /'; done
    } | converse
}

@test "mqtt: 900 clients are served, and cost no CPU while they are idle" {
    takes_long
    start "$MQTT_BROKER"
    LC_ALL=C awk -f "$TOP/tests/mqtt_words.awk" <<'END' >"$TMP/words"
        crowd crowd 900 CONNECT - CONNACK 0; crowd served 900 900
        say waiting
        crowd hold 2000
END
    speak_and_wait <"$TMP/words"
    slept
}

@test "mqtt: -v shows each packet in words" {
    ours
    start "$MQTT_BROKER" -v
    converse <<'END'
        s connects; s subscribes sensors/# 1
        p connects keep alive 9 will 0 gone p
        p > PUBLISH 1 7 sensors/temp 21.50 retain; p < PUBACK 7
        s < PUBLISH 1 1 sensors/temp 21.50
        p leaves
END
    local words
    for words in '-> CONNECT, level 4, client p, kept session, keep-alive 9 s' '<- CONNACK, accepted' '-> SUBSCRIBE, packet 1, filter sensors/# with QoS 1' \
        '<- SUBACK, packet 1, QoS 1' '-> PUBLISH, QoS 1, retained, packet 7, topic sensors/temp, 5 bytes' '<- PUBACK, packet 7' \
        '<- PUBLISH, QoS 1, not retained, packet 1, topic sensors/temp, 5 bytes' '-> DISCONNECT'; do
        logged "^$HOST:[0-9]+ $words"
    done
}

@test "mqtt: control characters do not reach the log" {
    ours
    start "$MQTT_BROKER"
    converse <<'END'
        a > CONNECT "\x1b[2J\xe2\x80\xae"
        b connects; b > PUBLISH 0 "\x1b[2J" x SUBSCRIBE 1 "\x1b[2J" 0; b close
        c connects
END
    if grep -q $'[\001-\010\013-\037\177]' "$LOG"; then return 1; fi
}

@test "mqtt: SIGTERM ends it within a second with clients there, and it can be started again at once" {
    start "$MQTT_BROKER"
    exec 5<>"/dev/tcp/$HOST/$PORT"
    printf '%b' '\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01f' >&5
    head -c 4 <&5 >"$TMP/connack"
    stops_on TERM
    exec 5>&-
    ON_PORT=$PORT start "$MQTT_BROKER"
    converse <<<'a connects'
}
