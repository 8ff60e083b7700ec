#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 280 -d systemd/org.stipple1.conf
#
# Both ways of a pen's data, values of 20 bytes by either, and another program that is in the way.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_links.py Links.test_p3_by_descriptor \
    Links.test_p3_by_signals_where_another_program_listens Links.test_p17_an_mtu_of_23 \
    Links.test_p7_another_program_connects_at_the_same_time Links.test_p7_an_attempt_whose_caller_is_gone -v
