# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""kill -9 of the daemon in the middle of a sync: afterwards all is there, and nothing twice.

Nor is much fetched twice: of the record under way at most one chunk.
"""
import os
import random
import signal
import subprocess
import unittest

import truth
from world import World, wait_until

CHUNK = 65536
# Lists, and the headers of attribute values: 4 bytes of each 244 or more.
LISTS = 4000


def payload(value_bytes):
    return value_bytes - value_bytes // 61 - 4


ROUNDS = int(os.environ.get("STIPPLE_RUNS", "5"))


class Crash(unittest.TestCase):
    def killed_at(self, bytes_sent, seed):
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", seed, "--sessions", "8", "--samples", "20000",
                                    "--announce-after", "1:%d" % bytes_sent)
            daemon = world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            # The simulator says when it has sent so much; the daemon is in the middle of a record.
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("fault") == "announce",
                            what="that it sent %d bytes" % bytes_sent)
            self.assertEqual(daemon.kill(signal.SIGKILL), -signal.SIGKILL)
            before = truth.held(world.state)

            world.start_daemon()
            world.sync_until_complete(serial)
            after = truth.held(world.state)
            given = truth.records(world.truth, serial)
            self.assertEqual(after, given, "all of it, once, unaltered")
            self.assertLessEqual(before.items(), after.items(), "what was stored stays as it was")
            listed = world.ctl_json("sessions", "list", "--pen", serial, "--all")["sessions"]
            self.assertEqual(len(listed), len({s["id"] for s in listed}))
            return len(before)

    def test_killed_in_mid_sync(self):
        seed = int(os.environ.get("STIPPLE_SEED", random.SystemRandom().randrange(1 << 31)))
        print("STIPPLE_SEED=%d" % seed)
        dice = random.Random(seed)
        for _ in range(ROUNDS):
            at = dice.randrange(1000, 250000)
            with self.subTest(seed=seed, bytes=at):
                print("killed after %d bytes: %d records were stored" % (
                    at, self.killed_at(at, dice.randrange(1 << 30))))

    def is_linked(self, world, address):
        """What BlueZ says of it."""
        device = "/org/bluez/hci0/dev_" + address.replace(":", "_")
        return "true" in subprocess.run(
            ["gdbus", "call", "--system", "-d", "org.bluez", "-o", device, "-m",
             "org.freedesktop.DBus.Properties.Get", "org.bluez.Device1", "Connected"],
            env=world.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout

    def test_p22_killed_and_the_link_stays(self):
        """BlueZ keeps it, and a pen with a link is not heard; the next daemon takes it over without being asked."""
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", "5", "--sessions", "8", "--samples", "20000",
                                    "--announce-after", "1:100000")
            daemon = world.start_daemon()
            pen = world.pens_of(pens)[0]
            world.enrol(pens, pen["pen"])
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("fault") == "announce",
                            what="that it sent 100000 bytes")
            self.assertEqual(daemon.kill(signal.SIGKILL), -signal.SIGKILL)
            self.assertTrue(self.is_linked(world, pen["address"]))
            before = truth.held(world.state)
            given = truth.records(world.truth, pen["pen"])
            self.assertLess(len(before), len(given))

            world.start_daemon()
            wait_until(lambda: truth.held(world.state) == given, "all of it, once, unaltered", 60)
            wait_until(lambda: not self.is_linked(world, pen["address"]), "that the link is let go")
            self.assertEqual(world.coverage(pen["pen"]), 100.0)
            links = [e for e in pens.drain() if isinstance(e, dict) and e.get("event") == "connected"]
            print("%d of %d records before, links: %d" % (len(before), len(given), len(links)))

    def killed_in_a_long_record(self, bytes_sent, seed):
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", seed, "--sessions", "1", "--samples", "200000",
                                    "--announce-after", "1:%d" % bytes_sent)
            daemon = world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("fault") == "announce",
                            what="that it sent %d bytes" % bytes_sent)
            self.assertEqual(daemon.kill(signal.SIGKILL), -signal.SIGKILL)
            before = truth.raw_records(world.state)
            partial = truth.partial_size(world.state)
            kept = partial + sum(len(raw) for raw in before.values())
            self.assertFalse(truth.attempts(world.state), "killed before it was complete")
            self.assertGreaterEqual(kept, payload(bytes_sent) - LISTS - CHUNK,
                                    "of what was sent, one chunk may be lost")

            world.start_daemon()
            world.sync_until_complete(serial)
            self.assertEqual(truth.held(world.state), truth.records(world.truth, serial))
            total = sum(len(raw) for raw in truth.raw_records(world.state).values())
            fetched = sum(attempt["bytes"] for attempt in truth.attempts(world.state))
            self.assertLessEqual(fetched, total - kept + LISTS, "only the rest was fetched")
            self.assertEqual(truth.partial_size(world.state), 0)
            return partial, payload(bytes_sent) - kept

    def test_killed_in_a_long_record(self):
        seed = int(os.environ.get("STIPPLE_SEED", random.SystemRandom().randrange(1 << 31)))
        print("STIPPLE_SEED=%d" % seed)
        dice = random.Random(seed)
        for _ in range(ROUNDS):
            at = dice.randrange(100000, 250000)
            with self.subTest(seed=seed, bytes=at):
                print("killed after %d bytes: %d of the record were kept, %d are repeated" % (
                    at, *self.killed_in_a_long_record(at, dice.randrange(1 << 30))))


if __name__ == "__main__":
    unittest.main()
