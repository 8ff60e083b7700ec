# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""Enrolment as a person meets it: a terminal, a pen with a button and a display, and others who pair as well."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
import unittest

import dbus
import dbus.bus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

from world import Timeout, World, program, wait_until

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)

PEN = ("--seed", "3", "--sessions", "1", "--samples", "100")


def event(name, **what):
    return lambda e: isinstance(e, dict) and e.get("event") == name and all(e.get(k) == v for k, v in what.items())


class Terminal:
    """stipplectl on a terminal of its own, and who sits there."""

    def __init__(self, world, *args):
        self.master, slave = pty.openpty()
        self.seen = ""
        self.read_to = 0

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.popen = subprocess.Popen([program("stipplectl"), *map(str, args)], stdin=slave, stdout=slave, stderr=slave,
                                      env=world.env, start_new_session=True, preexec_fn=take_terminal)
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        os.close(self.master)

    def _read(self, deadline):
        ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise Timeout("the terminal shows only:\n%s" % self.seen)
        try:
            more = os.read(self.master, 4096)
        except OSError:     # the other side has closed
            more = b""
        self.seen += more.decode(errors="replace").replace("\r\n", "\n")
        return bool(more)

    def expect(self, pattern, timeout=60):
        """Wait until that is shown, behind what was expected before."""
        deadline = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.seen[self.read_to:])
            if found:
                self.read_to += found.end()
                return found
            if not self._read(deadline):
                raise Timeout("it ended without \"%s\":\n%s" % (pattern, self.seen))

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, timeout=60):
        """The exit status, once all that is shown has been read."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        return self.popen.wait(timeout)


class Enrolment(unittest.TestCase):
    def begin(self, world, *pen_args, pens=1):
        self.pens = world.start_pens(pens, *PEN, *pen_args)
        self.daemon = world.start_daemon()
        return world.pens_of(self.pens)[0]

    def press(self, opens=True):
        """Somebody holds the button of each pen."""
        said = len(self.pens.drain())
        self.pens.popen.send_signal(signal.SIGUSR1)
        self.pens.wait_event(event("pairing", open=opens), what="that its window is open: %s" % opens, since=said)

    def passkey(self, since):
        return "%06d" % int(self.pens.wait_event(event("passkey"), what="a passkey", since=since)["passkey"])

    def enrolled(self, world):
        done = world.ctl("pens", "list", "--json", status=None)
        return [pen["serial"] for pen in json.loads(done.stdout).get("pens", [])]

    def nothing_is_left(self, world):
        """No pen, and no prompt; and the next try finds all as it was."""
        done = world.ctl("pens", "list", "--json", status=None)
        self.assertNotIn("DP26-", done.stdout)


class Guided(Enrolment):
    """EP1, the dialogue."""

    def test_ep1_button_label_code(self):
        with World(adapters=2) as world:
            pen = self.begin(world, "--pairing-window", "120")
            with Terminal(world, "pens", "add", "--label", "room 1") as terminal:
                terminal.expect("Hold the button of the pen until it is ready to pair")
                self.press()
                terminal.expect(r"Stipple-1001, %s is ready\. Does the label of your pen end in 1001\? \[y/n\] " %
                                pen["address"])
                said = len(self.pens.drain())
                terminal.type("y\n")
                code = self.passkey(said)
                terminal.expect(r"Type the six digits that pen .*1001.* shows: ")
                # A slip is not a wrong code: it is asked again.
                terminal.type("12345x\n")
                terminal.expect(r"That is not six digits\. Type the six digits")
                terminal.type("%s %s\n" % (code[:3], code[3:]))
                terminal.expect(r"Pen DP26-1001 \(room 1\) is enrolled; its records are collected from now on\.")
                self.assertEqual(terminal.end(), 0)
            world.sync_until_complete(pen["pen"])

    def test_ep1_comparing_codes(self):
        with World(adapters=2) as world:
            pen = self.begin(world, "--capability", "DisplayYesNo")
            for answer in "n", "y":
                said = len(self.pens.drain())
                with Terminal(world, "pens", "add", "1001") as terminal:
                    shown = terminal.expect(r"Does pen .*1001.* show (\d{6})\? \[y/n\] ")[1]
                    self.assertEqual(shown, self.passkey(said), "the same on both")
                    terminal.type(answer + "\n")
                    if answer == "n":
                        terminal.expect("refused here, because the codes are not the same")
                        self.assertEqual(terminal.end(), 1)
                        self.nothing_is_left(world)
                    else:
                        terminal.expect("is enrolled")
                        self.assertEqual(terminal.end(), 0)
            world.sync_until_complete(pen["pen"])

    def test_ep1_a_wrong_code(self):
        with World(adapters=2) as world:
            self.begin(world)
            said = len(self.pens.drain())
            with Terminal(world, "pens", "add", "1001") as terminal:
                terminal.expect("shows: ")
                wrong = (int(self.passkey(said)) + 1) % 1000000
                terminal.type("%06d\n" % wrong)
                terminal.expect("the code was wrong, or the pen refused")
                terminal.expect("try again with the code it shows")
                self.assertEqual(terminal.end(), 1)
            self.nothing_is_left(world)

    def test_ep1_the_window_is_not_opened(self):
        with World(adapters=2) as world:
            self.begin(world, "--pairing-window", "1")
            said = len(self.pens.drain())
            self.press()
            self.pens.wait_event(event("pairing", open=False), what="that its window closes by itself", since=said)
            wait_until(lambda: [row["pairing_open"] for row in
                                world.ctl_json("pens", "list", "--all")["sightings"]] == [False],
                       "that it is heard to be closed")
            with Terminal(world, "pens", "add", "--timeout", "2") as terminal:
                terminal.expect(r"No pen opened its pairing window\.")
                terminal.expect("Hold its button until the light blinks")
                self.assertEqual(terminal.end(), 2)
            with Terminal(world, "pens", "add", "1001", "--timeout", "2") as terminal:
                terminal.expect("is in sight, but nobody opened its pairing window")
                self.assertEqual(terminal.end(), 1)

    def test_ep1_the_window_closes_too_soon(self):
        with World(adapters=2) as world:
            pen = self.begin(world, "--pairing-window", "120")
            with Terminal(world, "pens", "add") as terminal:
                terminal.expect("Waiting for it")
                self.press()
                terminal.expect(r"end in 1001\? \[y/n\] ")
                self.press(opens=False)
                # The daemon has to hear of that as well.
                wait_until(lambda: not world.ctl_json("pens", "list", "--all")["sightings"][0]["pairing_open"],
                           "that it is heard to be closed")
                terminal.type("y\n")
                terminal.expect("Hold the button of the pen until it is ready")
                said = len(self.pens.drain())
                self.press()
                code = self.passkey(said)
                terminal.expect("shows: ")
                terminal.type(code + "\n")
                terminal.expect("is enrolled")
                self.assertEqual(terminal.end(), 0)
            self.assertEqual(self.enrolled(world), [pen["pen"]])

    def test_ep1_nobody_answers(self):
        """Ctrl-C at each question, and Ctrl-D: told, nothing left behind, and the next try works."""
        with World(adapters=2) as world:
            pen = self.begin(world)
            with Terminal(world, "pens", "add") as terminal:
                terminal.expect(r"end in 1001\? \[y/n\] ")
                terminal.type("\x03")
                self.assertEqual(terminal.end(), -signal.SIGINT)
            with Terminal(world, "pens", "add") as terminal:
                terminal.expect(r"end in 1001\? \[y/n\] ")
                terminal.type("\x04")
                terminal.expect("Nothing was done")
                self.assertEqual(terminal.end(), 2)
            for key, told in ("\x03", "The pairing was cancelled here"), ("\x04", "No code was given"):
                with Terminal(world, "pens", "add", "1001") as terminal:
                    terminal.expect("shows: ")
                    terminal.type(key)
                    terminal.expect(told)
                    self.assertEqual(terminal.end(), 1)
                self.nothing_is_left(world)
            world.enrol(self.pens, pen["pen"])

    def test_ep1_the_terminal_is_gone(self):
        """Killed at its question: the pairing is given up, and who comes next waits for that, and hears nothing of it."""
        with World(adapters=2) as world:
            pen = self.begin(world)
            for _ in range(3):
                with Terminal(world, "pens", "add", "1001") as terminal:
                    terminal.expect("shows: ")
                    terminal.popen.kill()
            world.enrol(self.pens, pen["pen"])

    def test_ep1_two_pens_are_ready(self):
        with World(adapters=3) as world:
            self.begin(world, pens=2)
            wait_until(lambda: [row["pairing_open"] for row in
                                world.ctl_json("pens", "list", "--all")["sightings"]] == [True, True],
                       "that both are heard")
            with Terminal(world, "pens", "add") as terminal:
                terminal.expect("2 pens are ready to pair:")
                terminal.expect("Stipple-100[12].*open")
                terminal.expect("Type the last digits on the label of the one you mean: ")
                terminal.type("100\n")
                terminal.expect("Not one of these, or more than one, ends in that. Type the last digits")
                said = len(self.pens.drain())
                terminal.type("1002\n")
                code = "%06d" % int(self.pens.wait_event(event("passkey", pen="DP26-1002"), since=said,
                                                         what="a passkey of the second")["passkey"])
                terminal.expect("whose label ends in 1002, shows: ")
                terminal.type(code + "\n")
                terminal.expect("Pen DP26-1002 is enrolled")
                self.assertEqual(terminal.end(), 0)
            self.assertEqual(self.enrolled(world), ["DP26-1002"])

    def test_ep4_a_pen_full_of_hosts(self):
        for bonds in "full", "none":
            with self.subTest(bonds), World(adapters=2) as world:
                self.begin(world, "--bonds", bonds)
                with Terminal(world, "pens", "add", "1001") as terminal:
                    terminal.expect("list of hosts is full")
                    terminal.expect("delete a host at the pen")
                    self.assertEqual(terminal.end(), 1)
                    self.assertNotIn("code was wrong", terminal.seen)
                self.nothing_is_left(world)

    def test_ep4_no_bond_and_no_room_for_one(self):
        """A pen that lost our bond, and has, or has no room for another: each with its own advice."""
        for bonds, code, advice in (("none", "no-bond", "not paired any more"),
                                    ("full", "no-room-for-bond", "Delete a host at the pen")):
            with self.subTest(bonds), World(adapters=2) as world:
                state = os.path.join(world.directory, "pens")
                os.mkdir(state)
                pen = self.begin(world, "--state", state, "--open")
                world.enrol(self.pens, pen["pen"])
                world.sync_until_complete(pen["pen"])
                self.pens.kill(signal.SIGTERM)
                for adapter, address in ("hci1", address_of(world, "hci0")), ("hci0", pen["address"]):
                    forget_at(world, adapter, address)
                self.pens = world.start_pens(1, *PEN, "--state", state, "--open", "--bonds", bonds)
                done = world.ctl("sync", pen["pen"], "--json", status=None)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn('"%s"' % code, done.stdout)
                self.assertIn(advice, done.stdout)
                self.assertIn(pen["pen"], world.ctl("alerts", status=None).stdout)


# ---- P16: others who pair ----

def connection(world):
    return dbus.bus.BusConnection(world.env.get("DBUS_SYSTEM_BUS_ADDRESS",
                                                "unix:path=/run/dbus/system_bus_socket"))


def forget_at(world, adapter, address):
    bus = connection(world)
    dbus.Interface(bus.get_object("org.bluez", "/org/bluez/" + adapter, introspect=False),
                   "org.bluez.Adapter1").RemoveDevice(dbus.ObjectPath(device(adapter, address)))
    bus.close()


def device(adapter, address):
    return "/org/bluez/%s/dev_%s" % (adapter, address.replace(":", "_"))


def address_of(world, adapter):
    bus = connection(world)
    properties = dbus.Interface(bus.get_object("org.bluez", "/org/bluez/" + adapter, introspect=False),
                                "org.freedesktop.DBus.Properties")
    address = str(properties.Get("org.bluez.Adapter1", "Address"))
    bus.close()
    return address


class OtherProgram(dbus.service.Object):
    """Another program, with an agent of its own and somebody who takes their time."""

    def __init__(self, world):
        self.bus = connection(world)
        super().__init__(self.bus, "/test/other")
        self.answer = None      # of the question that waits
        self.result = None      # of Pair(): "paired", or an error's name
        manager = dbus.Interface(self.bus.get_object("org.bluez", "/org/bluez", introspect=False),
                                 "org.bluez.AgentManager1")
        manager.RegisterAgent(dbus.ObjectPath("/test/other"), "KeyboardDisplay")

    @dbus.service.method("org.bluez.Agent1", in_signature="o", out_signature="u", async_callbacks=("reply", "error"))
    def RequestPasskey(self, _device, reply, error):
        self.answer = reply

    @dbus.service.method("org.bluez.Agent1", in_signature="", out_signature="")
    def Cancel(self):
        self.answer = None

    def pair(self, path):
        def failed(error):
            self.result = error.get_dbus_name()

        def paired():
            self.result = "paired"
        dbus.Interface(self.bus.get_object("org.bluez", path, introspect=False),
                       "org.bluez.Device1").Pair(reply_handler=paired, error_handler=failed, timeout=60)

    @staticmethod
    def run_until(done, what, timeout=30):
        deadline = time.monotonic() + timeout
        context = GLib.MainContext.default()
        tick = GLib.timeout_add(50, lambda: True)   # so that the deadline is looked at
        try:
            while not done():
                if time.monotonic() > deadline:
                    raise Timeout("%s: not within %d s" % (what, timeout))
                context.iteration(True)
        finally:
            GLib.source_remove(tick)


class OthersPair(Enrolment):
    def test_p16_the_other_program_pairs_the_same_pen(self):
        with World(adapters=2) as world:
            pen = self.begin(world)
            wait_until(lambda: world.ctl_json("pens", "list", "--all")["sightings"], "that the pen is heard")
            other = OtherProgram(world)
            said = len(self.pens.drain())
            other.pair(device("hci0", pen["address"]))
            other.run_until(lambda: other.answer, "that the other program is asked")
            code = self.passkey(said)
            # Its prompt is its own: ours is not shown, and says whose turn it is.
            with Terminal(world, "pens", "add", "1001") as terminal:
                terminal.expect(r"Another program is pairing with this pen\. Close it and try again\.")
                self.assertEqual(terminal.end(), 1)
                self.assertNotIn("six digits", terminal.seen)
            self.assertIsNone(other.result, "we did not break it off")
            other.answer(dbus.UInt32(int(code)))
            other.run_until(lambda: other.result, "that the other program has paired")
            self.assertEqual(other.result, "paired")
            # A bond that somebody else made counts for nothing here, and is left alone.
            done = world.ctl("pens", "add", "1001", "--json", status=None)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("paired with this host by another program", done.stdout)
            other.bus.close()

    def test_p16_the_other_program_comes_second(self):
        """Ours waits for its code; the other one's try changes nothing for us."""
        with World(adapters=2) as world:
            pen = self.begin(world)
            other = OtherProgram(world)
            said = len(self.pens.drain())
            with Terminal(world, "pens", "add", "1001") as terminal:
                terminal.expect("shows: ")
                code = self.passkey(said)
                other.pair(device("hci0", pen["address"]))
                other.run_until(lambda: other.result, "that the other program is told")
                self.assertEqual(other.result, "org.bluez.Error.InProgress")
                self.assertIsNone(other.answer, "our prompt did not come to it")
                terminal.type(code + "\n")
                terminal.expect("is enrolled")
                self.assertEqual(terminal.end(), 0)
            other.bus.close()

    def test_p16_another_agents_request_comes_to_us(self):
        with World(adapters=2) as world:
            pen = self.begin(world)
            bus = connection(world)
            owner = bus.get_name_owner("org.stipple1")
            agent = dbus.Interface(bus.get_object(owner, "/org/stipple1/agent", introspect=False), "org.bluez.Agent1")
            with self.assertRaises(dbus.DBusException) as none:
                agent.RequestPasskey(dbus.ObjectPath(device("hci0", pen["address"])))
            self.assertIn("UnknownMethod", none.exception.get_dbus_name())
            said = len(self.pens.drain())
            with Terminal(world, "pens", "add", "1001") as terminal:
                terminal.expect("shows: ")
                code = self.passkey(said)
                for path in device("hci0", pen["address"]), device("hci0", "00:00:00:00:00:01"):
                    with self.assertRaises(dbus.DBusException) as refused:
                        agent.RequestPasskey(dbus.ObjectPath(path))
                    self.assertEqual(refused.exception.get_dbus_name(), "org.bluez.Error.Rejected")
                    self.assertIn("only for the pen that it is pairing", refused.exception.get_dbus_message())
                agent.Cancel()
                terminal.type(code + "\n")
                terminal.expect("is enrolled")
                self.assertEqual(terminal.end(), 0)
                self.assertEqual(terminal.seen.count("six digits"), 1)
            bus.close()


if __name__ == "__main__":
    unittest.main()
