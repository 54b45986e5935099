#!/usr/bin/env bats
# Exercise 04-4: with -l SECONDS retained messages are forgotten after so long.
# Grades: MQTT_BROKER

load ../helpers

# Speaks to the broker started last, in words: see mqtt_words.awk.
converse() { LC_ALL=C awk -f "$TOP/tests/mqtt_words.awk" | speak; }

@test "a message is forgotten after its time, whoever asks for it meanwhile" {
    start "$MQTT_BROKER" -l 2
    converse <<'END'
        p connects
        p publishes 1 x/y one retain
        a connects
        a subscribes x/y 0
        a < PUBLISH 0 x/y one retain
        say after 1.2 s of 2 it is there
        p hold 1200
        a subscribes x/# 0
        a < PUBLISH 0 x/y one retain
        a subscribes x/y 1
        a < PUBLISH 1 1 x/y one retain
        say after 2.4 s it is not
        p hold 1200
        a subscribes x/y 0
        a is quiet
        b connects
        b subscribes # 2 x/+ 2
        b is quiet
END
}

@test "a message that takes the place of another one has its own time" {
    start "$MQTT_BROKER" -l 2
    converse <<'END'
        p connects
        p publishes 0 x one retain
        p publishes 0 y one retain
        p publishes 0 z one retain
        p hold 1200
        p publishes 0 y two retain
        p publishes 0 x two retain
        say after 2.4 s those are there that are 1.2 s old
        p hold 1200
        a connects
        a subscribes x 0
        a < PUBLISH 0 x two retain
        a subscribes y 0
        a < PUBLISH 0 y two retain
        a subscribes z 0
        a is quiet
        say and then they are not
        p hold 1200
        a subscribes # 0
        a is quiet
END
}

@test "nobody is told that a message is over" {
    start "$MQTT_BROKER" -l 1
    converse <<'END'
        s connects
        s subscribes x/# 0
        p connects
        p publishes 0 x/y one retain
        s < PUBLISH 0 x/y one
        s subscribes x/y 0
        s < PUBLISH 0 x/y one retain
        p hold 1100
        b connects
        b subscribes x/y 0
        b is quiet
        p publishes 0 other text retain
        b is quiet
        s is quiet
END
}

@test "messages that were taken away, or came again, are over as all others are" {
    start "$MQTT_BROKER" -l 1
    {
        echo 'p connects'
        for gone in a b c 'a b' 'b c' 'a c' 'a b c' 'c b a'; do
            for topic in a b c; do echo "p publishes 0 $topic one retain"; done
            for topic in $gone; do echo "p publishes 0 $topic - retain"; done
            for topic in $gone; do echo "p publishes 0 $topic two retain"; done
        done
        printf '%s\n' 'p publishes 0 b - retain' 'p hold 1100' 's connects' 's subscribes # 0' 's is quiet'
        for topic in c a b; do printf '%s\n' "p publishes 0 $topic new retain" "s < PUBLISH 0 $topic new"; done
        for topic in a b c; do printf '%s\n' "s subscribes $topic 0" "s < PUBLISH 0 $topic new retain"; done
    } | converse
}

@test "what is over takes no room" {
    start "$MQTT_BROKER" -l 1
    {
        echo 'p connects'
        awk 'BEGIN {
            for (n = 0; n < 10000; n += 50) {
                line = "p >"
                for (i = n; i < n + 50; i++) line = line " PUBLISH 0 x/" i " y retain"
                print line
            }
        }'
        echo 'say there is room for 10,000 messages, and those are over'
        printf '%s\n' 'p is quiet' 'p hold 1100' 'p publishes 1 new text retain' 's connects' 's subscribes # 0'
        printf '%s\n' 's < PUBLISH 0 new text retain' 's is quiet'
    } | converse
}

@test "without -l nothing changes" {
    start "$MQTT_BROKER"
    converse <<'END'
        p connects
        p publishes 0 x one retain
        p hold 1100
        a connects
        a subscribes # 0
        a < PUBLISH 0 x one retain
        p publishes 0 x - retain
        a < PUBLISH 0 x -
        a subscribes # 0
        a is quiet
END
}
