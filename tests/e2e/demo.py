#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""The main job, to watch: pens in a clinic are found, enrolled, synced and exported.

Everything runs on a private bus with simulated radios, below one temporary directory that is
removed at the end.  The programs are those that a clinic installs.
"""
import hashlib
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth                                             # noqa: E402
from world import World, program                         # noqa: E402

SAMPLES = 180000
BIG_PEN = 2             # gets the long session
DROP_AFTER = 150000     # bytes of it, then the pen drops the link


def say(text):
    print("\n\033[1m%s\033[0m" % text if sys.stdout.isatty() else "\n" + text, flush=True)


def show(world, *args):
    print("$ stipplectl %s" % " ".join(args), flush=True)
    sys.stdout.write(world.ctl(*args))
    sys.stdout.flush()


def processes_below(directory):
    """Programs that still run and were started with something of this directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if directory in line:
            found.append("%s: %s" % (pid, line))
    return found


def collect(world):
    big = os.path.join(world.directory, "long.csv")
    say("A treatment of 30 minutes at 100 Hz, %d samples, as a CSV" % SAMPLES)
    with open(big, "wb") as file:
        subprocess.run([program("stipple-sample-csv"), "--seed", "2026", "--samples",
                        str(SAMPLES)], stdout=file, check=True)
    print("%s: %d bytes" % (os.path.basename(big), os.path.getsize(big)))

    say("Three pens with logs in their flash; the second holds that treatment and will drop "
        "the link in the middle of it")
    pens = world.start_pens(3, "--seed", "7", "--sessions", "5", "--csv", "%d:%s" % (BIG_PEN, big),
                            "--drop-after", "%d:%d" % (BIG_PEN, DROP_AFTER))
    ready = world.pens_of(pens)
    for pen in ready:
        print("%s on %s, %d records in flash" % (pen["pen"], pen["adapter"], pen["records"]))

    say("The daemon starts and finds them")
    world.start_daemon()
    for number, pen in enumerate(ready, 1):
        print("$ stipplectl pens add %s --label 'room %d'" % (pen["pen"], number))
        sys.stdout.write(world.enrol(pens, pen["pen"], "room %d" % number))
        sys.stdout.flush()

    say("It syncs by itself; here we wait for it")
    began = time.monotonic()
    for pen in ready:
        world.sync_until_complete(pen["pen"])
    print("complete after %.1f s; the pen dropped the link %d time(s) on the way" % (
        time.monotonic() - began,
        sum(isinstance(e, dict) and e.get("fault") == "drop" for e in pens.drain())))
    return ready, big


def look(world, ready):
    show(world, "pens", "list")
    show(world, "coverage")
    show(world, "sessions", "list", "--limit", "30")
    for pen in ready:
        listed = world.ctl_json("sessions", "list", "--pen", pen["pen"], "--all")["sessions"]
        if len(listed) < 5:
            raise AssertionError("%s has only %d sessions" % (pen["pen"], len(listed)))


def export(world, ready, big):
    """Every session of every pen equals what the pen was given, byte for byte."""
    compared = samples = 0
    long_session = None
    for pen in ready:
        for (epoch, number), path in truth.sessions(world.truth, pen["pen"]).items():
            session = "%s/%08x/%d" % (pen["pen"], epoch, number)
            out = os.path.join(world.directory, "export.csv")
            world.ctl("sessions", "export", session, "--format", "csv", "-o", out)
            if truth.normal(out) != truth.normal(path):
                raise AssertionError("%s is not what the pen was given" % session)
            body = truth.normal(out)
            samples += body.count(b"\n")
            compared += 1
            if truth.normal(big) == body:
                long_session = session
                digest = hashlib.sha256(body).hexdigest()
    if long_session is None:
        raise AssertionError("the session of %d samples did not come out" % SAMPLES)
    print("$ stipplectl sessions export %s -o long.csv" % long_session)
    print("%s: %d samples, identical to what the pen was given (sha256 %s...)" % (
        long_session, SAMPLES, digest[:16]))
    print("all %d sessions, %d samples: identical" % (compared, samples))


def main():
    began = time.monotonic()
    world = World()
    try:
        ready, big = collect(world)
        say("What the clinic sees")
        look(world, ready)
        say("Export, held against what the pens were given")
        export(world, ready, big)
    finally:
        directory = world.directory
        left = world.close()
    left += processes_below(directory)
    if left or os.path.exists(directory) and not os.environ.get("STIPPLE_KEEP"):
        print("demo: left behind: %s" % (left or directory), file=sys.stderr)
        return 1
    say("Done in %.1f s; nothing is left running or lying about." % (time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
