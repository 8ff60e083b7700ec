#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 120
#
# The daemon's radio over bluetoothd: the same story as over the fake (tests/daemon/test-radio.c).
set -eu
build=${STIPPLE_BUILDDIR:-build/normal}
passkeys=$(mktemp -d)
exec 3< <("$build/tests/sim/stipple-pensim" --adapters=hci1 --passkey-dir "$passkeys")
while read -r line <&3; do
    echo "$line"
    [[ $line != *'"started"'* ]] || break
done
cat <&3 &
G_MESSAGES_DEBUG=stippled STIPPLE_LAB_PASSKEYS=$passkeys "$build/tests/daemon/test-radio"
