# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""How a pen's data come and why its links end, as 'stipplectl syncs' tells it; over the fake, some in the lab."""
import subprocess
import unittest

import dbus
import dbus.bus

from world import World, program, wait_until

LOG_DATA = "09100003-bb54-4852-bc64-5a6d759c3f7d"


class Links(unittest.TestCase):
    def air(self, world, method, *args):
        subprocess.run(["gdbus", "call", "--system", "--dest", "org.bluez", "--object-path", "/org/bluez/fake",
                        "--method", "org.stipple1.test.Air1." + method, *args], env=world.env, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def radio(self, order):
        with open("/run/radio", "w") as air:
            air.write(order + "\n")

    def clinic(self, world, *args):
        pens = world.start_pens(1, "--seed", "5", "--sessions", "3", "--samples", "3000", *args)
        world.start_daemon()
        return pens, world.pens_of(pens)[0]["pen"]

    def brought(self, world, serial):
        syncs = world.ctl_json("syncs", serial)
        return syncs["pens"][0], [sync for sync in syncs["syncs"] if sync["bytes"] > 0]

    def test_p3_by_descriptor(self):
        with World(adapters=2) as world:
            pens, serial = self.clinic(world)
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            pen, syncs = self.brought(world, serial)
            self.assertEqual(pen["dropped"], 0)
            for sync in syncs:
                self.assertEqual((sync["notify"], sync["switches"], sync["link_end"]), ("descriptor", 0, "local"))
                self.assertTrue(sync["complete"])
                self.assertGreaterEqual(sync["connect_tries"], 1)
                self.assertLess(sync["rssi"], 0)

    def test_p3_p5_by_signals_where_the_descriptor_is_refused(self):
        with World(adapters=2) as world:
            self.air(world, "RefuseAcquireNotify", "true")
            pens, serial = self.clinic(world)
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            _, syncs = self.brought(world, serial)
            self.assertTrue(syncs)
            self.assertEqual({sync["notify"] for sync in syncs}, {"signals"})
            self.assertEqual(syncs[-1]["switches"], 1)

    def test_p3_by_signals_where_another_program_listens(self):
        """BlueZ gives nobody a descriptor then, and tells each value twice."""
        with World(adapters=2) as world:
            if world.kind != "lab":
                self.skipTest("the fake does as it is told; the test above tells it")
            pens, serial = self.clinic(world, "--live-session", "25")
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            before = len(self.brought(world, serial)[1])
            bus = dbus.SystemBus(private=True)
            objects = dbus.Interface(bus.get_object("org.bluez", "/"), "org.freedesktop.DBus.ObjectManager")
            device = "dev_" + world.pens_of(pens)[0]["address"].replace(":", "_")
            path = next(path for path, interfaces in objects.GetManagedObjects().items() if device in path and
                        interfaces.get("org.bluez.GattCharacteristic1", {}).get("UUID") == LOG_DATA)
            dbus.Interface(bus.get_object("org.bluez", path), "org.bluez.GattCharacteristic1").StartNotify()
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "new-record", what="a new record")
            world.sync_until_complete(serial)
            syncs = self.brought(world, serial)[1]
            self.assertGreater(len(syncs), before)
            newest = max(syncs, key=lambda sync: sync["started_us"])
            self.assertEqual((newest["notify"], newest["switches"]), ("signals", 1))
            bus.close()

    def test_p4_lost_values_are_read_again(self):
        with World(adapters=2) as world:
            pens, serial = self.clinic(world)
            address = world.pens_of(pens)[0]["address"]
            self.air(world, "LoseNotification", address, "17")
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            self.assertEqual(world.coverage(serial), 100.0)

    def test_p17_an_mtu_of_23(self):
        with World(adapters=2) as world:
            pens, serial = self.clinic(world, "--mtu", "23")
            if world.kind == "fake":
                self.air(world, "SetMtu", world.pens_of(pens)[0]["address"], "23")
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            _, syncs = self.brought(world, serial)
            # The lab's two ends agree on 517, and the pen sends no more than fits 23 all the same.
            self.assertEqual({sync["mtu"] for sync in syncs}, {23 if world.kind == "fake" else 517})
            self.assertEqual(world.coverage(serial), 100.0)

    def test_p7_another_program_connects_at_the_same_time(self):
        """BlueZ answers InProgress to the second one."""
        with World(adapters=2) as world:
            if world.kind != "lab":
                self.skipTest("in the fake p7_in_progress_is_waited_for tells it to be busy")
            pens, serial = self.clinic(world)
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            device = "/org/bluez/hci0/dev_" + world.pens_of(pens)[0]["address"].replace(":", "_")
            bus = dbus.SystemBus(private=True)
            pen = bus.get_object("org.bluez", device)
            wait_until(lambda: not pen.Get("org.bluez.Device1", "Connected",
                                           dbus_interface="org.freedesktop.DBus.Properties"), "no link")
            # Out of range, so that BlueZ tries for as long as it takes the daemon to ask, too.
            self.radio("away hci1")
            other = pen.get_dbus_method("Connect", "org.bluez.Device1")
            other(ignore_reply=True)
            bus.flush()
            sync = subprocess.Popen([program("stipplectl"), "sync", serial], env=world.env,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            wait_until(lambda: "somebody else connects" in world.processes[1].stderr(),
                       "the daemon meets the other's Connect")
            self.radio("back hci1")
            # 2: there was nothing to do; but it had to connect to find out.
            self.assertIn(sync.wait(120), (0, 2))
            bus.close()

    def reach(self, world, reaches):
        """Whether the adapter and the pen are in reach of each other."""
        if world.kind == "lab":
            self.radio("back hci1" if reaches else "away hci1")
        else:
            self.air(world, "Deafen", "hci0", "" if reaches else "ever")

    def test_p7_an_attempt_whose_caller_is_gone(self):
        """As after a kill: BlueZ goes on with it for 40 s, and refuses ours meanwhile."""
        with World(adapters=2) as world:
            pens, serial = self.clinic(world)
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            device = "/org/bluez/hci0/dev_" + world.pens_of(pens)[0]["address"].replace(":", "_")
            bus = dbus.bus.BusConnection(world.env.get("DBUS_SYSTEM_BUS_ADDRESS",
                                                       "unix:path=/run/dbus/system_bus_socket"))
            pen = bus.get_object("org.bluez", device, introspect=False)
            wait_until(lambda: not pen.Get("org.bluez.Device1", "Connected",
                                           dbus_interface="org.freedesktop.DBus.Properties"), "no link")
            self.reach(world, False)
            pen.get_dbus_method("Connect", "org.bluez.Device1")(ignore_reply=True)
            bus.flush()
            bus.close()
            sync = subprocess.Popen([program("stipplectl"), "sync", serial], env=world.env,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            wait_until(lambda: "comes to nothing: taken back" in world.processes[-1].stderr(),
                       "the daemon takes the attempt back")
            self.reach(world, True)
            self.assertIn(sync.wait(120), (0, 2))

    def test_p19_dropped_links_are_counted(self):
        with World(adapters=2) as world:
            pens, serial = self.clinic(world, "--drop-after", "1:2000")
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            pen, syncs = self.brought(world, serial)
            self.assertEqual(pen["dropped"], 1)
            self.assertIn("lost", {sync["link_end"] for sync in syncs})
            self.assertIn("1 of %d links dropped" % pen["links"], world.ctl("syncs", serial))


if __name__ == "__main__":
    unittest.main()
