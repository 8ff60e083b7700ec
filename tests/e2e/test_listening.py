# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""Passive scanning and discovery in windows: pens are collected either way, and cost next to nothing in between."""
import os
import re
import signal
import time
import unittest

import truth
from world import Process, Timeout, World, wait_until

# Long enough for what wakes up each second, and for a window of discovery or two.
QUIET_S = 5


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

    def work(self, pens):
        """The motor is switched on."""
        said = len(pens.drain())
        pens.popen.send_signal(signal.SIGUSR2)
        pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "motor" and e["on"],
                        what="that the motor runs", since=said)

    def rest(self, pens):
        """It is switched off, and what it did is a record."""
        said = len(pens.drain())
        pens.popen.send_signal(signal.SIGUSR2)
        pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "new-record", what="a new record", since=said)

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
            pens = world.start_pens(1, "--seed", "5", "--sessions", "1", "--samples", "500")
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            wait_until(lambda: "looks for pens: passive" in daemon.stderr(), "passive scanning", 100)
            world.sync_until_complete(serial)
            monitor = Process(world, "stipplectl", "monitor", "--json")
            monitor.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "ready", what="ready")
            self.work(pens)
            self.rest(pens)
            monitor.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "session-stored" and
                               e["session"]["number"] == 2, what="that session 2 is stored")
            self.assertEqual(world.coverage(serial), 100.0)
            self.assertNotIn("duty-cycled", daemon.stderr())

    def wait_quiet(self, daemon):
        """Until it has slept for a second."""
        deadline = time.monotonic() + 60
        before = None
        while before != (now := wakeups(daemon.popen.pid)):
            if time.monotonic() > deadline:
                raise Timeout("the daemon does not come to rest: %s" % now)
            before = now
            time.sleep(1)

    def test_in8_a_contact_with_nothing_to_fetch_listens(self):
        """The motor runs, all else is here: the link stays, and brings what the motor did when it stops."""
        with self.world() as world:
            world.start_daemon()
            pens = world.start_pens(1, "--seed", "5", "--sessions", "1", "--samples", "100")
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            self.work(pens)
            said = len(pens.drain())
            # All there was is here: that is said at once, not when the treatment ends.
            self.assertIn("nothing new", world.ctl("sync", serial, status=2))
            before = self.complete(world)
            self.rest(pens)
            wait_until(lambda: self.complete(world) > before, "that what the motor did is fetched")
            self.assertEqual(world.coverage(serial), 100.0)
            contacts = [e for e in pens.drain()[said:] if isinstance(e, dict) and e.get("event") == "connected"]
            self.assertEqual(len(contacts), 1, "all on the link that listened")
            self.assertEqual([f for f in truth.findings(world.state) if f["kind"].startswith("live")], [])

    @staticmethod
    def complete(world):
        return [a["stage"] for a in truth.attempts(world.state)].count("done")

    def test_p18_a_pen_in_sight_wakes_nobody(self):
        with self.world() as world:
            daemon = world.start_daemon()
            pens = world.start_pens(1, "--seed", "5", "--sessions", "1", "--samples", "500")
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            # Whoever looks for a pen has half a minute of discovery; a daemon that starts has not.
            daemon.kill(signal.SIGTERM)
            daemon = world.start_daemon()
            wait_until(lambda: "looks for pens: passive" in daemon.stderr(), "passive scanning", 100)
            self.wait_quiet(daemon)
            before = wakeups(daemon.popen.pid)
            time.sleep(QUIET_S)
            woken = sum(count - before.get(task, 0) for task, count in wakeups(daemon.popen.pid).items())
            print("wake-ups in %d s with a pen in sight: %d" % (QUIET_S, woken))
            self.assertLessEqual(woken, QUIET_S)


if __name__ == "__main__":
    unittest.main()
