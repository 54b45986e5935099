#!/usr/bin/env bats
# Exercise 02-2: /topic TEXT gives the room a topic, which is told to everybody in it and to who comes later.
# Grades: CHAT_SERVER

load ../helpers

@test "/topic TEXT is told to all in the room, and to who joins" {
    start "$CHAT_SERVER"
    speak <<'END'
        a > "/nick anna\n/join kitchen\n"
        a <* "you are in kitchen\n"
        b > "/nick bob\n/join kitchen\n"
        b <* "you are in kitchen\n"
        a < "* bob joined\n"
        say all in the room, the one who set it, too, read "* topic: TEXT"
        a > "/topic 今天吃什么\n"
        a < "* topic: 今天吃什么\n"
        b < "* topic: 今天吃什么\n"
        say who joins later reads it after "* you are in ROOM"
        c > "/nick carl\n/join kitchen\n"
        c <* "* you are in kitchen\n* topic: 今天吃什么\n"
        say who stands in another room does not
        d > "/nick dora\n/join garden\n/echo done\n"
        d <* "* you are in garden\ndora (echo): done\n"
        say who comes to the lobby reads its topic after the welcome
        d > "/leave\n/topic 欢迎\n"
        d <* "* topic: 欢迎\n"
        e < "* welcome to the lobby, "
        e <* "\n* topic: 欢迎\n"
        say in another room nobody hears of it
        a < "* carl joined\n"
        a > "/echo done\n"
        a < "anna (echo): done\n"
        say who comes back to the lobby reads its topic, too
        c > "/leave\n"
        c <* "* you are in lobby\n* topic: 欢迎\n"
END
}

@test "a new topic takes the place of the old one, and is text, of any length that a line has" {
    start "$CHAT_SERVER"
    speak <<'END'
        a > "/nick anna\n/join kitchen\n/topic soup\n"
        a <* "* topic: soup\n"
        b > "/nick bob\n/join kitchen\n"
        b <* "* topic: soup\n"
        a < "* bob joined\n"
        say whoever sets it, all in the room and all who come later read the latest
        b > "/topic 100%s %n %d\n"
        a < "* topic: 100%s %n %d\n"
        b < "* topic: 100%s %n %d\n"
        c > "/nick carl\n/join kitchen\n"
        c <* "* you are in kitchen\n* topic: 100%s %n %d\n"
        say a topic may be as long as a line has room for
        a < "* carl joined\n"
        a >7 "/topic " "x"*1017 "\n"
        a < "* topic: " "x"*1017 "\n"
        d > "/nick dora\n/join kitchen\n"
        d <* "* you are in kitchen\n* topic: " "x"*1017 "\n"
END
}

@test "the topic stays when the one who set it leaves, and goes with the room" {
    start "$CHAT_SERVER"
    speak <<'END'
        say the one who set it and all who come read "* topic: TEXT"
        a > "/nick anna\n/join kitchen\n/topic soup\n"
        a <* "* topic: soup\n"
        b > "/nick bob\n/join kitchen\n"
        b <* "* topic: soup\n"
        a > "/leave\n"
        a <* "you are in lobby\n"
        say the topic is the room's, not the one's who set it
        c > "/nick carl\n/join kitchen\n"
        c <* "* you are in kitchen\n* topic: soup\n"
        b > "/leave\n"
        b <* "you are in lobby\n"
        c > "/leave\n"
        c <* "you are in lobby\n"
        say a room that was emptied has vanished, its topic, too
        c > "/join kitchen\n/echo done\n"
        c < "* you are in kitchen\ncarl (echo): done\n"
END
}

@test "the topic goes with the room also when its last person hangs up, or has joined it twice" {
    start "$CHAT_SERVER"
    speak <<'END'
        a > "/nick anna\n/join kitchen\n/topic soup\n/quit\n"
        a <* "* topic: soup\n"
        a eof
        a close
        say a room whose last person has said /quit has vanished, its topic, too
        b > "/nick bob\n/join kitchen\n/echo done\n"
        b <* "* you are in kitchen\nbob (echo): done\n"
        b > "/topic soup\n"
        b < "* topic: soup\n"
        b shut
        b eof
        b close
        say a room whose last person has just hung up has vanished, its topic, too
        c > "/nick carl\n/join kitchen\n/echo done\n"
        c <* "* you are in kitchen\ncarl (echo): done\n"
        say who joins a room and is there already does not keep it from vanishing
        c > "/topic soup\n/join kitchen\n/leave\n"
        c <* "* you are in lobby\n"
        c > "/join kitchen\n/echo done\n"
        c < "* you are in kitchen\ncarl (echo): done\n"
END
}
