# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""A pen whose log is damaged: each damage is named, kept raw, and stops nothing else."""
import json
import sqlite3
import os
import unittest

import truth
from world import World


class BadInput(unittest.TestCase):
    def run_with(self, *faults):
        """Sync a pen with eight sessions once; (world, serial, daemon, coverage entry)."""
        world = World(adapters=2)
        self.addCleanup(world.close)
        pens = world.start_pens(1, "--seed", "21", "--sessions", "8", "--samples", "400", *faults)
        daemon = world.start_daemon()
        serial = world.pens_of(pens)[0]["pen"]
        world.enrol(pens, serial)
        world.ctl("sync", serial, status=None)
        done = world.ctl("coverage", serial, "--json", status=None)
        return world, serial, daemon, json.loads(done.stdout)["coverage"][0], done.returncode

    def finding(self, coverage, kind, record=None):
        found = [f for f in coverage["findings"] if f["kind"] == kind and
                 (record is None or f["record"] == record)]
        self.assertTrue(found, "no finding %s in %s" % (kind, coverage["findings"]))
        self.assertTrue(found[0]["text"] and found[0]["hint"])
        return found[0]

    def raw_is_kept(self, world, record):
        """Some table with raw bytes knows the record."""
        base = sqlite3.connect("file:%s?mode=ro" % os.path.join(world.state, "stipple.db"), uri=True)
        try:
            kept = 0
            for table in ("record", "specimen"):
                kept += base.execute("SELECT count(*) FROM %s WHERE number = ?" % table,
                                     (record,)).fetchone()[0]
        finally:
            base.close()
        self.assertGreater(kept, 0)

    def others_are_there(self, world, serial, besides):
        held = {number for _, _, number in truth.held(world.state)}
        given = {number for _, _, number in truth.records(world.truth, serial)}
        self.assertEqual(given - held, besides)

    def check(self, fault, record, kind, missing):
        world, serial, daemon, coverage, status = self.run_with(*fault)
        finding = self.finding(coverage, kind, record)
        self.assertTrue(finding["kept"])
        self.assertIn(kind, daemon.stderr())
        self.assertIn(str(record), daemon.stderr())
        self.raw_is_kept(world, record)
        self.others_are_there(world, serial, {record} if missing else set())
        self.assertEqual(status, 6 if missing else 0)
        text = world.ctl("coverage", serial, status=None).stdout
        self.assertIn(kind, text)

    def test_flipped_bit(self):
        self.check(("--flip", "1:3"), 3, "crc", missing=True)

    def test_truncated_record(self):
        self.check(("--truncate", "1:1"), 1, "truncated", missing=True)

    def test_impossible_depth(self):
        # Record 2 is the seal of the session in record 1.
        self.check(("--bad-depth", "1:3"), 3, "range", missing=False)

    def test_p24_an_unknown_type_is_kept(self):
        self.check(("--unknown-type", "1:5"), 5, "unknown", missing=False)

    def test_answer_out_of_turn(self):
        world, serial, daemon, coverage, status = self.run_with("--stray-answer", "1")
        self.finding(coverage, "answer-out-of-turn")
        self.assertIn("answer-out-of-turn", daemon.stderr())
        self.others_are_there(world, serial, set())
        self.assertEqual(status, 0)

    def test_p23_bad_records_stop_nothing(self):
        world, serial, daemon, coverage, status = self.run_with(
            "--flip", "1:3", "--truncate", "1:1", "--bad-depth", "1:5", "--unknown-type", "1:6",
            "--stray-answer", "1", "--lose-segment", "1:7")
        for kind in ("crc", "truncated", "range", "unknown", "answer-out-of-turn"):
            self.finding(coverage, kind)
        self.others_are_there(world, serial, {1, 3})
        self.assertEqual(status, 6)


if __name__ == "__main__":
    unittest.main()
