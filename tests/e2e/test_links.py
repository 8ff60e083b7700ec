# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""How a pen's data come and why its links end, as 'stipplectl syncs' tells it; over the fake."""
import subprocess
import unittest

from world import World


class Links(unittest.TestCase):
    def air(self, world, method, *args):
        subprocess.run(["gdbus", "call", "--system", "--dest", "org.bluez", "--object-path", "/org/bluez/fake",
                        "--method", "org.stipple1.test.Air1." + method, *args], env=world.env, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

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
            self.air(world, "SetMtu", world.pens_of(pens)[0]["address"], "23")
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            _, syncs = self.brought(world, serial)
            self.assertEqual({sync["mtu"] for sync in syncs}, {23})

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
