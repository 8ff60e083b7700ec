#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""The daemon's transfer against a bare reader of the same bytes, over the real BlueZ.

To be run in the lab's guest, by bench-link.sh.  In turns, and more than once, each fetches the same
records from the same bonded pen: the daemon with all it does (checks, journal, fsync, acknowledging),
and bare-reader, which asks the same and counts bytes; both by AcquireNotify's descriptor and by
StartNotify's signals.  For the latter a third program has notifications on, so that BlueZ refuses
the descriptor (InProgress) and the daemon has to change over by itself.  The time is from the first
request for data to the last value.

The clock is the guest's, which goes on with the host's (no virtual time: that stands still while
programs compute, and computing is all that there is to measure, as this air costs no time).  Both
ends, bluetoothd and the kernel share one processor with what is measured, so the ratio tells what
the daemon adds to what BlueZ takes anyway.  Whatever else the host does slows single runs down, by
seconds: the daemon's run and the bare reader's beside it are a pair, they take turns at being first, and
what counts is the median of the pairs' ratios.  The table has the pairs' spread as well, to tell whether
the machine was quiet enough to believe it.

Is that fair?  Both spans go from the first LIST to the last value, over the same bytes of the same pen.
The daemon's has in it what it must do between records and the bare reader does not: checking, the
journal and the record on the disk (ACK, which records share, mostly comes behind the last value); and its own clients on the bus, who are told how far it is.
What differs to the bare reader's advantage besides: it wants no answer of BlueZ to a credit (the daemon
does: of each call without, bluetoothd 5.66 complains in its log), and discovery does not run meanwhile
(the daemon's does in its first minutes).  To the daemon's: it reads many values with one system call, and
is of the kernel's batch class, so that a value does not take the processor from who brings the next one.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from world import IN_BUILD, Process, World, program                   # noqa: E402

MUST = 0.9
ROUNDS = int(os.environ.get("STIPPLE_LINK_ROUNDS", "5"))
SESSIONS = int(os.environ.get("STIPPLE_LINK_SESSIONS", "3"))
SAMPLES = int(os.environ.get("STIPPLE_LINK_SAMPLES", "60000"))
WAYS = ("descriptor", "signals")

IN_BUILD["bare-reader"] = "tests/bench/bare-reader"


def device_of(pens, serial):
    address = next(e for e in pens.seen if isinstance(e, dict) and e.get("event") == "ready" and
                   e["pen"] == serial)["address"]
    return "/org/bluez/hci0/dev_" + address.replace(":", "_")


def bare(world, device, way):
    done = subprocess.run([program("bare-reader"), device, way], env=world.env, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=180)
    if done.returncode != 0:
        raise AssertionError("bare-reader by %s: %s" % (way, done.stderr))
    return json.loads(done.stdout)


def enrol_empty(world):
    """A pen that has recorded nothing yet is enrolled; the state of a collector that holds nothing."""
    pens = world.start_pens(1, "--seed", "1", "--epoch", "7", "--sessions", "0")
    serial = world.pens_of(pens)[0]["pen"]
    process = world.start_daemon()
    world.enrol(pens, serial)
    world.ctl("sync", serial, status=None, timeout=120)
    assert process.kill(15) == 0
    assert pens.kill(15) == 0


def daemon(world, serial, way, number):
    """A collector that holds nothing of that pen yet."""
    state = os.path.join(world.directory, "state-%d" % number)
    shutil.copytree(world.state, state)
    process = world.start_daemon(state=state)
    world.sync_until_complete(serial)
    syncs = [sync for sync in world.ctl_json("syncs", serial)["syncs"] if sync["bytes"] > 0]
    assert process.kill(15) == 0
    ways = {sync["notify"] for sync in syncs}
    assert ways == {way}, "the data came by %s, not by %s: %s" % (ways, way, syncs)
    return {"bytes": sum(sync["bytes"] for sync in syncs), "ms": sum(sync["data_ms"] for sync in syncs)}


def hold(world, device):
    """Another program that listens: BlueZ gives nobody a descriptor then."""
    holder = Process(world, "bare-reader", device, "hold")
    holder.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "held", what="held")
    return holder


def start_pens(world):
    """The pen with its records, which it has told nobody of yet: always the same ones."""
    return world.start_pens(1, "--seed", "1", "--epoch", "7", "--sessions", SESSIONS, "--samples", SAMPLES,
                            "--period", "10", "--mtu", os.environ.get("STIPPLE_LINK_MTU", "247"))


def compare(world, way, number):
    """One run of each, by one way: the daemon's and the bare reader's."""
    pens = start_pens(world)
    serial = world.pens_of(pens)[0]["pen"]
    device = device_of(pens, serial)
    holder = hold(world, device) if way == "signals" else None
    runs = {}
    for who in ("daemon", "bare") if number // len(WAYS) % 2 == 0 else ("bare", "daemon"):
        runs[who] = daemon(world, serial, way, number) if who == "daemon" else bare(world, device, way)
    if holder:
        holder.kill(15)
    assert pens.kill(15) == 0
    # The daemon's bytes include the list of the records, which are few.
    assert 0 <= runs["daemon"]["bytes"] - runs["bare"]["bytes"] < runs["bare"]["bytes"] / 100, runs
    print("%s: daemon %s, bare %s" % (way, runs["daemon"], runs["bare"]), file=sys.stderr, flush=True)
    return runs


def rate(run):
    return run["bytes"] / run["ms"]


def main():
    runs = {(who, way): [] for who in ("bare", "daemon") for way in WAYS}
    with World(adapters=2) as world:
        enrol_empty(world)
        for number in range(ROUNDS * len(WAYS)):
            way = WAYS[number % len(WAYS)]
            for who, run in compare(world, way, number).items():
                runs[who, way].append(run)

    print("%-12s %18s %18s %8s %18s" % ("data by", "daemon kB/s", "bare kB/s", "ratio", "of pairs"))
    for way in WAYS:
        ours, bares = ([rate(run) for run in runs[who, way]] for who in ("daemon", "bare"))
        pairs = sorted(our / bare for our, bare in zip(ours, bares))
        print("%-12s %18.1f %18.1f %8.2f %18s  (medians of %d pairs; must be %.1f)" % (
            way, statistics.median(ours), statistics.median(bares), statistics.median(pairs),
            "%.2f .. %.2f" % (pairs[0], pairs[-1]), len(pairs), MUST))


if __name__ == "__main__":
    main()
