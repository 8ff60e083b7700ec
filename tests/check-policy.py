#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-policy.py POLICY: who may hear and ask the collector on a system bus: root and the group, nobody else.

A bus of its own, with the defaults of a system bus and the policy as it is shipped.  Needs root, to be
several users; the group is the one of the user "daemon" here, as an uninstalled Stipple has none.
"""
import os
import re
import subprocess
import sys
import tempfile

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

DEFAULTS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:dir={directory}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>{policy}</include>
</busconfig>
"""
NAME, PATH, INTERFACE = "org.stipple1", "/org/stipple1", "org.stipple1.Manager1"
PATIENCE_MS = 20000


class Manager(dbus.service.Object):
    """As much of the collector as it takes: one answer, one signal to all."""

    @dbus.service.method(INTERFACE, out_signature="s")
    def Ask(self):
        return "answer"

    @dbus.service.signal(INTERFACE, signature="s")
    def SessionStored(self, what):
        pass


def connect(address, user):
    """A connection, in a process that is that user from here on."""
    if user != 0:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    return dbus.bus.BusConnection(address)


def serve(address, go, told):
    bus = connect(address, 0)
    name = dbus.service.BusName(NAME, bus, do_not_queue=True)
    manager = Manager(bus, PATH)
    loop = GLib.MainLoop()

    def on_go(*_):
        # What one connection sends keeps its order: the bus says that the name is gone when this was passed on.
        manager.SessionStored("a treatment")
        bus.flush()
        loop.quit()
        return False
    GLib.io_add_watch(go, GLib.IO_IN, on_go)
    os.write(told, b".")
    loop.run()
    del name


def listen(address, user, told):
    """Says when it listens; and then what it heard and could ask, until the service is gone."""
    bus = connect(address, user)
    loop = GLib.MainLoop()
    heard = []
    bus.add_signal_receiver(lambda *_: heard.append("heard"), dbus_interface=INTERFACE)
    bus.add_signal_receiver(lambda name, old, new: loop.quit() if new == "" else None, "NameOwnerChanged",
                            "org.freedesktop.DBus", arg0=NAME)
    try:
        bus.call_blocking(NAME, PATH, INTERFACE, "Ask", "", ())
        heard.append("asked")
    except dbus.DBusException as error:
        assert "AccessDenied" in error.get_dbus_name(), error
    os.write(told, b".")
    GLib.timeout_add(PATIENCE_MS, sys.exit, 2)
    loop.run()
    print(" ".join(sorted(heard)), flush=True)


def spawn(function, *arguments):
    """A forked child; its output can be read from the returned descriptor."""
    out, into = os.pipe()
    child = os.fork()
    if child != 0:
        os.close(into)
        return child, out
    status = 1
    try:
        os.close(out)
        os.dup2(into, 1)
        sys.stdout = os.fdopen(1, "w")
        function(*arguments)
        status = 0
    finally:
        os._exit(status)


def main():
    if os.geteuid() != 0:
        print("only root can be several users")
        return 77
    with open(sys.argv[1], encoding="utf-8") as file:
        policy = file.read().replace('group="stipple"', 'group="daemon"').replace('user="stipple"', 'user="root"')
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        with open(directory + "/policy.conf", "w", encoding="utf-8") as file:
            file.write(policy)
        with open(directory + "/bus.conf", "w", encoding="utf-8") as file:
            file.write(DEFAULTS.format(directory=directory, policy=directory + "/policy.conf"))
        bus = subprocess.Popen(["dbus-daemon", "--config-file", directory + "/bus.conf", "--nofork", "--nopidfile",
                                "--print-address=1"], stdout=subprocess.PIPE, text=True)
        try:
            address = re.sub(",guid=.*", "", bus.stdout.readline().strip())
            go_out, go = os.pipe()
            told_out, told = os.pipe()
            server, _ = spawn(serve, address, go_out, told)
            os.read(told_out, 1)
            # root, a member of the group, anybody
            people = [("root", 0, "asked heard"), ("a member of the group", 1, "asked heard"), ("anybody", 65534, "")]
            listeners = []
            for who, user, expected in people:
                child, out = spawn(listen, address, user, told)
                os.read(told_out, 1)
                listeners.append((who, child, out, expected))
            os.write(go, b"!")
            for who, child, out, expected in listeners:
                with os.fdopen(out) as file:
                    got = file.read().strip()
                os.waitpid(child, 0)
                print(f"{who}: {got or 'nothing'}")
                if got != expected:
                    print(f"  but expected: {expected or 'nothing'}")
                    failures += 1
            os.waitpid(server, 0)
        finally:
            bus.terminate()
            bus.wait()
    return 1 if failures else 0


sys.exit(main())
