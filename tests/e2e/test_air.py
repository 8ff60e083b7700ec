# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""What befalls radios and pens: old pens, updated pens, deaf adapters, adapters that are pulled.  In the lab only.

The fake is told to behave so by tests/daemon; here the kernel's stack and bluetoothd do, as tests/lab/radio.py
makes the air.
"""
import glob
import os
import re
import signal
import subprocess
import unittest

import dbus

import truth
from world import Process, World, wait_until

LOG_DATA = "09100003-bb54-4852-bc64-5a6d759c3f7d"
OLD_MTU = 23


def said(name):
    return lambda e: isinstance(e, dict) and e.get("event") == name


class Lab(unittest.TestCase):
    def radio(self, order):
        with open("/run/radio", "w") as air:
            air.write(order + "\n")

    def clinic(self, world, *args):
        pens = world.start_pens(1, "--seed", "5", "--sessions", "2", "--samples", "1500", *args)
        daemon = world.start_daemon()
        serial = world.pens_of(pens)[0]["pen"]
        world.enrol(pens, serial)
        world.sync_until_complete(serial)
        return pens, daemon, serial

    def all_is_here(self, world, serial):
        self.assertEqual(truth.held(world.state), truth.records(world.truth, serial), "all of it, once, unaltered")

    def brought(self, world, serial):
        """The syncs that brought something, the oldest first."""
        return sorted((sync for sync in world.ctl_json("syncs", serial)["syncs"] if sync["bytes"] > 0),
                      key=lambda sync: sync["started_us"])

    def objects(self, bus):
        root = bus.get_object("org.bluez", "/")
        return dbus.Interface(root, "org.freedesktop.DBus.ObjectManager").GetManagedObjects()

    def adapters(self, which="Address"):
        """{address: name} of those that BlueZ has, or of those only that have such a property, and it is true."""
        bus = dbus.SystemBus(private=True)
        try:
            objects = self.objects(bus)
        except dbus.DBusException:      # bluetoothd does not run yet
            objects = {}
        bus.close()
        return {str(interfaces["org.bluez.Adapter1"]["Address"]): path.rsplit("/", 1)[1]
                for path, interfaces in objects.items()
                if interfaces.get("org.bluez.Adapter1", {}).get(which)}

    def listen(self, pens_address):
        """Another program that listens to a pen's data: there is no descriptor for anybody then."""
        bus = dbus.SystemBus(private=True)
        device = "dev_" + pens_address.replace(":", "_")
        path = next(path for path, interfaces in self.objects(bus).items() if device in path and
                    interfaces.get("org.bluez.GattCharacteristic1", {}).get("UUID") == LOG_DATA)
        dbus.Interface(bus.get_object("org.bluez", path), "org.bluez.GattCharacteristic1").StartNotify()
        return bus


@unittest.skipUnless(os.environ.get("STIPPLE_WORLD") == "lab", "only the lab has an air")
class AfterUpdate(Lab):
    """P6: a pen whose characteristics have moved.  The first of a boot, see below."""

    def bluetoothd(self, world, config=None):
        """Kill it and start it again, with its settings or with others."""
        for comm in glob.glob("/proc/[0-9]*/comm"):
            with open(comm) as file:
                if file.read() == "bluetoothd\n":
                    os.kill(int(comm.split("/")[2]), signal.SIGKILL)
        world.wait_status("radio", "no-bluetooth")
        with open("/run/lab/bluetoothd") as file:
            start = file.read()
        if config:
            path = os.path.join(world.directory, "main.conf")
            with open(re.search(r" -f (\S+)", start)[1]) as usual, open(path, "w") as changed:
                changed.write(usual.read().replace("[GATT]", "[GATT]\n" + config))
            start = re.sub(r" -f \S+", " -f " + path, start)
        subprocess.Popen(["/bin/sh", "-c", start], stdin=subprocess.DEVNULL)
        # A pen that asks for an advertisement before that is never heard.
        wait_until(lambda: len(self.adapters("Powered")) == 3, "all adapters are on again")
        world.wait_status("radio", "scanning")

    def places(self, serial_address):
        """Where BlueZ believes the pen's characteristics to be, and whether the bond is there."""
        bus = dbus.SystemBus(private=True)
        device = "/org/bluez/hci0/dev_" + serial_address.replace(":", "_")
        objects = self.objects(bus)
        bus.close()
        return ({str(interfaces["org.bluez.GattCharacteristic1"]["UUID"]): path[len(device):]
                 for path, interfaces in objects.items()
                 if path.startswith(device) and "org.bluez.GattCharacteristic1" in interfaces},
                bool(objects[device]["org.bluez.Device1"]["Bonded"]))

    def updated(self, world, pens):
        """The same pen after an update of its firmware: its bond and its log stay, its attributes move."""
        pens.kill(signal.SIGTERM)
        return lambda: world.start_pens(1, "--seed", "5", "--state", os.path.join(world.directory, "flash"),
                                        "--updated", "--live-session", "5", "--samples", "1500")

    def test_p6_an_updated_pen_that_says_so(self):
        """Service Changed and the database hash: BlueZ finds out by itself, and the next sync ends complete."""
        with World(adapters=2) as world:
            pens, daemon, serial = self.clinic(world, "--state", os.path.join(world.directory, "flash"))
            address = world.pens_of(pens)[0]["address"]
            before, _ = self.places(address)
            pens = self.updated(world, pens)()
            pens.wait_event(said("new-record"), what="a new record")
            world.sync_until_complete(serial)
            after, bonded = self.places(address)
            self.assertTrue(bonded)
            self.assertNotEqual(before[LOG_DATA], after[LOG_DATA])
            self.assertFalse([e for e in pens.drain() if said("passkey")(e)], "nobody had to pair")
            self.all_is_here(world, serial)

    def test_p6_an_updated_old_pen(self):
        """It tells nobody, and BlueZ reads at the old places; what the error advises mends it, and the bond stays."""
        self.radio("old hci1")
        self.addCleanup(self.radio, "modern hci1")
        with World(adapters=2) as world:
            # The first pen of this bluetoothd, as it will be of the next one: the same range of handles.
            pens, daemon, serial = self.clinic(world, "--state", os.path.join(world.directory, "flash"))
            address = world.pens_of(pens)[0]["address"]
            before, _ = self.places(address)
            start = self.updated(world, pens)
            self.bluetoothd(world)
            pens = start()
            pens.wait_event(said("new-record"), what="a new record")
            failed = world.ctl("sync", serial, status=None, timeout=300)
            self.assertEqual(failed.returncode, 1)
            self.assertIn("Cache = no", failed.stderr)
            self.assertIn("its bond stays", daemon.stderr())
            stale, bonded = self.places(address)
            self.assertTrue(bonded)
            self.assertEqual(stale, before)
            self.bluetoothd(world, "Cache = no")
            world.sync_until_complete(serial)
            self.assertTrue(self.places(address)[1], "the bond stays")
            self.assertFalse([e for e in pens.drain() if said("passkey")(e)], "nobody had to pair")
            self.all_is_here(world, serial)
            self.bluetoothd(world)


@unittest.skipUnless(os.environ.get("STIPPLE_WORLD") == "lab", "only the lab has an air")
class Air(Lab):
    def test_p17_an_old_pen_by_both_ways(self):
        """An ATT MTU of 23 on the link itself: values of 20 bytes, through the descriptor and through signals."""
        self.radio("old hci1")
        self.addCleanup(self.radio, "modern hci1")
        with World(adapters=2) as world:
            pens, _, serial = self.clinic(world, "--live-session", "30")
            self.all_is_here(world, serial)
            bus = self.listen(world.pens_of(pens)[0]["address"])
            pens.wait_event(said("new-record"), what="a new record")
            world.sync_until_complete(serial)
            bus.close()
            self.all_is_here(world, serial)
            syncs = self.brought(world, serial)
            self.assertEqual([(sync["mtu"], sync["notify"]) for sync in (syncs[0], syncs[-1])],
                             [(OLD_MTU, "descriptor"), (OLD_MTU, "signals")])
            self.assertRegex(world.ctl("syncs", serial), r"(?m)\bMTU\b[\s\S]*\b%d\b" % OLD_MTU)

    # ---- P12: the adapter hears nothing ----

    def watch(self, world):
        monitor = Process(world, "stipplectl", "monitor", "--json")
        monitor.wait_event(said("ready"), what="ready")
        return monitor

    def silence(self, monitor, over, since=0):
        """The alert about it, as it is raised or ended."""
        return monitor.wait_event(lambda e: said("alert")(e) and e["alert"]["kind"] == "adapter-silent" and
                                  bool(e["alert"].get("ended_us")) == over, timeout=900, since=since,
                                  what="that the adapter is %s" % ("well" if over else "silent"))

    def test_p12_a_deaf_adapter(self):
        """First one that hears when it is switched off and on, then one that does not while a session ends."""
        with World(adapters=2) as world:
            pens, daemon, serial = self.clinic(world, "--live-session", "400")
            monitor = self.watch(world)
            self.radio("numb hci0")
            wait_until(lambda: "it is switched off and on" in daemon.stderr(), "the remedy", 600, every=2)
            wait_until(lambda: "it is well" in daemon.stderr(), "that it helped", 60)
            self.radio("deaf hci0")
            alert = self.silence(monitor, False)["alert"]
            self.assertIn("hears nothing", world.ctl("alerts", status=None).stdout)
            self.assertIn("plug", alert["hint"])
            self.assertEqual(daemon.stderr().count("it is switched off and on"), 2)
            self.radio("hears hci0")
            self.silence(monitor, True, since=len(monitor.drain()))
            pens.wait_event(said("new-record"), timeout=900, what="a new record")
            monitor.wait_event(lambda e: said("session-stored")(e) and e["session"]["number"] == 3,
                               what="that it is fetched by itself")
            self.all_is_here(world, serial)

    # ---- P13: the adapter is pulled in the middle of a sync ----

    def replug(self, *addresses):
        """Both are pulled, and come back in that order; the first one is hci0 then, the other hci2."""
        for name in "hci0", "hci2":
            self.radio("unplug " + name)
        wait_until(lambda: not set(addresses) & set(self.adapters()), "both adapters are gone")
        for address, name in zip(addresses, ("hci0", "hci2")):
            self.radio("plug " + self.born[address])
            wait_until(lambda: self.adapters().get(address) == name, "%s is %s" % (address, name))
        wait_until(lambda: set(addresses) <= set(self.adapters("Powered")), "both are on")

    def test_p13_pulled_in_mid_sync_and_back_by_another_name(self):
        with World(adapters=3) as world:
            pens = world.start_pens(1, "--seed", "5", "--sessions", "8", "--samples", "20000",
                                    "--announce-after", "1:100000")
            serial = world.pens_of(pens)[0]["pen"]
            names = {name: address for address, name in self.adapters().items()}
            ours, spare = names["hci0"], names["hci2"]
            self.born = {ours: "hci0", spare: "hci2"}
            daemon = world.start_daemon(adapter=ours)
            monitor = self.watch(world)
            world.enrol(pens, serial)
            pens.wait_event(lambda e: said("fault")(e) and e["fault"] == "announce", what="a transfer")
            self.radio("unplug hci0")
            world.wait_status("radio", "no-adapter")
            self.assertLess(len(truth.held(world.state)), len(truth.records(world.truth, serial)))
            wait_until(lambda: self.brought(world, serial), "that the sync that it ended is noted")
            # The spare one comes back first, and so has the name of ours now.
            self.addCleanup(self.replug, ours, spare)
            self.replug(spare, ours)
            world.wait_status("radio", "scanning")
            monitor.wait_event(lambda e: said("pen-changed")(e) and e["changed"].get("coverage") == 100.0,
                               timeout=200, what="that the pen is complete, by itself")
            self.all_is_here(world, serial)
            syncs = self.brought(world, serial)
            print("%s, then complete: %s" % (syncs[0]["link_end"], syncs[-1]["complete"]))
            self.assertFalse(syncs[0]["complete"])
            self.assertIn("adapter", syncs[0]["link_end"])
            self.assertTrue(syncs[-1]["complete"])
            self.assertIn("hci2", world.ctl("status"))


if __name__ == "__main__":
    unittest.main()
