# by_hand.sh - shell functions for a person who plays a client by hand. Load them with: . ./by_hand.sh
# shellcheck shell=bash

# The head of a stream.
head="<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

# Prints all that a client sends to log in and to show that it is there: two heads, a login, a resource, a presence.
enter() { # NAME; of zhangsan, lisi and wangwu
    case $1 in # NUL, name, NUL, 123456, in base64
    zhangsan) plain=AHpoYW5nc2FuADEyMzQ1Ng== ;;
    lisi) plain=AGxpc2kAMTIzNDU2 ;;
    *) plain=AHdhbmd3dQAxMjM0NTY= ;;
    esac
    echo "$head<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>$plain</auth>"
    echo "$head<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>nc</resource></bind></iq>"
    echo "<presence/>"
}

# Prints each tag on a line of its own as soon as it has come, because the server sends no line feeds. (Needs bash or zsh.)
tags() {
    # shellcheck disable=SC3045 # read -d
    while IFS= read -rd '>' tag; do echo "$tag>"; done
}
