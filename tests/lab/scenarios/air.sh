#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 3 -t 2400 -T -d systemd/org.stipple1.conf
#
# Old pens, updated pens, deaf adapters, adapters that are pulled.  In virtual time, as a watchdog takes minutes.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_air.py -v
