#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# Process 1 of the guest whose power is cut: mount the disk, run the writer, and when that comes
# to an end, switch off.  The kernel's command line says: job=DIR work=write|lie|check writer=FILE
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
for word in $(cat /proc/cmdline); do
    case $word in
    job=* | work=* | writer=*) eval "$word" ;;
    esac
done
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /mnt
mkdir /mnt/disk /mnt/job
mount -t hostfs -o "$job" none /mnt/job
mount -t ext4 -o nodiscard /dev/ubda /mnt/disk || { echo "no disk" > /mnt/job/status; exec sleep 100; }
"$writer" "$work" /mnt/disk/store /mnt/job/acknowledged /mnt/job/report 2> /mnt/job/errors
echo $? > /mnt/job/status
umount /mnt/disk
exec sleep 100
