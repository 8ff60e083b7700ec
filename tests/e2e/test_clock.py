# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""This computer's clock is wrong, or is set while the daemon works: what is stored, and what is said of it.

The daemon gets its clock from libfaketime, which reads it from a file at each call; the clocks that nobody can
set go on as they are.
"""
import datetime
import glob
import os
import re
import sqlite3
import time
import unittest

import truth
from world import World

# As an offset, so that the clock goes on; the kernel of whoever runs this does not matter.
YEAR = 31556952


def faketime():
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not found:
        raise FileNotFoundError("libfaketime is not there; './run setup' installs it")
    return found[0]


class Clock:
    """A clock that is off by so many seconds, as if somebody had set it so."""

    def __init__(self, world, off=0):
        self.path = os.path.join(world.directory, "clock")
        self.set(off)
        self.env = {"LD_PRELOAD": faketime(), "FAKETIME_TIMESTAMP_FILE": self.path,
                    "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "DONT_FAKE_MONOTONIC": "1", "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def set(self, off):
        # Never a moment without a clock.
        with open(self.path + ".new", "w") as file:
            file.write("%+d\n" % off)
        os.rename(self.path + ".new", self.path)

    def set_to(self, year):
        now = datetime.datetime.now(datetime.timezone.utc)
        then = datetime.datetime(year, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
        self.set(int((then - now).total_seconds()))


class ClockTest(unittest.TestCase):
    def sessions(self, world):
        return {s["id"]: s for s in world.ctl_json("sessions", "list", "--all")["sessions"]}

    def held_is_given(self, world, serial):
        held = {k: v for k, v in truth.held(world.state).items() if k[0] == serial}
        given = truth.records(world.truth, serial)
        self.assertEqual({k: v for k, v in held.items() if k in given}, given)
        # That its clock was set a pen writes down itself.
        newest = max(number for _, _, number in given)
        self.assertTrue(all(number > newest for _, _, number in set(held) - set(given)))
        listed = [s for s in self.sessions(world).values() if s["pen"] == serial]
        self.assertEqual(sorted(s["number"] for s in listed),
                         sorted(n for _, n in truth.sessions(world.truth, serial)))

    def raw(self, world):
        db = sqlite3.connect("file:%s/stipple.db?mode=ro" % world.state, uri=True)
        try:
            return (db.execute("SELECT record, hex(bytes) FROM record_raw ORDER BY record").fetchall(),
                    db.execute("SELECT anchor, tick_ms, utc, uncertainty_us FROM anchor ORDER BY anchor").fetchall())
        finally:
            db.close()

    def check_right(self, world, began_before):
        """Sessions of the power-up under way are where the pen's own tick puts them, by a clock that is right."""
        now = time.time()
        timed = [s for s in self.sessions(world).values() if s["time_quality"] == "anchored"]
        self.assertTrue(timed)
        for session in timed:
            # The pen's tick is some hours; its power-up was before this test began.
            powered_up = session["start_us"] / 1e6 - session["start_tick_ms"] / 1e3
            self.assertLess(powered_up, began_before)
            self.assertGreater(powered_up, now - 7 * 86400)
        starts = {(s["pen"], s["boot_id"]): s["start_us"] - s["start_tick_ms"] * 1000 for s in timed}
        for session in timed:
            # All of one power-up agree on when it was.
            off = session["start_us"] - session["start_tick_ms"] * 1000 - starts[session["pen"], session["boot_id"]]
            self.assertLess(abs(off), session["start_uncertainty_ms"] * 1000 + 100000)
        return timed

    def wrong_clock(self, year):
        began = time.time()
        with World(adapters=3) as world:
            clock = Clock(world)
            clock.set_to(year)
            pens = world.start_pens(2, "--seed", "9", "--sessions", "5", "--samples", "400")
            world.start_daemon("--clock", "trusted", env=clock.env)
            serials = [p["pen"] for p in world.pens_of(pens)]
            for serial in serials:
                world.enrol(pens, serial)
                world.sync_until_complete(serial)
                self.held_is_given(world, serial)
            # Nothing is claimed, rather than something wrong.
            for session in self.sessions(world).values():
                self.assertEqual((session["time_quality"], session["start"]), ("unknown", None))
                shown = world.ctl("sessions", "show", session["id"])
                self.assertIn("Start:           unknown", shown)
            records, anchors = self.raw(world)

            # The network is there. One contact with the first pen tells when the second one was met, too.
            clock.set(0)
            world.ctl("sync", serials[0], status=None)
            timed = self.check_right(world, began)
            self.assertEqual({s["pen"] for s in timed}, set(serials))
            after = self.raw(world)
            self.assertEqual(after[0], records)
            self.assertEqual(after[1][:len(anchors)], anchors)
            for serial in serials:
                self.held_is_given(world, serial)
            alerts = world.ctl("alerts", "list", "--all", status=None).stdout
            self.assertNotIn("pen-clock-step", alerts)

    def test_p25_clock_says_1970(self):
        self.wrong_clock(1970)

    def test_p25_clock_says_2106(self):
        self.wrong_clock(2106)

    def test_clock_is_set_during_a_sync(self):
        """There and back again, while records come; nobody vouches for it."""
        began = time.time()
        with World(adapters=2) as world:
            clock = Clock(world, -YEAR)
            pens = world.start_pens(1, "--seed", "21", "--sessions", "30", "--samples", "4000")
            daemon = world.start_daemon(env=clock.env)
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            for off, records in ((3 * 3600, 3), (-40 * YEAR, 10), (7200, 18), (80 * YEAR, 25)):
                pens.wait_event(lambda e, n=records: isinstance(e, dict) and e.get("event") == "acknowledged" and
                                e["mark"] >= n, what="acknowledgement of record %d" % records)
                clock.set(off)
            world.sync_until_complete(serial)
            self.held_is_given(world, serial)
            for session in self.sessions(world).values():
                self.assertIn(session["time_quality"], ("unconfirmed", "unknown", "bounded"))
            self.assertTrue(any("nobody vouched" in world.ctl("sessions", "show", i) for i in self.sessions(world)))
            daemon.kill(15)
            clock.set(0)
            world.start_daemon("--clock", "trusted", env=clock.env)
            world.ctl("sync", serial, status=None)
            self.check_right(world, began)
            self.held_is_given(world, serial)

    def test_p44_a_pens_clock_is_set_once(self):
        """After its log is read, which makes one record more, and then never again."""
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", "6", "--sessions", "3", "--samples", "300")
            daemon = world.start_daemon("--clock", "trusted")
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            made = pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "new-record",
                                   what="that its clock was set")
            before = [e["mark"] for e in pens.seen[:pens.seen.index(made)]
                      if isinstance(e, dict) and e.get("event") == "acknowledged"]
            self.assertEqual(before[-1], made["record"] - 1)
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "acknowledged" and
                            e["mark"] == made["record"], what="acknowledgement of that record")
            for _ in range(3):
                world.ctl("sync", serial, status=None)
            self.assertEqual(len([e for e in pens.drain() if e.get("event") == "new-record"]), 1)
            self.assertEqual(daemon.stderr().count("Set the pen's clock"), 1)
            self.held_is_given(world, serial)

    def test_p25_zone_of_the_wall(self):
        """The zone it was collected in is kept, wherever it is looked at from."""
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", "4", "--sessions", "3", "--samples", "300")
            world.start_daemon("--clock", "trusted", env={"TZ": "Australia/Lord_Howe"})
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            for session in self.sessions(world).values():
                self.assertEqual(session["zone"], "Australia/Lord_Howe")
                if session["time_quality"] == "unknown":
                    self.assertIsNone(session["offset_min"])
                    continue
                self.assertIn(session["offset_min"], (630, 660))
                for zone in ("America/New_York", "Europe/Berlin"):
                    shown = world.ctl("sessions", "show", session["id"], env={"TZ": zone})
                    start = re.search(r"Start: +(.*), give", shown).group(1)
                    self.assertRegex(start, r"\+(10:30|11:00)$")
                    listed = world.ctl_json("sessions", "list", "--since", start, env={"TZ": zone})["sessions"]
                    self.assertIn(session["id"], [s["id"] for s in listed])


if __name__ == "__main__":
    unittest.main()
