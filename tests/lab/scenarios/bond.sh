#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 600 -d systemd/org.stipple1.conf
#
# P15, P16, P31 and EP2 over the real security manager: a pen that forgot its bond, a host that lost its own,
# a pen that can show no code, another program's agent; and what the journal says of it all.
STIPPLE_WORLD=lab STIPPLE_TEST_SECONDS=150 exec /usr/bin/python3 -W ignore tests/e2e/test_bond.py -v
