#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 3 -t 200 -T -d systemd/org.stipple1.conf
#
# EP7: two daemons, each with an adapter of its own, share a pen and come for it at once.
STIPPLE_WORLD=lab STIPPLE_TEST_SECONDS=150 exec /usr/bin/python3 -W ignore tests/e2e/test_rooms.py -v
