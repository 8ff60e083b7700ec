# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""EP7, P29: two rooms, each with a daemon, a store and an adapter of its own, share a pen."""
import threading
import unittest

import rooms
import truth
from world import World


def said(name):
    return lambda e: isinstance(e, dict) and e.get("event") == name


class Rooms(unittest.TestCase):
    def both(self, rooms_, do):
        """At the same time; the pen has one link to give."""
        failed = []

        def run(room):
            try:
                do(room)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=run, args=(room,)) for room in rooms_]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    def holds_all(self, room, serial):
        self.assertEqual(room.coverage(serial), 100.0)
        self.assertEqual(truth.held(room.state), truth.records(room.truth, serial), "all of it, once, unaltered")

    def slots(self, room, serial):
        return {(slot["index"], slot["name"]) for slot in room.ctl_json("pens", "slots", serial)["slots"]}

    def test_p29_two_rooms_share_a_pen(self):
        with World(adapters=3) as first:
            pens = first.start_pens(1, "--seed", "5", "--sessions", "4", "--samples", "2000", "--live-session", "20")
            serial = first.pens_of(pens)[0]["pen"]
            other = rooms.second(first)
            first.start_daemon()
            other.start_daemon(adapter="hci2")
            first.enrol(pens, serial)
            first.sync_until_complete(serial)
            self.holds_all(first, serial)
            other.enrol(pens, serial)
            other.sync_until_complete(serial)
            self.holds_all(other, serial)

            # The next session: both come for it at once, and the pen serves one after the other.
            pens.wait_event(said("new-record"), what="a new record")
            self.both((first, other), lambda room: room.sync_until_complete(serial))
            self.holds_all(first, serial)
            self.holds_all(other, serial)
            slots = self.slots(first, serial)
            self.assertEqual(slots, self.slots(other, serial))
            self.assertEqual(len(slots), 2)
            self.assertEqual(len({name for _, name in slots}), 2)
            marks = {}
            for event in filter(said("acknowledged"), pens.drain()):
                marks[event["slot"]] = event["mark"]
            newest = max(number for _, _, number in truth.held(first.state))
            print("slots %s, acknowledged up to %s of %d records" % (sorted(slots), marks, newest))
            self.assertEqual(len(marks), 2)
            self.assertEqual(set(marks.values()), {newest})


if __name__ == "__main__":
    unittest.main()
