#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
# lab: -n 0 -t 60
#
# The shipped bus policy on a real system bus: who may be the collector, who may ask it.
# A stand-in owns the name; a method it does not know is as good an answer as any.
set -eu
: "${STIPPLE_PREFIX:?run by ./run lab, which installs the policy}"

# as USER GROUP OTHER-GROUPS COMMAND...
as() {
    local groups=--clear-groups
    [ -z "$3" ] || groups=--groups=$3
    setpriv --reuid "$1" --regid "$2" "$groups" "${@:4}"
}
own() {
    as "$1" "$2" '' /usr/bin/python3 -c 'import dbus; print(dbus.SystemBus().request_name("org.stipple1"))' 2>&1
}
ask() {
    as "$1" "$2" "$3" dbus-send --system --print-reply --reply-timeout=5000 --dest=org.stipple1 \
        /org/stipple1 org.stipple1.Nonsense.Nothing 2>&1 || :
}
expect() {
    case $2 in
    *"$3"*) echo "ok: $1" ;;
    *) echo "not ok: $1: wanted $3, got: $2"; exit 1 ;;
    esac
}

expect "a stranger may not be the collector" "$(own nobody nogroup || :)" AccessDenied
expect "its own user may" "$(own stipple stipple)" 1

as stipple stipple '' /usr/bin/python3 -c '
import dbus, dbus.mainloop.glib
from gi.repository import GLib
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
dbus.SystemBus().request_name("org.stipple1")
GLib.MainLoop().run()' &
gdbus wait --system --timeout 20 org.stipple1

expect "a stranger may not ask" "$(ask nobody nogroup '')" AccessDenied
expect "a member of the group may" "$(ask nobody nogroup "$(getent group stipple | cut -d: -f3)")" UnknownMethod
expect "root may" "$(ask root root '')" UnknownMethod
