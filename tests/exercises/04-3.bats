#!/usr/bin/env bats
# Exercise 04-3: the broker publishes the number of its clients, retained, as $SYS/broker/clients.
# Grades: MQTT_BROKER

load ../helpers

# Speaks to the broker started last, in words: see mqtt_words.awk. COUNT stands for the topic.
converse() { sed "s|COUNT|\$SYS/broker/clients|g" | LC_ALL=C awk -f "$TOP/tests/mqtt_words.awk" | speak; }

@test "the number of clients is published when one comes, leaves, or is lost, and is kept" {
    start "$MQTT_BROKER"
    converse <<'END'
        say a newcomer gets the number as a retained message, and is one itself
        s connects
        s subscribes COUNT 0
        s < PUBLISH 0 COUNT 1 retain
        say whoever is there gets each new number, without RETAIN
        a connects
        s < PUBLISH 0 COUNT 2
        b connects keep
        s < PUBLISH 0 COUNT 3
        t connects
        s < PUBLISH 0 COUNT 4
        t subscribes $SYS/# 2
        t < PUBLISH 0 COUNT 4 retain
        a leaves
        s < PUBLISH 0 COUNT 3
        t < PUBLISH 0 COUNT 3
        b reset
        s < PUBLISH 0 COUNT 2
        t < PUBLISH 0 COUNT 2
        say nothing changes, and nothing is published
        s is quiet
        t leaves
        s < PUBLISH 0 COUNT 1
        s subscribes COUNT 0
        s < PUBLISH 0 COUNT 1 retain
        s is quiet
END
}

@test "a client whose session is kept is no client while it is away" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects
        s subscribes COUNT 0
        s < PUBLISH 0 COUNT 1 retain
        a connects keep
        s < PUBLISH 0 COUNT 2
        a leaves
        s < PUBLISH 0 COUNT 1
        a returns
        s < PUBLISH 0 COUNT 2
        a leaves
        s < PUBLISH 0 COUNT 1
        s is quiet
END
}

@test "a connection without a CONNECT, or with one that is refused, is no client" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects
        s subscribes COUNT 0
        s < PUBLISH 0 COUNT 1 retain
        a > "\x10"
        a close
        b > CONNECT - keep
        b < CONNACK 2
        b eof
        c >? PINGREQ
        c gone
        d connects
        s < PUBLISH 0 COUNT 2
        d reset
        s < PUBLISH 0 COUNT 1
        s is quiet
END
}

@test "a client that takes its own session over changes nothing" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects
        s subscribes COUNT 0
        s < PUBLISH 0 COUNT 1 retain
        a connects will 0 gone/a text
        s < PUBLISH 0 COUNT 2
        say it comes twice more, and each time the older connection ends
        b connects as a
        a gone
        c connects as a keep
        b gone
        s is quiet
        c leaves
        s < PUBLISH 0 COUNT 1
        s is quiet
END
}

@test "what a client publishes to a topic of the broker is acknowledged, and goes nowhere, nor does its will" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects
        s subscribes $SYS/# 0 $SYSTEM 0
        s < PUBLISH 0 COUNT 1 retain
        a connects will 0 COUNT 78 retain
        s < PUBLISH 0 COUNT 2
        a publishes 1 COUNT 77 retain
        a publishes 0 COUNT - retain
        a publishes 1 $SYS/other text
        a publishes 1 $SYSTEM text
        s < PUBLISH 0 $SYSTEM text
        a reset
        s < PUBLISH 0 COUNT 1
        s is quiet
        s subscribes COUNT 0
        s < PUBLISH 0 COUNT 1 retain
END
}

@test "# still sees nothing of it" {
    start "$MQTT_BROKER"
    converse <<'END'
        s connects
        s subscribes # 0 +/broker/clients 0
        a connects
        a leaves
        s is quiet
END
}
