#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 120 -d systemd/org.stipple1.conf
#
# A wrong passkey is refused by the real security manager, and said so.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_trouble.py Trouble.test_wrong_code -v
