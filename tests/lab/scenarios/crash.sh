#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 280 -d systemd/org.stipple1.conf
#
# kill -9 of the daemon in the middle of a sync; bluetoothd keeps the link.
STIPPLE_WORLD=lab STIPPLE_RUNS=1 exec /usr/bin/python3 -W ignore tests/e2e/test_crash.py Crash.test_killed_in_mid_sync \
    Crash.test_p22_killed_and_the_link_stays -v
