#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""What stippled costs when there is nothing to do: memory, threads, wake-ups in 30 seconds.

Beside it, in the same run, what an empty GDBus program costs (gdbus monitor on a silent name).

PSS divides each page by how many programs have it mapped.  So it says as much of the machine as of
stippled: with three more of them running, as in a test, it is half of what it is with one; where nobody
else uses GLib it is nearly the RSS.  "private" is what nobody shares just now, "dirty" what nobody can share
and the kernel cannot drop and read again: the memory that is asked for, in the strict sense.  PSS is to be
compared on a machine on which no other stippled runs; how many do is printed.
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
    print("%-44s %8.1f %8.1f %8.1f %8.1f %8d %12d" % (
        name, rss, pss, private, dirty, len(os.listdir("/proc/%d/task" % pid)), woken), flush=True)


def main():
    print("%-44s %8s %8s %8s %8s %8s %12s" % ("idle", "RSS MiB", "PSS MiB", "private", "dirty", "threads",
                                          "wakeups/%ds" % SECONDS))
    with World(adapters=2) as world:
        # As the unit has it.
        world.env["G_SLICE"] = "always-malloc"
        daemon = world.start_daemon()
        print("other instances of stippled, which lower the PSS: %d" % others(daemon.popen.pid))
        measure("stippled, no pen in sight", daemon.popen.pid)
        empty = subprocess.Popen(["gdbus", "monitor", "--system", "--dest", "org.nobody"],
                                 env=world.env, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        try:
            measure("an empty GDBus program", empty.pid)
        finally:
            empty.kill()
            empty.wait()
        pens = world.start_pens(1, "--seed", "1", "--sessions", "5", "--samples", "2000")
        serial = world.pens_of(pens)[0]["pen"]
        world.enrol(pens, serial)
        world.sync_until_complete(serial)
        measure("stippled, one pen advertising, synced", daemon.popen.pid)


if __name__ == "__main__":
    main()
