#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""cut-power.py KERNEL WRITER CACHE [--runs N] [--jobs N] [--seed N] [--lie] [--keep DIR]

Cuts the power of a machine that stores records, and looks for what it had acknowledged.

The machine is a user-mode Linux whose disk, with ext4, is a file.  WRITER puts records into the
store in it, as fast as that goes, and each acknowledgement leaves the machine at once.  After a
random time every process of the machine is killed, so that all of its memory is gone.  CACHE, a
library, noted what the machine wrote to its disk and when it asked for it to be written through;
of what was written after the last such moment a random part, sector by sector, is taken from the
disk, as if it had been in the disk's own memory.  Then the machine starts again from that disk
and every record that was acknowledged is looked for, byte by byte.

What this cannot show: a disk that lies about writing through, and one that damages what it is not
writing.  With --lie SQLite's requests to write through go nowhere, as with synchronous=OFF: that
must lose records, else the cuts prove nothing.

Prints one line per run and the sum.  Exit status 1 when something was lost (with --lie: when nothing was).
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

DISK_BYTES = 96 << 20
SECTOR = 512
MAGIC, FLUSH = 0x4B534944, 0xFFFFFFFF
ENTRY = struct.Struct("<IIQ")
START_LIMIT_S, CHECK_LIMIT_S = 120, 300


class Machine:
    """One boot of the guest."""

    def __init__(self, options, work, job, disk, log=None):
        self.job = job
        for name in ("status", "report"):
            (job / name).unlink(missing_ok=True)
        env = dict(os.environ, TMPDIR=str(job))
        if log:
            env.update(LD_PRELOAD=options.cache, STIPPLE_DISK=str(disk), STIPPLE_DISK_LOG=str(log))
        self.console = open(job / f"console-{work}", "wb")
        self.process = subprocess.Popen(
            [options.kernel, "mem=160M", f"uml_dir={job}", "umid=uml", "con=null", "con0=null,fd:1", "ssl=null",
             "quiet", f"ubd0={disk}", "root=none", "rootfstype=hostfs", "rootflags=/", "ro",
             f"init={options.guest}", f"job={job}", f"work={work}", f"writer={options.writer}"],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console, env=env,
            start_new_session=True)

    def cut(self):
        """All of it at once: its memory is the memory of these processes."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.console.close()

    def wait_for(self, what, limit):
        """Until the file is there, and has something in it."""
        path, end = self.job / what, time.monotonic() + limit
        while not (path.exists() and path.stat().st_size):
            status = self.job / "status"
            if what != "status" and status.exists() and status.stat().st_size:
                raise RuntimeError(f"the guest ended: {self.said()}")
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"no {what} within {limit} s: {self.said()}")
            time.sleep(0.02)

    def said(self):
        texts = [path.read_text(errors="replace")[-500:]
                 for path in (self.job / "errors", *self.job.glob("console-*")) if path.exists()]
        return " | ".join(text.strip() for text in texts if text.strip())


def entries(log):
    """(offset, bytes), or None for a flush; an entry cut short was never acknowledged to anybody."""
    data, at = log.read_bytes(), 0
    while at + ENTRY.size <= len(data):
        magic, length, offset = ENTRY.unpack_from(data, at)
        assert magic == MAGIC, "the log of the disk is not one"
        at += ENTRY.size
        if length == FLUSH:
            yield None
            continue
        if at + length > len(data):
            return
        yield offset, data[at:at + length]
        at += length


def after_cut(before, log, disk, chance, fate):
    """Make the disk what its medium may hold; returns how many sectors were pending and dropped."""
    shutil.copyfile(before, disk)
    pending, dropped, total = [], 0, 0
    with open(disk, "r+b") as medium:
        def put(offset, data):
            medium.seek(offset)
            medium.write(data)

        for entry in entries(log):
            if entry is not None:
                pending.append(entry)
                continue
            for done in pending:
                put(*done)
            pending = []
        for offset, data in pending:
            for at in range(0, len(data), SECTOR):
                total += 1
                if chance.random() < fate:
                    put(offset + at, data[at:at + SECTOR])
                else:
                    dropped += 1
    return total, dropped


def make_disk(path):
    with open(path, "wb") as disk:
        disk.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", path],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def run_once(options, number):
    """One machine, one cut; (acknowledged, lost, what happened to the store, text)."""
    chance = random.Random(f"{options.seed}/{number}")
    job = pathlib.Path(tempfile.mkdtemp(prefix="stipple-powercut."))
    try:
        before, disk, log = options.template, job / "disk", job / "log"
        shutil.copyfile(before, disk)
        machine = Machine(options, "lie" if options.lie else "write", job, disk, log)
        try:
            machine.wait_for("acknowledged", START_LIMIT_S)
            time.sleep(chance.uniform(0, options.seconds))
        finally:
            machine.cut()
        acknowledged = (job / "acknowledged").stat().st_size // 4
        # Nothing of what was pending reaches the medium, all of it, or some sectors.
        fate = chance.choice((0.0, 1.0, 0.5, chance.random()))
        total, dropped = after_cut(before, log, disk, chance, fate)
        log.unlink()
        machine = Machine(options, "check", job, disk)
        try:
            machine.wait_for("report", CHECK_LIMIT_S)
        finally:
            machine.cut()
        told, lost, store = (job / "report").read_text().split()
        assert int(told) == acknowledged, "the guest saw another list of acknowledgements"
        text = f"run {number}: {told} acknowledged, {lost} lost, store {store}; " \
               f"{dropped} of {total} pending sectors dropped"
        return acknowledged, int(lost), store, text
    except RuntimeError as error:
        if not options.lie:
            raise
        # A machine that does not come up again has lost everything.
        acknowledged = (job / "acknowledged").stat().st_size // 4
        return acknowledged, acknowledged, "gone", f"run {number}: {acknowledged} acknowledged, all lost: {error}"
    finally:
        shutil.rmtree(job, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernel")
    parser.add_argument("writer")
    parser.add_argument("cache")
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0, help="the longest time of writing")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--lie", action="store_true")
    options = parser.parse_args()
    for name in ("kernel", "writer", "cache"):
        setattr(options, name, str(pathlib.Path(getattr(options, name)).resolve()))
    options.guest = pathlib.Path(__file__).resolve().parent / "guest.sh"
    print(f"# seed {options.seed}{', on a disk that lies' if options.lie else ''}", flush=True)
    with tempfile.TemporaryDirectory(prefix="stipple-powercut.") as work:
        options.template = pathlib.Path(work) / "disk"
        make_disk(options.template)
        sums = [0, 0, 0, 0]
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for done in pool.map(lambda number: run_once(options, number), range(1, options.runs + 1)):
                acknowledged, lost, store, text = done
                print(text, flush=True)
                sums = [sums[0] + acknowledged, sums[1] + lost, sums[2] + (lost > 0), sums[3] + (store != "sound")]
    print(f"{options.runs} power cuts, {sums[0]} records acknowledged, {sums[1]} lost in {sums[2]} runs; "
          f"{sums[3]} stores damaged")
    if sums[2] == 0:
        print(f"With 95 % confidence fewer than {300 / options.runs:.1f} % of cuts lose anything "
              f"(rule of three), and fewer than {3e6 / max(sums[0], 1):.0f} in a million acknowledged records.")
    return int((sums[2] == 0) if options.lie else (sums[2] > 0 or sums[3] > 0))


if __name__ == "__main__":
    sys.exit(main())
