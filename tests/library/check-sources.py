#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-sources.py LIBPROTOCOL: does sources.txt name every source file, each once?

A file that it does not name would be in the tree and in no build.
"""
import collections
import pathlib
import sys

PARTS = ("pen", "host", "record")


def breaches(folder):
    found, named = [], collections.Counter()
    for number, line in enumerate((folder / "sources.txt").read_text().splitlines(), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if len(words) != 2 or words[0] not in PARTS:
            found.append('line %d: "%s" is not one of %s and a file' % (number, line, ", ".join(PARTS)))
            continue
        named[words[1]] += 1
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.c")}
    there = {name for name in there if not name.startswith("examples/")}
    for name in sorted(there - set(named)):
        found.append('%s is not named; add the line "PART  %s", where PART is %s: it says what the file needs'
                     % (name, name, " or ".join(PARTS)))
    for name in sorted(set(named) - there):
        found.append("%s is named, but there is no such file" % name)
    found += ["%s is named %d times" % (name, times) for name, times in sorted(named.items()) if times > 1]
    return found


if __name__ == "__main__":
    lines = breaches(pathlib.Path(sys.argv[1]))
    for line in lines:
        print("libprotocol/sources.txt:", line)
    sys.exit(bool(lines))
