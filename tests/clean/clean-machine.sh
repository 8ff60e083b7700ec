#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# clean-machine.sh [-v VARIANT] [-k] [COMMAND]...
#
# Proof that a bare Debian 12 is enough: makes one with debootstrap, puts the last
# commit in it, and there runs "./run COMMAND" for each command (demo, test), telling
# how long each took and what it installed.  Takes root, debootstrap and network; uses
# this machine's own apt configuration.  Not part of ./run test.
#
#   -v VARIANT  debootstrap's variant: minbase (the default) or "" for the usual one
#   -k          keep the tree, and say where it is
#   CLEAN_DIR   where each run makes a directory with its tree, logs and report
#               (/var/tmp/stipple-clean); the tree goes at the end, the rest stays
set -eu
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
variant=minbase keep=
while getopts v:k opt; do
    case $opt in
    v) variant=$OPTARG ;;
    k) keep=yes ;;
    *) exit 64 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- demo test

die() { echo "clean-machine: $*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || die "debootstrap and chroot take root; run it as root"
command -v debootstrap > /dev/null || die "there is no debootstrap; install it: apt-get install debootstrap"

base=${CLEAN_DIR:-/var/tmp/stipple-clean}
mkdir -p "$base"
dir=$(mktemp -d "$base/$(date +%Y%m%d-%H%M%S).XXX")
tree=$dir/tree
report=$dir/report.txt
mkdir "$tree"
cleanup() {
    local m
    for m in dev/pts dev/shm dev proc sys; do umount "$tree/$m" 2> /dev/null || :; done
    if mount | grep -qF " $tree/"; then
        echo "clean-machine: $tree is still mounted, so it stays" >&2
    elif [ -z "$keep" ]; then
        rm -rf --one-file-system "$tree"
    else
        echo "clean-machine: the tree is $tree"
    fi
}
trap cleanup EXIT

# The base system is fetched from wherever this machine gets Debian from.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' 2> /dev/null | head -n 1)
[ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 /debian)
debootstrap ${variant:+--variant="$variant"} bookworm "$tree" "$mirror" > "$dir/debootstrap.log" 2>&1 || {
    tail -n 5 "$dir/debootstrap.log" >&2
    die "debootstrap failed; the whole log is $dir/debootstrap.log"
}

# This machine's way to the network: sources, keys, certificates, resolver.
rm -rf "$tree/etc/apt"
cp -a /etc/apt "$tree/etc/apt"
cp -a /usr/share/keyrings/. "$tree/usr/share/keyrings/"
cp -L /etc/resolv.conf /etc/hosts "$tree/etc/" 2> /dev/null || :
if [ -d /etc/ssl/certs ]; then
    mkdir -p "$tree/etc/ssl" "$tree/usr/local/share"
    cp -a /etc/ssl/certs "$tree/etc/ssl/"
    [ ! -d /usr/share/ca-certificates ] || cp -a /usr/share/ca-certificates "$tree/usr/share/"
    [ ! -d /usr/local/share/ca-certificates ] || cp -a /usr/local/share/ca-certificates "$tree/usr/local/share/"
fi
printf '#!/bin/sh\nexit 101\n' > "$tree/usr/sbin/policy-rc.d"
chmod +x "$tree/usr/sbin/policy-rc.d"
mount -t proc proc "$tree/proc"
mount -t sysfs sysfs "$tree/sys"
mount -t tmpfs -o mode=755 dev "$tree/dev"
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
    read -r name major minor <<< "$node"
    mknod -m 666 "$tree/dev/$name" c "$major" "$minor"
done
ln -s /proc/self/fd "$tree/dev/fd"
ln -s fd/0 "$tree/dev/stdin"; ln -s fd/1 "$tree/dev/stdout"; ln -s fd/2 "$tree/dev/stderr"
mkdir "$tree/dev/pts" "$tree/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$tree/dev/pts"
ln -s pts/ptmx "$tree/dev/ptmx"
mount -t tmpfs tmpfs "$tree/dev/shm"

mkdir "$tree/root/stipple"
git -C "$top" archive HEAD | tar -x -C "$tree/root/stipple"
inside() { chroot "$tree" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb "$@"; }
installed() { inside dpkg-query -W -f '${Package} ${Version}\n' | sort; }

installed > "$dir/before"
echo "bare bookworm (${variant:-default}), $(wc -l < "$dir/before") packages," \
    "commit $(git -C "$top" rev-parse --short HEAD)" | tee "$report"
failed=0
for command in "$@"; do
    echo "--- ./run $command"
    start=$(date +%s)
    status=0
    inside /bin/bash -c "cd /root/stipple && ./run $command" 2>&1 | tee "$dir/$command.log"
    status=${PIPESTATUS[0]}
    end=$(date +%s)
    installed > "$dir/after"
    new=$(comm -13 "$dir/before" "$dir/after" | wc -l)
    mv "$dir/after" "$dir/before.next"
    echo "./run $command: status $status, $((end - start)) s, $new packages installed: $(comm -13 "$dir/before" "$dir/before.next" | cut -d ' ' -f 1 | tr '\n' ' ')" >> "$report"
    mv "$dir/before.next" "$dir/before"
    [ "$status" -eq 0 ] || failed=1
done
left=$(find "$tree/tmp" "$tree/var/tmp" "$tree/run" -mindepth 1 -newer "$report" 2> /dev/null | head -n 20)
running=$(for p in /proc/[0-9]*; do [ "$(readlink "$p/root" 2> /dev/null)" != "$tree" ] || tr '\0' ' ' < "$p/cmdline"; done)
{
    echo "left in /tmp, /var/tmp and /run: ${left:-nothing}"
    echo "left running: ${running:-nothing}"
} >> "$report"
echo "--- report ($report)"
cat "$report"
exit $failed
