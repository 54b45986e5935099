#!/bin/sh
# Puts the pages of all measurements together on one, README.md beside this file. `make bench` calls it at the end.
cd "$(dirname "$0")" || exit 1
{
    echo '# Measurements'
    echo
    # shellcheck disable=SC2016 # the backticks are those of the page
    echo 'Written by `make bench` from the pages of the lessons; do not edit. Each part has its commands, its peers, its machine and'
    echo 'its date. What counts is the ratio to a peer that ran in turn with it: the figures themselves are those of a small virtual machine.'
    for page in [0-9]*.md; do
        echo
        sed 's/^#/##/' "$page"
    done
} >README.md
