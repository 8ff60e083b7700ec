#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""count-results.py LOGS STATUS: print "passed failed skipped" of a "meson test" run.

LOGS is the meson-logs directory of the build, STATUS the exit status of meson.  A
test that reports single results (TAP) counts as many as it has.  Whatever the logs
say, a run that meson calls failed has at least one failure.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as tree

BAD = {"FAIL", "TIMEOUT", "ERROR", "INTERRUPT", "UNEXPECTEDPASS"}


def count(logs, status):
    cases = failed = skipped = 0
    for case in tree.parse(logs / "testlog.junit.xml").iter("testcase"):
        cases += 1
        failed += any(case.find(tag) is not None for tag in ("failure", "error"))
        skipped += case.find("skipped") is not None
    passed = cases - failed - skipped
    # A test can fail as a whole with every result it reported good: a crash at exit.
    lines = (logs / "testlog.json").read_text().splitlines()
    bad_tests = sum(json.loads(line)["result"] in BAD for line in lines)
    return passed, max(failed, bad_tests, int(status != 0)), skipped


if __name__ == "__main__":
    print(*count(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
