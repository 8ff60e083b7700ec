#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# kernel.sh [OPTION]: the lab's kernel, built once and kept in a cache.
#
# Debian's user-mode-linux package has no Bluetooth, so a small kernel that has it
# is built from Debian's linux-source-6.1.  Prints the path of the kernel.
#   --path    do not build; print the path only when the cache holds the kernel of
#             this recipe, otherwise exit 1
#   --place ADDRESS   the function of that kernel at an address (hexadecimal digits)
# $STIPPLE_KERNEL_CONFIG is another directory with a uml.config, for a kernel with another job;
# a patch.sh there is run in its source first.
# The cache is $STIPPLE_LAB_CACHE, or stipple-lab below the user's cache directory.
set -eu
here=$(cd "${STIPPLE_KERNEL_CONFIG:-$(dirname "${BASH_SOURCE[0]}")}" && pwd)
cache=${STIPPLE_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/stipple-lab}
source=/usr/src/linux-source-6.1.tar.xz

die() { echo "lab kernel: $*" >&2; exit 125; }

patch_source() { [ ! -e "$here/patch.sh" ] || . "$here/patch.sh"; }

build() {
    tar -xJf "$source" --strip-components=1
    # Room for the registers of a CPU with AMX; without it no process can start.
    sed -i 's/\(HOST_FP_SIZE, \)2696/\116384/' arch/x86/um/user-offsets.c
    # 6.1.192: a channel's end frees the hci_chan of its l2cap_conn, and so did this; the second one
    # of the two crashed the guest in hci_chan_del.  The l2cap_conn is its owner.
    sed -i '/^void hci_chan_list_flush/,/^}/s/hci_chan_del(chan);/set_bit(HCI_CONN_DROP, \&conn->flags);/' \
        net/bluetooth/hci_conn.c
    patch_source
    KCONFIG_ALLCONFIG=$here/uml.config make -s ARCH=um allnoconfig
    if missing=$(grep '=y$' "$here/uml.config" | grep -vxFf .config); then
        die "these options of tests/lab/uml.config are unknown to this kernel source: $missing"
    fi
    make -s ARCH=um -j"$(nproc)" linux > build.log 2>&1 || {
        tail -20 build.log >&2
        cp build.log "$cache/build.log"
        die "the build failed; the whole log is in $cache/build.log"
    }
    nm -n linux > "$kernel.map"             # to name the place where one crashed
    strip -o "$kernel.new" linux
    mv "$kernel.new" "$kernel"
}

[ "$(uname -m)" = x86_64 ] || die "user-mode Linux exists for x86 only, this is a $(uname -m)"
recipe=$({ cat "$here/uml.config"; cat "$here/patch.sh" 2> /dev/null || :; declare -f build | grep -v patch_source; } | sha256sum)
kernel=$cache/linux-${recipe:0:12}
if [ "${1-}" = --place ]; then
    awk -v at="$(printf '%016x' "0x$2")" 'NF == 3 && ($1 "") > (at "") { exit } { name = $3 } END { print name ? name : at }' \
        "$kernel.map" 2> /dev/null || echo "$2"
    exit
fi
if [ -x "$kernel" ]; then
    echo "$kernel"
    exit
fi
[ "${1-}" != --path ] || exit 1
[ -e "$source" ] || die "$source is missing; './run lab true' installs what the lab needs"

mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9                                 # somebody else may be building the same
if [ ! -x "$kernel" ]; then
    work=$(mktemp -d "$cache/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && build)
fi
echo "$kernel"
