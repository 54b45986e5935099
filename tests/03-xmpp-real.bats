#!/usr/bin/env bats
# The XMPP server ($XMPP_SERVER) with clients that others have made: slixmpp (Python), sendxmpp (Perl), libstrophe (C),
# profanity (a person's), npm's @xmpp/client. `sh tests/install.sh all` installs them; what is missing is skipped.
# Grades: XMPP_SERVER

load helpers

needs() { builtin type -P "$1" >/dev/null || skip "$1 is not installed"; } # type -P finds programs, and not the functions here

# Lets slixmpp play a theme.
slixmpp() { # THEME [OPTION-OF-THE-SERVER...]
    local python
    for python in python3 /usr/bin/python3 ''; do
        "$python" -c 'import importlib.util as i; exit(i.find_spec("slixmpp") is None)' 2>/dev/null && break
    done
    [ -n "$python" ] || skip "slixmpp is not installed"
    start "$XMPP_SERVER" "${@:2}"
    within 30 "$python" "$TOP/tests/xmpp_slixmpp.py" "$1" "$HOST" "$PORT" 3>&-
}

@test "xmpp real: slixmpp logs in, by SCRAM-SHA-1 and PLAIN, and not with a wrong password" { slixmpp login; }

@test "xmpp real: slixmpp gets its roster, and sees the others come and go" { slixmpp roster; }

@test "xmpp real: slixmpp talks both ways: Chinese, emoji, <&>, 50,000 bytes; 200 messages in order" { slixmpp talk; }

@test "xmpp real: slixmpp gets what was said while it was away, with its time, and only once" {
    TZ=CST-8 slixmpp away # the server is in China, the time in UTC
}

@test "xmpp real: slixmpp at three places: the highest priority gets what is said to the person" { slixmpp places; }

@test "xmpp real: slixmpp asks the server and another client: ping, disco" { slixmpp ask; }

@test "xmpp real: slixmpp, two with the same resource: the older one ends with a conflict" { slixmpp conflict; }

@test "xmpp real: slixmpp is silent, and stays: it answers the server's pings" { slixmpp quiet -t 1000; }

# Compiles a person by libstrophe, and starts the server.
serve() { # [OPTION...]
    echo '#include <strophe.h>' | "${CC:-cc}" -E - >/dev/null 2>&1 || skip "libstrophe is not installed"
    # shellcheck disable=SC2046 # a list of words
    "${CC:-cc}" -o "$TMP/person" "$TOP/tests/xmpp_strophe.c" $(pkg-config --cflags --libs libstrophe 2>/dev/null || echo -lstrophe)
    start "$XMPP_SERVER" "$@"
}

# Starts one, and waits until the server has told it that it is there. What it sees and hears is in $TMP/NAME.
person() { # NAME [TO TEXT]
    "$TMP/person" "$HOST" "$PORT" "$1@${DOMAIN-localhost}/pc" "${@:2}" >"$TMP/$1" 2>&1 3>&- &
    STARTED+=($!)
    hears "$1" "available $1@${DOMAIN-localhost}/pc"
}

hears() { LOG=$TMP/$1 logged "^$2\$"; } # NAME LINE

A_TIME='20[0-9-]{8}T[0-9:.]+Z'

@test "xmpp real: libstrophe sees its roster, who comes and goes, talks, and gets what was said while it was away" {
    serve
    person lisi
    person zhangsan lisi@localhost 吃饭了吗
    hears lisi 'available zhangsan@localhost/pc'
    hears lisi 'message zhangsan@localhost/pc now 吃饭了吗'
    hears zhangsan 'available lisi@localhost/pc'
    hears zhangsan 'message lisi@localhost/pc now 吃了'
    printf 'roster %s@localhost both\n' wangwu zhangsan | diff - <(grep ^roster "$TMP/lisi" | sort)
    person wangwu lisi@localhost 再见
    hears lisi gone
    hears zhangsan 'unavailable lisi@localhost/pc'
    "$TMP/person" "$HOST" "$PORT" zhangsan@localhost/phone lisi@localhost '还没吃吗' >"$TMP/phone" 2>&1 3>&- &
    STARTED+=($!)
    hears phone 'available zhangsan@localhost/phone'
    hears wangwu 'available zhangsan@localhost/phone'
    person lisi
    hears lisi "message zhangsan@localhost/phone $A_TIME 还没吃吗"
    hears phone 'message lisi@localhost/pc now 吃了'
}

@test "xmpp real: libstrophe is silent, and stays: its program answers the server's pings" {
    serve -t 1000
    person lisi
    hears lisi 'ping 3'
    person zhangsan lisi@localhost 还在吗
    hears zhangsan 'message lisi@localhost/pc now 吃了'
}

@test "xmpp real: libstrophe talks at a server with another domain" {
    DOMAIN=xmpp.example
    serve -n $DOMAIN
    person lisi
    person zhangsan lisi@$DOMAIN 吃饭了吗
    hears lisi 'message zhangsan@xmpp.example/pc now 吃饭了吗'
    hears zhangsan 'message lisi@xmpp.example/pc now 吃了'
}

# Lets zhangsan say what comes on stdin.
sendxmpp() { # [OPTION...]
    within 20 command sendxmpp -u zhangsan -p 123456 -j "$HOST:$PORT" -o localhost "$@" lisi@localhost 3>&-
}

@test "xmpp real: sendxmpp says a line, to somebody who is there and to somebody who is not" {
    needs sendxmpp
    serve
    printf '吃饭了吗' | sendxmpp
    person lisi
    hears lisi "message zhangsan@localhost/sendxmpp $A_TIME 吃饭了吗"
    printf '<&> "吃饭" 😀 吗' | sendxmpp -r phone
    hears lisi 'message zhangsan@localhost/phone now <&> "吃饭" 😀 吗'
    person zhangsan
    hears zhangsan "message lisi@localhost/pc $A_TIME 吃了"
}

@test "xmpp real: sendxmpp -i says 200 lines, each comes once and in order" {
    needs sendxmpp
    serve
    person lisi
    { seq 200; echo 再见; } | sendxmpp -i
    hears lisi gone
    { seq 200; echo 再见; } | diff - <(sed -n 's/^message zhangsan@localhost.sendxmpp now //p' "$TMP/lisi")
}

@test "xmpp real: sendxmpp with a wrong password is refused" {
    needs sendxmpp
    start "$XMPP_SERVER"
    echo hello | if sendxmpp -p wrong; then false; fi
    of_ours logged 'wrong name or password$'
}

# Types a line into profanity.
line() { type "$1" && keys Enter; }

# Opens profanity on a terminal. It thinks of all that it keeps as being in $TMP.
profanity() {
    needs profanity
    open_terminal "HOME='$TMP' XDG_CONFIG_HOME='$TMP/config' XDG_DATA_HOME='$TMP/data' profanity" 80 24
    shows '\[offline\]'
}

# Lets it log in as zhangsan.
connect() {
    line "/connect zhangsan@localhost server $HOST port $PORT tls disable"
    shows 'password'
    line 123456
    shows '\[online\]'
}

@test "xmpp real: profanity shows the roster, who comes and goes, talks, and gets what was said while it was away" {
    serve
    profanity
    connect
    shows ' wangwu(@localhost)?$' # whom the roster gives no name has an address
    person lisi
    shows '\+\+ lisi.* is online'
    line '/msg lisi@localhost'
    shows '^ lisi.*\[online\]'
    line 吃饭了吗
    hears lisi 'message zhangsan@localhost/profanity[^ ]* now 吃饭了吗'
    shows 'lisi.*: 吃了$'
    person wangwu lisi@localhost 再见
    shows '^ lisi.*\[offline\]'
    line /disconnect
    hears wangwu 'unavailable zhangsan@localhost/profanity.*'
    person lisi zhangsan@localhost '还没吃吗？'
    connect
    shows 'lisi.*\(win 2\)'
    line '/win 2'
    shows 'lisi.*: 还没吃吗？$'
    line '吃饭了！'
    hears lisi 'message zhangsan@localhost/profanity[^ ]* now 吃饭了！'
    line /quit
    hears lisi 'unavailable zhangsan@localhost/profanity.*'
}

@test "xmpp real: npm's @xmpp/client: login, roster, presence, talk both ways, ping, what was said while it was away" {
    export NODE_PATH=${NODE_MODULES:-${XDG_CACHE_HOME:-$HOME/.cache}/socket-course/node_modules}
    needs node
    node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || skip "@xmpp/client needs Node 20"
    node -e "require.resolve('@xmpp/client')" 2>/dev/null || skip "the npm package @xmpp/client is not installed (sh tests/install.sh all)"
    start "$XMPP_SERVER"
    within 30 node "$TOP/tests/xmpp_interop.js" "xmpp://$HOST:$PORT" 3>&-
}
