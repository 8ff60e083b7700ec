# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""The tool as a script and an export job meet it: no terminal, no surprises, no memory."""
import csv
import json
import os
import subprocess
import unittest

from world import World, program

# The exit statuses that README.md promises.
DOCUMENTED = {0, 1, 2, 3, 4, 5, 6, 64}
# Each command as a script would call it.  %s is the pen, %%s a session of it.
COMMANDS = [
    "status", "pens list", "pens list --all", "pens show %s", "pens show nobody", "sessions list",
    "sessions show %s/1", "sessions show nothing", "sessions export %s/1 -o OUT", "sync %s",
    "sessions proof %s/1 --output-dir OUT.d", "sessions proof %s/1",
    "sync nobody", "coverage", "coverage %s", "help", "nonsense", "pens add",
]


class Tools(unittest.TestCase):
    def collected(self, world, *args):
        pens = world.start_pens(1, "--seed", "30", *args)
        world.start_daemon()
        serial = world.pens_of(pens)[0]["pen"]
        world.enrol(pens, serial)
        world.sync_until_complete(serial)
        return serial

    def peak(self, world, *args):
        """KiB of memory at most, and the seconds it took are nobody's business here."""
        # A sanitizer would keep what is freed.
        env = dict(world.env, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") +
                   ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0")
        child = subprocess.Popen([program("stipplectl"), *args], env=env,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0)
        return used.ru_maxrss

    def test_p30_an_export_needs_no_more_memory_for_more(self):
        with World(adapters=2) as world:
            serial = self.collected(world, "--sessions", "12", "--samples", "36000")
            # Were they kept, the samples alone would take 5 MiB.  A sanitizer puts something beside each piece.
            room = 4096 if "ASAN_OPTIONS" in os.environ else 2048
            for form in "csv", "ndjson":
                out = os.path.join(world.directory, "one")
                one = self.peak(world, "sessions", "export", serial + "/1", "--format", form, "-o", out)
                many = self.peak(world, "sessions", "export", "--all", "--format", form,
                                 "--output-dir", os.path.join(world.directory, form))
                self.assertLess(many, one + room, "12 sessions against one, KiB, %s" % form)

    def test_p30_an_export_has_every_field(self):
        with World(adapters=2) as world:
            serial = self.collected(world, "--sessions", "1", "--samples", "200")
            text = world.ctl("sessions", "export", serial + "/1")
            header = next(csv.reader(text.splitlines()))
            first = json.loads(world.ctl("sessions", "export", serial + "/1", "--format",
                                         "ndjson").splitlines()[0])
            self.assertEqual(set(header), {"t_ms", "depth_um", "rate_dHz", "current_mA", "contact", "pass", "zone"})
            for name in header:
                self.assertIn(name.lower(), {key.lower() for key in first})

    def test_p35_every_command_works_for_a_script(self):
        with World(adapters=2) as world:
            serial = self.collected(world, "--sessions", "1", "--samples", "200")
            for words in COMMANDS:
                words = words.replace("%s", serial).replace("OUT", world.directory + "/out.csv").split()
                if words[0] == "help":
                    done = world.ctl(*words, status=None, timeout=60)
                    self.assertEqual(done.returncode, 0)
                    continue
                done = world.ctl(*words, "--json", status=None, timeout=60)
                self.assertIn(done.returncode, DOCUMENTED, words)
                document = json.loads(done.stdout)      # one document, whatever happened
                self.assertEqual(document["schema"], 1, words)
                if done.returncode not in (0, 2, 6):
                    self.assertTrue(document["error"]["code"], words)
                    self.assertTrue(document["error"]["hint"], words)


if __name__ == "__main__":
    unittest.main()
