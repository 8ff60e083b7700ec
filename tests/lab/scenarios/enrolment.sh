#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 400 -d systemd/org.stipple1.conf
#
# EP1 and EP4 over the real security manager: a window that a button opens, a pen that is full of hosts, and one that
# has no bond any more.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_enrolment.py -v \
    Guided.test_ep1_button_label_code Guided.test_ep1_a_wrong_code Guided.test_ep1_the_window_is_not_opened \
    Guided.test_ep4_a_pen_full_of_hosts
