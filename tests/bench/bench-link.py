#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""The daemon's transfer against a bare reader of the same bytes, over the real BlueZ.

To be run in the lab's guest, by bench-link.sh.  In turns, and more than once, each fetches the same
records from the same bonded pen: the daemon with all it does (checks, journal, fsync, acknowledging),
and bare-reader, which asks the same and counts bytes; both by AcquireNotify's descriptor and by
StartNotify's signals.  For the latter a third program has notifications on, so that BlueZ refuses
the descriptor (InProgress) and the daemon has to change over by itself.  The time is from the first request for data to the last value.

The clock is the guest's, which goes on with the host's (no virtual time: that stands still while
programs compute, and computing is all that there is to measure, as this air costs no time).  Both
ends, bluetoothd and the kernel share one processor with what is measured, so the ratio tells what
the daemon adds to what BlueZ takes anyway.  The fastest runs are compared: what slows one down is the host's
other work.
"""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from world import IN_BUILD, Process, World, program                   # noqa: E402

MUST = 0.9
ROUNDS = int(os.environ.get("STIPPLE_LINK_ROUNDS", "3"))
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


def rate(run):
    return run["bytes"] / run["ms"]


def main():
    runs = {(who, way): [] for who in ("bare", "daemon") for way in WAYS}
    with World(adapters=2) as world:
        enrol_empty(world)
        pens = world.start_pens(1, "--seed", "1", "--epoch", "7", "--sessions", "2", "--samples", SAMPLES, "--period", "10",
                                "--mtu", os.environ.get("STIPPLE_LINK_MTU", "247"))
        serial = world.pens_of(pens)[0]["pen"]
        device = device_of(pens, serial)
        number = 0
        for _ in range(ROUNDS):
            for way in WAYS:
                holder = hold(world, device) if way == "signals" else None
                runs["daemon", way].append(daemon(world, serial, way, number))
                number += 1
                runs["bare", way].append(bare(world, device, way))
                if holder:
                    holder.kill(15)
                print("%s: daemon %s, bare %s" % (way, runs["daemon", way][-1], runs["bare", way][-1]),
                      file=sys.stderr, flush=True)

    print("%-12s %14s %14s %8s" % ("data by", "daemon kB/s", "bare kB/s", "ratio"))
    failed = False
    for way in WAYS:
        ours = max(map(rate, runs["daemon", way]))
        bares = max(map(rate, runs["bare", way]))
        below = ours / bares < MUST
        failed = failed or below
        print("%-12s %14.1f %14.1f %8.2f%s" % (way, ours, bares, ours / bares,
                                               "  (must be %.1f)" % MUST if below else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
