# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""The bond of a pen: who is asked for its code, what is told when it does not work, and the one repair.

The same in the fake world and in the lab.
"""
import json
import os
import re
import subprocess
import unittest

import dbus
import dbus.bus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

from world import World, program

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)


def connection(world):
    return dbus.bus.BusConnection(world.env.get("DBUS_SYSTEM_BUS_ADDRESS",
                                                "unix:path=/run/dbus/system_bus_socket"))


def forget_at(world, adapter, address):
    """One end loses its key of the other."""
    bus = connection(world)
    device = "/org/bluez/%s/dev_%s" % (adapter, address.replace(":", "_"))
    dbus.Interface(bus.get_object("org.bluez", "/org/bluez/" + adapter, introspect=False),
                   "org.bluez.Adapter1").RemoveDevice(dbus.ObjectPath(device))
    bus.close()


def address_of(world, adapter):
    bus = connection(world)
    properties = dbus.Interface(bus.get_object("org.bluez", "/org/bluez/" + adapter, introspect=False),
                                "org.freedesktop.DBus.Properties")
    address = str(properties.Get("org.bluez.Adapter1", "Address"))
    bus.close()
    return address


class OtherAgent(dbus.service.Object):
    """The desktop's agent, say: registered before ours, and the default."""

    def __init__(self, bus):
        super().__init__(bus, "/test/other")
        self.asked = []

    def _note(self, what):
        self.asked.append(what)

    @dbus.service.method("org.bluez.Agent1", in_signature="o", out_signature="u")
    def RequestPasskey(self, device):
        self._note("RequestPasskey")
        return dbus.UInt32(0)

    @dbus.service.method("org.bluez.Agent1", in_signature="ou", out_signature="")
    def RequestConfirmation(self, device, passkey):
        self._note("RequestConfirmation")

    @dbus.service.method("org.bluez.Agent1", in_signature="ouq", out_signature="")
    def DisplayPasskey(self, device, passkey, entered):
        self._note("DisplayPasskey")

    @dbus.service.method("org.bluez.Agent1", in_signature="", out_signature="")
    def Cancel(self):
        pass

    @dbus.service.method("org.bluez.Agent1", in_signature="", out_signature="")
    def Release(self):
        self._note("Release")


class Bond(unittest.TestCase):
    def enrolled(self, world, *pen_args):
        pens = world.start_pens(1, "--seed", "3", "--sessions", "2", "--samples", "100", *pen_args)
        self.daemon = world.start_daemon()
        pen = world.pens_of(pens)[0]
        world.enrol(pens, pen["pen"])
        world.sync_until_complete(pen["pen"])
        return pens, pen

    def repair(self, world, pens, serial):
        args = [program("stipplectl"), "pens", "repair", serial, "--passkey", "-", "--yes", "--timeout", "60"]
        said = len(pens.drain())
        repair = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=world.env)
        shown = pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "passkey",
                                what="a passkey", since=said)
        out, err = repair.communicate("%06d\n" % int(shown["passkey"]), timeout=130)
        self.assertEqual(repair.returncode, 0, out + err)
        return out + err

    def trouble(self, world, serial, code):
        done = world.ctl("sync", serial, "--json", status=None, timeout=180)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(code, done.stdout, done.stderr)
        alerts = world.ctl("alerts", status=None).stdout
        self.assertIn("bond", alerts)
        self.assertIn(serial, alerts)

    def works_again(self, world, serial):
        world.sync_until_complete(serial)
        self.assertNotIn("bond", world.ctl("alerts", status=None).stdout)

    def test_p15_the_pen_forgot(self):
        with World(adapters=2) as world:
            pens, pen = self.enrolled(world)
            forget_at(world, "hci1", address_of(world, "hci0"))
            self.trouble(world, pen["pen"], "pen-forgot-bond")
            said = self.repair(world, pens, pen["pen"])
            self.assertIn(pen["pen"], said)
            self.works_again(world, pen["pen"])

    def test_p15_the_host_lost_its_key(self):
        with World(adapters=2) as world:
            pens, pen = self.enrolled(world)
            forget_at(world, "hci0", pen["address"])
            done = world.ctl("sync", pen["pen"], "--json", status=None, timeout=180)
            self.assertEqual(done.returncode, 1, done.stdout)
            # A pen of another stack can be read without a key, and then says what it has.
            self.assertTrue(re.search("host-lost-bond|\"no-bond\"", done.stdout), done.stdout)
            # As the advice says: at the pen first.
            forget_at(world, "hci1", address_of(world, "hci0"))
            self.repair(world, pens, pen["pen"])
            self.works_again(world, pen["pen"])

    def test_without_a_code(self):
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", "3", "--sessions", "1", "--samples", "100", "--open",
                                    "--capability", "NoInputNoOutput")
            world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            done = world.ctl("pens", "add", serial, "--json", status=None)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("bond-too-weak", done.stdout)
            world.ctl("pens", "show", serial, status=3)
            # The pen still has its end of the bond that was taken back; no BlueZ replaces one without a code.
            forget_at(world, "hci1", address_of(world, "hci0"))
            done = world.ctl("pens", "add", serial, "--allow-unauthenticated", status=None)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("without a code", done.stderr)
            world.sync_until_complete(serial)
            for session in world.ctl_json("sessions", "list")["sessions"]:
                self.assertEqual(session["link"], "unauthenticated")

    def test_p16_another_agent_stays_the_default(self):
        with World(adapters=2) as world:
            bus = connection(world)
            agent = OtherAgent(bus)
            manager = dbus.Interface(bus.get_object("org.bluez", "/org/bluez", introspect=False),
                                     "org.bluez.AgentManager1")
            manager.RegisterAgent(dbus.ObjectPath("/test/other"), "KeyboardDisplay")
            # Both ends are on one bluetoothd: the pen has to be the default for its own questions.
            pens, pen = self.enrolled(world)
            del pens
            for _ in range(20):
                GLib.MainContext.default().iteration(False)
            self.assertEqual(agent.asked, [], "our pairing is none of its business")
            log = self.daemon.stderr()
            self.assertNotIn("RequestDefaultAgent", log)
            bus.close()

    def test_p31_nothing_personal_in_the_journal(self):
        label = "Maria Musterfrau 1970"
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", "3", "--sessions", "2", "--samples", "100")
            daemon = world.start_daemon()
            pen = world.pens_of(pens)[0]
            world.enrol(pens, pen["pen"], label=label)
            world.sync_until_complete(pen["pen"])
            passkeys = [e["passkey"] for e in pens.drain() if isinstance(e, dict) and e.get("event") == "passkey"]
            world.ctl("pens", "remove", pen["pen"], "--yes", status=None)
            journal = daemon.stderr()
            self.assertIn(pen["pen"], journal, "the serial number is there, to find one's way")
            self.assertTrue(passkeys)
            for secret in [label, "Maria", "Musterfrau", pen["name"], *passkeys]:
                self.assertNotIn(secret, journal)
            with open(os.path.join(world.state, "stipple.db"), "rb") as store:
                kept = store.read()
            for passkey in passkeys:
                self.assertNotIn(passkey.encode(), kept)

    def test_slots_and_addresses(self):
        with World(adapters=2) as world:
            _, pen = self.enrolled(world, "--attended")
            slots = world.ctl_json("pens", "slots", pen["pen"])["slots"]
            self.assertEqual([slot["ours"] for slot in slots], [True])
            shown = world.ctl_json("pens", "show", pen["pen"])["pen"]
            self.assertEqual([a["address"] for a in shown["addresses"]], [pen["address"]])
            done = world.ctl("pens", "remove", pen["pen"], "--erase", "--free-slot", "--yes", status=None)
            self.assertEqual(done.returncode, 0, done.stderr)
            # Once to erase and once for the slot: whoever is at the pen presses when told to.
            self.assertEqual(done.stderr.count("Press the button"), 2, done.stderr)

    def test_retired_and_enrolled_again(self):
        with World(adapters=2) as world:
            pens, pen = self.enrolled(world)
            done = json.loads(world.ctl("pens", "remove", pen["pen"], "--yes", "--json"))
            self.assertEqual(done["removed"], pen["pen"])
            self.assertIn("retired", world.ctl("pens", "show", pen["pen"]))
            self.daemon.kill(15)
            self.daemon = world.start_daemon()
            self.assertIn("retired", world.ctl("pens", "show", pen["pen"]))
            # This host's key is gone; the person deletes the other end's, as told.
            forget_at(world, "hci1", address_of(world, "hci0"))
            world.enrol(pens, pen["pen"])
            world.sync_until_complete(pen["pen"])


if __name__ == "__main__":
    unittest.main()
