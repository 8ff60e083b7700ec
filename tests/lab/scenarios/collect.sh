#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 4 -t 280 -d systemd/org.stipple1.conf
#
# Three pens, one drops the link in the middle of a long session; all comes home, once.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_collect.py Collect.test_three_pens_one_drops_the_link -v
