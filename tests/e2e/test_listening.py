# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""Passive scanning and discovery in windows: pens are collected either way, and cost next to nothing in between."""
import os
import re
import time
import unittest

from world import Process, World, wait_until

QUIET_S = 20


def wakeups(pid):
    """How often each of its threads went to sleep so far: each wake-up ends in one such."""
    counts = {}
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task)) as file:
            counts[task] = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M)[1])
    return counts


class Listening(unittest.TestCase):
    def world(self):
        return World(adapters=2, fake_args=("--monitors", "--monitor-second", "50"))

    def test_p40_the_journal_says_which_way(self):
        with self.world() as world:
            daemon = world.start_daemon()
            wait_until(lambda: "looks for pens: on-demand" in daemon.stderr(), "nothing to watch for", 100)
            pens = world.start_pens(1, "--seed", "5", "--sessions", "1", "--samples", "500")
            world.enrol(pens, world.pens_of(pens)[0]["pen"])
            wait_until(lambda: "looks for pens: passive" in daemon.stderr(), "passive scanning", 100)

    def test_p43_service_data_tells_of_news(self):
        """The monitor's pattern on service data is all that listens when the next session is there."""
        with self.world() as world:
            daemon = world.start_daemon()
            pens = world.start_pens(1, "--seed", "5", "--sessions", "1", "--samples", "500", "--live-session",
                                    60 if world.kind == "lab" else 15)
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            wait_until(lambda: "looks for pens: passive" in daemon.stderr(), "passive scanning", 100)
            world.sync_until_complete(serial)
            monitor = Process(world, "stipplectl", "monitor", "--json")
            monitor.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "ready", what="ready")
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "new-record", what="a new record")
            monitor.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "session-stored" and
                               e["session"]["number"] == 2, what="that session 2 is stored")
            self.assertEqual(world.coverage(serial), 100.0)
            self.assertNotIn("duty-cycled", daemon.stderr())

    def test_p18_a_pen_in_sight_wakes_nobody(self):
        with self.world() as world:
            daemon = world.start_daemon()
            pens = world.start_pens(1, "--seed", "5", "--sessions", "1", "--samples", "500")
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            # The half minute of the user who looked for it.
            quiet, before = 0, wakeups(daemon.popen.pid)
            deadline = time.monotonic() + 90
            while quiet < 3 and time.monotonic() < deadline:
                time.sleep(1)
                now = wakeups(daemon.popen.pid)
                quiet, before = (quiet + 1 if now == before else 0), now
            time.sleep(QUIET_S)
            woken = sum(count - before.get(task, 0) for task, count in wakeups(daemon.popen.pid).items())
            print("wake-ups in %d s with a pen in sight: %d" % (QUIET_S, woken))
            self.assertLessEqual(woken, QUIET_S)


if __name__ == "__main__":
    unittest.main()
