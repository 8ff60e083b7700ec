#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# bench-link.py in the lab's guest; where there is no lab, that is said and nothing measured.
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
if ! tests/lab/kernel.sh --path > /dev/null 2>&1; then
    echo "skipped: there is no lab here; './run lab true' makes one on an x86_64 Debian 12"
    exit 77
fi
# On one core: the guest has one processor, and each call of its programs to their kernel is a change between two
# processes here. Across cores that takes several times as long, and as long as the other core pleases.
core=$(taskset -pc $$ | sed 's/.*[ ,-]//')
for _ in 1 2; do # 123: the guest's own kernel crashed
    STIPPLE_WORLD=lab taskset -c "$core" tests/lab/lab -n 2 -t 500 -d systemd/org.stipple1.conf \
        /usr/bin/python3 -W ignore tests/bench/bench-link.py
    status=$?
    [ $status -eq 123 ] || break
done
exit $status
