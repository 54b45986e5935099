#!/bin/sh
# A compiler that keeps what it has compiled, for `make check`: most modules belong to several programs, as a link in each
# folder, and so each is compiled once. Other flags make other objects.
#
#     make CC="sh $PWD/tests/once.sh FOLDER gcc"        the objects go to FOLDER, an absolute path
set -u
folder=$1
shift
files='' command='' linking='' program=''
for word; do
    case $word in
    *.c) files="$files $word" ;;
    -fuse-ld=*) linking=$word ;;
    -o) program=next ;;
    *) if [ "$program" = next ]; then program=$word; else command="$command $word"; fi ;;
    esac
done
folder=$folder/$(echo "$command" | cksum | tr ' ' -)
mkdir -p "$folder"

objects=''
for file in $files; do
    object=$folder$(realpath "$file" | tr / -).o
    objects="$objects $object"
    [ -e "$object" ] && continue
    $command -c -o "$object.$$" "$file" || exit 1
    ln "$object.$$" "$object" 2>/dev/null # not over that of another make -j, which may be in use
    rm "$object.$$"
done
# shellcheck disable=SC2086 # lists of words
exec $command $linking -o "$program" $objects
