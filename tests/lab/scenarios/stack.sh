#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 3 -t 60
#
# The lab itself: three powered LE controllers, each with the managers Stipple uses.
set -eu
for n in 0 1 2; do
    dbus-send --system --print-reply --dest=org.bluez / \
        org.freedesktop.DBus.ObjectManager.GetManagedObjects > /tmp/objects
    grep -q "object path \"/org/bluez/hci$n\"" /tmp/objects
    dbus-send --system --print-reply --dest=org.bluez "/org/bluez/hci$n" \
        org.freedesktop.DBus.Introspectable.Introspect > /tmp/adapter
    for interface in Adapter1 GattManager1 LEAdvertisingManager1; do
        grep -q "org.bluez.$interface" /tmp/adapter
    done
done
