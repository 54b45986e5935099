#!/usr/bin/env bats
# What PROTOCOL.md promises about frames and messages: of the modules themselves, through tests/codec ($CODEC), and of
# the servers that speak them ($IM_SERVER, $FILE_SERVER), which have to play the page's own examples.
# Grades: IM_SERVER FILE_SERVER

load helpers

PAGE=$TOP/03-custom-protocol/PROTOCOL.md

# Prints a text as a string of poke's. (No process, here and below: there are many.)
quoted() { # TEXT
    local cr='\r' lf='\n'
    escape "$1" \\ '"' '{'
    ESCAPED=${ESCAPED//$'\r'/"$cr"}
    ESCAPED=${ESCAPED//$'\n'/"$lf"}
    printf '"%s"' "$ESCAPED"
}

# Prints a frame as a string of poke's; its payload as for printf %b, where \0000 is the only NUL.
framed() { # FORMAT PAYLOAD
    local LC_ALL=C raw text number=1 zero='\0000' as_hex='\x00'
    [ "$1" = text ] || number=2
    [ "$1" != xml ] || number=3
    raw=${2//"$zero"/x} text=${2//"$zero"/"$as_hex"}
    printf -v raw %b. "$raw" # (the dot: bash 3.2 leaves what was there for nothing at all)
    raw=${raw%.}
    escape "$text" '"' '{'
    printf '"\\x00\\x%02x\\x%02x\\x%02x\\x%02x%s"' $((${#raw} >> 16)) $((${#raw} >> 8 & 255)) $((${#raw} & 255)) $number "$ESCAPED"
}

@test "protocol: five bytes tell whether a frame can be" {
    ours
    header() { # HEX EXPECTED
        [ "$("$CODEC" header "$1")" = "$2" ] || { echo "header $1: not '$2'" && return 1; }
    }
    header '' more
    header '00' more
    header '00 00 00 00' more
    header '00 00 00 00 01' '5 bytes'
    header '00 00 00 00 04' '5 bytes'
    header '00 00 00 01 02' more
    header '00 01 00 00 03' more
    header '00 01 00 01 03' refused
    header '01 00 00 00 03' refused
    header '80 00 00 00 03' refused
    header 'ff ff ff ff 03' refused
    header '00 00 00 00 00' refused
    header '00 00 00 00 05' refused
    header '00 00 00 00 ff' refused
}

# Prints the messages of the page's session, in JSON, one a line.
session_messages() {
    local format payload
    sed -nE 's/^[a-z]+ +[CS]: 00 00 .. .. 0([123])  (.*)/\1 \2/p' "$PAGE" | while read -r format payload; do
        case $format in 1) format=text ;; 2) format=json ;; *) format=xml ;; esac
        printf %s "$payload" | "$CODEC" convert $format json && echo
    done | grep '^{' # but for the one that is wrong on purpose
}

@test "protocol: a session says the same wherever the stream is cut, and byte by byte" {
    ours
    takes_long
    session_messages >"$TMP/messages"
    [ "$(wc -l <"$TMP/messages")" -gt 25 ]
    for format in text json xml; do
        "$CODEC" stream $format <"$TMP/messages" >"$TMP/stream"
        printf 'some bytes' | "$CODEC" frame bytes >>"$TMP/stream"
        echo "rule: in $format, what is understood does not depend on how the stream was cut"
        "$CODEC" frames <"$TMP/stream" >"$TMP/said"
        [ "$(wc -l <"$TMP/said")" -eq $(($(wc -l <"$TMP/messages") + 2)) ]
        sed 's/^[a-z]*, [0-9]* bytes: //' "$TMP/said" >"$TMP/said.$format"
        echo 'rule: it is the same in all three formats'
        cmp "$TMP/said.$format" "$TMP/said.text"
    done
}

@test "protocol: what was written comes back the same, from each format to each other" {
    ours
    "$CODEC" roundtrip "${ROUNDS:-2000}"
}

@test "protocol: every character of Unicode is taken, raw and as an escape, and nothing else is" {
    ours
    local step=17 # of the characters between borders where no rule begins or ends; all of them with FULL=1
    [ -z "${FULL-}" ] || step=1
    "$CODEC" unicode $step
}

@test "protocol: the beginning of a message is an error, wherever it ends" {
    ours
    cut() { # FORMAT EXPECTED, the lengths of beginnings that are messages
        echo "rule: in $1, of the first bytes of a message only these are one, too: $2"
        [ "$("$CODEC" cut "$1" | tr '\n' ' ')" = "$2" ]
    }
    cut json '' < <(printf %s ' {"type" : "msg", "id":7, "body":"\ud83d\ude00 \u5403吃","number":12 }')
    cut xml '' < <(printf %s '<?xml version="1.0"?> <message ><id>7</id ><body>&lt;&#x1F600;吃</body><code/></message>')
    cut text '6 12 ' < <(printf %s 'msg://id="7",text="\\\"吃\n"') # so the frame has to tell where it ends
}

@test "protocol: what -v shows of a message is one line, cut between characters, and safe to print" {
    ours
    printf 'msg://text="a\\n\\t\xc2\x9b\x7f吃",id="1"' >"$TMP/message"
    [ "$("$CODEC" decode text <"$TMP/message")" = 'msg id=1 body=a????吃' ]
    for ((size = 4; size < 40; size++)); do
        "$CODEC" show $size text <"$TMP/message" >"$TMP/shown"
        iconv -f UTF-8 -t UTF-8 "$TMP/shown" >"$TMP/same"
    done
    [ "$("$CODEC" show 12 text <"$TMP/message")" = 'msg id=1...' ]
}

# Messages to lisi, one a line: the format, what is sent (as for printf %b), and the body that she reads, in JSON.
good() {
    cat <<'END'
text msg://id="1",friendName="lisi",text=""|
text msg://text="\\\\\\"\\n\\r\\t/",friendName="lisi",id="2"|\\\\\\"\\n\\r\\t/
text msg://id="3",friendName="lisi",mood="\\\\ unknown \\"",text="a,b=c://"|a,b=c://
text msg://id="4",friendName="lisi",text="\xf0\x9f\x98\x80 吃"|😀 吃
json {"to":"lisi","id":"5","body":"x","type":"msg"}|x
json \t\r\n { "type" : "msg" ,\n"id":6,"to":"lisi" , "body":"" }\n |
json {"type":"msg","id":"7","to":"lisi","body":"\\\\ \\" \\/ \\n \\r \\t"}|\\\\ \\" / \\n \\r \\t
json {"type":"msg","id":"8","to":"lisi","body":"\\u5403\\u0022\\uD83D\\uDE00\\ue000"}|吃\\"😀\xee\x80\x80
json {"\\u0074ype":"msg","id":"9","to":"lisi","body":"<&>","x\\n":0,"吃":"","type2":"x"}|<&>
json {"type":"msg","id":10,"to":"lisi","body":1234567890123456789012}|1234567890123456789012
xml <message><id>11</id><to>lisi</to><body></body></message>|
xml <message><id>12</id><to>lisi</to><body/></message>|
xml <message><id>13</id><to>lisi</to><body> a\r\nb\rc\n&#13;&#xD;&#10;\t</body></message>| a\\nb\\nc\\n\\r\\r\\n\\t
xml <message><id>14</id><to>lisi</to><body>&lt;&gt;&amp;&quot;&apos;&amp;lt;</body></message>|<>&\\"'&lt;
xml <message><id>15</id><to>lisi</to><body>&#x1F600;&#128512;&#x00005403;]]&gt;</body></message>|😀😀吃]]>
xml <?xml version='1.0' encoding='utf-8'?>\n<message >\n <id >16</id\t>\n<to>lisi</to><x-1_2/><body>{"\\}</body>\n</message >\n|{\\"\\\\}
END
}

# Writes poke's steps for a login.
login() { # CONNECTION NAME
    printf '%s > %s\n' "$1" "$(framed json '{"type":"login","id":"in","name":"'"$2"'","password":"123456"}')"
    printf '%s <* %s\n' "$1" "$(quoted '"type":"ok","id":"in"')"
}

@test "protocol: a value arrives as it was meant, whatever it is made of, in whatever format" {
    about IM_SERVER
    start "$IM_SERVER"
    {
        login a zhangsan
        login b lisi
        good | while IFS= read -r row; do
            format=${row%% *} payload=${row#* }
            printf 'say %s\n' "${payload//|/ means: }"
            printf 'a > ' && framed "$format" "${payload%|*}" && echo
            printf 'b <* %s\n' "$(quoted "$(printf '"body":"%b","number":' "${payload##*|}")")"
        done
    } >"$TMP/script"
    speak <"$TMP/script"
}

@test "protocol: a value is written so that the receiver's format can carry it" {
    about IM_SERVER
    start "$IM_SERVER"
    cat >"$TMP/written" <<'END'
text Login://id="1",username="lisi",password="123456" text="<b> & \\"q\\" \\\\ ]]>\\r\\n\\t吃",number="1"
xml <login><id>1</id><name>lisi</name><password>123456</password></login> <body>&lt;b&gt; &amp; "q" \\ ]]&gt;&#13;\n\t吃</body><number>1
json {"type":"login","id":"1","name":"lisi","password":"123456"} "body":"<b> & \\"q\\" \\\\ ]]>\\r\\n\\t吃","number":1
END
    {
        login a zhangsan
        echo "a > $(framed json '{"type":"msg","id":"1","to":"lisi","body":"<b> & \\"q\\" \\\\ ]]>\\r\\n\\t吃"}')"
        echo "a <* $(quoted '"type":"ok","id":"1"')"
        while read -r format first body; do
            echo "say in $format, special characters are written as its rules have it"
            echo "$format > $(framed "$format" "$first")"
            echo "$format <* $(quoted "$(printf %b "$body")")"
            echo "$format close"
        done <"$TMP/written"
    } >"$TMP/script"
    speak <"$TMP/script"
}

# What is no message: the format, the offset of the mistake, the payload (as for printf %b) up to the last |.
bad() {
    cat <<'END'
text 0 |
text 0 ://id="1"|
text 0 1msg://id="1"|
text 0  msg://id="1"|
text 3 msg|
text 3 msg:/id="1"|
text 6 msg://="1"|
text 8 msg://id|
text 9 msg://id=1|
text 9 msg://id='1'|
text 10 msg://id="|
text 11 msg://id="1|
text 12 msg://id="1" |
text 12 msg://id="1"x="2"|
text 13 msg://id="1",|
text 13 msg://id="1",,x="2"|
text 13 msg://id="1",id="2"|
text 10 msg://id="\\u0031"|
text 10 msg://id="\\x"|
text 11 msg://id="1\\|
text 11 msg://id="1\n"|
text 10 msg://id="\xff"|
text 10 msg://id="\xc0\xaf"|
text 10 msg://id="\xed\xa0\x80"|
text 11 msg://id="1\xe5\x90"|
text 10 msg://id="\xef\xbf\xbe"|
text 11 msg://id="1\0000"|
text 9 msg://x="\x1b[2J"|
json 0 |
json 0 [1]|
json 1 {|
json 1 {,}|
json 1 {type:"msg"}|
json 0 {}|
json 0 {"id":"1"}|
json 8 {"type" "msg"}|
json 8 {"type":true}|
json 8 {"type":{}}|
json 8 {"type":'msg'}|
json 14 {"type":"msg",}|
json 14 {"type":"msg","type":"msg"}|
json 21 {"type":"msg","id":1,"id":1}|
json 21 {"type":"msg","id":1,"\\u0069d":1}|
json 19 {"type":"msg","id":-1}|
json 20 {"type":"msg","id":01}|
json 20 {"type":"msg","id":1.5}|
json 20 {"type":"msg","id":1e3}|
json 20 {"type":"msg","id":"\\ud800"}|
json 21 {"type":"msg","id":"1\\ud800x"}|
json 20 {"type":"msg","id":"\\udc00\\ud800"}|
json 20 {"type":"msg","id":"\\ud800\\ud800"}|
json 20 {"type":"msg","id":"\\u12g4"}|
json 20 {"type":"msg","id":"\\u0000"}|
json 20 {"type":"msg","id":"\\u001b"}|
json 20 {"type":"msg","id":"\\uFFFF"}|
json 20 {"type":"msg","id":"\\b"}|
json 21 {"type":"msg","id":"1\t"}|
json 20 {"type":"msg","id":"\xe5\x90"}|
json 14 {"type":"msg"}}|
json 15 {"type":"msg"} x|
json 0 \xef\xbb\xbf{"type":"msg"}|
xml 0 |
xml 0 x<who/>|
xml 1 <!DOCTYPE who [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><who><id>&b;</id></who>|
xml 1 <!-- x --><who/>|
xml 1 <?xml version="1.1"?><who/>|
xml 2 \n<?xml version="1.0"?><who/>|
xml 1 <?php x?><who/>|
xml 5 <who id="1"/>|
xml 6 <who/>x|
xml 6 <who/><who/>|
xml 5 <who>1</who>|
xml 6 <who><![CDATA[x]]></who>|
xml 9 <who><id><![CDATA[x]]></id></who>|
xml 10 <who></who|
xml 7 <who></id>|
xml 9 <who><id><x/></id></who>|
xml 12 <who><id>1</x></who>|
xml 17 <who><id>1</id></x>|
xml 16 <who><id>1</id><id>2</id></who>|
xml 9 <who><id>&b;</id></who>|
xml 9 <who><id>&LT;</id></who>|
xml 9 <who><id>&</id></who>|
xml 9 <who><id>&#;</id></who>|
xml 9 <who><id>&#x;</id></who>|
xml 9 <who><id>&#65</id></who>|
xml 9 <who><id>&#X41;</id></who>|
xml 9 <who><id>&#0;</id></who>|
xml 9 <who><id>&#27;</id></who>|
xml 9 <who><id>&#xD800;</id></who>|
xml 9 <who><id>&#x110000;</id></who>|
xml 9 <who><id>&#99999999999999999999999;</id></who>|
xml 9 <who><id>&#18446744073709551681;</id></who>|
xml 11 <who><id>]]></id></who>|
xml 9 <who><id>\xff</id></who>|
xml 10 <who><id>1\0000</id></who>|
END
}

@test "protocol: what is no message is answered with the offset of the mistake, and the next one is read" {
    takes_long
    about IM_SERVER
    start "$IM_SERVER"
    {
        login a zhangsan
        bad | while IFS= read -r row; do
            format=${row%% *} payload=${row#* }
            at=${payload%% *} payload=${payload#* }
            case $format in
            text) expected='code="parse",at="'$at'"' ;;
            json) expected='"code":"parse","at":'$at'}' ;;
            xml) expected='<code>parse</code><at>'$at'</at></error>' ;;
            esac
            printf 'say in %s this is wrong at byte %s: %s\n' "$format" "$at" "${payload%|}"
            printf 'a > ' && framed "$format" "${payload%|}"
            printf '\na <* ' && quoted "$expected" && echo
        done
        echo 'say after a hundred mistakes the connection still works'
        echo "a > $(framed json '{"type":"who","id":"last"}')"
        echo "a <* $(quoted '"type":"ok","id":"last"')"
    } >"$TMP/script"
    speak <"$TMP/script"
}

@test "protocol: a frame that cannot be is refused by its header, and ends the connection" {
    about IM_SERVER
    start "$IM_SERVER"
    {
        for header in 00010001 ffffffff 80000000; do
            for format in 01 02 03 04; do
                echo "say a length of $header is refused before a byte of the payload has come"
                echo "a$header$format > $(sed 's/../\\x&/g; s/.*/"&"/' <<<"$header$format")"
                echo "a$header$format <* $(quoted 'code="frame"')"
                echo "a$header$format eof"
            done
        done
        for format in 00 05 ff; do
            echo "say there is no format $format"
            echo "b$format > \"\\x00\\x00\\x00\\x01\\x$format\""
            echo "b$format <* $(quoted 'code="frame"')"
            echo "b$format eof"
        done
        echo 'say the error comes in the format in which the client spoke last'
        login c lisi
        echo 'c > "\xff\xff\xff\xff\xff"'
        echo "c <* $(quoted '"code":"frame"}')"
        echo 'c eof'
        echo 'say 65,536 bytes are not too many'
        login d lisi
        echo "d > \"\\x00\\x01\\x00\\x00\\x02\" $(quoted '{"type":"who","id":"long","x":"') \"x\"*65503 $(quoted '"}')"
        echo "d <* $(quoted '"ok","id":"long"')"
    } >"$TMP/script"
    speak <"$TMP/script"
}

# Plays a session of the page: turns its lines into poke's steps. Values of time are any digits, values of path any
# path; the words of an error, and of a bye, are the server's own.
session_script() { # SERVER
    local who direction header payload hex='\x'
    sed -n "/^\`\`\`session $1/,/^\`\`\`$/p" "$PAGE" | grep -v '^```' |
        sed -E 's/^([^ ]+) +([CS]): (the end|((.. ){4}..)(  )?(.*))$/\1|\2|\3|\4|\7/' |
        while IFS='|' read -r who direction header _ payload; do
            [ "$header" != 'the end' ] || { ends "$who" "$direction" && continue; }
            header=${header:0:14}
            printf 'say the example of PROTOCOL.md: %s %s: %s  %s\n' "$who" "$direction" "$header" "$payload"
            if [ "$direction" = C ]; then
                printf '%s > "\\x%s" %s\n' "$who" "${header// /$hex}" "$(quoted "$payload")"
            else
                expected "$who" "\"\\x${header// /$hex}\"" "$payload"
            fi
        done
}

ends() { # WHO DIRECTION
    if [ "$2" = S ]; then echo "$1 eof"; else echo "$1 close"; fi
}

expected() { # WHO HEADER PAYLOAD
    local volatile='^(.*"?(time|path)"?[:>]"?)([0-9a-f]{32}|[0-9]{10})(.*)$'
    if [[ $3 == error:* ]]; then
        printf '%s <* %s\n' "$1" "$(quoted "${3##*\",code=}")"
    elif [[ $3 == *'"bye"'* ]]; then
        printf '%s <* %s\n' "$1" "$(quoted "${3##*\",\"code\":}")"
    elif [[ $3 =~ $volatile ]]; then
        printf '%s < %s %s\n' "$1" "$2" "$(quoted "${BASH_REMATCH[1]}")"
        printf '%s <* %s\n' "$1" "$(quoted "${BASH_REMATCH[4]}")"
    else
        printf '%s < %s %s\n' "$1" "$2" "$(quoted "$3")"
    fi
}

@test "protocol: im_server plays the session of PROTOCOL.md" {
    about IM_SERVER
    start "$IM_SERVER"
    session_script im_server >"$TMP/script"
    [ "$(grep -c '^[a-z]* [<>]' "$TMP/script")" -gt 28 ]
    speak <"$TMP/script"
}

@test "protocol: file_server plays the session of PROTOCOL.md" {
    about FILE_SERVER
    start "$FILE_SERVER" -d "$TMP/files"
    session_script file_server >"$TMP/script"
    sed '/"get"/,$d' "$TMP/script" | speak # the path is known only now
    path=$(cd "$TMP/files" && printf '%s\n' ????????????????????????????????)
    sed "s/\"path\":\"[0-9a-f]*\"/\"path\":\"$path\"/" "$PAGE" >"$TMP/page"
    PAGE=$TMP/page
    session_script file_server | sed -n '/"get"/,$p' | speak
}

@test "protocol: the bytes of the pages are those of the message beside them" {
    ours
    for page in "$PAGE" "$TOP/03-custom-protocol/README.md"; do
        for format in text json xml; do
            sed -n "/^\`\`\`hex $format/,/^\`\`\`$/p" "$page" | grep '^[0-9a-f]' | cut -c 1-48 | tr -s ' \n' ' ' >"$TMP/shown"
            printf '{"type":"msg","id":"7","to":"lisi","body":"吃饭了吗"}' | "$CODEC" convert json $format |
                "$CODEC" frame $format | od -An -v -tx1 | tr -s ' \n' ' ' | sed 's/^ //; s/ *$/ /' >"$TMP/right"
            echo "rule: the $format frame of section 2.4 has these bytes (shown, right)"
            diff <(sed 's/ *$//' "$TMP/shown") <(sed 's/ *$//' "$TMP/right")
        done
    done
}

@test "protocol: the options and the codes that the checks use are on the page" {
    ours
    local code
    options_on_page "$PAGE" 8 'start ".IM_SERVER"' 03-im.bats
    options_on_page "$PAGE" 8 'start ".FILE_SERVER"|^ *files' 03-file.bats
    options_on_page "$PAGE" 8 '".IM_CLIENT"|^ *servers|as|stays' 03-client.bats
    fair_checks 03-im.bats 03-file.bats |
        sed -n 's/^ *.(error .* \([a-z_]*\))$/\1/p; s/^ *.(refused .* \([a-z_]*\))$/\1/p' | sort -u >"$TMP/codes"
    [ "$(wc -l <"$TMP/codes")" -ge 10 ]
    while read -r code; do
        echo "rule: the code $code is in section 5"
        grep -q "^| \`$code\` |" "$PAGE"
    done <"$TMP/codes"
}
