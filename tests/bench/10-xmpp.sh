#!/bin/sh
# Measures xmpp_server beside prosody, and writes 10-xmpp.md.
#
#     make bench            or, longer and steadier:  ROUNDS=7 make bench
#
# xmpp_load.c, beside this file, is all the clients; turns.sh tells how the servers take turns.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/turns.sh
page=tests/bench/10-xmpp.md
load=$work/xmpp_load

# What is measured: a name, the options of xmpp_load, the words for it.
cat >"$work/rows" <<'END'
one -P 1|messages, from one client to another
pairs -P 100|messages, in 100 pairs
logins -l 20|logins, 20 at a time
END

# The same 900 accounts for both. prosody has them in its own files; no encryption, and nothing that it need not do.
make_accounts() {
    mkdir -p "$work/data/localhost/accounts" "$work/certs"
    number=0
    while [ $number -lt 900 ]; do
        echo "u$number:123456" >>"$work/accounts"
        echo 'return { ["password"] = "123456"; };' >"$work/data/localhost/accounts/u$number.dat"
        number=$((number + 1))
    done
}

configure_prosody() {
    cat >"$work/prosody.cfg.lua" <<END
run_as_root = true
pidfile = "$work/prosody.pid"
data_path = "$work/data"
certificates = "$work/certs"
interfaces = { "127.0.0.1" }
c2s_ports = { $port }
s2s_ports = {}
modules_enabled = { "roster", "saslauth", "disco", "ping" }
modules_disabled = { "s2s", "tls", "offline" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
log = { error = "$work/prosody.log" }
VirtualHost "localhost"
END
}

# Starts a server, and returns once it serves. prosody has to be told a port: one that is free, for ours had it a moment ago.
start() { # SERVER
    launch 03-custom-protocol/xmpp/xmpp_server -u "$work/accounts" -p 0
    listens
    if [ "$1" != xmpp_server ]; then
        stop
        configure_prosody
        launch prosody --config "$work/prosody.cfg.lua" -F
    fi
    serves -P 1 -t 1
}

report() {
    cat <<END
# How fast is an XMPP server?

Written by \`ROUNDS=$rounds make bench\` ([10-xmpp.sh](10-xmpp.sh)); do not edit. Measured on loopback, with all clients on the same machine:
$(machine "prosody $(dpkg-query -W -f '${Version}' prosody 2>/dev/null)")

A second; each number the median of $rounds rounds of $ms ms in which the servers took turns, ratios within one round. A message
has a body of 64 bytes, and goes to a full address; at most 100 are on their way in each pair. A login is a new connection,
SASL PLAIN, a resource, and the first presence. prosody is measured twice: the difference between its columns is chance.

| what | xmpp_server | prosody | prosody again | ratio | ratio |
|---|--:|--:|--:|--:|--:|
$(table xmpp_server prosody)

Resident memory for each of $idle clients that are logged in and silent: xmpp_server $(result idle xmpp_server) bytes, prosody $(result idle prosody).

prosody does much more than this: it is a server for people who do not know each other, in Lua, of which everything can be
exchanged. [\`xmpp_load\`](xmpp_load.c) is all the clients.
END
    [ "$servers" != xmpp_server ] || printf '\nprosody is not installed, so there is nothing in its columns.\n'
}

[ -x 03-custom-protocol/xmpp/xmpp_server ] || fail "there is no xmpp_server yet; this works: make bench"
${CC-cc} -std=c11 -O2 -o "$load" tests/bench/xmpp_load.c
make_accounts
servers=xmpp_server
if command -v prosody >/dev/null 2>&1; then servers='xmpp_server prosody again'; fi
take_turns
report >"$work/page"
cp "$work/page" "$page"
cat "$page"
