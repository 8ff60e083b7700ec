#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# check-unit.sh UNIT: systemd understands the unit, and its exposure is below 1.0.
set -eu
command -v systemd-analyze > /dev/null || { echo "there is no systemd-analyze here"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# The daemon need not be installed, nor bluetoothd.
sed 's,^ExecStart=.*,ExecStart=/bin/true,; /^Wants=\|^After=\|^Documentation=/d' "$1" > "$dir/stippled.service"
cd "$dir"
if grep -n '@[a-z_]*@' stippled.service | grep -v SystemCall; then
    echo "the unit has an unfilled place"
    exit 1
fi
# Else five failures in ten seconds, as D-Bus activation makes them, end it until somebody opens a terminal.
grep -q '^StartLimitIntervalSec=0$' stippled.service || { echo "systemd would give it up"; exit 1; }
complaints=$(systemd-analyze verify --man=no --recursive-errors=no "$dir/stippled.service" 2>&1) || {
    echo "$complaints"
    exit 1
}
[ -z "$complaints" ] || { echo "$complaints"; exit 1; }
systemd-analyze security --offline=true --threshold=10 --no-pager "$dir/stippled.service" | tail -n 1
