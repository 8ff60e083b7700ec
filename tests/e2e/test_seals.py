# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""What is told of a session's chain and seal, and that a seal can be verified away from here, by somebody else."""
import os
import sqlite3
import subprocess
import sys
import unittest

import verify_records
from world import World, program


class Seals(unittest.TestCase):
    def collected(self, world, *args):
        pens = world.start_pens(1, "--seed", "11", "--sessions", "3", "--samples", "300", *args)
        self.daemon = world.start_daemon()
        pen = world.pens_of(pens)[0]
        world.enrol(pens, pen["pen"])
        world.sync_until_complete(pen["pen"])
        listed = world.ctl_json("sessions", "list", "--pen", pen["pen"])["sessions"]
        self.assertEqual(len(listed), 3)
        self.assertEqual({session["seal"] for session in listed}, {None})
        return pen, sorted(session["id"] for session in listed)

    def told(self, world, session):
        told = world.ctl_json("sessions", "show", session)["session"]
        return told["chain"], told["seal"], told["seal_record"]

    def proof(self, world, session):
        """The records that a verifier takes, as the pen wrote them; the names of their files."""
        directory = os.path.join(world.directory, "evidence", session.replace("/", "-"))
        said = world.ctl("sessions", "proof", session, "--output-dir", directory)
        self.assertIn("Nothing was verified", said)
        return sorted(os.path.join(directory, name) for name in os.listdir(directory))

    def verified(self, key, files, number):
        """Whether others find that session whole: the script that uses nothing of ours, the library's example."""
        script = subprocess.run([sys.executable, verify_records.__file__, key, *files],
                                capture_output=True, text=True, check=False)
        verdict = script.returncode == 0 and "session %d: records" % number in script.stdout
        try:
            example = subprocess.run([program("example-verifier"), key, *files], capture_output=True, text=True,
                                     check=False)
        except FileNotFoundError:
            return verdict  # where there is only what gets installed
        self.assertEqual(example.returncode == 0 and "session %d is whole" % number in example.stdout, verdict,
                         example.stdout + script.stdout + script.stderr)
        return verdict

    def test_in6_a_seal_is_told_and_can_be_verified(self):
        with World(adapters=2) as world:
            pen, sessions = self.collected(world)
            for number, session in enumerate(sessions, 1):
                chain, seal, record = self.told(world, session)
                self.assertEqual((chain, seal), ("whole", "sealed"))
                self.assertGreater(record, 0)
                self.assertIn("sealed, not verified", world.ctl("sessions", "show", session))
                files = self.proof(world, session)
                self.assertTrue(self.verified(pen["key"], files, number))
                # Another pen's key; a record altered; one left out.
                self.assertFalse(self.verified("00" * 32, files, number))
                self.assertFalse(self.verified(pen["key"], files[:-2] + files[-1:], number))
                with open(files[-2], "r+b") as file:
                    file.seek(-10, os.SEEK_END)
                    byte = file.read(1)[0]
                    file.seek(-10, os.SEEK_END)
                    file.write(bytes([byte ^ 1]))
                self.assertFalse(self.verified(pen["key"], files, number))

    def test_in6_an_altered_record_is_told(self):
        with World(adapters=2) as world:
            _, sessions = self.collected(world)
            first, second = (self.told(world, session)[2] for session in sessions[:2])
            for altered, seal in ((first + 1, "sealed"), (second, "broken")):
                self.daemon.kill()
                # It names another one before it now: before the session, and then within it.
                with sqlite3.connect(os.path.join(world.state, "stipple.db")) as store:
                    store.execute("UPDATE record SET prev_hash = zeroblob(32) WHERE number = ?", (altered,))
                store.close()
                self.daemon = world.start_daemon()
                self.assertEqual(self.told(world, sessions[0])[:2], ("whole", "sealed"))
                self.assertEqual(self.told(world, sessions[1])[:2], ("broken", seal))
                self.assertEqual(self.told(world, sessions[2])[:2], ("whole", "sealed"))
            self.assertIn("broken: it does not fit", world.ctl("sessions", "show", sessions[1]))

    def test_a_pen_without_seals(self):
        with World(adapters=2) as world:
            _, sessions = self.collected(world, "--unchained")
            self.assertEqual(self.told(world, sessions[0]), ("unknown", "none", None))


if __name__ == "__main__":
    unittest.main()
