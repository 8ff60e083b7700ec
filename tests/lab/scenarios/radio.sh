#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 120
#
# The daemon's radio over bluetoothd: the same story as over the fake (tests/daemon/test-radio.c).
set -eu
build=${STIPPLE_BUILDDIR:-build}
passkeys=$(mktemp -d)
"$build/tests/sim/stipple-pensim" --adapters=hci1 --passkey-dir "$passkeys" > /tmp/pensim.out &
for _ in $(seq 100); do
    ! grep -q '"started"' /tmp/pensim.out || break
    sleep 0.1
done
status=0
G_MESSAGES_DEBUG=stippled STIPPLE_LAB_PASSKEYS=$passkeys "$build/tests/daemon/test-radio" || status=$?
cat /tmp/pensim.out
exit $status
