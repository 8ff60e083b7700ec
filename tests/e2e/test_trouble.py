# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""What is not there: one clear sentence, the next step, the documented exit status, nothing lost."""
import json
import os
import signal
import subprocess
import unittest

import truth
from world import World, program


class Trouble(unittest.TestCase):
    def sentence(self, done, status, *words):
        self.assertEqual(done.returncode, status, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line.startswith("stipplectl: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word.lower(), lines[0].lower())

    def test_no_bus(self):
        with World() as world:
            env = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=" + world.directory + "/nothing"}
            self.sentence(world.ctl("pens", "list", status=None, env=env), 4, "bus")
            done = subprocess.run([program("stippled"), "--state-dir", world.state],
                                  env={**world.env, **env}, capture_output=True, text=True)
            self.assertEqual(done.returncode, 4)
            self.assertIn("bus", done.stderr)

    def test_no_daemon(self):
        with World() as world:
            self.sentence(world.ctl("pens", "list", status=None), 4, "stippled")
            done = world.ctl("pens", "list", "--json", status=None)
            self.assertEqual(done.returncode, 4)
            self.assertIn("error", json.loads(done.stdout))

    def test_no_bluetoothd(self):
        with World(bluez=False) as world:
            world.start_daemon()
            radio = world.wait_status("radio", "no-bluetooth")
            self.assertIn("bluetooth", radio["hint"].lower())
            self.sentence(world.ctl("pens", "add", "1001", "--passkey", "1", "--timeout", "2",
                                    status=None), 1, "bluetooth")
            # It comes, and the daemon goes on by itself.
            world.start_bluez()
            pens = world.start_pens(1, "--seed", "1", "--sessions", "1", "--samples", "100")
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            world.sync_until_complete(serial)

    def test_no_adapter(self):
        with World(adapters=0) as world:
            world.start_daemon()
            self.assertIn("adapter", world.wait_status("radio", "no-adapter")["hint"].lower())
            self.sentence(world.ctl("pens", "add", "1001", "--passkey", "1", "--timeout", "2",
                                    status=None), 1, "adapter")

    def test_no_permission(self):
        with World(bluez=False) as world:
            world.start_daemon()
            # The bus lets this user not talk to the daemon.
            world.bus.terminate()
            world.bus.wait()
            world.start_bus('<deny send_destination="org.stipple1"/>')
            world.start_bluez()
            world.start_daemon()
            self.sentence(world.ctl("pens", "list", status=None), 5, "group")

    def test_store_not_writable(self):
        with World(bluez=False) as world:
            path = os.path.join(world.directory, "file")
            open(path, "w").close()
            done = subprocess.run([program("stippled"), "--state-dir", path], env=world.env,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(path, done.stderr)

    def test_adapter_that_cannot_be(self):
        with World(bluez=False) as world:
            for name in "bogus", "hci", "00:AA:01:00:00", "hci0,hci1":
                done = subprocess.run([program("stippled"), "--state-dir", world.state, "--adapter", name], env=world.env,
                                      capture_output=True, text=True, timeout=30)
                self.assertEqual(done.returncode, 64)
                self.assertIn("'%s'" % name, done.stderr)

    def test_second_daemon(self):
        with World(bluez=False) as world:
            world.start_daemon()
            done = subprocess.run([program("stippled"), "--state-dir", world.state], env=world.env,
                                  capture_output=True, text=True, timeout=30)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("another stippled", done.stderr.lower())

    def test_ld9_another_program_may_take_an_adapter(self):
        """With flock(1) and no word of Stipple's, as stippled(8) has it."""
        with World(adapters=1) as world:
            daemon = world.start_daemon()
            world.wait_status("radio", "scanning")
            address = world.ctl_json("status")["adapters"][0]["address"]
            lock = os.path.join(world.env["RUNTIME_DIRECTORY"], address.replace(":", "-") + ".lock")
            self.assertEqual(subprocess.run(["flock", "--nonblock", lock, "true"], check=False).returncode, 1)
            self.assertEqual(daemon.kill(signal.SIGTERM), 0)
            for says, shown in (("true", "another program"), ("echo Kim, by hand > $0", "Kim, by hand")):
                other = subprocess.Popen(["flock", lock, "sh", "-c", says + "; echo has it; cat", lock],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                self.assertEqual(other.stdout.readline(), "has it\n")
                daemon = world.start_daemon()
                world.wait_status("radio", "in-use")
                self.assertIn("used by " + shown, world.ctl("status", status=None).stdout)
                self.sentence(world.ctl("pens", "add", "1001", "--passkey", "1", "--timeout", "2",
                                        status=None), 1, "has the adapter")
                other.communicate("")
                world.wait_status("radio", "scanning")
                self.assertEqual(daemon.kill(signal.SIGTERM), 0)

    def test_bus_goes_away(self):
        with World() as world:
            daemon = world.start_daemon()
            world.bus.kill()
            world.bus.wait()
            self.assertEqual(daemon.popen.wait(20), 4)
            self.assertIn("bus", daemon.stderr())

    def test_unknown_names(self):
        with World(bluez=False) as world:
            world.start_daemon()
            self.sentence(world.ctl("pens", "show", "STP-9999", status=None), 3)
            self.sentence(world.ctl("sessions", "show", "STP-9999/1", status=None), 3)
            self.sentence(world.ctl("sessions", "export", "STP-9999/1", status=None), 3)
            self.assertEqual(world.ctl("pens", "frobnicate", status=None).returncode, 64)

    def test_wrong_code(self):
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--seed", "2", "--sessions", "1", "--samples", "100")
            world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            add = subprocess.Popen([program("stipplectl"), "pens", "add", serial, "--passkey", "-"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=world.env)
            shown = pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "passkey",
                                    what="a passkey")
            wrong = (int(shown["passkey"]) + 1) % 1000000
            _, err = add.communicate("%06d\n" % wrong, timeout=60)
            self.assertEqual(add.returncode, 1, err)
            self.assertIn("code", err.lower())
            world.ctl("pens", "show", serial, status=3)

    @unittest.skipUnless(os.geteuid() == 0, "a small file system to fill takes root")
    def test_full_disk(self):
        with World(adapters=2) as world:
            os.mkdir(world.state)
            small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", world.state])
            if small.returncode != 0:
                self.skipTest("mounting a small file system is not allowed here")
            try:
                self.fill_up(world)
            finally:
                for process in world.processes:
                    if process.name == "stippled" and process.popen.poll() is None:
                        process.kill(signal.SIGTERM)
                subprocess.run(["umount", "-l", world.state], check=True)

    def fill_up(self, world):
        pens = world.start_pens(1, "--seed", "4", "--sessions", "12", "--samples", "150000")
        world.start_daemon()
        serial = world.pens_of(pens)[0]["pen"]
        # Something else takes the room, but for some records above the store's reserve: of so small a disk, a 16th.
        filler = os.path.join(world.state, "filler")
        free = os.statvfs(world.state)
        with open(filler, "wb") as file:
            file.write(bytes(free.f_bavail * free.f_bsize - free.f_blocks * free.f_frsize // 16 - (2 << 20)))
        world.enrol(pens, serial)
        self.sentence(world.ctl("sync", serial, status=None, timeout=180), 1, "room")
        self.assertEqual(world.ctl_json("status", status=1)["store"]["state"], "full")
        held = truth.held(world.state)
        given = truth.records(world.truth, serial)
        self.assertLess(len(held), len(given))
        self.assertLessEqual(held.items(), given.items(), "what is there is whole")
        # There is room again: the rest follows, nothing was lost.
        os.unlink(filler)
        subprocess.run(["mount", "-o", "remount,size=64m", world.state], check=True)
        world.sync_until_complete(serial)
        self.assertEqual(truth.held(world.state), given)


if __name__ == "__main__":
    unittest.main()
