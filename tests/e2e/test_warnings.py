# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""What people are told before anything is lost: a radio that stays down, a pen short of room; and what is told of
pens that went."""
import json
import subprocess
import unittest

from world import World, wait_until


class Warnings(unittest.TestCase):
    def air(self, world, method, *args):
        subprocess.run(["gdbus", "call", "--system", "--dest", "org.bluez", "--object-path", "/org/bluez/fake",
                        "--method", "org.stipple1.test.Air1." + method, *args], env=world.env, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def alert(self, world, kind):
        """The open alert of a kind; None: there is none."""
        alerts = json.loads(world.ctl("alerts", "--json", status=None).stdout)["alerts"]
        return next((alert for alert in alerts if alert["kind"] == kind), None)

    def only_fake(self, world):
        if world.kind != "fake":
            self.skipTest("only the fake takes adapters away on demand")

    def test_a_radio_that_stays_down(self):
        with World(adapters=2) as world:
            self.only_fake(world)
            pens = world.start_pens(1, "--seed", "7", "--sessions", "1", "--samples", "100")
            world.start_daemon("--radio-patience", "1")
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            for down, up, text in (("PowerOff", "PowerOn", "switched off"),
                                   ("RemoveAdapter", "AddAdapter", "no Bluetooth adapter")):
                self.air(world, down, "hci0")
                wait_until(lambda: self.alert(world, "radio-down"), "an alert of " + down)
                alert = self.alert(world, "radio-down")
                self.assertIn(text, alert["text"])
                self.assertTrue(alert["hint"])
                self.air(world, up, *(["hci0"] if up == "PowerOn" else []))
                wait_until(lambda: not self.alert(world, "radio-down"), "the end of it")

    def test_nobody_is_told_where_no_pen_is_enrolled(self):
        with World(adapters=0) as world:
            self.only_fake(world)
            daemon = world.start_daemon("--radio-patience", "1")
            world.wait_status("radio", "no-adapter")
            # A later alert would come before this answer, which waits for longer than the patience.
            world.ctl("pens", "add", "1001", "--passkey", "1", "--timeout", "3", status=None)
            self.assertIsNone(self.alert(world, "radio-down"))
            self.assertNotIn("radio-down", daemon.stderr())

    def test_lt15_a_pen_short_of_room(self):
        with World(adapters=2) as world:
            self.only_fake(world)
            pens = world.start_pens(1, "--seed", "8", "--sessions", "2", "--samples", "3000", "--capacity", "24",
                                    "--live-session", "20")
            daemon = world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            self.assertIsNone(self.alert(world, "overrun-near"))
            self.assertGreater(world.ctl_json("pens", "show", serial)["pen"]["sessions_left"], 0)
            # It has a new session, and nobody gets through to it.
            self.air(world, "FailNext", "Device1.Connect", "org.bluez.Error.Failed", "le-connection-abort-by-local",
                     "100000")
            wait_until(lambda: self.alert(world, "overrun-near"), "a warning", timeout=60)
            self.warned(world, serial)
            # The next daemon says so at once, although it cannot ask the pen.
            daemon.kill()
            world.start_daemon()
            self.warned(world, serial)
            self.air(world, "Reset")
            world.sync_until_complete(serial)
            self.assertIsNone(self.alert(world, "overrun-near"))
            self.assertIsNone(world.ctl_json("pens", "show", serial)["pen"]["warning"])

    def warned(self, world, serial):
        self.assertEqual(self.alert(world, "overrun-near")["subject"], serial)
        pen = world.ctl_json("pens", "show", serial)["pen"]
        self.assertIn("overwrites", pen["warning"])
        self.assertLessEqual(pen["sessions_left"], 5)
        self.assertRegex(world.ctl("pens", "list"), r"\d session")
        self.assertIn("Soon to be lost", world.ctl("coverage", status=None).stdout)

    def test_p15_a_forgotten_bond_does_not_pass_by_itself(self):
        with World(adapters=2) as world:
            self.only_fake(world)
            pens = world.start_pens(1, "--seed", "6", "--sessions", "1", "--samples", "100")
            world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            self.air(world, "ForgetBond", "hci1", world.ctl_json("status")["adapters"][0]["address"])
            world.ctl("sync", serial, status=1)
            self.assertEqual(world.ctl_json("syncs", serial)["syncs"][0]["trouble"], "auth")
            status = json.loads(world.ctl("status", "--json", status=None).stdout)
            self.assertGreaterEqual(status["adapters"][0]["errors"]["auth"], 1)
            self.assertNotIn("transient", status["adapters"][0]["errors"])
            self.assertIn("pens repair", self.alert(world, "bond")["hint"])

    def test_a_pen_that_was_retired_by_force(self):
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", "9", "--sessions", "3", "--samples", "300", "--flip", "1:2")
            world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial, label="room 9")
            world.ctl("sync", serial, status=None, timeout=120)
            held = world.ctl_json("sessions", "list", "--pen", serial)["sessions"]
            world.ctl("pens", "remove", serial, status=6)
            world.ctl("pens", "remove", serial, "--force", "--yes")
            self.assertEqual(world.ctl_json("pens", "list")["pens"], [])
            retired, = world.ctl_json("pens", "list", "--retired")["retired"]
            self.assertEqual((retired["serial"], retired["label"], retired["forced"]), (serial, "room 9", True))
            self.assertEqual(retired["missing_then"], 1)
            self.assertTrue(retired["retired"])
            # What it left is found by the name it had.
            self.assertTrue(held)
            self.assertEqual(world.ctl_json("sessions", "list", "--pen", "room 9")["sessions"], held)
            world.ctl("sessions", "show", held[0]["id"])


if __name__ == "__main__":
    unittest.main()
