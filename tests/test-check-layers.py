#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""Each rule of check-layers.py bites on a small tree that breaks it, and on no other."""
import importlib.util
import pathlib
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location("check_layers", HERE / "check-layers.py")
check_layers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_layers)

GOOD = {
    "libprotocol/include/stipple/crc.h": "#include <stdint.h>\n",
    "libprotocol/include/stipple/record.h": "#include <stipple/crc.h>\n",
    "libprotocol/include/stipple/pen.h": "#include <stipple/record.h>\n",
    "libprotocol/include/stipple/stipple.h": "#include <stipple/crc.h>\n#include <stipple/pen.h>\n",
    "libprotocol/base/crc.c": "#include <stipple/crc.h>\n#include <protobuf-c/protobuf-c.h>\n",
    "libprotocol/base/bytes.h": "",
    "libprotocol/record/record-scan.c": "#include <stipple/record.h>\n",
    "libprotocol/pen/pen.c": '#include <stipple/pen.h>\n#include "../base/bytes.h"\n',
    "libprotocol/host/host.h": "#include <stipple/record.h>\n",
    "daemon/core/log.h": "#include <glib.h>\n",
    "daemon/core/log.c": '#include "log.h"\n',
    "daemon/link/link.h": '#include <gio/gio.h>\n#include <stipple/crc.h>\n',
    "daemon/store/store.c": '#include "log.h"\n#include <sqlite3.h>\n',
    "daemon/sync/collector.c": '#include "link.h"\n',
    "daemon/bus/bus.h": '#include "generated-from-xml.h"\n',
    "daemon/main.c": '#include "bus.h"\n#include "link.h"\n',
    "cli/table.h": "#include <stipple/crc.h>\n",
    "tests/daemon/test-link.c": '#include "link.h"\n#include "table.h"\n#include <sqlite3.h>\n',
    "proto/WIRE.md": "long\n" * 1000,
}


class Layers(unittest.TestCase):
    def breaches(self, changes):
        with tempfile.TemporaryDirectory() as name:
            tree = pathlib.Path(name)
            for path, text in {**GOOD, **changes}.items():
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                (tree / path).write_text(text)
            return check_layers.House(tree).check()

    def refused(self, changes, *words):
        found = self.breaches(changes)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def test_good_tree(self):
        self.assertEqual(self.breaches({}), [])

    def test_upward(self):
        self.refused({"daemon/core/log.c": '#include "link.h"\n'}, "daemon/core may not use daemon/link")

    def test_upward_in_brackets(self):
        self.refused({"libprotocol/base/crc.c": "#include <log.h>\n"}, "libprotocol/base may not use daemon/core")

    def test_upward_in_the_library(self):
        self.refused({"libprotocol/base/crc.c": '#include "../host/host.h"\n'},
                     "libprotocol/base may not use libprotocol/host")

    def test_upward_in_the_library_by_a_public_header(self):
        self.refused({"libprotocol/record/record-scan.c": "#include <stipple/pen.h>\n"},
                     "libprotocol/record may not use libprotocol/pen")

    def test_upward_from_a_public_header(self):
        self.refused({"libprotocol/include/stipple/crc.h": "#include <stipple/other.h>\n",
                      "libprotocol/include/stipple/other.h": "", "libprotocol/device/other.c": ""},
                     "libprotocol/base may not use libprotocol/device")

    def test_a_public_header_named_as_its_room(self):
        self.refused({"libprotocol/base/crc.c": "#include <stipple/record.h>\n"},
                     "libprotocol/base may not use libprotocol/record")

    def test_nobody_in_the_library_takes_all_of_it(self):
        self.refused({"libprotocol/host/host.h": "#include <stipple/stipple.h>\n"},
                     "libprotocol/host may not use libprotocol/include")

    def test_engines_do_not_meet(self):
        self.refused({"libprotocol/pen/pen.c": '#include "../host/host.h"\n'},
                     "libprotocol/pen may not use libprotocol/host")

    def test_a_stray_file_in_the_library(self):
        self.refused({"libprotocol/odd.c": ""}, "no room")

    def test_the_library_s_own_headers(self):
        self.refused({"daemon/link/link.c": '#include "bytes.h"\n'}, "the library's own")

    def test_upward_by_path(self):
        self.refused({"daemon/core/log.c": '#include "../link/link.h"\n'}, "may not use daemon/link")

    def test_sideways(self):
        self.refused({"daemon/store/store.c": '#  include "link.h"\n'}, "daemon/store may not use daemon/link")

    def test_cli_meets_the_daemon_at_the_bus_only(self):
        self.refused({"cli/table.c": '#include "log.h"\n'}, "cli may not use daemon/core")

    def test_nobody_includes_tests(self):
        self.refused({"tests/support/fake.h": "", "daemon/bus/bus.c": '#include "fake.h"\n'}, "daemon/bus may not use tests")

    def test_file_cycle(self):
        self.refused({"daemon/core/a.h": '#include "b.h"\n', "daemon/core/b.h": '#include "c.h"\n',
                      "daemon/core/c.h": '#include "a.h"\n'}, "includes itself", "a.h", "b.h", "c.h")

    def test_module_cycle(self):
        self.refused({"daemon/sync/a.h": "", "daemon/sync/a.c": '#include "a.h"\n#include "b.h"\n',
                      "daemon/sync/b.h": "", "daemon/sync/b.c": '#include "b.h"\n#include "a.h"\n'},
                     "module depends on itself", "daemon/sync/a", "daemon/sync/b")

    def test_glib_in_the_library(self):
        self.refused({"libprotocol/base/crc.c": "#include <glib.h>\n"}, "without GLib")

    def test_clock_in_the_library(self):
        self.refused({"libprotocol/base/crc.c": "#include <time.h>\n"}, "no clock")

    def test_sqlite_outside_the_store(self):
        self.refused({"daemon/sync/collector.c": "#include <sqlite3.h>\n"}, "daemon/store and nowhere else")

    def test_same_name_twice(self):
        self.refused({"cli/log.h": ""}, "log.h in")

    def test_long_file(self):
        self.refused({"cli/table.c": "\n" * 601}, "601 lines")

    def test_stray_code(self):
        self.refused({"common/util.c": ""}, "no room")


if __name__ == "__main__":
    unittest.main()
