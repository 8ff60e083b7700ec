#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 2 -t 120 -d systemd/org.stipple1.conf
#
# A pen finishes a session; its advertisement brings the collector, nobody asks.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_collect.py Collect.test_new_session_is_fetched_by_itself -v
