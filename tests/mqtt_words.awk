# Turns a conversation in words of MQTT into a script for poke, in which the words stand behind each step as a comment, so
# that a report shows them. A packet may stand wherever poke asks for BYTES; several are sent as one. A line has one step, or
# several with "; " between them.
#
#     a > CONNECT anna alive 5 will 1 gone/anna "good bye"     the client id first; the session is clean
#     a < CONNACK 0
#     a > SUBSCRIBE 1 sport/# 1 + 0 PINGREQ                    packet id, then filters, each with its QoS
#     a < SUBACK 1 1 0 PINGRESP                                128 is a refusal
#     a > PUBLISH 1 7 sport/tennis 6:4 retain                  QoS, packet id (if the QoS is not 0), topic, text
#
# CONNECT ID [keep] [alive SECONDS] [will QOS TOPIC TEXT [retain]] [user NAME] [password TEXT], CONNACK CODE [present],
# PUBLISH ... [retain] [dup], PUBACK PUBREC PUBREL PUBCOMP UNSUBACK with an ID, UNSUBSCRIBE ID FILTER..., PINGREQ,
# PINGRESP, DISCONNECT. A text is a word or BYTES of poke; - is an empty one. What is said often has words of its own, in
# which a connection is named like its client:
#
#     a connects [as ID] [...]    CONNECT, CONNACK 0
#     a returns [...]             open, CONNECT keep, CONNACK 0 present
#     a leaves                    DISCONNECT, the end of the stream, close
#     a subscribes FILTER QOS...  SUBSCRIBE 1, and its SUBACK
#     a publishes QOS TOPIC TEXT [retain]    with packet id 1, to the last answer, which QoS 0 gets by a PINGREQ
#     a is quiet                  nothing comes before the answer to a PINGREQ
#     a breaks BYTES              a new connection sends that, and is hung up on

BEGIN {
    n = split("CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK PINGREQ PINGRESP DISCONNECT", list, " ")
    for (i = 1; i <= n; i++) type[list[i]] = i
}

# How many bytes are "...", perhaps with *N behind it?
function bytes_of(quoted, times) {
    times = 1
    if (match(quoted, /\*[0-9]+$/)) {
        times = substr(quoted, RSTART + 1) + 0
        quoted = substr(quoted, 1, RSTART - 1)
    }
    gsub(/\\x[0-9a-fA-F][0-9a-fA-F]/, "x", quoted)
    gsub(/\\./, "x", quoted)
    return (length(quoted) - 2) * times
}

# Two strings of poke as one, where that is possible.
function joined(a, b) { return a ~ /"$/ && b ~ /^"/ && b !~ /\*[0-9]+$/ ? substr(a, 1, length(a) - 1) substr(b, 2) : a b }

function byte(number) { # into the packet, as all that follow
    body = joined(body, sprintf("\"\\x%02x\"", number))
    size++
}

function two(number) {
    byte(int(number / 256))
    byte(number % 256)
}

function text(word, with_length) {
    if (word == "-") word = ""
    if (word !~ /^"/) word = "\"" word "\""
    if (with_length) two(bytes_of(word))
    body = joined(body, word)
    size += bytes_of(word)
}

function next_word() { return word[at++] }

# Is the next word this one? Then it is taken.
function has(option) {
    if (at > words || word[at] != option) return 0
    at++
    return 1
}

function ends() { return at > words || word[at] in type || word[at] == "via" } # the arguments of a packet

# What follows the head of a CONNECT comes in this order, and so do the words.
function take_connect(id, flags, seconds, will, user, password) {
    id = next_word()
    if (!has("keep")) flags = 2
    if (has("alive")) seconds = next_word()
    if (has("will")) {
        will = at
        at += 3
        flags += 4 + word[will] * 8 + has("retain") * 32
    }
    if (has("user")) { flags += 128; user = at++ }
    if (has("password")) { flags += 64; password = at++ }
    text("MQTT", 1)
    byte(4)
    byte(flags)
    two(seconds)
    text(id, 1)
    if (will) { text(word[will + 1], 1); text(word[will + 2], 1) }
    if (user) text(word[user], 1)
    if (password) text(word[password], 1)
}

function take_publish(qos, id) { # returns its flags
    qos = next_word() + 0
    id = qos ? next_word() : 0
    text(next_word(), 1)
    if (qos) two(id)
    text(next_word())
    return qos * 2 + has("retain") + has("dup") * 8
}

# Takes a packet's words, and returns its bytes for poke.
function packet(name, flags, head, rest) {
    body = ""
    size = 0
    flags = name ~ /^(PUBREL|SUBSCRIBE|UNSUBSCRIBE)$/ ? 2 : 0
    if (name == "CONNECT") {
        take_connect()
    } else if (name == "CONNACK") {
        rest = next_word()
        byte(has("present"))
        byte(rest)
    } else if (name == "PUBLISH") {
        flags = take_publish()
    } else if (name !~ /^(PING|DISCONNECT)/) {
        two(next_word())
        while (name == "SUBACK" && !ends() && word[at] ~ /^[0-9]+$/) byte(next_word())
        while (name ~ /^(SUB|UNSUB)SCRIBE$/ && !ends()) {
            text(next_word(), 1)
            if (name == "SUBSCRIBE") byte(next_word())
        }
    }
    head = sprintf("\"\\x%02x", type[name] * 16 + flags)
    for (rest = size; rest >= 128; rest = int(rest / 128)) head = head sprintf("\\x%02x", rest % 128 + 128)
    return joined(head sprintf("\\x%02x", rest) "\"", body)
}

function split_words(line) {
    words = 0
    while (match(line, /[^ \t]/)) {
        line = substr(line, RSTART)
        if (!match(line, /^"([^"\\]|\\.)*"(\*[0-9]+)?/)) match(line, /^[^ \t]+/)
        word[++words] = substr(line, 1, RLENGTH)
        line = substr(line, RLENGTH + 1)
    }
}

# Prints a step of poke, and behind it the words from which it was made.
function step(line, said, name) {
    split_words(line)
    said = line
    line = ""
    for (at = 1; at <= words;) {
        name = next_word()
        line = line (line == "" ? "" : " ") (name in type ? packet(name) : name)
    }
    print line (line == said ? "" : " # " said)
}

function connect(who, rest, answer) {
    if (!sub(/^as /, "", rest)) rest = who " " rest
    step(who " > CONNECT " rest)
    step(who " < CONNACK 0" answer)
}

function publish(who, qos, rest) {
    step(who " > PUBLISH " qos (qos ? " 1 " : " ") rest (qos ? "" : " PINGREQ"))
    step(who " < " (qos == 0 ? "PINGRESP" : qos == 1 ? "PUBACK 1" : "PUBREC 1"))
    if (qos < 2) return
    step(who " > PUBREL 1")
    step(who " < PUBCOMP 1")
}

function subscribe(who, rest, i, codes) {
    split_words(rest)
    for (i = 2; i <= words; i += 2) codes = codes " " word[i]
    step(who " > SUBSCRIBE 1 " rest)
    step(who " < SUBACK 1" codes)
}

# Does one step: a packet, or what has words of its own.
function translate(line, rest, who, verb) {
    split(line, list, /[ \t]+/)
    who = list[1]
    verb = list[2]
    rest = line
    sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]*/, "", rest)
    if (verb == "connects") {
        connect(who, rest)
    } else if (verb == "returns") {
        print who " open"
        connect(who, "as " who " keep " rest, " present")
    } else if (verb == "leaves") {
        step(who " > DISCONNECT")
        print who " eof"
        print who " close"
    } else if (verb == "subscribes") {
        subscribe(who, rest)
    } else if (verb == "publishes") {
        sub(/^[^ ]+ /, "", rest)
        publish(who, list[3], rest)
    } else if (verb == "is") {
        step(who " > PINGREQ")
        step(who " < PINGRESP")
    } else if (verb == "breaks") {
        print who " open"
        connect(who, "")
        step(who " >? " rest)
        print who " gone"
        print who " close"
    } else {
        step(line)
    }
}

/^[ \t]*(#|say |$)/ { print; next }
{
    sub(/^[ \t]+/, "")
    for (left = $0; left != "";) {
        end = index(left, "; ")
        if (end == 0) end = length(left) + 1
        translate(substr(left, 1, end - 1))
        left = substr(left, end + 2)
    }
}
