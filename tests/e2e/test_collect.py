# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""From a pen's flash to an exported file, with a link that breaks in between."""
import json
import os
import subprocess
import unittest

import truth
import verify_records
from world import Process, World, program, wait_until


class Collect(unittest.TestCase):
    def compare(self, world, serial):
        expected = truth.sessions(world.truth, serial)
        listed = world.ctl_json("sessions", "list", "--pen", serial, "--all")["sessions"]
        self.assertEqual(sorted(s["number"] for s in listed), sorted(n for _, n in expected))
        for (epoch, number), path in expected.items():
            out = os.path.join(world.directory, "out.csv")
            world.ctl("sessions", "export", "%s/%08x/%d" % (serial, epoch, number), "-o", out)
            self.assertEqual(truth.normal(out), truth.normal(path), path)

    def held_equals(self, world, serial):
        held = {k: v for k, v in truth.held(world.state).items() if k[0] == serial}
        given = truth.records(world.truth, serial)
        self.assertEqual(held, given)

    def long_session(self, world):
        path = os.path.join(world.directory, "long.csv")
        with open(path, "wb") as file:
            subprocess.run([program("stipple-sample-csv"), "--seed", "11", "--samples", "180000"],
                           stdout=file, check=True)
        return path

    def test_three_pens_one_drops_the_link(self):
        with World() as world:
            pens = world.start_pens(3, "--seed", "3", "--sessions", "5", "--csv",
                                    "2:" + self.long_session(world), "--drop-after", "2:100000")
            world.start_daemon()
            serials = [p["pen"] for p in world.pens_of(pens)]
            for serial in serials:
                world.enrol(pens, serial)
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("fault") == "drop",
                            what="that it dropped the link")
            for serial in serials:
                world.sync_until_complete(serial)
                self.compare(world, serial)
                self.held_equals(world, serial)

    def test_what_is_stored_can_be_proven(self):
        """An outsider has the stored bytes and the pens' public keys, and nothing of ours."""
        with World() as world:
            pens = world.start_pens(2, "--seed", "17", "--sessions", "6", "--part-samples", "700")
            world.start_daemon()
            for pen in world.pens_of(pens):
                serial, key = pen["pen"], bytes.fromhex(pen["key"])
                world.enrol(pens, serial)
                world.sync_until_complete(serial)
                raws = [raw for of, raw in sorted(truth.raw_records(world.state).items())
                        if of[0] == serial]
                self.assertGreater(len(raws), 12)
                complaints, sessions, counter = verify_records.verify(key, raws)
                self.assertEqual((complaints, len(sessions), counter), ([], 6, 6))
                self.assertTrue(verify_records.verify(key, raws[:3] + raws[4:])[0])
                forged = raws[3][:-10] + bytes([raws[3][-10] ^ 1]) + raws[3][-9:]
                self.assertTrue(verify_records.verify(key, raws[:3] + [forged] + raws[4:])[0])
                self.assertTrue(verify_records.verify(bytes(32), raws)[0])
                # Of a tail that was cut off only the counter tells.
                complaints, sessions, counter = verify_records.verify(key, raws[:-5])
                self.assertEqual((complaints, counter < 6), ([], True))

    def test_new_session_is_fetched_by_itself(self):
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", "5", "--sessions", "1", "--samples", "500",
                                    "--live-session", 20 if world.kind == "lab" else 4)
            world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            monitor = Process(world, "stipplectl", "monitor", "--json")
            monitor.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "ready",
                               what="ready")
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "new-record",
                            what="a new record")
            monitor.wait_event(lambda e: isinstance(e, dict) and
                               e.get("event") == "session-stored" and e["session"]["number"] == 2,
                               what="that session 2 is stored")
            self.compare(world, serial)

    def hear_of_a_motor(self, *pen_args):
        """The findings on a session that was listened to while it went on."""
        with World() as world:
            pens = world.start_pens(1, "--seed", "5", "--sessions", "1", "--samples", "500", "--live-session", "16",
                                    "--motor-on", "7", *pen_args)
            world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "motor" and e.get("on"),
                            what="that the motor runs")
            complete = [a["stage"] for a in truth.attempts(world.state)].count("done")
            asked = world.ctl("sync", serial, status=None)
            self.assertIn("in use", asked.stdout + asked.stderr)
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "motor" and not e.get("on"),
                            what="that the motor stops")
            # On the link that listened, without being asked again.
            wait_until(lambda: [a["stage"] for a in truth.attempts(world.state)].count("done") > complete,
                       "that what the motor did is fetched")
            self.assertEqual(world.coverage(serial), 100.0)
            self.compare(world, serial)
            return [f for f in truth.findings(world.state) if f["kind"].startswith("live")]

    def test_in8_live_frames_agree_with_the_record(self):
        self.assertEqual(self.hear_of_a_motor(), [])

    def test_in8_a_record_that_denies_live_frames_is_told(self):
        found = self.hear_of_a_motor("--recorded-rate", "900")
        self.assertEqual([f["kind"] for f in found], ["live-mismatch"])
        self.assertIn("by its record", found[0]["text"])

    def test_recorded_telemetry(self):
        """The recorded-like sessions, where a checkout has them beside it."""
        folder = os.environ.get("STIPPLE_TELEMETRY", os.path.join(
            os.path.dirname(os.path.abspath(__file__)), "../../../shared/telemetry"))
        files = [os.path.join(folder, n + ".csv.xz") for n in ("white", "correlated", "quiet")]
        if not all(map(os.path.exists, files)):
            self.skipTest("no recorded telemetry at %s" % folder)
        with World() as world:
            args = [a for i, f in enumerate(files) for a in ("--csv", "%d:%s" % (i + 1, f))]
            pens = world.start_pens(3, "--seed", "9", "--sessions", "1", *args)
            world.start_daemon()
            for pen in world.pens_of(pens):
                world.enrol(pens, pen["pen"])
            for pen in world.pens_of(pens):
                world.sync_until_complete(pen["pen"])
                self.compare(world, pen["pen"])

    def test_remove_keeps_records(self):
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", "6", "--sessions", "2", "--samples", "300")
            world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            world.ctl("pens", "remove", serial)
            self.assertIn("retired", world.ctl("pens", "show", serial))
            self.assertEqual(len(json.loads(
                world.ctl("sessions", "list", "--pen", serial, "--json"))["sessions"]), 2)
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            self.held_equals(world, serial)
            # Added once more, it gets another label and loses nothing, not even for a moment.
            again = world.ctl_json("pens", "add", serial, "--label", "Room 9")["pen"]
            self.assertEqual((again["label"], again["sessions"]), ("Room 9", 2))
            self.assertGreater(again["coverage"], 50)


if __name__ == "__main__":
    unittest.main()
