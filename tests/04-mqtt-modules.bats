#!/usr/bin/env bats
# The modules of the wing mqtt, by the words of the standard (MQTT 3.1.1). They are what is built here: no variable changes
# them.
# Grades: nothing but the course

load helpers

MODULES=${BUILD:-$TOP}/tests/mqtt_modules

@test "mqtt modules: each of the 14 packets is read as it was made, whatever is behind it, and not before it is whole" {
    "$MODULES" packets
}

@test "mqtt modules: the remaining length takes one byte to four, and one that is too large is refused at once" {
    "$MODULES" lengths
    "$MODULES" rules <<'END'
30 e8 07: needs more
30 e9 07: it is too large
30 ff ff ff 7f: it is too large
30 ff ff ff: needs more
30 80 80 80 80: the length has more than four bytes
30 ff ff ff ff: the length has more than four bytes
30 ff ff ff ff 01: the length has more than four bytes
c0 80 80 80 80 00: the length has more than four bytes
c0 80 00: right
c0 00: right
c0: needs more
END
}

@test "mqtt modules: a wrong type, wrong flags, or a wrong size have their words" {
    "$MODULES" rules <<'END'
00 00: there is no packet of that type
f0 00: there is no packet of that type
11 0d 00 04 4d 51 54 54 04 02 00 00 00 01 61: the flags are wrong
21 02 00 00: the flags are wrong
20 02 02 00: the flags are wrong
20 02 01 01: the flags are wrong
20 01 00: it ends too early
20 03 00 00 00: it is too long
41 02 00 01: the flags are wrong
40 02 00 00: the packet identifier is 0
40 01 01: it ends too early
40 00: it ends too early
40 03 00 01 00: it is too long
52 02 00 01: the flags are wrong
60 02 00 01: the flags are wrong
62 02 00 01: right
63 02 00 01: the flags are wrong
62 02 00 00: the packet identifier is 0
72 02 00 01: the flags are wrong
b1 02 00 01: the flags are wrong
b0 02 00 00: the packet identifier is 0
c1 00: the flags are wrong
c0 01 00: it is too long
d1 00: the flags are wrong
d0 01 00: it is too long
e2 00: the flags are wrong
e0 01 00: it is too long
END
}

@test "mqtt modules: what is wrong with a CONNECT has its words" {
    "$MODULES" rules <<'END'
10 0d 00 04 4d 51 54 54 04 02 00 00 00 01 61: right
10 0d 00 04 4d 51 54 55 04 02 00 00 00 01 61: the protocol is not MQTT
10 0d 00 04 6d 71 74 74 04 02 00 00 00 01 61: the protocol is not MQTT
10 0d 00 04 4d 51 54 54 05 02 00 00 00 01 61: right
10 0f 00 06 4d 51 49 73 64 70 03 02 00 00 00 01 61: right
10 0d 00 04 4d 51 54 54 04 03 00 00 00 01 61: a reserved flag is set
10 0d 00 04 4d 51 54 54 04 0a 00 00 00 01 61: the flags of the will are wrong
10 0d 00 04 4d 51 54 54 04 22 00 00 00 01 61: the flags of the will are wrong
10 13 00 04 4d 51 54 54 04 1e 00 00 00 01 61 00 01 62 00 01 63: the flags of the will are wrong
10 13 00 04 4d 51 54 54 04 16 00 00 00 01 61 00 01 62 00 01 63: right
10 13 00 04 4d 51 54 54 04 06 00 00 00 01 61 00 01 23 00 01 63: the name of a topic has a wildcard
10 12 00 04 4d 51 54 54 04 06 00 00 00 01 61 00 00 00 01 63: the name of a topic is empty
10 12 00 04 4d 51 54 54 04 06 00 00 00 01 61 00 01 62 00 00: right
10 10 00 04 4d 51 54 54 04 06 00 00 00 01 61 00 01 62: it ends too early
10 10 00 04 4d 51 54 54 04 42 00 00 00 01 61 00 01 70: there is a password and no user
10 10 00 04 4d 51 54 54 04 82 00 00 00 01 61 00 01 75: right
10 13 00 04 4d 51 54 54 04 c2 00 00 00 01 61 00 01 75 00 01 ff: right
10 10 00 04 4d 51 54 54 04 82 00 00 00 01 61 00 01 ff: a string is not UTF-8
10 0d 00 04 4d 51 54 54 04 82 00 00 00 01 61: it ends too early
10 0d 00 04 4d 51 54 54 04 02 00 00 00 02 61: a string goes on behind its end
10 0e 00 04 4d 51 54 54 04 02 00 00 00 01 61 00: it is too long
10 0a 00 04 4d 51 54 54 04 02 00 00: it ends too early
10 00: it ends too early
END
}

@test "mqtt modules: what is wrong with a PUBLISH, SUBSCRIBE, SUBACK or UNSUBSCRIBE has its words" {
    "$MODULES" rules <<'END'
30 03 00 01 61: right
36 05 00 01 61 00 01: the QoS is wrong
38 03 00 01 61: the QoS is wrong
3e 05 00 01 61 00 01: the QoS is wrong
32 05 00 01 61 00 00: the packet identifier is 0
32 04 00 01 61 01: it ends too early
32 03 00 01 61: it ends too early
30 02 00 00: the name of a topic is empty
30 01 00: it ends too early
30 00: it ends too early
30 03 00 02 61: a string goes on behind its end
30 03 00 01 2b: the name of a topic has a wildcard
30 05 00 03 61 2f 23: the name of a topic has a wildcard
80 06 00 01 00 01 61 00: the flags are wrong
82 06 00 01 00 01 61 02: right
82 06 00 00 00 01 61 00: the packet identifier is 0
82 02 00 01: it has an empty list
82 06 00 01 00 01 61 03: the QoS is wrong
82 06 00 01 00 01 61 80: the QoS is wrong
82 05 00 01 00 01 61: it ends too early
82 05 00 01 00 00 00: a filter is empty
82 07 00 01 00 02 61 62 00: right
82 06 00 01 00 03 61 00: a string goes on behind its end
a0 05 00 01 00 01 61: the flags are wrong
a2 05 00 01 00 01 61: right
a2 02 00 01: it has an empty list
a2 04 00 01 00 00: a filter is empty
a2 06 00 01 00 01 61 00: it ends too early
90 03 00 01 80: right
90 03 00 01 03: the QoS is wrong
90 03 00 01 81: the QoS is wrong
90 02 00 01: it has an empty list
90 03 00 00 00: the packet identifier is 0
END
}

@test "mqtt modules: a string is UTF-8 without U+0000, surrogates, or a form that is too long; a payload is any bytes" {
    "$MODULES" rules <<'END'
30 04 00 02 c2 80: right
30 05 00 03 ef bb bf: right
30 06 00 04 f4 8f bf bf: right
30 03 00 01 00: a string is not UTF-8
30 05 00 03 61 00 62: a string is not UTF-8
30 03 00 01 80: a string is not UTF-8
30 03 00 01 c3: a string is not UTF-8
30 04 00 02 c0 80: a string is not UTF-8
30 05 00 03 e0 80 af: a string is not UTF-8
30 05 00 03 ed a0 80: a string is not UTF-8
30 06 00 04 f4 90 80 80: a string is not UTF-8
82 06 00 01 00 01 ff 00: a string is not UTF-8
a2 05 00 01 00 01 ff: a string is not UTF-8
10 0d 00 04 4d 51 54 54 04 02 00 00 00 01 ff: a string is not UTF-8
30 06 00 01 61 00 c0 80: right
END
}

@test "mqtt modules: what is a filter, and what is none" {
    "$MODULES" filters <<'END'
# yes
+ yes
+/tennis/# yes
sport/tennis/player1/# yes
sport/+/player1 yes
/ yes
/+ yes
// yes
$SYS/# yes
+/+ yes
a b/ c yes
sport/tennis# no
sport/tennis/#/ranking no
#/ no
## no
#/# no
sport+ no
+sport no
++ no
a/+b/c no
a/b+ no
a/#b no
END
}

@test "mqtt modules: which filter matches which topic: the table of section 4.7, and its corners" {
    "$MODULES" topics <<'END'
sport/tennis/player1/# sport/tennis/player1 yes
sport/tennis/player1/# sport/tennis/player1/ranking yes
sport/tennis/player1/# sport/tennis/player1/score/wimbledon yes
sport/# sport yes
sport/# sport/ yes
sport/# sports no
sport/# spor no
# sport/tennis yes
# / yes
sport/tennis/+ sport/tennis/player1 yes
sport/tennis/+ sport/tennis/player2 yes
sport/tennis/+ sport/tennis/player1/ranking no
sport/+ sport no
sport/+ sport/ yes
+/+ /finance yes
/+ /finance yes
+ /finance no
+ finance yes
+/tennis/# sport/tennis yes
+/tennis/# sport/tennis/x yes
+/tennis/# /tennis yes
+/tennis/# sport/tennis2 no
# $SYS no
# $SYS/monitor/Clients no
+/monitor/Clients $SYS/monitor/Clients no
+ $SYS no
+/# $SYS/x no
$SYS/# $SYS/monitor/Clients yes
$SYS/# $SYS yes
$SYS/monitor/+ $SYS/monitor/Clients yes
a/+ a/$SYS yes
a/# a/$SYS/x yes
ACCOUNTS Accounts no
/finance finance no
finance /finance no
a a yes
a a/ no
a/ a no
a//b a//b yes
a/+/b a//b yes
a/+/b a/b no
/ / yes
+/+ / yes
+ / no
/# / yes
+/+/+ // yes
+/# a yes
+/+/# a no
+/+/# a/b yes
END
}

@test "mqtt modules: however many subscribe, unsubscribe and publish, the tree finds what a look at every filter finds" {
    for seed in 1 2 3; do
        echo "seed $seed"
        "$MODULES" random $seed
    done
}

@test "mqtt modules: the numbers of what is under way go on at 1 behind 65535, and pass over those in use" {
    "$MODULES" numbers
}

@test "mqtt modules: on a new connection, what was under way is sent again in its order: PUBLISH with DUP, or PUBREL" {
    "$MODULES" again
}

@test "mqtt modules: a number of QoS 2 is known from its first PUBLISH until its PUBREL" { "$MODULES" received; }

@test "mqtt modules: queues, sessions and retained messages have bounds, and room again when something goes" {
    "$MODULES" bounds
}
