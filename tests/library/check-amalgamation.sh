#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# check-amalgamation.sh TREE STIPPLE.c STIPPLE.h CC...: one file and its header are the library.
#
# Each variant compiles by itself without a warning, with names of its own alone, and the examples
# work on top: the pen on the pen's part, the collector without protobuf-c, the decoder on all.
set -eu -o pipefail
tree=$1 source=$2 header=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/alone/stipple"
cp "$source" "$header" "$work/alone/"
# The examples include <stipple/stipple.h>, which here is the one header.
cp "$header" "$work/alone/stipple/"
cd "$work/alone"

declare -A variant=([pen]=-DSTIPPLE_PEN_ONLY [collector]=-DSTIPPLE_NO_PROTOBUF [decoder]=)
for name in pen collector decoder; do
    # shellcheck disable=SC2086  # nothing, or one word
    "$@" -std=c11 -O1 -Wall -Wextra -Werror ${variant[$name]} -c stipple.c -o "$name.o"
    "$@" -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Werror -I. \
        "$tree/libprotocol/examples/example-$name.c" "$name.o" \
        $([ $name != decoder ] || pkg-config --libs libprotobuf-c) -o "$name"
    strays=$(nm -g --defined-only "$name.o" | awk '{ print $3 }' | grep -Ev '^(stp|stipple)__?' || true)
    [ -z "$strays" ] || { echo "$name: names that are not ours to take:" $strays; exit 1; }
done
lacks=$(nm -u pen.o | awk '{ print $2 }' | grep -Evx 'mem(cpy|set|move|cmp)|_GLOBAL_OFFSET_TABLE_|__cpu_(model|indicator_init)|__stack_chk_fail' || true)
[ -z "$lacks" ] || { echo "the pen's part needs" $lacks; exit 1; }
python3 "$here/check-examples.py" ./pen ./collector ./decoder
