# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""A backup made in the middle of a sync, and put back: the pen gives again what came since.

By then the pen's slot says that this collector has everything.
"""
import os
import signal
import subprocess
import unittest

import truth
from world import World, program


class Backup(unittest.TestCase):
    def test_in2_in9_restored_store_gets_the_rest_again(self):
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--sessions", "12", "--samples", "40000")
            daemon = world.start_daemon()
            serial = world.pens_of(pens)[0]["pen"]
            world.enrol(pens, serial)
            copy = os.path.join(world.directory, "copy")
            # It goes on while the sync does.
            backup = world.ctl_json("db", "backup", copy)
            world.sync_until_complete(serial)
            given = truth.records(world.truth, serial)
            self.assertEqual(truth.held(world.state), given)
            self.assertLess(backup["records"], len(given), "the backup was made in the middle")
            self.assertTrue(world.ctl_json("db", "check")["sound"])
            world.ctl_json("db", "reparse")
            self.assertTrue(world.ctl_json("db", "check")["sound"])
            world.ctl("db", "backup", copy, status=1)  # it is not written over

            restore = [program("stippled"), "--state-dir", world.state, "--restore", copy]
            refused = subprocess.run(restore, capture_output=True, text=True)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("Stop it first", refused.stderr)
            self.assertEqual(daemon.kill(signal.SIGTERM), 0)
            done = subprocess.run(restore, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(len(truth.held(world.state)), backup["records"])

            world.start_daemon()
            world.sync_until_complete(serial)
            self.assertEqual(truth.held(world.state), given, "all of it, once, unaltered")


if __name__ == "__main__":
    unittest.main()
