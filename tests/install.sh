#!/bin/sh
# Installs what is missing of a C compiler, make, patch and Bats. With "all", on Debian and Ubuntu, also the real clients
# that tests try (telnet, nc, a browser, ...), two packages of npm in a folder of their own (~/.cache/socket-course), and
# the tools of `make check` and `make bench`. Where nothing is missing it does nothing, and needs neither root nor the
# network. Tried on Debian 12; the other systems' commands are not tried.
set -u

needs='cc make patch bats bash'
all='telnet nc.openbsd nc.traditional ncat socat curl tftp atftp atftpd busybox ss tmux parallel strace
    clang clang-format clang-tidy cppcheck shellcheck valgrind musl-gcc bmake gnuplot node npm chromium
    libwebsockets-test-server'

# The packages in which programs come; most have their program's name.
package() { # MANAGER PROGRAM
    case $1-$2 in
    apt-get-cc) echo gcc libc6-dev ;;
    apt-get-nc.openbsd) echo netcat-openbsd ;;
    apt-get-nc.traditional) echo netcat-traditional ;;
    apt-get-ss) echo iproute2 ;;
    apt-get-tftp) echo tftp-hpa ;;
    apt-get-clang) echo clang libclang-rt-dev ;;
    apt-get-musl-gcc) echo musl-tools ;;
    apt-get-gnuplot) echo gnuplot-nox ;;
    apt-get-node) echo nodejs ;;
    apt-get-libwebsockets-test-server) echo libwebsockets-test-server libwebsockets-dev ;; # the library, for make bench
    apk-cc) echo build-base ;;
    brew-cc) echo llvm ;;
    *-cc) echo gcc ;;
    brew-bats | pkg-bats) echo bats-core ;;
    *) echo "$2" ;;
    esac
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
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
    command -v "$program" >/dev/null 2>&1 || {
        missing="$missing $program"
        packages="$packages $(package $manager "$program")"
    }
done

install_packages() {
    echo "missing:$missing; installing:$packages"
    # shellcheck disable=SC2086 # a list of packages
    case $manager in
    apt-get)
        as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $packages
        ;;
    brew) brew install $packages ;;
    pkg) as_root pkg install -y $packages ;;
    dnf) as_root dnf install -y $packages ;;
    apk) as_root apk add $packages ;;
    pacman) as_root pacman -S --noconfirm $packages ;;
    none)
        echo "This system's package manager is not known here; please install these by hand:$missing" >&2
        exit 1
        ;;
    esac
}

# Other WebSockets than ours, for tests/06-interop.bats.
install_modules() {
    modules=${XDG_CACHE_HOME:-$HOME/.cache}/socket-course
    [ -d "$modules/node_modules/ws" ] && [ -d "$modules/node_modules/undici" ] && return
    npm install --no-audit --no-fund --prefix "$modules" ws@8 undici@6
}

[ -z "$missing" ] || install_packages || exit 1
[ "${1-}" != all ] || ! command -v npm >/dev/null 2>&1 || install_modules
