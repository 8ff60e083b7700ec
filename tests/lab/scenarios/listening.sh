#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 280 -d systemd/org.stipple1.conf -b --experimental
#
# bluetoothd with its experimental interfaces: advertisement monitors, and the kernel's own filter for them.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_listening.py -v
