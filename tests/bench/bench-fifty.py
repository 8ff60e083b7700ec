#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""Fifty pens with twenty sessions each, one adapter that carries three links: who waits how long.

    bench-fifty.py [--pens N] [--sessions N] [--kbps N]

The real daemon over the fake BlueZ.  All pens are enrolled while their logs are empty; then they come back with full
ones, and the daemon is started anew and hears all of them at once.  A pen's wait is the time from the
first line that says it was heard in that life of the daemon until the line that says its sync completed.
Beside it: the daemon's processor time, its largest resident size, and how often its threads woke up.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import truth                                             # noqa: E402
from world import World, program                         # noqa: E402

LINE = re.compile(r"(\d+):(\d+):(\d+\.\d+): (?:link: ([0-9A-F:]{17}): heard for the first time|sync: (\S+): Complete)")


def moment(match):
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])


def usage(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    with open("/proc/%d/status" % pid) as file:
        status = file.read()
    woken = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task)) as file:
            woken += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M)[1])
    return ((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024, woken)


def wait_all(daemon, count, limit):
    deadline = time.monotonic() + limit
    done = {}
    while len(done) < count:
        if time.monotonic() > deadline:
            raise AssertionError("%d of %d pens complete after %d s" % (len(done), count, limit))
        time.sleep(0.5)
        heard, done = {}, {}
        for match in LINE.finditer(daemon.stderr()):
            if match[4]:
                heard.setdefault(match[4], moment(match))
            else:
                done.setdefault(match[5], moment(match))
    return heard, done


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pens", type=int, default=50)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--kbps", type=int, default=1000)
    options = parser.parse_args()
    with World(adapters=options.pens + 1, fake_args=("--kbps", options.kbps)) as world:
        empty = world.start_pens(options.pens, "--seed", "1", "--sessions", "0")
        serials = [pen["pen"] for pen in world.pens_of(empty)]
        daemon = world.start_daemon()
        began = time.monotonic()
        for serial in serials:
            world.enrol(empty, serial)
        print("%d pens enrolled in %.0f s" % (len(serials), time.monotonic() - began), flush=True)
        daemon.kill(15)
        empty.kill(15)
        pens = world.start_pens(options.pens, "--seed", "1", "--sessions", options.sessions, "--samples", "3000-30000")
        ready = world.pens_of(pens)
        daemon = world.start_daemon()
        pid = daemon.popen.pid
        before = usage(pid)
        heard, done = wait_all(daemon, len(serials), 1800)
        after = usage(pid)
        addresses = {pen["pen"]: pen["address"] for pen in ready}
        waits = sorted(done[s] - heard.get(addresses[s], min(heard.values())) for s in serials)
        mean = statistics.mean(waits)
        total = sum(len(raw) for raw in truth.raw_records(world.state).values())
        given = sum(len(truth.records(world.truth, s)) for s in serials)
        held = len(truth.held(world.state))
        print("%d pens, %d records of %.1f MB, %d held: waits %.1f s at least, %.1f s in the mean, %.1f s at most"
              " (%.2f of the mean)" % (len(serials), given, total / 1e6, held, waits[0], mean, waits[-1], waits[-1] / mean))
        print("stippled: %.1f s of processor time, %.1f MiB at most, %d wake-ups" % (
            after[0] - before[0], after[1], after[2] - before[2]), flush=True)
        if held != given:
            raise SystemExit("not all of it is there")


if __name__ == "__main__":
    main()
