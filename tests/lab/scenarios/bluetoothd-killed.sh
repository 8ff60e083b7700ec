#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 400 -d systemd/org.stipple1.conf
#
# bluetoothd is killed in the states of the collector that can be hit; all comes home.  Not while pairing:
# one bluetoothd serves both ends here, and the pen that it leaves half paired is not heard again.
STIPPLE_WORLD=lab STIPPLE_RUNS=3 exec /usr/bin/python3 -W ignore tests/e2e/test_disasters.py -k nothing_happens -k connecting -k transfer -k at_random -v
