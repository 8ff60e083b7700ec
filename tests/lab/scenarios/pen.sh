#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 4 -t 180
#
# A pen over bluetoothd alone: what is refused to a stranger and with which error, and for a bonded host
# all values, Live, Event, both control points, slots and erasing, also at an MTU of 23; and when a pen has to be discoverable.
STIPPLE_WORLD=lab exec /usr/bin/python3 -W ignore tests/e2e/test_pen.py -v
