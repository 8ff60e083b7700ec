# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""What a clinic's machine can go through: what happened to the daemon, what its people saw, what was lost.

Each test adds a row to a table that is printed at the end; with STIPPLE_TABLE it is written to that file.
"""
import glob
import json
import os
import random
import signal
import subprocess
import time
import unittest

import truth
from world import Process, World, program

ROWS = []


def tearDownModule():
    lines = ["| disaster | what happened | what people saw | lost |", "|---|---|---|---|"]
    lines += ["| %s | %s | %s | %s |" % row for row in ROWS]
    print("\n".join(lines))
    if os.environ.get("STIPPLE_TABLE"):
        with open(os.environ["STIPPLE_TABLE"], "a") as file:
            file.write("\n".join(lines) + "\n")


class Disasters(unittest.TestCase):
    # A world in which each state lasts long enough to be hit.
    SLOW = ("--connect-delay", "1500", "--resolve-delay", "1500", "--disconnect-delay", "1500",
            "--kbps", "800")

    def row(self, disaster, happened, saw, lost="nothing"):
        ROWS.append((disaster, happened, saw.replace("|", "/"), lost))

    def one_pen(self, world, *args):
        pens = world.start_pens(1, "--seed", random.randrange(1 << 30), *args)
        world.start_daemon()
        return pens, world.pens_of(pens)[0]["pen"]

    def complete(self, world, serial):
        """All of the pen is here, once and unaltered."""
        world.sync_until_complete(serial)
        self.assertEqual(truth.held(world.state), truth.records(world.truth, serial))

    def kill_bluetoothd(self, world):
        """-9, and started again after the daemon has had to live without it."""
        if world.kind == "lab":
            for comm in glob.glob("/proc/[0-9]*/comm"):
                with open(comm) as file:
                    if file.read() == "bluetoothd\n":
                        os.kill(int(comm.split("/")[2]), signal.SIGKILL)
            world.wait_status("radio", "no-bluetooth")
            seen = self.status_line(world)
            subprocess.Popen(["/run/lab/bluetoothd"], stdin=subprocess.DEVNULL)
        else:
            subprocess.run(["gdbus", "call", "--system", "-d", "org.bluez", "-o", "/org/bluez/fake", "-m",
                            "org.stipple1.test.Air1.Restart", "1000"], env=world.env, check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            world.wait_status("radio", "no-bluetooth")
            seen = self.status_line(world)
        return seen

    def status_line(self, world):
        now = json.loads(world.ctl("status", "--json", status=None).stdout)["radio"]
        return "%s: %s" % (now["state"], now.get("hint") or "")

    def in_state(self, world, monitor, serial, state, since=0):
        monitor.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "pen-changed" and
                           e.get("pen") == serial and e["changed"].get("state") == state,
                           what="that the pen is " + state, since=since)

    def killed_while(self, state, slow=None):
        with World(adapters=2, fake_args=self.SLOW if slow is None else slow) as world:
            # The pen's data takes some seconds on the slow link, so "syncing" is in mid-transfer.
            pens, serial = self.one_pen(world, "--sessions", "3", "--samples", "60000")
            monitor = Process(world, "stipplectl", "monitor", "--json")
            monitor.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "ready", what="ready")
            world.enrol(pens, serial)
            if state == "connecting":
                self.complete(world, serial)
                said = len(monitor.drain())
                Process(world, "stipplectl", "sync", serial)
                self.in_state(world, monitor, serial, state, since=said)
            elif state == "at-rest":
                self.complete(world, serial)
            else:
                self.in_state(world, monitor, serial, state)
            seen = self.kill_bluetoothd(world)
            world.wait_status("radio", "scanning")
            self.complete(world, serial)
            return seen

    def test_p14_bluetoothd_is_killed_while_nothing_happens(self):
        self.row("bluetoothd killed, nothing under way", "found again by itself",
                 self.killed_while("at-rest", slow=()))

    def test_p14_bluetoothd_is_killed_while_connecting(self):
        self.row("bluetoothd killed while connecting", "connects anew", self.killed_while("connecting"))

    def test_p14_bluetoothd_is_killed_in_mid_transfer(self):
        self.row("bluetoothd killed in mid transfer", "the sync goes on where it was", self.killed_while("syncing"))

    def test_p14_bluetoothd_is_killed_while_pairing(self):
        with World(adapters=2) as world:
            pens, serial = self.one_pen(world, "--sessions", "2", "--samples", "500")
            add = subprocess.Popen([program("stipplectl"), "pens", "add", serial, "--passkey", "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=world.env)
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "passkey", what="a passkey")
            self.kill_bluetoothd(world)
            _, err = add.communicate("123456\n", timeout=90)
            self.assertEqual(add.returncode, 1, err)
            self.assertIn("stipplectl: ", err)
            world.wait_status("radio", "scanning")
            world.enrol(pens, serial)
            self.complete(world, serial)
            self.row("bluetoothd killed while pairing", "the enrolment fails, and works when asked again",
                     err.strip().splitlines()[-1])

    def test_p14_bluetoothd_is_killed_at_random(self):
        """Whatever it was doing then."""
        seed = int(os.environ.get("STIPPLE_SEED", random.SystemRandom().randrange(1 << 31)))
        print("STIPPLE_SEED=%d" % seed)
        dice = random.Random(seed)
        kills = int(os.environ.get("STIPPLE_RUNS", "4"))
        with World(adapters=2, fake_args=("--connect-delay", "150", "--resolve-delay", "150",
                                          "--disconnect-delay", "150", "--kbps", "2000")) as world:
            pens, serial = self.one_pen(world, "--sessions", "6", "--samples", "60000")
            world.enrol(pens, serial)
            for _ in range(kills):
                sync = Process(world, "stipplectl", "sync", serial)
                # Not waiting for anything is the point here: any moment may be hit.
                time.sleep(dice.random() * 1.5)
                self.kill_bluetoothd(world)
                world.wait_status("radio", "scanning")
                sync.kill(signal.SIGTERM)
            self.complete(world, serial)
        self.row("bluetoothd killed %d times at random" % kills, "complete afterwards", "-")

    def test_bus_goes_away(self):
        with World(adapters=2, fake_args=self.SLOW) as world:
            pens, serial = self.one_pen(world, "--sessions", "3", "--samples", "60000")
            world.enrol(pens, serial)
            daemon = next(p for p in world.processes if p.name == "stippled")
            world.bus.kill()
            world.bus.wait()
            self.assertEqual(daemon.popen.wait(30), 4)
            last = [line for line in daemon.stderr().splitlines() if "DEBUG" not in line and line][-1]
            before = truth.held(world.state)
            given = truth.records(world.truth, serial)
            self.assertLessEqual(before.items(), given.items(), "what is there is whole")
            saw = world.ctl("status", status=None)
            self.assertEqual(saw.returncode, 4)
            world.start_bus()
            world.start_bluez()
            pens = world.start_pens(1, "--seed", "77", "--sessions", "1", "--samples", "500")
            world.start_daemon()
            world.wait_status("radio", "scanning")
            self.assertLessEqual(before.items(), truth.held(world.state).items())
            self.row("D-Bus gone in mid sync", "stippled ends in order (status 4), systemd starts it again: "
                     + last.split(": ", 1)[-1], saw.stderr.strip())

    def enrol_again(self, world, pens, serial):
        """Where the enrolment was lost with the store, the bond is of unknown strength: it is made anew."""
        if world.ctl("pens", "show", serial, status=None).returncode == 0:
            return
        refused = world.ctl("pens", "add", serial, status=None, timeout=90)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("pens repair", refused.stderr)
        world.enrol(pens, serial, verb="repair")

    def damaged(self, world, harm):
        pens, serial = self.one_pen(world, "--sessions", "4", "--samples", "20000")
        world.enrol(pens, serial)
        self.complete(world, serial)
        daemon = next(p for p in world.processes if p.name == "stippled")
        daemon.kill(signal.SIGTERM)
        harm(os.path.join(world.state, "stipple.db"))
        world.start_daemon()
        return pens, serial

    def test_store_is_corrupted(self):
        def harm(path):
            size = os.path.getsize(path)
            with open(path, "r+b") as file:
                for at in range(4096, size, 8192):
                    file.seek(at)
                    file.write(os.urandom(512))

        with World(adapters=2) as world:
            pens, serial = self.damaged(world, harm)
            aside = [name for name in os.listdir(world.state) if ".damaged-" in name]
            self.assertTrue(aside)
            saw = world.ctl("status", status=None).stdout
            # The pen still has it all; when its enrolment could not be saved, people enrol it again.
            self.enrol_again(world, pens, serial)
            self.complete(world, serial)
            self.row("store overwritten with noise in every second page",
                     "set aside as %s, a fresh one begun; the pen gave its records again" % aside[0].split("-")[0],
                     next((line.strip() for line in saw.splitlines() if "damaged" in line), "?"))

    def test_store_is_cut_short(self):
        def harm(path):
            with open(path, "r+b") as file:
                file.truncate(os.path.getsize(path) // 2)

        with World(adapters=2) as world:
            pens, serial = self.damaged(world, harm)
            self.assertTrue([name for name in os.listdir(world.state) if ".damaged-" in name])
            saw = world.ctl("status", status=None).stdout
            self.enrol_again(world, pens, serial)
            self.complete(world, serial)
            self.row("store cut to half", "set aside, a fresh one begun; the pen gave its records again",
                     next((line.strip() for line in saw.splitlines() if "damaged" in line), "?"))

    @unittest.skipUnless(os.geteuid() == 0, "making a file system read-only takes root")
    def test_store_becomes_read_only(self):
        with World(adapters=2) as world:
            os.mkdir(world.state)
            made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", world.state])
            if made.returncode != 0:
                self.skipTest("mounting a file system is not allowed here")
            try:
                pens, serial = self.one_pen(world, "--sessions", "6", "--samples", "60000")
                subprocess.run(["mount", "-o", "remount,ro", world.state], stderr=subprocess.DEVNULL)
                self.read_only(world, pens, serial)
            finally:
                for process in world.processes:
                    if process.name == "stippled" and process.popen.poll() is None:
                        process.kill(signal.SIGTERM)
                subprocess.run(["umount", "-l", world.state], check=True)

    def read_only(self, world, pens, serial):
        """Open for writing files keep a tmpfs writable: the immutable case is a store opened afterwards."""
        daemon = next(p for p in world.processes if p.name == "stippled")
        daemon.kill(signal.SIGTERM)
        subprocess.run(["mount", "-o", "remount,ro", world.state], check=True)
        daemon = Process(world, "stippled", "--verbose", "--state-dir", world.state, "--adapter", "hci0")
        status = daemon.popen.wait(30)
        self.assertEqual(status, 1)
        saw = daemon.stderr().strip().splitlines()[-1]
        self.assertIn(world.state, saw)
        subprocess.run(["mount", "-o", "remount,rw", world.state], check=True)
        world.start_daemon()
        world.enrol(pens, serial)
        self.complete(world, serial)
        self.row("file system read-only at the start", "stippled ends with status 1, systemd tries it again; "
                 "goes on when it is writable", saw.split(": ", 1)[-1].replace(world.directory, ""))


if __name__ == "__main__":
    unittest.main()
