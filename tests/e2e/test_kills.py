# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""kill -9 of the daemon at random points under load, several pens at once, many times.

    test_kills.py [--kills N] [--seed N]

A clinic has three pens with a long record each and some short ones.  The daemon is killed while pens pair, connect,
send, are stored or acknowledged; what the next one finds must be what the last had stored, and the sync after
the last kill of a clinic must end at 100 %.  What a pen sent and nobody kept is at most a chunk for each link
that a kill ended, whichever records were under way; the pen itself counts what it sends.  What was kept of a record
stays until that record is whole.

Without options it is a test with a dozen kills and a new seed; STIPPLE_SEED replays it, STIPPLE_RUNS says how
many.  Options are for more: 300 kills take some twenty minutes.
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import time
import unittest

import truth
from world import World, program

PENS = 3
CHUNK = 65536
# Lists of some dozens of entries, for each connection.
LISTS = 4000
KILLS_IN_A_CLINIC = 4
# What a pen has takes it some seconds at this rate; a kill falls anywhere in them.
KBPS = 4000
LOAD_S = 2.0


def payload(value_bytes):
    """Of a count of attribute values' bytes: 4 bytes of each 244 or more are the segment's header."""
    return value_bytes - value_bytes // 61 - 4


def is_event(line, name, serial=None):
    return isinstance(line, dict) and line.get("event") == name and serial in (None, line.get("pen"))


class Kept:
    """What the store on the disk has."""

    def __init__(self, state):
        there = os.path.exists(os.path.join(state, "stipple.db"))
        self.raw = truth.raw_records(state) if there else {}
        self.partial = truth.partials(state) if there else {}

    def bytes_of(self, serial):
        return (sum(len(raw) for (of, _, _), raw in self.raw.items() if of == serial) +
                sum(size for (of, _, _), size in self.partial.items() if of == serial))

    def lost(self, later):
        """Records of which less is kept later than here."""
        return {record: (size, later.partial.get(record, 0)) for record, size in self.partial.items()
                if record not in later.raw and later.partial.get(record, 0) < size}


class Clinic:
    """One world, some kills, one end."""

    def __init__(self, case, world, dice, tally):
        self.case, self.world, self.dice, self.tally = case, world, dice, tally
        self.pens = world.start_pens(PENS, "--seed", str(dice.randrange(1 << 30)), "--sessions", "5",
                                     "--samples", "20000-200000")
        self.serials = [p["pen"] for p in world.pens_of(self.pens)]
        self.daemon = world.start_daemon()
        self.kept = Kept(world.state)
        # Of each pen since its account was last settled: what was kept then, links counted, links killed.
        self.settled = {serial: (0, 0) for serial in self.serials}
        self.killed = {serial: 0 for serial in self.serials}

    def linked(self):
        """Which pens have a link now, and what each sent on its links so far that have ended."""
        up, sent = set(), {serial: [] for serial in self.serials}
        for line in self.pens.drain():
            if is_event(line, "connected"):
                up.add(line["pen"])
            if is_event(line, "disconnected"):
                up.discard(line["pen"])
                sent[line["pen"]].append(line["sent"])
        return up, sent

    def begin_adding(self, serial, *how):
        how = how or ("add", serial)
        return subprocess.Popen([program("stipplectl"), "pens", *how, "--passkey", "-", "--timeout", "60"],
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True, env=self.world.env)

    def pair_some(self):
        """A person begins to enrol a pen; the kill comes anywhere in that."""
        serial = self.dice.choice(self.serials)
        add = self.begin_adding(serial)
        said = len(self.pens.drain())
        if self.dice.random() < 0.5:
            try:
                shown = self.pens.wait_event(lambda e: is_event(e, "passkey", serial), since=said, timeout=10)
                add.stdin.write("%06d\n" % int(shown["passkey"]))
                add.stdin.flush()
            except AssertionError:
                pass
        time.sleep(self.dice.random() * 0.3)
        return add

    def kill(self):
        """Kill the daemon; what it had stored stays, and what pens sent for nothing is bounded."""
        point = "load"
        add = None
        if not all(self.enrolled(serial) for serial in self.serials) and self.dice.random() < 0.3:
            add, point = self.pair_some(), "pairing"
        else:
            for serial in self.serials:
                self.enrol(serial)
            time.sleep(self.dice.random() * LOAD_S)
        before, (up, _) = self.kept, self.linked()
        self.case.assertEqual(self.daemon.kill(signal.SIGKILL), -signal.SIGKILL)
        if add:
            add.communicate(timeout=30)
        for serial in up | self.linked()[0]:
            self.killed[serial] += 1
        self.keep()
        self.case.assertLessEqual(before.raw.items(), self.kept.raw.items(), "what was stored stays as it was")
        self.settle_accounts()
        self.tally["kills"] += 1
        self.tally[point] += 1
        self.tally["in a record"] += bool(self.kept.partial)
        self.daemon = self.world.start_daemon()

    def keep(self):
        before, self.kept = self.kept, Kept(self.world.state)
        self.case.assertFalse(before.lost(self.kept), "what was kept of a record stays until it is whole")
        most = max((sum(of == serial for of, _, _ in self.kept.partial) for serial in self.serials), default=0)
        self.tally["two under way"] += most > 1

    def enrolled(self, serial):
        return any(pen["serial"] == serial for pen in self.world.ctl_json("pens", "list")["pens"])

    def enrol(self, serial):
        """A pen that a kill left with a bond and without an enrolment is paired anew, as it is said then."""
        if self.enrolled(serial):
            return
        status, errors = self.follow(self.begin_adding(serial), serial, len(self.pens.drain()))
        if status != 0 and "pens repair" in errors:
            self.tally["repaired"] += 1
            said = len(self.pens.drain())
            status, errors = self.follow(self.begin_adding(serial, "repair", serial, "--yes"), serial, said)
        self.case.assertEqual(status, 0, errors)

    def follow(self, add, serial, said):
        """Type the code that the pen shows, if it does."""
        deadline = time.monotonic() + 60
        while add.poll() is None and time.monotonic() < deadline:
            shown = [e for e in self.pens.drain()[said:] if is_event(e, "passkey", serial)]
            if shown and add.stdin:
                add.stdin.write("%06d\n" % int(shown[0]["passkey"]))
                add.stdin.close()
                add.stdin = None
            time.sleep(0.01)
        _, errors = add.communicate(timeout=60)
        return add.returncode, errors

    def settle_accounts(self):
        """What pens sent for nothing, as far as they have no link: bluetoothd may keep a dead daemon's link up."""
        up, sent = self.linked()
        for serial in set(self.serials) - up:
            kept, counted = self.settled[serial]
            now = self.kept.bytes_of(serial)
            lost = sum(payload(n) for n in sent[serial][counted:]) - (now - kept)
            links = len(sent[serial]) - counted
            if self.killed[serial]:
                self.tally["most repeated"] = max(self.tally["most repeated"], lost // self.killed[serial])
            self.case.assertLessEqual(lost, CHUNK * self.killed[serial] + LISTS * links,
                                      "%s: %d links, %d killed, sent %s, gained %d" % (
                                          serial, links, self.killed[serial], sent[serial][counted:], now - kept))
            self.settled[serial] = (now, len(sent[serial]))
            self.killed[serial] = 0

    def finish(self):
        for serial in self.serials:
            self.enrol(serial)
        for serial in self.serials:
            self.world.sync_until_complete(serial)
        self.case.assertEqual(truth.held(self.world.state), self.given(), "all of it, once, unaltered")
        for serial in self.serials:
            listed = self.world.ctl_json("sessions", "list", "--pen", serial, "--all")["sessions"]
            self.case.assertEqual(len(listed), len({s["id"] for s in listed}))
        self.keep()
        self.case.assertFalse(self.kept.partial)
        self.settle_accounts()

    def given(self):
        given = {}
        for serial in self.serials:
            given.update(truth.records(self.world.truth, serial))
        return given


def run(case, kills, seed):
    dice = random.Random(seed)
    tally = {"kills": 0, "load": 0, "pairing": 0, "in a record": 0, "clinics": 0, "most repeated": 0,
             "two under way": 0, "repaired": 0}
    began = time.monotonic()
    while tally["kills"] < kills:
        here = random.Random(dice.randrange(1 << 62))
        with World(adapters=PENS + 1, fake_args=("--kbps", KBPS)) as world:
            clinic = Clinic(case, world, here, tally)
            for _ in range(min(1 + here.randrange(KILLS_IN_A_CLINIC), kills - tally["kills"])):
                clinic.kill()
            clinic.finish()
            tally["clinics"] += 1
        print("%d kills so far: %s, %.0f s" % (tally["kills"], tally, time.monotonic() - began), flush=True)
    return tally


class Kills(unittest.TestCase):
    def test_a_dozen_kills_under_load(self):
        seed = int(os.environ.get("STIPPLE_SEED", random.SystemRandom().randrange(1 << 31)))
        print("STIPPLE_SEED=%d" % seed, flush=True)
        run(self, int(os.environ.get("STIPPLE_RUNS", "12")), seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int)
    options, rest = parser.parse_known_args()
    if options.kills is not None:
        os.environ["STIPPLE_RUNS"] = str(options.kills)
    if options.seed is not None:
        os.environ["STIPPLE_SEED"] = str(options.seed)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
