#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""What stippled costs when there is nothing to do: memory, threads, wake-ups in 30 seconds.

Beside it, in the same run, what the least possible daemon of GDBus and SQLite costs (bare-daemon).

PSS divides each page by how many programs have it mapped, so it says as much of the machine as of stippled:
where nobody else uses GLib it is nearly the RSS.  It is therefore taken among COMPANY bare daemons, as on a
machine where bluetoothd, polkitd, NetworkManager and the like share these libraries, and once with a single
one.  "private" is what nobody shares just now, "dirty" what nobody can share and the kernel cannot drop and
read again.  No other stippled may run meanwhile, for it would share stippled's own pages.
"""
import glob
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from world import World                                  # noqa: E402

SECONDS = int(os.environ.get("STIPPLE_IDLE_SECONDS", "30"))
COMPANY = 5


def memory(pid):
    with open("/proc/%d/smaps_rollup" % pid) as file:
        found = dict(re.findall(r"(\w+):\s+(\d+) kB", file.read()))
    private = int(found["Private_Clean"]) + int(found["Private_Dirty"])
    sizes = (int(found["Rss"]), int(found["Pss"]), private, int(found["Private_Dirty"]))
    return [kib / 1024 for kib in sizes]


def others(pid):
    """How many more of the same program run, which share its pages, and those of SQLite."""
    count = 0
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(path) as file:
                count += file.read().strip() == "stippled" and path != "/proc/%d/comm" % pid
        except OSError:
            pass    # it has ended
    return count


def switches(pid):
    """How often each of its threads went to sleep so far: each wake-up ends in one such."""
    counts = {}
    for path in glob.glob("/proc/%d/task/*/status" % pid):
        with open(path) as file:
            counts[path] = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M)[1])
    return counts


def woken_between(before, after):
    """A thread that has ended takes its count with it; it does not count."""
    return sum(count - before.get(path, 0) for path, count in after.items())


def settle(pid):
    """Wait until it has not woken for two seconds."""
    last, quiet = switches(pid), 0
    while quiet < 2:
        time.sleep(1)
        now = switches(pid)
        quiet = quiet + 1 if now == last else 0
        last = now


def measure(name, pid, quiet=True):
    if quiet:
        settle(pid)
    before = switches(pid)
    time.sleep(SECONDS)
    woken = woken_between(before, switches(pid))
    rss, pss, private, dirty = memory(pid)
    show(name, pid, woken)


def show(name, pid, woken=None):
    rss, pss, private, dirty = memory(pid)
    print("%-44s %8.1f %8.1f %8.1f %8.1f %8d %12s" % (
        name, rss, pss, private, dirty, len(os.listdir("/proc/%d/task" % pid)),
        "" if woken is None else woken), flush=True)


class Company:
    """Bare daemons, which end with it."""

    def __init__(self, world):
        self.world, self.running = world, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.running:
            one.kill()
            one.communicate()

    def grow(self, count):
        program = os.path.join(os.environ["STIPPLE_BUILDDIR"], "tests/bench/bare-daemon")
        while len(self.running) < count:
            path = os.path.join(self.world.directory, "bare-%d.db" % len(self.running))
            one = subprocess.Popen([program, path], env=self.world.env, stdout=subprocess.PIPE)
            self.running.append(one)
            if one.stdout.readline() != b"ready\n":
                sys.exit("bare-daemon did not start")


def main():
    print("%-44s %8s %8s %8s %8s %8s %12s" % ("idle", "RSS MiB", "PSS MiB", "private", "dirty", "threads",
                                          "wakeups/%ds" % SECONDS))
    with World(adapters=2) as world:
        # As the unit has it.
        world.env["G_SLICE"] = "always-malloc"
        daemon = world.start_daemon()
        print("other instances of stippled, which lower the PSS: %d" % others(daemon.popen.pid))
        with Company(world) as company:
            company.grow(1)
            print("with one bare daemon")
            show("stippled, no pen in sight", daemon.popen.pid)
            show("the bare daemon", company.running[0].pid)
            company.grow(COMPANY)
            print("among %d bare daemons" % COMPANY)
            measure("stippled, no pen in sight", daemon.popen.pid)
            measure("one of the bare daemons", company.running[0].pid)
            pens = world.start_pens(1, "--seed", "1", "--sessions", "5", "--samples", "2000")
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)
            measure("stippled, one pen advertising, synced", daemon.popen.pid)


if __name__ == "__main__":
    main()
