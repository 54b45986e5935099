#!/usr/bin/env bats
# What the instant messaging client promises ($IM_CLIENT), with $IM_SERVER and $FILE_SERVER behind it. What one of
# somebody's own has to have is in section 8 of PROTOCOL.md.
# Grades: IM_CLIENT

load helpers

COURIER=$TOP/tests/courier
TALK=$TOP/tests/im_talk

# Starts both servers.
servers() { # [OPTION-OF-FILE-SERVER...]
    export TZ=UTC
    start "$FILE_SERVER" -d "$TMP/files" "$@"
    FILE_PID=$PID FILE_PORT=$PORT
    start "$IM_SERVER"
    cd "$TMP" || return
}

# Somebody whose input is stdin; the others come with their names. Prints what he reads; his stderr is in NAME.err.
as() { # NAME [OPTION...]
    local name=$1
    shift
    within 20 "$IM_CLIENT" -u "$name" -w 123456 -F "$FILE_PORT" "$@" "$HOST" "$PORT" 2>"$TMP/$name.err"
}

# Somebody who stays, in the background: types NAME LINE; read what he reads in NAME.out.
stays() { # DESCRIPTOR NAME [OPTION...]
    local name=$2
    mkfifo "$TMP/$name.in"
    eval "exec $1<>\"\$TMP/$name.in\""
    shift 2
    "$IM_CLIENT" -u "$name" -w 123456 -F "$FILE_PORT" "$@" "$HOST" "$PORT" \
        <"$TMP/$name.in" >"$TMP/$name.out" 2>"$TMP/$name.err" 3>&- 5>&- 6>&- &
    STARTED+=($!)
    said "$name" 'logged in'
}

types() { echo "$2" >"$TMP/$1.in"; }
reads() { LOG=$TMP/$1.out logged "$2"; }
said() { LOG=$TMP/$1.err logged "$2"; }

# Fails unless a client has said on stderr what matches. The words of somebody's own client are its own.
told() { # FILE EXTENDED-REGULAR-EXPRESSION
    [ -n "${OWN-}" ] || grep -qE -- "$2" "$1"
}

# Waits until a file has come whole.
arrives() { # SENT FILE
    local tries
    for ((tries = 0; tries < TRIES; tries++)); do
        cmp -s "$1" "$2" && return
        pause
    done
    cmp "$1" "$2"
}

@test "im client: what is written in any format arrives in any other" {
    local from to text='吃饭了吗? "quoted" <b>&amp;</b> \n back\slash, {a: [1]} 😀'
    servers
    for from in text json xml; do
        for to in text json xml; do
            as zhangsan -f $from <<<"lisi: $text"
            as lisi -f $to </dev/null >out
            echo "from $from to $to: $(cat out)"
            [[ $(cat out) =~ ^[0-9][0-9]:[0-9][0-9]\ zhangsan:\  ]]
            [ "$(cut -d ' ' -f 3- out)" = "$text" ]
        done
    done
    told lisi.err '^im_client: logged in as lisi, 1 message waiting$'
}

@test "im client: two people talk, one in JSON and one in XML" {
    servers
    stays 5 zhangsan -f json
    stays 6 lisi -f xml
    types zhangsan 'lisi: 吃饭了吗'
    reads lisi '^[0-9:]{5} zhangsan: 吃饭了吗$'
    types lisi 'zhangsan:还没'
    reads zhangsan '^[0-9:]{5} lisi: 还没$'
    types lisi /quit
    reads zhangsan '^\* lisi is away$'
    stays 7 wangwu
    rm lisi.in
    stays 6 lisi
    reads zhangsan '^\* lisi is online$'
    types zhangsan /who
    reads zhangsan '^\* wangwu is online$'
}

@test "im client: a pipe of 500 messages arrives whole and in order, and only once" {
    servers
    seq -f 'lisi: message %g' 500 | as zhangsan >zhangsan.out
    [ ! -s zhangsan.out ]
    as lisi </dev/null | cut -d ' ' -f 3- >out
    seq -f 'message %g' 500 | cmp - out
    [ "$(as lisi </dev/null | wc -l)" -eq 0 ]
}

@test "im client: a message that could not be printed is not acknowledged" {
    local status=0
    servers
    as zhangsan <<<'lisi: do not lose me'
    mkfifo gone
    exec 8<>gone
    exec 7>gone 8>&- # a pipe that nobody reads any more
    as lisi </dev/null >&7 || status=$?
    exec 7>&-
    [ $status -eq 1 ]
    told <(tail -n 1 lisi.err) '^im_client: cannot write the output: '
    as lisi </dev/null | grep -q 'do not lose me'
    [ "$(as lisi </dev/null | wc -l)" -eq 0 ]
}

@test "im client: while its reader is stuck it does not acknowledge" {
    local i client
    servers
    for ((i = 0; i < 30; i++)); do printf 'lisi: %d %s\n' $i "$(printf 'x%.0s' {1..4090})"; done | as zhangsan
    mkfifo stuck
    exec 7<>stuck
    within 1 cat /dev/zero >&7 || true # the pipe is full: then there is room for less than one message
    "$IM_CLIENT" -u lisi -w 123456 "$HOST" "$PORT" </dev/null >stuck 2>lisi.err 3>&- 7>&- &
    client=$!
    STARTED+=("$client")
    said lisi 'logged in'
    head -c 4096 <&7 >/dev/null
    sleep 0.3 # in which all 30 come, and it must not say that they are read
    kill -s KILL $client
    wait $client || true
    exec 7>&-
    [ "$(as lisi </dev/null | wc -l)" -eq 30 ]
}

@test "im client: /history and /who print on stdout" {
    servers
    printf '%s\n' 'lisi: one' 'lisi: two' 'lisi: three' '/history lisi 2' /who '/history wangwu' | as zhangsan >out
    [ "$(cut -d ' ' -f 2- out)" = "$(printf '%s\n' 'zhangsan: two' 'zhangsan: three' 'lisi is away')" ]
    told <(tail -n 1 zhangsan.err) '^im_client: no messages with wangwu$'
}

@test "im client: what goes wrong is said on stderr, and the talk goes on" {
    ours
    servers
    {
        printf '%s\n' 'nobody: hi' 'no colon' '/nope' '/send lisi missing.png' '/get 123' "lisi: $(printf 'x%.0s' {1..4097})"
        printf 'lisi: %s\n' "$(printf 'y%.0s' {1..9000})"
        printf 'lisi: \xef\xbf\xbf\nlisi: \e[31m\0\xff\xc2\x9b2J\r\n\r\nlisi: the last'
    } | as zhangsan
    for line in 'nobody: .*nobody of that name' 'write NAME: TEXT, or /help' '/nope is no command; /help shows them' \
        'missing.png: No such file or directory' '123: a path has 32 digits.*' 'lisi: .*' 'a line has at most .* bytes' \
        'lisi: this cannot be said in a message'; do
        echo "missing: $line"
        grep -qxE "im_client: $line" zhangsan.err
    done
    [ "$(as lisi </dev/null | cut -d ' ' -f 3-)" = '?[31m????2J
the last' ]
}

@test "im client: after what could not be sent the talk goes on" {
    servers
    printf '%s\n' 'nobody: hi' 'no colon' '/nope' '/send lisi missing.png' '/get 123' 'lisi: the last' | as zhangsan
    [ "$(as lisi </dev/null | cut -d ' ' -f 3-)" = 'the last' ]
}

@test "im client: a file of 20 MiB goes from one to the other, byte for byte" {
    local path
    servers
    head -c 20971520 /dev/urandom >cat.png
    mkdir lisi
    stays 6 lisi -f xml
    echo '/send lisi cat.png' | as zhangsan -f json
    told zhangsan.err '^im_client: cat.png: sent$'
    reads lisi '^[0-9:]{5} zhangsan sends you cat\.png \(20971520 bytes\): /get [0-9a-f]{32}$'
    path=$(sed -n 's|.*: /get ||p' lisi.out)
    types lisi "/get $path lisi/cat.png"
    arrives cat.png lisi/cat.png
    [ -n "${OWN-}" ] || said lisi '^im_client: lisi/cat.png: received, 20971520 bytes$'
    [ "$(ls lisi)" = cat.png ]
}

@test "im client: five files at once, while somebody talks" {
    local i
    servers
    mkdir in out
    for i in 1 2 3 4 5; do head -c $((i * 300000)) /dev/urandom >in/$i.bin; done
    kill -s STOP "$FILE_PID"
    stays 5 zhangsan
    for i in 1 2 3 4; do types zhangsan "/send lisi in/$i.bin"; done
    types zhangsan 'lisi: 等一下'
    stays 6 lisi
    reads lisi 等一下
    kill -s CONT "$FILE_PID"
    types zhangsan '/send lisi in/5.bin'
    for i in 1 2 3 4 5; do reads lisi " sends you $i.bin "; done
    (cd out && sed -n 's|.*: \(/get .*\)|\1|p' ../lisi.out | as lisi 7>&-)
    for i in 1 2 3 4 5; do [ -e out/$i.bin ] || mv out/*"$(sed -n "s|.*$i.bin.*/get ||p" lisi.out)" out/$i.bin; done
    for i in 1 2 3 4 5; do cmp in/$i.bin out/$i.bin; done
}

@test "im client: an interrupted download goes on where it was" {
    ours
    local path part status=0
    servers
    head -c 20971520 /dev/urandom >in
    path=$("$COURIER" put "$HOST" "$FILE_PORT" <in)
    (ulimit -f 4096 && echo "/get $path cat.png" | as lisi) || status=$? # it dies, or complains, at 4 MiB
    [ ! -e cat.png ]
    part=$(echo ./*.part)
    [ "$(wc -c <"$part")" -eq 4194304 ]
    printf 'not the file at all' | dd of="$part" conv=notrunc 2>dd.err # only the rest is fetched
    echo "/get $path cat.png" | as lisi
    tail -c +20 in >in.rest
    { printf 'not the file at all'; cat in.rest; } | cmp - cat.png
    [ "$(find . -name '*.part' | wc -l)" -eq 0 ]
}

@test "im client: it overwrites no file" {
    local path
    servers
    echo new >new
    path=$("$COURIER" put "$HOST" "$FILE_PORT" <new)
    echo old >cat.png
    printf '%s\n' "/get $path cat.png" "/get $path other.png" | as lisi
    told lisi.err '^im_client: cat.png: there is already a file of this name'
    [ "$(cat cat.png)" = old ]
    cmp other.png new
    [ "$(find . -name '*.part' | wc -l)" -eq 0 ]
}

@test "im client: where a file system has no links a file gets its name, too, but not that of another one" {
    ours
    local path other
    command -v strace >/dev/null || skip "strace is not installed"
    no_links() { strace -f -qq -o "$TMP/trace" -e trace='?link,?linkat' -e inject='?link,?linkat:error=EPERM' "$@"; }
    no_links true || skip "strace may not be used here"
    servers
    head -c 300000 /dev/urandom >in
    path=$("$COURIER" put "$HOST" "$FILE_PORT" <in)
    echo other >other
    other=$("$COURIER" put "$HOST" "$FILE_PORT" <other)
    printf '%s\n' "/get $path cat.png" "/get $path one.png" "/get $other one.png" >typed
    no_links "$IM_CLIENT" -u lisi -w 123456 -F "$FILE_PORT" "$HOST" "$PORT" <typed 2>err
    cat trace err
    grep -q 'EPERM.*INJECTED' trace
    cmp in cat.png
    echo "rule: of two files that are fetched under one name at the same time the first one gets it"
    cmp in one.png || cmp other one.png
    grep -q '^im_client: one.png: File exists' err
    [ "$(find . -name '*.part' | wc -l)" -eq 1 ]
}

@test "im client: the name that a sender gives a file can do no harm" {
    local name path i=0
    servers
    mkdir -p home/in
    echo contents >file
    path=$("$COURIER" put "$HOST" "$FILE_PORT" <file)
    {
        echo 'a > {"type":"login","id":"1","name":"zhangsan","password":"123456"}'
        echo 'a < {"type":"ok","id":"1","count":"0"}'
        for name in '../../evil.txt' "$TMP/evil.txt" '.bashrc' '../.bashrc' '-rf' 'a/' 'red\u009b31m.txt'; do
            echo 'a > {"type":"msg","id":"'"m$((++i))"'","to":"lisi","body":"'"$name"'","path":"'"$path"'","size":"9"}'
            echo 'a skip 1'
        done
    } | "$TALK" "$HOST" "$PORT"
    cd home/in
    as lisi </dev/null >"$TMP/out"
    told "$TMP/out" ' sends you red\?\?31m\.txt '
    for name in '../../evil.txt' "$TMP/evil.txt" '.bashrc' '../.bashrc' '-rf' 'a/' 'red\u009b31m.txt'; do
        echo "offered as $name"
        i=$((i + 1))
        {
            echo 'a > {"type":"login","id":"1","name":"zhangsan","password":"123456"}'
            echo 'a skip 1'
            echo 'a > {"type":"msg","id":"n'"$i"'","to":"lisi","body":"'"$name"'","path":"'"$path"'","size":"9"}'
            echo 'a skip 1'
        } | "$TALK" "$HOST" "$PORT"
        echo "/history zhangsan 1
/get $path" | as lisi >"$TMP/out"
        [ -z "${OWN-}" ] || rm -f -- *
        [ -n "${OWN-}" ] || case $name in
        */evil.txt) cmp evil.txt "$TMP/file" && rm evil.txt ;;
        red*) cmp 'red??31m.txt' "$TMP/file" && rm red* ;;
        *) grep -q 'give it another one: /get PATH NAME$' "$TMP/lisi.err" ;;
        esac
    done
    echo 'rule: what is fetched becomes a file in this folder, that is not hidden, or none'
    ls -A . ..
    [ -z "$(ls -A)" ]
    [ "$(ls -A ..)" = in ]
    [ ! -e "$TMP/evil.txt" ]
}

@test "im client: without the file server, or over its limit, it says so and goes on" {
    servers -m 10
    echo '01234567890' >eleven
    printf '%s\n' '/send lisi eleven' "/get 00000000000000000000000000000000 x" | as zhangsan
    told zhangsan.err '^im_client: eleven: .*10 bytes'
    told zhangsan.err '^im_client: x: '
    [ "$(find . -name 'x*' | wc -l)" -eq 0 ]
    kill -s KILL "$FILE_PID"
    wait "$FILE_PID" || true
    printf '%s\n' '/send lisi eleven' 'lisi: 你好' | as zhangsan
    told zhangsan.err '^im_client: eleven: Connection refused'
    as lisi </dev/null | grep -q 你好
}

@test "im client: a wrong password ends it, and so does a server that goes: exit code 1" {
    local status=0
    servers
    within 20 "$IM_CLIENT" -u lisi -w wrong "$HOST" "$PORT" </dev/null 2>err || status=$?
    [ $status -eq 1 ]
    told err '^im_client: login: '
    [ -n "${OWN-}" ] || [ "$(wc -l <err)" -eq 1 ]
    stays 5 zhangsan
    zhangsan=$!
    status=0
    kill -s KILL "$PID"
    wait "$zhangsan" || status=$?
    [ $status -eq 1 ]
    told <(tail -n 1 zhangsan.err) "^im_client: $HOST:$PORT hung up\$"
}

@test "im client: a second login takes over, and the first one is told" {
    local status=0
    servers
    stays 5 zhangsan
    zhangsan=$!
    as zhangsan </dev/null
    wait "$zhangsan" || status=$?
    [ $status -eq 1 ]
    cat zhangsan.err
    told zhangsan.err "^im_client: $HOST:$PORT: ."
}

@test "im client: SIGTERM and SIGINT end it within a second, exit code 0" {
    local signal
    servers
    for signal in TERM INT; do
        rm -f zhangsan.in zhangsan.err
        stays 5 zhangsan
        PID=$!
        stops_on $signal
    done
}

@test "im client: the password may come in the environment; -f and -F are checked" {
    ours
    local status=0
    servers
    USER=lisi IM_PASSWORD=123456 within 20 "$IM_CLIENT" "$HOST" "$PORT" </dev/null
    "$IM_CLIENT" -f yaml 2>err || status=$?
    [ $status -eq 2 ]
    [ "$(head -n 1 err)" = "im_client: 'yaml' is not text, json or xml" ]
    "$IM_CLIENT" -F 65536 2>err || status=$?
    [ $status -eq 2 ]
}

@test "im client: -v shows the wire and what each frame means" {
    ours
    servers
    as zhangsan -v -f json <<<'lisi: 你好'
    grep -qE "^$HOST:$PORT <- frame: json, [0-9]+ bytes: msg id=[^ ]+ to=lisi body=你好$" zhangsan.err
    grep -qE "^$HOST:$PORT -> frame: json, [0-9]+ bytes: ok id=" zhangsan.err
    grep -q '^ *0  00 00 00 ' zhangsan.err
}

@test "im client: a download over a file size limit, or without a descriptor, is an error, and the talk goes on" {
    ours
    servers
    head -c 300000 /dev/urandom >big
    path=$("$COURIER" put "$HOST" "$FILE_PORT" <big)
    echo 'rule: where a file may not grow further, write() fails; the signal SIGXFSZ must not end the program'
    (ulimit -f 64 && printf '/get %s got\nlisi: hello\n' "$path" | as zhangsan)
    grep -qx 'im_client: got: File too large' zhangsan.err
    [ ! -e got ]
    as lisi </dev/null | grep -q 'zhangsan: hello'
    echo 'rule: what is said is what went wrong'
    with_descriptors() { # COUNT
        printf '#!/bin/sh\nexec 3>&- 4>&- 5>&-\nulimit -n %d\nexec "%s" "$@"\n' "$1" "$IM_CLIENT" >limited
        chmod +x limited
        printf '/get %s got\nlisi: hello\n' "$path" | IM_CLIENT=./limited as zhangsan
    }
    for ((count = 4; count < 20; count++)); do with_descriptors $count && break; done
    echo "with $count descriptors it can talk: then there is none for the file"
    cat zhangsan.err
    grep -qE '^im_client: got: (Too many open files|No file descriptors available)$' zhangsan.err
    as lisi </dev/null | grep -q 'zhangsan: hello'
    for more in 1 2; do
        echo "with $more more, there is none for something else, and at last for the connection that brings it"
        with_descriptors $((count + more))
        cat zhangsan.err
        grep -qE '^im_client: got: (Too many open files|No file descriptors available)$' zhangsan.err
        as lisi </dev/null | grep -q 'zhangsan: hello'
    done
}

@test "im client: a line that is too long is refused once, wherever it ends" {
    ours
    local length end
    servers
    for length in 5120 5121 10240 20000; do
        for end in '' '\n' '\nlisi: hello\n'; do
            { head -c $length /dev/zero | tr '\0' x; printf %b "$end"; } | as lisi >out
            echo "rule: $length bytes and '$end': one note, and the next line is obeyed"
            cat lisi.err
            [ "$(grep -c 'a line has' lisi.err)" -eq 1 ]
            [ "$(wc -l <lisi.err)" -eq 2 ]
            [ -z "${end#'\n'}" ] || grep -q 'lisi: hello' out
        done
    done
}

@test "im client: a name may be as long as a file system has it: the temporary one does not grow with it" {
    ours
    local name path
    servers
    head -c 300000 /dev/urandom >in
    path=$("$COURIER" put "$HOST" "$FILE_PORT" <in)
    for name in "$(printf 'x%.0s' {1..255})" "$(printf '猫%.0s' {1..85})"; do
        as lisi <<<"/get $path $name"
        cat lisi.err
        cmp in "$name"
    done
    echo 'rule: a name that is too long is refused before anything is fetched'
    as lisi <<<"/get $path x$name"
    grep -q ': File name too long$' lisi.err
    [ "$(find . -name '*.part' | wc -l)" -eq 0 ]
}

# Begins a download to a folder, and stops the file server in the middle of it.
begin_download() { # FOLDER
    servers
    mkdir "$1"
    head -c 300000 /dev/urandom >in
    path=$("$COURIER" put "$HOST" "$FILE_PORT" <in)
    kill -s STOP "$FILE_PID"
    stays 5 lisi
    CLIENT=$!
    types lisi "/get $path $1/cat.png"
    until [ "$(find "$1" -name '*.part' | wc -l)" -eq 1 ]; do pause; done
}

@test "im client: a folder that gets another name while a file comes is still the one where it appears" {
    ours
    begin_download there
    mv there elsewhere
    mkdir there
    kill -s CONT "$FILE_PID"
    said lisi '^im_client: there/cat.png: received, 300000 bytes$'
    cmp in elsewhere/cat.png
    [ "$(ls elsewhere)" = cat.png ]
    [ -z "$(ls -A there)" ]
}

@test "im client: SIGHUP ends it as SIGTERM does, and leaves no empty file behind" {
    ours
    local signal
    for signal in $(endings); do
        rm -rf "$TMP/lisi.in" "$TMP/lisi.err" "$TMP/there" "$TMP/files"
        begin_download there
        PID=$CLIENT stops_on "$signal"
        kill -s CONT "$FILE_PID"
        [ -z "$(ls -A there)" ]
    done
}

@test "im client: under nohup SIGHUP is ignored" {
    ours
    local client
    printf '#!/bin/sh\ntrap "" HUP\nexec "%s" "$@"\n' "$IM_CLIENT" >"$TMP/nohup"
    chmod +x "$TMP/nohup"
    servers
    IM_CLIENT=$TMP/nohup stays 5 lisi
    client=$!
    kill -s HUP $client
    as zhangsan <<<'lisi: are you there'
    reads lisi 'zhangsan: are you there$'
    kill -0 $client
}

# Runs somebody with some of the three standard descriptors closed. Sets STATUS.
closed() { # REDIRECTIONS
    STATUS=0
    eval "within 10 \"\$IM_CLIENT\" -u lisi -w 123456 -F \$FILE_PORT \$HOST \$PORT $1" || STATUS=$?
    echo "im_client $1: exit code $STATUS"
}

@test "im client: with its input closed it says so, with its output closed it loses nothing, and neither gets a socket" {
    ours
    servers
    as zhangsan <<<'lisi: do not lose me'
    closed '<&- >out 2>err'
    cat err
    [ $STATUS -eq 1 ]
    grep -q '^im_client: cannot read the input: ' err
    for output in '>&-' '>/dev/full'; do
        [ "$output" = '>&-' ] || [ -c /dev/full ] || continue
        closed "</dev/null $output 2>err"
        cat err
        [ $STATUS -eq 1 ]
        grep -q '^im_client: cannot write the output: ' err
    done
    closed '<&- >&- 2>&-'
    [ $STATUS -eq 1 ]
    closed '</dev/null >out 2>&-'
    [ $STATUS -eq 0 ]
    grep -q 'zhangsan: do not lose me$' out
    echo 'rule: nothing but the protocol goes to the server, which would say so'
    [ "$(grep -c frame "$LOG")" -eq 0 ]
}

@test "im client: with its stderr closed nothing of what it says gets into a file that it fetches" {
    ours
    local path
    servers
    head -c 3000000 /dev/urandom >in
    path=$("$COURIER" put "$HOST" "$FILE_PORT" <in)
    printf '/get %s got\nnobody: hi\nno command\n' "$path" >typed
    closed '<typed >out 2>&-'
    cmp in got
    closed '<typed >out 2>&- -v'
    [ "$(find . -name '*.part' | wc -l)" -eq 0 ]
}

@test "im client: marks that turn the direction of a text are neither shown nor saved, in names, texts and names of files" {
    ours
    local path
    servers
    echo contents >file
    path=$("$COURIER" put "$HOST" "$FILE_PORT" <file)
    {
        echo 'a > {"type":"login","id":"1","name":"zhangsan","password":"123456"}'
        echo 'a < {"type":"ok","id":"1","count":"0"}'
        echo 'a > {"type":"msg","id":"m","to":"lisi","body":"e\u202egnp.exe","path":"'"$path"'","size":"9"}'
        echo 'a skip 1'
        echo 'a > {"type":"msg","id":"n","to":"lisi","body":"a\u2066b\u2069\u2028c \ud83d\udc69\u200d\ud83d\ude80"}'
        echo 'a skip 1'
    } | "$TALK" "$HOST" "$PORT"
    echo "/get $path" | as lisi >out
    cat out
    grep -q ' zhangsan sends you e???gnp\.exe ' out
    grep -q ' zhangsan: a???b??????c 👩‍🚀$' out
    cmp 'e???gnp.exe' file
    [ "$(cat out lisi.err | LC_ALL=C grep -c $'\xe2\x80\xae')" -eq 0 ]
}

@test "im client: a file server that does not even refuse is given up, and the talk goes on meanwhile" {
    servers
    echo hello >file
    local server_port=$PORT
    start "$COURIER" deaf
    FILE_PORT=$PORT PORT=$server_port
    if within 1 bash -c "exec 5<>/dev/tcp/127.0.0.1/$FILE_PORT" 2>/dev/null; then
        skip "this system lets in whom it was told to keep out"
    fi
    printf '%s\n' '/send zhangsan file' 'zhangsan: hello' | as lisi
    cat lisi.err
    told lisi.err '^im_client: file: (Connection|Operation) timed out$'
    as zhangsan </dev/null | grep -q 'lisi: hello'
}
