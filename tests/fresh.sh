#!/bin/sh
# Types the two commands of README.md on a machine that has nothing: a minimal Debian in a folder (debootstrap), first as
# root, then the first of them once more, then (but not with CI=true) both as a user without root. Exit: 0 all went well,
# 1 not, 77 it cannot be tried here.
#
#     sh tests/fresh.sh [SUITE [ARCHITECTURE]]     default bookworm, and that of this machine (an amd64 can be an i386, too);
#                                                  takes some minutes, 500 MB of disk and a download of 150 MB
#     GATE=FILE sh tests/fresh.sh ...              the second command waits until there is such a file: for what else is
#                                                  tested on this machine
set -eu
cd "$(dirname "$0")/.."
suite=${1-bookworm}
architecture=${2-$(dpkg --print-architecture 2>/dev/null || true)}

cannot() {
    echo "the first minute cannot be tried here: $*"
    exit 77
}

[ "$(id -u)" -eq 0 ] || cannot "this needs root"
command -v debootstrap >/dev/null 2>&1 || cannot "debootstrap is not installed"
command -v git >/dev/null 2>&1 || cannot "git is not installed"

machine=$(mktemp -d)
leave() {
    umount -R "$machine/dev" "$machine/proc" 2>/dev/null || true
    rm -rf --one-file-system "$machine"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

echo "making a minimal Debian ($suite, $architecture)"
debootstrap --variant=minbase ${architecture:+"--arch=$architecture"} "$suite" "$machine" >"$machine.log" 2>&1 || {
    tail -n 3 "$machine.log"
    rm -f "$machine.log"
    cannot "debootstrap failed"
}
rm -f "$machine.log"
mount -t proc proc "$machine/proc" 2>/dev/null || cannot "nothing can be mounted"
mount --rbind /dev "$machine/dev" 2>/dev/null || cannot "nothing can be mounted"
mount --make-rslave "$machine/dev"
cp /etc/resolv.conf /etc/hosts "$machine/etc/"
[ ! -d /etc/apt/apt.conf.d ] || cp -R /etc/apt/apt.conf.d "$machine/etc/apt/"
git clone -q . "$machine/course"

# Types a block of README.md, as somebody in the new machine.
types() { # USER COMMANDS
    echo "\$ $2        (as $1)"
    chroot "$machine" su "$1" -s /bin/sh -c "cd /course && { $2; }" </dev/null
}
commands=$(sed -n '/^## Two commands/,/^## [^T]/s/^    \([^#]*[^# ]\) *#.*/\1/p' README.md)
first=$(echo "$commands" | sed -n 1p)
second=$(echo "$commands" | sed -n 2p)
[ -n "$second" ]

types root "$first"
while [ -n "${GATE-}" ] && [ ! -e "$GATE" ]; do sleep 1; done
types root "$second"
types root "$first" >"$machine/again"
if grep -q 'missing:' "$machine/again"; then
    echo "the first command has not installed all that it needs:"
    cat "$machine/again"
    exit 1
fi
[ -z "${CI-}" ] || exit 0 # it has no more time
chmod 755 "$machine"
chroot "$machine" useradd -m student
chroot "$machine" chown -R student /course
types student "make clean"
types student "$first"
types student "$second"
