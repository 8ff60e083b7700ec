#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 200 -d systemd/org.stipple1.conf
#
# A damaged log, over the real stack.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_bad_input.py BadInput.test_p23_bad_records_stop_nothing -v
