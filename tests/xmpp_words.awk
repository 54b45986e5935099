# Turns a conversation in words of XMPP into a script for poke. A line has one step. What begins with < needs no quotes:
#
#     a > <message to='lisi@localhost'><body>hello</body></message>
#     b < <message from='zhangsan@localhost/phone' to='lisi@localhost'><body>hello</body></message>
#
# awaits that message, however it is written (see `<x` in poke -h); several on a line in any order. What is said often has
# words of its own:
#
#     a declares xmlns:x='urn:x'  so does the head of its streams, from now on
#     a lives in example.org      that is the server's name for it, from now on
#     a opens                     the head of a stream, and all up to the end of the features in the answer
#     a logs in as zhangsan       the same, then PLAIN with the password 123456, then the second stream
#     a binds as zhangsan/phone   the same, then the resource: now it is a client, but not there
#     a enters as zhangsan/phone  the same, then <presence/>: it sees all who are there, and they see it
#     a arrives                   only the <presence/> of that, and what is seen
#     a has left                  all who are there are told so
#     a leaves                    the end of its stream, the answer, the end of the connection; a has left
#     a is quiet                  nothing comes before the answer to a ping
#     all are quiet               so it is for all who are there
#     a is refused message 7 cancel service-unavailable nobody@localhost
#                                 this answer to its message with the id 7, which was for that address (or has no `to`)
#     a ends for conflict         a stream error, the end of the stream, the end of the connection; a has left, if it was there

BEGIN {
    # base64 of NUL, name, NUL, 123456
    plain["zhangsan"] = "AHpoYW5nc2FuADEyMzQ1Ng=="
    plain["lisi"] = "AGxpc2kAMTIzNDU2"
    plain["wangwu"] = "AHdhbmd3dQAxMjM0NTY="
}

# XML as a string of poke.
function quoted(xml) {
    gsub(/"/, "\\\"", xml)
    gsub(/\{/, "\\{", xml)
    return "\"" xml "\""
}

function sends(who, xml) { print who " > " quoted(xml) }
function awaits(who, xml) { print who " <x " quoted(xml) }

function domain(who) { return who in lives ? lives[who] : "localhost" }

function opens(who) {
    if (closed[who]) print who " open"
    closed[who] = 0
    sends(who, "<?xml version='1.0'?><stream:stream to='" domain(who) "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'" extra[who] ">")
    print who " <* \"</stream:features>\"" # that prefix all servers have
}

function logs_in(who, name) {
    opens(who)
    sends(who, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" plain[name] "</auth>")
    awaits(who, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    opens(who)
}

function binds(who, address, resource) {
    resource = address
    sub(/\/.*/, "", address)
    sub(/.*\//, "", resource)
    full[who] = address "@" domain(who) "/" resource
    logs_in(who, address)
    sends(who, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" resource "</resource></bind></iq>")
    awaits(who, "<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>" full[who] "</jid></bind></iq>")
}

function arrives(who, i, seen) {
    place[++places] = who
    for (i = 1; i <= places; i++) seen = seen "<presence from='" full[place[i]] "'/>"
    sends(who, "<presence/>")
    awaits(who, seen)
    for (i = 1; i < places; i++) awaits(place[i], "<presence from='" full[who] "'/>")
}

function has_left(who, i, left) {
    for (i = 1; i <= places; i++) if (place[i] != who) place[++left] = place[i]
    if (places == left + 0) return
    places = left + 0
    for (i = 1; i <= places; i++) awaits(place[i], "<presence type='unavailable' from='" full[who] "'/>")
}

function is_quiet(who) {
    sends(who, "<iq type='get' id='quiet'><ping xmlns='urn:xmpp:ping'/></iq>")
    awaits(who, "<iq type='result' id='quiet'/>")
}

function is_refused(who, name, id, type, condition, from) {
    if (from != "") from = " from='" from "'"
    awaits(who, "<" name " type='error' id='" id "'" from " to='" full[who] "'><error type='" type "'><" condition \
        " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></" name ">")
}

function ends(who) {
    print who " <* \":stream>\""
    print who " eof"
    print who " close"
    closed[who] = 1
    has_left(who)
}

/^[ \t]*(#|say |$)/ { print; next }
{
    sub(/^[ \t]+/, "")
    rest = $0
    sub(/^[^ ]+ +[^ ]+ */, "", rest)
    if ($2 ~ /^>[0-9?]*$/ && rest ~ /^</) print $1 " " $2 " " quoted(rest)
    else if ($2 == "<" && rest ~ /^</) awaits($1, rest)
    else if ($2 == "declares") extra[$1] = " " rest
    else if ($2 == "lives") lives[$1] = $4
    else if ($2 == "opens") opens($1)
    else if ($2 == "logs") logs_in($1, $5)
    else if ($2 == "binds") binds($1, $4)
    else if ($2 == "enters") { binds($1, $4); arrives($1) }
    else if ($2 == "arrives") arrives($1)
    else if ($2 == "has") has_left($1)
    else if ($2 == "leaves") { sends($1, "</stream:stream>"); ends($1) }
    else if ($0 == "all are quiet") for (i = 1; i <= places; i++) is_quiet(place[i])
    else if ($2 == "is" && $3 == "quiet") is_quiet($1)
    else if ($2 == "is" && $3 == "refused") is_refused($1, $4, $5, $6, $7, $8)
    else if ($2 == "ends") {
        awaits($1, "<stream:error><" $4 " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
        ends($1)
    } else print
    if ($2 == "close" || $2 == "reset") closed[$1] = 1
}
