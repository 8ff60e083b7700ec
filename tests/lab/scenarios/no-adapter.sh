#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 0 -t 60 -d systemd/org.stipple1.conf
#
# bluetoothd without any adapter.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_trouble.py Trouble.test_no_adapter -v
